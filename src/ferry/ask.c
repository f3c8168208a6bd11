/* A question on the terminal whose answer is not shown. */
#include "ferry/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"

/* Writes the question. What cannot be written is not missed by more than the user's eyes. */
static void show(int fd, const char *text)
{
    ssize_t written = write(fd, text, bytes_str(text).len);
    (void)written;
}

/* Reads one line without its end. false: interrupted, or nothing came. */
static bool read_line(int fd, char *line, size_t size, size_t *len)
{
    *len = 0;
    while (*len < size) {
        ssize_t got = read(fd, line + *len, 1);
        if (got <= 0)
            return false;
        if (line[*len] == '\n')
            return true;
        (*len)++;
    }
    return false;
}

bool ask_password(const char *user, const char *host, struct secret **out)
{
    CLEANUP(fd_close) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios shown;
    if (fd < 0 || tcgetattr(fd, &shown) < 0)
        return false;
    char visible_user[256];
    char visible_host[256];
    char question[600];
    text_visible_into(visible_user, sizeof(visible_user), bytes_str(user));
    text_visible_into(visible_host, sizeof(visible_host), bytes_str(host));
    snprintf(question, sizeof(question), "Password of %s at %s: ", visible_user, visible_host);
    show(fd, question);

    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ICANON | ISIG;
    char line[SECRET_MAX_BYTES];
    size_t len = 0;
    bool answered =
        tcsetattr(fd, TCSAFLUSH, &hidden) == 0 && read_line(fd, line, sizeof(line), &len);
    tcsetattr(fd, TCSAFLUSH, &shown);
    show(fd, "\n");
    answered = answered && secret_new(bytes_of(line, len), out) == FERRY_OK;
    secret_wipe(line, sizeof(line));
    return answered;
}
