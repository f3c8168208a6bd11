/* Patterns of names: `*` stands for any bytes, `?` for one. Nothing else is special, and a name
 * that begins with a dot is as any other. The time is at most the product of the lengths (SEC-54).
 */
#ifndef FERRY_STORE_MATCH_H
#define FERRY_STORE_MATCH_H

#include <stdbool.h>

#include "base/bytes.h"

bool match_name(struct bytes pattern, struct bytes name);

/* Whether `name` matches one of the patterns, which stand with '/' between them. */
bool match_any(struct bytes patterns, struct bytes name);

#endif
