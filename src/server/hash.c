/* HASH, XCRC, XMD5, XSHA and so on, from the command to the reply. */
#include "server/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ftp/hash.h"
#include "server/failure.h"
#include "tls/digest.h"

enum {
    HASHES_MAX = 2, /* at once: half of the pool's threads stay free for others */
    BLOCK_BYTES = 128 * 1024,
    PIECE_BLOCKS = 32, /* then others have their turn on the pool */
};

struct server_hash {
    struct server_session *session; /* NULL: nobody waits for it any more */
    struct loop *loop;
    enum verb verb;
    enum hash_algorithm algorithm;
    bool has_range;
    uint64_t first, end; /* `end` is exclusive */
    uint64_t size;       /* of the file */

    bool running; /* a piece is on the pool, and what follows is its own */
    int fd;
    uint64_t at;
    struct digest *digest; /* NULL: CRC-32 */
    uint32_t crc;
    int os_error;
    enum ferry_error error;
    char *block;
};

static bool is_x(const struct server_hash *hash)
{
    return hash->verb != VERB_HASH;
}

/* ---- life ---- */

static void hash_free(struct server_hash *hash)
{
    fd_close(&hash->fd);
    digest_free(hash->digest);
    alloc_free(hash->block);
    alloc_free(hash);
}

void server_hash_free(struct server_hash *hash)
{
    if (!hash)
        return;
    hash->session->shared->hashes--;
    hash->session->hash = NULL;
    hash->session = NULL;
    if (!hash->running)
        hash_free(hash);
}

/* The last deed of the command: its reply is queued. */
static void hash_over(struct server_hash *hash)
{
    struct server_session *session = hash->session;
    server_hash_free(hash);
    server_session_turn(session);
}

static void hash_refuse(struct server_hash *hash, int code, const char *text)
{
    server_pi_reply(hash->session->pi, code, "%s", text);
    hash_over(hash);
}

static void hash_failed(struct server_hash *hash, const struct fault *fault)
{
    server_failure_reply(hash->session, fault);
    hash_over(hash);
}

/* ---- reply ---- */

static enum ferry_error hash_value(struct server_hash *hash, uint8_t out[DIGEST_MAX_BYTES],
                                   size_t *len)
{
    if (hash->digest)
        return digest_final(hash->digest, out, len);
    *len = 4;
    for (size_t i = 0; i < *len; i++)
        out[i] = (uint8_t)(hash->crc >> (24 - 8 * i));
    return FERRY_OK;
}

static void hash_reply(struct server_hash *hash)
{
    struct server_pi *pi = hash->session->pi;
    uint8_t value[DIGEST_MAX_BYTES];
    size_t len = 0;
    char hex[2 * DIGEST_MAX_BYTES + 1] = "";
    if (hash_value(hash, value, &len) != FERRY_OK) {
        hash_refuse(hash, 451, "Memory is short, try again later.");
        return;
    }
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, is_x(hash) ? "%02X" : "%02x", value[i]);
    if (is_x(hash)) {
        server_pi_reply(pi, 250, "%s", hex);
    } else {
        uint64_t last = hash->end > hash->first ? hash->end - 1 : hash->first;
        server_pi_reply(pi, 213, "%s %llu-%llu %s %.*s", hash_name(hash->algorithm),
                        (unsigned long long)hash->first, (unsigned long long)last, hex,
                        BYTES_FMT(hash->session->command.argument));
    }
    hash_over(hash);
}

/* ---- pieces ---- */

/* Reads and hashes one block. false: the piece ends here. */
static bool hash_block(struct server_hash *hash)
{
    uint64_t left = hash->end - hash->at;
    size_t want = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
    ssize_t got = pread(hash->fd, hash->block, want, (off_t)hash->at);
    if (got < 0) {
        hash->os_error = errno;
        return errno == EINTR;
    }
    if (got == 0) { /* it has become shorter */
        hash->os_error = EIO;
        return false;
    }
    struct bytes in = bytes_of(hash->block, (size_t)got);
    if (hash->digest)
        hash->error = digest_update(hash->digest, in);
    else
        hash->crc = hash_crc32(hash->crc, in);
    hash->os_error = 0;
    hash->at += in.len;
    return hash->error == FERRY_OK;
}

static void hash_work(void *ctx)
{
    struct server_hash *hash = ctx;
    bool more = true;
    for (int i = 0; i < PIECE_BLOCKS && more && hash->at < hash->end; i++)
        more = hash_block(hash);
}

static void hash_go_on(struct server_hash *hash);

