/* ftp/user_pi: what the transcripts (tests/transcripts/user_*.txt) do not show: every code in turn,
 * limits, tracing, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ftp/user_pi.h"
#include "support/alloc_fail.h"

static const uint64_t start_ns = 5 * CLOCK_NS_PER_S;

static void drop(struct user_pi **pi)
{
    user_pi_free(*pi);
}

static struct user_pi *make(const struct user_pi_settings *settings)
{
    struct user_pi *pi = user_pi_new(settings, start_ns);
    assert_non_null(pi);
    return pi;
}

static void feed(struct user_pi *pi, const char *text)
{
    user_pi_feed(pi, bytes_str(text), start_ns);
}

static void feed_code(struct user_pi *pi, int code, const char *text)
{
    char line[64];
    snprintf(line, sizeof(line), "%d %s\r\n", code, text);
    feed(pi, line);
}

static void assert_event(struct user_pi *pi, enum pi_event_kind kind, enum verb verb, int code)
{
    struct pi_event event;
    assert_true(user_pi_next(pi, &event));
    assert_int_equal(event.kind, kind);
    assert_int_equal(event.verb, verb);
    assert_int_equal(event.reply.code, code);
}

static void assert_quiet(struct user_pi *pi)
{
    struct pi_event event;
    assert_false(user_pi_next(pi, &event));
}

static void assert_failed(struct user_pi *pi, enum ferry_error kind)
{
    assert_event(pi, PI_FAILED, VERB_NONE, 0);
    assert_int_equal(user_pi_fault(pi)->kind, kind);
    assert_quiet(pi);
    assert_int_equal(user_pi_output(pi).len, 0);
    assert_int_equal(user_pi_send(pi, VERB_NOOP, BYTES_LIT(""), start_ns), FERRY_E_STATE);
    assert_int_equal(user_pi_deadline(pi), CLOCK_NEVER);
}

static void send(struct user_pi *pi, enum verb verb, const char *argument)
{
    assert_int_equal(user_pi_send(pi, verb, bytes_str(argument), start_ns), FERRY_OK);
    user_pi_wrote(pi, user_pi_output(pi).len);
}

/* A PI that has had its greeting. */
static struct user_pi *make_ready(const struct user_pi_settings *settings)
{
    struct user_pi *pi = make(settings);
    feed(pi, "220 hi\r\n");
    assert_event(pi, PI_GREETING, VERB_NONE, 220);
    return pi;
}

static const struct user_pi_settings defaults;

/* --- every code in turn --- */

/* Every code to every mechanism: TLS begins only where TLS-15 and TLS-16 say so, a refusal is told,
 * and all the rest ends the connection. Nothing goes out by itself, so that no USER can follow in
 * clear (TLS-18, TLS-133). */
static void sec_3_every_reply_to_auth(void **state)
{
    (void)state;
    static const char *const mechanisms[] = {"TLS", "TLS-C", "SSL", "TLS-P"};
    for (size_t m = 0; m < ARRAY_LEN(mechanisms) * 2; m++) {
        const char *mechanism = mechanisms[m / 2];
        const struct user_pi_settings settings = {.accept_334 = m % 2};
        bool takes_334 = settings.accept_334 || strcmp(mechanism, "SSL") == 0;
        for (int code = 100; code < 700; code++) {
            CLEANUP(drop) struct user_pi *pi = make_ready(&settings);
            send(pi, VERB_AUTH, mechanism);
            feed_code(pi, code, "x");
            if (code == 234 || (code == 334 && takes_334))
                assert_event(pi, PI_START_TLS, VERB_AUTH, code);
            else if (code / 100 == 4 || code / 100 == 5)
                assert_event(pi, PI_REPLY, VERB_AUTH, code);
            else
                assert_failed(pi, FERRY_E_PROTOCOL);
            assert_quiet(pi);
            assert_int_equal(user_pi_output(pi).len, 0);
        }
    }
}

