/* Commands about names: one call on the store each, then the reply. */
#include "server/names.h"

#include "ftp/facts.h"
#include "ftp/path.h"
#include "server/deeds.h"
#include "server/event.h"
#include "server/failure.h"

/* A path with its quotes doubled; a line of MLST: a path and its facts. */
enum { QUOTED_MAX_BYTES = 2 * PATH_MAX_BYTES + 2, LINE_MAX_BYTES = PATH_MAX_BYTES + 1024 };

/* A reply failed for want of memory only. */
static void names_no_memory(struct server_session *session)
{
    server_pi_reply(session->pi, 451, "Memory is short, try again later.");
}

/* The change that the current command made, for the log and hooks. */
static void names_changed(struct server_session *session, const char *event, enum deed_kind deed)
{
    const struct server_action *command = &session->command;
    if (command->rename_from.len)
        server_event(session, LOG_LEVEL_NOTICE, event, F_BYTES("path", command->path),
                     F_BYTES("from", command->rename_from));
    else
        server_event(session, LOG_LEVEL_NOTICE, event, F_BYTES("path", command->path));
    server_deed_note(session, deed, command->path, command->rename_from);
}

/* ---- CWD, CDUP ---- */

static void cwd_done(void *ctx, const struct fault *fault)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else if (server_pi_set_cwd(session->pi, session->command.path) != FERRY_OK)
        names_no_memory(session);
    else
        server_pi_reply(session->pi, 250, "Directory changed.");
    server_session_turn(session);
}

void server_names_cwd(struct server_session *session, const struct server_action *action)
{
    session->ops->enter(session->store, action->path.ptr, cwd_done, session);
}

/* ---- MKD, RMD, DELE ---- */

static void mkd_reply(struct server_session *session)
{
    struct buf quoted;
    buf_init(&quoted, QUOTED_MAX_BYTES);
    if (path_quote(&quoted, session->command.path) == FERRY_OK)
        server_pi_reply(session->pi, 257, "%.*s created.", BYTES_FMT(buf_view(&quoted)));
    else
        names_no_memory(session);
    buf_fini(&quoted);
}

static void mkd_done(void *ctx, const struct fault *fault)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        names_changed(session, "directory.made", DEED_MKDIR);
        mkd_reply(session);
    }
    server_session_turn(session);
}

void server_names_mkd(struct server_session *session, const struct server_action *action)
{
    session->ops->make_directory(session->store, action->path.ptr, mkd_done, session);
}

static void rmd_done(void *ctx, const struct fault *fault)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        names_changed(session, "directory.removed", DEED_RMDIR);
        server_pi_reply(session->pi, 250, "Directory removed.");
    }
    server_session_turn(session);
}

void server_names_rmd(struct server_session *session, const struct server_action *action)
{
    /* FTP-112: the working directory stays where the session stands in it. */
    if (bytes_equal(action->path, server_pi_cwd(session->pi))) {
        server_pi_reply(session->pi, 550, "That is the working directory.");
        return;
    }
    session->ops->remove_directory(session->store, action->path.ptr, rmd_done, session);
}

static void dele_done(void *ctx, const struct fault *fault)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        names_changed(session, "file.removed", DEED_DELETE);
        server_event_removed(session);
        server_pi_reply(session->pi, 250, "File removed.");
    }
    server_session_turn(session);
}

void server_names_dele(struct server_session *session, const struct server_action *action)
{
    session->ops->remove_file(session->store, action->path.ptr, dele_done, session);
}

/* ---- RNFR, RNTO ---- */

static void rnfr_done(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    (void)entry;
    struct server_session *session = ctx;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else
        server_pi_reply(session->pi, 350, "Ready for the new name.");
    server_session_turn(session);
}

void server_names_rnfr(struct server_session *session, const struct server_action *action)
{
    session->ops->stat(session->store, action->path.ptr, rnfr_done, session);
}

static void rnto_done(void *ctx, const struct fault *fault)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        names_changed(session, "file.renamed", DEED_RENAME);
        server_pi_reply(session->pi, 250, "Renamed.");
    }
    server_session_turn(session);
}

void server_names_rnto(struct server_session *session, const struct server_action *action)
{
    session->ops->rename(session->store, action->rename_from.ptr, action->path.ptr, rnto_done,
                         session);
}

/* ---- SIZE, AVBL, MDTM, MFMT ---- */

static void size_done(void *ctx, const struct fault *fault, uint64_t size_bytes)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else
        server_pi_reply(session->pi, 213, "%llu", (unsigned long long)size_bytes);
    server_session_turn(session);
}

