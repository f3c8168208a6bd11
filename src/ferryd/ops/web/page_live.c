/* The overview: numbers, what wants attention, the sessions. All of it is one fragment, which the
 * page's script asks for again and again. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ferryd/ops/web/expiry.h"
#include "ferryd/ops/web/format.h"
#include "ferryd/ops/web/page.h"

#define S ((int64_t)CLOCK_NS_PER_S)

static uint64_t seconds_since(const struct page *page, int64_t then_ns)
{
    return then_ns < page->now_ns ? (uint64_t)((page->now_ns - then_ns) / S) : 0;
}

/* ---- numbers ---- */

static void tile(struct page *page, const char *mood, const char *words, const char *number,
                 const char *more)
{
    char class[32];
    snprintf(class, sizeof(class), "tile %s", mood);
    html_begin(&page->html, "div");
    html_attr(&page->html, "class", class);
    html_put(&page->html, "dt", NULL, words);
    html_begin(&page->html, "dd");
    html_words(&page->html, number);
    page_small(page, more);
    html_end(&page->html);
    html_end(&page->html);
}

static void session_tiles(struct page *page)
{
    const struct state_session *session;
    size_t in = 0;
    uint64_t up = 0, down = 0;
    char number[FORMAT_BYTES], more[3 * FORMAT_BYTES], a[FORMAT_BYTES], b[FORMAT_BYTES];
    TAILQ_FOREACH (session, &page->state->sessions, link) {
        in += session->logged_in;
        *(strcmp(session->direction, "up") == 0 ? &up : &down) += session->rate;
    }
    snprintf(number, sizeof(number), "%zu", page->state->session_count);
    snprintf(more, sizeof(more), "%zu logged in", in);
    tile(page, "plain", "Sessions", number, more);
    snprintf(number, sizeof(number), "%zu", page->state->transfer_count);
    snprintf(more, sizeof(more), "↑ %s/s  ↓ %s/s", format_size(up, a), format_size(down, b));
    tile(page, "plain", "Transfers", number, more);
}

static void moved_tile(struct page *page)
{
    const uint64_t *counts = page->state->counters.counts;
    uint64_t up = counts[SERVER_COUNT_BYTES_UP], down = counts[SERVER_COUNT_BYTES_DOWN];
    char sum[FORMAT_BYTES], more[3 * FORMAT_BYTES], a[FORMAT_BYTES], b[FORMAT_BYTES];
    snprintf(more, sizeof(more), "↑ %s  ↓ %s", format_size(up, a), format_size(down, b));
    tile(page, "plain", "Moved", format_size(up + down, sum), more);
}

static void failures_tile(struct page *page)
{
    char number[FORMAT_BYTES], more[2 * FORMAT_BYTES] = "none since the start";
    const struct state_event *event, *last = NULL;
    STAILQ_FOREACH (event, &page->state->failures, link)
        last = event;
    snprintf(number, sizeof(number), "%zu", page->state->failure_count);
    if (last)
        snprintf(more, sizeof(more), "last at %.8s UTC",
                 strlen(state_event_text(last, "time")) > 19 ? state_event_text(last, "time") + 11
                                                             : "?");
    tile(page, last ? "warn" : "good", "Recent failures", number, more);
}

/* A short word for the tile; when exactly stands below it. */
static void certificate_tile(struct page *page)
{
    static const char *const words[] = {
        [EXPIRY_GOOD] = "in order",
        [EXPIRY_SOON] = "expires soon",
        [EXPIRY_OVER] = "expired",
        [EXPIRY_EARLY] = "too early",
    };
    const struct state_certificate *first = expiry_first(page->state);
    char left[FORMAT_BYTES];
    if (!first)
        return;
    enum expiry expiry = expiry_of(first, page->now_ns);
    tile(page, expiry_mood(expiry), "Certificates", words[expiry],
         expiry_words(first, page->now_ns, left));
}

static void tiles(struct page *page)
{
    char span[FORMAT_BYTES];
    html_begin(&page->html, "dl");
    html_attr(&page->html, "class", "tiles");
    session_tiles(page);
    moved_tile(page);
    failures_tile(page);
    certificate_tile(page);
    tile(page, "plain", "Running", format_span(seconds_since(page, page->state->started_ns), span),
         page->state->version);
    html_end(&page->html);
}

/* ---- what wants attention ---- */

static void notice(struct page *page, const char *mood, const char *what, const char *more)
{
    html_begin(&page->html, "li");
    page_badge(page, mood, strcmp(mood, "bad") == 0 ? "Act" : "Look");
    html_words(&page->html, what);
    page_small(page, more);
    html_end(&page->html);
}

static void restart_notices(struct page *page)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        char words[96], times[FORMAT_BYTES];
        if (page->state->restarts[i] == 0)
            continue;
        snprintf(words, sizeof(words), "A process of %s was started again, %s",
                 role_name((enum role)i), format_count(page->state->restarts[i], "time", times));
        notice(page, "warn", words, "The log tells why: event role.died.");
    }
}

static void process_notices(struct page *page)
{
    const struct state_process *process;
    TAILQ_FOREACH (process, &page->state->processes, link) {
        char words[96];
        if (!process->missing[0])
            continue;
        snprintf(words, sizeof(words), "Process %ld (%s) is not confined as it should be",
                 (long)process->pid, role_name(process->role));
        notice(page, "warn", words, process->missing);
    }
}

