/* proc/wire (SEC-63): fields arrive as they were put, and nothing else is let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/wire.h"

enum { LOGIN = 7, GRANT = 8, STOP = 9 };
enum { STATE_IDLE, STATE_ASKED };

static const struct wire_message messages[] = {
    {
        .type = LOGIN,
        .name = "login",
        .senders = ROLE_BIT(ROLE_WORKER),
        .states = WIRE_STATE(STATE_IDLE),
        .fields = {WIRE_U32, WIRE_TEXT(8), WIRE_BYTES(4)},
    },
    {
        .type = GRANT,
        .name = "grant",
        .senders = ROLE_BIT(ROLE_AUTH) | ROLE_BIT(ROLE_SUPERVISOR),
        .states = WIRE_STATE(STATE_ASKED),
        .fd_count = 1,
        .fields = {WIRE_U8, WIRE_U16, WIRE_U64, WIRE_I64},
    },
    {
        .type = STOP,
        .name = "stop",
        .senders = ROLE_BIT(ROLE_SUPERVISOR),
        .states = WIRE_ANY_STATE,
    },
};
static const char *const state_names[] = {"idle", "asked"};
static const struct wire_table table = {messages, ARRAY_LEN(messages), state_names,
                                        ARRAY_LEN(state_names)};

static const char lying_login[] = "\x07\x00"
                                  "\x05\x00\x00\x00"
                                  "\x03\x00\x00\x00user" /* 3, not 4 */
                                  "\x00\x00\x00\x00";

static void numbers_and_bytes_come_back(void **state)
{
    (void)state;
    char space[256];
    struct wire_writer writer;
    wire_begin(&writer, 0xfedc, space, sizeof(space));
    wire_put_u8(&writer, UINT8_MAX);
    wire_put_u16(&writer, 0x1234);
    wire_put_u32(&writer, UINT32_MAX - 1);
    wire_put_u64(&writer, UINT64_MAX - 2);
    wire_put_i64(&writer, INT64_MIN);
    wire_put_i64(&writer, -1);
    wire_put_bytes(&writer, BYTES_LIT("a\0b"));
    wire_put_bytes(&writer, (struct bytes){0});
    struct bytes message;
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    assert_memory_equal(message.ptr, "\xdc\xfe\xff\x34\x12", 5);

    struct wire_reader reader;
    wire_open(&reader, message, 3);
    assert_int_equal(reader.type, 0xfedc);
    assert_int_equal(reader.fd_count, 3);
    assert_int_equal(wire_get_u8(&reader), UINT8_MAX);
    assert_int_equal(wire_get_u16(&reader), 0x1234);
    assert_int_equal(wire_get_u32(&reader), UINT32_MAX - 1);
    assert_true(wire_get_u64(&reader) == UINT64_MAX - 2);
    assert_true(wire_get_i64(&reader) == INT64_MIN);
    assert_true(wire_get_i64(&reader) == -1);
    assert_true(bytes_equal(wire_get_bytes(&reader), BYTES_LIT("a\0b")));
    assert_false(wire_done(&reader));
    assert_int_equal(wire_get_bytes(&reader).len, 0);
    assert_true(wire_done(&reader));
    assert_int_equal(wire_get_u8(&reader), 0);
    assert_false(wire_done(&reader));
}

static void a_message_that_does_not_fit_is_told_at_the_end(void **state)
{
    (void)state;
    char space[10];
    struct bytes message = {0};
    struct wire_writer writer;
    wire_begin(&writer, 1, space, sizeof(space));
    wire_put_u64(&writer, 1);
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    assert_int_equal(message.len, 10);
    wire_put_u8(&writer, 1);
    assert_int_equal(wire_end(&writer, &message), FERRY_E_LIMIT);

    wire_begin(&writer, 1, space, sizeof(space));
    wire_put_bytes(&writer, BYTES_LIT("12345"));
    wire_put_u8(&writer, 1); /* would fit again: a gap is no message */
    assert_int_equal(wire_end(&writer, &message), FERRY_E_LIMIT);

    wire_begin(&writer, 1, space, 1);
    assert_int_equal(wire_end(&writer, &message), FERRY_E_LIMIT);
}

