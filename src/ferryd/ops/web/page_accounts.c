/* Who may log in, and who is. */
#include <string.h>

#include "base/clock.h"
#include "ferryd/ops/web/format.h"
#include "ferryd/ops/web/page.h"

static size_t sessions_of(const struct state *state, const char *name)
{
    const struct state_session *session;
    size_t count = 0;
    TAILQ_FOREACH (session, &state->sessions, link)
        count += session->logged_in && strcmp(session->account, name) == 0;
    return count;
}

/* The latest TLS that it used; NULL: it has not been seen. */
static const struct state_use *use_of(const struct state *state, const char *name)
{
    const struct state_use *use;
    TAILQ_FOREACH (use, &state->uses, link)
        if (strcmp(use->account, name) == 0)
            return use;
    return NULL;
}

static void seen(struct page *page, const char *name)
{
    const struct state_use *use = use_of(page->state, name);
    size_t count = sessions_of(page->state, name);
    char words[FORMAT_BYTES];
    if (count > 0)
        page_badge(page, "good", format_count(count, "session", words));
    else
        html_put(&page->html, "span", "idle",
                 use ? format_time(use->last_ns / (int64_t)CLOCK_NS_PER_S, words) : "not seen");
    if (use)
        page_small(page, use->client);
}

static void row(struct page *page, const struct state_account *account)
{
    struct html *html = &page->html;
    html_begin(html, "tr");
    page_cell(page, "Name");
    html_put(html, "strong", NULL, account->name);
    page_small(page, account->source);
    page_cell_end(page);
    page_cell(page, "State");
    page_badge(page, account->disabled ? "bad" : "good",
               account->disabled ? "disabled" : "enabled");
    if (account->expires[0]) {
        html_begin(html, "small");
        html_printf(html, "until %s", account->expires);
        html_end(html);
    }
    page_cell_end(page);
    page_cell(page, "Login by");
    html_words(html, account->login);
    page_cell_end(page);
    page_cell(page, "Home");
    page_name(page, account->home);
    page_cell_end(page);
    page_cell(page, "Seen");
    seen(page, account->name);
    page_cell_end(page);
    html_end(html);
}

void page_accounts(struct page *page)
{
    static const char *const columns[] = {"Name", "State", "Login by", "Home", "Seen"};
    const struct state_account *account;
    size_t count = 0, shown = 0;
    TAILQ_FOREACH (account, &page->state->accounts, link)
        count++;
    page_heading(page, "Who may log in", count);
    page_note(page, "They are changed with “ferryctl account” or in ferryd.conf.");
    if (count == 0)
        return;
    page_table(page, "accounts", columns, ARRAY_LEN(columns));
    TAILQ_FOREACH (account, &page->state->accounts, link)
        if (shown < PAGE_ROWS_MAX) {
            row(page, account);
            shown++;
        }
    page_table_end(page);
    page_more(page, shown, count);
}