void server_names_size(struct server_session *session, const struct server_action *action)
{
    /* FTP-74: what RETR would send is not known without reading the file. */
    if (server_pi_type(session->pi) == REPRESENTATION_ASCII) {
        server_pi_reply(session->pi, 550, "SIZE is not possible in ASCII mode, use TYPE I.");
        return;
    }
    session->ops->size(session->store, action->path.ptr, size_done, session);
}

/* FTP-59: nothing is reserved; but a client that says what is to come need not send it in vain. */
static void allo_done(void *ctx, const struct fault *fault, uint64_t free_bytes)
{
    struct server_session *session = ctx;
    if (!fault_is_set(fault) && session->command.size > free_bytes)
        server_pi_reply(session->pi, 552, "More than may be stored here.");
    else
        server_pi_reply(session->pi, 202, "No storage needs to be reserved.");
    server_session_turn(session);
}

void server_names_allo(struct server_session *session, const struct server_action *action)
{
    session->ops->free_bytes(session->store, action->path.ptr, allo_done, session);
}

void server_names_avbl(struct server_session *session, const struct server_action *action)
{
    session->ops->free_bytes(session->store, action->path.ptr, size_done, session);
}

/* "213 time" or "213 Modify=time; path". */
static void time_reply(struct server_session *session, const char *before,
                       const struct timeval_utc *time, const char *after, struct bytes path)
{
    struct buf text;
    buf_init(&text, 64);
    if (timeval_format(&text, time) == FERRY_OK)
        server_pi_reply(session->pi, 213, "%s%.*s%s%.*s", before, BYTES_FMT(buf_view(&text)), after,
                        BYTES_FMT(path));
    else
        server_pi_reply(session->pi, 550, "Its time cannot be told.");
    buf_fini(&text);
}

/* MDTM with a time before the path (FTP-75). */
static void mdtm_set_done(void *ctx, const struct fault *fault, const struct change *made)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        server_event(session, LOG_LEVEL_NOTICE, "file.time-set",
                     F_STR("path", session->command.others.ptr));
        server_deed_note(session, DEED_CHANGE, bytes_str(session->command.others.ptr),
                         BYTES_LIT(""));
        time_reply(session, "", &made->time, "", BYTES_LIT(""));
    }
    server_session_turn(session);
}

/* There is no file of the whole argument: a time may stand before its name. */
static bool mdtm_set(struct server_session *session, const struct fault *fault)
{
    const struct server_action *command = &session->command;
    const struct change change = {.has_time = true, .time = command->time};
    if (fault->kind != FERRY_E_NOT_FOUND || command->others.len == 0 || session->read_only)
        return false;
    session->ops->set_facts(session->store, command->others.ptr, &change, mdtm_set_done, session);
    return true;
}

static void mdtm_done(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault) && mdtm_set(session, fault))
        return;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else
        time_reply(session, "", &entry->modified, "", BYTES_LIT(""));
    server_session_turn(session);
}

void server_names_mdtm(struct server_session *session, const struct server_action *action)
{
    session->ops->stat(session->store, action->path.ptr, mdtm_done, session);
}

static void mfmt_done(void *ctx, const struct fault *fault, const struct change *made)
{
    struct server_session *session = ctx;
    const struct server_action *command = &session->command;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        names_changed(session, "file.time-set", DEED_CHANGE);
        time_reply(session, "Modify=", &made->time, "; ", command->path);
    }
    server_session_turn(session);
}

void server_names_mfmt(struct server_session *session, const struct server_action *action)
{
    const struct change change = {.has_time = true, .time = action->time};
    session->ops->set_facts(session->store, action->path.ptr, &change, mfmt_done, session);
}

/* ---- MLST ---- */

static void mlst_reply(struct server_session *session, const struct listing_entry *found)
{
    /* FTP-136: the absolute path stands where MLSD has the name. */
    struct listing_entry entry = *found;
    entry.name = session->command.path;
    entry.modified.precision = TIMEVAL_SECOND; /* FTP-133 */
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    enum ferry_error error = facts_format(&line, &entry, server_pi_mlst_facts(session->pi));
    if (error == FERRY_OK) {
        server_pi_reply_begin(session->pi, 250, "Listing");
        server_pi_reply_line(session->pi, buf_view(&line));
        server_pi_reply_end(session->pi, "End");
    } else if (error == FERRY_E_MEMORY) {
        names_no_memory(session);
    } else {
        server_pi_reply(session->pi, 550, "Its facts cannot be told.");
    }
    buf_fini(&line);
}

static void mlst_done(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else
        mlst_reply(session, entry);
    server_session_turn(session);
}

void server_names_mlst(struct server_session *session, const struct server_action *action)
{
    session->ops->stat(session->store, action->path.ptr, mlst_done, session);
}
