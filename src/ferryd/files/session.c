/* Calls as jobs on the pool, one at a time for a session, so that jobs need no locks. After a
 * cancelled one the next call waits until it has come back and what it opened is closed. */
#include "ferryd/files/session.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/files/call.h"
#include "ferryd/link.h"
#include "store/roots.h"

enum { NEW_FILES_MASK = 027 /* SEC-37 */ };

/* What the pool is busy with. */
enum work { WORK_NONE, WORK_ATTACH, WORK_CALL, WORK_TIDY, WORK_END };

/* What nobody needs any more. */
struct rubbish {
    struct files_call *call;
    bool part, listing;
};

struct files_session {
    struct loop *loop;
    struct link *link; /* NULL: the worker is not served any more */
    files_session_ended_fn *ended;
    void *ctx;
    struct fault why;

    /* Belong to the job, while one runs. */
    enum work work;
    struct files_home at;
    struct files_call *running;
    struct rubbish tidied;
    char *root; /* to be opened; else NULL */
    char *rights, *roots;
    char owner[HOME_OWNER_MAX_BYTES + 1];
    struct home_rules rules;
    char *denied_names; /* of `rules`, or NULL */

    bool cancelled; /* `running` is nobody's any more */
    struct files_call *waiting;
    uint64_t number;           /* of the last call */
    enum store_message opener; /* what it was, if it has opened something and was answered */
    struct rubbish rubbish;    /* to be tidied up when nothing runs */
};

/* ---- on the pool ---- */

static enum ferry_error add_roots(struct files_session *session, struct fault *fault)
{
    struct bytes rest = bytes_str(session->roots);
    struct roots_line line;
    bool got = true;
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && got) {
        struct root root;
        error = roots_next(&rest, &line, &got, fault);
        CLEANUP(alloc_free_str)
        char *directory = error == FERRY_OK && got ? alloc_bytes(line.directory) : NULL;
        if (!directory)
            continue;
        error = root_init(&root, directory, ROOT_LINKS_BENEATH, NEW_FILES_MASK, fault);
        if (error == FERRY_OK)
            error = home_add_root(&session->at.home, line.at, &root, fault);
    }
    return error;
}

static enum ferry_error add_rights(struct files_session *session, struct fault *fault)
{
    struct rights rights;
    rights_init(&rights);
    enum ferry_error error = rights_add_text(&rights, bytes_str(session->rights), fault);
    if (error == FERRY_OK)
        home_set_rights(&session->at.home, &rights);
    rights_fini(&rights);
    return error;
}

static void attach(struct files_session *session)
{
    struct root root;
    struct fault *fault = &session->at.none;
    struct home *home = &session->at.home;
    if (root_init(&root, session->root, ROOT_LINKS_BENEATH, NEW_FILES_MASK, fault) != FERRY_OK)
        return;
    if (home_init(home, &root, bytes_str(session->owner), &session->rules) != FERRY_OK) {
        fault_set(fault, FERRY_E_MEMORY, "no memory for the files of a login");
        return;
    }
    enum ferry_error error = add_rights(session, fault);
    if (error == FERRY_OK)
        error = add_roots(session, fault);
    /* Once, as long as it takes; the account's other sessions wait for it (SEC-39). */
    if (error == FERRY_OK)
        error = home_count(home, fault);
    if (error != FERRY_OK)
        home_fini(home);
}

/* To remove a large file takes its time. */
static void tidy(struct files_session *session)
{
    files_call_free(session->tidied.call);
    if (session->tidied.part)
        home_drop_part(&session->at.home);
    if (session->tidied.listing)
        files_list_close(&session->at);
}

static void job_work(void *ctx)
{
    struct files_session *session = ctx;
    switch (session->work) {
    case WORK_NONE:
        break;
    case WORK_ATTACH:
        attach(session);
        break;
    case WORK_CALL:
        files_call_work(session->running, &session->at);
        break;
    case WORK_TIDY:
        tidy(session);
        break;
    case WORK_END:
        home_fini(&session->at.home);
        break;
    }
}

/* ---- on the loop ---- */

static void session_free(struct files_session *session)
{
    link_free(session->link);
    alloc_free(session->root);
    alloc_free(session->rights);
    alloc_free(session->roots);
    alloc_free(session->denied_names);
    alloc_free(session);
}

/* The worker is not served any more. */
static void drop_link(struct files_session *session, const struct fault *why)
{
    session->why = *why;
    link_free(session->link);
    session->link = NULL;
    session->cancelled = session->running != NULL;
    files_call_free(session->waiting);
    session->waiting = NULL;
}

/* Sends the outcome of the last call. */
static void send_answer(struct files_session *session, const struct store_answer *answer, int fd)
{
    struct fault fault = {0};
    CLEANUP(fd_close) int owned = fd;
    struct store_answer numbered = *answer;
    numbered.number = session->number;
    struct wire_writer *writer = link_begin(session->link, (uint16_t)answer->message);
    enum ferry_error error = store_wire_put_answer(writer, &numbered);
    link_set_state(session->link, STORE_IDLE);
    if (error == FERRY_OK) {
        int sent = fd_take(&owned);
        error = link_send(session->link, &sent, sent >= 0 ? 1 : 0, &fault);
    }
    if (error == FERRY_OK || error == FERRY_E_LOST)
        return; /* the link tells that it is over */
    fault_set(&fault, error, "an answer cannot be sent");
    drop_link(session, &fault);
}

/* Nobody waits for the call that ran. */
static void throw_away(struct files_session *session)
{
    struct files_call *call = session->running;
    session->rubbish.call = call;
    session->rubbish.part |= call->want.message == STORE_OPEN_PART;
    session->rubbish.listing |= call->want.message == STORE_LIST_OPEN;
    session->running = NULL;
    session->cancelled = false;
}

