/* base/fault: the first cause, its words, its kind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fault.h"

static void first_cause_wins(void **state)
{
    (void)state;
    struct fault fault;
    fault_clear(&fault);
    assert_false(fault_is_set(&fault));
    assert_int_equal(fault_set(&fault, FERRY_E_TLS, "shake hands with %s", "host"), FERRY_E_TLS);
    assert_int_equal(fault_set(&fault, FERRY_E_LOST, "later"), FERRY_E_LOST);
    errno = ENOENT;
    assert_int_equal(fault_errno(&fault, FERRY_E_FILE, "later"), FERRY_E_NOT_FOUND);

    assert_true(fault_is_set(&fault));
    assert_int_equal(fault.kind, FERRY_E_TLS);
    assert_string_equal(fault.what, "shake hands with host");
    assert_int_equal(fault.os_error, 0);
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(fault_set(NULL, FERRY_E_LOST, "x"), FERRY_E_LOST);
    errno = EACCES;
    assert_int_equal(fault_errno(NULL, FERRY_E_FILE, "x"), FERRY_E_DENIED);
    fault_peer(NULL, 550, BYTES_LIT("no"));
    fault_advise(NULL, "x");
}

static void errno_gives_words_and_kind(void **state)
{
    (void)state;
    struct fault fault;
    fault_clear(&fault);
    errno = ENOSPC;
    assert_int_equal(fault_errno(&fault, FERRY_E_FILE, "write %s", "a"), FERRY_E_SPACE);
    assert_string_equal(fault.what, "write a: No space left on device");
    assert_int_equal(fault.os_error, ENOSPC);

    /* Only FERRY_E_FILE is narrowed. */
    fault_clear(&fault);
    errno = EACCES;
    assert_int_equal(fault_errno(&fault, FERRY_E_CONNECT, "connect"), FERRY_E_CONNECT);
}

static void long_words_leave_the_reason(void **state)
{
    (void)state;
    char name[2000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';

    struct fault fault;
    fault_clear(&fault);
    errno = EISDIR;
    assert_int_equal(fault_errno(&fault, FERRY_E_FILE, "open %s", name), FERRY_E_FILE);
    assert_int_equal(strlen(fault.what), FAULT_TEXT_BYTES - 1);
    assert_non_null(strstr(fault.what, "nnn: Is a directory"));
}

static void sec_91_words_are_made_visible(void **state)
{
    (void)state;
    struct fault fault;
    fault_clear(&fault);
    assert_int_equal(fault_set(&fault, FERRY_E_REFUSED, "list %s", "\x1b[2J"), FERRY_E_REFUSED);
    fault_peer(&fault, 550, BYTES_LIT("no\r\n\x1b]0;x\x07 \xff"));
    fault_advise(&fault, "try %s", "\xe2\x80\xae");
    assert_string_equal(fault.what, "list \\x1b[2J");
    assert_string_equal(fault.peer_said, "no\\x0d\\x0a\\x1b]0;x\\x07 \\xff");
    assert_string_equal(fault.advice, "try \\xe2\\x80\\xae");
    assert_int_equal(fault.reply, 550);
}

static void first_words_win(void **state)
{
    (void)state;
    struct fault fault;
    fault_clear(&fault);
    fault_peer(&fault, 530, BYTES_LIT("first"));
    fault_peer(&fault, 421, BYTES_LIT("second"));
    fault_advise(&fault, "first");
    fault_advise(&fault, "second");
    assert_int_equal(fault.reply, 530);
    assert_string_equal(fault.peer_said, "first");
    assert_string_equal(fault.advice, "first");
}

static void needs_no_memory(void **state)
{
    (void)state;
    struct fault fault;
    fault_clear(&fault);
    alloc_fail_from(1);
    enum ferry_error kind = fault_set(&fault, FERRY_E_MEMORY, "grow");
    unsigned long asked = alloc_count();
    alloc_fail_from(0);
    assert_int_equal(kind, FERRY_E_MEMORY);
    assert_int_equal(asked, 0);
    assert_string_equal(fault.what, "grow");
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = FERRY_E_CANCELLED; a <= FERRY_OK; a++) {
        const char *name = fault_kind_name((enum ferry_error)a);
        assert_non_null(name);
        assert_string_not_equal(name, "unknown");
        for (int b = FERRY_E_CANCELLED; b < a; b++)
            assert_string_not_equal(name, fault_kind_name((enum ferry_error)b));
    }
    assert_string_equal(fault_kind_name(FERRY_E_NOT_FOUND), "not-found");
    assert_string_equal(fault_kind_name((enum ferry_error)1), "unknown");
    assert_string_equal(fault_kind_name((enum ferry_error) - 1000), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_cause_wins),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(errno_gives_words_and_kind),
        cmocka_unit_test(long_words_leave_the_reason),
        cmocka_unit_test(sec_91_words_are_made_visible),
        cmocka_unit_test(first_words_win),
        cmocka_unit_test(needs_no_memory),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
