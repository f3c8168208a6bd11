/* Logins that another process decides, with the test at the other end of the channel. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/messages.h"
#include "ferryd/worker/remote_auth.h"
#include "proc/channel.h"
#include "support/net_kit.h"

enum { GRANT = 77, STAMP = 4711 };

struct fixture {
    struct net_kit net;
    struct charsets *charsets;
    struct remote_auth *auth;
    struct channel peer; /* auth's end */
    size_t descriptors;

    /* What came of the login. */
    unsigned answers;
    enum login_verdict verdict;
    struct login_grant grant;
    bool asks_again; /* from inside the answer, and is gone then */
    char words[64];  /* with which it was ended */
};

static void ask_and_go(struct fixture *f);
static uint64_t received(struct fixture *f, enum message type);

static void on_login(void *ctx, enum login_verdict verdict, const struct login_grant *grant,
                     const struct fault *fault)
{
    struct fixture *f = ctx;
    assert_true((verdict == LOGIN_GRANTED) == (grant != NULL));
    assert_true((verdict == LOGIN_UNAVAILABLE) == fault_is_set(fault));
    f->answers++;
    f->verdict = verdict;
    f->grant = grant ? *grant : (struct login_grant){0};
    if (f->asks_again)
        ask_and_go(f);
}

static void on_ended(void *ctx, const char *words)
{
    struct fixture *f = ctx;
    snprintf(f->words, sizeof(f->words), "%s", words);
}

static void connect_auth(struct fixture *f)
{
    int ends[2];
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    channel_init(&f->peer, ends[1], CHANNEL_MESSAGE_BYTES);
    assert_int_equal(remote_auth_connect(f->auth, ends[0]), FERRY_OK);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    net_kit_open(&f.net);
    f.descriptors = net_descriptors();
    assert_int_equal(charsets_new(&f.charsets), FERRY_OK);
    const struct remote_auth_setup auth = {.loop = f.net.loop, .charsets = f.charsets};
    f.auth = remote_auth_new(&auth);
    assert_non_null(f.auth);
    connect_auth(&f);
    assert_int_equal(received(&f, MESSAGE_TOLD), 0); /* there are no sessions */
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    remote_auth_free(f->auth);
    channel_fini(&f->peer);
    charsets_free(f->charsets);
    assert_int_equal(net_descriptors(), f->descriptors);
    net_kit_close(&f->net);
    return 0;
}

/* ---- the two sides ---- */

static enum ferry_error log_in(struct fixture *f)
{
    CLEANUP(secret_drop) struct secret *password = NULL;
    struct address peer;
    assert_int_equal(address_parse("192.0.2.7", 21, &peer), FERRY_OK);
    assert_int_equal(secret_new(BYTES_LIT("correct horse"), &password), FERRY_OK);
    const struct login_request request = {
        .name = BYTES_LIT("anna"), .password = password, .peer = &peer, .ended = on_ended};
    f->answers = 0;
    return remote_auth_ops.login(f->auth, &request, on_login, f);
}

/* The number in the next message that has come, which must be of that type; 0: there is none. */
static uint64_t received(struct fixture *f, enum message type)
{
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got = CHANNEL_NOTHING;
    struct wire_reader reader;
    assert_int_equal(channel_receive(&f->peer, space, &message, &got, NULL), FERRY_OK);
    if (got != CHANNEL_MESSAGE)
        return 0;
    wire_open(&reader, message.data, 0);
    assert_int_equal(reader.type, type);
    channel_message_fini(&message);
    return wire_get_u64(&reader);
}

static void answer(struct fixture *f, uint64_t ask, enum login_answer verdict, const char *charset)
{
    char space[1024];
    struct wire_writer writer;
    struct bytes message;
    wire_begin(&writer, MESSAGE_LOGIN_ANSWER, space, sizeof(space));
    wire_put_u64(&writer, ask);
    wire_put_u8(&writer, (uint8_t)verdict);
    wire_put_u64(&writer, GRANT);
    wire_put_bytes(&writer, BYTES_LIT("/start"));
    wire_put_u8(&writer, 1);
    wire_put_u8(&writer, 1);
    wire_put_bytes(&writer, bytes_str(charset));
    wire_put_u64(&writer, 0);
    wire_put_u64(&writer, 0);
    wire_put_bytes(&writer, BYTES_LIT("why"));
    wire_put_u64(&writer, STAMP);
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    assert_int_equal(channel_send(&f->peer, message, NULL, 0, NULL), FERRY_OK);
}

