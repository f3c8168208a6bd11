/* Events and uploads by HTTP: libcurl on our loop. */
#include "ferryd/hooks/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "conf/read.h"
#include "tls/digest.h"

struct http {
    CURL *easy;
    struct curl_slist *headers;
    struct buf body, ca;
    int file; /* an upload, of which `at_bytes` were sent; -1: none */
    off_t at_bytes;
    char said[1024]; /* the beginning of the reply */
    size_t said_len;
    char error[CURL_ERROR_SIZE];
    target_fn *done;
    void *ctx;
};

/* One for the process, as its loop is. */
static struct {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
} engine;

/* ---- the loop ---- */

static void outcome_of(const struct http *http, CURLcode code, struct target_outcome *out)
{
    long status = 0;
    struct bytes rest = bytes_of(http->said, http->said_len);
    *out = (struct target_outcome){.verdict = TARGET_FAILED};
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    text_visible_into(out->words, sizeof(out->words), text_trim(bytes_cut(&rest, '\n')));
    if (code != CURLE_OK) {
        snprintf(out->why, sizeof(out->why), "%s",
                 http->error[0] ? http->error : curl_easy_strerror(code));
        return;
    }
    bool refuses = status == 403 || status == 406 || status == 422;
    if (status >= 200 && status < 300)
        out->verdict = TARGET_TAKEN;
    else if (refuses && http->file >= 0)
        out->verdict = TARGET_REFUSED;
    snprintf(out->why, sizeof(out->why), "it replied %ld%s%s", status, out->words[0] ? ": " : "",
             out->words);
}

/* Tells of what has ended. What is told may end or begin others. */
static void tell_ended(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(engine.multi, &left))) {
        struct http *http = NULL;
        struct target_outcome outcome;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&http);
        outcome_of(http, code, &outcome);
        http->done(http->ctx, &outcome);
    }
}

static void on_time(void *ctx)
{
    (void)ctx;
    int running;
    curl_multi_socket_action(engine.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_ended();
}

static int set_timer(CURLM *multi, long wait_ms, void *ctx)
{
    (void)multi;
    (void)ctx;
    loop_timer_at(engine.timer,
                  wait_ms < 0 ? CLOCK_NEVER
                              : loop_now_ns(engine.loop) + (uint64_t)wait_ms * CLOCK_NS_PER_MS);
    return 0;
}

/* A socket of libcurl's. */
struct socket_watch {
    struct loop_watch *watch;
    curl_socket_t fd;
};

static void on_ready(void *ctx, bool readable, bool writable)
{
    const struct socket_watch *socket = ctx;
    int running;
    int what = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(engine.multi, socket->fd, what, &running);
    tell_ended();
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    (void)easy;
    (void)ctx;
    struct socket_watch *socket = socket_ctx;
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            loop_watch_free(socket->watch);
        alloc_free(socket);
        return 0;
    }
    if (!socket) {
        socket = alloc_zero(sizeof(*socket));
        if (!socket)
            return -1;
        socket->fd = fd;
        socket->watch = loop_watch_new(engine.loop, fd, on_ready, socket);
        curl_multi_assign(engine.multi, fd, socket);
    }
    if (!socket->watch)
        return -1;
    loop_watch_want(socket->watch, what & CURL_POLL_IN, what & CURL_POLL_OUT);
    return 0;
}

bool http_prepare(struct loop *loop)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return false;
    engine.loop = loop;
    engine.multi = curl_multi_init();
    engine.timer = loop_timer_new(loop, on_time, NULL);
    if (!engine.multi || !engine.timer)
        return false;
    curl_multi_setopt(engine.multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(engine.multi, CURLMOPT_TIMERFUNCTION, set_timer);
    return true;
}

/* ---- one request ---- */

static size_t take_reply(char *data, size_t size, size_t count, void *ctx)
{
    struct http *http = ctx;
    size_t room = sizeof(http->said) - http->said_len;
    size_t kept = size * count < room ? size * count : room;
    memcpy(http->said + http->said_len, data, kept);
    http->said_len += kept;
    return size * count;
}

static size_t give_file(char *space, size_t size, size_t count, void *ctx)
{
    struct http *http = ctx;
    ssize_t got = pread(http->file, space, size * count, http->at_bytes);
    if (got < 0)
        return CURL_READFUNC_ABORT;
    http->at_bytes += got;
    return (size_t)got;
}

