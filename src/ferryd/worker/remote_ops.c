/* ferryd-ops, in another process. */
#include "ferryd/worker/remote_ops.h"

#include <stdio.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/hosts.h"
#include "ferryd/link.h"
#include "ferryd/ops_wire.h"
#include "ferryd/pem_text.h"
#include "tls/certificate_facts.h"

enum { USES_MAX = 256 }; /* that wait for their turn; more are forgotten */

struct shown {
    STAILQ_ENTRY(shown) link;
    char *listens, *file;
    struct tls_certificate_facts facts;
};

/* What a session that ended had used. */
struct use {
    STAILQ_ENTRY(use) link;
    struct server_data_uses data;
    char *account, *client;
    char auth[16], version[16], cipher[64];
    struct server_tls_note note;
};

struct remote_ops {
    struct loop *loop;
    const struct log *log;
    struct link *link; /* NULL: that process is not there */
    struct server_worker *server;
    STAILQ_HEAD(, shown) shown;
    /* They leave in a turn of their own: a message needs the loop's block, which the session that
     * ends may be using. */
    STAILQ_HEAD(, use) uses;
    unsigned use_count;
    struct loop_task *send;
};

/* ---- sending ---- */

/* It is lost if ops does not read: nobody waits for it. */
static void send_it(struct remote_ops *ops)
{
    struct fault fault = {0};
    (void)!link_send(ops->link, NULL, 0, &fault);
}

/* A time on the loop's scale, as one of the wall clock. */
static int64_t wall_of(const struct remote_ops *ops, uint64_t at_ns)
{
    uint64_t ago_ns = loop_now_ns(ops->loop) - at_ns;
    return clock_wall_ns(&clock_system) - (int64_t)ago_ns;
}

static uint64_t rate_of(const struct remote_ops *ops, const struct server_view *view)
{
    uint64_t ms = (loop_now_ns(ops->loop) - view->started_ns) / CLOCK_NS_PER_MS;
    return ms > 0 && view->path ? view->bytes * 1000 / ms : 0;
}

static void local_text(const struct address *local, char out[static ADDRESS_TEXT_BYTES + 8])
{
    char host[ADDRESS_TEXT_BYTES];
    address_text(local, host);
    bool six = local->storage.ss_family == AF_INET6;
    snprintf(out, ADDRESS_TEXT_BYTES + 8, six ? "[%s]:%u" : "%s:%u", host,
             (unsigned)address_port(local));
}

/* The context of a page: the last session of it. */
struct page {
    struct remote_ops *ops;
    uint64_t last;
};

static void send_session(void *ctx, const struct server_view *view)
{
    struct page *page = ctx;
    struct remote_ops *ops = page->ops;
    char peer[ADDRESS_TEXT_BYTES];
    char local[ADDRESS_TEXT_BYTES + 8];
    address_text(view->peer, peer);
    local_text(view->local, local);
    const char *texts[OPS_SESSION_TEXTS] = {
        [OPS_SESSION_ACCOUNT] = view->account,
        [OPS_SESSION_PEER] = peer,
        [OPS_SESSION_LOCAL] = local,
        [OPS_SESSION_HOST] = view->host,
        [OPS_SESSION_CLIENT] = view->client,
        [OPS_SESSION_AUTH] = view->auth,
        [OPS_SESSION_TLS] = view->tls->version,
        [OPS_SESSION_CIPHER] = view->tls->cipher,
        [OPS_SESSION_KEX] = view->tls->kex,
        [OPS_SESSION_SIGNATURE] = view->tls->signature,
        [OPS_SESSION_CERTIFICATE] = view->certificate,
        [OPS_SESSION_COMMAND] = view->command,
        [OPS_SESSION_PATH] = view->path,
        [OPS_SESSION_DIRECTION] = view->direction,
    };
    unsigned flags = (view->logged_in ? OPS_FLAG_LOGGED_IN : 0U) |
                     (view->read_only ? OPS_FLAG_READ_ONLY : 0U) |
                     (view->tls->resumed ? OPS_FLAG_TLS_RESUMED : 0U);
    struct wire_writer *writer = link_begin(ops->link, OPS_SESSION);
    wire_put_u64(writer, view->id);
    wire_put_i64(writer, wall_of(ops, view->opened_ns));
    wire_put_u8(writer, (uint8_t)flags);
    wire_put_u64(writer, view->bytes);
    wire_put_u64(writer, rate_of(ops, view));
    wire_put_i64(writer, view->path ? wall_of(ops, view->started_ns) : 0);
    ops_put_texts(writer, texts, ARRAY_LEN(texts));
    send_it(ops);
    page->last = view->id;
}

