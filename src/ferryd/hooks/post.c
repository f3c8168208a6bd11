/* The events that are to be told: how they come and what becomes of them. */
#include "ferryd/hooks/post.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/hooks/event_json.h"
#include "ferryd/hooks/lanes.h"
#include "ferryd/settings.h"

/* The end of an id is random. */
#define HASH_FUNCTION(key, len, hash)                                                              \
    memcpy(&(hash), (const uint8_t *)(key) + (len) - sizeof(hash), sizeof(hash))
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) alloc_zero(size)
#define uthash_free(memory, size) alloc_free(memory)
#define uthash_nonfatal_oom(pending) ((pending)->lost = true)
#include <uthash.h>

enum {
    ORPHAN_S = 10, /* for a worker to come back to what it has not settled */
    BODY_MAX_BYTES = 64 * 1024,
};

struct post_peer {
    struct post *post;
    unsigned refs; /* by recordings and settlements under way; and by its owner */
    bool gone;
    const struct post_answers *answers;
    void *ctx;
};

struct pending {
    UT_hash_handle hh;
    uint8_t id[HOOK_ID_BYTES];
    LIST_HEAD(, item) items;
    const struct post_peer *owner; /* NULL: */
    uint64_t until_ns;
    bool settling, lost;
};

struct post {
    struct post_setup setup;
    struct lanes lanes;
    struct addressee *hooks;
    size_t hook_count;
    struct pending *pending; /* uthash */
    size_t coming;           /* rows on their way to the disk */
    uint64_t lost;           /* since there was room */
};

/* An event on its way to the disk. */
struct recording {
    struct post_peer *peer;
    uint8_t id[HOOK_ID_BYTES];
    bool provisional, failed;
    unsigned waiting; /* rows */
    char *account;
    struct buf body;
};

/* ---- peers ---- */

struct post_peer *post_peer_new(struct post *post, const struct post_answers *answers, void *ctx)
{
    struct post_peer *peer = alloc_zero(sizeof(*peer));
    if (peer)
        *peer = (struct post_peer){.post = post, .refs = 1, .answers = answers, .ctx = ctx};
    return peer;
}

static struct post_peer *peer_ref(struct post_peer *peer)
{
    peer->refs++;
    return peer;
}

static void peer_unref(struct post_peer *peer)
{
    if (--peer->refs == 0)
        alloc_free(peer);
}

static void answer(const struct post_peer *peer, const uint8_t id[static HOOK_ID_BYTES],
                   enum hook_answer what)
{
    if (!peer->gone)
        peer->answers->recorded(peer->ctx, id, what);
}

/* ---- what is not known yet ---- */

static struct pending *pending_find(const struct post *post, const uint8_t *id)
{
    struct pending *pending = NULL;
    HASH_FIND(hh, post->pending, id, HOOK_ID_BYTES, pending);
    return pending;
}

/* false: no memory. */
static bool pending_add(struct post *post, struct item *item, const struct post_peer *owner)
{
    struct pending *pending = pending_find(post, item->id);
    if (!pending) {
        pending = alloc_zero(sizeof(*pending));
        if (!pending)
            return false;
        memcpy(pending->id, item->id, HOOK_ID_BYTES);
        LIST_INIT(&pending->items);
        HASH_ADD(hh, post->pending, id, HOOK_ID_BYTES, pending);
        if (pending->lost) {
            alloc_free(pending);
            return false;
        }
        pending->owner = owner;
        pending->until_ns = loop_now_ns(post->setup.loop) + ORPHAN_S * CLOCK_NS_PER_S;
    }
    item->pending = pending;
    LIST_INSERT_HEAD(&pending->items, item, twin);
    return true;
}

static uint64_t pending_until(const struct item *item)
{
    const struct pending *pending = item->pending;
    return pending->owner || pending->settling ? CLOCK_NEVER : pending->until_ns;
}

void post_peer_free(struct post_peer *peer)
{
    struct post *post = peer->post;
    struct pending *pending, *next;
    uint64_t until_ns = loop_now_ns(post->setup.loop) + ORPHAN_S * CLOCK_NS_PER_S;
    peer->gone = true;
    HASH_ITER (hh, post->pending, pending, next) {
        const struct item *item;
        if (pending->owner != peer)
            continue;
        pending->owner = NULL;
        pending->until_ns = until_ns;
        LIST_FOREACH (item, &pending->items, twin)
            lane_look(item->lane);
    }
    peer_unref(peer);
}

/* ---- settling ---- */

/* A settlement on its way to the disk. */
struct settlement {
    struct post *post;
    struct post_peer *peer; /* NULL: nobody is told */
};

/* The lanes of the items may be gone then. */
static void become(struct post *post, struct pending *pending, enum outbox_state state)
{
    struct item *item;
    HASH_DELETE(hh, post->pending, pending);
    while ((item = LIST_FIRST(&pending->items))) {
        LIST_REMOVE(item, twin);
        item->pending = NULL;
        item->state = state;
        if (state == OUTBOX_DEAD)
            lane_drop(item);
        else
            lane_look(item->lane);
    }
    alloc_free(pending);
}

