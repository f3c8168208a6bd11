/* Names that another process looks up, with the test at the other end of the channel. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ferryd/messages.h"
#include "ferryd/worker/remote_auth.h"
#include "proc/channel.h"
#include "support/net_kit.h"

struct fixture {
    struct net_kit net;
    struct charsets *charsets;
    struct remote_auth *auth;
    struct remote_names names;
    struct channel peer; /* auth's end */

    /* What came of the last look-up. */
    void *lookup;
    unsigned answers;
    size_t count;
    uint32_t first;
    char error[100];
};

/* Auth hears first that there are no sessions. */
static void told(struct fixture *f)
{
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got = CHANNEL_NOTHING;
    struct wire_reader reader;
    assert_int_equal(channel_receive(&f->peer, space, &message, &got, NULL), FERRY_OK);
    wire_open(&reader, message.data, 0);
    assert_int_equal(reader.type, MESSAGE_TOLD);
    channel_message_fini(&message);
}

static int setup(void **state)
{
    static struct fixture f;
    int ends[2];
    f = (struct fixture){0};
    net_kit_open(&f.net);
    assert_int_equal(charsets_new(&f.charsets), FERRY_OK);
    remote_names_init(&f.names);
    const struct remote_auth_setup auth = {
        .loop = f.net.loop, .charsets = f.charsets, .names = &f.names};
    f.auth = remote_auth_new(&auth);
    assert_non_null(f.auth);
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    channel_init(&f.peer, ends[1], CHANNEL_MESSAGE_BYTES);
    assert_int_equal(remote_auth_connect(f.auth, ends[0]), FERRY_OK);
    told(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    remote_auth_free(f->auth);
    channel_fini(&f->peer);
    charsets_free(f->charsets);
    net_kit_close(&f->net);
    return 0;
}

static void on_names(void *ctx, const struct in_addr *list, size_t count, const char *error)
{
    struct fixture *f = ctx;
    f->answers++;
    f->count = count;
    f->first = count > 0 ? ntohl(list[0].s_addr) : 0;
    snprintf(f->error, sizeof(f->error), "%s", error ? error : "");
}

static enum ferry_error look_up(struct fixture *f, const char *host)
{
    return remote_names_ops.begin(&f->names, host, on_names, f, &f->lookup);
}

/* The number of the look-up that has come, of that name. */
static uint64_t asked(struct fixture *f, const char *host)
{
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got = CHANNEL_NOTHING;
    struct wire_reader reader;
    assert_int_equal(channel_receive(&f->peer, space, &message, &got, NULL), FERRY_OK);
    assert_int_equal(got, CHANNEL_MESSAGE);
    wire_open(&reader, message.data, 0);
    assert_int_equal(reader.type, MESSAGE_LOOKUP);
    uint64_t number = wire_get_u64(&reader);
    assert_true(bytes_equal(wire_get_bytes(&reader), bytes_str(host)));
    channel_message_fini(&message);
    return number;
}

static void answer(struct fixture *f, uint64_t number, struct bytes addresses, const char *why)
{
    char space[1024];
    struct wire_writer writer;
    struct bytes message;
    wire_begin(&writer, MESSAGE_LOOKED_UP, space, sizeof(space));
    wire_put_u64(&writer, number);
    wire_put_bytes(&writer, addresses);
    wire_put_bytes(&writer, bytes_str(why));
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    assert_int_equal(channel_send(&f->peer, message, NULL, 0, NULL), FERRY_OK);
    net_kit_idle(&f->net);
}

static void tls_151_an_answer_reaches_who_asked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(look_up(f, "host.test"), FERRY_OK);
    uint64_t first = asked(f, "host.test");
    answer(f, first, BYTES_LIT("\xc0\x00\x02\x01\xc0\x00\x02\x02"), "");
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->count, 2);
    assert_int_equal(f->first, 0xc0000201);
    assert_string_equal(f->error, "");

    assert_int_equal(look_up(f, "other.test"), FERRY_OK);
    uint64_t second = asked(f, "other.test");
    assert_true(second != first);
    answer(f, second, BYTES_LIT(""), "unknown node or service");
    assert_int_equal(f->answers, 2);
    assert_int_equal(f->count, 0);
    assert_string_equal(f->error, "unknown node or service");
}

static void an_answer_to_a_cancelled_one_is_passed_by(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(look_up(f, "host.test"), FERRY_OK);
    uint64_t number = asked(f, "host.test");
    remote_names_ops.cancel(f->lookup);
    answer(f, number, BYTES_LIT("\xc0\x00\x02\x01"), "");
    assert_int_equal(f->answers, 0);
    assert_int_equal(look_up(f, "host.test"), FERRY_OK); /* the channel stands */
    remote_names_ops.cancel(f->lookup);
}

static void without_auth_look_ups_fail(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(look_up(f, "host.test"), FERRY_OK);
    channel_fini(&f->peer);
    net_kit_idle(&f->net);
    assert_int_equal(f->answers, 1);
    assert_string_equal(f->error, "the process that looks names up ended");
    assert_int_equal(look_up(f, "host.test"), FERRY_E_LOST);
}

static void what_cannot_be_a_name_is_not_sent(void **state)
{
    struct fixture *f = *state;
    char name[MESSAGE_HOST_BYTES + 2];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(look_up(f, name), FERRY_E_ARGUMENT);
    assert_int_equal(look_up(f, name + 1), FERRY_OK);
    remote_names_ops.cancel(f->lookup);
}

static void sec_63_what_was_not_asked_ends_the_channel(void **state)
{
    static const struct {
        uint64_t ahead;
        struct bytes addresses;
    } cases[] = {
        {1, BYTES_LIT("\xc0\x00\x02\x01")}, /* a number that was not given */
        {0, BYTES_LIT("\xc0\x00\x02")},     /* no whole address */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture *f = *state;
        assert_int_equal(look_up(f, "host.test"), FERRY_OK);
        answer(f, asked(f, "host.test") + cases[i].ahead, cases[i].addresses, "");
        assert_int_equal(f->answers, 1);
        assert_int_equal(look_up(f, "host.test"), FERRY_E_LOST);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tls_151_an_answer_reaches_who_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_to_a_cancelled_one_is_passed_by, setup, teardown),
        cmocka_unit_test_setup_teardown(without_auth_look_ups_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_a_name_is_not_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_63_what_was_not_asked_ends_the_channel, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