static void a_field_that_is_cut_reads_as_nothing_for_good(void **state)
{
    (void)state;
    struct wire_reader reader;
    wire_open(&reader, BYTES_LIT("\x01\x00\xff\xff\xff\xff\x01\x02\x03"), 0);
    assert_int_equal(wire_get_bytes(&reader).len, 0);
    assert_int_equal(wire_get_u8(&reader), 0);
    assert_false(wire_done(&reader));
    wire_open(&reader, BYTES_LIT("\x01"), 0);
    assert_int_equal(reader.type, 0);
    assert_false(wire_done(&reader));
}

/* Lays a login of `name` and `password` into `space`. */
static struct bytes login_of(char space[static 256], struct bytes name, struct bytes password)
{
    struct wire_writer writer;
    struct bytes message = {0};
    wire_begin(&writer, LOGIN, space, 256);
    wire_put_u32(&writer, 5);
    wire_put_bytes(&writer, name);
    wire_put_bytes(&writer, password);
    assert_int_equal(wire_end(&writer, &message), FERRY_OK);
    return message;
}

static enum ferry_error check(enum role sender, unsigned in_state, struct bytes message,
                              size_t fd_count, struct fault *fault)
{
    struct wire_reader reader;
    const struct wire_message *row = NULL;
    fault_clear(fault);
    wire_open(&reader, message, fd_count);
    enum ferry_error error = wire_check(&table, sender, in_state, &reader, &row, fault);
    assert_true((error == FERRY_OK) == (row != NULL));
    assert_true((error == FERRY_OK) == !fault_is_set(fault));
    return error;
}

static void what_is_permitted_passes_and_can_be_read(void **state)
{
    (void)state;
    char space[256];
    struct wire_reader reader;
    const struct wire_message *row;
    wire_open(&reader, login_of(space, BYTES_LIT("12345678"), BYTES_LIT("\0\0\0\0")), 0);
    assert_int_equal(wire_check(&table, ROLE_WORKER, STATE_IDLE, &reader, &row, NULL), FERRY_OK);
    assert_string_equal(row->name, "login");
    assert_int_equal(wire_get_u32(&reader), 5);
    assert_true(bytes_equal(wire_get_bytes(&reader), BYTES_LIT("12345678")));
    assert_int_equal(wire_get_bytes(&reader).len, 4);
    assert_true(wire_done(&reader));
}

#define GRANT_BODY                                                                                 \
    "\x08\x00\x01\x02\x02\x03\x03\x03\x03\x03\x03\x03\x03\x04\x04\x04\x04\x04\x04\x04"