static int files_end(void)
{
    int ends[2];
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    close(ends[1]);
    return ends[0];
}

static void release(struct fixture *f)
{
    f->grant.ops->release(f->grant.store);
    f->grant = (struct login_grant){0};
}

/* ---- tests ---- */

static const struct {
    const char *charset;
    bool found;
} charset_cases[] = {{"", false}, {"KOI8-R", true}, {"koi8-r", true}, {"UTF-16", false}};

static void what_is_granted_reaches_the_session(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(charset_cases); i++) {
        assert_int_equal(log_in(f), FERRY_OK);
        answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, charset_cases[i].charset);
        net_kit_idle(&f->net);
        assert_int_equal(f->answers, 0);
        remote_auth_granted(f->auth, GRANT, files_end());
        assert_int_equal(f->answers, 1);
        assert_int_equal(f->verdict, LOGIN_GRANTED);
        assert_true(f->grant.read_only && f->grant.by_certificate);
        assert_int_equal(f->grant.charset != NULL, charset_cases[i].found);
        release(f);
        assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
    }
}

static void ask_and_go(struct fixture *f)
{
    f->asks_again = false;
    assert_int_equal(log_in(f), FERRY_OK);
    f->answers = 1;
    remote_auth_ops.cancel(f->auth, f);
}

static void a_session_asks_again_from_inside_the_answer(void **state)
{
    struct fixture *f = *state;
    f->asks_again = true;
    assert_int_equal(log_in(f), FERRY_OK);
    answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, "");
    net_kit_idle(&f->net);
    remote_auth_granted(f->auth, GRANT, files_end());
    assert_int_equal(f->verdict, LOGIN_GRANTED);
    uint64_t second = received(f, MESSAGE_LOGIN_ASK);
    assert_int_equal(received(f, MESSAGE_LOGIN_CANCEL), second);
    release(f);
    assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
    assert_int_equal(f->answers, 1);
}

static void a_grant_of_another_login_is_not_taken(void **state)
{
    struct fixture *f = *state;
    remote_auth_granted(f->auth, GRANT + 1, files_end());
    assert_int_equal(log_in(f), FERRY_OK);
    answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, "");
    net_kit_idle(&f->net);
    assert_int_equal(f->answers, 0);
    remote_auth_ops.cancel(f->auth, f);
    remote_auth_granted(f->auth, GRANT, files_end());
    assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
    assert_int_equal(f->answers, 0);
}

/* A reload: who has asked gets the answer of the one that was asked; then that one has seen the
 * last of it, and the new one knows the sessions. */
static void another_auth_takes_over(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_in(f), FERRY_OK);
    uint64_t ask = received(f, MESSAGE_LOGIN_ASK);
    struct fixture before = *f;
    connect_auth(f);
    assert_int_equal(received(f, MESSAGE_TOLD), 0);
    answer(&before, ask, LOGIN_ANSWER_GRANTED, "");
    net_kit_idle(&f->net);
    remote_auth_granted(f->auth, GRANT, files_end());
    assert_int_equal(f->verdict, LOGIN_GRANTED);
    assert_int_equal(received(f, MESSAGE_SEATED), GRANT);
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got = CHANNEL_NOTHING;
    assert_int_equal(channel_receive(&before.peer, space, &message, &got, NULL), FERRY_OK);
    assert_int_equal(got, CHANNEL_END);
    channel_fini(&before.peer);
    before = *f;
    connect_auth(f);
    assert_int_equal(received(f, MESSAGE_SEATED), GRANT);
    assert_int_equal(received(f, MESSAGE_TOLD), 0);
    channel_fini(&before.peer);
    release(f);
    assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
}

