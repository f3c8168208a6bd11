/* ferryd/logwire: events cross as they are, and nothing that is sent is more than one event. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "ferryd/logwire.h"

static struct log_field fields[4];

static const struct log_event event = {
    .wall_ns = INT64_C(1709209845123456789),
    .level = LOG_LEVEL_ERROR,
    .name = "transfer.failed",
    .fields = fields,
    .count = ARRAY_LEN(fields),
};

static int set_fields(void **state)
{
    (void)state;
    fields[0] = F_U64("session", UINT64_C(230646829042104));
    fields[1] = F_STR("account", "an\r\nna \xff");
    fields[2] = F_VISIBLE("reason", "it said \\x0d");
    fields[3] = F_DUR("took", UINT64_C(1500000000));
    return 0;
}

static char datagram[LOGWIRE_MAX_BYTES];
static struct logwire_got got;

static void assert_line(const struct log_event *shown, enum log_form form, const char *expected)
{
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, LOG_LINE_MAX_BYTES);
    assert_int_equal(log_format(form, shown, &line), FERRY_OK);
    assert_int_equal(buf_append(&line, BYTES_LIT("\0")), FERRY_OK);
    assert_string_equal(buf_view(&line).ptr, expected);
}

static void an_event_crosses_as_it_is(void **state)
{
    (void)state;
    size_t len = logwire_write(datagram, &event);
    assert_int_equal(logwire_read(bytes_of(datagram, len), &got), FERRY_OK);
    assert_line(&got.event, LOG_FORM_TEXT,
                "2024-02-29T12:30:45.123Z error transfer.failed session=230646829042104 "
                "account=\"an\\x0d\\x0ana \\xff\" reason=\"it said \\x0d\" took=1.500");
}

static void the_journal_gets_a_field_for_each(void **state)
{
    (void)state;
    assert_line(
        &event, LOG_FORM_JOURNAL,
        "MESSAGE=transfer.failed session=230646829042104 account=\"an\\x0d\\x0ana \\xff\" "
        "reason=\"it said \\x0d\" took=1.500\nPRIORITY=3\nSYSLOG_IDENTIFIER=ferryd\n"
        "FERRY_EVENT=transfer.failed\nFERRY_SESSION=230646829042104\n"
        "FERRY_ACCOUNT=an\\x0d\\x0ana \\xff\nFERRY_REASON=it said \\x0d\nFERRY_TOOK=1.500\n");
}

/* A worker that is no longer ours says that a text is visible which is not. */
static void sec_80_what_is_called_visible_is_looked_at(void **state)
{
    (void)state;
    const struct log_field lie[] = {F_VISIBLE("reason", "x\n2026 notice session.login\x1b[2J")};
    const struct log_event forged = {.name = "x", .fields = lie, .count = 1};
    size_t len = logwire_write(datagram, &forged);
    assert_int_equal(logwire_read(bytes_of(datagram, len), &got), FERRY_OK);
    assert_line(&got.event, LOG_FORM_TEXT,
                "1970-01-01T00:00:00.000Z error x reason=\"x\\x0a2026 notice "
                "session.login\\x1b[2J\"");
}

static void sec_80_names_are_of_few_letters(void **state)
{
    (void)state;
    static const char *const names[] = {"", "a b", "a=b", "A", "x\ny", "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct log_field field[] = {F_STR(names[i], "v")};
        const struct log_event by_field = {.name = "x", .fields = field, .count = 1};
        const struct log_event by_name = {.name = names[i]};
        size_t len = logwire_write(datagram, &by_field);
        assert_int_equal(logwire_read(bytes_of(datagram, len), &got), FERRY_E_PROTOCOL);
        len = logwire_write(datagram, &by_name);
        assert_int_equal(logwire_read(bytes_of(datagram, len), &got), FERRY_E_PROTOCOL);
    }
}

