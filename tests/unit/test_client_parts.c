/* client/options.c, host.c, path.c, entry.c, local.c, transfer_words.c: the parts that need no
 * server. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "client/entry.h"
#include "client/host.h"
#include "client/local.h"
#include "client/options.h"
#include "client/path.h"
#include "client/transfer_words.h"
#include "support/alloc_fail.h"
#include "support/tempdir.h"

/* ---- host names (TLS-146) ---- */

static const struct {
    const char *host;
    const char *ascii; /* NULL: refused */
} hosts[] = {
    {"ftp.example.org", "ftp.example.org"},
    {"ftp.example.org.", "ftp.example.org"},
    {"192.0.2.1", "192.0.2.1"},
    {"2001:db8::1", "2001:db8::1"},
    {"a_b.example", "a_b.example"},
    {"bücher.example", "xn--bcher-kva.example"},
    {"BÜCHER.example", "xn--bcher-kva.example"},
    {"", NULL},
    {"\xff\xfe.example", NULL},
    {"\xe2\x80\xae.example", NULL}, /* a bidirectional control */
};

static void tls_146_host_names_become_ascii(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct fault fault = {0};
        char *ascii = NULL;
        enum ferry_error error = client_host_ascii(hosts[i].host, &ascii, &fault);
        assert_int_equal(error, hosts[i].ascii ? FERRY_OK : FERRY_E_ARGUMENT);
        if (hosts[i].ascii)
            assert_string_equal(ascii, hosts[i].ascii);
        alloc_free(ascii);
    }
}

/* ---- paths ---- */

static const struct {
    const char *dir, *name, *joined;
} joins[] = {
    {"", "", ""},       {"", "a", "a"},   {"d", "", "d"}, {"d", "a", "d/a"},
    {"d/", "a", "d/a"}, {"/", "a", "/a"}, {"/", "", "/"}, {"a/b", "c/d", "a/b/c/d"},
};

static void paths_are_joined(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        char *joined = client_path_join(joins[i].dir, joins[i].name);
        assert_string_equal(joined, joins[i].joined);
        alloc_free(joined);
    }
}

static void local_files(void **state)
{
    (void)state;
    static const char *const refused[] = {"", "/", "d/", ".", "..", "d/.", "d/.."};
    struct tempdir dir;
    char path[PATH_MAX];
    struct fault fault = {0};
    struct root root;
    char *inner = NULL;
    tempdir_make(&dir);
    assert_int_equal(client_local_file(tempdir_path(&dir, "f", path), &root, &inner, &fault), 0);
    assert_string_equal(inner, "/f");
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(root.mask, mask);
    alloc_free(inner);
    root_fini(&root);
    assert_int_equal(client_local_file(tempdir_path(&dir, "nope/f", path), &root, &inner, &fault),
                     FERRY_E_NOT_FOUND);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(client_local_file(refused[i], &root, &inner, &fault), FERRY_E_ARGUMENT);
    assert_int_equal(client_local_file("relative", &root, &inner, &fault), FERRY_OK);
    alloc_free(inner);
    root_fini(&root);
    tempdir_remove(&dir);
}

/* ---- options ---- */

static enum ferry_error set_all(void *ctx)
{
    struct tempdir *dir = ctx;
    char path[PATH_MAX];
    struct client_options options;
    struct fault fault = {0};
    tempdir_path(dir, "pem", path);
    client_options_init(&options);
    enum ferry_error error = client_options_login(&options, "anna", "secret", &fault);
    if (error == FERRY_OK)
        error = client_options_login(&options, "otto", NULL, &fault);
    if (error == FERRY_OK)
        error = client_options_account(&options, "books", &fault);
    if (error == FERRY_OK)
        error = client_options_ca_file(&options, path, &fault);
    if (error == FERRY_OK)
        error = client_options_certificate(&options, path, path, "word", &fault);
    client_options_fini(&options);
    return error;
}

static void options_when_memory_is_short(void **state)
{
    (void)state;
    struct tempdir dir;
    tempdir_make(&dir);
    tempdir_write(&dir, "pem", "-----BEGIN CERTIFICATE-----\n");
    assert_true(alloc_fail_each(set_all, &dir, 100) > 4);
    tempdir_remove(&dir);
}

