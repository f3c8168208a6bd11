/* Connections, until it is decided whether they may be served. */
#include "server/entrance.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "server/presence.h"
#include "server/session.h"

enum { WAITS_MAX = 1024 };

static const uint64_t WAIT_NS = 5 * CLOCK_NS_PER_S;

struct server_entrance_wait {
    TAILQ_ENTRY(server_entrance_wait) link;
    struct server_entrance *entrance;
    struct server_rules *rules;
    int fd;
    struct address peer, reached;
    bool is_relayed; /* `reached` is what its proxy says */
    uint64_t until_ns;
};

/* It is served or refused; takes `fd`. */
static void let_in(struct server_shared *shared, struct server_rules *rules, int fd,
                   const struct server_guest *guest)
{
    CLEANUP(fd_close) int owned = fd;
    enum ferry_error error = FERRY_OK;
    if (!guest->refusal || server_presence_may_tell(shared, rules, guest->limit))
        error = server_session_new(shared, rules, fd_take(&owned), guest);
    if (error == FERRY_E_MEMORY)
        log_event(shared->settings.log, LOG_LEVEL_ERROR, "session.impossible",
                  F_STR("reason", "memory is short"), F_STR("side", "server"),
                  F_STR("advice", "give the server more memory, or lower sessions_max"));
}

static void decide(struct server_shared *shared, struct server_rules *rules, int fd,
                   struct server_guest *guest, enum crowd_limit limit)
{
    guest->limit = limit;
    if (limit != CROWD_FREE)
        guest->refusal = server_presence_refuse(shared, rules, guest->peer, limit);
    let_in(shared, rules, fd, guest);
}

/* ---- those who wait ---- */

static void arm(struct server_entrance *entrance)
{
    const struct server_entrance_wait *first = TAILQ_FIRST(&entrance->waits);
    loop_timer_at(entrance->timer, first ? first->until_ns : CLOCK_NEVER);
}

static void wait_free(struct server_entrance_wait *wait)
{
    struct server_entrance *entrance = wait->entrance;
    TAILQ_REMOVE(&entrance->waits, wait, link);
    entrance->count--;
    arm(entrance);
    fd_close(&wait->fd);
    server_rules_unref(wait->rules);
    alloc_free(wait);
}

static void wait_over(struct server_entrance_wait *wait, enum crowd_limit limit,
                      struct backend_place *place)
{
    struct server_shared *shared = wait->entrance->shared;
    struct server_guest guest = {
        .peer = &wait->peer,
        .reached = wait->is_relayed ? &wait->reached : NULL,
        .place = place,
    };
    decide(shared, wait->rules, fd_take(&wait->fd), &guest, limit);
    wait_free(wait);
    shared->gone(shared->ctx);
}

static void on_answer(void *ctx, enum crowd_limit limit, struct backend_place *place)
{
    wait_over(ctx, limit, place);
}

static void on_timer(void *ctx)
{
    struct server_entrance *entrance = ctx;
    const struct server_settings *settings = &entrance->shared->settings;
    uint64_t now_ns = loop_now_ns(entrance->shared->loop);
    struct server_entrance_wait *wait;
    while ((wait = TAILQ_FIRST(&entrance->waits)) && wait->until_ns <= now_ns) {
        settings->gate_ops->cancel(settings->gate, wait);
        wait_over(wait, CROWD_AWAY, NULL);
    }
}

/* NULL: memory is short. */
static struct server_entrance_wait *wait_new(struct server_entrance *entrance,
                                             struct server_rules *rules,
                                             const struct server_guest *guest)
{
    struct server_entrance_wait *wait = alloc_zero(sizeof(*wait));
    if (!wait)
        return NULL;
    *wait = (struct server_entrance_wait){
        .entrance = entrance,
        .rules = server_rules_ref(rules),
        .fd = -1,
        .peer = *guest->peer,
        .is_relayed = guest->reached != NULL,
        .until_ns = loop_now_ns(entrance->shared->loop) + WAIT_NS,
    };
    if (guest->reached)
        wait->reached = *guest->reached;
    TAILQ_INSERT_TAIL(&entrance->waits, wait, link);
    entrance->count++;
    arm(entrance);
    return wait;
}

/* Asks whoever counts; takes `fd` unless it cannot: false. */
static bool ask(struct server_entrance *entrance, struct server_rules *rules, int fd,
                const struct server_guest *guest)
{
    const struct server_settings *settings = &entrance->shared->settings;
    struct server_entrance_wait *wait =
        entrance->count < WAITS_MAX ? wait_new(entrance, rules, guest) : NULL;
    if (!wait)
        return false;
    if (settings->gate_ops->arrive(settings->gate, &wait->peer, &rules->limits.crowd, on_answer,
                                   wait) != FERRY_OK) {
        wait_free(wait);
        return false;
    }
    wait->fd = fd;
    return true;
}

/* ---- its face ---- */

void server_entrance_take(struct server_entrance *entrance, struct server_rules *rules, int fd,
                          const struct address *peer, const struct address *reached)
{
    struct server_shared *shared = entrance->shared;
    struct server_guest guest = {.peer = peer, .reached = reached};
    if (!shared->settings.gate_ops)
        decide(shared, rules, fd, &guest,
               crowd_enter(&shared->crowd, &rules->limits.crowd, peer, loop_now_ns(shared->loop)));
    else if (!ask(entrance, rules, fd, &guest))
        decide(shared, rules, fd, &guest, CROWD_AWAY);
}

unsigned server_entrance_count(const struct server_entrance *entrance)
{
    return entrance->count;
}

enum ferry_error server_entrance_init(struct server_entrance *entrance,
                                      struct server_shared *shared)
{
    *entrance = (struct server_entrance){.shared = shared};
    TAILQ_INIT(&entrance->waits);
    entrance->timer = loop_timer_new(shared->loop, on_timer, entrance);
    return entrance->timer ? FERRY_OK : FERRY_E_MEMORY;
}

void server_entrance_close(struct server_entrance *entrance)
{
    const struct server_settings *settings = &entrance->shared->settings;
    struct server_entrance_wait *wait;
    while ((wait = TAILQ_FIRST(&entrance->waits))) {
        settings->gate_ops->cancel(settings->gate, wait);
        wait_free(wait);
    }
}

void server_entrance_fini(struct server_entrance *entrance)
{
    server_entrance_close(entrance);
    loop_timer_free(entrance->timer);
    entrance->timer = NULL;
}
