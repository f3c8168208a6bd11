/* ferryd-hooks: the process that tells others of what happens, and asks them about uploads. It runs
 * programs of the operator's and speaks HTTP; it sees no client, no key and no password. */
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "ferryd/given.h"
#include "ferryd/hooks/checks.h"
#include "ferryd/hooks/desk.h"
#include "ferryd/hooks/http.h"
#include "ferryd/hooks/outbox.h"
#include "ferryd/hooks/places.h"
#include "ferryd/hooks/post.h"
#include "ferryd/role.h"
#include "ferryd/settings.h"

struct hooks {
    struct role_main *role;
    struct given given; /* its settings stay */
    struct log log;
    struct places places;
    struct desk desk;
};

static void hooks_begin(void *ctx, struct role_main *role)
{
    struct hooks *hooks = ctx;
    hooks->role = role;
    given_init(&hooks->given);
    role_log(role, &hooks->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
    desk_init(&hooks->desk, role_loop(role), &hooks->log);
}

static enum ferry_error hooks_settings(void *ctx, int fd, struct fault *fault)
{
    struct hooks *hooks = ctx;
    return given_settings(&hooks->given, fd, fault);
}

static enum ferry_error hooks_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                      struct fault *fault)
{
    (void)number;
    struct hooks *hooks = ctx;
    if (peer != ROLE_WORKER) {
        fd_close(&fd);
        return fault_set(fault, FERRY_E_PROTOCOL, "hooks has no channel to %s", role_name(peer));
    }
    if (desk_add(&hooks->desk, fd) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    return FERRY_OK;
}

/* Programs inherit this: they may use the network, and whatever paths are left. */
static enum ferry_error confine(struct hooks *hooks, const struct role_identity *identity,
                                struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 4096}};
    static const struct landlock_ports any = {0, UINT16_MAX};
    const struct landlock_rules rules = {
        .paths = hooks->places.paths,
        .path_count = hooks->places.count,
        .connect = &any,
        .connect_count = 1,
    };
    return role_confine(hooks->role, identity, &rules, limits, ARRAY_LEN(limits), fault);
}

/* The outbox is opened by who this process is then. */
static enum ferry_error open_desk(struct hooks *hooks, struct fault *fault)
{
    char path[PLACES_PATH_BYTES + 16];
    struct loop *loop = role_loop(hooks->role);
    struct outbox *outbox = NULL;
    struct post *post = NULL;
    const struct conf *conf = hooks->given.conf;
    const struct post_setup post_setup = {loop, &hooks->log, conf, hooks->places.temporary};
    const struct checks_setup checks_setup = {loop, &hooks->log, conf, hooks->places.temporary,
                                              desk_checked};
    snprintf(path, sizeof(path), "%s/outbox", hooks->places.folder);
    struct checks *checks = checks_new(&checks_setup);
    enum ferry_error error = outbox_open(path, &outbox, fault);
    if (error == FERRY_OK)
        error = post_new(&post_setup, outbox, &post, fault);
    if (error == FERRY_OK && (!checks || desk_open(&hooks->desk, post, checks) != FERRY_OK))
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for the hooks");
    if (error == FERRY_E_FILE)
        fault_advise(fault, "look at %s", path);
    return error;
}

static enum ferry_error hooks_start(void *ctx, const struct role_identity *identity,
                                    struct fault *fault)
{
    struct hooks *hooks = ctx;
    const struct conf *conf = hooks->given.conf;
    if (!conf)
        return fault_set(fault, FERRY_E_STATE, "no settings came");
    const struct settings_global *global = settings_global(conf);
    role_log(hooks->role, &hooks->log, global->log_level, global->log_form);
    if (identity->uid == 0)
        log_event(&hooks->log, LOG_LEVEL_ERROR, "server.root", F_STR("role", "hooks"),
                  F_STR("reason", "there is no user of its own for it, so programs run as root"),
                  F_STR("side", "server"),
                  F_STR("advice", "make the users: see sysusers.d/ferryd.conf"));
    if (!http_prepare(role_loop(hooks->role)))
        return fault_set(fault, FERRY_E_MEMORY, "libcurl cannot be used");
    enum ferry_error error = places_init(&hooks->places, conf, identity->uid, identity->gid, fault);
    if (error == FERRY_OK)
        error = confine(hooks, identity, fault);
    places_fini(&hooks->places);
    return error == FERRY_OK ? open_desk(hooks, fault) : error;
}

int main(void)
{
    static const struct role_handlers handlers = {
        .settings = hooks_settings,
        .channel = hooks_channel,
        .start = hooks_start,
    };
    static struct hooks hooks;
    _exit(role_run(ROLE_HOOKS, &handlers, hooks_begin, &hooks));
}
