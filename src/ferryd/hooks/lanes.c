/* The events of one account for one hook, in their order, and how they are told. */
#include "ferryd/hooks/lanes.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/hooks/backoff.h"
#include "ferryd/hooks/event_json.h"
#include "ferryd/hooks/target.h"

#define HASH_FUNCTION(key, len, hash) ((hash) = hash_of((key), (len)))
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) alloc_zero(size)
#define uthash_free(memory, size) alloc_free(memory)
#define uthash_nonfatal_oom(lane) ((lane)->lost = true)
#include <uthash.h>

/* FNV-1a: names of accounts are not the clients' to choose. */
static unsigned hash_of(const void *key, size_t len)
{
    const uint8_t *bytes = key;
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < len; i++)
        hash = (uint32_t)((uint64_t)(hash ^ bytes[i]) * 16777619U);
    return hash;
}

enum { BODY_MAX_BYTES = 128 * 1024 };

struct lane {
    UT_hash_handle hh;
    TAILQ_ENTRY(lane) link; /* of the ready ones */
    struct addressee *hook;
    char *account;
    TAILQ_HEAD(, item) items;
    bool ready, busy; /* waits for its turn; its first item is being told */
    bool lost;
    struct loop_timer *timer;
    struct target_run *run;
    struct buf body;
};

/* ---- lanes ---- */

void addressee_init(struct addressee *hook, struct lanes *lanes,
                    const struct settings_hook *settings)
{
    *hook = (struct addressee){.lanes = lanes, .settings = settings};
    TAILQ_INIT(&hook->ready);
}

static void lane_free(struct lane *lane)
{
    loop_timer_free(lane->timer);
    target_free(lane->run);
    buf_fini(&lane->body);
    alloc_free(lane->account);
    alloc_free(lane);
}

static void on_time(void *ctx)
{
    lane_look(ctx);
}

static struct lane *lane_find(struct addressee *hook, struct bytes account)
{
    struct lane *lane = NULL;
    HASH_FIND(hh, hook->by_account, account.ptr, account.len, lane);
    if (lane)
        return lane;
    lane = alloc_zero(sizeof(*lane));
    if (!lane)
        return NULL;
    lane->hook = hook;
    lane->account = alloc_bytes(account);
    lane->timer = loop_timer_new(hook->lanes->loop, on_time, lane);
    TAILQ_INIT(&lane->items);
    buf_init(&lane->body, BODY_MAX_BYTES);
    if (lane->account && lane->timer) {
        HASH_ADD_KEYPTR(hh, hook->by_account, lane->account, account.len, lane);
        if (!lane->lost)
            return lane;
    }
    lane_free(lane);
    return NULL;
}

struct item *lane_add(struct addressee *hook, struct bytes account, const struct outbox_row *row)
{
    struct lane *lane = lane_find(hook, account.ptr ? account : BYTES_LIT(""));
    struct item *item = lane ? alloc_zero(sizeof(*item)) : NULL;
    if (!item)
        return NULL;
    item->lane = lane;
    item->number = row->number;
    memcpy(item->id, row->id, sizeof(item->id));
    item->state = row->state;
    item->made_ns = row->made_ns;
    item->due_ns = row->due_ns;
    item->tries = row->tries;
    TAILQ_INSERT_TAIL(&lane->items, item, link);
    hook->lanes->count++;
    return item;
}

void lane_drop(struct item *item)
{
    struct lane *lane = item->lane;
    TAILQ_REMOVE(&lane->items, item, link);
    lane->hook->lanes->count--;
    alloc_free(item);
    if (lane->busy)
        return;
    if (!TAILQ_EMPTY(&lane->items)) {
        lane_look(lane);
        return;
    }
    if (lane->ready)
        TAILQ_REMOVE(&lane->hook->ready, lane, link);
    HASH_DELETE(hh, lane->hook->by_account, lane);
    lane_free(lane);
}

/* ---- outcomes ---- */

static void forgotten(struct journal_entry *entry)
{
    journal_entry_free(entry);
}

/* If there is no memory for it, it is told again after the next start. */
static void remove_row(struct lanes *lanes, int64_t number)
{
    struct journal_entry *entry = journal_entry_new(JOURNAL_REMOVE, forgotten, NULL);
    if (!entry)
        return;
    entry->row.number = number;
    journal_put(lanes->journal, entry);
}

static void write_failure(struct lanes *lanes, const struct item *item, const char *why)
{
    struct journal_entry *entry = journal_entry_new(JOURNAL_FAILED, forgotten, NULL);
    if (!entry)
        return;
    entry->row = (struct outbox_row){
        .number = item->number, .state = item->state, .tries = item->tries, .due_ns = item->due_ns};
    snprintf(entry->why, sizeof(entry->why), "%.*s", (int)sizeof(entry->why) - 1, why);
    journal_put(lanes->journal, entry);
}

static void log_item(const struct lane *lane, enum log_level level, const char *event,
                     const struct item *item, const char *why, const char *advice)
{
    char id[HOOK_ID_TEXT_BYTES];
    hook_id_text(item->id, id);
    log_event(lane->hook->lanes->log, level, event, F_STR("hook", lane->hook->settings->name),
              F_STR("id", id), F_STR("account", lane->account), F_U64("tries", item->tries),
              F_VISIBLE("reason", why), F_STR("side", "server"), F_STR("advice", advice));
}

static void run_ready(struct addressee *hook);

