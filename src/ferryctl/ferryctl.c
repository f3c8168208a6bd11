/* ferryctl: what an operator does daily. The first word chooses what is dealt with. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <ferry/version.h>

#include "ferryctl/command.h"

static void print_help(FILE *out)
{
    fputs(operate_help, out);
    fputs("\n"
          "       ferryctl account WORD [NAME] [ARGUMENT...]\n"
          "       ferryctl --version | --help\n"
          "\n"
          "`ferryctl account --help` tells more of accounts.\n",
          out);
}

int say_fault(const struct fault *fault)
{
    fprintf(stderr, "ferryctl: %s\n", fault->what);
    if (fault->advice[0])
        fprintf(stderr, "ferryctl: %s\n", fault->advice);
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    umask(077); /* the accounts are for nobody else to read */
    if (strcmp(word, "account") == 0)
        return account_run(argc - 1, argv + 1);
    if (strcmp(word, "group") == 0)
        return group_run(argc - 1, argv + 1);
    if (strcmp(word, "template") == 0)
        return template_run(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0) {
        puts("ferryctl " FERRY_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (*word && *word != '-')
        return operate_run(argc - 1, argv + 1);
    print_help(stderr);
    return EXIT_USAGE;
}
