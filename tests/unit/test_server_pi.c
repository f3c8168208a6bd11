/* ftp/server_pi: what the transcripts (tests/transcripts/server_*.txt) do not show: every verb in
 * every state, limits, time, the owner's side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ftp/path.h"
#include "ftp/reply.h"
#include "ftp/server_pi.h"
#include "support/alloc_fail.h"

static const uint64_t start_ns = 5 * CLOCK_NS_PER_S;

static void drop(struct server_pi **pi)
{
    server_pi_free(*pi);
}

static void feed(struct server_pi *pi, const char *text)
{
    server_pi_feed(pi, bytes_str(text), start_ns);
}

static void assert_output(struct server_pi *pi, const char *text)
{
    struct bytes output = server_pi_output(pi);
    if (!bytes_equal(output, bytes_str(text)))
        fail_msg("'%.*s' instead of '%s'", BYTES_FMT(output), text);
    server_pi_wrote(pi, output.len);
}

static void assert_quiet(struct server_pi *pi)
{
    struct server_action action;
    assert_false(server_pi_next(pi, &action));
}

static struct server_action next(struct server_pi *pi, enum server_action_kind kind)
{
    struct server_action action;
    assert_true(server_pi_next(pi, &action));
    assert_int_equal(action.kind, kind);
    return action;
}

static struct server_action next_command(struct server_pi *pi, enum verb verb)
{
    struct server_action action = next(pi, SERVER_ACTION_COMMAND);
    assert_int_equal(action.verb, verb);
    return action;
}

/* --- states to begin in --- */

enum begin { BEGIN_PLAIN, BEGIN_SEALED, BEGIN_USER, BEGIN_LOGGED_IN, BEGIN_COUNT };

static const struct server_pi_settings open_settings = {
    .extras = ~0U,
    .tls_available = true,
    .local = {.family = ADDRESS_V4, .address = {192, 0, 2, 1}},
    .peer = {.family = ADDRESS_V4, .address = {192, 0, 2, 7}},
    .login_timeout_ns = 60 * CLOCK_NS_PER_S,
    .idle_timeout_ns = 600 * CLOCK_NS_PER_S,
};

static void seal(struct server_pi *pi)
{
    feed(pi, "AUTH TLS\r\n");
    next(pi, SERVER_ACTION_START_TLS);
    server_pi_wrote(pi, server_pi_output(pi).len);
    server_pi_tls_started(pi, start_ns);
}

static void log_in(struct server_pi *pi)
{
    feed(pi, "USER anna\r\n");
    next_command(pi, VERB_USER);
    server_pi_user_given(pi);
    server_pi_reply(pi, 331, "Password?");
    feed(pi, "PASS secret\r\n");
    next_command(pi, VERB_PASS);
    server_pi_logged_in(pi, BYTES_LIT("/home"));
    server_pi_reply(pi, 230, "In.");
    server_pi_wrote(pi, server_pi_output(pi).len);
    server_pi_feed(pi, BYTES_LIT(""), start_ns);
}

static struct server_pi *make(const struct server_pi_settings *settings, enum begin begin)
{
    struct server_pi *pi = server_pi_new(settings, start_ns);
    assert_non_null(pi);
    server_pi_greet(pi, start_ns);
    if (begin == BEGIN_SEALED || (settings->tls_required && begin != BEGIN_PLAIN))
        seal(pi);
    if (begin == BEGIN_USER) {
        feed(pi, "USER anna\r\n");
        next_command(pi, VERB_USER);
        server_pi_user_given(pi);
        server_pi_reply(pi, 331, "Password?");
    }
    if (begin == BEGIN_LOGGED_IN)
        log_in(pi);
    server_pi_wrote(pi, server_pi_output(pi).len);
    return pi;
}

/* --- every verb in every state --- */

