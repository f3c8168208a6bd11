/* What would break if a rule about TLS were tightened: judged by what clients really used, those
 * that are connected now and those of the inventory. */
#ifndef FERRY_FERRYD_OPS_WEB_TIGHTEN_H
#define FERRY_FERRYD_OPS_WEB_TIGHTEN_H

#include "ferryd/ops/state.h"

/* One thing that a client used. */
struct tighten_use {
    const char *account, *client;
    const struct state_tls *tls;
    uint64_t data_full, data_clear;
    int64_t last_ns;
    uint64_t sessions;
};

struct tighten_rule {
    const char *directive; /* "policy = modern" */
    const char *means;     /* one sentence */
    /* Why such a client could not go on; NULL: it could. A static string or of the use. */
    const char *(*lacks)(const struct tighten_use *use);
};

extern const struct tighten_rule tighten_rules[];
extern const size_t tighten_rule_count;

/* What a rule would do. */
struct tighten_effect {
    size_t accounts, clients; /* that it would lock out; accounts are counted once */
    size_t strangers;         /* rows of who never logged in: scanners, mostly */
};

typedef void tighten_fn(void *ctx, const struct tighten_use *use);

/* Calls `fn` with all that is known, connected sessions first. */
void tighten_each(const struct state *state, tighten_fn *fn, void *ctx);

struct tighten_effect tighten_effect_of(const struct state *state, const struct tighten_rule *rule);

#endif
