/* All roles that belong to no crew. */
#include "ferryd/supervisor/standings.h"

enum { OPS, HOOKS };

/* Who of the crews is whose peer. */
static const struct {
    enum role role;
    unsigned peers;
} rows[STANDINGS] = {
    [OPS] = {ROLE_OPS, ROLE_BIT(ROLE_WORKER) | ROLE_BIT(ROLE_AUTH)},
    [HOOKS] = {ROLE_HOOKS, ROLE_BIT(ROLE_WORKER)},
};

/* ---- who meets whom ---- */

static void meet_one(void *standing, struct child *child, enum role role)
{
    standing_meet(standing, child, role);
}

static void meet_crew(void *standing, struct crew *crew)
{
    crew_each(crew, meet_one, standing);
}

static void on_serves(void *ctx, struct standing *standing)
{
    const struct standings *all = ctx;
    all->setup.crews(all->setup.ctx, meet_crew, standing);
}

void standings_meet(struct standings *standings, struct child *child, enum role role)
{
    for (size_t i = 0; i < STANDINGS; i++)
        standing_meet(standings->list[i], child, role);
}

/* ---- every process, for ops ---- */

struct walk {
    void (*each)(void *ctx, struct child *child, uint32_t crew);
    void *ctx;
    uint32_t crew;
};

static void walk_child(void *ctx, struct child *child)
{
    const struct walk *walk = ctx;
    walk->each(walk->ctx, child, walk->crew);
}

static void walk_member(void *ctx, struct child *child, enum role role)
{
    (void)role;
    walk_child(ctx, child);
}

static void walk_crew(void *ctx, struct crew *crew)
{
    struct walk *walk = ctx;
    walk->crew = crew_id(crew);
    crew_each(crew, walk_member, walk);
    walk->crew = 0;
}

static void each_process(void *ctx,
                         void (*each)(void *each_ctx, struct child *child, uint32_t crew),
                         void *each_ctx)
{
    const struct standings *all = ctx;
    struct walk walk = {.each = each, .ctx = each_ctx};
    all->setup.crews(all->setup.ctx, walk_crew, &walk);
    all->setup.files(all->setup.ctx, walk_child, &walk);
    for (size_t i = 0; i < STANDINGS; i++)
        standing_each(all->list[i], walk_child, &walk);
}

/* ---- ops ---- */

static struct child *ops_child(void *ctx)
{
    const struct standings *all = ctx;
    return all->list[OPS] ? standing_child(all->list[OPS]) : NULL;
}

static bool on_reload(void *ctx)
{
    const struct standings *all = ctx;
    return all->setup.reload(all->setup.ctx);
}

static void on_drain(void *ctx, uint64_t grace_ns)
{
    const struct standings *all = ctx;
    all->setup.drain(all->setup.ctx, grace_ns);
}

static void give_ops(void *ctx, struct child *child)
{
    const struct standings *all = ctx;
    ops_sockets_give(&all->sockets, child);
}

static enum ferry_error on_ops_message(void *ctx, struct child *child,
                                       const struct wire_message *row, struct wire_reader *reader,
                                       struct fault *fault)
{
    const struct standings *all = ctx;
    return ops_desk_message(all->desk, child, row, reader, fault);
}

static void on_ops_gone(void *ctx, const struct child *child)
{
    const struct standings *all = ctx;
    ops_desk_gone(all->desk, child);
}

/* ---- life ---- */

static void on_changed(void *ctx)
{
    const struct standings *all = ctx;
    all->setup.changed(all->setup.ctx);
}

static struct standing *make(struct standings *all, size_t i)
{
    struct standing_setup setup = {
        .loop = all->setup.loop,
        .log = all->setup.log,
        .log_fd = all->setup.log_fd,
        .folder = all->setup.folder,
        .role = rows[i].role,
        .peers = rows[i].peers,
        .next_number = all->setup.next_number,
        .restarts = &all->setup.restarts[rows[i].role],
        .events = {.serves = on_serves, .changed = on_changed, .ctx = all},
    };
    if (i == OPS) {
        setup.events.give = give_ops;
        setup.events.message = on_ops_message;
        setup.events.gone = on_ops_gone;
    }
    return standing_new(&setup);
}

enum ferry_error standings_init(struct standings *standings, const struct standings_setup *setup)
{
    const struct ops_desk_setup desk = {
        .loop = setup->loop,
        .file = setup->file,
        .restarts = setup->restarts,
        .ops = ops_child,
        .processes = each_process,
        .reload = on_reload,
        .drain = on_drain,
        .ctx = standings,
    };
    *standings = (struct standings){.setup = *setup};
    ops_sockets_init(&standings->sockets);
    standings->desk = ops_desk_new(&desk);
    bool whole = standings->desk != NULL;
    for (size_t i = 0; i < STANDINGS; i++)
        whole &= (standings->list[i] = make(standings, i)) != NULL;
    return whole ? FERRY_OK : FERRY_E_MEMORY;
}

void standings_fini(struct standings *standings)
{
    for (size_t i = 0; i < STANDINGS; i++) {
        standing_free(standings->list[i]);
        standings->list[i] = NULL;
    }
    ops_desk_free(standings->desk);
    ops_sockets_fini(&standings->sockets);
}

void standings_use(struct standings *standings, struct parcel *parcel)
{
    for (size_t i = 0; i < STANDINGS; i++)
        standing_use(standings->list[i], parcel);
}

bool standings_are_settled(const struct standings *standings)
{
    bool settled = true;
    for (size_t i = 0; i < STANDINGS; i++)
        settled &= standing_is_settled(standings->list[i]);
    return settled;
}

size_t standings_drain(struct standings *standings)
{
    size_t left = 0;
    for (size_t i = 0; i < STANDINGS; i++)
        left += standing_drain(standings->list[i]);
    return left;
}
