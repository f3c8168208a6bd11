/* ferryd-pam: the process that PAM is asked by. Its modules run programs and open what they like,
 * as root if ferryd was started by it: so they are not in ferryd-auth, but in processes that this
 * one starts, one for each conversation, and that know no more than what they were asked. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "ferryd/given.h"
#include "ferryd/pam/broker.h"
#include "ferryd/pam/conversation.h"
#include "ferryd/role.h"
#include "ferryd/settings.h"
#include "proc/seccomp.h"

struct pam {
    struct role_main *role;
    struct given given;
    struct log log;
    struct broker broker;
    struct loop_task *leave;
    bool started;
    int auth; /* until the start; then -1 */
    char program[PATH_MAX];
};

static void pam_begin(void *ctx, struct role_main *role)
{
    struct pam *pam = ctx;
    pam->role = role;
    pam->auth = -1;
    given_init(&pam->given);
    role_log(role, &pam->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
    broker_init(&pam->broker, role_loop(role), &pam->log);
}

static enum ferry_error pam_settings(void *ctx, int fd, struct fault *fault)
{
    struct pam *pam = ctx;
    return given_settings(&pam->given, fd, fault);
}

static enum ferry_error pam_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                    struct fault *fault)
{
    struct pam *pam = ctx;
    CLEANUP(fd_close) int owned = fd;
    (void)number;
    if (peer != ROLE_AUTH)
        return fault_set(fault, FERRY_E_PROTOCOL, "pam has no channel to %s", role_name(peer));
    if (!pam->started) {
        fd_close(&pam->auth);
        pam->auth = fd_take(&owned);
        return FERRY_OK;
    }
    if (broker_connect(&pam->broker, fd_take(&owned)) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    return FERRY_OK;
}

/* ---- the start ---- */

/* Neither another user nor Landlock: the conversations inherit all of it, and what modules need is
 * theirs to say. */
static enum ferry_error confine(const struct role_identity *identity, struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 1024}};
    const struct privs privs = {
        .uid = identity->uid,
        .gid = identity->gid,
        .groups = identity->groups,
        .group_count = identity->group_count,
        .capabilities = privs_login_capabilities(),
        .limits = limits,
        .limit_count = ARRAY_LEN(limits),
    };
    enum ferry_error error = privs_enter(&privs, fault);
    if (error == FERRY_OK && identity->confinement != CONFINE_OFF)
        error = seccomp_enter(ROLE_PAM, SECCOMP_EPERM, fault);
    return error;
}

static void on_idle(void *ctx)
{
    struct pam *pam = ctx;
    role_leave(pam->role);
}

static enum ferry_error pam_start(void *ctx, const struct role_identity *identity,
                                  struct fault *fault)
{
    struct pam *pam = ctx;
    if (!pam->given.conf)
        return fault_set(fault, FERRY_E_STATE, "no settings came");
    const struct settings_global *global = settings_global(pam->given.conf);
    role_log(pam->role, &pam->log, global->log_level, global->log_form);
    ssize_t len = readlink("/proc/self/exe", pam->program, sizeof(pam->program) - 1);
    if (len <= 0)
        return fault_errno(fault, FERRY_E_FILE, "find the program of this process");
    pam->broker.program = pam->program;
    pam->broker.service = global->pam_service; /* the settings stay */
    pam->broker.patience_ns = global->pam_timeout_ns;
    pam->leave = loop_task_new(role_loop(pam->role), on_idle, pam);
    if (!pam->leave)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    enum ferry_error error = confine(identity, fault);
    pam->started = error == FERRY_OK;
    if (pam->started && pam->auth >= 0)
        error = broker_connect(&pam->broker, fd_take(&pam->auth));
    return error;
}

/* ---- the end ---- */

static void pam_drain(void *ctx, uint64_t grace_ns)
{
    struct pam *pam = ctx;
    (void)grace_ns;
    broker_leave(&pam->broker, on_idle, pam);
    if (pam->broker.running == 0)
        loop_task_post(pam->leave);
}

int main(int argc, char **argv)
{
    static const struct role_handlers handlers = {
        .settings = pam_settings,
        .channel = pam_channel,
        .start = pam_start,
        .drain = pam_drain,
    };
    static struct pam pam;
    /* At once: what modules have left to be done at exit is not wanted. */
    if (argc == 2 && strcmp(argv[1], "conversation") == 0)
        _exit(conversation_main());
    _exit(role_run(ROLE_PAM, &handlers, pam_begin, &pam));
}
