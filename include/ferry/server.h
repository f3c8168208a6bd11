/* Ferry: an FTP server over TLS inside your program.
 * SPDX-License-Identifier: MIT
 *
 * Make one, set it up, start it, and turn it: either ferry_server_run, which returns after
 * ferry_server_stop, or poll ferry_server_fd and call ferry_server_turn in a loop of your own. A
 * handle belongs to one thread at a time. */
#ifndef FERRY_SERVER_H
#define FERRY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ferry/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef FERRY_API
#define FERRY_API __attribute__((visibility("default")))
#endif

typedef struct ferry_server ferry_server;

enum ferry_listen { FERRY_LISTEN_EXPLICIT, FERRY_LISTEN_IMPLICIT };
enum ferry_data_resume {
    FERRY_DATA_RESUME_REQUIRE,
    FERRY_DATA_RESUME_PREFER,
    FERRY_DATA_RESUME_OFF
};
enum ferry_data_scope { FERRY_DATA_SCOPE_CONNECTION, FERRY_DATA_SCOPE_USER };

/* A new server with nothing set, or NULL if memory is short. Free it with ferry_server_free,
 * running or not. */
FERRY_API ferry_server *ferry_server_new(void);
FERRY_API void ferry_server_free(ferry_server *server);

/* The certificate (with its intermediates) and its private key, PEM texts of the given lengths,
 * copied. While the server runs, too: sessions that are there keep the one they began with, and go
 * on; FERRY_E_ARGUMENT: cannot be read or do not fit, and nothing has changed; see
 * ferry_server_error; FERRY_E_MEMORY. */
FERRY_API enum ferry_error ferry_server_set_certificate(ferry_server *server,
                                                        const char *certificate_pem,
                                                        size_t certificate_len, const char *key_pem,
                                                        size_t key_len);

/* The TLS versions to accept, as "1.2" or "1.3"; NULL: the default of the policy (1.2 and 1.3).
 * FERRY_E_ARGUMENT: another word, or `min` above `max`. */
FERRY_API enum ferry_error ferry_server_set_tls_versions(ferry_server *server, const char *min,
                                                         const char *max);

/* An account: `name`, `password` and the directory `root` it sees as "/". Strings are copied. */
FERRY_API enum ferry_error ferry_server_add_account(ferry_server *server, const char *name,
                                                    const char *password, const char *root,
                                                    bool read_only);

/* File names are UTF-8. A client that speaks another charset, "windows-1252", "CP932" or whatever
 * `iconv -l` lists, is understood in this account, and answered so, if it is named here; without,
 * its names are kept in the bytes that came. FERRY_E_ARGUMENT: no such account or charset, or one
 * that ASCII is no part of. */
FERRY_API enum ferry_error ferry_server_set_account_charset(ferry_server *server, const char *name,
                                                            const char *charset);

/* Rules; each has the default named. Call before ferry_server_start. */
FERRY_API void ferry_server_set_data_resume(ferry_server *server,
                                            enum ferry_data_resume policy,     /* REQUIRE */
                                            enum ferry_data_scope scope);      /* CONNECTION */
FERRY_API void ferry_server_set_plaintext(ferry_server *server, bool allowed); /* false */
FERRY_API void ferry_server_set_auth_legacy_words(ferry_server *server,
                                                  bool allowed); /* true: SSL, TLS-P */
FERRY_API void ferry_server_set_passive_ports(ferry_server *server, uint16_t low,
                                              uint16_t high); /* the system's choice */
FERRY_API void ferry_server_set_active(ferry_server *server, bool allowed);        /* true */
FERRY_API void ferry_server_set_keep_cut_uploads(ferry_server *server, bool keep); /* true */
FERRY_API void ferry_server_set_mode_z(ferry_server *server, bool offered);        /* false */
FERRY_API void ferry_server_set_mode_b(ferry_server *server, bool offered);        /* false */
FERRY_API void ferry_server_set_sessions_max(ferry_server *server, uint32_t max);  /* 10000 */

/* What PASV tells clients instead of the address that they connected to: a numeric IPv4 address, or
 * a name, whose address is looked up again every 300 s. NULL: none (default). FERRY_E_ARGUMENT: not
 * an IPv4 address of a host. Call before ferry_server_start. */
FERRY_API enum ferry_error ferry_server_set_passive_address(ferry_server *server,
                                                            const char *address);

/* Connections, control and data, from this network ("192.0.2.0/24", or one address) come through a
 * proxy and must begin with a header of the PROXY protocol, version 1 or 2; the client that it
 * names is then the peer. May be called for several networks, before ferry_server_start.
 * FERRY_E_ARGUMENT: not a network. */
FERRY_API enum ferry_error ferry_server_add_proxy(ferry_server *server, const char *network);

/* Receives each event of the log as one line without its newline (JSON or text). NULL: no log
 * (default). */
typedef void ferry_server_log_fn(void *ctx, const char *line, size_t len);
FERRY_API void ferry_server_set_log(ferry_server *server, ferry_server_log_fn *fn, void *ctx,
                                    bool json);

/* Listens on a numeric address; port 0 lets the system choose: ferry_server_port tells which.
 * Several listeners are fine. FERRY_E_CONNECT: the address cannot be had; see ferry_server_error.
 */
FERRY_API enum ferry_error ferry_server_listen(ferry_server *server, enum ferry_listen kind,
                                               const char *address, uint16_t port,
                                               uint16_t *port_out);

/* Begins to serve. FERRY_E_STATE: no certificate, account or listener. */
FERRY_API enum ferry_error ferry_server_start(ferry_server *server);

/* Serves until it was stopped and all sessions have ended. FERRY_E_STATE: not started. */
FERRY_API enum ferry_error ferry_server_run(ferry_server *server);

/* Ends: no new sessions, idle ones are told 421, those that run a transfer are given `drain_ms` to
 * finish it. Returns at once; the loop does the rest. The one function that any thread and a signal
 * handler may call, as long as the handle lives. */
FERRY_API void ferry_server_stop(ferry_server *server, uint32_t drain_ms);

/* Stopped, and all sessions have ended: the time to free it, for a loop of your own. */
FERRY_API bool ferry_server_is_over(const ferry_server *server);

/* For a loop of your own: poll this descriptor for reading, no longer than the time-out (-1: for
 * ever), then turn. */
FERRY_API int ferry_server_fd(const ferry_server *server);
FERRY_API int ferry_server_timeout_ms(const ferry_server *server);
FERRY_API void ferry_server_turn(ferry_server *server);

/* Sessions connected now. */
FERRY_API uint32_t ferry_server_sessions(const ferry_server *server);

/* What the last failed call says, in words; valid until the next call. */
FERRY_API const char *ferry_server_error(const ferry_server *server);

#ifdef __cplusplus
}
#endif

#endif
