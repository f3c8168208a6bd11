/* A password from whoever runs the program. */
#include "ferryctl/ask.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"

enum { LINE_BYTES = 1024 };

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
    out[got ? strcspn(out, "\r\n") : 0] = '\0';
    return got && out[0];
}

enum ferry_error ask_password_hash(char out[PASSWORD_HASH_BYTES], struct fault *fault)
{
    char line[LINE_BYTES] = "";
    setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the password stays in a buffer */
    if (!read_line(line))
        return fault_set(fault, FERRY_E_ARGUMENT, "no password came");
    enum ferry_error error = password_hash(bytes_str(line), out);
    secret_wipe(line, sizeof(line));
    if (error == FERRY_OK)
        return FERRY_OK;
    return fault_set(fault, error,
                     error == FERRY_E_ARGUMENT ? "the password is too long"
                                               : "this system cannot make a yescrypt hash");
}
