/* What the parsers of the listing formats share. Private to listing*.c. */
#ifndef FERRY_FTP_LISTING_FORMAT_H
#define FERRY_FTP_LISTING_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "ftp/listing.h"

enum listing_match {
    LISTING_NO,   /* the line is not of this format */
    LISTING_YES,  /* it is an entry */
    LISTING_SKIP, /* it belongs to this format and is no entry: a header, a sum */
};

/* Each reads one line, without its line end and without a NUL in it, into `*out`, which comes
 * zeroed. */
typedef enum listing_match listing_format_fn(struct listing *listing, struct bytes line,
                                             struct listing_entry *out);

listing_format_fn listing_unix_parse;         /* LST-30 to LST-35 */
listing_format_fn listing_unix_parse_numeric; /* LST-36 */
listing_format_fn listing_unix_parse_netware; /* LST-65 */
listing_format_fn listing_dos_parse;          /* LST-40, LST-41 */
listing_format_fn listing_eplf_parse;         /* LST-67 */
listing_format_fn listing_os400_parse;        /* LST-60, LST-61 */
listing_format_fn listing_guardian_parse;     /* LST-66 */
listing_format_fn listing_vms_parse;          /* LST-63 */
listing_format_fn listing_zos_parse;          /* LST-50 to LST-59 */

/* Takes the blanks and then the word, up to the next blank, from the front of `*rest`; empty if
 * there is none. */
struct bytes listing_word(struct bytes *rest);

/* Sets `words` to the first `max` words of `line`. Returns how many it has; if there are more than
 * `max`, one more than that. */
size_t listing_words(struct bytes line, struct bytes *words, size_t max);

/* Drops at most `max` blanks from the front of `*rest`. */
void listing_skip_blanks(struct bytes *rest, size_t max);

/* From the begin of `first` to the end of `last`, both in one line. */
struct bytes listing_span(struct bytes first, struct bytes last);

/* All of `word` is decimal digits, at least one. */
bool listing_is_number(struct bytes word);

/* Sets the size to the decimal number `word`; unknown if it is none or above INT64_MAX (LST-15). */
void listing_set_size(struct listing_entry *out, struct bytes word);

/* Adds a fact; `key` is static. Dropped if the value is empty or LISTING_EXTRA_MAX are there. */
void listing_add(struct listing_entry *out, const char *key, struct bytes value);

#endif