static bool add_header(struct http *http, const char *name, struct bytes value)
{
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, 64 * 1024);
    if (buf_printf(&line, "%s%.*s", name, BYTES_FMT(value)) != FERRY_OK ||
        buf_append(&line, bytes_of("", 1)) != FERRY_OK)
        return false;
    struct curl_slist *longer = curl_slist_append(http->headers, buf_view(&line).ptr);
    if (longer)
        http->headers = longer;
    return longer != NULL;
}

static bool add_signature(struct http *http, const char *secret, struct bytes text)
{
    uint8_t mac[DIGEST_HMAC_BYTES];
    CLEANUP(buf_fini) struct buf hex;
    buf_init(&hex, 2 * sizeof(mac));
    return digest_hmac(bytes_str(secret), text, mac) == FERRY_OK &&
           text_hex(&hex, bytes_of(mac, sizeof(mac))) == FERRY_OK &&
           add_header(http, "Ferry-Signature: sha256=", buf_view(&hex));
}

static bool add_headers(struct http *http, const struct target_order *order)
{
    const struct settings_target *to = order->to;
    bool added = add_header(http, "Ferry-Event-Id: ", order->id) &&
                 add_header(http, "Ferry-Event-Kind: ", order->kind) &&
                 add_header(http, "Expect:", BYTES_LIT("")) &&
                 add_header(http, "Content-Type: ",
                            order->file >= 0 ? BYTES_LIT("application/octet-stream")
                                             : BYTES_LIT("application/json"));
    if (added && order->file >= 0)
        added = add_header(http, "Ferry-Event: ", order->event);
    if (added && to->secret)
        added = add_signature(http, to->secret, order->event);
    for (size_t i = 0; i < to->headers.count && added; i++)
        added = add_header(http, "", bytes_str(to->headers.list[i]));
    return added;
}

static bool set_body(struct http *http, const struct target_order *order)
{
    CURL *easy = http->easy;
    struct stat status;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (order->file < 0) {
        if (buf_append(&http->body, order->event) != FERRY_OK)
            return false;
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)order->event.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_view(&http->body).ptr);
        return true;
    }
    if (fstat(order->file, &status) < 0)
        return false;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)status.st_size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_file);
    curl_easy_setopt(easy, CURLOPT_READDATA, http);
    return true;
}

/* Read each time, for it may be renewed. */
static bool set_authorities(struct http *http, const char *path, struct fault *fault)
{
    if (!path)
        return true;
    if (conf_load_file(NULL, path, &http->ca, fault) != FERRY_OK)
        return false;
    struct bytes pem = buf_view(&http->ca);
    struct curl_blob blob = {
        .data = (char *)(uintptr_t)pem.ptr, .len = pem.len, .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(http->easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

static void set_options(struct http *http, const struct target_order *order)
{
    CURL *easy = http->easy;
    curl_easy_setopt(easy, CURLOPT_URL, order->to->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ferryd");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(order->timeout_ns / CLOCK_NS_PER_MS));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, http);
}

enum ferry_error http_start(const struct target_order *order, struct http **out,
                            struct fault *fault)
{
    struct http *http = alloc_zero(sizeof(*http));
    if (!http)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a request");
    http->done = order->done;
    http->ctx = order->ctx;
    http->file = order->file;
    buf_init(&http->body, 64 * 1024);
    buf_init(&http->ca, CONF_FILE_MAX_BYTES);
    http->easy = curl_easy_init();
    bool ready = http->easy && add_headers(http, order) && set_body(http, order) &&
                 set_authorities(http, order->to->ca, fault);
    if (ready) {
        set_options(http, order);
        ready = curl_multi_add_handle(engine.multi, http->easy) == CURLM_OK;
    }
    if (ready) {
        *out = http;
        return FERRY_OK;
    }
    http_free(http);
    return fault_set(fault, FERRY_E_MEMORY, "no memory for a request");
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->easy) {
        curl_multi_remove_handle(engine.multi, http->easy);
        curl_easy_cleanup(http->easy);
    }
    curl_slist_free_all(http->headers);
    buf_fini(&http->body);
    buf_fini(&http->ca);
    alloc_free(http);
}