/* An argument that is right for a verb of this kind. */
static const char *good_argument(enum verb verb)
{
    static const struct {
        enum verb verb;
        const char *argument;
    } special[] = {
        {VERB_AUTH, "TLS"},
        {VERB_PROT, "P"},
        {VERB_TYPE, "I"},
        {VERB_MODE, "S"},
        {VERB_STRU, "F"},
        {VERB_EPSV, "1"},
        {VERB_OPTS, "UTF8 ON"},
        {VERB_PORT, "192,0,2,7,200,10"},
        {VERB_EPRT, "|1|192.0.2.7|51210|"},
        {VERB_HELP, "RETR"},
        {VERB_STAT, ""},
        {VERB_SSCN, "ON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(special); i++) {
        if (special[i].verb == verb)
            return special[i].argument;
    }
    switch (verb_row(verb)->argument) {
    case ARGUMENT_NONE:
        return "";
    case ARGUMENT_TIME_PATH:
        return "20260102030405 a";
    case ARGUMENT_TOKEN:
    case ARGUMENT_NUMBER:
    case ARGUMENT_TEXT:
    case ARGUMENT_OPTIONAL_TEXT:
    case ARGUMENT_PATH:
    case ARGUMENT_OPTIONAL_PATH:
    case ARGUMENT_SECRET:
        return "1";
    }
    return "";
}

/* Gives the code of the reply to one command, or 0 if it became an action. */
static int try_verb(struct server_pi *pi, enum verb verb, const char *argument)
{
    char line[128];
    snprintf(line, sizeof(line), "%s %s\r\n", verb_row(verb)->name, argument);
    feed(pi, line);
    struct server_action action;
    bool acts = server_pi_next(pi, &action);
    struct reply reply;
    size_t used;
    if (server_pi_output(pi).len == 0) {
        assert_true(acts && action.kind == SERVER_ACTION_COMMAND && action.verb == verb);
        return 0;
    }
    /* Exactly one reply (REP-5). */
    assert_int_equal(reply_parse(server_pi_output(pi), &reply, &used), FERRY_OK);
    assert_int_equal(used, server_pi_output(pi).len);
    return reply.code;
}

static bool may_reply(enum verb verb, int code)
{
    static const char common[] = "421 500 501 502 503 530 534";
    char digits[8];
    snprintf(digits, sizeof(digits), "%d", code);
    return strstr(verb_row(verb)->replies, digits) || strstr(common, digits);
}

/* What the table alone says of a verb with a good argument; -1: it does not say. */
static int expected_refusal(enum verb verb, enum begin begin, bool required)
{
    unsigned allowed = verb_row(verb)->allowed;
    bool plain = begin == BEGIN_PLAIN || (!required && begin != BEGIN_SEALED);
    if (allowed & ALLOWED_OFF)
        return 502;
    if (required && plain && (allowed & ALLOWED_LOGIN))
        return 530;
    if (required && plain && (allowed & ALLOWED_LOGGED_IN))
        return 534;
    if (plain && (allowed & ALLOWED_SEALED))
        return 503;
    if ((allowed & ALLOWED_LOGGED_IN) && begin != BEGIN_LOGGED_IN)
        return 530;
    return -1;
}

static void ftp_20_every_verb_in_every_state(void **state)
{
    (void)state;
    struct server_pi_settings allowed = open_settings;
    allowed.dialect.fxp = true;
    struct server_pi_settings required = allowed;
    required.tls_required = true;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        for (enum begin begin = BEGIN_PLAIN; begin < BEGIN_COUNT; begin++) {
            for (int tls = 0; tls < 2; tls++) {
                CLEANUP(drop) struct server_pi *pi = make(tls ? &required : &allowed, begin);
                int code = try_verb(pi, verb, good_argument(verb));
                int refusal = expected_refusal(verb, begin, tls);
                if (refusal >= 0 && code != refusal)
                    fail_msg("%s: %d instead of %d", verb_row(verb)->name, code, refusal);
                if (code != 0 && !may_reply(verb, code))
                    fail_msg("%s: %d is not in its row", verb_row(verb)->name, code);
            }
        }
    }
}

/* Whatever the argument is, a reply is one of those that the row names. */
static void every_verb_with_bad_arguments(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",   " ",    "x",       "-1",    "a b", "99999999999999999999",
        "\r", "\xff", "|9|x|1|", "1,2,3", "A T", "../../.."};
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
            int code = try_verb(pi, verb, bad[i]);
            if (code != 0 && !may_reply(verb, code))
                fail_msg("%s '%s': %d is not in its row", verb_row(verb)->name, bad[i], code);
        }
    }
}

/* --- limits --- */

