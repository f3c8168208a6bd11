/* The operator's page as a part of ferryd-ops. */
#include "ferryd/ops/front.h"

#include <string.h>

#include "account/password.h"
#include "base/fd.h"
#include "ferryd/ops/web/site.h"
#include "net/socket.h"

/* The page shows what came of it. */
static void on_done(void *ctx, bool done, struct bytes words)
{
    (void)ctx;
    (void)done;
    (void)words;
}

static bool kick(void *ctx, uint64_t id)
{
    const struct front *front = ctx;
    const struct state_session *session = TAILQ_FIRST(&front->setup.state->sessions);
    while (session && session->id != id)
        session = TAILQ_NEXT(session, link);
    return session && peers_kick(front->setup.peers, session, on_done, NULL);
}

static bool unban(void *ctx, const char *address)
{
    const struct front *front = ctx;
    const struct state_ban *ban = TAILQ_FIRST(&front->setup.state->bans);
    while (ban && strcmp(ban->address, address) != 0)
        ban = TAILQ_NEXT(ban, link);
    return ban && peers_ban(front->setup.peers, address, 0, on_done, NULL);
}

static void say_listening(const struct front *front, int fd)
{
    struct address at;
    char text[ADDRESS_TEXT_BYTES];
    if (socket_local(fd, &at) != FERRY_OK)
        return;
    address_text(&at, text);
    log_event(front->setup.log, LOG_LEVEL_NOTICE, "web.listen", F_STR("address", text),
              F_U64("port", address_port(&at)));
}

enum ferry_error front_open(struct front *front, const struct front_setup *setup,
                            const struct settings_global *global, int fd, struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    if (fd < 0)
        return FERRY_OK;
    front->setup = *setup;
    if (!global->web_password_hash || !password_hash_is_usable(global->web_password_hash)) {
        log_event(
            setup->log, LOG_LEVEL_ERROR, "web.off",
            F_STR("reason", "web_password_hash is no hash of a password that is in use today"),
            F_STR("side", "server"), F_STR("advice", "\"ferryd hash\" makes one"));
        return FERRY_OK;
    }
    const struct web_setup web = {
        .loop = setup->loop,
        .clock = &clock_system,
        .log = setup->log,
        .state = setup->state,
        .deeds = {.kick = kick, .unban = unban, .ctx = front},
        .user = global->web_user,
        .password_hash = global->web_password_hash,
        .hosts = global->web_hosts.list,
        .host_count = global->web_hosts.count,
    };
    say_listening(front, fd);
    return site_new(&web, peers_refresh(setup->peers), fd_take(&owned), &front->site, fault);
}
