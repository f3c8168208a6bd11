/* Listing a remote directory. */
#include "client/dir.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/entry.h"
#include "client/path.h"
#include "client/remark.h"
#include "client/transfer.h"
#include "ftp/listing.h"

struct dir {
    struct client_session *session;
    char *path;
    bool by_mlsd;
    struct buf raw; /* the listing as it came */
    bool overflow;
    client_dir_entry_fn *entry;
    client_dir_fn *done;
    void *ctx;
};

static enum ferry_error ask(struct dir *dir);

static void dir_free(struct dir *dir)
{
    buf_fini(&dir->raw);
    alloc_free(dir->path);
    alloc_free(dir);
}

static void end(struct dir *dir, enum ferry_error result, uint64_t rejected)
{
    client_dir_fn *done = dir->done;
    void *ctx = dir->ctx;
    dir_free(dir);
    done(ctx, result, rejected);
}

static bool is_shown(const struct listing_entry *item, bool names)
{
    if (item->item == LISTING_UNKNOWN)
        return names && item->flaw == PATH_FLAW_NONE;
    return item->item == LISTING_ENTRY && item->type != LISTING_CDIR && item->type != LISTING_PDIR;
}

static enum ferry_error show(struct dir *dir, const struct listing_entry *item)
{
    CLEANUP(client_entry_fini) struct client_entry entry = {0};
    struct fault *fault = &dir->session->fault;
    if (client_entry_make(item, item->name, &entry) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a listing");
    if (dir->entry(dir->ctx, &entry.face))
        return FERRY_OK;
    fault_set(fault, FERRY_E_CANCELLED, "list %s: stopped", dir->path);
    return fault->kind;
}

/* Reads the listing from its beginning; with `shows`, what is in it is shown. Only at the end is it
 * known whether lines in no known form are names (LST-13): the first reading finds that out. */
static enum ferry_error read_through(struct dir *dir, struct listing *listing, bool shows,
                                     bool names)
{
    struct fault *fault = &dir->session->fault;
    listing_feed(listing, buf_view(&dir->raw));
    for (bool ended = false;;) {
        struct listing_entry item;
        enum ferry_error error = listing_next(listing, &item, fault);
        if (error != FERRY_OK)
            return error;
        if (item.item != LISTING_MORE) {
            error = shows && is_shown(&item, names) ? show(dir, &item) : FERRY_OK;
            if (error != FERRY_OK)
                return error;
            continue;
        }
        if (ended)
            return FERRY_OK;
        listing_end(listing);
        ended = true;
    }
}

static enum ferry_error read_listing(struct dir *dir, uint64_t *rejected)
{
    enum listing_asked asked = dir->by_mlsd ? LISTING_ASKED_MLSD : LISTING_ASKED_LIST;
    int64_t now_s = clock_wall_ns(&clock_system) / (int64_t)CLOCK_NS_PER_S;
    bool names = false;
    for (int pass = 0; pass < 2; pass++) {
        struct listing listing;
        listing_init(&listing, asked, bytes_str(dir->path), now_s);
        enum ferry_error error = read_through(dir, &listing, pass == 1, names);
        names = listing_is_names(&listing);
        *rejected = listing.rejected;
        listing_fini(&listing);
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

static bool take(void *ctx, struct bytes in)
{
    struct dir *dir = ctx;
    dir->overflow = buf_append(&dir->raw, in) != FERRY_OK;
    return !dir->overflow;
}

static void on_listed(void *ctx, const struct client_transfer_result *result)
{
    struct dir *dir = ctx;
    struct client_session *session = dir->session;
    enum ferry_error error = result->error;
    uint64_t rejected = 0;
    /* DEV-52: it seemed to know MLSD. */
    if (dir->by_mlsd && client_session_is_unknown(result->reply)) {
        session->peer.mlst_refused = true;
        fault_clear(&session->fault);
        buf_fini(&dir->raw);
        error = ask(dir);
        if (error == FERRY_OK)
            return;
    } else if (dir->overflow) {
        fault_clear(&session->fault);
        error = fault_set(&session->fault, FERRY_E_LIMIT, "list %s: more than %d bytes", dir->path,
                          CLIENT_DIR_MAX_BYTES);
    } else if (error == FERRY_OK) {
        error = read_listing(dir, &rejected);
    }
    if (rejected > 0)
        client_remark(session, '*', "%" PRIu64 " names of the listing are not safe and left out",
                      rejected);
    end(dir, error, rejected);
}

/* LIST takes a path that begins with '-' for options (FTP-71). */
static bool looks_like_options(const struct dir *dir)
{
    return !dir->by_mlsd && dir->path[0] == '-';
}

static enum ferry_error ask(struct dir *dir)
{
    dir->by_mlsd = !dir->session->peer.mlst_refused;
    CLEANUP(alloc_free_str)
    char *path = client_path_join(looks_like_options(dir) ? "." : "", dir->path);
    if (!path)
        return fault_set(&dir->session->fault, FERRY_E_MEMORY, "no memory for a path");
    const struct client_transfer_want want = {
        .kind = CLIENT_LISTING,
        .verb = dir->by_mlsd ? VERB_MLSD : VERB_LIST,
        .path = bytes_str(path),
        .expected_bytes = TRANSFER_SIZE_UNKNOWN,
        .fd = -1,
        .sink = take,
        .hook_ctx = dir,
    };
    return client_transfer_start(dir->session, &want, on_listed, dir);
}

enum ferry_error client_dir_start(struct client_session *session, struct bytes path,
                                  client_dir_entry_fn *entry, client_dir_fn *done, void *ctx)
{
    struct dir *dir = alloc_zero(sizeof(*dir));
    if (!dir)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a listing");
    *dir = (struct dir){.session = session, .entry = entry, .done = done, .ctx = ctx};
    buf_init(&dir->raw, CLIENT_DIR_MAX_BYTES);
    dir->path = alloc_bytes(path);
    enum ferry_error error =
        dir->path ? ask(dir) : fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a path");
    if (error != FERRY_OK)
        dir_free(dir);
    return error;
}