static void unread_replies_stop_the_commands(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    static char many[60 * 1024];
    for (size_t i = 0; i < sizeof(many); i += 6)
        memcpy(many + i, "NOOP\r\n", 6);
    size_t fed = 0;
    while (server_pi_wants_input(pi) && fed < 100 * sizeof(many)) {
        server_pi_feed(pi, bytes_of(many, sizeof(many)), start_ns);
        assert_quiet(pi);
        fed += sizeof(many);
    }
    size_t unread = server_pi_output(pi).len;
    assert_true(unread >= 64 * 1024 && unread < 66 * 1024);
    assert_false(server_pi_wants_input(pi));

    size_t replies = 0;
    while (server_pi_output(pi).len > 0) {
        replies += server_pi_output(pi).len / strlen("200 OK\r\n");
        server_pi_wrote(pi, server_pi_output(pi).len);
        assert_quiet(pi);
    }
    assert_int_equal(replies, fed / 6);
    assert_true(server_pi_wants_input(pi));
}

static void ftp_12_not_more_than_64_kib_wait(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    feed(pi, "RETR a\r\n");
    next_command(pi, VERB_RETR);
    server_pi_reply(pi, 150, "Go.");
    size_t fed = 0;
    for (; server_pi_wants_input(pi); fed += 6) {
        feed(pi, "SYST\r\n");
        assert_quiet(pi);
    }
    assert_true(fed >= 64 * 1024 && fed < 65 * 1024);

    /* An owner that feeds all the same comes to the cap, and to an end. */
    static char more[SERVER_PI_FEED_MAX_BYTES];
    memset(more, 'x', sizeof(more));
    server_pi_feed(pi, bytes_of(more, sizeof(more)), start_ns);
    next(pi, SERVER_ACTION_CLOSE);
    assert_int_equal(server_pi_fault(pi)->kind, FERRY_E_LIMIT);
}

static void an_endless_subnegotiation_ends_the_session(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    static char junk[4096];
    memset(junk, 'x', sizeof(junk));
    feed(pi, "\xff\xfa");
    server_pi_feed(pi, bytes_of(junk, sizeof(junk)), start_ns);
    next(pi, SERVER_ACTION_CLOSE);
    assert_output(pi, "421 Telnet subnegotiation without an end.\r\n");
}

static void long_paths_are_refused(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    char line[400];
    snprintf(line, sizeof(line), "CWD %0*d\r\n", PATH_NAME_MAX_BYTES + 1, 0);
    feed(pi, line);
    assert_quiet(pi);
    assert_output(pi, "501 Path name too long.\r\n");
    snprintf(line, sizeof(line), "CWD %0*d\r\n", PATH_NAME_MAX_BYTES, 0);
    feed(pi, line);
    assert_int_equal(next_command(pi, VERB_CWD).path.len, strlen("/home/") + PATH_NAME_MAX_BYTES);
}

/* --- the owner's side --- */

static void the_transfer_s_views_outlive_a_stat(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    feed(pi, "TYPE I\r\nREST 5\r\nRETR a b\r\n");
    struct server_action transfer = next_command(pi, VERB_RETR);
    server_pi_reply(pi, 150, "Go.");
    feed(pi, "STAT\r\n");
    struct server_action stat = next_command(pi, VERB_STAT);
    assert_false(stat.has_path);
    assert_string_equal(transfer.path.ptr, "/home/a b"); /* NUL-terminated */
    assert_true(bytes_equal(transfer.argument, BYTES_LIT("a b")));
    assert_int_equal(transfer.offset, 5);

    /* The transfer may end first: each has its reply. */
    server_pi_transfer_end(pi, 226, "Done.");
    feed(pi, "NOOP\r\n");
    assert_quiet(pi);
    server_pi_reply(pi, 211, "Fine.");
    assert_quiet(pi);
    assert_output(pi, "200 Set to I.\r\n350 Restarting at 5.\r\n150 Go.\r\n226 Done.\r\n"
                      "211 Fine.\r\n200 OK\r\n");
}

