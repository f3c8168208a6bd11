/* Replies: parsed for the client, formatted for the server. */
#include "ftp/reply.h"

#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "base/utf8.h"
#include "ftp/telnet.h"

static const struct {
    int code;
    enum ferry_error failure;
    const char *text;
} codes[] = {
#define CODE(number, kind, words) {.code = (number), .failure = (kind), .text = (words)},
#include "ftp/codes.def"
#undef CODE
};

/* The code that `line` begins with, or 0: three digits, the first 1 to 6 (FTP-9). */
static int parse_code(struct bytes line)
{
    uint64_t code;
    if (line.len < 3 || !text_u64(bytes_first(line, 3), 699, &code) || code < 100)
        return 0;
    return (int)code;
}

/* Whether `start`, the beginning of a line, can still become a code: tells at once a peer that does
 * not speak FTP, however long its line is. */
static bool may_be_code(struct bytes start)
{
    for (size_t i = 0; i < start.len && i < 3; i++) {
        if (!text_is_digit(start.ptr[i]))
            return false;
    }
    return true;
}

/* What stands behind the code: ' ' or nothing is the last line, '-' is not. */
static bool ends_reply(struct bytes line)
{
    return line.len == 3 || line.ptr[3] == ' ';
}

static struct bytes without_cr(struct bytes line)
{
    bool has_cr = line.len > 0 && line.ptr[line.len - 1] == '\r';
    return bytes_first(line, has_cr ? line.len - 1 : line.len);
}

/* Sets `*out` to the reply that ends where `last`, its last line, does. */
static void finish(const struct reply_scan *scan, struct bytes in, struct bytes last,
                   struct reply *out)
{
    size_t end = (size_t)(last.ptr - in.ptr) + last.len;
    size_t start = scan->text_at < end ? scan->text_at : end;
    *out = (struct reply){
        .code = scan->code,
        .multi = scan->lines > 1,
        .text = bytes_first(bytes_skip(in, start), end - start),
    };
}

/* Looks at one whole line. *ends: it is the reply's last. */
static enum ferry_error take_line(struct reply_scan *scan, struct bytes line, bool *ends)
{
    int code = parse_code(line);
    *ends = false;
    if (++scan->lines > REPLY_MAX_LINES)
        return FERRY_E_LIMIT;
    if (scan->code == 0) {
        if (code == 0 || (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-'))
            return FERRY_E_PROTOCOL;
        scan->code = code;
        scan->text_at = scan->line_at + 4;
        *ends = ends_reply(line);
        return FERRY_OK;
    }
    bool looks_like_end = code != 0 && ends_reply(line);
    *ends = looks_like_end && code == scan->code;
    scan->other_code = looks_like_end && !*ends ? code : 0;
    return FERRY_OK;
}

enum ferry_error reply_scan(struct reply_scan *scan, struct bytes in, struct reply *out,
                            size_t *used)
{
    *used = 0;
    for (;;) {
        struct bytes fresh = bytes_skip(in, scan->looked);
        size_t found = bytes_find(fresh, '\n');
        struct bytes line = bytes_skip(in, scan->line_at);
        line.len -= fresh.len - found;
        if (line.len > REPLY_LINE_MAX_BYTES || in.len - fresh.len + found >= REPLY_MAX_BYTES)
            return FERRY_E_LIMIT;
        if (scan->code == 0 && !may_be_code(line))
            return FERRY_E_PROTOCOL;
        if (found == fresh.len) {
            scan->looked = in.len;
            return FERRY_OK;
        }

        bool ends;
        line = without_cr(line);
        enum ferry_error error = take_line(scan, line, &ends);
        if (error != FERRY_OK)
            return error;
        scan->looked += found + 1;
        scan->line_at = scan->looked;
        if (ends) {
            finish(scan, in, line, out);
            *used = scan->looked;
            return FERRY_OK;
        }
    }
}

void reply_scan_end(const struct reply_scan *scan, struct bytes in, struct reply *out, size_t *used)
{
    struct bytes last = without_cr(bytes_first(in, scan->line_at - 1));
    finish(scan, in, last, out);
    *used = scan->line_at;
}

enum ferry_error reply_parse(struct bytes in, struct reply *out, size_t *used)
{
    struct reply_scan scan = {0};
    return reply_scan(&scan, in, out, used);
}

bool reply_next_line(struct bytes *text, struct bytes *line)
{
    if (text->len == 0)
        return false;
    *line = without_cr(bytes_cut(text, '\n'));
    return true;
}

enum ferry_error reply_failure(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].code == code && codes[i].failure != FERRY_OK)
            return codes[i].failure;
    }
    switch (code / 100) {
    case 4:
        return FERRY_E_TEMPORARY;
    case 5:
        return FERRY_E_REFUSED;
    default:
        return FERRY_E_PROTOCOL;
    }
}

const char *reply_stock_text(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].code == code)
            return codes[i].text;
    }
    return "";
}

/* The first characters of `text` that fit into `max` bytes. */
static struct bytes cut_between_characters(struct bytes text, size_t max)
{
    if (text.len <= max)
        return text;
    struct bytes rest = text;
    size_t fits;
    do {
        fits = text.len - rest.len;
        utf8_next(&rest);
    } while (text.len - rest.len <= max);
    return bytes_first(text, fits);
}

static bool is_unfit(char c, enum reply_words words)
{
    return words == REPLY_WORDS ? text_is_control(c) : c == '\n' || c == '\0';
}

/* Appends `prefix`, `text` and CRLF; nothing of it if there is no room. */
static enum ferry_error append_line(struct buf *out, const char *prefix, enum reply_words words,
                                    struct bytes text)
{
    if (words == REPLY_WORDS)
        text = cut_between_characters(text, REPLY_TEXT_MAX_BYTES);
    struct bytes head = bytes_str(prefix);
    char *space;
    enum ferry_error error = buf_reserve(out, head.len + 2 * text.len + 2, &space);
    if (error != FERRY_OK)
        return error;

    char *at = space;
    memcpy(at, head.ptr, head.len);
    at += head.len;
    for (size_t i = 0; i < text.len; i++) {
        char c = is_unfit(text.ptr[i], words) ? '?' : text.ptr[i];
        at = telnet_encode(at, bytes_of(&c, 1));
    }
    *at++ = '\r';
    *at++ = '\n';
    buf_commit(out, (size_t)(at - space));
    return FERRY_OK;
}

enum ferry_error reply_format(struct buf *out, int code, enum reply_words words, struct bytes text)
{
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "%d ", code);
    return append_line(out, prefix, words, text);
}

enum ferry_error reply_format_first(struct buf *out, int code, struct bytes text)
{
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "%d-", code);
    return append_line(out, prefix, REPLY_WORDS, text);
}

enum ferry_error reply_format_inner(struct buf *out, enum reply_words words, struct bytes text)
{
    return append_line(out, " ", words, text);
}
