/* Whom ferryd-ops speaks to. */
#include "ferryd/ops/peers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "ferryd/messages.h"
#include "ferryd/ops/peers_private.h"
#include "ferryd/ops_wire.h"

static const uint64_t REFRESH_NS = 2 * CLOCK_NS_PER_S;

/* ---- waiting for the state ---- */

static void wait_free(struct refresh_wait *wait)
{
    TAILQ_REMOVE(&wait->peers->waits, wait, link);
    loop_timer_free(wait->late);
    alloc_free(wait);
}

void refresh_cancel(struct refresh_wait *wait)
{
    if (wait)
        wait_free(wait);
}

static void wait_over(struct refresh_wait *wait)
{
    refresh_done_fn *done = wait->done;
    void *ctx = wait->ctx;
    wait_free(wait);
    done(ctx);
}

static void on_late(void *ctx)
{
    wait_over(ctx);
}

/* All that were begun before the number `asked` have their answers, if nobody asked before it still
 * owes one. */
static void on_settle(void *ctx)
{
    struct peers *peers = ctx;
    struct refresh_wait *wait = TAILQ_FIRST(&peers->waits);
    while (wait) {
        struct refresh_wait *next = TAILQ_NEXT(wait, link);
        const struct peer *peer;
        bool owed = peers->status_ask != 0 && peers->status_ask <= wait->number &&
                    (wait->what & REFRESH_PROCESSES);
        LIST_FOREACH (peer, &peers->list, link)
            owed |= (peer->ask != 0 && peer->ask <= wait->number && (wait->what & peer->what)) ||
                    (peer->bans_ask != 0 && peer->bans_ask <= wait->number &&
                     (wait->what & REFRESH_BANS));
        if (!owed) {
            wait_over(wait);
            loop_task_post(peers->settle); /* the list may be another one now */
            return;
        }
        wait = next;
    }
}

/* ---- asking ---- */

static bool send_to(struct link *link)
{
    struct fault fault = {0};
    return link_send(link, NULL, 0, &fault) == FERRY_OK;
}

static void ask_worker(struct peer *peer, uint64_t after)
{
    struct wire_writer *writer = link_begin(peer->channel, OPS_VIEW);
    wire_put_u64(writer, peer->ask);
    wire_put_u64(writer, after);
    if (!send_to(peer->channel))
        peer->ask = 0;
}

static void ask_auth(struct peer *peer)
{
    state_forget_accounts(peer->peers->setup.state);
    wire_put_u64(link_begin(peer->channel, MESSAGE_ACCOUNTS_ASK), peer->ask);
    if (!send_to(peer->channel))
        peer->ask = 0;
}

static void ask_bans(struct peer *peer, uint64_t number)
{
    state_forget_bans(peer->peers->setup.state);
    wire_put_u64(link_begin(peer->channel, MESSAGE_BANS_ASK), number);
    peer->bans_ask = send_to(peer->channel) ? number : 0;
}

static void ask_supervisor(struct peers *peers, uint64_t number)
{
    wire_put_u64(link_begin(peers->setup.supervisor, MESSAGE_STATUS_ASK), number);
    if (send_to(peers->setup.supervisor))
        peers->status_ask = number;
}

/* The auth of the newest crew. */
static struct peer *newest_auth(const struct peers *peers)
{
    struct peer *peer;
    struct peer *found = NULL;
    LIST_FOREACH (peer, &peers->list, link)
        if (peer->role == ROLE_AUTH && (!found || peer->number > found->number))
            found = peer;
    return found;
}

/* Whoever is still answering is not asked again: its answer is new enough. */
static void ask_all(struct peers *peers, unsigned what, uint64_t number)
{
    struct peer *peer;
    LIST_FOREACH (peer, &peers->list, link) {
        if (peer->role != ROLE_WORKER || !(what & REFRESH_SESSIONS) || peer->ask != 0)
            continue;
        peer->ask = number;
        peer->what = REFRESH_SESSIONS;
        peer->fresh = true;
        ask_worker(peer, 0);
    }
    peer = newest_auth(peers);
    if (peer && (what & REFRESH_ACCOUNTS) && peer->ask == 0) {
        peer->ask = number;
        peer->what = REFRESH_ACCOUNTS;
        ask_auth(peer);
    }
    if (peer && (what & REFRESH_BANS) && peer->bans_ask == 0)
        ask_bans(peer, number);
    if ((what & REFRESH_PROCESSES) && peers->status_ask == 0)
        ask_supervisor(peers, number);
}

