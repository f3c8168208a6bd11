/* HTML that is right by construction. */
#include "ferryd/ops/web/html.h"

#include <stdarg.h>

#include "base/text.h"

enum { PRINTF_MAX_BYTES = 8 * 1024 };

void html_init(struct html *html, struct buf *out)
{
    *html = (struct html){.out = out};
}

static void fail(struct html *html, enum ferry_error error)
{
    if (html->error == FERRY_OK)
        html->error = error;
}

static void put(struct html *html, struct bytes bytes)
{
    if (html->error == FERRY_OK)
        html->error = buf_append(html->out, bytes);
}

static void put_str(struct html *html, const char *text)
{
    put(html, bytes_str(text));
}

/* ---- escapes ---- */

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void put_visible_and_escaped(struct html *html, struct bytes visible)
{
    while (visible.len > 0 && html->error == FERRY_OK) {
        size_t plain = 0;
        while (plain < visible.len && !escape_of(visible.ptr[plain]))
            plain++;
        put(html, bytes_first(visible, plain));
        if (plain < visible.len)
            put_str(html, escape_of(visible.ptr[plain]));
        visible = bytes_skip(visible, plain + 1);
    }
}

static void put_part(struct html *html, struct bytes text)
{
    CLEANUP(buf_fini) struct buf visible;
    buf_init(&visible, buf_room(html->out));
    enum ferry_error error = text_visible(&visible, text);
    if (error != FERRY_OK)
        fail(html, error);
    else
        put_visible_and_escaped(html, buf_view(&visible));
}

/* A backslash stays: it is of a text that was made visible before. */
static void put_escaped(struct html *html, struct bytes text)
{
    while (text.len > 0 && html->error == FERRY_OK) {
        struct bytes part = bytes_first(text, bytes_find(text, '\\'));
        put_part(html, part);
        if (part.len < text.len)
            put_str(html, "\\");
        text = bytes_skip(text, part.len + 1);
    }
}

/* ---- elements ---- */

static void close_tag(struct html *html)
{
    if (html->in_tag)
        put_str(html, ">");
    html->in_tag = false;
}

static void open_tag(struct html *html, const char *element)
{
    close_tag(html);
    put_str(html, "<");
    put_str(html, element);
    html->in_tag = true;
}

void html_doctype(struct html *html)
{
    put_str(html, "<!doctype html>\n");
}

void html_begin_literal(struct html *html, const char *element)
{
    if (html->depth == HTML_DEPTH) {
        fail(html, FERRY_E_ARGUMENT);
        return;
    }
    open_tag(html, element);
    html->open[html->depth++] = element;
}

void html_end(struct html *html)
{
    if (html->depth == 0) {
        fail(html, FERRY_E_ARGUMENT);
        return;
    }
    close_tag(html);
    put_str(html, "</");
    put_str(html, html->open[--html->depth]);
    put_str(html, ">\n");
}

void html_leaf_literal(struct html *html, const char *element)
{
    open_tag(html, element);
}

/* ---- attributes ---- */

static bool is_followed(struct bytes name)
{
    static const char *const names[] = {"href", "src", "action", "formaction", "srcset", "srcdoc"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_same(name, bytes_str(names[i])))
            return true;
    return false;
}

static bool is_run(struct bytes name)
{
    return text_same(name, BYTES_LIT("style")) || text_same(bytes_first(name, 2), BYTES_LIT("on"));
}

static void put_attr(struct html *html, const char *name, const char *value)
{
    if (!html->in_tag) {
        fail(html, FERRY_E_ARGUMENT);
        return;
    }
    put_str(html, " ");
    put_str(html, name);
    put_str(html, "=\"");
    put_escaped(html, bytes_str(value));
    put_str(html, "\"");
}

void html_attr_literal(struct html *html, const char *name, const char *value)
{
    if (is_followed(bytes_str(name)) || is_run(bytes_str(name)))
        fail(html, FERRY_E_ARGUMENT);
    else
        put_attr(html, name, value);
}

void html_address_literal(struct html *html, const char *name, const char *address)
{
    if (is_followed(bytes_str(name)))
        put_attr(html, name, address);
    else
        fail(html, FERRY_E_ARGUMENT);
}

/* ---- text ---- */

/* What is inside of these is no text to a browser. */
static bool takes_text(const struct html *html)
{
    struct bytes inside = bytes_str(html->depth > 0 ? html->open[html->depth - 1] : "");
    return !bytes_equal(inside, BYTES_LIT("script")) && !bytes_equal(inside, BYTES_LIT("style"));
}

void html_text(struct html *html, struct bytes text)
{
    if (!takes_text(html)) {
        fail(html, FERRY_E_ARGUMENT);
        return;
    }
    close_tag(html);
    put_escaped(html, text);
}

void html_words(struct html *html, const char *words)
{
    html_text(html, bytes_str(words));
}

void html_printf(struct html *html, const char *format, ...)
{
    CLEANUP(buf_fini) struct buf text;
    va_list args;
    buf_init(&text, PRINTF_MAX_BYTES);
    va_start(args, format);
    enum ferry_error error = buf_vprintf(&text, format, args);
    va_end(args);
    if (error != FERRY_OK)
        fail(html, error);
    else
        html_text(html, buf_view(&text));
}

void html_put_literal(struct html *html, const char *element, const char *class, const char *words)
{
    html_begin_literal(html, element);
    if (class)
        html_attr(html, "class", class);
    html_words(html, words);
    html_end(html);
}

enum ferry_error html_finish(struct html *html)
{
    if (html->depth > 0)
        fail(html, FERRY_E_STATE);
    close_tag(html);
    return html->error;
}