static void nothing_comes_out_before_the_150(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    feed(pi, "RETR a\r\nNOOP\r\nABOR\r\n");
    next_command(pi, VERB_RETR);
    assert_quiet(pi);
    assert_output(pi, "");
    server_pi_reply(pi, 150, "Go.");
    next(pi, SERVER_ACTION_ABORT);
    assert_output(pi, "150 Go.\r\n200 OK\r\n");
    assert_quiet(pi);
    server_pi_transfer_end(pi, 426, "Aborted.");
    assert_output(pi, "426 Aborted.\r\n226 ABOR done.\r\n");
}

static void the_working_directory_is_the_owner_s_to_set(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    assert_true(bytes_equal(server_pi_cwd(pi), BYTES_LIT("/home")));
    feed(pi, "CWD x\r\n");
    struct server_action action = next_command(pi, VERB_CWD);
    assert_int_equal(server_pi_set_cwd(pi, action.path), FERRY_OK);
    server_pi_reply(pi, 250, "Changed.");
    assert_int_equal(server_pi_set_cwd(pi, server_pi_cwd(pi)), FERRY_OK); /* its own view */
    assert_true(bytes_equal(server_pi_cwd(pi), BYTES_LIT("/home/x")));
}

static void a_421_of_the_owner_s_ends_the_session(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    feed(pi, "SIZE a\r\nNOOP\r\n");
    next_command(pi, VERB_SIZE);
    server_pi_reply(pi, 421, "Going down.");
    next(pi, SERVER_ACTION_CLOSE);
    assert_quiet(pi);
    assert_output(pi, "421 Going down.\r\n");
}

static void after_the_end_replies_are_dropped(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    feed(pi, "RETR a\r\n");
    next_command(pi, VERB_RETR);
    server_pi_reply(pi, 150, "Go.");
    server_pi_refuse(pi, "Going down");
    next(pi, SERVER_ACTION_CLOSE);
    server_pi_transfer_end(pi, 426, "Aborted.");
    server_pi_reply(pi, 200, "x");
    server_pi_reply_begin(pi, 211, "x");
    server_pi_reply_line(pi, BYTES_LIT("x"));
    server_pi_reply_end(pi, "x");
    feed(pi, "NOOP\r\n");
    assert_quiet(pi);
    assert_output(pi, "150 Go.\r\n421 Going down.\r\n");
    assert_false(server_pi_wants_input(pi));
    assert_int_equal(server_pi_deadline(pi), CLOCK_NEVER);
}

static void replies_keep_their_form_whatever_is_in_them(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    feed(pi, "DELE a\r\nMKD b\r\nMLST c\r\nSTAT d\r\n");
    next_command(pi, VERB_DELE);
    server_pi_reply(pi, 550, "%s", "a\r\n226 fake\x1b\xff");
    next_command(pi, VERB_MKD);
    server_pi_reply(pi, 257, "%s", "\"b\r\n\"");
    next_command(pi, VERB_MLST);
    server_pi_reply_begin(pi, 250, "x\ny");
    server_pi_reply_line(pi, BYTES_LIT("Type=file; /c\r\x1b"));
    server_pi_reply_end(pi, "End");
    next_command(pi, VERB_STAT);
    server_pi_reply_begin(pi, 213, "x");
    server_pi_reply_line(pi, BYTES_LIT("213 d\r\x1b"));
    server_pi_reply_end(pi, "End");
    assert_true(bytes_equal(server_pi_output(pi),
                            BYTES_LIT("550 a??226 fake?\xff\xff\r\n257 \"b\r\0?\"\r\n"
                                      "250-x?y\r\n Type=file; /c\r\0\x1b\r\n250 End\r\n"
                                      "213-x\r\n 213 d??\r\n213 End\r\n")));
}

static void tls_calls_out_of_turn_are_nothing(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    server_pi_tls_started(pi, start_ns);
    server_pi_tls_stopped(pi, start_ns);
    server_pi_greet(pi, start_ns);
    assert_true(server_pi_is_logged_in(pi));
    assert_int_equal(server_pi_security(pi)->state, SECURITY_PLAIN);
    assert_output(pi, "");
}

static void sec_11_a_handshake_forgets_the_login(void **state)
{
    (void)state;
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_USER);
    feed(pi, "OPTS MLST size;\r\n");
    assert_quiet(pi);
    assert_int_equal(server_pi_mlst_facts(pi), FACT_SIZE);
    seal(pi);
    assert_int_equal(server_pi_mlst_facts(pi), FACTS_DEFAULT);
    assert_int_equal(server_pi_type(pi), REPRESENTATION_ASCII);
    feed(pi, "PASS secret\r\n");
    assert_quiet(pi);
    assert_output(pi, "503 Send USER first.\r\n");
}