static void send_counts(struct remote_ops *ops)
{
    const struct server_counters *counters = server_worker_counters(ops->server);
    struct wire_writer *writer = link_begin(ops->link, OPS_COUNTS);
    wire_put_bytes(writer, bytes_of(counters->counts, sizeof(counters->counts)));
    wire_put_bytes(writer, bytes_of(counters->failures, sizeof(counters->failures)));
    send_it(ops);
}

static void send_page(struct remote_ops *ops, uint64_t ask, uint64_t after)
{
    struct page page = {.ops = ops};
    unsigned count = 0;
    if (ops->server)
        count = server_worker_view(ops->server, after, OPS_PAGE_ROWS, send_session, &page);
    if (ops->server && count < OPS_PAGE_ROWS)
        send_counts(ops);
    struct wire_writer *writer = link_begin(ops->link, OPS_PAGE);
    wire_put_u64(writer, ask);
    wire_put_u64(writer, count < OPS_PAGE_ROWS ? 0 : page.last);
    send_it(ops);
}

static void send_certificate(struct remote_ops *ops, const struct shown *shown)
{
    const char *texts[OPS_CERTIFICATE_TEXTS] = {
        [OPS_CERTIFICATE_LISTENS] = shown->listens,
        [OPS_CERTIFICATE_FILE] = shown->file,
        [OPS_CERTIFICATE_SUBJECT] = shown->facts.subject,
        [OPS_CERTIFICATE_NAMES] = shown->facts.names,
        [OPS_CERTIFICATE_KEY] = shown->facts.key,
    };
    struct wire_writer *writer = link_begin(ops->link, OPS_CERTIFICATE);
    wire_put_i64(writer, shown->facts.not_before_s * (int64_t)CLOCK_NS_PER_S);
    wire_put_i64(writer, shown->facts.not_after_s * (int64_t)CLOCK_NS_PER_S);
    ops_put_texts(writer, texts, ARRAY_LEN(texts));
    send_it(ops);
}

static void send_certificates(struct remote_ops *ops)
{
    const struct shown *shown;
    if (!ops->link || !ops->server)
        return;
    STAILQ_FOREACH (shown, &ops->shown, link)
        send_certificate(ops, shown);
}

/* ---- what clients used ---- */

static void use_free(struct use *use)
{
    alloc_free(use->account);
    alloc_free(use->client);
    alloc_free(use);
}

static void send_use(struct remote_ops *ops, const struct use *use)
{
    const char *texts[OPS_USE_TEXTS] = {
        [OPS_USE_ACCOUNT] = use->account,
        [OPS_USE_CLIENT] = use->client,
        [OPS_USE_AUTH] = use->auth,
        [OPS_USE_TLS] = use->note.version,
        [OPS_USE_CIPHER] = use->cipher,
        [OPS_USE_KEX] = use->note.kex,
        [OPS_USE_SIGNATURE] = use->note.signature,
    };
    struct wire_writer *writer = link_begin(ops->link, OPS_USE);
    wire_put_u64(writer, use->data.resumed);
    wire_put_u64(writer, use->data.full);
    wire_put_u64(writer, use->data.clear);
    ops_put_texts(writer, texts, ARRAY_LEN(texts));
    send_it(ops);
}

static void on_send(void *ctx)
{
    struct remote_ops *ops = ctx;
    struct use *use;
    while ((use = STAILQ_FIRST(&ops->uses))) {
        STAILQ_REMOVE_HEAD(&ops->uses, link);
        ops->use_count--;
        if (ops->link)
            send_use(ops, use);
        use_free(use);
    }
}

void remote_ops_ended(void *ctx, const struct server_view *view)
{
    struct remote_ops *ops = ctx;
    struct use *use = ops->link && ops->use_count < USES_MAX ? alloc_zero(sizeof(*use)) : NULL;
    if (!use)
        return;
    use->data = *view->data;
    use->note = *view->tls;
    use->account = view->logged_in ? alloc_str(view->account) : NULL;
    use->client = view->client ? alloc_str(view->client) : NULL;
    snprintf(use->auth, sizeof(use->auth), "%s", view->auth);
    snprintf(use->cipher, sizeof(use->cipher), "%s", view->tls->cipher ? view->tls->cipher : "");
    STAILQ_INSERT_TAIL(&ops->uses, use, link);
    ops->use_count++;
    loop_task_post(ops->send);
}

