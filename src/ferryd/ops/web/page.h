/* The pages of the operator, rendered from the state alone. Each is a function that writes what is
 * between the frame's head and foot; none changes anything. */
#ifndef FERRY_FERRYD_OPS_WEB_PAGE_H
#define FERRY_FERRYD_OPS_WEB_PAGE_H

#include "base/buf.h"
#include "base/compiler.h"
#include "ferryd/ops/state.h"
#include "ferryd/ops/web/html.h"

enum {
    PAGE_MAX_BYTES = 4 * 1024 * 1024,
    PAGE_ROWS_MAX = 200,   /* of a table; what is left out is counted */
    PAGE_NAME_BYTES = 256, /* of a path or a client's words; the rest is cut off */
};

struct page {
    struct html html;
    const struct state *state; /* NULL: nobody is logged in */
    const char *token;         /* what forms must bring; "" if nobody is logged in */
    const char *told;          /* a sentence for the top of it; NULL: none */
    int64_t now_ns;            /* since 1970 */
};

typedef void page_fn(struct page *page);

/* A whole page, or what the overview's script puts in its place (`live`). */
struct page_kind {
    const char *path, *title;
    page_fn *body;
    bool bare; /* without a frame */
};

/* What is at `path`, NULL: nothing. */
const struct page_kind *page_find(const char *path);

/* The page for a login and the one for what cannot be done, which `told` says. */
extern const struct page_kind page_login, page_refusal;

/* Appends it to `out`. Errors as html_finish. */
NODISCARD enum ferry_error page_render(const struct page_kind *kind, struct page *page,
                                       struct buf *out);

/* ---- for the pages ---- */

page_fn page_overview, page_live, page_accounts, page_certificates, page_failures, page_policy;

/* An <h2> with the number of what is below it. */
void page_heading(struct page *page, const char *words, size_t count);

/* A table with its head. */
void page_table(struct page *page, const char *class, const char *const *columns, size_t count);
void page_table_end(struct page *page);

/* A cell, opened; on a narrow screen `label` stands before what is in it. */
void page_cell(struct page *page, const char *label);
void page_cell_end(struct page *page);

/* A smaller line below, if there is anything to say. */
void page_small(struct page *page, const char *words);

/* A word in a coloured field: "good", "warn", "bad" or "plain". */
void page_badge(struct page *page, const char *mood, const char *words);

/* Cut to PAGE_NAME_BYTES, in <code>. */
void page_name(struct page *page, const char *name);

/* "and 12 more", if there are. */
void page_more(struct page *page, size_t shown, size_t count);

/* The hidden field of the token, in a form. */
void page_token(struct page *page);

/* A paragraph in grey. */
void page_note(struct page *page, const char *words);

#endif
