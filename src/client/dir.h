/* Listing a remote directory: MLSD, and LIST where that is not known (FTP-139). */
#ifndef FERRY_CLIENT_DIR_H
#define FERRY_CLIENT_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "client/session.h"
#include "ferry/listing.h"

enum { CLIENT_DIR_MAX_BYTES = 256 * 1024 * 1024 }; /* of one listing (SEC-97) */

/* Sees one entry, whose name is safe to be joined to a path (LST-70); valid during the call. false:
 * no more of them, and the deed ends with the failure that the function has set in the session's
 * fault, or FERRY_E_CANCELLED. */
typedef bool client_dir_entry_fn(void *ctx, const struct ferry_entry *entry);

/* `rejected`: entries that were left out as their names are not safe. */
typedef void client_dir_fn(void *ctx, enum ferry_error result, uint64_t rejected);

/* Lists `path`; empty: the working directory. Nothing is shown before the whole listing is there,
 * confirmed, and could be read (PAIN 12). The errors of client_transfer_start; FERRY_E_LIMIT;
 * FERRY_E_UNSUPPORTED: a listing in no known form. */
NODISCARD enum ferry_error client_dir_start(struct client_session *session, struct bytes path,
                                            client_dir_entry_fn *entry, client_dir_fn *done,
                                            void *ctx);

#endif