/* FTP-30, TLS-132: only 220 is a greeting, only 4xx and 5xx a refusal of it; 1xx is waited out. */
static void sec_3_every_greeting(void **state)
{
    (void)state;
    for (int code = 100; code < 700; code++) {
        CLEANUP(drop) struct user_pi *pi = make(&defaults);
        feed_code(pi, code, "x");
        if (code == 220 || code / 100 == 4 || code / 100 == 5)
            assert_event(pi, PI_GREETING, VERB_NONE, code);
        else if (code / 100 != 1)
            assert_failed(pi, FERRY_E_PROTOCOL);
        assert_quiet(pi);
    }
}

/* Every code to a plain command: 1xx leaves it pending, all else of 1xx to 5xx settles it (REP-1,
 * REP-3). */
static void every_reply_to_a_command(void **state)
{
    (void)state;
    for (int code = 100; code < 700; code++) {
        CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
        send(pi, VERB_CWD, "/a");
        feed_code(pi, code, "x");
        if (code / 100 == 6) {
            assert_failed(pi, FERRY_E_PROTOCOL);
            continue;
        }
        assert_event(pi, PI_REPLY, VERB_CWD, code);
        assert_int_equal(user_pi_pending(pi), code / 100 == 1 ? 1 : 0);
        assert_quiet(pi);
    }
}

/* FTP-67: whatever two finals come, the first is the transfer's and the second ABOR's. */
static void ftp_67_every_pair_after_abor(void **state)
{
    (void)state;
    static const int pairs[][2] = {{426, 226}, {226, 226}, {226, 225}, {451, 226},
                                   {426, 225}, {426, 426}, {250, 226}, {426, 500}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
        send(pi, VERB_RETR, "a");
        feed_code(pi, 150, "go");
        assert_event(pi, PI_REPLY, VERB_RETR, 150);
        send(pi, VERB_ABOR, "");
        feed_code(pi, pairs[i][0], "first");
        feed_code(pi, pairs[i][1], "second");
        assert_event(pi, PI_REPLY, VERB_RETR, pairs[i][0]);
        assert_event(pi, PI_REPLY, VERB_ABOR, pairs[i][1]);
        assert_quiet(pi);
        assert_int_equal(user_pi_pending(pi), 0);
    }
}

static void ftp_67_abor_is_waited_for_2_s(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    send(pi, VERB_RETR, "a");
    feed_code(pi, 150, "go");
    assert_event(pi, PI_REPLY, VERB_RETR, 150);
    send(pi, VERB_ABOR, "");
    feed_code(pi, 426, "one for both");
    assert_event(pi, PI_REPLY, VERB_RETR, 426);
    assert_int_equal(user_pi_deadline(pi), start_ns + 2 * CLOCK_NS_PER_S);
    user_pi_feed(pi, BYTES_LIT(""), start_ns + 2 * CLOCK_NS_PER_S - 1);
    assert_quiet(pi);
    user_pi_feed(pi, BYTES_LIT(""), start_ns + 2 * CLOCK_NS_PER_S);
    assert_event(pi, PI_REPLY, VERB_ABOR, 226);
    assert_int_equal(user_pi_deadline(pi), CLOCK_NEVER);
}

/* --- TLS --- */

static void begin_tls(struct user_pi *pi, const char *mechanism)
{
    send(pi, VERB_AUTH, mechanism);
    feed(pi, "234 go\r\n");
    assert_event(pi, PI_START_TLS, VERB_AUTH, 234);
}

/* Each byte there is, behind the 234 in the same chunk and in a chunk of its own. */
static void tls_131_any_byte_after_234_is_injection(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char in[] = "234 go\r\n_";
        in[8] = (char)c;
        CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
        send(pi, VERB_AUTH, "TLS");
        user_pi_feed(pi, bytes_of(in, 9), start_ns);
        assert_failed(pi, FERRY_E_INJECTION);

        CLEANUP(drop) struct user_pi *later = make_ready(&defaults);
        begin_tls(later, "TLS");
        user_pi_feed(later, bytes_of(in + 8, 1), start_ns);
        assert_failed(later, FERRY_E_INJECTION);
    }
}

