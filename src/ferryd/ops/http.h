/* HTTP of ferryd-ops, by libmicrohttpd on our loop, without threads: a table of routes for each
 * listening socket. What comes is bounded in size, number and time. */
#ifndef FERRY_FERRYD_OPS_HTTP_H
#define FERRY_FERRYD_OPS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/ops/refresh.h"
#include "net/loop.h"

enum {
    HTTP_BODY_MAX_BYTES = 64 * 1024, /* of a request */
    HTTP_REPLY_MAX_BYTES = 16 * 1024 * 1024,
    HTTP_REPLY_HEADERS = 8,
};

/* One that has come whole. Texts are as sent: hostile. */
struct http_request {
    const char *method; /* "GET" for HEAD, too */
    const char *path;   /* as sent, without what follows "?" */
    struct bytes body;
    const char *peer; /* the client's address */
    void *note;       /* of http_rest, when the handler is called again; else NULL */
    void *connection; /* http.c's */
    struct turn *turn;
};

/* The value of an argument behind "?" or a header; NULL: there is none of that name. */
const char *http_argument(const struct http_request *request, const char *name);
const char *http_header(const struct http_request *request, const char *name);

/* Lets the request rest, for a handler that cannot know its reply yet: it returns FERRY_OK, its
 * reply is not sent, and after http_wake it is called again, with `note`. Once for each request.
 * `forget` is called with `note` when the request has ended, however it did. */
struct turn *http_rest(const struct http_request *request, void *note, void (*forget)(void *note));

/* From the loop, never from inside a handler; not after `forget`. */
void http_wake(struct turn *turn);

/* What a handler fills: 200 and an empty text/plain to begin with. Every reply forbids to be stored
 * and to be taken for another type. */
struct http_reply {
    unsigned status;
    const char *type; /* static */
    struct buf body;
    struct {
        const char *name; /* static */
        char *value;      /* of base/alloc */
    } headers[HTTP_REPLY_HEADERS];
    size_t header_count;
};

/* Adds a header; `name` is static, `value` is copied and must have no control bytes.
 * FERRY_E_ARGUMENT, FERRY_E_LIMIT, FERRY_E_MEMORY: it was not added. */
NODISCARD enum ferry_error http_reply_header(struct http_reply *reply, const char *name,
                                             const char *value);

/* Anything but FERRY_OK is told as 500. */
typedef enum ferry_error http_handler(void *ctx, const struct http_request *request,
                                      struct http_reply *reply);

struct http_route {
    const char *method; /* "GET", "POST" */
    const char *path;   /* one that ends in "/" is for all below it, too */
    unsigned needs;     /* REFRESH_ bits: what of the state is brought up to date before */
    http_handler *handle;
};

struct http_setup {
    struct loop *loop;
    const struct http_route *routes; /* the first that fits; outlive it */
    size_t route_count;
    void *ctx; /* of the handlers */
    struct refresh *refresh;
};

struct http;

/* Serves the listening socket `fd`, which it takes, on failure too. Before confinement: it makes
 * descriptors. FERRY_E_MEMORY. */
NODISCARD enum ferry_error http_new(const struct http_setup *setup, int fd, struct http **out,
                                    struct fault *fault);

/* Closes all connections. NULL is fine. */
void http_free(struct http *http);

#endif
