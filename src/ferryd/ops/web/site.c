/* The operator's page at its socket. */
#include "ferryd/ops/web/site.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/secret.h"
#include "ferryd/ops/http.h"

enum { COOKIE_BYTES = 256 };

struct site {
    struct web *web;
    struct http *http;
};

/* An answer on its way to its reply. */
struct trip {
    struct http_reply *reply; /* NULL: the request rests, and the answer is kept here */
    struct turn *turn;        /* what rests; NULL: nothing does */
    bool answered, forgotten;
    enum ferry_error error;
    unsigned status;
    const char *type, *location;
    char cookie[COOKIE_BYTES];
    uint64_t retry_s;
    struct buf body;
};

/* ---- replies ---- */

static enum ferry_error fill(struct http_reply *reply, const struct web_answer *answer)
{
    char seconds[24];
    reply->status = answer->status;
    reply->type = answer->type;
    snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)answer->retry_s);
    const struct web_header own[] = {
        {"Location", answer->location},
        {"Set-Cookie", answer->cookie},
        {"Retry-After", answer->retry_s > 0 ? seconds : NULL},
    };
    enum ferry_error error = buf_append(&reply->body, answer->body);
    for (size_t i = 0; i < ARRAY_LEN(own) && error == FERRY_OK; i++)
        if (own[i].value)
            error = http_reply_header(reply, own[i].name, own[i].value);
    for (size_t i = 0; i < web_header_count && error == FERRY_OK; i++)
        error = http_reply_header(reply, web_headers[i].name, web_headers[i].value);
    return error;
}

static void keep(struct trip *trip, const struct web_answer *answer)
{
    trip->status = answer->status;
    trip->type = answer->type;
    trip->location = answer->location;
    trip->retry_s = answer->retry_s;
    snprintf(trip->cookie, sizeof(trip->cookie), "%s", answer->cookie ? answer->cookie : "");
    trip->error = buf_append(&trip->body, answer->body);
}

static enum ferry_error give_kept(const struct trip *trip, struct http_reply *reply)
{
    const struct web_answer answer = {
        .status = trip->status,
        .type = trip->type,
        .body = buf_view(&trip->body),
        .location = trip->location,
        .cookie = trip->cookie[0] ? trip->cookie : NULL,
        .retry_s = trip->retry_s,
    };
    return trip->error == FERRY_OK ? fill(reply, &answer) : trip->error;
}

/* ---- trips ---- */

static void trip_free(struct trip *trip)
{
    secret_wipe(trip->cookie, sizeof(trip->cookie));
    buf_fini(&trip->body);
    alloc_free(trip);
}

/* The request has ended. Freed by whoever comes last: this or the answer. */
static void forget(void *note)
{
    struct trip *trip = note;
    trip->forgotten = true;
    if (trip->answered)
        trip_free(trip);
}

static void answered(void *ctx, const struct web_answer *answer)
{
    struct trip *trip = ctx;
    trip->answered = true;
    if (trip->reply) {
        trip->error = fill(trip->reply, answer);
    } else if (trip->forgotten) {
        trip_free(trip);
    } else {
        keep(trip, answer);
        http_wake(trip->turn);
    }
}

static struct bytes header(const struct http_request *request, const char *name)
{
    return bytes_str(http_header(request, name));
}

static enum ferry_error handle(void *ctx, const struct http_request *request,
                               struct http_reply *reply)
{
    struct site *site = ctx;
    if (request->note)
        return give_kept(request->note, reply);
    const struct web_request asked = {
        .method = request->method,
        .path = request->path,
        .host = header(request, "Host"),
        .origin = header(request, "Origin"),
        .cookies = header(request, "Cookie"),
        .body = request->body,
    };
    struct trip *trip = alloc_zero(sizeof(*trip));
    if (!trip)
        return FERRY_E_MEMORY;
    buf_init(&trip->body, HTTP_REPLY_MAX_BYTES);
    trip->reply = reply;
    web_ask(site->web, &asked, answered, trip);
    trip->reply = NULL;
    if (trip->answered) {
        enum ferry_error error = trip->error;
        trip_free(trip);
        return error;
    }
    trip->turn = http_rest(request, trip, forget);
    return FERRY_OK;
}

/* ---- routes ---- */

#define GET(where, what)                                                                           \
    {                                                                                              \
        .method = "GET", .path = (where), .needs = (what), .handle = handle                        \
    }
#define POST(where)                                                                                \
    {                                                                                              \
        .method = "POST", .path = (where), .handle = handle                                        \
    }

/* What every page shows: what processes there are, and their configuration. */
#define ALWAYS REFRESH_PROCESSES

static const struct http_route routes[] = {
    GET("/", ALWAYS | REFRESH_SESSIONS),
    GET("/live", ALWAYS | REFRESH_SESSIONS),
    GET("/accounts", ALWAYS | REFRESH_SESSIONS | REFRESH_ACCOUNTS),
    GET("/certificates", ALWAYS),
    GET("/failures", ALWAYS | REFRESH_BANS),
    GET("/policy", ALWAYS | REFRESH_SESSIONS),
    GET("/login", 0),
    GET("/style.css", 0),
    GET("/live.js", 0),
    GET("/icon.svg", 0),
    POST("/login"),
    POST("/logout"),
    POST("/kick"),
    POST("/unban"),
};

enum ferry_error site_new(const struct web_setup *setup, struct refresh *refresh, int fd,
                          struct site **out, struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    struct site *site = alloc_zero(sizeof(*site));
    if (!site || web_new(setup, &site->web) != FERRY_OK) {
        alloc_free(site);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the page of the operator");
    }
    const struct http_setup http = {
        .loop = setup->loop,
        .routes = routes,
        .route_count = ARRAY_LEN(routes),
        .ctx = site,
        .refresh = refresh,
    };
    enum ferry_error error = http_new(&http, fd_take(&owned), &site->http, fault);
    if (error != FERRY_OK) {
        site_free(site);
        return error;
    }
    *out = site;
    return FERRY_OK;
}

void site_free(struct site *site)
{
    if (!site)
        return;
    web_free(site->web); /* wakes who waits for a login, of which http_free then sees the end */
    http_free(site->http);
    alloc_free(site);
}
