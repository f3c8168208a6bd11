/* What the store knows of a name, as the server wants it (FTP-131 to FTP-138, LST-82 to LST-86). */
#ifndef FERRY_EMBED_LOCAL_ENTRY_H
#define FERRY_EMBED_LOCAL_ENTRY_H

#include "ftp/listing.h"
#include "store/entry.h"

/* Space for the texts of one entry. */
struct local_entry_text {
    char perms[16];
    char unique[40];
    char owner_id[12], group_id[12];
};

/* Fills `*out` with views into `entry`, which a home has told of, and `*text`. `may_change`: names
 * in its directory may be removed and renamed, as far as the account's rights go. */
void local_entry_fill(struct listing_entry *out, struct local_entry_text *text,
                      const struct entry *entry, bool may_change);

#endif
