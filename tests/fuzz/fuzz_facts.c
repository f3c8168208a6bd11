/* ftp/facts (SEC-95): any bytes as a line of MLST, the argument of OPTS MLST and of MFMT, and as a
 * reply with a time in it. */
#include "fuzz/fuzz.h"

#include "ftp/facts.h"

/* A line that was read is written, and read again as the same. */
static void check_line(struct bytes in)
{
    struct listing_entry entry;
    struct listing_entry back;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, in.len + 1024);
    if (facts_parse(in, &entry) != FERRY_OK ||
        facts_format(&out, &entry, FACTS_ALL) == FERRY_E_ARGUMENT)
        return;
    must(facts_parse(buf_view(&out), &back) == FERRY_OK);
    must(bytes_equal(entry.name, back.name));
    must(entry.type == back.type);
    must(entry.modified.seconds == back.modified.seconds);
    must(entry.has_mode == back.has_mode && entry.mode == back.mode);
    must(back.size_kind == LISTING_SIZE_UNKNOWN || back.size == entry.size);
}

static void check_selection(struct bytes in)
{
    unsigned facts;
    unsigned again;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 1024);
    if (facts_select(in, FACTS_ALL, &facts) != FERRY_OK)
        return;
    must((facts & ~(unsigned)FACTS_ALL) == 0);
    must(facts_names(&out, facts) == FERRY_OK);
    must(facts_select(buf_view(&out), FACTS_ALL, &again) == FERRY_OK && again == facts);
}

static void check_time(struct bytes in)
{
    struct timeval_utc time;
    struct timeval_utc again;
    struct bytes path;
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 64);
    if (timeval_find(in, &time) == FERRY_OK) {
        must(timeval_format(&out, &time) == FERRY_OK);
        must(timeval_parse(buf_view(&out), &again) == FERRY_OK);
        must(again.seconds == time.seconds && again.precision == time.precision);
    }
    if (facts_parse_mfmt(in, &time, &path) == FERRY_OK)
        must(path.len > 0 && path.len < in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    check_line(in);
    check_selection(in);
    check_time(in);
    return 0;
}