/* --- time --- */

static void deadlines(void **state)
{
    (void)state;
    struct server_pi_settings settings = open_settings;
    settings.login_timeout_ns = 10 * CLOCK_NS_PER_S;
    settings.idle_timeout_ns = 100 * CLOCK_NS_PER_S;
    CLEANUP(drop) struct server_pi *pi = server_pi_new(&settings, start_ns);
    assert_non_null(pi);
    assert_int_equal(server_pi_deadline(pi), CLOCK_NEVER);
    server_pi_greet(pi, start_ns + 1);
    assert_int_equal(server_pi_deadline(pi), start_ns + 1 + settings.login_timeout_ns);

    feed(pi, "USER anna\r\n");
    next_command(pi, VERB_USER);
    assert_int_equal(server_pi_deadline(pi), CLOCK_NEVER);
    server_pi_logged_in(pi, BYTES_LIT("/"));
    server_pi_reply(pi, 230, "In.");
    assert_int_equal(server_pi_deadline(pi), 0); /* it wants to know the time */
    uint64_t now_ns = start_ns + 1000 * CLOCK_NS_PER_S;
    server_pi_feed(pi, BYTES_LIT(""), now_ns);
    assert_int_equal(server_pi_deadline(pi), now_ns + settings.idle_timeout_ns);

    server_pi_feed(pi, BYTES_LIT("NO"), now_ns + 1);
    assert_quiet(pi);
    assert_int_equal(server_pi_deadline(pi), now_ns + 1 + 30 * CLOCK_NS_PER_S); /* SEC-51 */
    server_pi_feed(pi, BYTES_LIT("OP\r\n"), now_ns + 2);
    assert_quiet(pi);
    assert_int_equal(server_pi_deadline(pi), now_ns + 2 + settings.idle_timeout_ns);

    /* A PI that is asked too early says nothing. */
    server_pi_wrote(pi, server_pi_output(pi).len);
    server_pi_feed(pi, BYTES_LIT(""), now_ns + 3);
    assert_quiet(pi);
    assert_output(pi, "");
}

/* --- memory --- */

static enum ferry_error make_one(void *ctx)
{
    (void)ctx;
    struct server_pi *pi = server_pi_new(&open_settings, 0);
    server_pi_free(pi);
    return pi ? FERRY_OK : FERRY_E_MEMORY;
}

static enum ferry_error change_directory(void *ctx)
{
    struct server_pi *pi = ctx;
    enum ferry_error error = server_pi_set_cwd(pi, BYTES_LIT("/elsewhere"));
    if (error != FERRY_OK)
        assert_true(bytes_equal(server_pi_cwd(pi), BYTES_LIT("/home")));
    return error;
}

static void memory_may_fail(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_one, NULL, 4), 1);
    CLEANUP(drop) struct server_pi *pi = make(&open_settings, BEGIN_LOGGED_IN);
    alloc_fail_each(change_directory, pi, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_20_every_verb_in_every_state),
        cmocka_unit_test(every_verb_with_bad_arguments),
        cmocka_unit_test(unread_replies_stop_the_commands),
        cmocka_unit_test(ftp_12_not_more_than_64_kib_wait),
        cmocka_unit_test(an_endless_subnegotiation_ends_the_session),
        cmocka_unit_test(long_paths_are_refused),
        cmocka_unit_test(the_transfer_s_views_outlive_a_stat),
        cmocka_unit_test(nothing_comes_out_before_the_150),
        cmocka_unit_test(the_working_directory_is_the_owner_s_to_set),
        cmocka_unit_test(a_421_of_the_owner_s_ends_the_session),
        cmocka_unit_test(after_the_end_replies_are_dropped),
        cmocka_unit_test(replies_keep_their_form_whatever_is_in_them),
        cmocka_unit_test(tls_calls_out_of_turn_are_nothing),
        cmocka_unit_test(sec_11_a_handshake_forgets_the_login),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests_name("server_pi", tests, NULL, NULL);
}
