/* ftp/reply (SEC-95): any bytes as a reply, whole and in pieces; any bytes as the text of one. */
#include "base/buf.h"
#include "ftp/feature.h"
#include "ftp/reply.h"
#include "fuzz/fuzz.h"

/* The same outcome, however much of the reply is there at a time. */
static void check_pieces(struct bytes in, enum ferry_error whole_error, size_t whole_used)
{
    struct reply_scan scan = {0};
    struct reply reply;
    size_t used = 0;
    enum ferry_error error = FERRY_OK;
    for (size_t len = 0; len <= in.len && used == 0 && error == FERRY_OK; len++)
        error = reply_scan(&scan, bytes_first(in, len), &reply, &used);
    must(error == whole_error || (used > 0 && used == whole_used));
    must(used == whole_used);
    if (error == FERRY_OK && used == 0 && scan.other_code != 0) {
        reply_scan_end(&scan, in, &reply, &used);
        must(used > 0 && used <= in.len && reply.text.len <= used);
    }
}

static void check_parse(struct bytes in)
{
    struct reply reply;
    size_t used;
    enum ferry_error error = reply_parse(in, &reply, &used);
    must(error == FERRY_OK || error == FERRY_E_PROTOCOL || error == FERRY_E_LIMIT);
    check_pieces(in, error, used);
    if (error != FERRY_OK || used == 0)
        return;
    must(used <= in.len && in.ptr[used - 1] == '\n');
    must(reply.code >= 100 && reply.code < 700);
    must(reply.text.ptr >= in.ptr && reply.text.ptr + reply.text.len < in.ptr + used);
    must(reply.multi || bytes_find(reply.text, '\n') == reply.text.len);
    feature_parse(reply.text);
    struct bytes line;
    for (struct bytes text = reply.text; reply_next_line(&text, &line);)
        must(bytes_find(line, '\n') == line.len);
}

/* What a server says is one reply, whatever the text. */
static void check_format(struct bytes text)
{
    static const enum reply_words kinds[] = {REPLY_WORDS, REPLY_NAMES};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        CLEANUP(buf_fini) struct buf out;
        buf_init(&out, 64 * 1024);
        must(reply_format_first(&out, 250, text) == FERRY_OK);
        must(reply_format_inner(&out, kinds[i], text) == FERRY_OK);
        must(reply_format(&out, 250, kinds[i], text) == FERRY_OK);
        struct reply reply;
        size_t used;
        must(reply_parse(buf_view(&out), &reply, &used) == FERRY_OK);
        must(used == buf_len(&out) && reply.multi && reply.code == 250);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    check_parse(in);
    if (size <= 4096)
        check_format(in);
    return 0;
}
