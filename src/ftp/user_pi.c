/* The user-PI: commands queued, replies matched, events out. */
#include "ftp/user_pi.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "ftp/user_pi_private.h"

enum {
    OUTPUT_MAX_BYTES = 1024 * 1024,
    INPUT_MAX_BYTES = 2 * REPLY_MAX_BYTES, /* one at its limit, and what was read with its end */
};

static const uint64_t default_reply_timeout_ns = 60 * CLOCK_NS_PER_S;
static const uint64_t quiet_ns = 2 * CLOCK_NS_PER_S; /* FTP-67, DEV-59 */

struct user_pi *user_pi_new(const struct user_pi_settings *settings, uint64_t now_ns)
{
    struct user_pi *pi = alloc_zero(sizeof(*pi));
    if (!pi)
        return NULL;
    pi->settings = *settings;
    if (pi->settings.reply_timeout_ns == 0)
        pi->settings.reply_timeout_ns = default_reply_timeout_ns;
    pi->phase = settings->implicit ? USER_PI_START_TLS : USER_PI_GREETING;
    security_init(&pi->security, settings->implicit);
    buf_init(&pi->input, INPUT_MAX_BYTES);
    buf_init(&pi->output, OUTPUT_MAX_BYTES);
    pi->now_ns = pi->asked_ns = pi->heard_ns = now_ns;
    return pi;
}

void user_pi_free(struct user_pi *pi)
{
    if (!pi)
        return;
    buf_wipe(&pi->input);
    buf_wipe(&pi->output);
    alloc_free(pi);
}

void user_pi_fail(struct user_pi *pi, enum ferry_error kind, const char *why)
{
    fault_set(&pi->fault, kind, "%s", why);
    pi->phase = USER_PI_FAILED;
    pi->given_bytes = 0;
    buf_wipe(&pi->input);
    buf_wipe(&pi->output);
}

bool user_pi_is_over(const struct user_pi *pi)
{
    return pi->phase == USER_PI_FAILED || pi->phase == USER_PI_OVER;
}

static const char *verb_name(enum verb verb)
{
    return verb_row(verb)->name;
}

/* --- what is awaited, and until when --- */

static bool awaits_reply(const struct user_pi *pi)
{
    return pi->phase == USER_PI_GREETING || (pi->phase == USER_PI_READY && pi->count > 0);
}

static uint64_t reply_deadline(const struct user_pi *pi)
{
    bool held = pi->hold && pi->count > 0 && pi->pending[0].begun;
    return awaits_reply(pi) && !held ? pi->asked_ns + pi->settings.reply_timeout_ns : CLOCK_NEVER;
}

static uint64_t abor_deadline(const struct user_pi *pi)
{
    return pi->phase == USER_PI_READY && pi->abor_waits ? pi->asked_ns + quiet_ns : CLOCK_NEVER;
}

/* A multi-line reply whose last line has another code is taken as ended only if both codes say the
 * same to a program: nothing may turn a refusal into a success (SEC-20). */
static uint64_t other_end_deadline(const struct user_pi *pi)
{
    bool same_class = pi->scan.other_code != 0 && pi->scan.other_code / 100 == pi->scan.code / 100;
    return awaits_reply(pi) && same_class ? pi->heard_ns + quiet_ns : CLOCK_NEVER;
}

uint64_t user_pi_deadline(const struct user_pi *pi)
{
    uint64_t deadline = reply_deadline(pi);
    if (abor_deadline(pi) < deadline)
        deadline = abor_deadline(pi);
    if (other_end_deadline(pi) < deadline)
        deadline = other_end_deadline(pi);
    return deadline;
}

void user_pi_hold_deadline(struct user_pi *pi, bool hold, uint64_t now_ns)
{
    pi->hold = hold;
    pi->asked_ns = now_ns;
}

static void time_passed(struct user_pi *pi)
{
    if (pi->now_ns >= other_end_deadline(pi)) {
        pi->take_other_end = true;
    } else if (pi->now_ns >= abor_deadline(pi)) {
        pi->take_abor = true;
    } else if (pi->now_ns >= reply_deadline(pi)) {
        const char *to =
            pi->phase == USER_PI_GREETING ? "greeting" : verb_name(pi->pending[0].verb);
        unsigned long long seconds = pi->settings.reply_timeout_ns / CLOCK_NS_PER_S;
        fault_set(&pi->fault, FERRY_E_TIMEOUT, "no reply within %llu s (%s)", seconds, to);
        user_pi_fail(pi, FERRY_E_TIMEOUT, "no reply in time");
    }
}

/* --- bytes in --- */

/* Takes Telnet out of `in`; CR NUL becomes CR (FTP-4, FTP-6). */
static enum ferry_error append_input(struct user_pi *pi, struct bytes in)
{
    char *space;
    enum ferry_error error = buf_reserve(&pi->input, in.len + 1, &space); /* 1: an IAC kept back */
    if (error != FERRY_OK)
        return error;

    size_t used = 0;
    for (size_t i = 0; i < in.len; i++) {
        char data[2];
        size_t len;
        error = telnet_decode(&pi->telnet, in.ptr[i], data, &len, NULL);
        if (error != FERRY_OK)
            return error;
        bool nul_of_cr = len == 1 && data[0] == '\0' && pi->after_cr;
        pi->skipped = len == 0 || nul_of_cr;
        if (len > 0)
            pi->after_cr = data[len - 1] == '\r';
        if (pi->skipped)
            continue;
        memcpy(space + used, data, len);
        used += len;
    }
    buf_commit(&pi->input, used);
    return FERRY_OK;
}