static void hash_worked(void *ctx)
{
    struct server_hash *hash = ctx;
    hash->running = false;
    if (!hash->session) {
        hash_free(hash);
    } else if (hash->os_error != 0 && hash->os_error != EINTR) {
        struct fault fault = {0};
        errno = hash->os_error;
        fault_errno(&fault, FERRY_E_FILE, "hash");
        hash_failed(hash, &fault);
    } else if (hash->error != FERRY_OK) {
        hash_refuse(hash, 451, "Memory is short, try again later.");
    } else {
        hash_go_on(hash);
    }
}

static void hash_go_on(struct server_hash *hash)
{
    if (hash->at >= hash->end) {
        hash_reply(hash);
        return;
    }
    hash->running = loop_job(hash->loop, hash_work, hash_worked, hash) == FERRY_OK;
    if (!hash->running)
        hash_refuse(hash, 451, "Memory is short, try again later.");
}

/* ---- opening ---- */

/* The bytes that are asked for, of those that there are. Code 0: well. */
static struct server_failure hash_bound(struct server_hash *hash)
{
    uint64_t max_bytes = hash->session->rules->hash_max_bytes;
    bool x = is_x(hash);
    if (hash->has_range && hash->first >= hash->size)
        return (struct server_failure){x ? 550 : 551, "The range begins past the end of the file."};
    if (!hash->has_range || hash->end > hash->size)
        hash->end = hash->size;
    hash->at = hash->first;
    if (max_bytes > 0 && hash->end - hash->first > max_bytes)
        return (struct server_failure){x ? 550 : 556, "More than is hashed here."};
    return (struct server_failure){0, NULL};
}

static void hash_opened(void *ctx, const struct fault *fault, int fd, uint64_t size_bytes)
{
    struct server_hash *hash = ctx;
    hash->fd = fd;
    hash->size = size_bytes;
    if (fault_is_set(fault)) {
        hash_failed(hash, fault);
        return;
    }
    struct server_failure failure = hash_bound(hash);
    if (failure.code != 0)
        hash_refuse(hash, failure.code, failure.text);
    else
        hash_go_on(hash);
}

static void hash_found(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct server_hash *hash = ctx;
    const struct server_session *session = hash->session;
    if (fault_is_set(fault))
        hash_failed(hash, fault);
    else if (entry->type == LISTING_DIR)
        hash_refuse(hash, is_x(hash) ? 550 : 553, "That is a directory.");
    else
        session->ops->open_read(session->store, session->command.path.ptr, hash_opened, hash);
}

/* Whether another session of the account hashes, or too many of all do. */
static bool is_busy(const struct server_session *session)
{
    if (session->shared->hashes >= HASHES_MAX)
        return true;
    const struct server_session *other;
    TAILQ_FOREACH (other, &session->shared->sessions, link)
        if (other->hash && strcmp(other->user, session->user) == 0)
            return true;
    return false;
}

static struct digest *digest_of(enum hash_algorithm algorithm)
{
    static const enum digest_kind kinds[] = {
        [HASH_SHA256] = DIGEST_SHA256,
        [HASH_SHA512] = DIGEST_SHA512,
        [HASH_SHA1] = DIGEST_SHA1,
        [HASH_MD5] = DIGEST_MD5,
    };
    return digest_new(kinds[algorithm]);
}

static struct server_hash *hash_new(const struct server_action *action)
{
    struct server_hash *hash = alloc_zero(sizeof(*hash));
    if (!hash)
        return NULL;
    hash->fd = -1;
    hash->verb = action->verb;
    hash->algorithm = action->hash;
    hash->has_range = action->has_range;
    hash->first = action->offset;
    hash->end = action->range_end;
    bool crc = action->hash == HASH_CRC32;
    hash->digest = crc ? NULL : digest_of(action->hash);
    hash->block = alloc_resize(NULL, BLOCK_BYTES, 1);
    if (hash->block && (crc || hash->digest))
        return hash;
    hash_free(hash);
    return NULL;
}

void server_hash(struct server_session *session, const struct server_action *action)
{
    if (is_busy(session)) {
        server_pi_reply(session->pi, 450, "Another file is being hashed, try again later.");
        return;
    }
    struct server_hash *hash = hash_new(action);
    if (!hash) {
        server_pi_reply(session->pi, 451, "Memory is short, try again later.");
        return;
    }
    hash->session = session;
    hash->loop = session->shared->loop;
    session->hash = hash;
    session->shared->hashes++;
    session->ops->stat(session->store, action->path.ptr, hash_found, hash);
}