static void no_time_runs_in_the_handshake(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    begin_tls(pi, "TLS");
    assert_int_equal(user_pi_deadline(pi), CLOCK_NEVER);
    assert_int_equal(user_pi_pending(pi), 0);
}

static void tls_52_the_level_follows_the_replies(void **state)
{
    (void)state;
    static const struct {
        enum verb verb;
        const char *argument;
        int code;
        bool pbsz_done;
        enum protection level; /* afterwards */
    } steps[] = {
        {VERB_PROT, "P", 503, false, PROTECTION_CLEAR},
        {VERB_PBSZ, "0", 503, false, PROTECTION_CLEAR},
        {VERB_PBSZ, "0", 200, true, PROTECTION_CLEAR},
        {VERB_PROT, "P", 536, true, PROTECTION_CLEAR},
        {VERB_PROT, "p", 200, true, PROTECTION_PRIVATE},
        {VERB_PROT, "C", 534, true, PROTECTION_PRIVATE},
        {VERB_NOOP, "", 200, true, PROTECTION_PRIVATE},
        {VERB_PROT, "C", 200, true, PROTECTION_CLEAR},
    };
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    begin_tls(pi, "TLS");
    assert_int_equal(user_pi_security(pi)->state, SECURITY_HANDSHAKE);
    user_pi_tls_started(pi, start_ns);
    assert_int_equal(user_pi_security(pi)->state, SECURITY_SEALED);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        send(pi, steps[i].verb, steps[i].argument);
        feed_code(pi, steps[i].code, "x");
        assert_event(pi, PI_REPLY, steps[i].verb, steps[i].code);
        assert_int_equal(user_pi_security(pi)->level, steps[i].level);
        assert_int_equal(user_pi_security(pi)->pbsz_done, steps[i].pbsz_done);
    }
}

static void tls_4_ssl_is_private_from_the_start(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    begin_tls(pi, "SSL");
    user_pi_tls_started(pi, start_ns);
    assert_int_equal(user_pi_security(pi)->level, PROTECTION_PRIVATE);
}

/* --- limits --- */

static void not_more_than_64_commands_wait(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    for (int i = 0; i < 64; i++)
        send(pi, VERB_NOOP, "");
    assert_int_equal(user_pi_send(pi, VERB_NOOP, BYTES_LIT(""), start_ns), FERRY_E_LIMIT);
    assert_int_equal(user_pi_pending(pi), 64);
    feed(pi, "200 ok\r\n");
    assert_event(pi, PI_REPLY, VERB_NOOP, 200);
    send(pi, VERB_NOOP, "");
}

static void ftp_9_endless_replies_fail(void **state)
{
    (void)state;
    static const struct {
        const char *first, *more;
    } replies[] = {
        {"220-", "x"}, {"220-hi\r\n", " inner\r\n"}, {"220 ", "x"}, {"220-hi\r\n", "\r\n"}};
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        CLEANUP(drop) struct user_pi *pi = make(&defaults);
        feed(pi, replies[i].first);
        struct pi_event event;
        size_t fed = 0;
        while (!user_pi_next(pi, &event) && fed < 2 * REPLY_MAX_BYTES) {
            feed(pi, replies[i].more);
            fed += strlen(replies[i].more);
        }
        assert_int_equal(event.kind, PI_FAILED);
        assert_int_equal(user_pi_fault(pi)->kind, FERRY_E_LIMIT);
    }
}

/* Byte by byte, a reply at the limit costs no more than its bytes: this would take hours otherwise.
 */
