/* A recursive upload. */
#include "client/tree.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "client/put.h"
#include "client/remote.h"
#include "client/stat.h"
#include "client/walk.h"
#include "store/dir.h"
#include "store/tree.h"

enum { BATCH = 32 };

struct tree_put {
    struct client_walk walk;
    client_done_fn *done;
    void *ctx;

    /* The current folder, as far as it was read. */
    struct dir dir;
    struct entry entries[BATCH];
    size_t count;
    size_t at; /* the entry that is dealt with */

    int fd; /* of the file that is being sent, or -1 */
    uint64_t size_bytes;
    struct fault refusal; /* of MKD */
};

static void next_folder(struct tree_put *tree);
static void next_file(struct tree_put *tree);

/* ---- the end ---- */

static void forget_folder(struct tree_put *tree)
{
    dir_free_entries(tree->entries, tree->count);
    dir_close(&tree->dir);
    tree->dir = (struct dir){0};
    tree->count = 0;
    tree->at = 0;
}

static void tree_put_free(struct tree_put *tree)
{
    forget_folder(tree);
    fd_close(&tree->fd);
    client_walk_fini(&tree->walk);
    alloc_free(tree);
}

static void end(struct tree_put *tree, enum ferry_error result)
{
    client_done_fn *done = tree->done;
    void *ctx = tree->ctx;
    tree_put_free(tree);
    done(ctx, result);
}

/* ---- files ---- */

static void on_put(void *ctx, enum ferry_error result)
{
    struct tree_put *tree = ctx;
    struct client_walk *walk = &tree->walk;
    fd_close(&tree->fd);
    enum ferry_error error = result == FERRY_OK
                                 ? client_walk_tell(walk, FERRY_TREE_FILE, tree->size_bytes)
                                 : client_walk_fail(walk, result);
    if (error != FERRY_OK) {
        end(tree, error);
        return;
    }
    tree->at++;
    next_file(tree);
}

/* Begins an upload. FERRY_OK: on_put follows. */
static enum ferry_error put_file(struct tree_put *tree)
{
    struct client_walk *walk = &tree->walk;
    struct stat status;
    enum ferry_error error = client_walk_tell(walk, FERRY_TREE_STARTS, 0);
    if (error == FERRY_OK)
        error = tree_open_file(&walk->root, bytes_str(walk->item_inner), &tree->fd, &status,
                               &walk->session->fault);
    if (error != FERRY_OK)
        return error;
    tree->size_bytes = (uint64_t)status.st_size;
    const struct client_put_want want = {
        .fd = tree->fd,
        .seekable = true,
        .size_bytes = status.st_size,
        .modified = status.st_mtim,
        .remote = bytes_str(walk->item_remote),
        .flags = walk->flags,
    };
    error = client_put_start(walk->session, &want, on_put, tree);
    if (error != FERRY_OK)
        fd_close(&tree->fd);
    return error;
}

/* Deals with one entry. `*under_way`: on_put will go on. */
static enum ferry_error take_entry(struct tree_put *tree, bool *under_way)
{
    struct client_walk *walk = &tree->walk;
    const struct entry *entry = &tree->entries[tree->at];
    enum ferry_error error = client_walk_choose(walk, entry->name);
    if (error != FERRY_OK)
        return error;
    if (S_ISLNK(entry->self.st_mode))
        return client_walk_skip(walk, "is a symbolic link");
    if (S_ISREG(entry->self.st_mode)) {
        error = put_file(tree);
        *under_way = error == FERRY_OK;
    } else if (S_ISDIR(entry->self.st_mode)) {
        error = client_walk_leave(walk, entry->name);
    } else {
        return client_walk_skip(walk, "is neither a file nor a directory");
    }
    return error == FERRY_OK ? FERRY_OK : client_walk_fail(walk, error);
}

/* Sees to it that there is an entry to be dealt with; false: the folder is at its end. */
static bool has_entry(struct tree_put *tree, enum ferry_error *error)
{
    if (tree->at < tree->count)
        return true;
    dir_free_entries(tree->entries, tree->count);
    tree->at = 0;
    *error = dir_read(&tree->dir, tree->entries, BATCH, &tree->count, &tree->walk.session->fault);
    return *error == FERRY_OK && tree->count > 0;
}

