/* What ferryd-ops says to workers and auth, and they to it: rows of its state, which it asks for
 * page by page. The texts of a row travel as one field, each with its NUL, in the order of a table
 * that both ends have. */
#ifndef FERRY_FERRYD_OPS_WIRE_H
#define FERRY_FERRYD_OPS_WIRE_H

#include "proc/wire.h"

enum ops_message {
    OPS_NONE,

    /* ops -> worker */
    OPS_VIEW, /* ask u64, sessions beyond that id u64: a page of them, then OPS_PAGE */
    OPS_KICK, /* ask u64, session u64: OPS_KICKED */

    /* worker -> ops; times are wall clock */
    OPS_SESSION,     /* id u64, since i64, OPS_FLAG_ bits u8, bytes u64, rate u64, since i64 of the
                        transfer, texts: ops_session_texts */
    OPS_COUNTS,      /* counts and failures of struct server_counters, as they lie in memory */
    OPS_PAGE,        /* ask u64, last id of the page u64; 0: there are no more */
    OPS_KICKED,      /* ask u64, whether there was such a session u8 */
    OPS_CERTIFICATE, /* unasked: not before i64, not after i64, texts: ops_certificate_texts */
    OPS_USE,         /* a session has ended: resumed u64, full u64 and clear u64 data connections,
                        texts: ops_use_texts */
};

enum { OPS_TEXTS_BYTES = 16 * 1024, OPS_COUNTS_BYTES = 4096, OPS_PAGE_ROWS = 64 };

enum ops_flag {
    OPS_FLAG_LOGGED_IN = 1 << 0,
    OPS_FLAG_READ_ONLY = 1 << 1,
    OPS_FLAG_TLS_RESUMED = 1 << 2,
};

enum ops_session_text {
    OPS_SESSION_ACCOUNT,
    OPS_SESSION_PEER,
    OPS_SESSION_LOCAL,
    OPS_SESSION_HOST,
    OPS_SESSION_CLIENT,
    OPS_SESSION_AUTH,
    OPS_SESSION_TLS,
    OPS_SESSION_CIPHER,
    OPS_SESSION_KEX,
    OPS_SESSION_SIGNATURE,
    OPS_SESSION_CERTIFICATE,
    OPS_SESSION_COMMAND,
    OPS_SESSION_PATH,
    OPS_SESSION_DIRECTION,
    OPS_SESSION_TEXTS
};

enum ops_certificate_text {
    OPS_CERTIFICATE_LISTENS,
    OPS_CERTIFICATE_FILE,
    OPS_CERTIFICATE_SUBJECT,
    OPS_CERTIFICATE_NAMES,
    OPS_CERTIFICATE_KEY,
    OPS_CERTIFICATE_TEXTS
};

enum ops_use_text {
    OPS_USE_ACCOUNT,
    OPS_USE_CLIENT,
    OPS_USE_AUTH,
    OPS_USE_TLS,
    OPS_USE_CIPHER,
    OPS_USE_KEX,
    OPS_USE_SIGNATURE,
    OPS_USE_TEXTS
};

/* More texts than any row has. */
enum { OPS_TEXTS_MAX = 16 };

/* Puts `count` texts (NULL: ""), each cut so that all fit. */
void ops_put_texts(struct wire_writer *writer, const char *const *texts, size_t count);

/* Points `texts` into the field. false: it does not hold `count` texts, or more. */
NODISCARD bool ops_get_texts(struct bytes field, const char **texts, size_t count);

extern const struct wire_table ops_to_worker;
extern const struct wire_table ops_from_worker;

/* The number of a listening socket of ferryd-ops (MESSAGE_LISTENER). */
enum ops_socket { OPS_SOCKET_CONTROL, OPS_SOCKET_METRICS, OPS_SOCKET_WEB, OPS_SOCKETS };

#endif
