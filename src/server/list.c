/* The lines of one listing. */
#include "server/list.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ftp/listing_write.h"

enum {
    LIST_PIECE_BYTES = 64 * 1024,         /* given out at once */
    LIST_NAME_BYTES = 64 * 1024,          /* a path in whatever charset */
    LIST_WAITING_BYTES = 2 * 1024 * 1024, /* a batch of the longest names and link targets */
};

struct server_list {
    struct server_session *session;
    const struct server_list_events *events;
    void *ctx;
    enum verb verb;
    bool long_form; /* NLST -l, STAT */
    struct store_list_want want;
    bool glob; /* the last name may be a pattern */
    unsigned facts;
    char *path;
    char *pattern;    /* or NULL */
    char *prefix;     /* NLST: before each name */
    struct buf lines; /* made and not yet given out */
    bool opened;      /* on the store: list_close is due */
    bool asked;       /* for the next batch */
    bool ended;
};

/* ---- lines ---- */

/* `ls -l` shows a link as such, whatever it leads to. */
static enum ferry_error list_write_long(struct server_list *list, const struct listing_entry *entry)
{
    const struct clock *clock = list->session->shared->settings.clock;
    int64_t now_s = clock_wall_ns(clock) / (int64_t)CLOCK_NS_PER_S;
    struct listing_entry shown = *entry;
    if (entry->target.len > 0) {
        shown.type = LISTING_LINK;
        shown.size_kind = LISTING_SIZE_EXACT;
        shown.size = entry->target.len;
    }
    return listing_write_list(&list->lines, &shown, now_s);
}

static enum ferry_error list_write(struct server_list *list, const struct listing_entry *entry)
{
    if (list->verb == VERB_NLST && !list->long_form)
        return listing_write_name(&list->lines, bytes_str(list->prefix), entry);
    if (list->verb != VERB_MLSD)
        return list_write_long(list, entry);
    struct listing_entry shown = *entry;
    shown.modified.precision = TIMEVAL_SECOND; /* FTP-133 */
    return listing_write_mlsd(&list->lines, &shown, list->facts);
}

/* For a client that takes names in another charset. */
static enum ferry_error list_write_encoded(struct server_list *list,
                                           const struct listing_entry *entry,
                                           struct charset *charset)
{
    CLEANUP(buf_fini) struct buf name;
    CLEANUP(buf_fini) struct buf target;
    buf_init(&name, LIST_NAME_BYTES);
    buf_init(&target, LIST_NAME_BYTES);
    enum ferry_error error = charset_encode(charset, entry->name, &name);
    if (error == FERRY_OK)
        error = charset_encode(charset, entry->target, &target);
    struct listing_entry shown = *entry;
    shown.name = buf_view(&name);
    shown.target = buf_view(&target);
    return error == FERRY_OK ? list_write(list, &shown) : error;
}

/* A name that no line can carry is hidden (LST-86). */
static enum ferry_error list_add(struct server_list *list, const struct listing_entry *entry)
{
    struct charset *charset = server_pi_names_charset(list->session->pi);
    enum ferry_error error =
        charset ? list_write_encoded(list, entry, charset) : list_write(list, entry);
    return error == FERRY_E_ARGUMENT ? FERRY_OK : error;
}

static void list_batch(void *ctx, const struct fault *fault, const struct listing_entry *entries,
                       size_t count)
{
    struct server_list *list = ctx;
    list->asked = false;
    struct fault own = *fault;
    for (size_t i = 0; !fault_is_set(&own) && i < count; i++) {
        enum ferry_error error = list_add(list, &entries[i]);
        if (error != FERRY_OK)
            fault_set(&own, error, "list %s: memory is short", list->path);
    }
    if (fault_is_set(&own)) {
        list->events->failed(list->ctx, &own);
        return;
    }
    list->ended = count == 0;
    list->events->more(list->ctx);
}

bool server_list_lines(void *ctx, struct buf *out)
{
    struct server_list *list = ctx;
    struct bytes lines = buf_view(&list->lines);
    if (lines.len > 0) {
        size_t room = buf_room(out);
        struct bytes piece = bytes_first(lines, room < LIST_PIECE_BYTES ? room : LIST_PIECE_BYTES);
        if (buf_append(out, piece) == FERRY_OK)
            buf_consume(&list->lines, piece.len);
        return !list->ended || buf_len(&list->lines) > 0;
    }
    if (list->ended)
        return false;
    if (!list->asked) {
        list->asked = true;
        list->session->ops->list_next(list->session->store, list_batch, list);
    }
    return true;
}

/* ---- opening ---- */

static void list_opened(void *ctx, const struct fault *fault)
{
    struct server_list *list = ctx;
    list->opened = !fault_is_set(fault);
    list->events->opened(list->ctx, fault, true);
}

static bool is_directory(const struct listing_entry *entry)
{
    return entry->type == LISTING_DIR || entry->type == LISTING_CDIR;
}

