/* Filters, DNs, urls and connections: what may be written, and what a name makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ferryd/directory/conninfo.h"
#include "ferryd/directory/pattern.h"
#include "ferryd/directory/server_url.h"
#include "support/alloc_fail.h"

static void filters_that_are_some_and_that_are_none(void **state)
{
    (void)state;
    static const char *const right[] = {
        "(uid=%u)",
        "(&(objectClass=posixAccount)(uid=%u))",
        "(|(uid=%u)(!(mail=%u@example.org)))",
        "(uid=*%u*)",
        "(cn=a\\2a%u)",
        "(userCertificate;binary=%u)",
        "(memberOf:1.2.840.113556.1.4.1941:=cn=%u)",
        "(:dn:2.4.6.8.10:=%u)",
        "(shadowExpire>=%u)",
        "(cn~=%u)",
        "(cn=100%%%u)",
        "(2.5.4.3=%u)",
    };
    static const char *const wrong[] = {
        "",        "uid=%u",        "(uid=%u",    "(uid=%u))",   "(uid=x)",
        "(=%u)",   "(u id=%u)",     "(uid=(%u))", "(uid=\\2%u)", "(uid=%x)",
        "(uid=%u", "(&(uid=%u)",    "(!)",        "(%u=x)",      "(uid>=*%u)",
        "(uid%u)", "(uid=%u)(a=b)", "(uid=%d)",   "(uid=%u%)",   "(uid=%",
    };
    for (size_t i = 0; i < ARRAY_LEN(right); i++)
        assert_int_equal(pattern_check_filter(bytes_str(right[i]), "u", NULL), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct fault fault = {0};
        assert_int_equal(pattern_check_filter(bytes_str(wrong[i]), "u", &fault), FERRY_E_ARGUMENT);
        assert_true(fault.what[0]);
    }
    assert_int_equal(pattern_check_filter(bytes_str("(member=%d)"), "ud", NULL), FERRY_OK);
}

static void a_filter_is_nested_only_so_deep(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < 100 * 1000; i++)
        assert_int_equal(buf_append(&text, BYTES_LIT("(!")), FERRY_OK);
    assert_int_equal(pattern_check_filter(buf_view(&text), "u", NULL), FERRY_E_ARGUMENT);
}

static void dns_that_are_some_and_that_are_none(void **state)
{
    (void)state;
    static const char *const right[] = {"dc=example,dc=org", "ou=a\\,b,o=c", "uid=%u,ou=people",
                                        "cn=a+sn=b,o=c",     "cn=x=y,o=c",   "cn=,o=c"};
    static const char *const wrong[] = {"",         "people", "dc=org,", ",dc=org",
                                        "a,dc=org", "=x",     "cn=%x"};
    for (size_t i = 0; i < ARRAY_LEN(right); i++)
        assert_int_equal(pattern_check_dn(bytes_str(right[i]), NULL), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(pattern_check_dn(bytes_str(wrong[i]), NULL), FERRY_E_ARGUMENT);
}

/* RFC 4515 section 3, RFC 4514 section 2.4: what is put in is one value and nothing else. */
static void a_name_is_put_in_as_one_value(void **state)
{
    (void)state;
    static const struct {
        const char *name, *filter, *dn, *plain;
    } rows[] = {
        {"anna", "(uid=anna)(m=cn\\3danna)", "uid=anna,o=x", "/srv/anna%"},
        {"*)(uid=*", "(uid=\\2a\\29\\28uid\\3d\\2a)(m=cn\\3danna)",
         "uid=\\2a\\29\\28uid\\3d\\2a,o=x", "/srv/*)(uid=*%"},
        {"a,b+c\\#\"<>; ", "(uid=a\\2cb\\2bc\\5c\\23\\22\\3c\\3e\\3b\\20)(m=cn\\3danna)",
         "uid=a\\2cb\\2bc\\5c\\23\\22\\3c\\3e\\3b\\20,o=x", "/srv/a,b+c\\#\"<>; %"},
        {"%u%d", "(uid=\\25u\\25d)(m=cn\\3danna)", "uid=\\25u\\25d,o=x", "/srv/%u%d%"},
        {"\xc3\xa4", "(uid=\\c3\\a4)(m=cn\\3danna)", "uid=\\c3\\a4,o=x", "/srv/\xc3\xa4%"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes name = bytes_str(rows[i].name);
        CLEANUP(buf_fini) struct buf filter, dn, plain;
        buf_init(&filter, PATTERN_MAX_BYTES);
        buf_init(&dn, PATTERN_MAX_BYTES);
        buf_init(&plain, PATTERN_MAX_BYTES);
        assert_int_equal(
            pattern_filter(bytes_str("(uid=%u)(m=%d)"), name, bytes_str("cn=anna"), &filter),
            FERRY_OK);
        assert_int_equal(pattern_dn(bytes_str("uid=%u,o=x"), name, &dn), FERRY_OK);
        assert_int_equal(pattern_plain(bytes_str("/srv/%u%%"), name, &plain), FERRY_OK);
        assert_true(bytes_equal(buf_view(&filter), bytes_str(rows[i].filter)));
        assert_true(bytes_equal(buf_view(&dn), bytes_str(rows[i].dn)));
        assert_true(bytes_equal(buf_view(&plain), bytes_str(rows[i].plain)));
    }
    CLEANUP(buf_fini) struct buf nul;
    buf_init(&nul, PATTERN_MAX_BYTES);
    assert_int_equal(
        pattern_filter(bytes_str("(a=%u)"), bytes_of("a\0b", 3), (struct bytes){0}, &nul),
        FERRY_OK);
    assert_true(bytes_equal(buf_view(&nul), BYTES_LIT("(a=a\\00b)")));
}

static void where_a_server_is(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host; /* NULL: it is none */
        bool tls;
        uint16_t port;
    } rows[] = {
        {"ldap://a.example", "a.example", false, 389},
        {"ldaps://a.example/", "a.example", true, 636},
        {"ldap://127.0.0.1:3890", "127.0.0.1", false, 3890},
        {"ldaps://[2001:db8::1]", "2001:db8::1", true, 636},
        {"ldaps://[::1]:7", "::1", true, 7},
        {"http://a", NULL, false, 0},
        {"ldap://", NULL, false, 0},
        {"ldap://a:0", NULL, false, 0},
        {"ldap://a:65536", NULL, false, 0},
        {"ldap://a:b", NULL, false, 0},
        {"ldap://[::1", NULL, false, 0},
        {"ldap://[::1]7", NULL, false, 0},
        {"ldap://a/dc=x", NULL, false, 0},
        {"ldap://u@a", NULL, false, 0},
        {"ldap://a b", NULL, false, 0},
        {"ldap://::1", NULL, false, 0},
        {"", NULL, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server_url url;
        enum ferry_error error = server_url_read(bytes_str(rows[i].text), &url, NULL);
        assert_int_equal(error, rows[i].host ? FERRY_OK : FERRY_E_ARGUMENT);
        if (!rows[i].host)
            continue;
        assert_true(bytes_equal(url.host, bytes_str(rows[i].host)));
        assert_int_equal(url.tls, rows[i].tls);
        assert_int_equal(url.port, rows[i].port);
    }
}

static void a_connection_is_read_as_libpq_does(void **state)
{
    (void)state;
    CLEANUP(conninfo_fini) struct conninfo info;
    struct bytes text =
        bytes_str(" host=a,b,/run/pg  port = 1,2,3 dbname='my \\'db\\\\' user=x\\ y ");
    assert_int_equal(conninfo_read(text, &info, NULL), FERRY_OK);
    assert_string_equal(conninfo_get(&info, "dbname"), "my 'db\\");
    assert_string_equal(conninfo_get(&info, "user"), "x y");
    assert_null(conninfo_get(&info, "sslmode"));
    assert_int_equal(info.host_count, 3);
    assert_string_equal(info.hosts[1].host, "b");
    assert_int_equal(conninfo_port(&info.hosts[1]), 2);
    assert_int_equal(conninfo_port(&info.hosts[2]), 0);
}

static void connections_that_are_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "dbname=x",
        "host=",
        "host=a password=x",
        "host=a passfile=x",
        "host=a x=y",
        "host",
        "host=a user='x",
        "host=a,,b",
        "host=a port=0",
        "host=a port=1,2",
        "host=a,b port=1,2,3",
        "host=a port=x",
        "postgresql://a/b",
        "host=a options=x",
        "host=a,b,c,d,e,f,g,h,i",
        "host=a service=x",
        "host=a sslkey=x",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP(conninfo_fini) struct conninfo info;
        struct fault fault = {0};
        assert_int_not_equal(conninfo_read(bytes_str(wrong[i]), &info, &fault), FERRY_OK);
        assert_true(fault.what[0]);
    }
}

static enum ferry_error read_one(void *ctx)
{
    (void)ctx;
    CLEANUP(conninfo_fini) struct conninfo info;
    return conninfo_read(bytes_str("host=a,b user='x y' dbname=z"), &info, NULL);
}

static void memory_may_be_short_at_any_point(void **state)
{
    (void)state;
    alloc_fail_each(read_one, NULL, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_that_are_some_and_that_are_none),
        cmocka_unit_test(a_filter_is_nested_only_so_deep),
        cmocka_unit_test(dns_that_are_some_and_that_are_none),
        cmocka_unit_test(a_name_is_put_in_as_one_value),
        cmocka_unit_test(where_a_server_is),
        cmocka_unit_test(a_connection_is_read_as_libpq_does),
        cmocka_unit_test(connections_that_are_none),
        cmocka_unit_test(memory_may_be_short_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