enum ferry_error refresh_begin(struct refresh *refresh, unsigned what, refresh_done_fn *done,
                               void *ctx, struct refresh_wait **out)
{
    struct peers *peers = (struct peers *)refresh;
    struct refresh_wait *wait = alloc_zero(sizeof(*wait));
    if (!wait)
        return FERRY_E_MEMORY;
    wait->peers = peers;
    wait->number = ++peers->last;
    wait->what = what;
    wait->done = done;
    wait->ctx = ctx;
    TAILQ_INSERT_TAIL(&peers->waits, wait, link);
    wait->late = loop_timer_new(peers->setup.loop, on_late, wait);
    if (!wait->late) {
        wait_free(wait);
        return FERRY_E_MEMORY;
    }
    loop_timer_at(wait->late, loop_now_ns(peers->setup.loop) + REFRESH_NS);
    ask_all(peers, what, wait->number);
    loop_task_post(peers->settle);
    *out = wait;
    return FERRY_OK;
}

struct refresh *peers_refresh(struct peers *peers)
{
    return (struct refresh *)peers;
}

/* ---- wishes ---- */

static struct peers_wish *wish_new(struct peers *peers, uint32_t worker, peers_done_fn *done,
                                   void *ctx)
{
    struct peers_wish *wish = alloc_zero(sizeof(*wish));
    if (!wish)
        return NULL;
    *wish = (struct peers_wish){
        .number = ++peers->last, .worker = worker, .done = done, .ctx = ctx, .peers = peers};
    LIST_INSERT_HEAD(&peers->wishes, wish, link);
    return wish;
}

void peers_forget(struct peers_wish *wish)
{
    if (!wish)
        return;
    LIST_REMOVE(wish, link);
    alloc_free(wish);
}

void peers_wish_over(struct peers_wish *wish, bool done, struct bytes words)
{
    peers_done_fn *fn = wish->done;
    void *ctx = wish->ctx;
    peers_forget(wish);
    fn(ctx, done, words);
}

struct peers_wish *peers_find_wish(const struct peers *peers, uint64_t number)
{
    struct peers_wish *wish = LIST_FIRST(&peers->wishes);
    while (wish && wish->number != number)
        wish = LIST_NEXT(wish, link);
    return wish;
}

struct peers_wish *peers_reload(struct peers *peers, peers_done_fn *done, void *ctx)
{
    struct peers_wish *wish = wish_new(peers, 0, done, ctx);
    if (!wish)
        return NULL;
    wire_put_u64(link_begin(peers->setup.supervisor, MESSAGE_RELOAD_ASK), wish->number);
    if (send_to(peers->setup.supervisor))
        return wish;
    peers_forget(wish);
    return NULL;
}

struct peers_wish *peers_kick(struct peers *peers, const struct state_session *session,
                              peers_done_fn *done, void *ctx)
{
    struct peer *peer = LIST_FIRST(&peers->list);
    while (peer && !(peer->role == ROLE_WORKER && peer->number == session->worker))
        peer = LIST_NEXT(peer, link);
    struct peers_wish *wish = peer ? wish_new(peers, peer->number, done, ctx) : NULL;
    if (!wish)
        return NULL;
    struct wire_writer *writer = link_begin(peer->channel, OPS_KICK);
    wire_put_u64(writer, wish->number);
    wire_put_u64(writer, session->id);
    if (send_to(peer->channel))
        return wish;
    peers_forget(wish);
    return NULL;
}

struct peers_wish *peers_ban(struct peers *peers, const char *address, uint64_t seconds,
                             peers_done_fn *done, void *ctx)
{
    struct peer *peer = newest_auth(peers);
    struct peers_wish *wish = peer ? wish_new(peers, peer->number, done, ctx) : NULL;
    if (!wish)
        return NULL;
    struct wire_writer *writer =
        link_begin(peer->channel, seconds > 0 ? MESSAGE_BAN : MESSAGE_UNBAN);
    wire_put_u64(writer, wish->number);
    wire_put_bytes(writer, bytes_first(bytes_str(address), MESSAGE_NAME_BYTES));
    if (seconds > 0)
        wire_put_u64(writer, seconds);
    if (send_to(peer->channel))
        return wish;
    peers_forget(wish);
    return NULL;
}

void peers_drain(struct peers *peers, uint64_t grace_ns)
{
    wire_put_u64(link_begin(peers->setup.supervisor, MESSAGE_DRAIN_ASK), grace_ns);
    (void)send_to(peers->setup.supervisor);
}

