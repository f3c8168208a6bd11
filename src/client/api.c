/* The functions of ferry.h: each begins a deed and turns the handle's loop until it is done. */
#include "ferry/ferry.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "client/dir.h"
#include "client/entry.h"
#include "client/failure.h"
#include "client/get.h"
#include "client/local.h"
#include "client/login.h"
#include "client/put.h"
#include "client/quit.h"
#include "client/remote.h"
#include "client/session.h"
#include "client/stat.h"
#include "client/tree.h"

enum { DESCRIPTION_BYTES = 128, PORT_EXPLICIT = 21, PORT_IMPLICIT = 990 };

struct ferry_session {
    struct client_options options;
    struct client_session *core;
    struct client_entry found; /* of ferry_stat */
    char description[DESCRIPTION_BYTES];
};

/* ---- life ---- */

ferry_session *ferry_session_new(void)
{
    ferry_session *session = alloc_zero(sizeof(*session));
    if (!session)
        return NULL;
    client_options_init(&session->options);
    session->core = client_session_new(&session->options);
    if (!session->core) {
        ferry_session_free(session);
        return NULL;
    }
    return session;
}

void ferry_session_free(ferry_session *session)
{
    if (!session)
        return;
    client_session_free(session->core);
    client_options_fini(&session->options);
    client_entry_fini(&session->found);
    alloc_free(session);
}

/* What every call begins with: the last one's failure is forgotten. */
static struct fault *begin(ferry_session *session)
{
    client_entry_fini(&session->found);
    fault_clear(&session->core->fault);
    return &session->core->fault;
}

/* ---- settings ---- */

enum ferry_error ferry_set_security(ferry_session *session, enum ferry_security security)
{
    struct fault *fault = begin(session);
    switch (security) {
    case FERRY_EXPLICIT:
    case FERRY_IMPLICIT:
    case FERRY_PLAINTEXT:
        session->options.security = security;
        return FERRY_OK;
    }
    return fault_set(fault, FERRY_E_ARGUMENT, "there is no such security");
}

enum ferry_error ferry_set_auth(ferry_session *session, enum ferry_auth auth)
{
    struct fault *fault = begin(session);
    switch (auth) {
    case FERRY_AUTH_TLS:
    case FERRY_AUTH_SSL:
    case FERRY_AUTH_TLS_C:
    case FERRY_AUTH_TLS_P:
    case FERRY_AUTH_AUTO:
        session->options.auth = auth;
        return FERRY_OK;
    }
    return fault_set(fault, FERRY_E_ARGUMENT, "there is no such word for AUTH");
}

enum ferry_error ferry_set_login(ferry_session *session, const char *user, const char *password)
{
    return client_options_login(&session->options, user, password, begin(session));
}

enum ferry_error ferry_set_account(ferry_session *session, const char *account)
{
    return client_options_account(&session->options, account, begin(session));
}

enum ferry_error ferry_set_ca_file(ferry_session *session, const char *path)
{
    return client_options_ca_file(&session->options, path, begin(session));
}

enum ferry_error ferry_add_pin(ferry_session *session, const char *pin)
{
    return client_options_pin(&session->options, pin, begin(session));
}

enum ferry_error ferry_set_certificate(ferry_session *session, const char *certificate_path,
                                       const char *key_path, const char *passphrase)
{
    return client_options_certificate(&session->options, certificate_path, key_path, passphrase,
                                      begin(session));
}

enum ferry_error ferry_set_tls_versions(ferry_session *session, enum ferry_tls_version min,
                                        enum ferry_tls_version max)
{
    return client_options_tls_versions(&session->options, min, max, begin(session));
}

void ferry_set_legacy(ferry_session *session, bool allowed)
{
    session->options.legacy = allowed;
}

void ferry_set_data_mode(ferry_session *session, enum ferry_data_mode mode)
{
    session->options.data_mode = mode;
}

enum ferry_error ferry_set_protection(ferry_session *session, char files, char listings)
{
    return client_options_protection(&session->options, files, listings, begin(session));
}

static void set_ms(uint64_t *limit_ns, uint32_t ms)
{
    if (ms > 0)
        *limit_ns = ms * CLOCK_NS_PER_MS;
}

