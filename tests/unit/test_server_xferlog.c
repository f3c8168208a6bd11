/* server/xferlog: lines of xferlog(5), whatever names are in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "server/xferlog.h"

#define S UINT64_C(1000000000)
#define WHEN INT64_C(1709209845123456789) /* 2024-02-29 12:30:45 UTC */

static const struct {
    struct xferlog_entry entry;
    const char *line;
} cases[] = {
    {{.wall_ns = WHEN,
      .took_ns = 3 * S,
      .bytes = 4096,
      .path = "/a.bin",
      .account = "anna",
      .complete = true,
      .direction = XFERLOG_OUTGOING},
     "Thu Feb 29 12:30:45 2024 3 192.0.2.7 4096 /a.bin b _ o r anna ftp 0 * c"},
    {{.wall_ns = WHEN,
      .took_ns = 1,
      .bytes = 0,
      .path = "/in put\n/b",
      .account = "a b",
      .ascii = true,
      .compressed = true,
      .sealed = true,
      .direction = XFERLOG_INCOMING},
     "Thu Feb 29 12:30:45 2024 1 192.0.2.7 0 /in_put_/b a C i r a_b ftps 0 * i"},
    {{.wall_ns = WHEN,
      .path = "/\xc3\xa4\xff\x1b[2J\xe2\x80\xae",
      .account = NULL,
      .complete = true,
      .direction = XFERLOG_DELETED},
     "Thu Feb 29 12:30:45 2024 1 192.0.2.7 0 /\xc3\xa4__[2J_ b _ d r _ ftp 0 * c"},
};

static void sec_80_lines(void **state)
{
    (void)state;
    struct address peer;
    assert_int_equal(address_parse("192.0.2.7", 21, &peer), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct xferlog_entry entry = cases[i].entry;
        CLEANUP(buf_fini) struct buf line;
        buf_init(&line, XFERLOG_LINE_BYTES);
        entry.peer = &peer;
        assert_int_equal(xferlog_line(&line, &entry), FERRY_OK);
        assert_int_equal(buf_append(&line, BYTES_LIT("\0")), FERRY_OK);
        assert_string_equal(buf_view(&line).ptr, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sec_80_lines)};
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
