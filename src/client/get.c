/* A download. */
#include "client/get.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "client/remark.h"
#include "client/stat.h"
#include "client/transfer.h"
#include "ftp/path.h"
#include "store/part.h"
#include "store/tree.h"
#include "tls/digest.h"

enum {
    OVERLAP_BYTES = 1024, /* of what is there, transferred once more and compared (DEV-42) */
    OWNER_MAX_BYTES = 2 * DIGEST_MAX_BYTES,
};

struct get {
    struct client_session *session;
    char *remote, *local;
    const struct root *root; /* NULL: to `fd` */
    const char *local_name;
    int fd;
    unsigned flags;
    struct ferry_entry source; /* its size and time; the strings are not kept */
    client_done_fn *done;
    void *ctx;
    struct loop_task *begin;

    struct buf owner; /* tells which file a part is of */
    struct part part;
    char overlap[OVERLAP_BYTES]; /* the end of what is there */
    size_t overlap_bytes, overlap_seen;
    bool differs;
};

static enum ferry_error begin_part(struct get *get, uint64_t offset_bytes, bool of_target);

static void get_free(struct get *get)
{
    part_fini(&get->part);
    loop_task_free(get->begin);
    buf_fini(&get->owner);
    alloc_free(get->remote);
    alloc_free(get->local);
    alloc_free(get);
}

static void end(struct get *get, enum ferry_error result)
{
    client_done_fn *done = get->done;
    void *ctx = get->ctx;
    get_free(get);
    done(ctx, result);
}

/* Tells a failure of the local side, under the name that the user knows. */
static enum ferry_error local_failed(struct get *get, const struct fault *fault)
{
    struct fault *told = &get->session->fault;
    fault_set(told, fault->kind, "%s: %s", get->local_name, fault->what);
    if (fault->kind == FERRY_E_EXISTS)
        fault_advise(told, "--force replaces it");
    return fault->kind;
}

/* ---- the end of the transfer ---- */

static bool has_time(const struct ferry_entry *entry)
{
    return entry->time_is_utc && entry->time_precision >= FERRY_TIME_SECOND;
}

static enum ferry_error commit(struct get *get)
{
    struct fault fault = {0};
    enum ferry_error error = FERRY_OK;
    if ((get->flags & FERRY_KEEP_TIME) && has_time(&get->source)) {
        const struct timespec mtime = {.tv_sec = get->source.modified_s,
                                       .tv_nsec = get->source.modified_ns};
        error = part_set_mtime(&get->part, mtime, &fault);
    }
    if (error == FERRY_OK)
        error = part_commit(&get->part, PART_SYNC_NONE, &fault);
    return error == FERRY_OK ? FERRY_OK : local_failed(get, &fault);
}

/* Keeps what arrived, for FERRY_RESUME. */
static void keep(struct get *get)
{
    if (get->root && part_keep(&get->part))
        fault_advise(&get->session->fault, "what arrived is kept: -c goes on from there");
}

/* What is there cannot be gone on with: all of the file is fetched. */
static void start_over(struct get *get, const char *why)
{
    client_remark(get->session, '*', "%s: all of it is fetched anew", why);
    fault_clear(&get->session->fault);
    part_abandon(&get->part);
    enum ferry_error error = begin_part(get, 0, false);
    if (error != FERRY_OK)
        end(get, error);
}

static void on_transferred(void *ctx, const struct client_transfer_result *result)
{
    struct get *get = ctx;
    bool resumed = get->overlap_bytes > 0;
    bool past_end = result->reply == 554 || result->reply == 551; /* FTP-91 */
    if (result->error == FERRY_OK && get->overlap_seen < get->overlap_bytes)
        get->differs = true;
    if (get->differs) {
        start_over(get, "what is there is not the beginning of the remote file");
    } else if (resumed && (result->rest_refused || past_end)) {
        start_over(get, "the server does not restart there");
    } else if (result->error == FERRY_OK) {
        enum ferry_error error = get->root ? commit(get) : FERRY_OK;
        end(get, error);
    } else {
        keep(get);
        end(get, result->error);
    }
}

/* ---- the transfer ---- */

/* Compares the first bytes that arrive with what is there already. */
static enum ferry_error compare(void *ctx, struct bytes *in, bool last, struct buf *out)
{
    (void)last;
    struct get *get = ctx;
    struct bytes due = bytes_skip(bytes_of(get->overlap, get->overlap_bytes), get->overlap_seen);
    struct bytes head = bytes_first(*in, due.len);
    if (!bytes_equal(head, bytes_first(due, head.len))) {
        get->differs = true;
        return FERRY_E_DAMAGED;
    }
    get->overlap_seen += head.len;
    enum ferry_error error = buf_append(out, *in);
    *in = bytes_skip(*in, in->len);
    return error;
}

