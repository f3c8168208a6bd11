/* The certificates that clients are shown. */
#include "base/clock.h"
#include "ferryd/ops/web/expiry.h"
#include "ferryd/ops/web/page.h"

static const char *advice(enum expiry expiry)
{
    switch (expiry) {
    case EXPIRY_GOOD:
        return "";
    case EXPIRY_SOON:
        return "Renew it: put the new file where the old one is. The server notices by itself.";
    case EXPIRY_OVER:
        return "Clients that verify it are refusing to connect. Renew it now.";
    case EXPIRY_EARLY:
        return "Clients that verify it refuse it until then. Is the clock of this machine right?";
    }
    return "";
}

static void row(struct page *page, const struct state_certificate *certificate)
{
    struct html *html = &page->html;
    char words[FORMAT_BYTES];
    enum expiry expiry = expiry_of(certificate, page->now_ns);
    html_begin(html, "tr");
    page_cell(page, "Of");
    html_put(html, "strong", NULL, certificate->listens);
    page_small(page, certificate->file);
    page_cell_end(page);
    page_cell(page, "Names");
    html_words(html, certificate->names[0] ? certificate->names : "none");
    page_small(page, certificate->subject);
    page_cell_end(page);
    page_cell(page, "Key");
    html_words(html, certificate->key);
    page_cell_end(page);
    page_cell(page, "Expires");
    page_badge(page, expiry_mood(expiry), expiry_words(certificate, page->now_ns, words));
    page_small(page, format_time(certificate->not_after_ns / (int64_t)CLOCK_NS_PER_S, words));
    if (expiry != EXPIRY_GOOD)
        html_put(html, "p", "advice", advice(expiry));
    page_cell_end(page);
    html_end(html);
}

void page_certificates(struct page *page)
{
    static const char *const columns[] = {"Of", "Names", "Key", "Expires"};
    const struct state_certificate *certificate;
    size_t count = 0, shown = 0;
    TAILQ_FOREACH (certificate, &page->state->certificates, link)
        count += !expiry_is_repeated(page->state, certificate);
    page_heading(page, "Shown to clients", count);
    if (count == 0) {
        page_note(page, "No listener has one, or no worker has told yet.");
        return;
    }
    page_table(page, "certificates", columns, ARRAY_LEN(columns));
    TAILQ_FOREACH (certificate, &page->state->certificates, link)
        if (shown < PAGE_ROWS_MAX && !expiry_is_repeated(page->state, certificate)) {
            row(page, certificate);
            shown++;
        }
    page_table_end(page);
    page_more(page, shown, count);
}
