/* `ferryd run`: a plan at work, until a signal ends it. */
#ifndef FERRY_FERRYD_SERVE_H
#define FERRY_FERRYD_SERVE_H

/* Serves what the file says. `ready_fd`: gets a newline and is closed once the server listens; -1:
 * none. SIGHUP reads the file again, SIGTERM and SIGINT end it. Returns the exit status. */
int serve(const char *path, int ready_fd);

#endif
