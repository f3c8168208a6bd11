/* TLS without sockets: certificates made on the fly, contexts of both ends, and a wire in memory
 * between two engines. Whatever should not happen fails the cmocka test. */
#ifndef FERRY_TESTS_TLS_KIT_H
#define FERRY_TESTS_TLS_KIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "tls/context.h"
#include "tls/engine.h"
#include "tls/mint.h"

#define TLS_KIT_HOST "ftp.example.org"

/* What both ends are made of; all zero is the default policy and no client certificates. */
struct tls_kit_options {
    enum tls_policy_name policy;
    enum tls_version min, max;
    enum tls_client_certificates client_certificates;
    bool client_has_certificate;
};

/* Certificates for TLS_KIT_HOST, 192.0.2.7 and 2001:db8::7, and contexts of both ends that trust
 * them. */
struct tls_kit {
    struct tls_minted ca, server_leaf, client_leaf;
    struct tls_master *master;
    struct tls_context *server, *client;
};
void tls_kit_open(struct tls_kit *kit, const struct tls_kit_options *options);
void tls_kit_close(struct tls_kit *kit);

/* Runs `body` with a kit of TLS 1.2 alone and with one of TLS 1.3 alone. */
void tls_kit_for_each_version(void (*body)(struct tls_kit *kit));

/* Now, in seconds, for validity; and what the kit's certificates are valid for. */
int64_t tls_kit_now_s(void);

/* One end of a wire. */
struct tls_end {
    struct tls_engine *engine; /* owned */
    enum tls_status status;    /* of the last call */
    bool open;                 /* the handshake is done */
    struct buf received;       /* plaintext */
    struct buf stray;          /* what followed the peer's close_notify */
    struct buf held;           /* what was fed while the handshake waits for a signature */
};

/* Takes the engine. */
void tls_end_init(struct tls_end *end, struct tls_engine *engine);
void tls_end_fini(struct tls_end *end);

/* Two engines and the wire. */
struct tls_pair {
    struct tls_end client, server;
    size_t chunk_bytes; /* how much arrives at a time; 0: all there is */
};

/* Takes both engines. */
void tls_pair_init(struct tls_pair *pair, struct tls_engine *client, struct tls_engine *server);
void tls_pair_fini(struct tls_pair *pair);

/* Feeds one end `in`, exactly, and lets it go as far as it can. */
void tls_end_feed(struct tls_end *end, struct bytes in);

/* Lets one end go as far as it can on what it was fed. */
void tls_end_turn(struct tls_end *end);

/* Moves what waits in both outputs to the other end until nothing moves any more. */
void tls_pair_run(struct tls_pair *pair);

/* Runs and expects the handshake to be done on both ends. */
void tls_pair_handshake(struct tls_pair *pair);

/* Writes all of `text` on one end, runs, and expects it at the other. */
void tls_pair_say(struct tls_pair *pair, struct tls_end *from, const char *text);

/* One login: what a control connection has on both sides, and the connection itself. */
struct tls_login {
    struct tls_kit *kit;
    struct tls_binding *binding;
    struct tls_sessions *sessions;
    struct tls_trust trust;
    struct tls_pair control;
};

/* Makes the engines of the control connection; no byte has moved yet. */
void tls_login_init(struct tls_login *login, struct tls_kit *kit);
void tls_login_fini(struct tls_login *login);

/* As tls_login_init, with the handshake and one exchange done. */
void tls_login_open(struct tls_login *login, struct tls_kit *kit);

/* One end of a connection of the login, for a peer of another make. */
void tls_login_server_end(struct tls_login *login, bool data, struct tls_end *out);
void tls_login_client_end(struct tls_login *login, bool data, struct tls_end *out);

/* Runs `body` with a login of TLS 1.2 and with one of TLS 1.3, opened as by tls_login_open. */
void tls_login_for_each_version(void (*body)(struct tls_login *login));

/* Makes a data connection between the client of one login and the server's side of another, which
 * may be the same; no byte has moved yet. */
void tls_login_data(struct tls_login *client, struct tls_login *server, struct tls_pair *out);

/* The proof of such a data connection. The handshake must be done in any case, both ends must agree
 * on what was resumed, and an upload of a few bytes must end with close_notify. */
enum tls_proof tls_login_proof(struct tls_login *client, struct tls_login *server);

/* A data connection of `login` that has no session to resume, to a server of `kit`. The first
 * fault, the client's before the server's; FERRY_OK if both are content. */
enum ferry_error tls_login_full_data(struct tls_login *login, struct tls_kit *kit);

#endif
