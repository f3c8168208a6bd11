/* What the server knows of one name: MLST, or SIZE, MDTM and a listing where that is not known. */
#ifndef FERRY_CLIENT_STAT_H
#define FERRY_CLIENT_STAT_H

#include "client/session.h"
#include "ferry/listing.h"

enum client_stat_want {
    CLIENT_STAT_SIZE, /* by SIZE, which also tells where a cut upload is to be gone on with;
                         unknown is no failure, nor is a file that is missing */
    CLIENT_STAT_SIZE_AND_TIME, /* as SIZE, and the time of modification */
    CLIENT_STAT_ALL,           /* the type, too; a missing file is a failure */
};

/* `entry` is valid during the call; NULL if `result` is a failure. */
typedef void client_stat_fn(void *ctx, enum ferry_error result, const struct ferry_entry *entry);

/* Asks for `path`. The errors of a refused MLST; FERRY_E_NOT_FOUND: it is not in the listing of its
 * directory; those of client_dir_start. */
NODISCARD enum ferry_error client_stat_start(struct client_session *session, struct bytes path,
                                             enum client_stat_want want, client_stat_fn *done,
                                             void *ctx);

#endif