static void not_told(struct lane *lane, struct item *item, const char *why)
{
    const struct settings_hook *settings = lane->hook->settings;
    int64_t now_ns = clock_wall_ns(&clock_system);
    item->tries++;
    item->due_ns = now_ns + (int64_t)backoff_wait(settings->retry_first_ns, settings->retry_most_ns,
                                                  item->tries);
    if (now_ns - item->made_ns < (int64_t)settings->give_up_ns) {
        log_item(lane, LOG_LEVEL_NOTICE, "hook.failed", item, why,
                 "look at what the hook runs or where it goes; it is tried again");
        write_failure(lane->hook->lanes, item, why);
        return;
    }
    item->state = OUTBOX_DEAD;
    log_item(lane, LOG_LEVEL_ERROR, "hook.dead", item, why,
             "it stays in the outbox; give_up is the limit");
    write_failure(lane->hook->lanes, item, why);
    lane_drop(item);
}

static void told(void *ctx, const struct target_outcome *outcome)
{
    struct lane *lane = ctx;
    struct addressee *hook = lane->hook;
    struct item *item = TAILQ_FIRST(&lane->items);
    target_free(lane->run);
    lane->run = NULL;
    buf_fini(&lane->body);
    hook->running--;
    if (outcome->verdict == TARGET_TAKEN) {
        log_item(lane, LOG_LEVEL_DEBUG, "hook.told", item, "", NULL);
        remove_row(hook->lanes, item->number);
        lane_drop(item);
    } else {
        not_told(lane, item, outcome->why);
    }
    lane->busy = false;
    if (TAILQ_EMPTY(&lane->items)) {
        HASH_DELETE(hh, hook->by_account, lane);
        lane_free(lane);
    } else {
        lane_look(lane);
    }
    run_ready(hook);
}

/* ---- telling ---- */

static const char *kind_of(struct bytes body)
{
    static const char key[] = "\"event\":\"";
    const char *at = memmem(body.ptr, body.len, key, sizeof(key) - 1);
    struct bytes rest =
        at ? bytes_skip(body, (size_t)(at - body.ptr) + sizeof(key) - 1) : BYTES_LIT("");
    struct bytes kind = bytes_cut(&rest, '"');
    for (size_t i = 0; settings_words_hook_events[i].word; i++)
        if (bytes_equal(kind, bytes_str(settings_words_hook_events[i].word)))
            return settings_words_hook_events[i].word;
    return "";
}

static enum ferry_error tell(struct lane *lane, struct fault *fault)
{
    const struct addressee *hook = lane->hook;
    const struct item *item = TAILQ_FIRST(&lane->items);
    char id[HOOK_ID_TEXT_BYTES];
    hook_id_text(item->id, id);
    const struct target_order order = {
        .loop = hook->lanes->loop,
        .to = &hook->settings->to,
        .name = hook->settings->name,
        .temporary = hook->lanes->temporary,
        .timeout_ns = hook->settings->timeout_ns,
        .event = buf_view(&lane->body),
        .id = bytes_str(id),
        .kind = bytes_str(kind_of(buf_view(&lane->body))),
        .tries = item->tries,
        .file = -1,
        .done = told,
        .ctx = lane,
    };
    return target_start(&order, &lane->run, fault);
}

static void fetched(struct journal_entry *entry)
{
    struct lane *lane = entry->ctx;
    const struct item *item = TAILQ_FIRST(&lane->items);
    struct fault fault = {0};
    struct target_outcome failed = {.verdict = TARGET_FAILED};
    enum ferry_error error = entry->failed ? FERRY_E_FILE : FERRY_OK;
    if (error != FERRY_OK)
        fault_set(&fault, error, "the event could not be read from the outbox");
    if (error == FERRY_OK)
        error =
            event_json_certain(buf_view(&entry->body), item->state == OUTBOX_READY, &lane->body);
    journal_entry_free(entry);
    if (error == FERRY_OK)
        error = tell(lane, &fault);
    if (error == FERRY_OK)
        return;
    snprintf(failed.why, sizeof(failed.why), "%s",
             fault_is_set(&fault) ? fault.what : "memory is short");
    told(lane, &failed);
}

static void run_ready(struct addressee *hook)
{
    struct lane *lane;
    while (hook->running < hook->settings->to.jobs && (lane = TAILQ_FIRST(&hook->ready))) {
        struct journal_entry *entry = journal_entry_new(JOURNAL_FETCH, fetched, lane);
        if (!entry) /* another that ends comes by here again */
            return;
        TAILQ_REMOVE(&hook->ready, lane, link);
        lane->ready = false;
        lane->busy = true;
        hook->running++;
        entry->row.number = TAILQ_FIRST(&lane->items)->number;
        journal_put(hook->lanes->journal, entry);
    }
}

void lane_look(struct lane *lane)
{
    struct lanes *lanes = lane->hook->lanes;
    struct item *item = TAILQ_FIRST(&lane->items);
    uint64_t now_ns = loop_now_ns(lanes->loop);
    if (lane->busy || lane->ready)
        return;
    if (item->state == OUTBOX_PROVISIONAL) {
        uint64_t until_ns = lanes->pending_until(item);
        loop_timer_at(lane->timer, until_ns > now_ns ? until_ns : CLOCK_NEVER);
        if (until_ns <= now_ns)
            lanes->decide(lanes->ctx, item);
        return;
    }
    int64_t wait_ns = item->due_ns - clock_wall_ns(&clock_system);
    if (item->tries > 0 && wait_ns > 0) {
        loop_timer_at(lane->timer, now_ns + (uint64_t)wait_ns);
        return;
    }
    lane->ready = true;
    TAILQ_INSERT_TAIL(&lane->hook->ready, lane, link);
    run_ready(lane->hook);
}
