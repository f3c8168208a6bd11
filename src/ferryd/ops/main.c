/* ferryd-ops: the process that an operator asks what the server does, and that has it do things. It
 * outlives reloads. It has no files; its sockets are given. */
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/given.h"
#include "ferryd/ops/state.h"
#include "ferryd/role.h"
#include "ferryd/settings.h"

struct ops {
    struct role_main *role;
    struct given given;
    struct log log;
    struct state state;
};

static void ops_begin(void *ctx, struct role_main *role)
{
    struct ops *ops = ctx;
    ops->role = role;
    given_init(&ops->given);
    state_init(&ops->state);
    role_log(role, &ops->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
}

static enum ferry_error ops_settings(void *ctx, int fd, struct fault *fault)
{
    struct ops *ops = ctx;
    return given_settings(&ops->given, fd, fault);
}

static enum ferry_error ops_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                    struct fault *fault)
{
    (void)ctx;
    (void)number;
    (void)peer;
    (void)fault;
    fd_close(&fd);
    return FERRY_OK;
}

static enum ferry_error ops_start(void *ctx, const struct role_identity *identity,
                                  struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 1024}};
    struct ops *ops = ctx;
    if (!ops->given.conf)
        return fault_set(fault, FERRY_E_STATE, "no settings came");
    const struct settings_global *global = settings_global(ops->given.conf);
    role_log(ops->role, &ops->log, global->log_level, global->log_form);
    given_fini(&ops->given);
    return role_confine(ops->role, identity, NULL, limits, ARRAY_LEN(limits), fault);
}

int main(void)
{
    static const struct role_handlers handlers = {
        .settings = ops_settings,
        .channel = ops_channel,
        .start = ops_start,
    };
    static struct ops ops;
    /* At once: what else is done at exit needs more than the role may. */
    _exit(role_run(ROLE_OPS, &handlers, ops_begin, &ops));
}
