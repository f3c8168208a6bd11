/* An upload, resumed where a former one was cut, and looked at afterwards. */
#ifndef FERRY_CLIENT_PUT_H
#define FERRY_CLIENT_PUT_H

#include <stdint.h>
#include <time.h>

#include "client/session.h"

struct client_put_want {
    int fd;             /* kept by the caller to the end */
    bool seekable;      /* a file; else a pipe, sent to its end, without FERRY_RESUME */
    int64_t size_bytes; /* of the file */
    struct timespec modified;
    struct bytes remote;
    unsigned flags; /* enum ferry_transfer_flags */
};

/* Uploads. With FERRY_RESUME a shorter remote file is gone on with, by REST and STOR where the
 * server lists REST STREAM, else by APPE (FTP-96); one of the same size is left as it is.
 * Afterwards the size there is compared (DEV-69), and with FERRY_KEEP_TIME the time set, where the
 * server can (MFMT). FERRY_E_CUT: the size there is another; the errors of client_transfer_start.
 */
NODISCARD enum ferry_error client_put_start(struct client_session *session,
                                            const struct client_put_want *want,
                                            client_done_fn *done, void *ctx);

#endif