static void answer(struct files_session *session)
{
    struct files_call *call = session->running;
    bool opened = call->answer.message != STORE_FAILED &&
                  (call->want.message == STORE_OPEN_PART || call->want.message == STORE_LIST_OPEN);
    session->running = NULL;
    session->opener = opened ? call->want.message : STORE_NONE;
    send_answer(session, &call->answer, fd_take(&call->fd));
    files_call_free(call);
}

/* The job is done. false: the session is no more. */
static bool finish(struct files_session *session)
{
    switch (session->work) {
    case WORK_ATTACH:
        alloc_free_str(&session->root);
        break;
    case WORK_CALL:
        if (!session->cancelled && !session->running->again)
            answer(session);
        break;
    case WORK_END:
        session->ended(session->ctx, &session->why);
        session_free(session);
        return false;
    case WORK_NONE:
    case WORK_TIDY:
        break;
    }
    session->work = WORK_NONE;
    return true;
}

/* What the pool is to do now. */
static enum work due(struct files_session *session)
{
    if (session->cancelled)
        throw_away(session);
    if (session->root && session->link)
        return WORK_ATTACH;
    const struct rubbish *rubbish = &session->rubbish;
    if (rubbish->call || rubbish->part || rubbish->listing) {
        session->tidied = session->rubbish;
        session->rubbish = (struct rubbish){0};
        return WORK_TIDY;
    }
    if (!session->link)
        return WORK_END;
    if (!session->running) {
        session->running = session->waiting;
        session->waiting = NULL;
    }
    return session->running ? WORK_CALL : WORK_NONE;
}

static void job_done(void *ctx);

/* Gives the pool what is due, if it has nothing. The session may be no more after it. */
static void next(struct files_session *session)
{
    while (session->work == WORK_NONE) {
        session->work = due(session);
        if (session->work == WORK_NONE ||
            loop_job(session->loop, job_work, job_done, session) == FERRY_OK)
            return;
        if (session->work == WORK_CALL)
            files_call_no_memory(session->running);
        else
            job_work(session); /* it has to be done, be it here */
        if (!finish(session))
            return;
    }
}

static void job_done(void *ctx)
{
    struct files_session *session = ctx;
    if (finish(session))
        next(session);
}

/* ---- messages ---- */

static void take_call(struct files_session *session, struct bytes message, struct fault *fault)
{
    session->opener = STORE_NONE;
    if (files_call_new(message, &session->waiting, fault) == FERRY_OK) {
        link_set_state(session->link, STORE_BUSY);
        return;
    }
    const struct store_answer refused = {
        .message = STORE_FAILED, .kind = fault->kind, .what = bytes_str(fault->what)};
    if (fault->kind == FERRY_E_MEMORY)
        send_answer(session, &refused, -1);
}

static void take_cancel(struct files_session *session, uint64_t number)
{
    if (number != session->number)
        return; /* it could not be sent, or is long over */
    session->rubbish.part |= session->opener == STORE_OPEN_PART;
    session->rubbish.listing |= session->opener == STORE_LIST_OPEN;
    session->opener = STORE_NONE;
    if (session->waiting) {
        files_call_free(session->waiting);
        session->waiting = NULL;
    } else {
        session->cancelled = session->running != NULL;
    }
    link_set_state(session->link, STORE_IDLE);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct files_session *session = ctx;
    uint64_t number = row->type == STORE_LIST_CLOSE ? 0 : wire_get_u64(reader);
    if (row->type == STORE_LIST_CLOSE) {
        session->rubbish.listing = true;
    } else if (row->type == STORE_CANCEL) {
        take_cancel(session, number);
    } else if (number > session->number) {
        session->number = number;
        take_call(session, raw->data, fault);
    } else {
        fault_set(fault, FERRY_E_PROTOCOL, "a call on the files has an old number");
    }
    if (fault->kind == FERRY_E_PROTOCOL)
        return FERRY_E_PROTOCOL;
    next(session);
    return FERRY_OK;
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct files_session *session = ctx;
    drop_link(session, why);
    next(session);
}

/* ---- life ---- */

enum ferry_error files_session_new(struct loop *loop, const struct files_grant *grant, int fd,
                                   files_session_ended_fn *ended, void *ctx)
{
    CLEANUP(fd_close) int owned = fd;
    struct files_session *session = alloc_zero(sizeof(*session));
    char *root = alloc_str(grant->root);
    const struct link_setup setup = {
        .loop = loop,
        .table = &store_calls,
        .peer = ROLE_WORKER,
        .state = STORE_IDLE,
        .message = on_message,
        .closed = on_closed,
        .ctx = session,
    };
    struct link *link = NULL;
    const char *denied = grant->rules.denied_names;
    char *denied_names = denied ? alloc_str(denied) : NULL;
    char *rights = alloc_str(grant->rights ? grant->rights : "");
    char *roots = alloc_str(grant->roots ? grant->roots : "");
    if (!session || !root || !rights || !roots || (denied && !denied_names) ||
        link_new(&setup, fd_take(&owned), &link) != FERRY_OK) {
        alloc_free(session);
        alloc_free(root);
        alloc_free(rights);
        alloc_free(roots);
        alloc_free(denied_names);
        return FERRY_E_MEMORY;
    }
    *session = (struct files_session){
        .loop = loop,
        .link = link,
        .ended = ended,
        .ctx = ctx,
        .root = root,
        .rights = rights,
        .roots = roots,
        .rules = grant->rules,
        .denied_names = denied_names,
        .at.home.root.fd = -1,
    };
    session->rules.denied_names = denied_names;
    snprintf(session->owner, sizeof(session->owner), "%.*s", BYTES_FMT(grant->owner));
    next(session);
    return FERRY_OK;
}
