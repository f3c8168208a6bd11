/* Entries and transfers on standard output, for people or as JSON. */
#ifndef FERRY_FERRY_SHOW_H
#define FERRY_FERRY_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "ferry/args.h"
#include "ferry/ferry.h"

/* One line of `ferry ls`. Names are made visible, but for --raw where standard output is no
 * terminal (LST-72). false: memory is short. */
bool show_entry(const struct settings *settings, const struct ferry_entry *entry);

/* What `ferry stat` tells of one entry. false: memory is short. */
bool show_stat(const struct settings *settings, const struct ferry_entry *entry);

/* With --json, one line about a file that crossed or failed; else nothing. `event`: "downloaded",
 * "uploaded", "skipped", "failed"; `failure` for the last two, else NULL. false: memory is short.
 */
bool show_transfer(const struct settings *settings, const char *event, const char *remote,
                   const char *local, int64_t bytes, const struct ferry_failure *failure);

#endif