static void certificate_notices(struct page *page, const char *mood)
{
    const struct state_certificate *row;
    TAILQ_FOREACH (row, &page->state->certificates, link) {
        char left[FORMAT_BYTES], words[160];
        enum expiry expiry = expiry_of(row, page->now_ns);
        if (strcmp(expiry_mood(expiry), mood) != 0 || expiry_is_repeated(page->state, row))
            continue;
        snprintf(words, sizeof(words), "The certificate of %.80s: %s", row->listens,
                 expiry_words(row, page->now_ns, left));
        notice(page, mood, words, row->file);
    }
}

static void notices(struct page *page)
{
    const struct state *state = page->state;
    html_begin(&page->html, "ul");
    html_attr(&page->html, "class", "notices");
    if (state->reload_refused)
        notice(page, "bad", "The last reload was refused; the configuration before it is at work",
               state->reload_refused);
    certificate_notices(page, "bad");
    certificate_notices(page, "warn");
    restart_notices(page);
    process_notices(page);
    html_end(&page->html);
}

/* ---- sessions ---- */

static void doing(struct page *page, const struct state_session *session)
{
    struct html *html = &page->html;
    if (!session->direction[0]) {
        html_put(html, "span", "idle", session->command[0] ? session->command : "idle");
        return;
    }
    bool up = strcmp(session->direction, "up") == 0;
    char size[FORMAT_BYTES], rate[FORMAT_BYTES], span[FORMAT_BYTES];
    html_begin(html, "span");
    html_attr(html, "class", up ? "way up" : "way down");
    html_attr(html, "title", up ? "upload" : "download");
    html_words(html, up ? "↑" : "↓");
    html_end(html);
    page_name(page, session->path[0] ? session->path : session->command);
    html_begin(html, "small");
    html_printf(html, "%s · %s/s · %s", format_size(session->bytes, size),
                format_size(session->rate, rate),
                format_span(seconds_since(page, session->transfer_since_ns), span));
    html_end(html);
}

static const char *version_mood(const char *version)
{
    if (strcmp(version, "TLSv1.3") == 0)
        return "good";
    return strcmp(version, "TLSv1.2") == 0 ? "plain" : "warn";
}

static void sealed(struct page *page, const struct state_session *session)
{
    char words[128];
    if (!session->tls.version[0]) {
        page_badge(page, "bad", "in clear");
        return;
    }
    page_badge(page, version_mood(session->tls.version), session->tls.version);
    snprintf(words, sizeof(words), "%.64s%s", session->tls.cipher,
             session->tls_resumed ? " · resumed" : "");
    page_small(page, words);
    page_small(page, session->certificate);
}

/* Asked twice, without a script: first the summary is opened. */
static void kick_form(struct page *page, const struct state_session *session)
{
    struct html *html = &page->html;
    char id[24];
    snprintf(id, sizeof(id), "%llu", (unsigned long long)session->id);
    html_begin(html, "details");
    html_attr(html, "class", "deed");
    html_put(html, "summary", NULL, "End…");
    html_begin(html, "form");
    html_attr(html, "method", "post");
    html_address(html, "action", "/kick");
    page_token(page);
    html_leaf(html, "input");
    html_attr(html, "type", "hidden");
    html_attr(html, "name", "session");
    html_attr(html, "value", id);
    html_put(html, "button", "bad", "End this session");
    html_end(html);
    html_end(html);
}

static void session_row(struct page *page, const struct state_session *session)
{
    struct html *html = &page->html;
    char span[FORMAT_BYTES];
    html_begin(html, "tr");
    page_cell(page, "Account");
    html_put(html, "strong", session->logged_in ? NULL : "idle",
             session->account[0] ? session->account : "nobody yet");
    if (session->account[0] && !session->logged_in)
        page_small(page, "not logged in");
    page_small(page, session->client);
    page_cell_end(page);
    page_cell(page, "From");
    html_words(html, session->peer);
    page_small(page, session->host);
    page_cell_end(page);
    page_cell(page, "TLS");
    sealed(page, session);
    page_cell_end(page);
    page_cell(page, "Doing");
    doing(page, session);
    page_cell_end(page);
    page_cell(page, "For");
    html_words(html, format_span(seconds_since(page, session->since_ns), span));
    page_cell_end(page);
    page_cell(page, "");
    kick_form(page, session);
    page_cell_end(page);
    html_end(html);
}

/* Those that move something first. */
static void sessions(struct page *page)
{
    static const char *const columns[] = {"Account", "From", "TLS", "Doing", "For", ""};
    const struct state_session *session;
    size_t shown = 0;
    page_heading(page, "Sessions", page->state->session_count);
    if (page->state->session_count == 0) {
        page_note(page, "Nobody is connected.");
        return;
    }
    page_table(page, "sessions", columns, ARRAY_LEN(columns));
    for (int idle = 0; idle < 2; idle++) {
        TAILQ_FOREACH (session, &page->state->sessions, link) {
            if ((session->direction[0] == '\0') != (idle == 1) || shown == PAGE_ROWS_MAX)
                continue;
            session_row(page, session);
            shown++;
        }
    }
    page_table_end(page);
    page_more(page, shown, page->state->session_count);
}

void page_live(struct page *page)
{
    html_begin(&page->html, "div");
    html_attr(&page->html, "id", "live");
    tiles(page);
    notices(page);
    sessions(page);
    html_end(&page->html);
}

void page_overview(struct page *page)
{
    page_live(page);
    html_begin(&page->html, "noscript");
    page_note(page, "Without its script the page shows what was when it was loaded.");
    html_end(&page->html);
}
