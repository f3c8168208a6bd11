/* `ferryd check`: every mistake in a configuration file, and in what it names. */
#include "ferryd/command.h"
#include "ferryd/plan.h"
#include "ferryd/say.h"

static const char help[] = "Usage: ferryd check [-c FILE]\n"
                           "\n"
                           "Reads FILE (" SETTINGS_FILE_DEFAULT
                           ") and all that it names, and tells every mistake with file and\n"
                           "line. Nothing is served or changed.\n";

static int check_file(const char *file)
{
    struct loop *loop = loop_new();
    struct plan *plan = NULL;
    if (!loop || plan_make(loop, file, &plan) != FERRY_OK) {
        loop_free(loop);
        fputs("ferryd check: memory is short\n", stderr);
        return EXIT_FAILED;
    }
    unsigned count = plan->conf->check.count;
    say_mistakes(stdout, plan->conf);
    plan_free(plan);
    loop_free(loop);
    if (count == 0)
        printf("%s: no mistake\n", file);
    else
        printf("%u %s\n", count, count == 1 ? "mistake" : "mistakes");
    return count == 0 ? EXIT_DONE : EXIT_FAILED;
}

int check_run(int argc, char **argv)
{
    int status;
    const char *file = say_file_option(argc, argv, help, &status);
    return file ? check_file(file) : status;
}
