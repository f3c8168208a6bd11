/* ferryd-files: the files of one user id, for the sessions that auth has granted them to. It has no
 * network and no other user's rights.
 *
 * Landlock goes by where a thing is found, whatever descriptor it is reached by, and what it has
 * left to a process cannot be widened. So the supervisor names the folders before the start
 * (MESSAGE_FILE); a grant outside of them needs another process. Without any, Landlock leaves every
 * path, and the user id alone says which files are reached. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "ferryd/files/quotas.h"
#include "ferryd/files/session.h"
#include "ferryd/role.h"
#include "store/sweep.h"

enum { FOLDERS_MAX = 64, DESCRIPTORS_MAX = 16384, LISTINGS_BYTES = 64 * 1024 * 1024 };

struct files {
    struct role_main *self;
    struct landlock_path folders[FOLDERS_MAX];
    size_t folder_count;
    size_t sessions, sweeps;
    bool draining;
    struct loop_timer *grace;
    struct dir_budget listings; /* of all sessions together */
    struct quotas quotas;
    struct log log;
};

/* ---- serving ---- */

static void leave_if_idle(struct files *files)
{
    if (files->draining && files->sessions == 0 && files->sweeps == 0)
        role_leave(files->self);
}

static void on_ended(void *ctx, const struct fault *why)
{
    struct files *files = ctx;
    files->sessions--;
    if (fault_is_set(why))
        log_event(&files->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "worker"),
                  F_VISIBLE("reason", why->what), F_STR("side", "server"),
                  F_STR("advice", "a worker says what it must not: restart ferryd and look for "
                                  "other signs of an attack"));
    leave_if_idle(files);
}

/* A grant that cannot be served is refused by closing its channel. */
static void attach(struct files *files, struct wire_reader *reader, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    (void)wire_get_u64(reader); /* the grant is the supervisor's to know */
    CLEANUP(alloc_free_str) char *root = alloc_bytes(wire_get_bytes(reader));
    struct bytes owner = wire_get_bytes(reader);
    unsigned rules = wire_get_u8(reader);
    CLEANUP(alloc_free_str) char *denied = alloc_bytes(wire_get_bytes(reader));
    uint64_t quota_bytes = wire_get_u64(reader);
    uint64_t quota_files = wire_get_u64(reader);
    CLEANUP(alloc_free_str) char *rights = alloc_bytes(wire_get_bytes(reader));
    CLEANUP(alloc_free_str) char *roots = alloc_bytes(wire_get_bytes(reader));
    bool limited = quota_bytes > 0 || quota_files > 0;
    bool whole = root && denied && rights && roots;
    struct quota *quota =
        whole && limited ? quotas_find(&files->quotas, owner, root, roots, quota_bytes, quota_files)
                         : NULL;
    const struct files_grant grant = {
        .root = root,
        .rights = rights,
        .roots = roots,
        .owner = owner,
        .rules = {.read_only = rules & MESSAGE_RULE_READ_ONLY,
                  .upload_in_place = rules & MESSAGE_RULE_IN_PLACE,
                  .hide_dotfiles = rules & MESSAGE_RULE_HIDE_DOTFILES,
                  .control_bytes = rules & MESSAGE_RULE_CONTROL_BYTES,
                  .denied_names = rules & MESSAGE_RULE_DENIED_NAMES ? denied : NULL,
                  .listings = &files->listings,
                  .quota = quota},
    };
    if (whole && (quota || !limited) &&
        files_session_new(role_loop(files->self), &grant, fd_take(&owned), on_ended, files) ==
            FERRY_OK)
        files->sessions++;
}

/* ---- sweeping ---- */

struct sweep {
    struct files *files;
    char *root;
    struct timespec before;
};

static void sweep_work(void *ctx)
{
    const struct sweep *sweep = ctx;
    struct root root;
    uint64_t removed = 0;
    if (root_init(&root, sweep->root, ROOT_LINKS_DENY, 0, NULL) != FERRY_OK)
        return;
    (void)!sweep_parts(&root, sweep->before, &removed, NULL); /* what stays meets the next one */
    root_fini(&root);
}

static void sweep_done(void *ctx)
{
    struct sweep *sweep = ctx;
    struct files *files = sweep->files;
    alloc_free(sweep->root);
    alloc_free(sweep);
    files->sweeps--;
    leave_if_idle(files);
}

