/* The frame of the operator's pages, and what they have in common. */
#include "ferryd/ops/web/page.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ferryd/ops/web/format.h"

static void login_body(struct page *page);
static void refusal_body(struct page *page);

static const struct page_kind pages[] = {
    {.path = "/", .title = "Overview", .body = page_overview},
    {.path = "/live", .title = "", .body = page_live, .bare = true},
    {.path = "/accounts", .title = "Accounts", .body = page_accounts},
    {.path = "/certificates", .title = "Certificates", .body = page_certificates},
    {.path = "/failures", .title = "Failures", .body = page_failures},
    {.path = "/policy", .title = "TLS policy", .body = page_policy},
};

const struct page_kind page_login = {.path = "/login", .title = "Log in", .body = login_body};
const struct page_kind page_refusal = {.path = "", .title = "Not done", .body = refusal_body};

const struct page_kind *page_find(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

/* ---- parts ---- */

void page_heading(struct page *page, const char *words, size_t count)
{
    struct html *html = &page->html;
    html_begin(html, "h2");
    html_words(html, words);
    html_begin(html, "span");
    html_attr(html, "class", "count");
    html_printf(html, "%zu", count);
    html_end(html);
    html_end(html);
}

void page_table(struct page *page, const char *class, const char *const *columns, size_t count)
{
    struct html *html = &page->html;
    html_begin(html, "table");
    html_attr(html, "class", class);
    html_begin(html, "thead");
    html_begin(html, "tr");
    for (size_t i = 0; i < count; i++) {
        html_begin(html, "th");
        html_attr(html, "scope", "col");
        html_words(html, columns[i]);
        html_end(html);
    }
    html_end(html);
    html_end(html);
    html_begin(html, "tbody");
}

void page_table_end(struct page *page)
{
    html_end(&page->html);
    html_end(&page->html);
}

void page_cell(struct page *page, const char *label)
{
    html_begin(&page->html, "td");
    html_attr(&page->html, "data-label", label);
    html_begin(&page->html, "div");
}

void page_cell_end(struct page *page)
{
    html_end(&page->html);
    html_end(&page->html);
}

void page_small(struct page *page, const char *words)
{
    if (words[0])
        html_put(&page->html, "small", NULL, words);
}

void page_badge(struct page *page, const char *mood, const char *words)
{
    char class[32];
    snprintf(class, sizeof(class), "badge %s", mood);
    html_put(&page->html, "span", class, words);
}

void page_name(struct page *page, const char *name)
{
    struct bytes whole = bytes_str(name);
    struct bytes shown = bytes_first(whole, PAGE_NAME_BYTES);
    while (shown.len < whole.len && shown.len > 0 &&
           ((unsigned char)whole.ptr[shown.len] & 0xc0) == 0x80)
        shown.len--; /* no character is cut in two */
    html_begin(&page->html, "code");
    html_text(&page->html, shown);
    if (shown.len < whole.len)
        html_words(&page->html, "…");
    html_end(&page->html);
}

void page_more(struct page *page, size_t shown, size_t count)
{
    if (count <= shown)
        return;
    html_begin(&page->html, "p");
    html_attr(&page->html, "class", "note");
    html_printf(&page->html, "And %zu more, which ferryctl(8) lists.", count - shown);
    html_end(&page->html);
}

void page_token(struct page *page)
{
    html_leaf(&page->html, "input");
    html_attr(&page->html, "type", "hidden");
    html_attr(&page->html, "name", "token");
    html_attr(&page->html, "value", page->token);
}

void page_note(struct page *page, const char *words)
{
    html_put(&page->html, "p", "note", words);
}

/* ---- frame ---- */

static void head(struct page *page, const char *title)
{
    struct html *html = &page->html;
    html_begin(html, "head");
    html_leaf(html, "meta");
    html_attr(html, "charset", "utf-8");
    html_leaf(html, "meta");
    html_attr(html, "name", "viewport");
    html_attr(html, "content", "width=device-width, initial-scale=1");
    html_leaf(html, "meta");
    html_attr(html, "name", "color-scheme");
    html_attr(html, "content", "light dark");
    html_begin(html, "title");
    html_words(html, title);
    html_words(html, " – Ferry");
    html_end(html);
    html_leaf(html, "link");
    html_attr(html, "rel", "icon");
    html_address(html, "href", "/icon.svg");
    html_leaf(html, "link");
    html_attr(html, "rel", "stylesheet");
    html_address(html, "href", "/style.css");
    html_begin(html, "script");
    html_address(html, "src", "/live.js");
    html_attr(html, "defer", "");
    html_end(html);
    html_end(html);
}

#define NAV_LINK(current, address, words)                                                          \
    do {                                                                                           \
        html_begin(html, "a");                                                                     \
        html_address(html, "href", address);                                                       \
        if (strcmp((current), (address)) == 0)                                                     \
            html_attr(html, "aria-current", "page");                                               \
        html_words(html, (words));                                                                 \
        html_end(html);                                                                            \
    } while (0)

static void nav(struct page *page, const char *current)
{
    struct html *html = &page->html;
    html_begin(html, "nav");
    html_attr(html, "aria-label", "Pages");
    NAV_LINK(current, "/", "Overview");
    NAV_LINK(current, "/accounts", "Accounts");
    NAV_LINK(current, "/certificates", "Certificates");
    NAV_LINK(current, "/failures", "Failures");
    NAV_LINK(current, "/policy", "TLS policy");
    html_end(html);
    html_begin(html, "form");
    html_attr(html, "method", "post");
    html_address(html, "action", "/logout");
    page_token(page);
    html_put(html, "button", "quiet", "Log out");
    html_end(html);
}

static void banner(struct page *page, const char *current)
{
    struct html *html = &page->html;
    html_begin(html, "header");
    html_begin(html, "p");
    html_attr(html, "class", "brand");
    html_leaf(html, "img");
    html_address(html, "src", "/icon.svg");
    html_attr(html, "alt", "");
    html_attr(html, "width", "26");
    html_attr(html, "height", "26");
    html_words(html, "Ferry");
    html_end(html);
    if (page->state)
        nav(page, current);
    html_end(html);
}

static void foot(struct page *page)
{
    struct html *html = &page->html;
    char at[FORMAT_BYTES];
    html_begin(html, "footer");
    html_printf(html, "ferryd %s · %s", page->state->version,
                format_time(page->now_ns / (int64_t)CLOCK_NS_PER_S, at));
    if (page->state->config_file) {
        html_words(html, " · ");
        page_name(page, page->state->config_file);
    }
    html_end(html);
}

static void framed(const struct page_kind *kind, struct page *page)
{
    struct html *html = &page->html;
    html_doctype(html);
    html_begin(html, "html");
    html_attr(html, "lang", "en");
    head(page, kind->title);
    html_begin(html, "body");
    banner(page, kind->path);
    html_begin(html, "main");
    html_put(html, "h1", NULL, kind->title);
    if (page->told) {
        html_begin(html, "p");
        html_attr(html, "class", "told");
        html_attr(html, "role", "status");
        html_words(html, page->told);
        html_end(html);
    }
    kind->body(page);
    html_end(html);
    if (page->state)
        foot(page);
    html_end(html);
    html_end(html);
}

enum ferry_error page_render(const struct page_kind *kind, struct page *page, struct buf *out)
{
    html_init(&page->html, out);
    if (kind->bare)
        kind->body(page);
    else
        framed(kind, page);
    return html_finish(&page->html);
}

/* ---- without a login ---- */

static void login_field(struct page *page, const char *words, const char *name, const char *type,
                        const char *kind)
{
    struct html *html = &page->html;
    html_begin(html, "label");
    html_put(html, "span", NULL, words);
    html_leaf(html, "input");
    html_attr(html, "name", name);
    html_attr(html, "type", type);
    html_attr(html, "autocomplete", kind);
    html_attr(html, "maxlength", "1024");
    html_attr(html, "required", "");
    html_end(html);
}

static void login_body(struct page *page)
{
    struct html *html = &page->html;
    html_begin(html, "form");
    html_attr(html, "method", "post");
    html_attr(html, "class", "login");
    html_address(html, "action", "/login");
    login_field(page, "Name", "user", "text", "username");
    login_field(page, "Password", "password", "password", "current-password");
    html_put(html, "button", NULL, "Log in");
    html_end(html);
}

static void refusal_body(struct page *page)
{
    struct html *html = &page->html;
    html_begin(html, "p");
    html_begin(html, "a");
    html_address(html, "href", "/");
    html_words(html, "Back to the overview");
    html_end(html);
    html_end(html);
}
