/* The paths and TCP ports that remain to a process, by Landlock (SEC-67). All else is denied for
 * good: opening a path, TCP connect and bind, abstract sockets and signals of other processes, each
 * as far as the kernel knows it. Descriptors that are open already go on working. */
#ifndef FERRY_PROC_LANDLOCK_H
#define FERRY_PROC_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ferry/error.h"

/* What may be done with a file, or beneath a folder. */
enum {
    LANDLOCK_MAY_READ = 1 << 0,    /* read files, list folders */
    LANDLOCK_MAY_WRITE = 1 << 1,   /* write, make, rename and remove files and folders */
    LANDLOCK_MAY_EXECUTE = 1 << 2, /* run programs */
};

struct landlock_path {
    int fd;          /* an O_PATH descriptor will do; may be closed afterwards */
    unsigned rights; /* LANDLOCK_MAY_ bits */
};

/* Ports, both ends included; {0, UINT16_MAX} is any, {0, 0} one that the kernel chooses. */
struct landlock_ports {
    uint16_t first, last;
};

/* All zero: nothing. */
struct landlock_rules {
    const struct landlock_path *paths;
    size_t path_count;
    const struct landlock_ports *connect, *bind; /* TCP */
    size_t connect_count, bind_count;
};

/* What came of it, for the log. */
struct landlock_report {
    int abi;           /* the kernel's Landlock version; 0: it has none */
    char missing[128]; /* what was not possible, in words; "" if nothing */
};

/* Binds the calling thread and the threads and processes that it starts from now on: call it before
 * there are others. Needs no_new_privs (privs_enter).
 * An older kernel is no failure: the report says what is missing.
 * FERRY_E_ARGUMENT: a path's descriptor is none. FERRY_E_DENIED: the kernel refused. */
NODISCARD enum ferry_error landlock_enter(const struct landlock_rules *rules,
                                          struct landlock_report *report, struct fault *fault);

/* As landlock_enter, on a kernel of version `abi` at most: for tests. */
NODISCARD enum ferry_error landlock_enter_abi(const struct landlock_rules *rules, int abi,
                                              struct landlock_report *report, struct fault *fault);

#endif
