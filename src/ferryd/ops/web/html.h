/* HTML that is right by construction. Names of elements and attributes, and addresses, are literals
 * of the program: anything else does not compile. All other text is escaped, since it comes from
 * the network: names of files, of users, words of peers. Controls in it become \xNN as in the log
 * (SEC-80); a backslash stays, since texts of ops/state.h have been through that before.
 *
 * An error stays, and nothing is written after it: it is looked at once, at the end. */
#ifndef FERRY_FERRYD_OPS_WEB_HTML_H
#define FERRY_FERRYD_OPS_WEB_HTML_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { HTML_DEPTH = 24 };

/* Fields are private to html.c. */
struct html {
    struct buf *out;
    enum ferry_error error;
    bool in_tag; /* the element's ">" is still to come */
    unsigned depth;
    const char *open[HTML_DEPTH];
};

/* Writes to `out`, which the caller keeps. */
void html_init(struct html *html, struct buf *out);

/* "<!doctype html>", at the beginning of a whole page. */
void html_doctype(struct html *html);

/* An element and its end. Of its attributes first, then of what is in it. */
#define html_begin(html, element) html_begin_literal((html), "" element "")
void html_end(struct html *html);

/* An element that has no end: meta, link, input, br. */
#define html_leaf(html, element) html_leaf_literal((html), "" element "")

/* An attribute of the element that was begun last. Not one that browsers run (on..., style) or
 * follow (href, src, action): those are FERRY_E_ARGUMENT. */
#define html_attr(html, name, value) html_attr_literal((html), "" name "", (value))

/* An attribute that is followed; `address` is a literal. */
#define html_address(html, name, address) html_address_literal((html), "" name "", "" address "")

/* Text. In script and style, where escapes mean nothing, it is FERRY_E_ARGUMENT. */
void html_text(struct html *html, struct bytes text);
void html_words(struct html *html, const char *words);
void html_printf(struct html *html, const char *format, ...) PRINTF_LIKE(2, 3);

/* An element with a class (NULL: none) and nothing but text in it. */
#define html_put(html, element, class, words)                                                      \
    html_put_literal((html), "" element "", (class), (words))

/* How it went. FERRY_E_STATE: elements are open; FERRY_E_ARGUMENT: a mistake in the program; and
 * those of buf_append. */
NODISCARD enum ferry_error html_finish(struct html *html);

/* For the macros. */
void html_begin_literal(struct html *html, const char *element);
void html_leaf_literal(struct html *html, const char *element);
void html_attr_literal(struct html *html, const char *name, const char *value);
void html_address_literal(struct html *html, const char *name, const char *address);
void html_put_literal(struct html *html, const char *element, const char *class, const char *words);

#endif
