/* One transfer or listing, from the agreement on a data connection to the verdict: what get, put
 * and dir share. Control and data are heard side by side, in whatever order a server speaks
 * (TLS-63, TLS-178, TLS-179). */
#ifndef FERRY_CLIENT_TRANSFER_H
#define FERRY_CLIENT_TRANSFER_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "client/session.h"
#include "ftp/command.h"
#include "ftp/transfer.h"
#include "net/file.h"
#include "net/pump.h"

enum client_transfer_kind { CLIENT_DOWNLOAD, CLIENT_UPLOAD, CLIENT_LISTING };

struct client_transfer_want {
    enum client_transfer_kind kind;
    enum verb verb;
    struct bytes path;      /* copied; may be empty for a listing */
    uint64_t offset_bytes;  /* sent by REST if not 0 */
    uint64_t present_bytes; /* of the file at the other end or here, that will not cross again: for
                               the progress shown */
    int64_t expected_bytes; /* that are to cross, or TRANSFER_SIZE_UNKNOWN */
    int fd;                 /* of the file, or -1 with `sink`; kept by the caller until the end */
    int64_t file_offset_bytes; /* or FILE_SEQUENTIAL */
    pump_sink_fn *sink;
    pump_filter_fn *filter; /* or NULL */
    void *hook_ctx;         /* of sink and filter */
    bool sync;              /* the file is on disk before the end is told */
};

struct client_transfer_result {
    enum ferry_error error;
    uint64_t bytes;    /* that crossed */
    int reply;         /* the final one, or 0 */
    bool rest_refused; /* nothing crossed, as the server does not take REST */
};

/* The words of a failure are in the session's fault. */
typedef void client_transfer_fn(void *ctx, const struct client_transfer_result *result);

/* Begins one. Whole is only what ended by close_notify, was confirmed by a final 2xx, and has the
 * expected size (ftp/transfer.h); all else is an error, in `done`:
 * - FERRY_E_CUT: it ended before its end; also after a stall.
 * - FERRY_E_LOST: all crossed, but it was never confirmed (TLS-158, DEV-33).
 * - FERRY_E_TLS: no protected data connection came to be; the server demands resumption and does
 * not get it (DEV-7); data protection was refused (TLS-55).
 * - FERRY_E_TRUST: another certificate than the control connection's (TLS-91).
 * - FERRY_E_CONNECT, FERRY_E_TIMEOUT: no data connection came to be.
 * - FERRY_E_CANCELLED: by the progress function or an interrupt; the control connection is kept if
 *   the server answers soon.
 * - The kind of a final 4xx or 5xx, of a failure of the local file, or of a hook. */
NODISCARD enum ferry_error client_transfer_start(struct client_session *session,
                                                 const struct client_transfer_want *want,
                                                 client_transfer_fn *done, void *ctx);

#endif
