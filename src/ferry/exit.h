/* What `ferry` exits with; documented in ferry(1). */
#ifndef FERRY_FERRY_EXIT_H
#define FERRY_FERRY_EXIT_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_SOME_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CONNECT = 3,
    EXIT_TLS = 4,
    EXIT_LOGIN = 5,
    EXIT_REFUSED = 6,
    EXIT_CUT = 7,
    EXIT_LOCAL = 8,
    EXIT_INTERRUPTED = 130,
};

#endif