static void settled(struct journal_entry *entry)
{
    struct settlement *settlement = entry->ctx;
    struct post_peer *peer = settlement->peer;
    struct pending *pending = pending_find(settlement->post, entry->row.id);
    if (pending)
        become(settlement->post, pending, entry->row.state);
    if (peer && !peer->gone)
        peer->answers->settled(peer->ctx, entry->row.id);
    if (peer)
        peer_unref(peer);
    alloc_free(settlement);
    journal_entry_free(entry);
}

/* Without memory a worker's is sent again when it meets another hooks, and others are uncertain
 * when they are looked at again. */
static bool settle(struct post *post, struct post_peer *peer,
                   const uint8_t id[static HOOK_ID_BYTES], enum outbox_state state)
{
    struct settlement *settlement = alloc_zero(sizeof(*settlement));
    struct journal_entry *entry = journal_entry_new(JOURNAL_SETTLE, settled, settlement);
    if (!settlement || !entry) {
        alloc_free(settlement);
        journal_entry_free(entry);
        return false;
    }
    *settlement = (struct settlement){.post = post, .peer = peer ? peer_ref(peer) : NULL};
    memcpy(entry->row.id, id, HOOK_ID_BYTES);
    entry->row.state = state;
    journal_put(post->lanes.journal, entry);
    return true;
}

void post_settle(struct post_peer *peer, const uint8_t id[static HOOK_ID_BYTES],
                 enum hook_settled outcome)
{
    enum outbox_state state = outcome == HOOK_SETTLED_DONE       ? OUTBOX_READY
                              : outcome == HOOK_SETTLED_NOT_DONE ? OUTBOX_DEAD
                                                                 : OUTBOX_UNCERTAIN;
    (void)!settle(peer->post, peer, id, state);
}

/* Nobody has said in time what became of it. */
static void decide(void *ctx, struct item *item)
{
    struct post *post = ctx;
    char id[HOOK_ID_TEXT_BYTES];
    hook_id_text(item->id, id);
    item->pending->settling = settle(post, NULL, item->id, OUTBOX_UNCERTAIN);
    log_event(post->setup.log, LOG_LEVEL_NOTICE, "hook.uncertain", F_STR("id", id),
              F_STR("reason", "the worker ended before it could tell whether the upload took its "
                              "name"),
              F_STR("side", "server"), F_STR("advice", "see why that process ended"));
}

/* ---- recording ---- */

static void recording_end(struct recording *recording)
{
    struct post_peer *peer = recording->peer;
    if (recording->failed && recording->provisional)
        (void)!settle(peer->post, NULL, recording->id, OUTBOX_DEAD); /* of other hooks */
    answer(peer, recording->id, recording->failed ? HOOK_NOT_TAKEN : HOOK_ON_DISK);
    peer_unref(peer);
    buf_fini(&recording->body);
    alloc_free(recording->account);
    alloc_free(recording);
}

static struct addressee *find_hook(struct post *post, struct bytes name)
{
    for (size_t i = 0; i < post->hook_count; i++)
        if (bytes_equal(bytes_str(post->hooks[i].settings->name), name))
            return &post->hooks[i];
    return NULL;
}

/* Takes a row that is on disk into its lane. Without memory it is told after the next start. */
static void take_row(struct post *post, const struct outbox_row *row, const struct post_peer *owner)
{
    struct addressee *hook = find_hook(post, row->hook);
    struct item *item = hook ? lane_add(hook, row->account, row) : NULL;
    if (!item)
        return;
    if (item->state == OUTBOX_PROVISIONAL && !pending_add(post, item, owner))
        item->state = OUTBOX_UNCERTAIN;
    lane_look(item->lane);
}

static void added(struct journal_entry *entry)
{
    struct recording *recording = entry->ctx;
    struct post *post = recording->peer->post;
    const struct post_peer *peer = recording->peer;
    recording->failed |= entry->failed;
    recording->waiting--;
    post->coming--;
    if (!entry->failed && !entry->there)
        take_row(post, &entry->row, peer->gone ? NULL : peer);
    journal_entry_free(entry);
    if (recording->waiting == 0)
        recording_end(recording);
}

static bool is_wanted(const struct settings_hook *hook, const struct hook_event *event)
{
    return (hook->events & (UINT32_C(1) << event->kind)) &&
           settings_target_matches(&hook->to, event->account);
}

static struct recording *recording_new(struct post_peer *peer, bool provisional,
                                       const struct hook_event *event)
{
    struct recording *recording = alloc_zero(sizeof(*recording));
    if (!recording)
        return NULL;
    recording->peer = peer_ref(peer);
    recording->provisional = provisional;
    recording->account = alloc_bytes(event->account);
    memcpy(recording->id, event->id, HOOK_ID_BYTES);
    buf_init(&recording->body, BODY_MAX_BYTES);
    recording->failed = !recording->account || event_json(event, &recording->body) != FERRY_OK;
    return recording;
}

