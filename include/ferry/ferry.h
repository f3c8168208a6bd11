/* Ferry: the client for FTP over TLS.
 * SPDX-License-Identifier: MIT
 *
 * One ferry_session is one control connection. The calls here block; they turn the handle's own
 * loop. A handle belongs to one thread at a time. Every call that returns enum ferry_error leaves
 * the words of a failure in ferry_failure_of.
 *
 *   ferry_session *session = ferry_session_new();
 *   if (session && ferry_set_login(session, "anna", password) == FERRY_OK &&
 *       ferry_connect(session, "files.example.net", 0) == FERRY_OK &&
 *       ferry_get(session, "report.pdf", "report.pdf", 0) == FERRY_OK)
 *       ferry_quit(session);
 *   else if (session)
 *       fprintf(stderr, "%s\n", ferry_failure_of(session).what);
 *   ferry_session_free(session);
 */
#ifndef FERRY_FERRY_H
#define FERRY_FERRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ferry/error.h>
#include <ferry/listing.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef FERRY_API
#define FERRY_API __attribute__((visibility("default")))
#endif

typedef struct ferry_session ferry_session;

enum ferry_security {
    FERRY_EXPLICIT,  /* AUTH, PBSZ, PROT on port 21; required (default) */
    FERRY_IMPLICIT,  /* TLS from the first byte, port 990 */
    FERRY_PLAINTEXT, /* no TLS at all: only by this word */
};

/* The word after AUTH. AUTO tries TLS, then SSL where the server does not know TLS. */
enum ferry_auth {
    FERRY_AUTH_TLS,
    FERRY_AUTH_SSL,
    FERRY_AUTH_TLS_C,
    FERRY_AUTH_TLS_P,
    FERRY_AUTH_AUTO
};

enum ferry_data_mode { FERRY_PASSIVE, FERRY_ACTIVE };

enum ferry_tls_version {
    FERRY_TLS_ANY,
    FERRY_TLS_1_0,
    FERRY_TLS_1_1,
    FERRY_TLS_1_2,
    FERRY_TLS_1_3
};

/* A new session, not connected; NULL if memory is short. ferry_session_free ends it at once,
 * connected or not; NULL is fine. */
FERRY_API ferry_session *ferry_session_new(void);
FERRY_API void ferry_session_free(ferry_session *session);

/* ---- settings, before ferry_connect; strings are copied, the default stands behind each ---- */

FERRY_API enum ferry_error ferry_set_security(ferry_session *session,
                                              enum ferry_security security); /* EXPLICIT */
FERRY_API enum ferry_error ferry_set_auth(ferry_session *session, enum ferry_auth auth); /* TLS */

/* `password` NULL: none. Without this call the login is "anonymous". */
FERRY_API enum ferry_error ferry_set_login(ferry_session *session, const char *user,
                                           const char *password);

/* What a server gets that asks for an account (332); NULL: none, such a login fails. */
FERRY_API enum ferry_error ferry_set_account(ferry_session *session, const char *account);

/* Certificates of CAs to trust beside the system's, as a PEM file. It is read now. */
FERRY_API enum ferry_error ferry_set_ca_file(ferry_session *session, const char *path);

/* Trusts the server whose public key has this hash, "sha256//" and base64, whatever its certificate
 * says, and no other. Up to eight may be added. */
FERRY_API enum ferry_error ferry_add_pin(ferry_session *session, const char *pin);

/* The client's own certificate (with its chain) and key, as PEM files, which are read now.
 * `passphrase` of the key, or NULL. */
FERRY_API enum ferry_error ferry_set_certificate(ferry_session *session,
                                                 const char *certificate_path, const char *key_path,
                                                 const char *passphrase);

FERRY_API enum ferry_error ferry_set_tls_versions(ferry_session *session,
                                                  enum ferry_tls_version min,
                                                  enum ferry_tls_version max); /* ANY, ANY */

/* Old servers: TLS 1.0 and 1.1, weak certificates, 334 in the place of 234. */
FERRY_API void ferry_set_legacy(ferry_session *session, bool allowed); /* false */

FERRY_API void ferry_set_data_mode(ferry_session *session, enum ferry_data_mode mode); /* PASSIVE */

/* Protection of data connections: 'P' under TLS, 'C' in clear. FERRY_E_ARGUMENT: another letter. */
FERRY_API enum ferry_error ferry_set_protection(ferry_session *session, char files,
                                                char listings); /* 'P', 'P' */

/* Milliseconds for a connection to come up (30 000), for a reply (60 000), and how long a transfer
 * may stand still (120 000). 0 leaves a value as it is. */
FERRY_API void ferry_set_timeout_ms(ferry_session *session, uint32_t connect_ms, uint32_t reply_ms,
                                    uint32_t stall_ms);

/* Sees the dialogue: '>' sent, '<' received, '*' a remark, '#' a detail of TLS. The line is visible
 * characters; PASS and ACCT are masked. */
typedef void ferry_trace_fn(void *ctx, char direction, const char *line);
FERRY_API void ferry_set_trace(ferry_session *session, ferry_trace_fn *fn, void *ctx);

/* Bytes of the file that are there so far, those of an earlier try included, and how many there
 * will be (-1: unknown). Called several times a second. Return false to stop the transfer
 * (FERRY_E_CANCELLED). No ferry_* function may be called from here. */
typedef bool ferry_progress_fn(void *ctx, uint64_t bytes, int64_t total_bytes);
FERRY_API void ferry_set_progress(ferry_session *session, ferry_progress_fn *fn, void *ctx);

/* ---- one connection ---- */