static void what_is_cut_or_has_more_is_refused(void **state)
{
    (void)state;
    size_t len = logwire_write(datagram, &event);
    size_t accepted = 0; /* a cut between two fields is an event, too */
    for (size_t cut = 0; cut < len; cut++)
        accepted += logwire_read(bytes_of(datagram, cut), &got) == FERRY_OK;
    assert_int_equal(accepted, ARRAY_LEN(fields));
    datagram[len] = LOG_FIELD_U64;
    assert_int_equal(logwire_read(bytes_of(datagram, len + 1), &got), FERRY_E_PROTOCOL);
    datagram[0] = LOGWIRE_LINE + 1;
    assert_int_equal(logwire_read(bytes_of(datagram, len), &got), FERRY_E_PROTOCOL);
}

static void sec_80_a_line_is_one_line(void **state)
{
    (void)state;
    static const struct {
        struct bytes line;
        enum ferry_error error;
    } cases[] = {
        {BYTES_LIT("\1Sun Nov 22 20:00:00 2026 1 127.0.0.1"), FERRY_OK},
        {BYTES_LIT("\1a\nb"), FERRY_E_PROTOCOL},
        {BYTES_LIT("\1a\xff"), FERRY_E_PROTOCOL},
        {BYTES_LIT("\1"), FERRY_E_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(logwire_read(cases[i].line, &got), cases[i].error);
}

static void too_much_is_cut(void **state)
{
    (void)state;
    static char long_value[20000];
    static struct log_field many[LOGWIRE_FIELDS_MAX];
    memset(long_value, 'x', sizeof(long_value));
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = F_BYTES("v", bytes_of(long_value, sizeof(long_value)));
    const struct log_event large = {.name = "x", .fields = many, .count = ARRAY_LEN(many)};
    size_t len = logwire_write(datagram, &large);
    assert_in_range(len, 1, LOGWIRE_MAX_BYTES);
    assert_int_equal(logwire_read(bytes_of(datagram, len), &got), FERRY_OK);
    assert_in_range(got.event.count, 10, LOGWIRE_FIELDS_MAX - 1);
}

/* The supervisor does not read: what does not get through is counted, and told of first. */
static void lost_events_are_counted_and_told(void **state)
{
    (void)state;
    static struct logwire wire;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    CLEANUP(fd_close) int reader = ends[0];
    CLEANUP(fd_close) int writer = ends[1];
    const struct timeval wait = {.tv_usec = 10000};
    assert_int_equal(setsockopt(writer, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)), 0);
    wire.fd = writer;
    int written = 0;
    while (wire.lost < 7) {
        logwire_record(&wire, &event);
        written++;
        assert_true(written < 100000);
    }
    int read = 0;
    while (recv(reader, datagram, sizeof(datagram), MSG_DONTWAIT) > 0)
        read++;
    assert_int_equal(read, written - 7);
    logwire_record(&wire, &event);
    assert_int_equal(wire.lost, 0);
    ssize_t len = recv(reader, datagram, sizeof(datagram), MSG_DONTWAIT);
    assert_true(len > 0);
    assert_int_equal(logwire_read(bytes_of(datagram, (size_t)len), &got), FERRY_OK);
    assert_string_equal(got.event.name, "log.lost");
    assert_int_equal(got.event.fields[0].number, 7);
    len = recv(reader, datagram, sizeof(datagram), MSG_DONTWAIT);
    assert_int_equal(logwire_read(bytes_of(datagram, (size_t)len), &got), FERRY_OK);
    assert_string_equal(got.event.name, "transfer.failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_crosses_as_it_is),
        cmocka_unit_test(the_journal_gets_a_field_for_each),
        cmocka_unit_test(sec_80_what_is_called_visible_is_looked_at),
        cmocka_unit_test(sec_80_names_are_of_few_letters),
        cmocka_unit_test(what_is_cut_or_has_more_is_refused),
        cmocka_unit_test(sec_80_a_line_is_one_line),
        cmocka_unit_test(too_much_is_cut),
        cmocka_unit_test(lost_events_are_counted_and_told),
    };
    return cmocka_run_group_tests(tests, set_fields, NULL);
}