void ferry_set_timeout_ms(ferry_session *session, uint32_t connect_ms, uint32_t reply_ms,
                          uint32_t stall_ms)
{
    set_ms(&session->options.connect_ns, connect_ms);
    set_ms(&session->options.reply_ns, reply_ms);
    set_ms(&session->options.stall_ns, stall_ms);
}

void ferry_set_trace(ferry_session *session, ferry_trace_fn *fn, void *ctx)
{
    session->options.trace = fn;
    session->options.trace_ctx = ctx;
}

void ferry_set_progress(ferry_session *session, ferry_progress_fn *fn, void *ctx)
{
    session->options.progress = fn;
    session->options.progress_ctx = ctx;
}

/* ---- waiting ---- */

/* What a blocking call waits for. */
struct wait {
    bool over;
    enum ferry_error result;
    ferry_session *session;
    ferry_entry_fn *entry; /* of ferry_list */
    void *entry_ctx;
};

static void on_done(void *ctx, enum ferry_error result)
{
    struct wait *wait = ctx;
    wait->over = true;
    wait->result = result;
}

/* `error`: what the start of the deed said. */
static enum ferry_error wait_for(struct wait *wait, enum ferry_error error)
{
    if (error != FERRY_OK)
        return error;
    while (!wait->over)
        loop_turn(wait->session->core->loop, true);
    return wait->result;
}

/* ---- one connection ---- */

enum ferry_error ferry_connect(ferry_session *session, const char *host, uint16_t port)
{
    begin(session);
    if (port == 0)
        port = session->options.security == FERRY_IMPLICIT ? PORT_IMPLICIT : PORT_EXPLICIT;
    struct wait wait = {.session = session};
    return wait_for(&wait, client_login_start(session->core, host, port, on_done, &wait));
}

bool ferry_is_connected(const ferry_session *session)
{
    return client_session_is_up(session->core);
}

enum ferry_error ferry_quit(ferry_session *session)
{
    begin(session);
    struct wait wait = {.session = session};
    return wait_for(&wait, client_quit_start(session->core, on_done, &wait));
}

void ferry_interrupt(ferry_session *session)
{
    client_session_interrupt(session->core);
}

/* ---- files ---- */

enum ferry_error ferry_get(ferry_session *session, const char *remote, const char *local,
                           unsigned flags)
{
    struct fault *fault = begin(session);
    struct root root;
    char *inner = NULL;
    enum ferry_error error = client_local_file(local, &root, &inner, fault);
    if (error != FERRY_OK)
        return error;
    const struct client_get_want want = {
        .remote = bytes_str(remote),
        .root = &root,
        .local = bytes_str(inner),
        .local_name = local,
        .flags = flags,
    };
    struct wait wait = {.session = session};
    error = wait_for(&wait, client_get_start(session->core, &want, on_done, &wait));
    root_fini(&root);
    alloc_free(inner);
    return error;
}

enum ferry_error ferry_get_fd(ferry_session *session, const char *remote, int fd)
{
    begin(session);
    struct wait wait = {.session = session};
    return wait_for(&wait,
                    client_get_fd_start(session->core, bytes_str(remote), fd, on_done, &wait));
}

static enum ferry_error put(ferry_session *session, const struct client_put_want *want)
{
    struct wait wait = {.session = session};
    return wait_for(&wait, client_put_start(session->core, want, on_done, &wait));
}

enum ferry_error ferry_put(ferry_session *session, const char *local, const char *remote,
                           unsigned flags)
{
    struct fault *fault = begin(session);
    struct stat status;
    CLEANUP(fd_close) int fd = open(local, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0)
        return fault_errno(fault, FERRY_E_FILE, "open %s", local);
    if (!S_ISREG(status.st_mode))
        return fault_set(fault, FERRY_E_ARGUMENT, "%s is not a regular file", local);
    const struct client_put_want want = {
        .fd = fd,
        .seekable = true,
        .size_bytes = status.st_size,
        .modified = status.st_mtim,
        .remote = bytes_str(remote),
        .flags = flags,
    };
    return put(session, &want);
}

