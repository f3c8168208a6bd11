/* What would break if a rule about TLS were tightened. */
#include "ferryd/ops/web/tighten.h"

#include <string.h>

#include "base/bytes.h"

/* ---- rules ---- */

static bool is_sealed(const struct tighten_use *use)
{
    return use->tls->version[0] != '\0';
}

static bool has_version(const struct tighten_use *use, const char *version)
{
    return strcmp(use->tls->version, version) == 0;
}

static const char *lacks_modern(const struct tighten_use *use)
{
    return !is_sealed(use) || has_version(use, "TLSv1.3") ? NULL : "has not used TLS 1.3";
}

/* Suites of policy default by either of their names: ECDHE with an AEAD (tls/policy.c). */
static bool is_strong_suite(const char *cipher)
{
    return strstr(cipher, "ECDHE") && (strstr(cipher, "GCM") || strstr(cipher, "CHACHA20"));
}

static const char *lacks_default(const struct tighten_use *use)
{
    if (!is_sealed(use) || has_version(use, "TLSv1.3"))
        return NULL;
    if (!has_version(use, "TLSv1.2"))
        return "has not used TLS 1.2 or 1.3";
    return is_strong_suite(use->tls->cipher) ? NULL : "has used a weak cipher";
}

static const char *lacks_tls(const struct tighten_use *use)
{
    return is_sealed(use) ? NULL : "has logged in without TLS";
}

static const char *lacks_data_tls(const struct tighten_use *use)
{
    return use->data_clear > 0 ? "has moved files or listings in clear" : NULL;
}

static const char *lacks_resumption(const struct tighten_use *use)
{
    return use->data_full > 0 ? "has not resumed the session for data" : NULL;
}

const struct tighten_rule tighten_rules[] = {
    {"policy = modern", "TLS 1.3 alone.", lacks_modern},
    {"policy = default", "TLS 1.2 with forward secrecy, or 1.3.", lacks_default},
    {"plaintext = refuse", "No login without TLS.", lacks_tls},
    {"data_tls = require", "All data under TLS, too.", lacks_data_tls},
    {"data_resume = require", "Data connections must resume the session of the control connection.",
     lacks_resumption},
};
const size_t tighten_rule_count = ARRAY_LEN(tighten_rules);

/* ---- uses ---- */

void tighten_each(const struct state *state, tighten_fn *fn, void *ctx)
{
    const struct state_session *session;
    const struct state_use *use;
    TAILQ_FOREACH (session, &state->sessions, link) {
        const struct tighten_use now = {
            .account = session->account,
            .client = session->client,
            .tls = &session->tls,
            .sessions = 1,
        };
        if (session->logged_in)
            fn(ctx, &now);
    }
    TAILQ_FOREACH (use, &state->uses, link) {
        const struct tighten_use then = {
            .account = use->account,
            .client = use->client,
            .tls = &use->tls,
            .data_full = use->data_full,
            .data_clear = use->data_clear,
            .last_ns = use->last_ns,
            .sessions = use->sessions,
        };
        fn(ctx, &then);
    }
}

/* The different accounts and programs, in as many steps as there are pairs: at most 2000 rows of
 * the inventory, and as many sessions are looked at. */
enum { NAMES_MAX = 2 * STATE_USES_MAX };

struct names {
    const char *list[NAMES_MAX];
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i], name) == 0)
            return;
    if (names->count < NAMES_MAX)
        names->list[names->count++] = name;
}

struct tally {
    const struct tighten_rule *rule;
    struct names accounts, clients;
    size_t strangers;
};

static void count(void *ctx, const struct tighten_use *use)
{
    struct tally *tally = ctx;
    if (!tally->rule->lacks(use))
        return;
    if (!use->account[0]) {
        tally->strangers++;
        return;
    }
    add_name(&tally->accounts, use->account);
    add_name(&tally->clients, use->client);
}

struct tighten_effect tighten_effect_of(const struct state *state, const struct tighten_rule *rule)
{
    struct tally tally = {.rule = rule};
    tighten_each(state, count, &tally);
    return (struct tighten_effect){
        .accounts = tally.accounts.count,
        .clients = tally.clients.count,
        .strangers = tally.strangers,
    };
}
