/* An entry of a listing as the public headers show it, with its strings. */
#ifndef FERRY_CLIENT_ENTRY_H
#define FERRY_CLIENT_ENTRY_H

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/listing.h"
#include "ftp/listing.h"

struct client_entry {
    struct ferry_entry face;
    char *text; /* what the strings of `face` point into; NULL: nothing is held */
};

/* Makes one of what a parser found, under the name `name`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error client_entry_make(const struct listing_entry *from, struct bytes name,
                                             struct client_entry *out);

/* A copy of `from` under the name `name`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error client_entry_copy(const struct ferry_entry *from, struct bytes name,
                                             struct client_entry *out);

/* Frees what either made; for CLEANUP. Fine for a zeroed one. */
void client_entry_fini(struct client_entry *entry);

#endif