static void next_file(struct tree_put *tree)
{
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && has_entry(tree, &error)) {
        bool under_way = false;
        error = take_entry(tree, &under_way);
        if (error != FERRY_OK) {
            end(tree, error);
            return;
        }
        if (under_way)
            return;
        tree->at++;
    }
    if (error != FERRY_OK)
        error = client_walk_fail(&tree->walk, error);
    if (error != FERRY_OK)
        end(tree, error);
    else
        next_folder(tree);
}

/* ---- folders ---- */

/* The remote folder is there, or `result` says why not. */
static void enter_folder(struct tree_put *tree, enum ferry_error result)
{
    struct client_walk *walk = &tree->walk;
    enum ferry_error error = result;
    if (error == FERRY_OK)
        error = client_walk_tell(walk, FERRY_TREE_DIRECTORY, 0);
    if (error == FERRY_OK)
        error = dir_open(&walk->root, bytes_str(walk->item_inner), DIR_BY_NAME, NULL, &tree->dir,
                         &walk->session->fault);
    if (error == FERRY_OK) {
        next_file(tree);
        return;
    }
    error = client_walk_fail(walk, error);
    if (error == FERRY_OK)
        next_folder(tree);
    else
        end(tree, error);
}

static void on_looked(void *ctx, enum ferry_error result, const struct ferry_entry *entry)
{
    struct tree_put *tree = ctx;
    struct client_session *session = tree->walk.session;
    bool there = result == FERRY_OK && entry->type == FERRY_ENTRY_DIRECTORY;
    if (!there && client_session_is_up(session))
        session->fault = tree->refusal;
    enter_folder(tree, there ? FERRY_OK : session->fault.kind);
}

/* Refused, MKD may only mean that the directory is there: codes and texts differ (FTP-111). */
static void on_made(void *ctx, enum ferry_error result)
{
    struct tree_put *tree = ctx;
    struct client_session *session = tree->walk.session;
    if (result == FERRY_OK || !client_session_is_up(session)) {
        enter_folder(tree, result);
        return;
    }
    tree->refusal = session->fault;
    fault_clear(&session->fault);
    enum ferry_error error = client_stat_start(session, bytes_str(tree->walk.item_remote),
                                               CLIENT_STAT_ALL, on_looked, tree);
    if (error != FERRY_OK)
        enter_folder(tree, error);
}

static bool is_top(const char *remote)
{
    return remote[0] == '\0' || strcmp(remote, "/") == 0;
}

/* Begins with the next folder. FERRY_OK: on_made follows, or the walk has gone on. */
static enum ferry_error begin_folder(struct tree_put *tree)
{
    struct client_walk *walk = &tree->walk;
    enum ferry_error error = client_walk_choose(walk, "");
    if (error != FERRY_OK)
        return error;
    struct bytes remote = bytes_str(walk->item_remote);
    if (is_top(walk->item_remote))
        return client_stat_start(walk->session, remote, CLIENT_STAT_ALL, on_looked, tree);
    return client_make_directory_start(walk->session, remote, on_made, tree);
}

static void next_folder(struct tree_put *tree)
{
    struct client_walk *walk = &tree->walk;
    forget_folder(tree);
    while (client_walk_next(walk)) {
        enum ferry_error error = begin_folder(tree);
        if (error == FERRY_OK)
            return;
        error = client_walk_fail(walk, error);
        if (error != FERRY_OK) {
            end(tree, error);
            return;
        }
    }
    end(tree, client_walk_result(walk));
}

enum ferry_error client_tree_put_start(struct client_session *session,
                                       const struct client_tree_want *want, client_done_fn *done,
                                       void *ctx)
{
    struct tree_put *tree = alloc_zero(sizeof(*tree));
    if (!tree)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory for a tree of files");
    tree->done = done;
    tree->ctx = ctx;
    tree->fd = -1;
    enum ferry_error error = client_walk_init(&tree->walk, session, want);
    if (error != FERRY_OK) {
        alloc_free(tree);
        return error;
    }
    client_walk_next(&tree->walk);
    error = begin_folder(tree);
    if (error != FERRY_OK)
        tree_put_free(tree);
    return error;
}
