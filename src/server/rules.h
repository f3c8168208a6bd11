/* The rules of one listener, as a whole that never changes: sessions keep those that they began
 * with, and a reload gives the listener new ones. */
#ifndef FERRY_SERVER_RULES_H
#define FERRY_SERVER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "ftp/dialect.h"
#include "net/socket.h"
#include "tls/context.h"

/* When TLS begins. */
enum listen_kind {
    LISTEN_EXPLICIT, /* with AUTH */
    LISTEN_IMPLICIT, /* before the greeting */
};

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

/* Zero is the default of each, but where another is named. */
struct server_rules {
    enum listen_kind kind;
    struct tls_context *tls; /* NULL: no TLS at all (plain back ends in tests) */

    bool plaintext_allowed; /* login in clear and PROT C */
    bool auth_legacy_words; /* AUTH SSL and TLS-P (TLS-4) */
    struct dialect dialect;
    enum data_resume data_resume;
    enum data_resume_scope data_resume_scope;

    uint16_t passive_low, passive_high; /* 0, 0: the system's choice */
    struct address
        passive_address; /* told in 227 instead of the local one; len 0: none (TLS-151) */
    bool active_allowed; /* PORT and EPRT */

    bool mode_z;             /* MODE Z is offered; lengths then tell of contents (SEC-58) */
    uint64_t hash_max_bytes; /* that HASH and its kin read for one command; 0: no limit */
    bool keep_cut_uploads;   /* a cut upload stays as a hidden part for REST */

    /* 0: the default (SEC-51). */
    uint64_t login_timeout_ns;     /* from the connection to the login; 60 s */
    uint64_t idle_timeout_ns;      /* between commands; 600 s */
    uint64_t handshake_timeout_ns; /* 20 s */
    uint64_t data_timeout_ns;      /* from the 150 to the data connection; 20 s */
    uint64_t stall_timeout_ns;     /* no byte crosses in a transfer; 120 s */
    uint64_t login_delay_ns;       /* before the first refusal of a login; doubled for each further
                                      one (FTP-34); 1 s */

    unsigned refs; /* kept by the functions below */
};

/* A checked copy of `from` with its defaults filled in and one holder; it holds `tls`, too.
 * FERRY_E_ARGUMENT: rules that contradict each other, with the words in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_rules_new(const struct server_rules *from,
                                            struct server_rules **out, struct fault *fault);

/* One more holder, and one fewer; the last one frees it. NULL is fine for unref. */
struct server_rules *server_rules_ref(struct server_rules *rules);
void server_rules_unref(struct server_rules *rules);

#endif
