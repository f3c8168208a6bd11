/* tls/bio: what OpenSSL sees of a borrowed view and a capped queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "tls/bio.h"

enum { OUT_CAP_BYTES = 10 };

struct fixture {
    BIO_METHOD *method;
    struct tls_bio wire;
    BIO *bio;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.method = tls_bio_method_new()};
    assert_non_null(fixture.method);
    buf_init(&fixture.wire.out, OUT_CAP_BYTES);
    fixture.bio = tls_bio_new(fixture.method, &fixture.wire);
    assert_non_null(fixture.bio);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    BIO_free(fixture->bio);
    BIO_meth_free(fixture->method);
    buf_fini(&fixture->wire.out);
    return 0;
}

static void reads_the_view_and_then_asks_for_a_retry(void **state)
{
    struct fixture *fixture = *state;
    char space[8];
    size_t got = 0;
    fixture->wire.in = BYTES_LIT("abcde");
    assert_int_equal(BIO_read_ex(fixture->bio, space, 3, &got), 1);
    assert_int_equal(got, 3);
    assert_memory_equal(space, "abc", 3);
    assert_int_equal(fixture->wire.in.len, 2);
    assert_int_equal(BIO_read_ex(fixture->bio, space, sizeof(space), &got), 1);
    assert_int_equal(got, 2);
    assert_memory_equal(space, "de", 2);
    assert_int_equal(BIO_read_ex(fixture->bio, space, sizeof(space), &got), 0);
    assert_true(BIO_should_read(fixture->bio));
    assert_false(BIO_eof(fixture->bio));
}

static void the_end_comes_after_the_view(void **state)
{
    struct fixture *fixture = *state;
    char space[8];
    size_t got = 0;
    fixture->wire.in = BYTES_LIT("a");
    fixture->wire.eof = true;
    assert_false(BIO_eof(fixture->bio));
    assert_int_equal(BIO_read_ex(fixture->bio, space, sizeof(space), &got), 1);
    assert_int_equal(BIO_read_ex(fixture->bio, space, sizeof(space), &got), 0);
    assert_false(BIO_should_retry(fixture->bio));
    assert_true(BIO_eof(fixture->bio));
}

static void a_stopped_wire_gives_nothing(void **state)
{
    struct fixture *fixture = *state;
    char space[8];
    size_t got = 0;
    fixture->wire.in = BYTES_LIT("abc");
    fixture->wire.stopped = true;
    assert_int_equal(BIO_read_ex(fixture->bio, space, sizeof(space), &got), 0);
    assert_false(BIO_should_retry(fixture->bio));
    assert_int_equal(fixture->wire.in.len, 3);
}

static void writes_until_the_cap_and_then_asks_for_a_retry(void **state)
{
    struct fixture *fixture = *state;
    size_t taken = 0;
    assert_int_equal(BIO_write_ex(fixture->bio, "1234567", 7, &taken), 1);
    assert_int_equal(taken, 7);
    assert_int_equal(BIO_write_ex(fixture->bio, "89abc", 5, &taken), 1);
    assert_int_equal(taken, 3);
    assert_int_equal(BIO_write_ex(fixture->bio, "bc", 2, &taken), 0);
    assert_true(BIO_should_write(fixture->bio));
    struct bytes out = buf_view(&fixture->wire.out);
    assert_int_equal(out.len, OUT_CAP_BYTES);
    assert_memory_equal(out.ptr, "123456789a", OUT_CAP_BYTES);

    buf_consume(&fixture->wire.out, 4);
    assert_int_equal(BIO_write_ex(fixture->bio, "bc", 2, &taken), 1);
    assert_int_equal(taken, 2);
}

static void short_memory_is_told_apart_from_a_full_output(void **state)
{
    struct fixture *fixture = *state;
    size_t taken = 0;
    alloc_fail_from(1);
    assert_int_equal(BIO_write_ex(fixture->bio, "1", 1, &taken), 0);
    alloc_fail_from(0);
    assert_false(BIO_should_retry(fixture->bio));
    assert_true(fixture->wire.memory_short);
}

/* openssl-notes.md section 2: a 1 for what is not known promises kernel TLS. */
static void only_flush_and_eof_are_known(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(BIO_flush(fixture->bio), 1);
    assert_int_equal(BIO_get_ktls_send(fixture->bio), 0);
    assert_int_equal(BIO_get_ktls_recv(fixture->bio), 0);
    assert_int_equal(BIO_pending(fixture->bio), 0);
    assert_int_equal(BIO_ctrl(fixture->bio, 4711, 0, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_the_view_and_then_asks_for_a_retry, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_comes_after_the_view, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_wire_gives_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_until_the_cap_and_then_asks_for_a_retry, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(short_memory_is_told_apart_from_a_full_output, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_flush_and_eof_are_known, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
