/* What the server knows of one name. */
#include "client/stat.h"

#include "base/alloc.h"
#include "base/text.h"
#include "client/dir.h"
#include "client/entry.h"
#include "ftp/facts.h"
#include "ftp/path.h"
#include "ftp/timeval.h"

enum step { STEP_MLST, STEP_TOP, STEP_LIST, STEP_TYPE, STEP_SIZE, STEP_MDTM };

struct query {
    struct client_session *session;
    char *path;
    enum client_stat_want want;
    enum step step;
    struct client_entry found;
    bool listed; /* `found` is from a listing */
    client_stat_fn *done;
    void *ctx;
};

static void go(struct query *query, enum step step);

/* ---- the end ---- */

static void query_free(struct query *query)
{
    client_entry_fini(&query->found);
    alloc_free(query->path);
    alloc_free(query);
}

static void end(struct query *query, enum ferry_error result)
{
    client_stat_fn *done = query->done;
    void *ctx = query->ctx;
    struct client_entry found = query->found;
    query->found = (struct client_entry){0};
    query_free(query);
    done(ctx, result, result == FERRY_OK ? &found.face : NULL);
    client_entry_fini(&found);
}

/* What the name is called: its last part. */
static struct bytes base_name(const struct query *query)
{
    struct bytes path = bytes_str(query->path);
    struct bytes base = path_base(path);
    if (path.len == 0)
        return BYTES_LIT(".");
    return base.len > 0 ? base : path;
}

static enum ferry_error no_memory(struct query *query)
{
    return fault_set(&query->session->fault, FERRY_E_MEMORY, "no memory for an entry");
}

/* Keeps what the server tells, under the name that was asked for, whatever the server calls it. */
static enum ferry_error keep(struct query *query, const struct listing_entry *entry)
{
    client_entry_fini(&query->found);
    enum ferry_error error = client_entry_make(entry, base_name(query), &query->found);
    return error == FERRY_OK ? FERRY_OK : no_memory(query);
}

/* ---- MLST ---- */

/* The one line between the first and the last that has the form of an entry (FTP-136). */
static bool find_entry(struct bytes text, struct listing_entry *out)
{
    struct bytes line;
    while (reply_next_line(&text, &line)) {
        if (bytes_starts(line, BYTES_LIT(" ")))
            line = bytes_skip(line, 1);
        if (facts_parse(line, out) == FERRY_OK) {
            out->format = LISTING_FORMAT_MLSX;
            return true;
        }
    }
    return false;
}

static void go_without_mlst(struct query *query)
{
    switch (query->want) {
    case CLIENT_STAT_SIZE: /* SIZE is not known either */
        end(query, FERRY_OK);
        break;
    case CLIENT_STAT_SIZE_AND_TIME:
        go(query, STEP_TYPE);
        break;
    case CLIENT_STAT_ALL:
        go(query, STEP_LIST);
        break;
    }
}

static void on_mlst(struct query *query, const struct reply *reply)
{
    struct client_session *session = query->session;
    struct listing_entry entry;
    bool unknown = reply && client_session_is_unknown(reply->code);
    if (reply && reply_is_ok(reply->code) && find_entry(reply->text, &entry)) {
        end(query, keep(query, &entry));
    } else if (unknown || (reply && reply_is_ok(reply->code))) {
        session->peer.mlst_refused = true;
        go_without_mlst(query);
    } else if (reply && query->want != CLIENT_STAT_ALL) {
        end(query, FERRY_OK);
    } else {
        end(query, client_session_refuse(session, reply, "tell of %s", query->path));
    }
}

/* ---- a listing ---- */

static bool on_entry(void *ctx, const struct ferry_entry *entry)
{
    struct query *query = ctx;
    if (query->listed || !bytes_equal(bytes_str(entry->name), base_name(query)))
        return true;
    client_entry_fini(&query->found);
    query->listed = client_entry_copy(entry, base_name(query), &query->found) == FERRY_OK;
    if (!query->listed)
        no_memory(query);
    return query->listed;
}

static void on_listed(void *ctx, enum ferry_error result, uint64_t rejected)
{
    (void)rejected;
    struct query *query = ctx;
    struct client_session *session = query->session;
    if (result != FERRY_OK)
        end(query, result);
    else if (!query->listed)
        end(query, fault_set(&session->fault, FERRY_E_NOT_FOUND, "%s is not there", query->path));
    else if (query->found.face.type == FERRY_ENTRY_FILE)
        go(query, STEP_TYPE);
    else
        end(query, FERRY_OK);
}

/* The root and the working directory are listed nowhere. */
static bool is_top(const struct query *query)
{
    return path_base(bytes_str(query->path)).len == 0;
}

