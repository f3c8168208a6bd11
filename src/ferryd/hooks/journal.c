/* The outbox on the pool: one transaction at a time, for all that has come meanwhile. */
#include "ferryd/hooks/journal.h"

#include "base/alloc.h"
#include "base/clock.h"

enum {
    BATCH_MAX = 1000,
    BODY_MAX_BYTES = 64 * 1024,
    LAZY_MS = 20,   /* for removals, which nobody waits for */
    RETRY_MS = 500, /* after a failure of the disk */
};

STAILQ_HEAD(entries, journal_entry);

struct journal {
    struct loop *loop;
    const struct log *log;
    struct outbox *outbox;
    struct entries waiting;
    struct entries batch; /* the job's, while one runs */
    bool running;
    struct fault fault; /* of the job */
    struct loop_timer *timer;
    bool timed;  /* nothing is to be started before it */
    bool broken; /* the last transaction failed */
};

/* ---- entries ---- */

struct journal_entry *journal_entry_new(enum journal_kind kind,
                                        void (*done)(struct journal_entry *entry), void *ctx)
{
    struct journal_entry *entry = alloc_zero(sizeof(*entry));
    if (!entry)
        return NULL;
    entry->kind = kind;
    entry->done = done;
    entry->ctx = ctx;
    buf_init(&entry->body, BODY_MAX_BYTES);
    return entry;
}

void journal_entry_free(struct journal_entry *entry)
{
    if (entry)
        buf_fini(&entry->body);
    alloc_free(entry);
}

static bool may_fail(const struct journal_entry *entry)
{
    return entry->kind == JOURNAL_ADD || entry->kind == JOURNAL_FETCH;
}

/* ---- on the pool ---- */

static enum ferry_error do_entry(struct outbox *outbox, struct journal_entry *entry,
                                 struct fault *fault)
{
    switch (entry->kind) {
    case JOURNAL_ADD:
        return outbox_add(outbox, &entry->row, &entry->there, fault);
    case JOURNAL_SETTLE:
        return outbox_settle(outbox, entry->row.id, entry->row.state, fault);
    case JOURNAL_REMOVE:
        return outbox_remove(outbox, entry->row.number, fault);
    case JOURNAL_FAILED:
        return outbox_failed(outbox, &entry->row, entry->why, fault);
    case JOURNAL_FETCH:
        break;
    }
    struct fault own = {0};
    entry->failed = outbox_body(outbox, entry->row.number, &entry->body, &own) != FERRY_OK;
    return FERRY_OK; /* it fails alone */
}

static bool writes(const struct entries *batch)
{
    const struct journal_entry *entry;
    STAILQ_FOREACH (entry, batch, link)
        if (entry->kind != JOURNAL_FETCH)
            return true;
    return false;
}

static void work(void *ctx)
{
    struct journal *journal = ctx;
    struct outbox *outbox = journal->outbox;
    struct journal_entry *entry;
    bool all = writes(&journal->batch);
    enum ferry_error error = all ? outbox_begin(outbox, &journal->fault) : FERRY_OK;
    STAILQ_FOREACH (entry, &journal->batch, link)
        if (error == FERRY_OK)
            error = do_entry(outbox, entry, &journal->fault);
    if (error == FERRY_OK && all)
        error = outbox_commit(outbox, &journal->fault);
    if (error != FERRY_OK)
        outbox_rollback(outbox);
}

/* ---- on the loop ---- */

static void start(struct journal *journal);

static void wait_for(struct journal *journal, unsigned ms)
{
    journal->timed = true;
    loop_timer_at(journal->timer, loop_now_ns(journal->loop) + ms * CLOCK_NS_PER_MS);
}

static void log_broken(struct journal *journal)
{
    if (!journal->broken)
        log_event(journal->log, LOG_LEVEL_ERROR, "outbox.failed",
                  F_VISIBLE("reason", journal->fault.what), F_STR("side", "server"),
                  F_STR("advice", "look at the folder state and its disk"));
    journal->broken = true;
}

/* What must be done is tried again, before all that came after it. */
static void keep_for_later(struct journal *journal, struct entries *failed)
{
    struct entries later = STAILQ_HEAD_INITIALIZER(later);
    struct journal_entry *entry;
    while ((entry = STAILQ_FIRST(&journal->batch))) {
        STAILQ_REMOVE_HEAD(&journal->batch, link);
        if (may_fail(entry))
            STAILQ_INSERT_TAIL(failed, entry, link);
        else
            STAILQ_INSERT_TAIL(&later, entry, link);
    }
    STAILQ_CONCAT(&later, &journal->waiting);
    STAILQ_CONCAT(&journal->waiting, &later);
    wait_for(journal, RETRY_MS);
}

static void work_done(void *ctx)
{
    struct journal *journal = ctx;
    struct entries ended = STAILQ_HEAD_INITIALIZER(ended);
    struct journal_entry *entry;
    bool failed = fault_is_set(&journal->fault);
    journal->running = false;
    if (failed) {
        log_broken(journal);
        keep_for_later(journal, &ended);
    } else {
        STAILQ_CONCAT(&ended, &journal->batch);
        journal->broken = false;
    }
    fault_clear(&journal->fault);
    while ((entry = STAILQ_FIRST(&ended))) {
        STAILQ_REMOVE_HEAD(&ended, link);
        entry->failed |= failed;
        entry->done(entry);
    }
    start(journal);
}

static bool is_lazy(const struct journal *journal)
{
    const struct journal_entry *entry;
    STAILQ_FOREACH (entry, &journal->waiting, link)
        if (entry->kind != JOURNAL_REMOVE)
            return false;
    return true;
}

static void take_batch(struct journal *journal)
{
    struct journal_entry *entry;
    for (int i = 0; i < BATCH_MAX && (entry = STAILQ_FIRST(&journal->waiting)); i++) {
        STAILQ_REMOVE_HEAD(&journal->waiting, link);
        STAILQ_INSERT_TAIL(&journal->batch, entry, link);
    }
}

static void begin(struct journal *journal)
{
    take_batch(journal);
    journal->running = true;
    if (loop_job(journal->loop, work, work_done, journal) == FERRY_OK)
        return;
    STAILQ_CONCAT(&journal->batch, &journal->waiting); /* as it was */
    STAILQ_CONCAT(&journal->waiting, &journal->batch);
    journal->running = false;
    wait_for(journal, RETRY_MS);
}

static void start(struct journal *journal)
{
    if (journal->running || STAILQ_EMPTY(&journal->waiting))
        return;
    if (journal->timed && (journal->broken || is_lazy(journal)))
        return;
    if (!is_lazy(journal)) {
        begin(journal);
        return;
    }
    wait_for(journal, LAZY_MS);
}

static void on_time(void *ctx)
{
    struct journal *journal = ctx;
    journal->timed = false;
    if (!journal->running && !STAILQ_EMPTY(&journal->waiting))
        begin(journal);
}

void journal_put(struct journal *journal, struct journal_entry *entry)
{
    STAILQ_INSERT_TAIL(&journal->waiting, entry, link);
    start(journal);
}

struct journal *journal_new(struct loop *loop, const struct log *log, struct outbox *outbox)
{
    struct journal *journal = alloc_zero(sizeof(*journal));
    struct loop_timer *timer = journal ? loop_timer_new(loop, on_time, journal) : NULL;
    if (!timer) {
        alloc_free(journal);
        outbox_close(outbox);
        return NULL;
    }
    *journal = (struct journal){.loop = loop, .log = log, .outbox = outbox, .timer = timer};
    STAILQ_INIT(&journal->waiting);
    STAILQ_INIT(&journal->batch);
    return journal;
}
