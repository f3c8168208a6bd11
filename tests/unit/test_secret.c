/* base/secret: kept, compared, wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/secret.h"
#include "support/alloc_fail.h"

static void holds_a_terminated_copy(void **state)
{
    (void)state;
    char value[] = "pass\0word";
    CLEANUP(secret_drop) struct secret *secret = NULL;
    assert_int_equal(secret_new(bytes_of(value, 9), &secret), FERRY_OK);
    secret_wipe(value, sizeof(value));
    assert_int_equal(value[0], 0);

    struct bytes revealed = secret_reveal(secret);
    assert_true(bytes_equal(revealed, bytes_of("pass\0word", 9)));
    assert_int_equal(revealed.ptr[9], '\0');
}

static void empty_and_absent(void **state)
{
    (void)state;
    CLEANUP(secret_drop) struct secret *secret = NULL;
    assert_int_equal(secret_new(bytes_str(NULL), &secret), FERRY_OK);
    assert_int_equal(secret_reveal(secret).len, 0);
    assert_string_equal(secret_reveal(secret).ptr, "");
    assert_int_equal(secret_reveal(NULL).len, 0);
    assert_true(secret_equal(NULL, BYTES_LIT("")));
    secret_free(NULL);
    secret_wipe(NULL, 0);
}

static void has_a_cap(void **state)
{
    (void)state;
    static char value[SECRET_MAX_BYTES + 1];
    struct secret *secret = NULL;
    assert_int_equal(secret_new(bytes_of(value, sizeof(value)), &secret), FERRY_E_LIMIT);
    assert_null(secret);
    assert_int_equal(secret_new(bytes_of(value, sizeof(value) - 1), &secret), FERRY_OK);
    secret_free(secret);
}

static void sec_85_equal_means_every_byte(void **state)
{
    (void)state;
    CLEANUP(secret_drop) struct secret *secret = NULL;
    assert_int_equal(secret_new(BYTES_LIT("secret"), &secret), FERRY_OK);
    assert_true(secret_equal(secret, BYTES_LIT("secret")));
    assert_false(secret_equal(secret, BYTES_LIT("Secret")));
    assert_false(secret_equal(secret, BYTES_LIT("secreT")));
    assert_false(secret_equal(secret, BYTES_LIT("secret ")));
    assert_false(secret_equal(secret, BYTES_LIT("secre")));
    assert_false(secret_equal(secret, BYTES_LIT("")));
}

/* The flags that the kernel shows for the mapping around `address`: "dd" is "not in core dumps". A
 * kernel that shows none is believed. */
static bool is_out_of_core_dumps(const void *address)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    if (!maps)
        return true;
    char line[512];
    bool here = false, found = true;
    while (fgets(line, sizeof(line), maps)) {
        unsigned long first, last;
        if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
            here = (uintptr_t)address >= first && (uintptr_t)address < last;
        if (here && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " dd") != NULL;
    }
    fclose(maps);
    return found;
}

static void value_stays_out_of_core_dumps(void **state)
{
    (void)state;
    CLEANUP(secret_drop) struct secret *secret = NULL;
    assert_int_equal(secret_new(BYTES_LIT("secret"), &secret), FERRY_OK);
    assert_true(is_out_of_core_dumps(secret_reveal(secret).ptr));
}

static enum ferry_error make_one(void *ctx)
{
    (void)ctx;
    CLEANUP(secret_drop) struct secret *secret = NULL;
    return secret_new(BYTES_LIT("secret"), &secret);
}

static void failing_memory_is_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(make_one, NULL, 5), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_a_terminated_copy),
        cmocka_unit_test(empty_and_absent),
        cmocka_unit_test(has_a_cap),
        cmocka_unit_test(sec_85_equal_means_every_byte),
        cmocka_unit_test(value_stays_out_of_core_dumps),
        cmocka_unit_test(failing_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
