/* Lines of LIST, NLST and MLSD as the server sends them. */
#include "ftp/listing_write.h"

#include <stdio.h>

#include "ftp/facts.h"

enum {
    LINE_MAX_BYTES = 16384, /* the longest: name and target of 4096 bytes each, and facts */
    RECENT_PAST_SECONDS = 180 * TIMEVAL_DAY_SECONDS,
    NEAR_FUTURE_SECONDS = TIMEVAL_DAY_SECONDS,
    MODE_TEXT_BYTES = 11,
    DATE_TEXT_BYTES = 32,
};

/* By enum listing_type; what has no letter of its own is shown as a file. */
static const char type_letters[] = {
    [LISTING_OTHER] = '-', [LISTING_FILE] = '-', [LISTING_DIR] = 'd',    [LISTING_LINK] = 'l',
    [LISTING_BLOCK] = 'b', [LISTING_CHAR] = 'c', [LISTING_FIFO] = 'p',   [LISTING_SOCK] = 's',
    [LISTING_CDIR] = 'd',  [LISTING_PDIR] = 'd', [LISTING_MEMBER] = '-', [LISTING_JOB] = '-',
};

/* Without set-id and sticky bits (LST-84); a link's own are of no use. */
static void mode_text(const struct listing_entry *entry, char out[MODE_TEXT_BYTES])
{
    unsigned mode = entry->type == LISTING_LINK ? 0777 : entry->mode;
    out[0] = type_letters[entry->type];
    for (unsigned i = 0; i < 9; i++)
        out[1 + i] = mode & (0400u >> i) ? "rwxrwxrwx"[i] : '-';
    out[10] = '\0';
}

/* LST-81 */
static void date_text(const struct timeval_utc *time, int64_t now_seconds,
                      char out[DATE_TEXT_BYTES])
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct timeval_civil civil;
    if (time->precision == TIMEVAL_NONE || time->seconds < 0 || !timeval_to_civil(time, &civil))
        civil = (struct timeval_civil){.year = 1970, .month = 1, .day = 1};
    bool recent = time->precision != TIMEVAL_NONE &&
                  time->seconds >= now_seconds - RECENT_PAST_SECONDS &&
                  time->seconds <= now_seconds + NEAR_FUTURE_SECONDS;
    const char *month = months[civil.month - 1];
    if (recent)
        snprintf(out, DATE_TEXT_BYTES, "%s %2d %02d:%02d", month, civil.day, civil.hour,
                 civil.minute);
    else
        snprintf(out, DATE_TEXT_BYTES, "%s %2d  %04d", month, civil.day, civil.year);
}

/* A line cannot carry it (LST-86). */
static bool breaks_line(struct bytes in)
{
    return bytes_find(in, '\n') < in.len || bytes_find(in, '\0') < in.len;
}

static struct bytes or_ftp(struct bytes name)
{
    return name.len > 0 ? name : BYTES_LIT("ftp");
}

enum ferry_error listing_write_list(struct buf *out, const struct listing_entry *entry,
                                    int64_t now_seconds)
{
    struct bytes arrow = {0};
    struct bytes target = {0};
    if (entry->type == LISTING_LINK && entry->target.len > 0) {
        arrow = BYTES_LIT(" -> ");
        target = entry->target;
    }
    if (breaks_line(entry->name) || breaks_line(target))
        return FERRY_E_ARGUMENT;

    char mode[MODE_TEXT_BYTES];
    char date[DATE_TEXT_BYTES];
    mode_text(entry, mode);
    date_text(&entry->modified, now_seconds, date);
    bool directory = type_letters[entry->type] == 'd';
    unsigned long long size =
        entry->size_kind == LISTING_SIZE_EXACT && !directory ? entry->size : 0; /* LST-83 */
    return buf_printf(out, "%s %4u %-8.*s %-8.*s %8llu %s %.*s%.*s%.*s\r\n", mode, 1u,
                      BYTES_FMT(or_ftp(entry->owner)), BYTES_FMT(or_ftp(entry->group)), size, date,
                      BYTES_FMT(entry->name), BYTES_FMT(arrow), BYTES_FMT(target));
}

enum ferry_error listing_write_name(struct buf *out, struct bytes prefix,
                                    const struct listing_entry *entry)
{
    if (breaks_line(prefix) || breaks_line(entry->name))
        return FERRY_E_ARGUMENT;
    return buf_printf(out, "%.*s%.*s\r\n", BYTES_FMT(prefix), BYTES_FMT(entry->name));
}

enum ferry_error listing_write_mlsd(struct buf *out, const struct listing_entry *entry,
                                    unsigned facts)
{
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    enum ferry_error error = facts_format(&line, entry, facts);
    if (error == FERRY_OK)
        error = buf_append(&line, BYTES_LIT("\r\n"));
    return error == FERRY_OK ? buf_append(out, buf_view(&line)) : error;
}