/* Connects, seals and logs in. `host` is a name or an address; `port` 0: 21, or 990 for IMPLICIT.
 * Nothing of the login is sent before TLS is up, unless the security is PLAINTEXT. */
FERRY_API enum ferry_error ferry_connect(ferry_session *session, const char *host, uint16_t port);

/* true from ferry_connect to ferry_quit, unless the connection was lost. */
FERRY_API bool ferry_is_connected(const ferry_session *session);

/* QUIT and an orderly end. The session may connect again. */
FERRY_API enum ferry_error ferry_quit(ferry_session *session);

/* Stops the call that runs, which returns FERRY_E_CANCELLED soon; what came of a download is kept
 * for FERRY_RESUME. If none runs, the next one is stopped.
 * May be called from a signal handler or another thread. */
FERRY_API void ferry_interrupt(ferry_session *session);

/* ---- files; remote paths are UTF-8, relative to the login directory or absolute ---- */

enum ferry_transfer_flags {
    FERRY_RESUME = 1 << 0,    /* go on where a former transfer was cut */
    FERRY_OVERWRITE = 1 << 1, /* an existing local file may be replaced */
    FERRY_KEEP_TIME = 1 << 2, /* the target gets the source's time of modification, where the server
                                 can tell or set it */
};

/* Downloads to a local path: what arrives lands in a hidden part beside it, which takes the name
 * only when it is whole: the TLS end mark, the final reply and the size all have been seen.
 * FERRY_E_EXISTS: there is such a file, and no FERRY_OVERWRITE. */
FERRY_API enum ferry_error ferry_get(ferry_session *session, const char *remote, const char *local,
                                     unsigned flags);

/* Downloads to a descriptor (a pipe, standard output), which stays open. */
FERRY_API enum ferry_error ferry_get_fd(ferry_session *session, const char *remote, int fd);

/* Uploads a local file. */
FERRY_API enum ferry_error ferry_put(ferry_session *session, const char *local, const char *remote,
                                     unsigned flags);

/* Uploads from a descriptor until its end. */
FERRY_API enum ferry_error ferry_put_fd(ferry_session *session, int fd, const char *remote);

/* Lists a directory: `fn` is called for every entry; false from it stops (FERRY_E_CANCELLED).
 * Nothing is listed of a listing that turns out to be cut: the call fails. `path` NULL or "": the
 * login directory. */
typedef bool ferry_entry_fn(void *ctx, const struct ferry_entry *entry);
FERRY_API enum ferry_error ferry_list(ferry_session *session, const char *path, ferry_entry_fn *fn,
                                      void *ctx);

/* One entry; its strings are valid until the session's next call. */
FERRY_API enum ferry_error ferry_stat(ferry_session *session, const char *path,
                                      struct ferry_entry *out);

FERRY_API enum ferry_error ferry_remove(ferry_session *session, const char *path);
FERRY_API enum ferry_error ferry_rename(ferry_session *session, const char *from, const char *to);
FERRY_API enum ferry_error ferry_make_directory(ferry_session *session, const char *path);
FERRY_API enum ferry_error ferry_remove_directory(ferry_session *session, const char *path);

/* ---- why ---- */

/* The last failure. Strings are visible characters, "" where there is nothing to say, valid until
 * the session's next call. */
struct ferry_failure {
    enum ferry_error kind;
    int reply;             /* FTP reply code behind it, or 0 */
    const char *what;      /* what was tried and what went wrong */
    const char *peer_said; /* the peer's own words */
    const char *advice;    /* what to do */
};
FERRY_API struct ferry_failure ferry_failure_of(const ferry_session *session);

/* "not-found" and the like; static. */
FERRY_API const char *ferry_error_name(enum ferry_error error);

/* What the connection is, in words: "TLSv1.3, TLS_AES_256_GCM_SHA384"; "" in clear. Valid until the
 * next call. */
FERRY_API const char *ferry_tls_description(ferry_session *session);

/* ---- trees ---- */

enum ferry_tree_event {
    FERRY_TREE_STARTS,    /* a file is about to cross */
    FERRY_TREE_FILE,      /* a file is there, whole */
    FERRY_TREE_DIRECTORY, /* a directory is there */
    FERRY_TREE_SKIPPED,   /* left out: a link, a device, a name that is not safe; see `failure` */
    FERRY_TREE_FAILED,    /* see `failure` */
};

/* What became of one name of a tree. All of it is valid during the call only; paths are as they are
 * on either side: make them visible before showing them. */
struct ferry_tree_item {
    size_t struct_size; /* of this struct as the library knows it */
    enum ferry_tree_event event;
    const char *remote;
    const char *local;
    uint64_t bytes; /* FERRY_TREE_FILE: its size */
    struct ferry_failure failure;
};

/* false stops the walk (FERRY_E_CANCELLED). */
typedef bool ferry_tree_fn(void *ctx, const struct ferry_tree_item *item);

/* Copies a remote directory with all that is below it to the local directory `local`, which is made
 * if it does not exist, or the other way. A file that fails does not stop the others: the call then
 * returns the first failure at the end. Links are not copied, and never followed out of `local`.
 * `fn` may be NULL. Flags as for single files; with FERRY_RESUME files that are there already with
 * the right size are left alone. */
FERRY_API enum ferry_error ferry_get_tree(ferry_session *session, const char *remote,
                                          const char *local, unsigned flags, ferry_tree_fn *fn,
                                          void *ctx);
FERRY_API enum ferry_error ferry_put_tree(ferry_session *session, const char *local,
                                          const char *remote, unsigned flags, ferry_tree_fn *fn,
                                          void *ctx);

#ifdef __cplusplus
}
#endif

#endif