static enum ferry_error transfer(struct get *get)
{
    uint64_t from = get->part.offset_bytes - get->overlap_bytes;
    int64_t size = get->source.size_bytes;
    bool to_part = get->root != NULL;
    const struct client_transfer_want want = {
        .kind = CLIENT_DOWNLOAD,
        .verb = VERB_RETR,
        .path = bytes_str(get->remote),
        .offset_bytes = from,
        .present_bytes = from,
        .expected_bytes = size == FERRY_SIZE_UNKNOWN ? TRANSFER_SIZE_UNKNOWN : size - (int64_t)from,
        .fd = to_part ? get->part.fd : get->fd,
        .file_offset_bytes = to_part ? (int64_t)from : FILE_SEQUENTIAL,
        .filter = get->overlap_bytes > 0 ? compare : NULL,
        .hook_ctx = get,
        .sync = to_part,
    };
    return client_transfer_start(get->session, &want, on_transferred, get);
}

/* ---- the part ---- */

/* Reads the end of what the part begins with. */
static enum ferry_error read_overlap(struct get *get)
{
    uint64_t there = get->part.offset_bytes;
    get->overlap_bytes = there < OVERLAP_BYTES ? (size_t)there : OVERLAP_BYTES;
    get->overlap_seen = 0;
    get->differs = false;
    size_t done = 0;
    while (done < get->overlap_bytes) {
        off_t at = (off_t)(there - get->overlap_bytes + done);
        ssize_t got = pread(get->part.fd, get->overlap + done, get->overlap_bytes - done, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fault_errno(&get->session->fault, FERRY_E_FILE, "read the part of %s",
                               get->local_name);
        done += (size_t)got;
    }
    return FERRY_OK;
}

/* `of_target`: what the part begins with is the target's, which it will take the place of. */
static enum ferry_error begin_part(struct get *get, uint64_t offset_bytes, bool of_target)
{
    const struct part_want want = {
        .start = offset_bytes > 0 ? PART_AT_OFFSET : PART_NEW,
        .offset_bytes = offset_bytes,
        .owner = buf_view(&get->owner),
        .no_replace = (get->flags & FERRY_OVERWRITE) == 0 && !of_target,
        .named_at_once = true,
    };
    struct fault fault = {0};
    enum ferry_error error =
        part_begin(get->root, bytes_str(get->local), &want, &get->part, &fault);
    if (error != FERRY_OK)
        return local_failed(get, &fault);
    error = read_overlap(get);
    return error == FERRY_OK ? transfer(get) : error;
}

/* A name for this state of this file on this server (part_want.owner), so that a part of another
 * state is never gone on with. */
static enum ferry_error name_owner(struct get *get)
{
    const struct ferry_entry *source = &get->source;
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, PATH_MAX_BYTES + FAULT_TEXT_BYTES);
    struct digest *digest = digest_new(DIGEST_SHA256);
    uint8_t hash[DIGEST_MAX_BYTES];
    size_t len = 0;
    enum ferry_error error = digest ? FERRY_OK : FERRY_E_MEMORY;
    if (error == FERRY_OK)
        error = buf_printf(&text, "%s\n%" PRId64 "\n%d %" PRId64 ".%09" PRIu32 "\n%s",
                           get->session->host, source->size_bytes, (int)source->time_precision,
                           source->modified_s, source->modified_ns, get->remote);
    if (error == FERRY_OK)
        error = digest_update(digest, buf_view(&text));
    if (error == FERRY_OK)
        error = digest_final(digest, hash, &len);
    digest_free(digest);
    if (error == FERRY_OK)
        error = text_hex(&get->owner, bytes_of(hash, len));
    if (error != FERRY_OK)
        return fault_set(&get->session->fault, error, "no memory for a download");
    return FERRY_OK;
}

/* ---- where to begin ---- */

/* Size of the local target; -1: there is none. */
static enum ferry_error look_at_target(struct get *get, int64_t *size_bytes)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    struct fault fault = {0};
    *size_bytes = -1;
    enum ferry_error error = tree_stat(get->root, bytes_str(get->local), &entry, &fault);
    if (error == FERRY_E_NOT_FOUND)
        return FERRY_OK;
    if (error != FERRY_OK)
        return local_failed(get, &fault);
    *size_bytes = S_ISREG(entry.what.st_mode) ? (int64_t)entry.what.st_size : 0;
    return FERRY_OK;
}

