/* The server-PI's replies: the only writers of its output. */
#include "ftp/server_pi_private.h"

#include <assert.h>

#include "ftp/path.h"
#include "ftp/reply.h"

enum {
    TEXT_MAX_BYTES = 4 * PATH_MAX_BYTES,
    ENCODED_MAX_BYTES = 2 * TEXT_MAX_BYTES,
    MARKS_UNREAD_BYTES = 16 * 1024, /* of replies that wait: no marks beside them */
};

void server_pi_written(struct server_pi *pi, enum ferry_error error)
{
    if (error == FERRY_E_LIMIT)
        server_pi_fail(pi, error, "the client does not read its replies");
    else if (error != FERRY_OK)
        server_pi_fail(pi, error, "no memory for a reply");
}

/* A 257 is read by programs, the rest by people. */
static enum reply_words words_of(int code)
{
    return code == 257 ? REPLY_NAMES : REPLY_WORDS;
}

static void say(struct server_pi *pi, int code, const char *format, va_list args) PRINTF_LIKE(3, 0);

static void say(struct server_pi *pi, int code, const char *format, va_list args)
{
    CLEANUP(buf_fini) struct buf text;
    CLEANUP(buf_fini) struct buf encoded;
    buf_init(&text, TEXT_MAX_BYTES);
    buf_init(&encoded, ENCODED_MAX_BYTES);
    enum ferry_error error = buf_vprintf(&text, format, args);
    struct bytes words = buf_view(&text);
    if (error == FERRY_OK)
        error = server_pi_to_client(pi, &words, &encoded);
    if (error == FERRY_OK)
        error = reply_format(&pi->output, code, words_of(code), words);
    server_pi_written(pi, error);
}

void server_pi_say(struct server_pi *pi, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(pi, code, format, args);
    va_end(args);
}

void server_pi_close_421(struct server_pi *pi, enum ferry_error kind, const char *why)
{
    fault_set(&pi->fault, kind, "%s", why);
    server_pi_say(pi, 421, "%s.", why);
    server_pi_close(pi);
}

static bool is_open(const struct server_pi *pi)
{
    return pi->phase == PI_PHASE_OPEN;
}

static bool is_active(enum verb verb)
{
    return verb == VERB_PORT || verb == VERB_EPRT;
}

/* What a final reply to a command does to the session. */
static void learn(struct server_pi *pi, int code)
{
    if (pi->verb == VERB_RNTO)
        buf_fini(&pi->rename_from);
    if (pi->verb == VERB_RNFR && code == 350)
        server_pi_written(pi, buf_append(&pi->rename_from, buf_view(&pi->path)));
    if (code == 227 || code == 229 || (code == 200 && is_active(pi->verb)))
        pi->cpsv = pi->verb == VERB_CPSV;
    if (pi->verb == VERB_SITE) /* only CPFR has a 350 */
        buf_fini(&pi->copy_from);
    if (pi->verb == VERB_SITE && code == 350)
        server_pi_written(pi, buf_append(&pi->copy_from, buf_view(&pi->path)));
    if (pi->verb == VERB_USER && code == 232)
        pi->pass_spare = true;
    if (pi->verb == VERB_HOST && code == 220)
        pi->login = PI_LOGIN_NONE; /* a USER was another host's (TLS-143) */
    if (pi->verb == VERB_REIN && code == 220) {
        bool sealed = pi->security.state == SECURITY_SEALED;
        server_pi_reset(pi);
        pi->login_restart = true;
        if (sealed && server_pi_unread(pi) > 0) /* TLS-136: nothing may cross the change */
            server_pi_fail(pi, FERRY_E_INJECTION, "the client sent more behind REIN");
        else if (sealed)
            pi->phase = PI_PHASE_STOP_TLS;
        else
            security_reset(&pi->security); /* after CCC */
    }
}

/* The work has its final reply. */
static void finish(struct server_pi *pi, int code)
{
    learn(pi, code);
    pi->work = PI_WORK_NONE;
    pi->time_wanted = true;
    buf_wipe(&pi->argument);
    server_pi_drop_paths(pi);
    if (code == 421)
        server_pi_close(pi);
}

/* A reply to the command that was taken last. */
static void answered(struct server_pi *pi, int code)
{
    if (pi->meanwhile == VERB_STAT) {
        pi->meanwhile = VERB_NONE;
        return;
    }
    assert(pi->work == PI_WORK_COMMAND);
    if (reply_is_preliminary(code))
        pi->work = PI_WORK_TRANSFER;
    else
        finish(pi, code);
}

void server_pi_reply(struct server_pi *pi, int code, const char *format, ...)
{
    if (!is_open(pi))
        return;
    va_list args;
    va_start(args, format);
    say(pi, code, format, args);
    va_end(args);
    if (is_open(pi))
        answered(pi, code);
}

void server_pi_transfer_end(struct server_pi *pi, int code, const char *format, ...)
{
    if (!is_open(pi))
        return;
    assert(pi->work == PI_WORK_TRANSFER);
    va_list args;
    va_start(args, format);
    say(pi, code, format, args);
    va_end(args);
    if (pi->meanwhile == VERB_ABOR) {
        pi->meanwhile = VERB_NONE;
        server_pi_say(pi, 226, "ABOR done.");
    }
    if (is_open(pi))
        finish(pi, code);
}

void server_pi_mark(struct server_pi *pi, struct bytes marker, uint64_t offset)
{
    if (is_open(pi) && buf_len(&pi->output) < MARKS_UNREAD_BYTES)
        server_pi_say(pi, 110, "MARK %.*s = %llu", BYTES_FMT(marker), (unsigned long long)offset);
}

void server_pi_reply_begin(struct server_pi *pi, int code, const char *text)
{
    if (!is_open(pi))
        return;
    assert(pi->lines_code == 0);
    pi->lines_code = code;
    server_pi_written(pi, reply_format_first(&pi->output, code, bytes_str(text)));
}

void server_pi_reply_line(struct server_pi *pi, struct bytes line)
{
    if (!is_open(pi))
        return;
    assert(pi->lines_code != 0);
    enum reply_words words = pi->lines_code == 250 ? REPLY_NAMES : REPLY_WORDS;
    CLEANUP(buf_fini) struct buf encoded;
    buf_init(&encoded, ENCODED_MAX_BYTES);
    enum ferry_error error = server_pi_to_client(pi, &line, &encoded);
    if (error == FERRY_OK)
        error = reply_format_inner(&pi->output, words, line);
    server_pi_written(pi, error);
}

void server_pi_reply_end(struct server_pi *pi, const char *text)
{
    if (!is_open(pi))
        return;
    assert(pi->lines_code != 0);
    int code = pi->lines_code;
    pi->lines_code = 0;
    server_pi_written(pi, reply_format(&pi->output, code, REPLY_WORDS, bytes_str(text)));
    if (is_open(pi))
        answered(pi, code);
}
