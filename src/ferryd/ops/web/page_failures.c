/* What failed lately, on whose side, and what to do about it; and who is banned for it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ferryd/ops/web/format.h"
#include "ferryd/ops/web/page.h"

/* ---- bans ---- */

static void unban_form(struct page *page, const struct state_ban *ban)
{
    struct html *html = &page->html;
    html_begin(html, "form");
    html_attr(html, "method", "post");
    html_address(html, "action", "/unban");
    page_token(page);
    html_leaf(html, "input");
    html_attr(html, "type", "hidden");
    html_attr(html, "name", "address");
    html_attr(html, "value", ban->address);
    html_put(html, "button", "quiet", "Lift");
    html_end(html);
}

static void bans(struct page *page)
{
    static const char *const columns[] = {"Address", "Reason", "Until", ""};
    const struct state_ban *ban;
    size_t count = 0, shown = 0;
    TAILQ_FOREACH (ban, &page->state->bans, link)
        count++;
    if (count == 0)
        return;
    page_heading(page, "Banned", count);
    page_table(page, "bans", columns, ARRAY_LEN(columns));
    TAILQ_FOREACH (ban, &page->state->bans, link) {
        char at[FORMAT_BYTES];
        if (shown++ >= PAGE_ROWS_MAX)
            continue;
        html_begin(&page->html, "tr");
        page_cell(page, "Address");
        html_put(&page->html, "strong", NULL, ban->address);
        page_cell_end(page);
        page_cell(page, "Reason");
        html_words(&page->html, ban->reason);
        page_cell_end(page);
        page_cell(page, "Until");
        html_words(&page->html, format_time(ban->until_ns / (int64_t)CLOCK_NS_PER_S, at));
        page_cell_end(page);
        page_cell(page, "");
        unban_form(page, ban);
        page_cell_end(page);
        html_end(&page->html);
    }
    page_table_end(page);
    page_more(page, PAGE_ROWS_MAX, count);
}

/* ---- failures ---- */

static bool says_the_same(const struct state_event *a, const struct state_event *b)
{
    static const char *const fields[] = {"event", "reason", "account", "peer", "path", "advice"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(state_event_text(a, fields[i]), state_event_text(b, fields[i])) != 0)
            return false;
    return true;
}

/* "2026-11-22 20:15:07" of RFC 3339. */
static void when(struct page *page, const struct state_event *event)
{
    const char *time = state_event_text(event, "time");
    struct bytes day = bytes_first(bytes_str(time), 10);
    html_begin(&page->html, "time");
    html_attr(&page->html, "datetime", time);
    html_text(&page->html, bytes_first(bytes_skip(bytes_str(time), 11), 8));
    html_begin(&page->html, "small");
    html_text(&page->html, day);
    html_end(&page->html);
    html_end(&page->html);
}

static void what(struct page *page, const struct state_event *event)
{
    struct html *html = &page->html;
    const char *reason = state_event_text(event, "reason");
    const char *advice = state_event_text(event, "advice");
    const char *path = state_event_text(event, "path");
    html_put(html, "strong", NULL, reason[0] ? reason : state_event_text(event, "event"));
    if (path[0]) {
        html_begin(html, "small");
        page_name(page, path);
        html_end(html);
    }
    if (advice[0])
        html_put(html, "p", "advice", advice);
}

static void who(struct page *page, const struct state_event *event)
{
    const char *account = state_event_text(event, "account");
    const char *name = account[0] ? account : state_event_text(event, "user");
    html_words(&page->html, name[0] ? name : "–");
    page_small(page, state_event_text(event, "peer"));
}

static const char *side_mood(const char *side)
{
    return strcmp(side, "server") == 0 ? "bad" : "plain";
}

static void row(struct page *page, const struct state_event *event, size_t times)
{
    struct html *html = &page->html;
    const char *side = state_event_text(event, "side");
    char words[32];
    html_begin(html, "tr");
    page_cell(page, "When");
    when(page, event);
    page_cell_end(page);
    page_cell(page, "Who");
    who(page, event);
    page_cell_end(page);
    page_cell(page, "Side");
    page_badge(page, side_mood(side), side[0] ? side : "server");
    page_cell_end(page);
    page_cell(page, "What");
    what(page, event);
    page_cell_end(page);
    page_cell(page, "Event");
    html_put(html, "code", NULL, state_event_text(event, "event"));
    snprintf(words, sizeof(words), "%zu times", times);
    page_small(page, times > 1 ? words : "");
    page_cell_end(page);
    html_end(html);
}

/* Rows that follow each other and say the same are one. */
static void rows(struct page *page, const struct state_event *const *list, size_t count)
{
    static const char *const columns[] = {"When", "Who", "Side", "What", "Event"};
    size_t shown = 0, at = 0;
    page_table(page, "failures", columns, ARRAY_LEN(columns));
    while (at < count && shown < PAGE_ROWS_MAX) {
        size_t same = 1;
        while (at + same < count && says_the_same(list[at], list[at + same]))
            same++;
        row(page, list[at], same);
        at += same;
        shown++;
    }
    page_table_end(page);
    page_more(page, at, count);
}

void page_failures(struct page *page)
{
    const struct state *state = page->state;
    const struct state_event *list[STATE_FAILURES_MAX];
    size_t count = state->failure_count < ARRAY_LEN(list) ? state->failure_count : ARRAY_LEN(list);
    size_t left = count;
    const struct state_event *event;
    bans(page);
    page_heading(page, "What failed lately, the latest first", state->failure_count);
    STAILQ_FOREACH (event, &state->failures, link)
        if (left > 0)
            list[--left] = event;
    if (count == 0)
        page_note(page, "Nothing has failed since the server was started.");
    else
        rows(page, list, count);
}
