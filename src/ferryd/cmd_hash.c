/* `ferryd hash`: a password to what ferryd.conf keeps of it. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "ferryd/command.h"
#include "ferryd/password_hash.h"

static const char help[] = "Usage: ferryd hash\n"
                           "\n"
                           "Reads a password, one line, from standard input and prints a\n"
                           "password_hash for an account block of ferryd.conf.\n";

enum { LINE_BYTES = 1024 };

/* At a terminal it asks, and what is typed is not shown. */
static bool read_line(char out[LINE_BYTES])
{
    struct termios before;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fputs("Password: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool got = fgets(out, LINE_BYTES, stdin);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return got;
}

static int print_hash(const char *password)
{
    char hash[PASSWORD_HASH_BYTES];
    enum ferry_error error = password_hash_make(bytes_str(password), hash);
    if (error == FERRY_OK)
        return puts(hash) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : EXIT_DONE;
    fputs(error == FERRY_E_ARGUMENT ? "ferryd hash: the password is too long\n"
                                    : "ferryd hash: this system cannot make a yescrypt hash\n",
          stderr);
    return EXIT_FAILED;
}

int hash_run(int argc, char **argv)
{
    if (argc > 1) {
        bool asked = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        fputs(help, asked ? stdout : stderr);
        return asked ? EXIT_DONE : EXIT_USAGE;
    }
    char line[LINE_BYTES];
    setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the password stays in a buffer */
    bool got = read_line(line);
    if (got)
        line[strcspn(line, "\r\n")] = '\0';
    if (!got || !line[0]) {
        fputs("ferryd hash: no password came\n", stderr);
        return EXIT_FAILED;
    }
    int status = print_hash(line);
    secret_wipe(line, sizeof(line));
    return status;
}
