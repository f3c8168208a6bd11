/* Lines of xferlog(5). */
#include "server/xferlog.h"

#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"

/* One word: a reader splits the line at blanks. */
static enum ferry_error append_word(struct buf *out, const char *text)
{
    struct bytes rest = bytes_str(text && text[0] ? text : "_");
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && rest.len > 0) {
        struct bytes next = rest;
        (void)utf8_next(&rest);
        next.len -= rest.len;
        bool plain = next.ptr[0] != ' ' && text_is_visible(next);
        error = buf_append(out, plain ? next : BYTES_LIT("_"));
    }
    return error;
}

/* As ctime(3) has it: English, local time. */
static enum ferry_error append_time(struct buf *out, int64_t wall_ns)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(wall_ns / (int64_t)CLOCK_NS_PER_S);
    struct tm local;
    localtime_r(&seconds, &local);
    return buf_printf(out, "%.3s %.3s %2d %02d:%02d:%02d %d", days + 3 * (size_t)local.tm_wday,
                      months + 3 * (size_t)local.tm_mon, local.tm_mday, local.tm_hour, local.tm_min,
                      local.tm_sec, local.tm_year + 1900);
}

enum ferry_error xferlog_line(struct buf *out, const struct xferlog_entry *entry)
{
    static const char directions[] = {'o', 'i', 'd'};
    char peer[ADDRESS_TEXT_BYTES];
    address_text(entry->peer, peer);
    uint64_t seconds = (entry->took_ns + CLOCK_NS_PER_S - 1) / CLOCK_NS_PER_S; /* 0 divides badly */
    enum ferry_error error = append_time(out, entry->wall_ns);
    if (error == FERRY_OK)
        error = buf_printf(out, " %llu %s %llu ", (unsigned long long)(seconds ? seconds : 1), peer,
                           (unsigned long long)entry->bytes);
    if (error == FERRY_OK)
        error = append_word(out, entry->path);
    if (error == FERRY_OK)
        error = buf_printf(out, " %c %c %c r ", entry->ascii ? 'a' : 'b',
                           entry->compressed ? 'C' : '_', directions[entry->direction]);
    if (error == FERRY_OK)
        error = append_word(out, entry->account);
    return error == FERRY_OK ? buf_printf(out, " %s 0 * %c", entry->sealed ? "ftps" : "ftp",
                                          entry->complete ? 'c' : 'i')
                             : error;
}
