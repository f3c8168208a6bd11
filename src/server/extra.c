/* Commands that most servers lack. */
#include "server/extra.h"

#include "server/change.h"
#include "server/deeds.h"
#include "server/failure.h"

/* The command is done: the event `event` of it, and the reply. */
static void extra_reply(struct server_session *session, const struct fault *fault,
                        const char *event, enum deed_kind deed, int code, const char *text)
{
    const struct server_action *command = &session->command;
    if (fault_is_set(fault)) {
        server_failure_reply(session, fault);
    } else {
        server_event(session, LOG_LEVEL_NOTICE, event, F_BYTES("path", command->path),
                     F_STR("from", command->others.len > 0 ? command->others.ptr : NULL));
        server_deed_note(session, deed, command->path, bytes_str(command->others.ptr));
        server_pi_reply(session->pi, code, "%s", text);
    }
    server_session_turn(session);
}

/* ---- DSIZ, RMDA ---- */

static void dsiz_done(void *ctx, const struct fault *fault, uint64_t size_bytes)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else
        server_pi_reply(session->pi, 213, "%llu", (unsigned long long)size_bytes);
    server_session_turn(session);
}

void server_extra_dsiz(struct server_session *session, const struct server_action *action)
{
    session->ops->tree_size(session->store, action->path.ptr, dsiz_done, session);
}

static void rmda_done(void *ctx, const struct fault *fault)
{
    extra_reply(ctx, fault, "tree.removed", DEED_RMDIR, 250,
                "Directory and all beneath it removed.");
}

/* Whether `path` is `dir` or beneath it. */
static bool is_in(struct bytes path, struct bytes dir)
{
    return bytes_starts(path, dir) && (path.len == dir.len || path.ptr[dir.len] == '/');
}

void server_extra_rmda(struct server_session *session, const struct server_action *action)
{
    /* As RMD (FTP-112). */
    if (is_in(server_pi_cwd(session->pi), action->path)) {
        server_pi_reply(session->pi, 550, "The working directory is in it.");
        return;
    }
    session->ops->remove_tree(session->store, action->path.ptr, rmda_done, session);
}

/* ---- COMB, SITE CPFR and CPTO ---- */

static void comb_done(void *ctx, const struct fault *fault)
{
    extra_reply(ctx, fault, "file.combined", DEED_UPLOAD, 250, "Combined.");
}

void server_extra_comb(struct server_session *session, const struct server_action *action)
{
    if (server_deeds_checked(session)) { /* what was checked piece by piece was not checked */
        server_pi_reply(session->pi, 550, "Uploads are checked here, and pieces not combined.");
        return;
    }
    const struct store_combine want = {
        .target = action->path.ptr, .sources = action->others, .remove_sources = true};
    session->ops->combine(session->store, &want, comb_done, session);
}

/* SEC-41: who copies may read and write the file. */
static bool may_copy(const struct listing_entry *entry)
{
    return entry->type == LISTING_FILE && bytes_find(entry->perms, 'r') < entry->perms.len &&
           bytes_find(entry->perms, 'w') < entry->perms.len;
}

static void copy_from_done(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct server_session *session = ctx;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else if (!may_copy(entry))
        server_pi_reply(session->pi, 550, "Only files that can be read and written are copied.");
    else
        server_pi_reply(session->pi, 350, "Ready for the copy's name.");
    server_session_turn(session);
}

static void copy_done(void *ctx, const struct fault *fault)
{
    extra_reply(ctx, fault, "file.copied", DEED_UPLOAD, 250, "Copied.");
}

static void copy_to(struct server_session *session, const struct server_action *action)
{
    const struct store_combine want = {
        .target = action->path.ptr, .sources = action->others, .no_replace = true};
    session->ops->combine(session->store, &want, copy_done, session);
}

/* ---- SITE ---- */

static void link_done(void *ctx, const struct fault *fault)
{
    extra_reply(ctx, fault, "link.made", DEED_CHANGE, 200, "Link made.");
}

void server_extra_site(struct server_session *session, const struct server_action *action)
{
    switch (action->site) {
    case SITE_CPFR:
        session->ops->stat(session->store, action->path.ptr, copy_from_done, session);
        break;
    case SITE_CPTO:
        copy_to(session, action);
        break;
    case SITE_SYMLINK:
        session->ops->make_link(session->store, action->others.ptr, action->path.ptr, link_done,
                                session);
        break;
    case SITE_CHMOD:
    case SITE_UTIME:
    case SITE_HELP:
    case SITE_IDLE:
        server_change(session, action);
        break;
    }
}

/* ---- PRET ---- */

static void pret_done(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct server_session *session = ctx;
    bool file = session->command.announced == VERB_RETR;
    if (fault_is_set(fault))
        server_failure_reply(session, fault);
    else if (file && entry->type != LISTING_FILE)
        server_pi_reply(session->pi, 550, "Not a file.");
    else
        server_pi_reply(session->pi, 200, "Ready for it.");
    server_session_turn(session);
}

void server_extra_pret(struct server_session *session, const struct server_action *action)
{
    enum verb verb = action->announced;
    bool upload = verb == VERB_STOR || verb == VERB_STOU || verb == VERB_APPE;
    if (upload && session->read_only)
        server_pi_reply(session->pi, 550, "This account may only read.");
    else if (upload)
        server_pi_reply(session->pi, 200, "Ready for it.");
    else
        session->ops->stat(session->store, action->path.ptr, pret_done, session);
}
