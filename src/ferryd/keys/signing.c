/* One worker's wishes for signatures. */
#include "ferryd/keys/signing.h"

#include <assert.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"

static_assert((int)TLS_SIGN_INPUT_MAX_BYTES == (int)MESSAGE_SIGN_BYTES, "an input fits");
static_assert((int)TLS_SIGNATURE_MAX_BYTES == (int)MESSAGE_SIGNATURE_BYTES, "a signature fits");

/* More at once are refused: a worker has 64 handshakes that wait, and some that were given up. */
enum { WISHES_MAX = 256 };

struct wish {
    STAILQ_ENTRY(wish) link;
    struct tls_sign_request request; /* its input is: */
    char input[TLS_SIGN_INPUT_MAX_BYTES];
};

struct signing {
    struct signing_setup setup;
    uint32_t worker;
    struct link *channel; /* NULL: it has ended, and the job is waited for */
    STAILQ_HEAD(, wish) wishes;
    unsigned waiting;
    struct wish *made; /* the one on the pool, or NULL */
    enum ferry_error error;
    char signature[TLS_SIGNATURE_MAX_BYTES];
    size_t len;
};

static void signing_next(struct signing *signing);

static void signing_free(struct signing *signing)
{
    struct wish *wish;
    while ((wish = STAILQ_FIRST(&signing->wishes))) {
        STAILQ_REMOVE_HEAD(&signing->wishes, link);
        alloc_free(wish);
    }
    link_free(signing->channel);
    alloc_free(signing);
}

/* ---- answers ---- */

static void answer(struct signing *signing, uint64_t request, struct bytes signature)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(signing->channel, MESSAGE_SIGNED);
    wire_put_u64(writer, request);
    wire_put_bytes(writer, signature);
    (void)!link_send(signing->channel, NULL, 0, &fault); /* if the worker has gone, nobody waits */
}

static void refuse(struct signing *signing, uint64_t request, const char *why)
{
    log_event(signing->setup.log, LOG_LEVEL_ERROR, "sign.refused", F_U64("worker", signing->worker),
              F_STR("reason", why), F_STR("side", "server"),
              F_STR("advice", "if it is not memory, a worker asks for what it must not: restart "
                              "ferryd and look for other signs of an attack"));
    answer(signing, request, bytes_str(NULL));
}

static const char *words_of(enum ferry_error error)
{
    if (error == FERRY_E_DENIED)
        return "this is nothing that is signed in a handshake";
    return error == FERRY_E_ARGUMENT ? "there is no such key" : "memory is short";
}

/* ---- on the pool ---- */

static void sign_work(void *ctx)
{
    struct signing *signing = ctx;
    const struct wish *wish = signing->made;
    const struct tls_key *key = keyring_key(signing->setup.ring, wish->request.key);
    signing->error = key ? tls_key_sign(key, &wish->request, signing->signature, &signing->len)
                         : FERRY_E_ARGUMENT;
}

static void sign_done(void *ctx)
{
    struct signing *signing = ctx;
    struct wish *wish = signing->made;
    signing->made = NULL;
    if (!signing->channel) {
        alloc_free(wish);
        signing_free(signing);
        return;
    }
    if (signing->error == FERRY_OK)
        answer(signing, wish->request.id, bytes_of(signing->signature, signing->len));
    else
        refuse(signing, wish->request.id, words_of(signing->error));
    alloc_free(wish);
    signing_next(signing);
}

static void signing_next(struct signing *signing)
{
    struct wish *wish;
    while (!signing->made && (wish = STAILQ_FIRST(&signing->wishes))) {
        STAILQ_REMOVE_HEAD(&signing->wishes, link);
        signing->waiting--;
        signing->made = wish;
        if (loop_job(signing->setup.loop, sign_work, sign_done, signing) == FERRY_OK)
            return;
        signing->made = NULL;
        refuse(signing, wish->request.id, words_of(FERRY_E_MEMORY));
        alloc_free(wish);
    }
}

/* ---- the channel ---- */

/* Its input lies in the message. */
static struct tls_sign_request read_request(struct wire_reader *reader)
{
    struct tls_sign_request request = {0};
    request.id = wire_get_u64(reader);
    request.key = wire_get_u32(reader);
    request.scheme = (enum tls_sign_scheme)wire_get_u8(reader);
    request.digest = (enum tls_sign_digest)wire_get_u8(reader);
    request.input = wire_get_bytes(reader);
    return request;
}

static void queue(struct signing *signing, struct wish *wish,
                  const struct tls_sign_request *request)
{
    wish->request = *request;
    if (request->input.len > 0)
        memcpy(wish->input, request->input.ptr, request->input.len);
    wish->request.input.ptr = wish->input;
    STAILQ_INSERT_TAIL(&signing->wishes, wish, link);
    signing->waiting++;
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)row;
    (void)raw;
    struct signing *signing = ctx;
    const struct tls_sign_request request = read_request(reader);
    if (request.scheme > TLS_SIGN_ED25519 || request.digest > TLS_SIGN_SHA512)
        return fault_set(fault, FERRY_E_PROTOCOL, "there is no such signature");
    bool full = signing->waiting >= WISHES_MAX;
    struct wish *wish = full ? NULL : alloc_zero(sizeof(*wish));
    if (!wish) {
        refuse(signing, request.id, full ? "too many are waited for" : words_of(FERRY_E_MEMORY));
        return FERRY_OK;
    }
    queue(signing, wish, &request);
    signing_next(signing);
    return FERRY_OK;
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct signing *signing = ctx;
    if (fault_is_set(why))
        log_event(signing->setup.log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "worker"),
                  F_U64("number", signing->worker), F_VISIBLE("reason", why->what),
                  F_STR("side", "server"),
                  F_STR("advice", "the supervisor starts another: role.died has the cause"));
    link_free(signing->channel);
    signing->channel = NULL;
    if (!signing->made)
        signing_free(signing);
}

enum ferry_error signing_serve(const struct signing_setup *setup, uint32_t worker, int fd)
{
    struct signing *signing = alloc_zero(sizeof(*signing));
    if (!signing) {
        fd_close(&fd);
        return FERRY_E_MEMORY;
    }
    signing->setup = *setup;
    signing->worker = worker;
    STAILQ_INIT(&signing->wishes);
    const struct link_setup channel = {
        .loop = setup->loop,
        .table = &messages_to_keys,
        .peer = ROLE_WORKER,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = signing,
    };
    if (link_new(&channel, fd, &signing->channel) == FERRY_OK)
        return FERRY_OK;
    signing_free(signing);
    return FERRY_E_MEMORY;
}
