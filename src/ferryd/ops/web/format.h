/* Numbers and times as people read them. */
#ifndef FERRY_FERRYD_OPS_WEB_FORMAT_H
#define FERRY_FERRYD_OPS_WEB_FORMAT_H

#include <stdint.h>

enum { FORMAT_BYTES = 40 };

/* Each writes into `out`, NUL-terminated, and returns it. */

/* "17 B", "1.4 kB", "23 GB": powers of 1000. */
const char *format_size(uint64_t bytes, char out[FORMAT_BYTES]);

/* "4 s", "12 min", "3 h 05 min", "9 days". */
const char *format_span(uint64_t seconds, char out[FORMAT_BYTES]);

/* "2026-11-22 20:15:07 UTC"; `unix_s` since 1970. "never" behind the year 9999. */
const char *format_time(int64_t unix_s, char out[FORMAT_BYTES]);

/* "1 session", "0 sessions": `one` is the word; its plural has an s. */
const char *format_count(uint64_t count, const char *one, char out[FORMAT_BYTES]);

#endif