static void dev_60_a_trickle_is_looked_at_once(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make(&defaults);
    feed(pi, "220-");
    for (int i = 0; i < 900000; i++) {
        feed(pi, i % 1000 == 999 ? "\n" : "x");
        assert_quiet(pi);
    }
    feed(pi, "\n220 hi\n");
    struct pi_event event;
    assert_true(user_pi_next(pi, &event));
    assert_int_equal(event.kind, PI_GREETING);
    assert_int_equal(event.reply.text.len, 900000 + 7);
}

static void nothing_is_taken_after_the_end(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make(&defaults);
    feed(pi, "SSH-2.0-x\r\n");
    assert_failed(pi, FERRY_E_PROTOCOL);
    feed(pi, "220 hi\r\n");
    user_pi_end(pi, true);
    assert_quiet(pi);
}

static void what_was_queued_is_not_sent_after_a_failure(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    assert_int_equal(user_pi_send(pi, VERB_PASS, BYTES_LIT("secret"), start_ns), FERRY_OK);
    assert_true(user_pi_output(pi).len > 0);
    feed(pi, "nonsense");
    assert_failed(pi, FERRY_E_PROTOCOL);
}

/* --- the rest of the face --- */

static void output_goes_in_pieces(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    assert_int_equal(user_pi_send(pi, VERB_CWD, BYTES_LIT("/a"), start_ns), FERRY_OK);
    user_pi_wrote(pi, 4);
    assert_true(bytes_equal(user_pi_output(pi), BYTES_LIT("/a\r\n")));
    user_pi_wrote(pi, 4);
    assert_int_equal(user_pi_output(pi).len, 0);
}

static void a_reply_s_text_stays_until_the_next_call(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    send(pi, VERB_PWD, "");
    send(pi, VERB_NOOP, "");
    feed(pi, "257 \"/a\"\r\n200 ok\r\n");
    struct pi_event event;
    assert_true(user_pi_next(pi, &event));
    struct bytes text = event.reply.text;
    send(pi, VERB_NOOP, "");
    assert_true(bytes_equal(text, BYTES_LIT("\"/a\"")));
    assert_event(pi, PI_REPLY, VERB_NOOP, 200);
}

struct lines {
    char text[1024];
};

static void note(void *ctx, char direction, struct bytes line)
{
    struct lines *lines = ctx;
    size_t used = strlen(lines->text);
    snprintf(lines->text + used, sizeof(lines->text) - used, "%c%.*s|", direction, BYTES_FMT(line));
}

static void sec_81_the_trace_masks_secrets(void **state)
{
    (void)state;
    struct lines lines = {0};
    const struct user_pi_settings settings = {.trace = note, .trace_ctx = &lines};
    CLEANUP(drop) struct user_pi *pi = make_ready(&settings);
    send(pi, VERB_USER, "anna");
    send(pi, VERB_PASS, "hunter2");
    send(pi, VERB_ACCT, "hunter3");
    feed(pi, "331 go on\r\n230-in\r\n 1\r\n230 done\r\n");
    assert_event(pi, PI_REPLY, VERB_USER, 331);
    assert_event(pi, PI_REPLY, VERB_PASS, 230);
    assert_string_equal(lines.text, "<220 hi|>USER anna|>PASS ****|>ACCT ****|<331 go on|"
                                    "<230-in|< 1|<230 done|");
}