static void take_input(struct user_pi *pi, struct bytes in)
{
    pi->heard_ns = pi->now_ns;
    if (pi->phase == USER_PI_START_TLS || pi->phase == USER_PI_HANDSHAKE) {
        user_pi_fail(pi, FERRY_E_INJECTION,
                     "bytes came in clear where the TLS handshake must begin");
        return;
    }
    enum ferry_error error = append_input(pi, in);
    if (error == FERRY_E_LIMIT)
        user_pi_fail(pi, error, "the server sent more replies than anyone can read");
    else if (error == FERRY_E_PROTOCOL)
        user_pi_fail(pi, error, "the server sent a Telnet subnegotiation without an end");
    else if (error != FERRY_OK)
        user_pi_fail(pi, error, "no memory for a reply");
}

void user_pi_feed(struct user_pi *pi, struct bytes in, uint64_t now_ns)
{
    pi->now_ns = now_ns;
    if (user_pi_is_over(pi))
        return;
    if (in.len > 0)
        take_input(pi, in);
    else
        time_passed(pi);
}

void user_pi_end(struct user_pi *pi, bool clean)
{
    pi->ended = true;
    pi->ended_cleanly = clean;
}

/* --- events --- */

static void take_end(struct user_pi *pi)
{
    if (pi->quit_answered && pi->count == 0)
        pi->phase = USER_PI_OVER;
    else if (pi->phase == USER_PI_GREETING)
        user_pi_fail(pi, FERRY_E_CONNECT, "the server closed the connection without a greeting");
    else
        user_pi_fail(pi, FERRY_E_LOST,
                     pi->ended_cleanly ? "the server closed the control connection"
                                       : "the control connection was lost");
}

bool user_pi_next(struct user_pi *pi, struct pi_event *event)
{
    user_pi_drop_given(pi);
    bool listens = pi->phase == USER_PI_GREETING || pi->phase == USER_PI_READY;
    if (listens && user_pi_next_reply(pi, event))
        return true;
    if (pi->ended && !user_pi_is_over(pi))
        take_end(pi);
    if (pi->phase == USER_PI_START_TLS) {
        pi->phase = USER_PI_HANDSHAKE;
        *event = (struct pi_event){.kind = PI_START_TLS};
        return true;
    }
    if (pi->phase == USER_PI_FAILED) {
        pi->phase = USER_PI_OVER;
        *event = (struct pi_event){.kind = PI_FAILED};
        return true;
    }
    return false;
}

/* --- commands --- */

static void trace_command(const struct user_pi *pi, enum verb verb, struct bytes line)
{
    if (!pi->settings.trace)
        return;
    char masked[32];
    if (verb_row(verb)->argument == ARGUMENT_SECRET) {
        snprintf(masked, sizeof(masked), "%s ****", verb_name(verb));
        line = bytes_str(masked);
    }
    pi->settings.trace(pi->settings.trace_ctx, '>', line);
}

enum ferry_error user_pi_send(struct user_pi *pi, enum verb verb, struct bytes argument,
                              uint64_t now_ns)
{
    pi->now_ns = now_ns;
    if (pi->phase != USER_PI_READY)
        return FERRY_E_STATE;
    if (pi->count > 0 && pi->pending[pi->count - 1].verb == VERB_AUTH)
        return FERRY_E_STATE;
    if (pi->count == USER_PI_MAX_PENDING)
        return FERRY_E_LIMIT;

    size_t before = buf_len(&pi->output);
    enum ferry_error error = command_format(&pi->output, verb, argument);
    if (error != FERRY_OK)
        return error;
    struct bytes line = bytes_skip(buf_view(&pi->output), before);
    trace_command(pi, verb, bytes_first(line, line.len - 2));

    if (pi->count == 0) {
        pi->asked_ns = now_ns;
        pi->unasked_bytes = buf_len(&pi->input) - pi->given_bytes;
    }
    bool private = verb == VERB_PROT && text_same(argument, BYTES_LIT("P"));
    pi->pending[pi->count++] = (struct user_pi_pending){
        .verb = verb,
        .mechanism = verb == VERB_AUTH ? auth_mechanism_find(argument) : AUTH_UNKNOWN,
        .level = private ? PROTECTION_PRIVATE : PROTECTION_CLEAR,
    };
    return FERRY_OK;
}

void user_pi_tls_started(struct user_pi *pi, uint64_t now_ns)
{
    if (pi->phase != USER_PI_HANDSHAKE)
        return;
    security_sealed(&pi->security);
    buf_wipe(&pi->input);
    pi->given_bytes = 0;
    pi->telnet = (struct telnet){0};
    pi->after_cr = false;
    pi->now_ns = pi->asked_ns = pi->heard_ns = now_ns;
    pi->phase = pi->settings.implicit ? USER_PI_GREETING : USER_PI_READY;
}

struct bytes user_pi_output(const struct user_pi *pi)
{
    return buf_view(&pi->output);
}

void user_pi_wrote(struct user_pi *pi, size_t len)
{
    if (len >= buf_len(&pi->output))
        buf_wipe(&pi->output); /* it may have held a password */
    else
        buf_consume(&pi->output, len);
}

size_t user_pi_pending(const struct user_pi *pi)
{
    return pi->count;
}

const struct security *user_pi_security(const struct user_pi *pi)
{
    return &pi->security;
}

const struct fault *user_pi_fault(const struct user_pi *pi)
{
    return &pi->fault;
}