static void auth_takes_a_grant_back(void **state)
{
    struct fixture *f = *state;
    char space[128];
    struct wire_writer writer;
    struct bytes end;
    int ends[2];
    wire_begin(&writer, MESSAGE_END, space, sizeof(space));
    wire_put_u64(&writer, GRANT);
    wire_put_bytes(&writer, BYTES_LIT("it is over"));
    assert_int_equal(wire_end(&writer, &end), FERRY_OK);
    /* While its channel is still to come. */
    assert_int_equal(log_in(f), FERRY_OK);
    answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, "");
    assert_int_equal(channel_send(&f->peer, end, NULL, 0, NULL), FERRY_OK);
    net_kit_idle(&f->net);
    assert_int_equal(f->verdict, LOGIN_UNAVAILABLE);
    assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
    /* While it is at work; what nobody has is passed by. */
    assert_int_equal(log_in(f), FERRY_OK);
    answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, "");
    net_kit_idle(&f->net);
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    remote_auth_granted(f->auth, GRANT, ends[0]);
    assert_int_equal(channel_send(&f->peer, end, NULL, 0, NULL), FERRY_OK);
    net_kit_idle(&f->net);
    assert_string_equal(f->words, "it is over");
    release(f);
    close(ends[1]);
    assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
    f->words[0] = '\0';
    assert_int_equal(channel_send(&f->peer, end, NULL, 0, NULL), FERRY_OK);
    net_kit_idle(&f->net);
    assert_string_equal(f->words, "");
}

static void a_session_whose_files_have_gone_is_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_in(f), FERRY_OK);
    answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, "");
    net_kit_idle(&f->net);
    remote_auth_granted(f->auth, GRANT, files_end());
    assert_string_equal(f->words, "");
    net_kit_idle(&f->net);
    assert_string_equal(f->words, "The process that serves your files has ended. Log in again");
    release(f);
    assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
}

/* The supervisor's word on grants that no answer comes for: the oldest are given up. */
static void early_channels_are_few(void **state)
{
    struct fixture *f = *state;
    size_t before = net_descriptors();
    for (uint64_t grant = 1; grant <= 1000; grant++)
        remote_auth_granted(f->auth, grant, files_end());
    assert_int_equal(net_descriptors() - before, 256);
    channel_fini(&f->peer);
    net_kit_idle(&f->net); /* they are forgotten with the auth that granted them */
    assert_int_equal(net_descriptors() + 2, before);
}

static void memory_is_short_while_asking(void **state)
{
    struct fixture *f = *state;
    struct address peer;
    assert_int_equal(address_parse("192.0.2.7", 21, &peer), FERRY_OK);
    for (unsigned long nth = 1;; nth++) {
        const struct login_request request = {.name = BYTES_LIT("anna"), .peer = &peer};
        f->answers = 0;
        alloc_fail_from(nth);
        enum ferry_error error = remote_auth_ops.login(f->auth, &request, on_login, f);
        bool enough = alloc_count() < nth;
        alloc_fail_from(0);
        if (error == FERRY_OK)
            remote_auth_ops.cancel(f->auth, f);
        assert_int_equal(error, enough ? FERRY_OK : FERRY_E_MEMORY);
        if (enough)
            break;
    }
}

/* Each allocation between the question and the session fails once: there is one answer, and nothing
 * stays open. */
static void memory_is_short_while_granting(void **state)
{
    struct fixture *f = *state;
    for (unsigned long nth = 1;; nth++) {
        assert_int_equal(log_in(f), FERRY_OK);
        answer(f, received(f, MESSAGE_LOGIN_ASK), LOGIN_ANSWER_GRANTED, "");
        int files = files_end();
        alloc_fail_from(nth);
        net_kit_idle(&f->net);
        remote_auth_granted(f->auth, GRANT, files);
        bool enough = alloc_count() < nth;
        alloc_fail_from(0);
        NET_UNTIL(&f->net, f->answers > 0);
        assert_int_equal(f->answers, 1);
        assert_int_equal(f->verdict, enough ? LOGIN_GRANTED : LOGIN_UNAVAILABLE);
        if (f->verdict == LOGIN_GRANTED)
            release(f);
        assert_int_equal(received(f, MESSAGE_LOGOUT), GRANT);
        if (enough)
            break;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_granted_reaches_the_session),
        TEST(a_session_asks_again_from_inside_the_answer),
        TEST(a_grant_of_another_login_is_not_taken),
        TEST(another_auth_takes_over),
        TEST(auth_takes_a_grant_back),
        TEST(a_session_whose_files_have_gone_is_told),
        TEST(early_channels_are_few),
        TEST(memory_is_short_while_asking),
        TEST(memory_is_short_while_granting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