static void deadlines(void **state)
{
    (void)state;
    const struct user_pi_settings settings = {.reply_timeout_ns = 7 * CLOCK_NS_PER_S};
    CLEANUP(drop) struct user_pi *pi = make(&settings);
    assert_int_equal(user_pi_deadline(pi), start_ns + 7 * CLOCK_NS_PER_S);
    feed(pi, "220 hi\r\n");
    assert_event(pi, PI_GREETING, VERB_NONE, 220);
    assert_int_equal(user_pi_deadline(pi), CLOCK_NEVER);

    uint64_t sent_ns = start_ns + CLOCK_NS_PER_S;
    assert_int_equal(user_pi_send(pi, VERB_NOOP, BYTES_LIT(""), sent_ns), FERRY_OK);
    assert_int_equal(user_pi_send(pi, VERB_NOOP, BYTES_LIT(""), sent_ns + 1), FERRY_OK);
    assert_int_equal(user_pi_deadline(pi), sent_ns + 7 * CLOCK_NS_PER_S);
    user_pi_feed(pi, BYTES_LIT("200 ok\r\n"), sent_ns + 5);
    assert_event(pi, PI_REPLY, VERB_NOOP, 200);
    assert_int_equal(user_pi_deadline(pi), sent_ns + 5 + 7 * CLOCK_NS_PER_S);
    user_pi_feed(pi, BYTES_LIT(""), sent_ns + 5 + 7 * CLOCK_NS_PER_S);
    user_pi_wrote(pi, user_pi_output(pi).len);
    assert_failed(pi, FERRY_E_TIMEOUT);
}

static void quit_ends_in_peace(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    send(pi, VERB_QUIT, "");
    feed(pi, "221 bye\r\n");
    assert_event(pi, PI_REPLY, VERB_QUIT, 221);
    user_pi_end(pi, false);
    assert_quiet(pi);
    assert_false(fault_is_set(user_pi_fault(pi)));
    assert_int_equal(user_pi_send(pi, VERB_NOOP, BYTES_LIT(""), start_ns), FERRY_E_STATE);
}

static void the_peer_s_words_are_in_the_fault(void **state)
{
    (void)state;
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    feed(pi, "421 Timeout \x1b[31m\r\n");
    assert_failed(pi, FERRY_E_LOST);
    assert_int_equal(user_pi_fault(pi)->reply, 421);
    assert_string_equal(user_pi_fault(pi)->peer_said, "Timeout \\x1b[31m");
}

static enum ferry_error make_one(void *ctx)
{
    (void)ctx;
    struct user_pi *pi = user_pi_new(&defaults, 0);
    user_pi_free(pi);
    return pi ? FERRY_OK : FERRY_E_MEMORY;
}

static enum ferry_error send_one(void *ctx)
{
    struct user_pi *pi = ctx;
    enum ferry_error error = user_pi_send(pi, VERB_NOOP, BYTES_LIT(""), start_ns);
    if (error != FERRY_OK)
        assert_int_equal(user_pi_pending(pi), 0);
    return error;
}

static void memory_may_fail(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_one, NULL, 4), 1);
    CLEANUP(drop) struct user_pi *pi = make_ready(&defaults);
    assert_int_equal(alloc_fail_each(send_one, pi, 4), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_3_every_reply_to_auth),
        cmocka_unit_test(sec_3_every_greeting),
        cmocka_unit_test(every_reply_to_a_command),
        cmocka_unit_test(ftp_67_every_pair_after_abor),
        cmocka_unit_test(ftp_67_abor_is_waited_for_2_s),
        cmocka_unit_test(tls_131_any_byte_after_234_is_injection),
        cmocka_unit_test(no_time_runs_in_the_handshake),
        cmocka_unit_test(tls_52_the_level_follows_the_replies),
        cmocka_unit_test(tls_4_ssl_is_private_from_the_start),
        cmocka_unit_test(not_more_than_64_commands_wait),
        cmocka_unit_test(ftp_9_endless_replies_fail),
        cmocka_unit_test(dev_60_a_trickle_is_looked_at_once),
        cmocka_unit_test(nothing_is_taken_after_the_end),
        cmocka_unit_test(what_was_queued_is_not_sent_after_a_failure),
        cmocka_unit_test(output_goes_in_pieces),
        cmocka_unit_test(a_reply_s_text_stays_until_the_next_call),
        cmocka_unit_test(sec_81_the_trace_masks_secrets),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(quit_ends_in_peace),
        cmocka_unit_test(the_peer_s_words_are_in_the_fault),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("user_pi", tests, NULL, NULL);
}
