/* The words of ferryctl: each is given what follows it on the command line, itself first, and
 * returns the exit status. */
#ifndef FERRY_FERRYCTL_COMMAND_H
#define FERRY_FERRYCTL_COMMAND_H

#include "base/fault.h"

enum ferryctl_exit { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int account_run(int argc, char **argv);
int group_run(int argc, char **argv);
int template_run(int argc, char **argv);

/* status, sessions, kick, reload, drain, bans, accounts, log. */
int operate_run(int argc, char **argv);
extern const char operate_help[];

/* Says on standard error what failed and what to do. Returns EXIT_FAILED. */
int say_fault(const struct fault *fault);

#endif
