/* The operator's page: what a request is answered with. It knows no sockets: whoever has them asks
 * (ops/http). Off unless the configuration says `web`; bound to loopback.
 *
 * Who has not logged in is shown the login and the static files, nothing else. What changes
 * something is posted, with the token of the visit. Requests for another host are refused, so that
 * no site can point its own name at this one and read it. */
#ifndef FERRY_FERRYD_OPS_WEB_WEB_H
#define FERRY_FERRYD_OPS_WEB_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "ferryd/ops/state.h"
#include "net/loop.h"

struct web;

/* What the page can do. Both return whether there was such a one. */
struct web_deeds {
    bool (*kick)(void *ctx, uint64_t session);
    bool (*unban)(void *ctx, const char *address);
    void *ctx;
};

/* What is kept by the caller, but for the texts. */
struct web_setup {
    struct loop *loop;
    const struct clock *clock;
    const struct log *log;
    const struct state *state;
    struct web_deeds deeds;
    const char *user, *password_hash;
    char *const *hosts; /* names besides those of loopback, of a proxy in front that has TLS */
    size_t host_count;
};

/* Views, for the time of the call. What a request lacks is empty. */
struct web_request {
    const char *method, *path; /* without the query */
    struct bytes host, origin, cookies, body;
};

struct web_answer {
    unsigned status;
    const char *type; /* of the body */
    struct bytes body;
    const char *location; /* NULL: none; here and below */
    const char *cookie;   /* for Set-Cookie */
    uint64_t retry_s;     /* for Retry-After; 0: none */
};

/* Gives the answer, for the time of the call. */
typedef void web_answer_fn(void *ctx, const struct web_answer *answer);

/* Headers of every answer, besides those of ops/http. */
struct web_header {
    const char *name, *value;
};
extern const struct web_header web_headers[];
extern const size_t web_header_count;

/* FERRY_E_MEMORY. */
NODISCARD enum ferry_error web_new(const struct web_setup *setup, struct web **out);

/* Answers a login that still waits, with 503. NULL is fine. */
void web_free(struct web *web);

/* `answer` is called exactly once: before this returns, but for a login, whose password is computed
 * meanwhile. `state` is as fresh as the page needs it. */
void web_ask(struct web *web, const struct web_request *request, web_answer_fn *answer, void *ctx);

#endif
