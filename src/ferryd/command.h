/* The commands of ferryd: each is given what follows `ferryd` on the command line, itself first,
 * and returns the exit status. */
#ifndef FERRY_FERRYD_COMMAND_H
#define FERRY_FERRYD_COMMAND_H

enum ferryd_exit { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef int ferryd_run_fn(int argc, char **argv);

struct ferryd_command {
    const char *name;
    const char *summary;
    ferryd_run_fn *run;
};

ferryd_run_fn demo_run;
ferryd_run_fn run_run;
ferryd_run_fn check_run;
ferryd_run_fn config_run;
ferryd_run_fn hash_run;

#endif