static void options_that_are_refused(void **state)
{
    (void)state;
    struct client_options options;
    struct fault fault = {0};
    client_options_init(&options);
    assert_int_equal(client_options_ca_file(&options, "/nonexistent", &fault), FERRY_E_NOT_FOUND);
    assert_int_equal(client_options_ca_file(&options, "/dev/zero", &fault), FERRY_E_LIMIT);
    assert_int_equal(client_options_tls_versions(&options, FERRY_TLS_1_3, FERRY_TLS_1_2, &fault),
                     FERRY_E_ARGUMENT);
    assert_int_equal(client_options_tls_versions(&options, FERRY_TLS_1_2, FERRY_TLS_ANY, &fault),
                     FERRY_OK);
    assert_int_equal(client_options_protection(&options, 'E', 'P', &fault), FERRY_E_ARGUMENT);
    static const char pin[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (int i = 0; i < TLS_PINS_MAX; i++)
        assert_int_equal(client_options_pin(&options, pin, &fault), FERRY_OK);
    assert_int_equal(client_options_pin(&options, pin, &fault), FERRY_E_LIMIT);
    client_options_fini(&options);
}

/* ---- entries ---- */

static enum ferry_error copy_entry(void *ctx)
{
    (void)ctx;
    const struct listing_entry entry = {
        .format = LISTING_FORMAT_UNIX,
        .type = LISTING_LINK,
        .size_kind = LISTING_SIZE_APPROXIMATE,
        .size = 5,
        .owner_id = BYTES_LIT("1000"),
        .target = BYTES_LIT("there"),
    };
    struct client_entry made;
    struct client_entry copied = {0};
    enum ferry_error error = client_entry_make(&entry, BYTES_LIT("here"), &made);
    if (error == FERRY_OK)
        error = client_entry_copy(&made.face, BYTES_LIT("again"), &copied);
    if (error == FERRY_OK) {
        assert_string_equal(copied.face.name, "again");
        assert_string_equal(copied.face.owner, "1000");
        assert_string_equal(copied.face.group, "");
        assert_string_equal(copied.face.link_target, "there");
        assert_int_equal(copied.face.type, FERRY_ENTRY_LINK);
        assert_int_equal(copied.face.size_bytes, FERRY_SIZE_UNKNOWN);
        assert_int_equal(copied.face.mode, FERRY_MODE_UNKNOWN);
        assert_false(copied.face.time_is_utc);
    }
    client_entry_fini(&made);
    client_entry_fini(&copied);
    return error;
}

static void entries_when_memory_is_short(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(copy_entry, NULL, 10), 2);
}

/* ---- the cause of a failure ---- */

struct cause {
    struct transfer_story story;
    struct transfer_facts facts;
    enum ferry_error kind;
};

static const struct cause causes[] = {
    /* cancelled, whatever came of it */
    {{.verb = VERB_RETR, .cancelled = true}, {.final_reply = 426}, FERRY_E_CANCELLED},
    /* the local disk first, then the rest broke */
    {{.verb = VERB_RETR, .opened = true, .outcome = PUMP_WRITE_FAILED, .os_error = ENOSPC},
     {.final_reply = 426, .bytes = 9},
     FERRY_E_SPACE},
    {{.verb = VERB_STOR, .opened = true, .outcome = PUMP_READ_FAILED, .os_error = EIO},
     {.final_reply = 426, .bytes = 9},
     FERRY_E_FILE},
    /* a certificate that is refused here outweighs what the server says of it */
    {{.verb = VERB_RETR, .data = {.kind = FERRY_E_TRUST}}, {.final_reply = 550}, FERRY_E_TRUST},
    /* TLS-63: a refused file outweighs the connection that it drags down */
    {{.verb = VERB_RETR, .data = {.kind = FERRY_E_TLS}}, {.final_reply = 550}, FERRY_E_REFUSED},
    /* TLS-34 */
    {{.verb = VERB_RETR, .data = {.kind = FERRY_E_TLS}}, {.final_reply = 425}, FERRY_E_TLS},
    {{.verb = VERB_RETR, .opened = true}, {.sealed = true, .final_reply = 425}, FERRY_E_TLS},
    {{.verb = VERB_RETR, .opened = true}, {.sealed = true, .final_reply = 522}, FERRY_E_TLS},
    {{.verb = VERB_RETR}, {.final_reply = 425}, FERRY_E_CONNECT},
    {{.verb = VERB_STOR, .opened = true}, {.bytes = 9, .final_reply = 552}, FERRY_E_SPACE},
    {{.verb = VERB_STOR, .opened = true}, {.bytes = 9, .final_reply = 451}, FERRY_E_CUT},
    {{.verb = VERB_RETR, .opened = true, .outcome = PUMP_STALLED}, {.bytes = 9}, FERRY_E_CUT},
    {{.verb = VERB_RETR, .answer = {.kind = FERRY_E_TIMEOUT}},
     {.control_lost = true},
     FERRY_E_TIMEOUT},
};

static void pain_12_the_cause_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        struct transfer_story story = causes[i].story;
        const struct fault why = {.kind = FERRY_E_CUT, .what = "it ended"};
        struct fault fault = {0};
        story.path = "some/file";
        enum ferry_error kind = transfer_words(&story, &causes[i].facts, &why, &fault);
        if (kind != causes[i].kind)
            print_error("case %zu: %s\n", i, fault.what);
        assert_int_equal(kind, causes[i].kind);
        assert_int_equal(fault.kind, kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_146_host_names_become_ascii),
        cmocka_unit_test(paths_are_joined),
        cmocka_unit_test(local_files),
        cmocka_unit_test(options_when_memory_is_short),
        cmocka_unit_test(options_that_are_refused),
        cmocka_unit_test(entries_when_memory_is_short),
        cmocka_unit_test(pain_12_the_cause_is_told),
    };
    return cmocka_run_group_tests_name("client_parts", tests, NULL, NULL);
}
