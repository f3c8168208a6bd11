/* The rules of one listener, as a whole that never changes: sessions keep those that they began
 * with, and a reload gives the listener new ones. */
#ifndef FERRY_SERVER_RULES_H
#define FERRY_SERVER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "ftp/dialect.h"
#include "net/loop.h"
#include "net/names.h"
#include "net/network.h"
#include "net/socket.h"
#include "server/limits.h"
#include "tls/context.h"
#include "tls/hosts.h"
#include "tls/peers.h"

struct server_external;

/* When TLS begins. */
enum listen_kind {
    LISTEN_EXPLICIT, /* with AUTH */
    LISTEN_IMPLICIT, /* before the greeting */
    LISTEN_EITHER,   /* at once if the first bytes are TLS; else, or where none come within
                        `first_bytes_ns`, with AUTH */
};

/* "explicit", "implicit", "either"; static. */
const char *listen_kind_name(enum listen_kind kind);

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

/* What 227 tells the clients of one network. */
struct server_passive_rule {
    struct network network;
    struct address address; /* len 0: the local one */
};

/* Server-to-server transfers (TLS-165 to TLS-169). */
struct server_fxp {
    struct tls_context *tls;        /* a client's: to be TLS client, with our own certificate */
    struct tls_peers *peers;        /* the other servers */
    const struct network *networks; /* where they are, for PORT to them and data connections from
                                       them; those at the client's own address need none */
    size_t network_count;
};

/* Zero is the default of each, but where another is named. */
struct server_rules {
    enum listen_kind kind;
    struct tls_context *tls; /* NULL: no TLS at all (plain back ends in tests) */
    struct tls_hosts *hosts; /* the hosts to choose from by SNI and HOST, whose default is `tls`;
                                NULL: there is that one only, whatever SNI says */

    bool plaintext_allowed; /* login in clear and PROT C */
    bool auth_legacy_words; /* AUTH SSL and TLS-P (TLS-4) */
    struct dialect dialect;
    enum data_resume data_resume;
    enum data_resume_scope data_resume_scope;

    uint16_t passive_low, passive_high; /* 0, 0: the system's choice */
    /* What 227 tells (TLS-151). The first of these whose network holds the client decides; without
     * one it is the address of the name, or the address, or else the local one. */
    const struct server_passive_rule *passive_rules;
    size_t passive_rule_count;
    const char *passive_name; /* NULL: none; not both a name and an address */
    struct address passive_address;
    uint64_t passive_lookup_ns;  /* how long an answer to the name counts; 0: 300 s */
    bool active_allowed;         /* PORT and EPRT */
    uint16_t active_source_port; /* that active connections come from; 0: any (FTP-50) */

    struct server_fxp fxp; /* where dialect.fxp is on; then with `tls` and `peers` */

    /* Whose connections, control and data, begin with a header of the PROXY protocol (SEC-22). */
    const struct network *proxies;
    size_t proxy_count;

    unsigned extras;         /* enum server_extra: commands that are offered on wish */
    bool ascii_strict;       /* TYPE A sends CRLF for LF behind a CR, too (FTP-42) */
    bool mode_z;             /* MODE Z is offered; lengths then tell of contents (SEC-58) */
    bool mode_b;             /* MODE B is offered: many files over one data connection (FTP-44) */
    uint64_t hash_max_bytes; /* that HASH and its kin read for one command; 0: no limit */
    bool accept_no_notify;   /* an upload that ends without close_notify is whole, if it is not cut
                                inside of a TLS record, and logged (TLS-175) */
    bool keep_cut_uploads;   /* a cut upload stays as a hidden part for REST */

    struct server_limit_rules limits;

    /* 0: the default (SEC-51). */
    uint64_t login_timeout_ns;     /* from the connection to the login; 60 s */
    uint64_t idle_timeout_ns;      /* between commands; 600 s */
    uint64_t handshake_timeout_ns; /* 20 s */
    uint64_t passive_timeout_ns;   /* a data port that no command uses (FTP-24); 60 s */
    uint64_t first_bytes_ns;       /* LISTEN_EITHER; 0.3 s, by which the greeting comes later */
    uint64_t data_timeout_ns;      /* from the 150 to the data connection; 20 s */
    uint64_t stall_timeout_ns;     /* no byte crosses in a transfer; 120 s */
    uint64_t control_keepalive_ns; /* between signs of life on an idle control connection during a
                                      transfer, TLS 1.3 (TLS-158); 60 s */
    uint64_t login_delay_ns;       /* before the first refusal of a login; doubled for each further
                                      one (FTP-34); 1 s */

    /* Kept by the functions below. */
    struct server_external *external; /* of passive_name */
    void *copies[4];                  /* of what is pointed to */
    unsigned refs;
};

/* A checked copy of `from`, and of what it points to, with its defaults filled in and one holder;
 * it holds `tls` and `hosts`, too. FERRY_E_ARGUMENT: rules that contradict each other, with the
 * words in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_rules_new(const struct server_rules *from,
                                            struct server_rules **out, struct fault *fault);

/* Whether a 227 can tell this address: it has room for IPv4 only. */
bool server_rules_can_tell(const struct address *address);

/* They are the rules of a listener on `loop` from now on, if they were not before: begins to look
 * up passive_name with `names` (NULL: the system), which the log tells of. Loop and log must
 * outlive them, and so must the source of names. */
void server_rules_serve(struct server_rules *rules, struct loop *loop, const struct names *names,
                        const struct log *log);

/* What a 227 is to tell `peer`, who connected to `reached`; NULL: the name was not found yet.
 * Valid until the loop turns. */
const struct address *server_rules_passive_address(const struct server_rules *rules,
                                                   const struct address *peer,
                                                   const struct address *reached);

/* One more holder, and one fewer; the last one frees it. NULL is fine for unref. */
struct server_rules *server_rules_ref(struct server_rules *rules);
void server_rules_unref(struct server_rules *rules);

#endif
