/* What the files of the embedded server share: server.c (its life, listening, serving) and
 * server_settings.c (what it is told before, and its certificate at any time). Nobody else includes
 * this. */
#ifndef FERRY_EMBED_SERVER_PRIVATE_H
#define FERRY_EMBED_SERVER_PRIVATE_H

#include <ferry/server.h>

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "embed/users.h"
#include "net/loop.h"
#include "server/worker.h"
#include "tls/context.h"

enum { SERVER_PEM_MAX_BYTES = 1024 * 1024 };

/* An address that the server listens on. */
struct entrance {
    SLIST_ENTRY(entrance) link;
    int fd; /* until the start; then -1 */
    enum listen_kind kind;
    struct server_listener *listener; /* from the start on; the worker's */
};

struct ferry_server {
    struct loop *loop;
    struct users *users;
    struct tls_master *master;
    struct tls_context *tls; /* NULL: no certificate */
    enum tls_version tls_min, tls_max;
    struct buf certificate_pem, key_pem; /* until the start */
    struct server_rules rules;           /* of every listener, but for the kind and `tls` */
    char *passive_name;                  /* of `rules` */
    struct network *proxies;             /* of `rules` */
    uint32_t sessions_max;
    struct server_worker *worker; /* NULL: not started */
    SLIST_HEAD(, entrance) entrances;

    struct log log;
    ferry_server_log_fn *log_fn;
    void *log_ctx;

    int stop_fd; /* an eventfd */
    struct loop_watch *stop_watch;
    atomic_uint drain_ms;
    bool stopping, over;
    struct fault fault;
};

/* server_settings.c: a context of these texts and the versions that are set. */
NODISCARD enum ferry_error embed_server_context(ferry_server *server, struct bytes certificate_pem,
                                                struct bytes key_pem, struct tls_context **out);

/* server.c: those who come from now on are served by the rules that are set now. */
NODISCARD enum ferry_error embed_server_set_rules(ferry_server *server);

#endif
