/* What would break if a rule about TLS were tightened: judged by what clients really used, those
 * that are connected now and those of the inventory. */
#ifndef FERRY_FERRYD_OPS_WEB_TIGHTEN_H
#define FERRY_FERRYD_OPS_WEB_TIGHTEN_H

#include "ferryd/ops/state.h"

/* One way in which an account was used by a program. Texts are those of the state. */
struct tighten_use {
    const char *account, *client;
    const struct state_tls *tls;
    uint64_t data_full, data_clear, sessions;
    int64_t last_ns; /* when one ended last; 0: one is connected now */
    uint32_t hash;   /* tighten.c's */
};

/* All that is known, those that are connected first. */
struct tighten {
    struct tighten_use *uses;
    size_t count;
};

enum { TIGHTEN_USES_MAX = 2 * STATE_USES_MAX }; /* what exceeds it is left out */

struct tighten_rule {
    const char *directive; /* "policy = modern" */
    const char *means;     /* one sentence */
    /* Why such a client could not go on; NULL: it could. A static string. */
    const char *(*lacks)(const struct tighten_use *use);
};

extern const struct tighten_rule tighten_rules[];
extern const size_t tighten_rule_count;

/* What a rule would do. */
struct tighten_effect {
    size_t accounts, clients; /* that it would lock out; each is counted once */
    size_t strangers;         /* uses of who never logged in: scanners, mostly */
};

/* Lasts as long as the state is left as it is. FERRY_E_MEMORY. */
NODISCARD enum ferry_error tighten_init(struct tighten *tighten, const struct state *state);
void tighten_fini(struct tighten *tighten);

struct tighten_effect tighten_effect_of(const struct tighten *tighten,
                                        const struct tighten_rule *rule);

#endif
