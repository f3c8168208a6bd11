/* `ferryd run`: the process that starts all others, and replaces them by a reload or when one dies
 * (SEC-62). It reads no byte that comes from the network. */
#ifndef FERRY_FERRYD_SUPERVISOR_SUPERVISOR_H
#define FERRY_FERRYD_SUPERVISOR_SUPERVISOR_H

/* Serves what the file at `path`, absolute, says, by the programs in `folder`. `ready_fd`: gets a
 * newline and is closed once the server listens; -1: none. SIGHUP reads the file again, SIGTERM and
 * SIGINT end it, a second one at once. Returns the exit status. */
int supervise(const char *path, const char *folder, int ready_fd);

#endif