/* "dir/name/" to "dir/". */
static void cut_last_name(char *prefix)
{
    size_t len = strlen(prefix);
    if (len > 0)
        prefix[len - 1] = '\0';
    char *slash = strrchr(prefix, '/');
    *(slash ? slash + 1 : prefix) = '\0';
}

/* A file: a listing of one line. */
static enum ferry_error list_file(struct server_list *list, const struct listing_entry *entry)
{
    if (list->verb == VERB_MLSD)
        return FERRY_E_UNSUPPORTED;
    list->ended = true;
    cut_last_name(list->prefix);
    return list_add(list, entry);
}

/* FTP-135: MLSD begins with the directory itself. */
static enum ferry_error list_self(struct server_list *list, const struct listing_entry *found)
{
    if (list->verb != VERB_MLSD)
        return FERRY_OK;
    struct listing_entry entry = *found;
    entry.type = LISTING_CDIR;
    entry.name = BYTES_LIT(".");
    return list_add(list, &entry);
}

enum { STARS_MAX = 3 }; /* FTP-71 */

/* Makes a path that leads to nothing a pattern of names in its directory. false: it is none. */
static bool list_by_pattern(struct server_list *list)
{
    char *name = strrchr(list->path, '/') + 1;
    unsigned stars = 0, wild = 0;
    for (const char *at = name; *at; at++) {
        stars += *at == '*';
        wild += *at == '*' || *at == '?';
    }
    if (!list->glob || wild == 0 || stars > STARS_MAX)
        return false;
    list->pattern = alloc_str(name);
    if (!list->pattern)
        return false;
    name[name == list->path + 1 ? 0 : -1] = '\0';
    list->want.pattern = list->pattern;
    cut_last_name(list->prefix);
    list->session->ops->list_open(list->session->store, list->path, &list->want, list_opened, list);
    return true;
}

static void list_found(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct server_list *list = ctx;
    struct fault own = *fault;
    bool directory = !fault_is_set(&own) && is_directory(entry);
    if (own.kind == FERRY_E_NOT_FOUND && list_by_pattern(list))
        return;
    if (!fault_is_set(&own)) {
        enum ferry_error error = directory ? list_self(list, entry) : list_file(list, entry);
        if (error == FERRY_E_UNSUPPORTED)
            fault_set(&own, error, "list %s: not a directory", list->path);
        else if (error != FERRY_OK)
            fault_set(&own, error, "list %s: memory is short", list->path);
    }
    if (fault_is_set(&own) || !directory) {
        list->events->opened(list->ctx, &own, directory);
        return;
    }
    list->session->ops->list_open(list->session->store, list->path, &list->want, list_opened, list);
}

/* NLST dir answers "dir/name", with dir as the client wrote it (FTP-73). */
static char *list_prefix(const struct server_action *action)
{
    struct bytes dir = action->argument;
    if (action->verb != VERB_NLST || !action->has_path || dir.len == 0)
        return alloc_str("");
    struct buf prefix;
    buf_init(&prefix, dir.len + 1);
    enum ferry_error error = buf_append(&prefix, dir);
    if (error == FERRY_OK && dir.ptr[dir.len - 1] != '/')
        error = buf_append(&prefix, BYTES_LIT("/"));
    char *text = error == FERRY_OK ? alloc_bytes(buf_view(&prefix)) : NULL;
    buf_fini(&prefix);
    return text;
}

enum ferry_error server_list_open(struct server_session *session,
                                  const struct server_action *action,
                                  const struct server_list_events *events, void *ctx,
                                  struct server_list **out)
{
    struct server_list *list = alloc_zero(sizeof(*list));
    if (!list)
        return FERRY_E_MEMORY;
    list->session = session;
    list->events = events;
    list->ctx = ctx;
    list->verb = action->verb;
    list->long_form = action->list_flags & LIST_LONG;
    list->want.all = action->list_flags & LIST_ALL;
    list->glob = action->glob;
    list->facts = server_pi_mlst_facts(session->pi);
    list->path = alloc_bytes(action->path);
    list->prefix = list_prefix(action);
    buf_init(&list->lines, LIST_WAITING_BYTES);
    if (!list->path || !list->prefix) {
        server_list_free(list);
        return FERRY_E_MEMORY;
    }
    session->ops->stat(session->store, list->path, list_found, list);
    *out = list;
    return FERRY_OK;
}

void server_list_free(struct server_list *list)
{
    if (!list)
        return;
    if (list->asked) /* the data connection ended while a batch was awaited */
        list->session->ops->cancel(list->session->store);
    if (list->opened)
        list->session->ops->list_close(list->session->store);
    buf_fini(&list->lines);
    alloc_free(list->path);
    alloc_free(list->prefix);
    alloc_free(list->pattern);
    alloc_free(list);
}