static void put_row(struct post *post, struct recording *recording,
                    const struct settings_hook *hook, const struct hook_event *event)
{
    struct journal_entry *entry = journal_entry_new(JOURNAL_ADD, added, recording);
    if (!entry) {
        recording->failed = true;
        return;
    }
    entry->row = (struct outbox_row){
        .hook = bytes_str(hook->name),
        .account = bytes_str(recording->account),
        .state = recording->provisional ? OUTBOX_PROVISIONAL : OUTBOX_READY,
        .made_ns = event->time_ns,
        .due_ns = event->time_ns,
        .body = buf_view(&recording->body),
    };
    memcpy(entry->row.id, event->id, HOOK_ID_BYTES);
    recording->waiting++;
    post->coming++;
    journal_put(post->lanes.journal, entry);
}

/* true: there is no room for it, and `peer` has its answer. */
static bool is_full(struct post *post, struct post_peer *peer, bool provisional,
                    const struct hook_event *event)
{
    const struct settings_hooks *settings = &settings_global(post->setup.conf)->hooks;
    if (post->lanes.count + post->coming < settings->queue_max) {
        if (post->lost > 0)
            log_event(post->setup.log, LOG_LEVEL_ERROR, "hook.lost", F_U64("events", post->lost),
                      F_STR("reason", "hooks_queue events waited to be told"),
                      F_STR("side", "server"), F_STR("advice", "nobody will be told of them"));
        post->lost = 0;
        return false;
    }
    bool refuses = provisional && settings->full == HOOK_REFUSE;
    if (!refuses && post->lost++ == 0)
        log_event(post->setup.log, LOG_LEVEL_ERROR, "hook.lost", F_BYTES("account", event->account),
                  F_BYTES("path", event->path),
                  F_STR("reason", "hooks_queue events wait to be told"), F_STR("side", "server"),
                  F_STR("advice", "see why hooks fail: events hook.failed"));
    answer(peer, event->id, refuses ? HOOK_IS_FULL : HOOK_ON_DISK);
    return true;
}

void post_record(struct post_peer *peer, bool provisional, const struct hook_event *event)
{
    struct post *post = peer->post;
    struct pending *known = pending_find(post, event->id);
    bool wanted = false;
    for (size_t i = 0; i < post->hook_count && !known; i++)
        wanted |= is_wanted(post->hooks[i].settings, event);
    if (!wanted) { /* by nobody any more; or it is on disk, and its worker is back */
        if (known)
            known->owner = peer;
        answer(peer, event->id, HOOK_ON_DISK);
        return;
    }
    if (is_full(post, peer, provisional, event))
        return;
    struct recording *recording = recording_new(peer, provisional, event);
    if (!recording) {
        answer(peer, event->id, HOOK_NOT_TAKEN);
        return;
    }
    for (size_t i = 0; i < post->hook_count && !recording->failed; i++)
        if (is_wanted(post->hooks[i].settings, event))
            put_row(post, recording, post->hooks[i].settings, event);
    if (recording->waiting == 0)
        recording_end(recording);
}

/* ---- life ---- */

static enum ferry_error load_row(void *ctx, const struct outbox_row *row)
{
    take_row(ctx, row, NULL);
    return FERRY_OK;
}

static enum ferry_error add_hooks(struct post *post)
{
    const struct conf_instance *block = NULL;
    size_t count = 0;
    while ((block = conf_next(post->setup.conf, SETTINGS_HOOK, block)))
        count++;
    post->hooks = alloc_zero((count + 1) * sizeof(*post->hooks));
    if (!post->hooks)
        return FERRY_E_MEMORY;
    while ((block = conf_next(post->setup.conf, SETTINGS_HOOK, block)))
        addressee_init(&post->hooks[post->hook_count++], &post->lanes, block->values);
    return FERRY_OK;
}

/* Until the loop runs nothing is told, so that all of it can be loaded first. */
enum ferry_error post_new(const struct post_setup *setup, struct outbox *outbox, struct post **out,
                          struct fault *fault)
{
    struct post *post = alloc_zero(sizeof(*post));
    struct journal *journal = post ? journal_new(setup->loop, setup->log, outbox) : NULL;
    if (!journal) {
        if (!post)
            outbox_close(outbox);
        alloc_free(post);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the hooks");
    }
    post->setup = *setup;
    post->lanes = (struct lanes){
        .loop = setup->loop,
        .log = setup->log,
        .journal = journal,
        .temporary = setup->temporary,
        .pending_until = pending_until,
        .decide = decide,
        .ctx = post,
    };
    enum ferry_error error = add_hooks(post);
    if (error != FERRY_OK)
        return fault_set(fault, error, "no memory for the hooks"); /* the process ends */
    *out = post;
    return outbox_each(outbox, load_row, post, fault);
}