/* ---- peers ---- */

/* What it counted stays counted. */
static void keep_counts(struct peers *peers, const struct peer *peer)
{
    struct server_counters *gone = &peers->gone;
    for (size_t i = 0; i < SERVER_COUNTS; i++)
        gone->counts[i] += peer->counters.counts[i];
    for (size_t i = 0; i < SERVER_FAILURE_KINDS; i++)
        gone->failures[i] += peer->counters.failures[i];
}

void peers_sum_counts(struct peers *peers)
{
    struct server_counters *sum = &peers->setup.state->counters;
    const struct peer *peer;
    *sum = peers->gone;
    LIST_FOREACH (peer, &peers->list, link) {
        for (size_t i = 0; i < SERVER_COUNTS; i++)
            sum->counts[i] += peer->counters.counts[i];
        for (size_t i = 0; i < SERVER_FAILURE_KINDS; i++)
            sum->failures[i] += peer->counters.failures[i];
    }
}

static void peer_free(struct peer *peer)
{
    struct peers *peers = peer->peers;
    LIST_REMOVE(peer, link);
    keep_counts(peers, peer);
    if (peer->role == ROLE_WORKER)
        state_forget_worker(peers->setup.state, peer->number, true);
    link_free(peer->channel);
    alloc_free(peer);
}

/* A wish that nobody answers any more: if a worker has gone, its sessions have, too. */
static void end_wishes(struct peers *peers, uint32_t worker, enum role kind)
{
    struct peers_wish *wish = LIST_FIRST(&peers->wishes);
    while (wish) {
        if (wish->worker == worker) {
            peers_wish_over(wish, kind == ROLE_WORKER, BYTES_LIT(""));
            wish = LIST_FIRST(&peers->wishes);
        } else {
            wish = LIST_NEXT(wish, link);
        }
    }
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct peer *peer = ctx;
    struct peers *peers = peer->peers;
    uint32_t number = peer->number;
    enum role role = peer->role;
    if (fault_is_set(why))
        log_event(peers->setup.log, LOG_LEVEL_ERROR, "channel.ended",
                  F_STR("peer", role_name(peer->role)), F_U64("number", number),
                  F_VISIBLE("reason", why->what));
    peer_free(peer);
    end_wishes(peers, number, role);
    loop_task_post(peers->settle);
}

enum ferry_error peers_add(struct peers *peers, enum role role, uint32_t number, int fd,
                           struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    if (role != ROLE_WORKER && role != ROLE_AUTH)
        return fault_set(fault, FERRY_E_PROTOCOL, "ops has no channel to %s", role_name(role));
    struct peer *peer = alloc_zero(sizeof(*peer));
    if (!peer)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    const struct link_setup setup = {
        .loop = peers->setup.loop,
        .table = role == ROLE_WORKER ? &ops_from_worker : &messages_auth_to_ops,
        .peer = role,
        .state = MESSAGE_RUNNING,
        .message = role == ROLE_WORKER ? peers_on_worker : peers_on_auth,
        .closed = on_closed,
        .ctx = peer,
    };
    *peer = (struct peer){.peers = peers, .role = role, .number = number};
    if (link_new(&setup, fd_take(&owned), &peer->channel) != FERRY_OK) {
        alloc_free(peer);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    }
    LIST_INSERT_HEAD(&peers->list, peer, link);
    return FERRY_OK;
}

void peers_next_page(struct peer *peer, uint64_t after)
{
    ask_worker(peer, after);
}

/* ---- life ---- */

struct peers *peers_new(const struct peers_setup *setup)
{
    struct peers *peers = alloc_zero(sizeof(*peers));
    if (!peers)
        return NULL;
    peers->setup = *setup;
    LIST_INIT(&peers->list);
    LIST_INIT(&peers->wishes);
    TAILQ_INIT(&peers->waits);
    peers->settle = loop_task_new(setup->loop, on_settle, peers);
    if (peers->settle)
        return peers;
    alloc_free(peers);
    return NULL;
}

void peers_free(struct peers *peers)
{
    if (!peers)
        return;
    while (!LIST_EMPTY(&peers->list))
        peer_free(LIST_FIRST(&peers->list));
    while (!LIST_EMPTY(&peers->wishes))
        peers_forget(LIST_FIRST(&peers->wishes));
    while (!TAILQ_EMPTY(&peers->waits))
        wait_free(TAILQ_FIRST(&peers->waits));
    loop_task_free(peers->settle);
    alloc_free(peers);
}
