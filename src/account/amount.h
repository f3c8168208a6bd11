/* Amounts as people write them: "4096", "512K", "10M", "2G", "1T". */
#ifndef FERRY_ACCOUNT_AMOUNT_H
#define FERRY_ACCOUNT_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* false: it is none, or above `max`. */
bool amount_parse(struct bytes text, uint64_t max, uint64_t *out);

#endif
