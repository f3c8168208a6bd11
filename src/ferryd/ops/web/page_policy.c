/* What would break if a rule about TLS were tightened. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ferryd/ops/web/format.h"
#include "ferryd/ops/web/page.h"
#include "ferryd/ops/web/tighten.h"

/* ---- what was used ---- */

static const char *const versions[] = {"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1.0", ""};

struct census {
    uint64_t sessions[ARRAY_LEN(versions)], all;
};

static void add(struct census *census, const struct tighten_use *use)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (strcmp(use->tls->version, versions[i]) == 0) {
            census->sessions[i] += use->sessions;
            census->all += use->sessions;
        }
}

/* <progress> is a bar that needs no style attribute, which the policy forbids. */
static void bar(struct page *page, const struct census *census, size_t i)
{
    struct html *html = &page->html;
    char share[16], words[FORMAT_BYTES];
    snprintf(share, sizeof(share), "%.3f", (double)census->sessions[i] / (double)census->all);
    html_begin(html, "li");
    html_put(html, "span", "label", versions[i][0] ? versions[i] : "in clear");
    html_begin(html, "progress");
    html_attr(html, "class", i == 0 ? "good" : i == 1 ? "plain" : "bad");
    html_attr(html, "value", share);
    html_end(html);
    html_put(html, "span", "number", format_count(census->sessions[i], "session", words));
    html_end(html);
}

static void bars(struct page *page, const struct tighten *tighten)
{
    struct census census = {0};
    for (size_t i = 0; i < tighten->count; i++)
        add(&census, &tighten->uses[i]);
    html_begin(&page->html, "ul");
    html_attr(&page->html, "class", "bars");
    for (size_t i = 0; i < ARRAY_LEN(versions) && census.all > 0; i++)
        if (census.sessions[i] > 0)
            bar(page, &census, i);
    html_end(&page->html);
}

/* ---- a rule ---- */

enum { SHOWN_MAX = 50 };

static void row(struct page *page, const struct tighten_use *use, const char *lacks)
{
    struct html *html = &page->html;
    char words[FORMAT_BYTES];
    html_begin(html, "tr");
    page_cell(page, "Account");
    html_put(html, "strong", NULL, use->account);
    page_cell_end(page);
    page_cell(page, "Client");
    html_words(html, use->client[0] ? use->client : "did not say what it is");
    page_cell_end(page);
    page_cell(page, "Why");
    html_words(html, lacks);
    html_begin(html, "small");
    html_words(html, use->tls->version);
    html_words(html, " ");
    html_words(html, use->tls->cipher);
    html_end(html);
    page_cell_end(page);
    page_cell(page, "Last");
    html_words(html, use->last_ns == 0
                         ? "connected now"
                         : format_time(use->last_ns / (int64_t)CLOCK_NS_PER_S, words));
    page_small(page, format_count(use->sessions, "session", words));
    page_cell_end(page);
    html_end(html);
}

static void affected(struct page *page, const struct tighten *tighten,
                     const struct tighten_rule *rule)
{
    static const char *const columns[] = {"Account", "Client", "Why", "Last"};
    size_t count = 0;
    page_table(page, "uses", columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < tighten->count; i++) {
        const struct tighten_use *use = &tighten->uses[i];
        const char *lacks = use->account[0] ? rule->lacks(use) : NULL;
        if (lacks && count++ < SHOWN_MAX)
            row(page, use, lacks);
    }
    page_table_end(page);
    page_more(page, SHOWN_MAX, count);
}

static void verdict(struct page *page, const struct tighten_effect *effect)
{
    char words[3 * FORMAT_BYTES], a[FORMAT_BYTES], b[FORMAT_BYTES];
    if (effect->accounts == 0) {
        page_badge(page, "good", "would break nothing that was seen");
        return;
    }
    snprintf(words, sizeof(words), "would lock out %s",
             format_count(effect->accounts, "account", a));
    page_badge(page, "warn", words);
    html_begin(&page->html, "small");
    html_printf(&page->html, "with %s", format_count(effect->clients, "program", b));
    html_end(&page->html);
}

static void rule_card(struct page *page, const struct tighten *tighten,
                      const struct tighten_rule *rule)
{
    struct html *html = &page->html;
    struct tighten_effect effect = tighten_effect_of(tighten, rule);
    html_begin(html, "section");
    html_attr(html, "class", "rule");
    html_begin(html, "h3");
    html_put(html, "code", NULL, rule->directive);
    html_end(html);
    html_put(html, "p", NULL, rule->means);
    html_begin(html, "p");
    verdict(page, &effect);
    html_end(html);
    if (effect.strangers > 0)
        page_note(page, "Besides, it would turn away some that connected and never logged in.");
    if (effect.accounts > 0)
        affected(page, tighten, rule);
    html_end(html);
}

void page_policy(struct page *page)
{
    CLEANUP(tighten_fini) struct tighten tighten;
    if (tighten_init(&tighten, page->state) != FERRY_OK) {
        page_note(page, "Memory is short: try again.");
        return;
    }
    html_put(&page->html, "h2", NULL, "What clients used");
    bars(page, &tighten);
    html_put(&page->html, "h2", NULL, "What would break");
    page_note(page, "Judged by the sessions of now and those that ended since the server was "
                    "started: who has not connected since is not known. A client that used an "
                    "older TLS might speak a newer one, too, where the rules of today did not let "
                    "it.");
    for (size_t i = 0; i < tighten_rule_count; i++)
        rule_card(page, &tighten, &tighten_rules[i]);
}
