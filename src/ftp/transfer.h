/* One transfer as both ends must judge it: the order of 1xx, data connection and final reply, and
 * what "whole" means (RFC 959 section 5.4; tls.md section 14; PAIN 3, 12). Pure: facts in, verdict
 * out. */
#ifndef FERRY_FTP_TRANSFER_H
#define FERRY_FTP_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"

/* How a data connection came to its end, as its stream saw it. */
enum data_end {
    DATA_END_NONE,   /* still open, or never opened */
    DATA_END_CLOSED, /* close_notify under TLS, FIN in clear */
    DATA_END_CUT,    /* FIN without close_notify, or RST before it (TLS-175 to TLS-177) */
    DATA_END_FAILED, /* it never came to be: connect, accept or handshake failed */
};

enum { TRANSFER_SIZE_UNKNOWN = -1 };

struct transfer_facts {
    bool download; /* RETR or a listing, judged by the receiver; else an upload, judged by the
                      sender */
    bool sealed;   /* the data connection was under TLS */
    enum data_end data;
    int final_reply;        /* 0: not yet */
    uint64_t bytes;         /* that crossed in this transfer */
    int64_t expected_bytes; /* that should have, or TRANSFER_SIZE_UNKNOWN */
    bool control_lost;      /* no final reply will come */
};

enum transfer_verdict {
    TRANSFER_RUNNING, /* wait: the final reply or the end of the data is missing (TLS-178) */
    TRANSFER_WHOLE,
    TRANSFER_REFUSED,     /* 4xx or 5xx before any data crossed */
    TRANSFER_CUT,         /* everything else that is not whole */
    TRANSFER_UNCONFIRMED, /* the data ended properly, but the final reply was lost (TLS-158, DEV-33)
                           */
};

/* Judges. For all but RUNNING and WHOLE, `fault` (may be NULL) says which of the conditions failed.
 */
enum transfer_verdict transfer_judge(const struct transfer_facts *facts, struct fault *fault);

#endif
