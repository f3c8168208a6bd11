/* What a server is told once, at its start: the listeners' and sessions' rules. */
#ifndef FERRY_SERVER_SETTINGS_H
#define FERRY_SERVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/socket.h"
#include "server/backend.h"
#include "tls/context.h"
#include "tls/resume.h"

/* TLS-100: what a data connection must prove. */
enum data_resume {
    DATA_RESUME_REQUIRE, /* resume the session of its own control connection, else 522 with the
                            reason */
    DATA_RESUME_PREFER,  /* resumed or not: the peer's address and the port decide */
    DATA_RESUME_OFF,     /* no session is resumed on data connections */
};

/* TLS-101: whose session counts. */
enum data_resume_scope {
    DATA_SCOPE_CONNECTION, /* that of the control connection */
    DATA_SCOPE_USER,       /* also that of a live one of the same account and address */
};

struct server_settings {
    struct tls_context *tls;   /* NULL: no TLS at all (plain back ends in tests) */
    struct tls_master *master; /* NULL only if `tls` is */
    bool plaintext_allowed;    /* login in clear and PROT C; default false */
    bool auth_legacy_words;    /* AUTH SSL and TLS-P (TLS-4) */
    enum data_resume data_resume;
    enum data_resume_scope data_resume_scope;
    uint16_t passive_low, passive_high; /* 0, 0: the system's choice */
    struct address
        passive_address; /* told in 227 instead of the local one; len 0: none (TLS-151) */
    bool active_allowed; /* PORT and EPRT */
    bool mode_z; /* MODE Z is offered; lengths then tell of contents (SEC-58): default false */
    uint64_t hash_max_bytes; /* that HASH and its kin read for one command; 0: no limit */
    bool keep_cut_uploads;   /* a cut upload stays as a hidden part for REST */
    uint32_t sessions_max;   /* 0: 10000; beyond: 421 */

    /* 0: the default (SEC-51). */
    uint64_t login_timeout_ns;     /* from the connection to the login; 60 s */
    uint64_t idle_timeout_ns;      /* between commands; 600 s */
    uint64_t handshake_timeout_ns; /* 20 s */
    uint64_t data_timeout_ns;      /* from the 150 to the data connection; 20 s */
    uint64_t stall_timeout_ns;     /* no byte crosses in a transfer; 120 s */
    uint64_t login_delay_ns;       /* before the first refusal of a login; doubled for each further
                                      one (FTP-34); 1 s */

    const struct account_ops *account_ops;
    void *accounts;
    const struct log *log;
    const struct clock *clock; /* for the dates of listings; NULL: the system's */
};

#endif
