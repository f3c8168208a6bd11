/* ftp/change: arguments of MFF and SITE. FTP-76, FTP-77, FTP-184. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ftp/change.h"

enum { NEW_YEAR_2026 = 1767225600 };

static void assert_change(const char *argument, const struct change *got, int mode, int64_t time)
{
    bool same_mode = got->has_mode == (mode >= 0) && (mode < 0 || got->mode == mode);
    bool same_time = got->has_time == (time >= 0) && (time < 0 || got->time.seconds == time);
    if (!same_mode || !same_time)
        fail_msg("'%s': mode %o, time %lld", argument, (unsigned)got->mode,
                 (long long)got->time.seconds);
}

static void ftp_76_facts(void **state)
{
    static const struct {
        const char *argument;
        enum ferry_error error;
        const char *path; /* or the unknown fact */
        int mode;
        int64_t time; /* -1: none */
    } rows[] = {
        {"Modify=20260101000000; a b", FERRY_OK, "a b", -1, NEW_YEAR_2026},
        {"UNIX.mode=0640;  a", FERRY_OK, " a", 0640, -1},
        {"unix.MODE=7;modify=20260101000001; a", FERRY_OK, "a", 07, NEW_YEAR_2026 + 1},
        {"UNIX.group=4294967294; a", FERRY_OK, "a", -1, -1},
        {"UNIX.group=4294967295; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.group=staff; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.group=; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.mode=1777; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.mode=68; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"Modify=20260230000000; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"Modify=20260101000000 a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"Modify; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"=1; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"; a", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.mode=644;", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.mode=644; ", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"", FERRY_E_ARGUMENT, NULL, -1, -1},
        {"UNIX.mode=644;UNIX.owner=root; a", FERRY_E_UNSUPPORTED, "UNIX.owner", -1, -1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct change got;
        struct bytes path, unknown = {0};
        enum ferry_error error =
            change_parse_facts(bytes_str(rows[i].argument), &got, &path, &unknown);
        if (error != rows[i].error)
            fail_msg("'%s': %d", rows[i].argument, error);
        if (error == FERRY_E_UNSUPPORTED)
            assert_true(bytes_equal(unknown, bytes_str(rows[i].path)));
        if (error != FERRY_OK)
            continue;
        assert_true(bytes_equal(path, bytes_str(rows[i].path)));
        assert_change(rows[i].argument, &got, rows[i].mode, rows[i].time);
    }
}

static void ftp_184_site(void **state)
{
    static const struct {
        const char *argument;
        enum ferry_error error;
        enum site_deed deed;
        const char *path;
        int mode;
        int64_t time;
        uint64_t seconds;
    } rows[] = {
        {"CHMOD 644 a b", FERRY_OK, SITE_CHMOD, "a b", 0644, -1, 0},
        {"chmod 0777 a", FERRY_OK, SITE_CHMOD, "a", 0777, -1, 0},
        {"CHMOD 4755 a", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0}, /* SEC-37 */
        {"CHMOD 888 a", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"CHMOD 644", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"CHMOD a", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"UTIME 202601010000 a b", FERRY_OK, SITE_UTIME, "a b", -1, NEW_YEAR_2026, 0},
        {"UTIME 20260101000002 a", FERRY_OK, SITE_UTIME, "a", -1, NEW_YEAR_2026 + 2, 0},
        {"UTIME a b 20250101000000 20260101000003 20240101000000 UTC", FERRY_OK, SITE_UTIME, "a b",
         -1, NEW_YEAR_2026 + 3, 0},
        {"UTIME 20260101000000 20250101000000 20260101000004 20240101000000 UTC", FERRY_OK,
         SITE_UTIME, "20260101000000", -1, NEW_YEAR_2026 + 4, 0},
        {"UTIME 202613010000 a", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"UTIME 2026010100 a", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"UTIME 202601010000", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"UTIME a 20250101000000 x 20240101000000 UTC", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"IDLE", FERRY_OK, SITE_IDLE, "", -1, -1, 0},
        {"IDLE 60", FERRY_OK, SITE_IDLE, "", -1, -1, 60},
        {"IDLE 0", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"IDLE x", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"HELP", FERRY_OK, SITE_HELP, "", -1, -1, 0},
        {"HELP CHMOD", FERRY_OK, SITE_HELP, "", -1, -1, 0},
        {"EXEC ls", FERRY_E_UNSUPPORTED, 0, NULL, 0, 0, 0}, /* FTP-186 */
        {"CPFR a b", FERRY_OK, SITE_CPFR, "a b", -1, -1, 0},
        {"cpto a b", FERRY_OK, SITE_CPTO, "a b", -1, -1, 0},
        {"SYMLINK a b", FERRY_OK, SITE_SYMLINK, "a b", -1, -1, 0},
        {"CPFR", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"SYMLINK ", FERRY_E_ARGUMENT, 0, NULL, 0, 0, 0},
        {"CHMODE 644 a", FERRY_E_UNSUPPORTED, 0, NULL, 0, 0, 0},
        {"", FERRY_E_UNSUPPORTED, 0, NULL, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct site got;
        enum ferry_error error = site_parse(bytes_str(rows[i].argument), &got);
        if (error != rows[i].error)
            fail_msg("'%s': %d", rows[i].argument, error);
        if (error != FERRY_OK)
            continue;
        assert_int_equal(got.deed, rows[i].deed);
        assert_int_equal(got.seconds, rows[i].seconds);
        assert_true(bytes_equal(got.path, bytes_str(rows[i].path)));
        assert_change(rows[i].argument, &got.change, rows[i].mode, rows[i].time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ftp_76_facts),
        cmocka_unit_test(ftp_184_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
