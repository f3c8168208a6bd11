/* ferry: the client. The command line's first word chooses what it does. */
#include <stdio.h>
#include <string.h>

#include <ferry/version.h>

#include "base/compiler.h"
#include "ferry/command.h"

enum { ANY = 1 << 20 };

static const struct command commands[] = {
    {"ls", "URL...", "list directories", "", FOR_LS, 1, ANY, cmd_ls},
    {"stat", "URL...", "tell what is known of files", "", FOR_STAT, 1, ANY, cmd_stat},
    {"cat", "URL...", "write files to standard output", "", FOR_CAT, 1, ANY, cmd_cat},
    {"get", "URL...", "download",
     "A file arrives under a hidden name and takes its own only when it is whole. Files\n"
     "that exist are not replaced without --force.\n",
     FOR_GET, 1, ANY, cmd_get},
    {"put", "FILE... URL", "upload",
     "A URL that ends in / is a directory to put the files into. FILE may be -,\n"
     "standard input.\n",
     FOR_PUT, 2, ANY, cmd_put},
    {"rm", "URL...", "delete files", "", FOR_NAMES, 1, ANY, cmd_rm},
    {"mv", "URL NEWPATH", "rename",
     "NEWPATH begins with / or is relative to the login directory, as paths in URLs\n"
     "are.\n",
     FOR_NAMES, 2, 2, cmd_mv},
    {"mkdir", "URL...", "make directories", "", FOR_NAMES, 1, ANY, cmd_mkdir},
    {"rmdir", "URL...", "remove empty directories", "", FOR_NAMES, 1, ANY, cmd_rmdir},
};

static void print_help(FILE *out)
{
    fputs("Usage: ferry COMMAND [OPTION...] OPERAND...\n"
          "       ferry --version | --help\n"
          "\n"
          "Carries files over FTP sealed with TLS (RFC 4217).\n"
          "\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-6s %-12s %s\n", commands[i].name, commands[i].operands,
                commands[i].summary);
    fputs("\n"
          "ftp://[USER@]HOST[:PORT]/PATH   explicit TLS (AUTH TLS), required; port 21\n"
          "ftps://[USER@]HOST[:PORT]/PATH  TLS from the first byte; port 990\n"
          "PATH is relative to the login directory; with a second / before it, absolute.\n"
          "\n"
          "`ferry COMMAND --help` tells the options, ferry(1) all the rest.\n",
          out);
}

static void print_command_help(const struct command *command)
{
    printf("Usage: ferry %s [OPTION...] %s\n\n%s\n", command->name, command->operands,
           command->details);
    args_help(stdout, command->bit);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static enum exit_code run(const struct command *command, int argc, char **argv)
{
    struct settings settings;
    int first = 0;
    if (!args_read(argc, argv, command->bit, &settings, &first))
        return EXIT_USAGE;
    if (settings.help) {
        print_command_help(command);
        return EXIT_DONE;
    }
    int count = argc - first;
    if (count < command->least || count > command->most) {
        fprintf(stderr, "Usage: ferry %s [OPTION...] %s\n", command->name, command->operands);
        return EXIT_USAGE;
    }
    struct link link;
    enum exit_code code = link_init(&link, &settings);
    if (code == EXIT_DONE)
        code = command->run(&link, count, argv + first);
    link_fini(&link);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("ferry: standard output");
        return code == EXIT_DONE ? EXIT_LOCAL : code;
    }
    return code;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0) {
        puts("ferry " FERRY_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    const struct command *command = find_command(word);
    if (command)
        return (int)run(command, argc - 1, argv + 1);
    if (*word)
        fprintf(stderr, "ferry: there is no command %s\n", word);
    print_help(stderr);
    return EXIT_USAGE;
}