/* Whether a former try has left a part, and how long it is. */
static bool find_kept(const struct get *get, uint64_t *kept_bytes)
{
    struct fault none = {0};
    int64_t size = get->source.size_bytes;
    return part_find_kept(get->root, bytes_str(get->local), buf_view(&get->owner), kept_bytes,
                          &none) == FERRY_OK &&
           (size == FERRY_SIZE_UNKNOWN || *kept_bytes <= (uint64_t)size);
}

/* Without FERRY_OVERWRITE a target may be gone on with, not replaced. */
static enum ferry_error begin(struct get *get)
{
    int64_t target_bytes = -1;
    int64_t size = get->source.size_bytes;
    enum ferry_error error = look_at_target(get, &target_bytes);
    if (error == FERRY_OK)
        error = name_owner(get);
    if (error != FERRY_OK)
        return error;
    if ((get->flags & FERRY_RESUME) == 0)
        return begin_part(get, 0, false);

    uint64_t kept_bytes = 0;
    if (find_kept(get, &kept_bytes))
        return begin_part(get, kept_bytes, false);
    if (target_bytes >= 0 && target_bytes == size) {
        client_remark(get->session, '*', "%s is there already", get->local_name);
        end(get, FERRY_OK);
        return FERRY_OK;
    }
    if (target_bytes > 0 && target_bytes < size)
        return begin_part(get, (uint64_t)target_bytes, true);
    return begin_part(get, 0, false);
}

static void on_begin(void *ctx)
{
    struct get *get = ctx;
    enum ferry_error error = get->root ? begin(get) : transfer(get);
    if (error != FERRY_OK)
        end(get, error);
}

static void on_source(void *ctx, enum ferry_error result, const struct ferry_entry *entry)
{
    struct get *get = ctx;
    if (result != FERRY_OK) {
        end(get, result);
        return;
    }
    get->source = *entry;
    on_begin(get);
}

/* SEC-93: known before anything is asked of the server. */
static enum ferry_error check_target(struct get *get)
{
    if (get->flags & (FERRY_OVERWRITE | FERRY_RESUME))
        return FERRY_OK;
    int64_t target_bytes = -1;
    enum ferry_error error = look_at_target(get, &target_bytes);
    if (error != FERRY_OK || target_bytes < 0)
        return error;
    fault_set(&get->session->fault, FERRY_E_EXISTS, "the local file %s exists", get->local_name);
    fault_advise(&get->session->fault, "--force replaces it, -c goes on with it");
    return FERRY_E_EXISTS;
}

static struct get *get_new(struct client_session *session, struct bytes remote, struct bytes local,
                           client_done_fn *done, void *ctx)
{
    struct get *get = alloc_zero(sizeof(*get));
    if (!get)
        return NULL;
    *get = (struct get){
        .session = session,
        .remote = alloc_bytes(remote),
        .local = alloc_bytes(local),
        .fd = -1,
        .source = {.size_bytes = FERRY_SIZE_UNKNOWN},
        .done = done,
        .ctx = ctx,
        .part = PART_NONE,
        .begin = loop_task_new(session->loop, on_begin, get),
    };
    buf_init(&get->owner, OWNER_MAX_BYTES);
    if (!get->remote || !get->local || !get->begin) {
        get_free(get);
        return NULL;
    }
    return get;
}

enum ferry_error client_get_start(struct client_session *session,
                                  const struct client_get_want *want, client_done_fn *done,
                                  void *ctx)
{
    struct get *get = get_new(session, want->remote, want->local, done, ctx);
    if (!get)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a download");
    get->root = want->root;
    get->local_name = want->local_name;
    get->flags = want->flags;
    enum ferry_error error = check_target(get);
    if (error == FERRY_OK && want->known) {
        get->source = *want->known;
        loop_task_post(get->begin);
    } else if (error == FERRY_OK) {
        error = client_stat_start(session, want->remote, CLIENT_STAT_SIZE_AND_TIME, on_source, get);
    }
    if (error != FERRY_OK)
        get_free(get);
    return error;
}

enum ferry_error client_get_fd_start(struct client_session *session, struct bytes remote, int fd,
                                     client_done_fn *done, void *ctx)
{
    struct get *get = get_new(session, remote, (struct bytes){0}, done, ctx);
    if (!get)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a download");
    get->fd = fd;
    enum ferry_error error = client_stat_start(session, remote, CLIENT_STAT_SIZE, on_source, get);
    if (error != FERRY_OK)
        get_free(get);
    return error;
}
