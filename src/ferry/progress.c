/* A line on the terminal that shows how far a transfer is. */
#include "ferry/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"

enum { NUMBERS_BYTES = 96, COLUMNS_WITHOUT_TERMINAL = 80, NAME_COLUMNS_MIN = 8 };

void progress_init(struct progress *progress, const struct settings *settings)
{
    *progress = (struct progress){
        .on =
            isatty(STDERR_FILENO) && !settings->quiet && !settings->json && settings->verbose == 0,
    };
}

void progress_begin(struct progress *progress, const char *name)
{
    text_visible_into(progress->name, sizeof(progress->name), bytes_str(name));
    progress->began_ns = 0;
    progress->drawn = false;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS_WITHOUT_TERMINAL;
}

/* "12.3 MB" */
static void size_text(double bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
        bytes /= 1000;
        unit++;
    }
    snprintf(out, size, "%.*f %s", unit > 0 && bytes < 99.95 ? 1 : 0, bytes, units[unit]);
}

/* "3:07", "1:02:07" */
static void duration_text(double seconds, char *out, size_t size)
{
    if (seconds > 360000) {
        snprintf(out, size, "--:--");
        return;
    }
    unsigned whole = (unsigned)(seconds + 0.5);
    unsigned hours = whole / 3600;
    if (hours > 0)
        snprintf(out, size, "%u:%02u:%02u", hours, whole / 60 % 60, whole % 60);
    else
        snprintf(out, size, "%u:%02u", whole / 60, whole % 60);
}

static void numbers_text(const struct progress *progress, uint64_t bytes, int64_t total_bytes,
                         char out[static NUMBERS_BYTES])
{
    double seconds =
        (double)(clock_monotonic_ns(&clock_system) - progress->began_ns) / (double)CLOCK_NS_PER_S;
    double rate = seconds > 0.2 ? (double)(bytes - progress->began_bytes) / seconds : 0;
    char amount[24];
    char speed[24];
    size_text((double)bytes, amount, sizeof(amount));
    size_text(rate, speed, sizeof(speed));
    if (total_bytes < 0) {
        snprintf(out, NUMBERS_BYTES, "%10s %10s/s", amount, speed);
        return;
    }
    char left[24] = "--:--";
    double percent = total_bytes > 0 ? 100 * (double)bytes / (double)total_bytes : 100;
    if (rate > 0)
        duration_text(((double)total_bytes - (double)bytes) / rate, left, sizeof(left));
    snprintf(out, NUMBERS_BYTES, "%3.0f%% %10s %10s/s %8s left", percent, amount, speed, left);
}

/* The first characters of `text` that fit into `columns`. */
static struct bytes fit(struct bytes text, size_t columns)
{
    struct bytes rest = text;
    size_t fits = 0;
    while (rest.len > 0) {
        utf8_next(&rest);
        if (utf8_columns(bytes_first(text, text.len - rest.len)) > columns)
            break;
        fits = text.len - rest.len;
    }
    return bytes_first(text, fits);
}

bool progress_show(void *ctx, uint64_t bytes, int64_t total_bytes)
{
    struct progress *progress = ctx;
    if (!progress->on)
        return true;
    if (progress->began_ns == 0) {
        progress->began_ns = clock_monotonic_ns(&clock_system);
        progress->began_bytes = bytes;
    }
    char numbers[NUMBERS_BYTES];
    numbers_text(progress, bytes, total_bytes, numbers);
    size_t columns = terminal_columns();
    size_t used = bytes_str(numbers).len + 2;
    size_t name_columns = columns > used + NAME_COLUMNS_MIN ? columns - used : NAME_COLUMNS_MIN;
    struct bytes name = fit(bytes_str(progress->name), name_columns);
    size_t padding = name_columns - utf8_columns(name);
    fprintf(stderr, "\r%.*s%*s %s", BYTES_FMT(name), (int)padding, "", numbers);
    progress->drawn = true;
    return true;
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\x1b[K", stderr);
    progress->drawn = false;
}