static void on_top(struct query *query, const struct reply *reply)
{
    if (reply && reply_is_ok(reply->code))
        end(query, keep(query, &(const struct listing_entry){.type = LISTING_DIR}));
    else
        end(query, client_session_refuse(query->session, reply, "tell the working directory"));
}

/* ---- SIZE and MDTM ---- */

/* FTP-74: in another TYPE the size would be another. */
static void on_type(struct query *query, const struct reply *reply)
{
    if (reply && reply_is_ok(reply->code))
        query->session->peer.type = 'I';
    if (reply)
        go(query, STEP_SIZE);
    else
        end(query, client_session_refuse(query->session, NULL, "take TYPE I"));
}

static void on_size(struct query *query, const struct reply *reply)
{
    uint64_t size = 0;
    if (reply && reply->code == 213 && text_u64(text_trim(reply->text), INT64_MAX, &size))
        query->found.face.size_bytes = (int64_t)size;
    if (!reply)
        end(query, client_session_refuse(query->session, NULL, "tell a size"));
    else if (query->want != CLIENT_STAT_SIZE)
        go(query, STEP_MDTM);
    else if (client_session_is_unknown(reply->code) && !query->session->peer.mlst_refused)
        go(query, STEP_MLST);
    else
        end(query, FERRY_OK);
}

static void on_mdtm(struct query *query, const struct reply *reply)
{
    struct timeval_utc time;
    if (reply && reply->code == 213 && timeval_find(reply->text, &time) == FERRY_OK) {
        query->found.face.time_precision =
            time.precision == TIMEVAL_FRACTION ? FERRY_TIME_FRACTION : FERRY_TIME_SECOND;
        query->found.face.time_is_utc = true;
        query->found.face.modified_s = time.seconds;
        query->found.face.modified_ns = time.nanoseconds;
    }
    end(query, reply ? FERRY_OK : client_session_refuse(query->session, NULL, "tell a time"));
}

/* ---- the steps ---- */

typedef void step_fn(struct query *query, const struct reply *reply);

static const struct {
    enum verb verb;
    step_fn *reply;
} steps[] = {
    [STEP_MLST] = {VERB_MLST, on_mlst}, [STEP_TOP] = {VERB_PWD, on_top},
    [STEP_LIST] = {VERB_NONE, NULL},    [STEP_TYPE] = {VERB_TYPE, on_type},
    [STEP_SIZE] = {VERB_SIZE, on_size}, [STEP_MDTM] = {VERB_MDTM, on_mdtm},
};

static void on_reply(void *ctx, const struct reply *reply)
{
    struct query *query = ctx;
    steps[query->step].reply(query, reply);
}

static enum ferry_error take_up(struct query *query, enum step step)
{
    struct client_session *session = query->session;
    struct bytes argument = bytes_str(query->path);
    if (step == STEP_LIST && is_top(query))
        step = STEP_TOP;
    if (step == STEP_TYPE && session->peer.type == 'I')
        step = STEP_SIZE;
    query->step = step;
    if (step == STEP_LIST)
        return client_dir_start(session, path_parent(argument), on_entry, on_listed, query);
    if (step == STEP_TOP)
        argument = (struct bytes){0};
    else if (step == STEP_TYPE)
        argument = BYTES_LIT("I");
    return client_session_send(session, steps[step].verb, argument, on_reply, query);
}

static void go(struct query *query, enum step step)
{
    enum ferry_error error = take_up(query, step);
    if (error != FERRY_OK)
        end(query, error);
}

static enum ferry_error begin(struct query *query)
{
    if (!query->path)
        return no_memory(query);
    enum ferry_error error = client_session_check_path(query->session, bytes_str(query->path));
    if (error == FERRY_OK)
        error = keep(query, &(const struct listing_entry){0});
    if (error != FERRY_OK)
        return error;
    bool by_mlst = !query->session->peer.mlst_refused;
    switch (query->want) {
    case CLIENT_STAT_SIZE:
        return take_up(query, STEP_TYPE);
    case CLIENT_STAT_SIZE_AND_TIME:
        return take_up(query, by_mlst ? STEP_MLST : STEP_TYPE);
    case CLIENT_STAT_ALL:
        return take_up(query, by_mlst ? STEP_MLST : STEP_LIST);
    }
    return FERRY_E_ARGUMENT;
}

enum ferry_error client_stat_start(struct client_session *session, struct bytes path,
                                   enum client_stat_want want, client_stat_fn *done, void *ctx)
{
    struct query *query = alloc_zero(sizeof(*query));
    if (!query)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory to ask for a file");
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    *query = (struct query){
        .session = session, .path = alloc_bytes(path), .want = want, .done = done, .ctx = ctx};
    enum ferry_error error = begin(query);
    if (error != FERRY_OK)
        query_free(query);
    return error;
}
