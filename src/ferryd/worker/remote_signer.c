/* The private keys of the listeners, in another process. */
#include "ferryd/worker/remote_signer.h"

#include <assert.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"

static_assert((int)TLS_SIGN_INPUT_MAX_BYTES == (int)MESSAGE_SIGN_BYTES, "an input fits");
static_assert((int)TLS_SIGNATURE_MAX_BYTES == (int)MESSAGE_SIGNATURE_BYTES, "a signature fits");

/* A request on its way out. */
struct letter {
    STAILQ_ENTRY(letter) link;
    struct tls_sign_request request; /* its input is: */
    char input[TLS_SIGN_INPUT_MAX_BYTES];
};

struct remote_signer {
    struct loop *loop;
    const struct log *log;
    struct tls_signer *tls;
    struct link *keys; /* NULL: that process is not there */
    /* They leave in a turn of their own: a handshake asks while it reads from the loop's scratch,
     * which a message needs, and on a small stack. */
    STAILQ_HEAD(, letter) letters;
    struct loop_task *send;
};

/* ---- requests ---- */

static bool on_ask(void *ctx, const struct tls_sign_request *request)
{
    struct remote_signer *signer = ctx;
    if (!signer->keys || request->input.len > TLS_SIGN_INPUT_MAX_BYTES)
        return false;
    struct letter *letter = alloc_zero(sizeof(*letter));
    if (!letter)
        return false;
    letter->request = *request;
    memcpy(letter->input, request->input.ptr, request->input.len);
    letter->request.input.ptr = letter->input;
    STAILQ_INSERT_TAIL(&signer->letters, letter, link);
    loop_task_post(signer->send);
    return true;
}

static bool send_letter(struct remote_signer *signer, const struct tls_sign_request *request)
{
    struct fault fault = {0};
    if (!signer->keys)
        return false;
    struct wire_writer *writer = link_begin(signer->keys, MESSAGE_SIGN);
    wire_put_u64(writer, request->id);
    wire_put_u32(writer, request->key);
    wire_put_u8(writer, (uint8_t)request->scheme);
    wire_put_u8(writer, (uint8_t)request->digest);
    wire_put_bytes(writer, request->input);
    return link_send(signer->keys, NULL, 0, &fault) == FERRY_OK;
}

static void on_send(void *ctx)
{
    struct remote_signer *signer = ctx;
    struct letter *letter;
    while ((letter = STAILQ_FIRST(&signer->letters))) {
        STAILQ_REMOVE_HEAD(&signer->letters, link);
        if (!send_letter(signer, &letter->request))
            tls_signer_answer(signer->tls, letter->request.id, bytes_str(NULL));
        alloc_free(letter);
    }
}

/* ---- the channel ---- */

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)row;
    (void)raw;
    (void)fault;
    struct remote_signer *signer = ctx;
    uint64_t request = wire_get_u64(reader);
    tls_signer_answer(signer->tls, request, wire_get_bytes(reader));
    return FERRY_OK;
}

static void disconnect(struct remote_signer *signer)
{
    link_free(signer->keys);
    signer->keys = NULL;
    tls_signer_fail(signer->tls);
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct remote_signer *signer = ctx;
    log_event(signer->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "keys"),
              F_VISIBLE("reason", fault_is_set(why) ? why->what : "that process has ended"),
              F_U64("handshakes", tls_signer_waiting(signer->tls)), F_STR("side", "server"),
              F_STR("advice", "the supervisor starts another: role.died has the cause"));
    disconnect(signer);
}

enum ferry_error remote_signer_connect(struct remote_signer *signer, int fd)
{
    const struct link_setup setup = {
        .loop = signer->loop,
        .table = &messages_keys_to_worker,
        .peer = ROLE_KEYS,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = signer,
    };
    disconnect(signer);
    return link_new(&setup, fd, &signer->keys);
}

/* ---- life ---- */

struct remote_signer *remote_signer_new(struct loop *loop, const struct log *log)
{
    struct remote_signer *signer = alloc_zero(sizeof(*signer));
    if (!signer)
        return NULL;
    *signer = (struct remote_signer){.loop = loop, .log = log};
    STAILQ_INIT(&signer->letters);
    signer->tls = tls_signer_new(on_ask, signer);
    signer->send = loop_task_new(loop, on_send, signer);
    if (signer->tls && signer->send)
        return signer;
    remote_signer_free(signer);
    return NULL;
}

void remote_signer_free(struct remote_signer *signer)
{
    if (!signer)
        return;
    struct letter *letter;
    while ((letter = STAILQ_FIRST(&signer->letters))) {
        STAILQ_REMOVE_HEAD(&signer->letters, link);
        alloc_free(letter);
    }
    loop_task_free(signer->send);
    link_free(signer->keys);
    tls_signer_free(signer->tls);
    alloc_free(signer);
}

struct tls_signer *remote_signer_tls(struct remote_signer *signer)
{
    return signer->tls;
}
