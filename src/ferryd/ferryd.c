/* ferryd: the server. The command line's first word chooses what it does. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <ferry/version.h>

#include "base/compiler.h"
#include "ferryd/command.h"

static const struct ferryd_command commands[] = {
    {"run", "serve what a configuration file says", run_run},
    {"check", "tell every mistake in a configuration file", check_run},
    {"config", "print what holds, with defaults and where each value is set", config_run},
    {"hash", "make a password_hash of a password read from standard input", hash_run},
    {"demo", "serve a directory at once, with a certificate and an account made up", demo_run},
};

static void print_help(FILE *out)
{
    fputs("Usage: ferryd COMMAND [OPTION...]\n"
          "       ferryd --version | --help\n"
          "\n"
          "The FTP server of Ferry: files over TLS (RFC 4217).\n"
          "\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-6s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`ferryd COMMAND --help` tells more.\n", out);
}

static const struct ferryd_command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* A session takes two descriptors and a transfer two more: the soft limit is often 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0) {
        puts("ferryd " FERRY_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    const struct ferryd_command *command = find_command(word);
    if (command) {
        raise_descriptor_limit();
        return command->run(argc - 1, argv + 1);
    }
    if (*word)
        fprintf(stderr, "ferryd: there is no command %s\n", word);
    print_help(stderr);
    return EXIT_USAGE;
}