enum ferry_error ferry_put_fd(ferry_session *session, int fd, const char *remote)
{
    begin(session);
    const struct client_put_want want = {.fd = fd, .remote = bytes_str(remote)};
    return put(session, &want);
}

static bool on_entry(void *ctx, const struct ferry_entry *entry)
{
    const struct wait *wait = ctx;
    return wait->entry(wait->entry_ctx, entry);
}

static void on_listed(void *ctx, enum ferry_error result, uint64_t rejected)
{
    (void)rejected;
    on_done(ctx, result);
}

enum ferry_error ferry_list(ferry_session *session, const char *path, ferry_entry_fn *fn, void *ctx)
{
    begin(session);
    struct wait wait = {.session = session, .entry = fn, .entry_ctx = ctx};
    return wait_for(&wait,
                    client_dir_start(session->core, bytes_str(path), on_entry, on_listed, &wait));
}

static void on_found(void *ctx, enum ferry_error result, const struct ferry_entry *entry)
{
    struct wait *wait = ctx;
    if (result == FERRY_OK)
        result = client_entry_copy(entry, bytes_str(entry->name), &wait->session->found);
    if (result == FERRY_E_MEMORY)
        fault_set(&wait->session->core->fault, result, "no memory for an entry");
    on_done(ctx, result);
}

enum ferry_error ferry_stat(ferry_session *session, const char *path, struct ferry_entry *out)
{
    begin(session);
    struct wait wait = {.session = session};
    enum ferry_error error = wait_for(
        &wait, client_stat_start(session->core, bytes_str(path), CLIENT_STAT_ALL, on_found, &wait));
    if (error == FERRY_OK)
        *out = session->found.face;
    return error;
}

enum ferry_error ferry_remove(ferry_session *session, const char *path)
{
    begin(session);
    struct wait wait = {.session = session};
    return wait_for(&wait, client_remove_start(session->core, bytes_str(path), on_done, &wait));
}

enum ferry_error ferry_rename(ferry_session *session, const char *from, const char *to)
{
    begin(session);
    struct wait wait = {.session = session};
    return wait_for(
        &wait, client_rename_start(session->core, bytes_str(from), bytes_str(to), on_done, &wait));
}

enum ferry_error ferry_make_directory(ferry_session *session, const char *path)
{
    begin(session);
    struct wait wait = {.session = session};
    return wait_for(&wait,
                    client_make_directory_start(session->core, bytes_str(path), on_done, &wait));
}

enum ferry_error ferry_remove_directory(ferry_session *session, const char *path)
{
    begin(session);
    struct wait wait = {.session = session};
    return wait_for(&wait,
                    client_remove_directory_start(session->core, bytes_str(path), on_done, &wait));
}

/* ---- trees ---- */

enum ferry_error ferry_get_tree(ferry_session *session, const char *remote, const char *local,
                                unsigned flags, ferry_tree_fn *fn, void *ctx)
{
    begin(session);
    const struct client_tree_want want = {
        .remote = remote, .local = local, .flags = flags, .fn = fn, .fn_ctx = ctx};
    struct wait wait = {.session = session};
    return wait_for(&wait, client_tree_get_start(session->core, &want, on_done, &wait));
}

enum ferry_error ferry_put_tree(ferry_session *session, const char *local, const char *remote,
                                unsigned flags, ferry_tree_fn *fn, void *ctx)
{
    begin(session);
    const struct client_tree_want want = {
        .remote = remote, .local = local, .flags = flags, .fn = fn, .fn_ctx = ctx};
    struct wait wait = {.session = session};
    return wait_for(&wait, client_tree_put_start(session->core, &want, on_done, &wait));
}

/* ---- why ---- */

struct ferry_failure ferry_failure_of(const ferry_session *session)
{
    return client_failure(&session->core->fault);
}

const char *ferry_error_name(enum ferry_error error)
{
    return fault_kind_name(error);
}

const char *ferry_tls_description(ferry_session *session)
{
    session->description[0] = '\0';
    if (client_session_is_sealed(session->core)) {
        const struct tls_facts *facts = tls_engine_facts(stream_tls(session->core->control));
        snprintf(session->description, sizeof(session->description), "%s, %s", facts->version_name,
                 facts->cipher);
    }
    return session->description;
}
