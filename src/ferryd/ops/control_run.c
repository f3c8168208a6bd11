/* What the words of the control socket do. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/messages.h"
#include "ferryd/ops/control_private.h"
#include "ferryd/ops/control_words.h"

static void drop_wish(struct client_wish *wish)
{
    LIST_REMOVE(wish, link);
    alloc_free(wish);
}

void control_stop(struct control_client *client)
{
    struct client_wish *wish;
    refresh_cancel(client->wait);
    client->wait = NULL;
    while ((wish = LIST_FIRST(&client->wishes))) {
        peers_forget(wish->wish);
        drop_wish(wish);
    }
}

/* One more wish of the request; NULL: memory is short. */
static struct client_wish *add_wish(struct control_client *client)
{
    struct client_wish *wish = alloc_zero(sizeof(*wish));
    if (!wish)
        return NULL;
    wish->client = client;
    LIST_INSERT_HEAD(&client->wishes, wish, link);
    return wish;
}

/* ---- words that only tell ---- */

static const struct {
    unsigned needs; /* of refresh.h */
    json_t *(*tell)(const struct state *state);
} tellers[CONTROL_WORDS] = {
    [CONTROL_STATUS] = {REFRESH_PROCESSES | REFRESH_SESSIONS, control_status},
    [CONTROL_SESSIONS] = {REFRESH_SESSIONS, control_sessions},
    [CONTROL_ACCOUNTS] = {REFRESH_ACCOUNTS | REFRESH_SESSIONS, control_accounts},
    [CONTROL_BANS] = {REFRESH_BANS, control_bans},
};

static void told(void *ctx)
{
    struct control_client *client = ctx;
    client->wait = NULL;
    control_reply(client, tellers[client->request.word].tell(client->control->setup.state));
}

/* Goes on with `done` when the state is new. */
static void refresh(struct control_client *client, unsigned needs, refresh_done_fn *done)
{
    if (refresh_begin(peers_refresh(client->control->setup.peers), needs, done, client,
                      &client->wait) != FERRY_OK)
        control_refuse(client, "the server's memory is short", "");
}

/* ---- kick ---- */

static void kicked_all(struct control_client *client)
{
    char error[CONTROL_TARGET_BYTES + 64];
    if (client->wish_count > 0) {
        control_reply(client, json_pack("{s:i}", "ended", (int)client->wish_done));
        return;
    }
    snprintf(error, sizeof(error), "no session has the id, account or address %s",
             client->request.target);
    control_refuse(client, error, "ferryctl sessions shows them");
}

static void on_kicked(void *ctx, bool done, struct bytes words)
{
    (void)words;
    struct client_wish *wish = ctx;
    struct control_client *client = wish->client;
    client->wish_done += done;
    drop_wish(wish);
    if (LIST_EMPTY(&client->wishes))
        kicked_all(client);
}

static void kick_one(struct control_client *client, const struct state_session *session)
{
    struct client_wish *wish = add_wish(client);
    if (!wish)
        return;
    wish->wish = peers_kick(client->control->setup.peers, session, on_kicked, wish);
    if (wish->wish)
        client->wish_count++;
    else
        drop_wish(wish);
}

static void kick(void *ctx)
{
    struct control_client *client = ctx;
    const struct state_session *session;
    client->wait = NULL;
    client->wish_count = client->wish_done = 0;
    TAILQ_FOREACH (session, &client->control->setup.state->sessions, link)
        if (control_is_target(session, client->request.target))
            kick_one(client, session);
    log_event(client->control->setup.log, LOG_LEVEL_NOTICE, "operator.kick",
              F_STR("target", client->request.target), F_U64("sessions", client->wish_count));
    if (LIST_EMPTY(&client->wishes))
        kicked_all(client);
}

/* ---- reload, drain ---- */

static void on_reloaded(void *ctx, bool done, struct bytes words)
{
    struct client_wish *wish = ctx;
    struct control_client *client = wish->client;
    const struct state *state = client->control->setup.state;
    const char *file = state->config_file ? state->config_file : "";
    drop_wish(wish);
    if (done) {
        control_reply(client, json_pack("{s:b, s:s}", "loaded", 1, "configuration", file));
        return;
    }
    CLEANUP(alloc_free_str) char *text = alloc_bytes(words);
    control_refuse_for(client, "the configuration was not loaded",
                       "the old one holds; mend the file and try again", text ? text : "");
}

static void reload(struct control_client *client)
{
    struct client_wish *wish = add_wish(client);
    if (wish)
        wish->wish = peers_reload(client->control->setup.peers, on_reloaded, wish);
    if (wish && wish->wish)
        return;
    if (wish)
        drop_wish(wish);
    control_refuse(client, "the server's memory is short", "");
}

static void drain(struct control_client *client)
{
    const struct control_request *request = &client->request;
    uint64_t grace_ns =
        request->has_grace ? request->grace_s * CLOCK_NS_PER_S : MESSAGE_DRAIN_PATIENT;
    log_event(client->control->setup.log, LOG_LEVEL_NOTICE, "operator.drain",
              F_U64("sessions", client->control->setup.state->session_count));
    peers_drain(client->control->setup.peers, grace_ns);
    control_reply(client, json_pack("{s:b}", "draining", 1));
}

/* ---- bans ---- */

static void on_banned(void *ctx, bool done, struct bytes words)
{
    struct client_wish *wish = ctx;
    struct control_client *client = wish->client;
    CLEANUP(alloc_free_str) char *text = alloc_bytes(words);
    drop_wish(wish);
    if (done)
        control_reply(client,
                      json_pack("{s:b, s:s}", "done", 1, "address", client->request.target));
    else
        control_refuse(client, text && text[0] ? text : "it was not done",
                       "ferryctl bans shows who is banned");
}

static void ban(struct control_client *client)
{
    const struct control_request *request = &client->request;
    struct client_wish *wish = add_wish(client);
    if (wish)
        wish->wish =
            peers_ban(client->control->setup.peers, request->target,
                      request->word == CONTROL_BAN ? request->seconds : 0, on_banned, wish);
    if (wish && wish->wish)
        return;
    if (wish)
        drop_wish(wish);
    control_refuse(client, "ferryd-auth, which keeps the bans, is not there", "try again soon");
}

/* ---- log ---- */

static void tell_log(struct control_client *client)
{
    client->follows = client->request.follow;
    client->failures = client->request.failures;
    control_reply(client, control_log(client->control->setup.state, &client->request));
}

void control_run(struct control_client *client)
{
    switch (client->request.word) {
    case CONTROL_STATUS:
    case CONTROL_SESSIONS:
    case CONTROL_ACCOUNTS:
    case CONTROL_BANS:
        refresh(client, tellers[client->request.word].needs, told);
        break;
    case CONTROL_KICK:
        refresh(client, REFRESH_SESSIONS, kick);
        break;
    case CONTROL_RELOAD:
        reload(client);
        break;
    case CONTROL_DRAIN:
        drain(client);
        break;
    case CONTROL_BAN:
    case CONTROL_UNBAN:
        ban(client);
        break;
    case CONTROL_LOG:
        tell_log(client);
        break;
    case CONTROL_WORDS:
        break;
    }
}
