/* The outbox on the pool: what is asked of it while the disk is busy goes to the disk together, in
 * one transaction, so that many small uploads share the wait for one sync. */
#ifndef FERRY_FERRYD_HOOKS_JOURNAL_H
#define FERRY_FERRYD_HOOKS_JOURNAL_H

#include <sys/queue.h>

#include "base/buf.h"
#include "base/log.h"
#include "ferryd/hooks/outbox.h"
#include "net/loop.h"

struct journal;

enum journal_kind {
    JOURNAL_ADD,    /* `row`, whose texts and body live as long as the entry */
    JOURNAL_SETTLE, /* what has `row.id`, to `row.state` (outbox_settle) */
    JOURNAL_FETCH,  /* the body of `row.number`, to `body` */
    JOURNAL_REMOVE, /* `row.number`: may take its time */
    JOURNAL_FAILED, /* `row`, for the reason `why` */
};

/* One thing that is asked. Belongs to the journal from journal_put until `done`, which is called
 * from the loop, in the order of journal_put, when it is on disk, and owns it again: it frees it
 * with journal_entry_free, or what it is part of. */
struct journal_entry {
    STAILQ_ENTRY(journal_entry) link;
    enum journal_kind kind;
    struct outbox_row row;
    struct buf body;
    char why[256];
    bool there;  /* JOURNAL_ADD: it was there already */
    bool failed; /* JOURNAL_ADD and _FETCH: it could not be done. All else is tried for ever */
    void (*done)(struct journal_entry *entry);
    void *ctx;
};

/* NULL: no memory. Free it with journal_entry_free. */
struct journal_entry *journal_entry_new(enum journal_kind kind,
                                        void (*done)(struct journal_entry *entry), void *ctx);
void journal_entry_free(struct journal_entry *entry);

/* Takes `outbox`. NULL: no memory. */
struct journal *journal_new(struct loop *loop, const struct log *log, struct outbox *outbox);

void journal_put(struct journal *journal, struct journal_entry *entry);

#endif
