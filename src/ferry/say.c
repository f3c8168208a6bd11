/* Words for the user on standard error. */
#include "ferry/say.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum { LINE_BYTES = 2048 };

void say(const char *format, ...)
{
    char line[LINE_BYTES];
    char visible[2 * LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    text_visible_into(visible, sizeof(visible), bytes_str(line));
    fprintf(stderr, "ferry: %s\n", visible);
}

void say_failure(const struct ferry_failure *failure)
{
    const char *what = failure->what[0] ? failure->what : ferry_error_name(failure->kind);
    fprintf(stderr, "ferry: %s\n", what);
    if (failure->peer_said[0] && failure->reply != 0)
        fprintf(stderr, "  the server said: %d %s\n", failure->reply, failure->peer_said);
    else if (failure->peer_said[0])
        fprintf(stderr, "  the server said: %s\n", failure->peer_said);
    if (failure->advice[0])
        fprintf(stderr, "  %s\n", failure->advice);
}