/* ---- the channel ---- */

static void on_kick(struct remote_ops *ops, uint64_t ask, uint64_t session)
{
    bool kicked = ops->server && server_worker_kick(ops->server, session);
    struct wire_writer *writer = link_begin(ops->link, OPS_KICKED);
    wire_put_u64(writer, ask);
    wire_put_u8(writer, kicked);
    send_it(ops);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    (void)fault;
    struct remote_ops *ops = ctx;
    uint64_t ask = wire_get_u64(reader);
    uint64_t what = wire_get_u64(reader);
    if (row->type == OPS_KICK)
        on_kick(ops, ask, what);
    else
        send_page(ops, ask, what);
    return FERRY_OK;
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct remote_ops *ops = ctx;
    if (fault_is_set(why))
        log_event(ops->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("peer", "ops"),
                  F_VISIBLE("reason", why->what));
    link_free(ops->link);
    ops->link = NULL;
}

enum ferry_error remote_ops_connect(struct remote_ops *ops, int fd)
{
    const struct link_setup setup = {
        .loop = ops->loop,
        .table = &ops_to_worker,
        .peer = ROLE_OPS,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = ops,
    };
    link_free(ops->link);
    ops->link = NULL;
    enum ferry_error error = link_new(&setup, fd, &ops->link);
    if (error == FERRY_OK)
        send_certificates(ops);
    return error;
}

/* ---- certificates ---- */

static void shown_free(struct shown *shown)
{
    alloc_free(shown->listens);
    alloc_free(shown->file);
    alloc_free(shown);
}

static char *block_words(const struct conf_instance *block)
{
    CLEANUP(buf_fini) struct buf words;
    buf_init(&words, 1024);
    if (buf_printf(&words, "%s \"%s\"", block->block->name, block->label) != FERRY_OK)
        return NULL;
    return alloc_bytes(buf_view(&words));
}

static enum ferry_error take_certificate(struct remote_ops *ops, struct given *given,
                                         const struct conf_instance *block)
{
    struct fault fault = {0};
    const char *path = hosts_of(block)->certificate;
    CLEANUP(buf_wipe) struct buf pem;
    buf_init(&pem, CONF_FILE_MAX_BYTES);
    if (!path || given_load(given, path, &pem, &fault) != FERRY_OK)
        return FERRY_OK;
    struct shown *shown = alloc_zero(sizeof(*shown));
    if (!shown)
        return FERRY_E_MEMORY;
    shown->listens = block_words(block);
    shown->file = alloc_str(path);
    bool read = tls_certificate_facts_read(buf_view(&pem), &shown->facts) == FERRY_OK;
    bool whole = shown->listens && shown->file;
    if (read && whole) {
        STAILQ_INSERT_TAIL(&ops->shown, shown, link);
        return FERRY_OK;
    }
    shown_free(shown);
    return whole ? FERRY_OK : FERRY_E_MEMORY;
}

enum ferry_error remote_ops_take_certificates(struct remote_ops *ops, struct given *given)
{
    enum ferry_error error = FERRY_OK;
    const struct conf_instance *block = NULL;
    while (error == FERRY_OK && (block = hosts_next(given->conf, block)))
        error = take_certificate(ops, given, block);
    return error;
}

/* ---- life ---- */

void remote_ops_serve(struct remote_ops *ops, struct server_worker *server)
{
    ops->server = server;
    send_certificates(ops);
}

struct remote_ops *remote_ops_new(struct loop *loop, const struct log *log)
{
    struct remote_ops *ops = alloc_zero(sizeof(*ops));
    if (!ops)
        return NULL;
    ops->loop = loop;
    ops->log = log;
    STAILQ_INIT(&ops->shown);
    STAILQ_INIT(&ops->uses);
    ops->send = loop_task_new(loop, on_send, ops);
    if (ops->send)
        return ops;
    alloc_free(ops);
    return NULL;
}

void remote_ops_free(struct remote_ops *ops)
{
    struct shown *shown;
    struct use *use;
    if (!ops)
        return;
    while ((shown = STAILQ_FIRST(&ops->shown))) {
        STAILQ_REMOVE_HEAD(&ops->shown, link);
        shown_free(shown);
    }
    while ((use = STAILQ_FIRST(&ops->uses))) {
        STAILQ_REMOVE_HEAD(&ops->uses, link);
        use_free(use);
    }
    link_free(ops->link);
    loop_task_free(ops->send);
    alloc_free(ops);
}