static const struct {
    const char *name;
    enum role sender;
    unsigned state;
    struct bytes message;
    size_t fd_count;
    const char *words; /* NULL: permitted */
} cases[] = {
    {"a grant", ROLE_AUTH, STATE_ASKED, BYTES_LIT(GRANT_BODY "\x04"), 1, NULL},
    {"another that may", ROLE_SUPERVISOR, STATE_ASKED, BYTES_LIT(GRANT_BODY "\x04"), 1, NULL},
    {"from one who may not", ROLE_WORKER, STATE_ASKED, BYTES_LIT(GRANT_BODY "\x04"), 1,
     "worker sent grant, which is not its to send"},
    {"in another state", ROLE_AUTH, STATE_IDLE, BYTES_LIT(GRANT_BODY "\x04"), 1,
     "auth sent grant in state idle"},
    {"in a state that is none", ROLE_AUTH, 2, BYTES_LIT(GRANT_BODY "\x04"), 1,
     "auth sent grant in state unknown"},
    {"a state no set can hold", ROLE_SUPERVISOR, 40, BYTES_LIT("\x09\x00"), 0,
     "supervisor sent stop in state unknown"},
    {"without its descriptor", ROLE_AUTH, STATE_ASKED, BYTES_LIT(GRANT_BODY "\x04"), 0,
     "auth sent grant with 0 descriptors instead of 1"},
    {"with two", ROLE_AUTH, STATE_ASKED, BYTES_LIT(GRANT_BODY "\x04"), 2,
     "auth sent grant with 2 descriptors instead of 1"},
    {"one byte short", ROLE_AUTH, STATE_ASKED, BYTES_LIT(GRANT_BODY), 1,
     "auth sent grant with a bad field 4"},
    {"one byte long", ROLE_AUTH, STATE_ASKED, BYTES_LIT(GRANT_BODY "\x04\x05"), 1,
     "auth sent grant with 1 bytes too many"},
    {"no fields, and none wanted", ROLE_SUPERVISOR, STATE_ASKED, BYTES_LIT("\x09\x00"), 0, NULL},
    {"no fields, and one came", ROLE_SUPERVISOR, STATE_IDLE, BYTES_LIT("\x09\x00\x00"), 0,
     "supervisor sent stop with 1 bytes too many"},
    {"an unknown type", ROLE_AUTH, STATE_IDLE, BYTES_LIT("\x0a\x00"), 0,
     "auth sent a message of no known type (10)"},
    {"half a type", ROLE_AUTH, STATE_IDLE, BYTES_LIT("\x09"), 0,
     "auth sent a message of no known type (0)"},
    {"nothing", ROLE_AUTH, STATE_IDLE, {NULL, 0}, 0, "auth sent a message of no known type (0)"},
    {"a text whose length lies",
     ROLE_WORKER,
     STATE_IDLE,
     {lying_login, sizeof(lying_login) - 1},
     0,
     "worker sent login with a bad field 3"},
};

static void sec_63_what_is_not_permitted_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault;
        enum ferry_error error =
            check(cases[i].sender, cases[i].state, cases[i].message, cases[i].fd_count, &fault);
        enum ferry_error expected = cases[i].words ? FERRY_E_PROTOCOL : FERRY_OK;
        const char *words = cases[i].words ? cases[i].words : "";
        if (error != expected || strcmp(fault.what, words) != 0)
            fail_msg("%s: %d, %s", cases[i].name, error, fault.what);
    }
}

static void sec_70_texts_have_a_length_and_no_nul(void **state)
{
    (void)state;
    static const struct {
        struct bytes name, password;
        bool right;
    } names[] = {
        {BYTES_LIT(""), BYTES_LIT(""), true},
        {BYTES_LIT("12345678"), BYTES_LIT("1234"), true},
        {BYTES_LIT("123456789"), BYTES_LIT(""), false},
        {BYTES_LIT("12345678"), BYTES_LIT("12345"), false},
        {BYTES_LIT("a\0b"), BYTES_LIT(""), false},
        {BYTES_LIT("\0"), BYTES_LIT(""), false},
        {BYTES_LIT("ab"), BYTES_LIT("\0"), true}, /* bytes, not text */
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char space[256];
        struct fault fault;
        struct bytes message = login_of(space, names[i].name, names[i].password);
        enum ferry_error error = check(ROLE_WORKER, STATE_IDLE, message, 0, &fault);
        assert_int_equal(error, names[i].right ? FERRY_OK : FERRY_E_PROTOCOL);
    }
}

static void sec_63_every_cut_and_every_added_byte_is_refused(void **state)
{
    (void)state;
    char space[256] = {0};
    struct fault fault;
    struct bytes whole = login_of(space, BYTES_LIT("user"), BYTES_LIT("pass"));
    for (size_t len = 0; len < whole.len + 8; len++) {
        enum ferry_error error = check(ROLE_WORKER, STATE_IDLE, bytes_of(space, len), 0, &fault);
        assert_int_equal(error, len == whole.len ? FERRY_OK : FERRY_E_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_bytes_come_back),
        cmocka_unit_test(a_message_that_does_not_fit_is_told_at_the_end),
        cmocka_unit_test(a_field_that_is_cut_reads_as_nothing_for_good),
        cmocka_unit_test(what_is_permitted_passes_and_can_be_read),
        cmocka_unit_test(sec_63_what_is_not_permitted_is_refused),
        cmocka_unit_test(sec_70_texts_have_a_length_and_no_nul),
        cmocka_unit_test(sec_63_every_cut_and_every_added_byte_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
