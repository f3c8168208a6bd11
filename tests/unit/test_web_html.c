/* The writer of HTML: nothing that comes in is ever markup, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ferryd/ops/web/html.h"

enum { CAP = 64 * 1024 };

static void text_is_escaped_and_made_visible(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        size_t len; /* 0: all of `in` */
    } rows[] = {
        {"plain ünïcode", "plain ünïcode", 0},
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", 0},
        {"a&b", "a&amp;b", 0},
        {"&lt;", "&amp;lt;", 0},
        {"\"x' onload=", "&quot;x&#39; onload=", 0},
        {"a\nb\rc\td", "a\\x0ab\\x0dc\\x09d", 0},
        {"a\0<", "a\\x00&lt;", 3},
        {"\xff<\xc3", "\\xff&lt;\\xc3", 0},
        {"\xc0\xbcscript", "\\xc0\\xbcscript", 0},            /* an overlong "<" */
        {"\xe2\x80\xaegpj.exe", "\\xe2\\x80\\xaegpj.exe", 0}, /* turns the text round */
        {"was \\x0a before", "was \\x0a before", 0},
        {"\\", "\\", 0},
        {"", "", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        struct html html;
        char expected[256];
        size_t len = rows[i].len > 0 ? rows[i].len : strlen(rows[i].in);
        buf_init(&out, CAP);
        html_init(&html, &out);
        html_begin(&html, "p");
        html_text(&html, bytes_of(rows[i].in, len));
        html_end(&html);
        assert_int_equal(html_finish(&html), FERRY_OK);
        snprintf(expected, sizeof(expected), "<p>%s</p>\n", rows[i].out);
        assert_int_equal(buf_len(&out), strlen(expected));
        assert_memory_equal(buf_view(&out).ptr, expected, strlen(expected));
        buf_fini(&out);
    }
}

static void attributes_are_escaped(void **state)
{
    (void)state;
    static const char expected[] =
        "<input value=\"&quot;&gt;&lt;b onclick=&#39;\"><a href=\"/x\">y</a>\n";
    struct buf out;
    struct html html;
    buf_init(&out, CAP);
    html_init(&html, &out);
    html_leaf(&html, "input");
    html_attr(&html, "value", "\"><b onclick='");
    html_begin(&html, "a");
    html_address(&html, "href", "/x");
    html_words(&html, "y");
    html_end(&html);
    assert_int_equal(html_finish(&html), FERRY_OK);
    assert_int_equal(buf_len(&out), strlen(expected));
    assert_memory_equal(buf_view(&out).ptr, expected, strlen(expected));
    buf_fini(&out);
}

/* Every byte, and every pair with a "<", leaves no "<" or quote of its own. */
static void no_byte_is_markup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        struct buf out;
        struct html html;
        char in[2] = {(char)i, '<'};
        buf_init(&out, CAP);
        html_init(&html, &out);
        html_text(&html, bytes_of(in, 2));
        assert_int_equal(html_finish(&html), FERRY_OK);
        struct bytes all = buf_view(&out);
        static const char markup[] = "<>\"'";
        for (size_t j = 0; markup[j]; j++)
            assert_int_equal(bytes_find(all, markup[j]), all.len);
        buf_fini(&out);
    }
}

/* ---- mistakes of the program ---- */

static void text_in_script(struct html *html)
{
    html_begin(html, "script");
    html_words(html, "x");
    html_end(html);
}

static void style_attribute(struct html *html)
{
    html_begin(html, "p");
    html_attr(html, "style", "x");
    html_end(html);
}

static void handler_attribute(struct html *html)
{
    html_begin(html, "p");
    html_attr(html, "OnClick", "x");
    html_end(html);
}

static void any_address(struct html *html)
{
    html_begin(html, "a");
    html_attr(html, "href", "javascript:x");
    html_end(html);
}

static void late_attribute(struct html *html)
{
    html_begin(html, "p");
    html_words(html, "x");
    html_attr(html, "class", "y");
    html_end(html);
}

static void too_many_ends(struct html *html)
{
    html_end(html);
}

static void too_deep(struct html *html)
{
    for (int i = 0; i < HTML_DEPTH + 1; i++)
        html_begin(html, "p");
    for (int i = 0; i < HTML_DEPTH; i++)
        html_end(html);
}

static void no_end(struct html *html)
{
    html_begin(html, "p");
}

static void mistakes_are_no_pages(void **state)
{
    (void)state;
    static const struct {
        void (*writes)(struct html *html);
        enum ferry_error error;
    } rows[] = {
        {text_in_script, FERRY_E_ARGUMENT},    {style_attribute, FERRY_E_ARGUMENT},
        {handler_attribute, FERRY_E_ARGUMENT}, {any_address, FERRY_E_ARGUMENT},
        {late_attribute, FERRY_E_ARGUMENT},    {too_many_ends, FERRY_E_ARGUMENT},
        {too_deep, FERRY_E_ARGUMENT},          {no_end, FERRY_E_STATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        struct html html;
        buf_init(&out, CAP);
        html_init(&html, &out);
        rows[i].writes(&html);
        assert_int_equal(html_finish(&html), rows[i].error);
        buf_fini(&out);
    }
}

static void a_page_that_is_too_long_or_short_of_memory(void **state)
{
    (void)state;
    struct buf out;
    struct html html;
    buf_init(&out, 16);
    html_init(&html, &out);
    html_put(&html, "p", NULL, "0123456789<<<<<<<<<<<");
    assert_int_equal(html_finish(&html), FERRY_E_LIMIT);
    buf_fini(&out);
    for (unsigned long nth = 1; nth < 3; nth++) {
        buf_init(&out, CAP);
        html_init(&html, &out);
        alloc_fail_from(nth);
        html_put(&html, "p", "x", "text");
        alloc_fail_from(0);
        assert_int_equal(html_finish(&html), FERRY_E_MEMORY);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_and_made_visible),
        cmocka_unit_test(attributes_are_escaped),
        cmocka_unit_test(no_byte_is_markup),
        cmocka_unit_test(mistakes_are_no_pages),
        cmocka_unit_test(a_page_that_is_too_long_or_short_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