/* One that cannot be begun is no harm: another will come. */
static void begin_sweep(struct files *files, struct wire_reader *reader)
{
    CLEANUP(alloc_free_str) char *root = alloc_bytes(wire_get_bytes(reader));
    struct sweep *sweep = root ? alloc_zero(sizeof(*sweep)) : NULL;
    if (!sweep)
        return;
    *sweep =
        (struct sweep){.files = files, .root = root, .before = {.tv_sec = wire_get_i64(reader)}};
    root = NULL;
    files->sweeps++;
    if (loop_job(role_loop(files->self), sweep_work, sweep_done, sweep) != FERRY_OK)
        sweep_done(sweep);
}

/* ---- what the supervisor says ---- */

/* What it has to know comes with each grant. */
static enum ferry_error on_settings(void *ctx, int fd, struct fault *fault)
{
    (void)ctx;
    (void)fault;
    fd_close(&fd);
    return FERRY_OK;
}

static enum ferry_error on_folder(void *ctx, struct bytes name, int fd, struct fault *fault)
{
    struct files *files = ctx;
    CLEANUP(fd_close) int owned = fd;
    struct stat status;
    if (files->folder_count == ARRAY_LEN(files->folders))
        return fault_set(fault, FERRY_E_LIMIT, "more than %d folders", FOLDERS_MAX);
    if (fstat(fd, &status) < 0 || !S_ISDIR(status.st_mode))
        return fault_set(fault, FERRY_E_ARGUMENT, "%.*s is no folder", BYTES_FMT(name));
    files->folders[files->folder_count++] = (struct landlock_path){
        .fd = fd_take(&owned), .rights = LANDLOCK_MAY_READ | LANDLOCK_MAY_WRITE};
    return FERRY_OK;
}

static enum ferry_error on_start(void *ctx, const struct role_identity *identity,
                                 struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, DESCRIPTORS_MAX}};
    struct files *files = ctx;
    if (!files->grace)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a timer");
    umask(0); /* the modes of what is made are the store's matter */
    if (files->folder_count == 0) {
        int all = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (all < 0)
            return fault_errno(fault, FERRY_E_FILE, "open /");
        enum ferry_error error = on_folder(files, BYTES_LIT("/"), all, fault);
        if (error != FERRY_OK)
            return error;
    }
    const struct landlock_rules rules = {.paths = files->folders,
                                         .path_count = files->folder_count};
    enum ferry_error error =
        role_confine(files->self, identity, &rules, limits, ARRAY_LEN(limits), fault);
    for (size_t i = 0; i < files->folder_count; i++)
        fd_close(&files->folders[i].fd);
    return error;
}

static void on_grace_over(void *ctx)
{
    struct files *files = ctx;
    role_leave(files->self);
}

static void on_drain(void *ctx, uint64_t grace_ns)
{
    struct files *files = ctx;
    files->draining = true;
    uint64_t now_ns = loop_now_ns(role_loop(files->self));
    loop_timer_at(files->grace, grace_ns < CLOCK_NEVER - now_ns ? now_ns + grace_ns : CLOCK_NEVER);
    leave_if_idle(files);
}

static enum ferry_error on_other(void *ctx, const struct wire_message *row,
                                 struct wire_reader *reader, struct channel_message *raw,
                                 struct fault *fault)
{
    if (row->type == MESSAGE_ATTACH)
        attach(ctx, reader, fd_take(&raw->fds[0]));
    else if (row->type == MESSAGE_SWEEP)
        begin_sweep(ctx, reader);
    else
        return fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for files", row->name);
    return FERRY_OK;
}

static const struct role_handlers handlers = {
    .settings = on_settings,
    .file = on_folder,
    .start = on_start,
    .drain = on_drain,
    .other = on_other,
};

static void begin(void *ctx, struct role_main *self)
{
    struct files *files = ctx;
    files->self = self;
    role_log(self, &files->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
    files->listings.max_bytes = LISTINGS_BYTES;
    quotas_init(&files->quotas);
    files->grace = loop_timer_new(role_loop(self), on_grace_over, files);
}

int main(void)
{
    static struct files files;
    int status = role_run(ROLE_FILES, &handlers, begin, &files);
    _exit(status); /* the system takes back what is still open; nothing may be called at an end
                      that seccomp does not know */
}
