/* What would break if a rule about TLS were tightened. */
#include "ferryd/ops/web/tighten.h"

#include <string.h>

#include "base/alloc.h"

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

/* FNV-1a: it only makes the search short. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    return (hash ^ 0xff) * UINT32_C(16777619);
}

static uint32_t hash_of(const struct tighten_use *use)
{
    uint32_t hash = hash_text(UINT32_C(2166136261), use->account);
    return hash_text(hash_text(hash_text(hash, use->client), use->tls->version), use->tls->cipher);
}

static bool is_same(const struct tighten_use *a, const struct tighten_use *b)
{
    return a->hash == b->hash && strcmp(a->account, b->account) == 0 &&
           strcmp(a->client, b->client) == 0 && strcmp(a->tls->version, b->tls->version) == 0 &&
           strcmp(a->tls->cipher, b->tls->cipher) == 0;
}

static void add(struct tighten *tighten, struct tighten_use use)
{
    use.hash = hash_of(&use);
    for (size_t i = 0; i < tighten->count; i++) {
        struct tighten_use *old = &tighten->uses[i];
        if (!is_same(old, &use))
            continue;
        old->sessions += use.sessions;
        old->data_full += use.data_full;
        old->data_clear += use.data_clear;
        return;
    }
    if (tighten->count < TIGHTEN_USES_MAX)
        tighten->uses[tighten->count++] = use;
}

enum ferry_error tighten_init(struct tighten *tighten, const struct state *state)
{
    const struct state_session *session;
    const struct state_use *use;
    *tighten = (struct tighten){0};
    tighten->uses = alloc_resize(NULL, TIGHTEN_USES_MAX, sizeof(*tighten->uses));
    if (!tighten->uses)
        return FERRY_E_MEMORY;
    TAILQ_FOREACH (session, &state->sessions, link)
        if (session->logged_in)
            add(tighten, (struct tighten_use){
                             .account = session->account,
                             .client = session->client,
                             .tls = &session->tls,
                             .sessions = 1,
                         });
    TAILQ_FOREACH (use, &state->uses, link)
        add(tighten, (struct tighten_use){
                         .account = use->account,
                         .client = use->client,
                         .tls = &use->tls,
                         .data_full = use->data_full,
                         .data_clear = use->data_clear,
                         .sessions = use->sessions,
                         .last_ns = use->last_ns,
                     });
    return FERRY_OK;
}

void tighten_fini(struct tighten *tighten)
{
    alloc_free(tighten->uses);
    *tighten = (struct tighten){0};
}

/* ---- effects ---- */

/* Whether one before it, that the rule would lock out, has the same account; or the same program.
 */
static bool is_known(const struct tighten *tighten, size_t at, const struct tighten_rule *rule,
                     bool by_client)
{
    const struct tighten_use *use = &tighten->uses[at];
    for (size_t i = 0; i < at; i++) {
        const struct tighten_use *old = &tighten->uses[i];
        if (strcmp(by_client ? old->client : old->account,
                   by_client ? use->client : use->account) == 0 &&
            old->account[0] && rule->lacks(old))
            return true;
    }
    return false;
}

struct tighten_effect tighten_effect_of(const struct tighten *tighten,
                                        const struct tighten_rule *rule)
{
    struct tighten_effect effect = {0};
    for (size_t i = 0; i < tighten->count; i++) {
        const struct tighten_use *use = &tighten->uses[i];
        if (!rule->lacks(use))
            continue;
        if (!use->account[0]) {
            effect.strangers++;
            continue;
        }
        effect.accounts += !is_known(tighten, i, rule, false);
        effect.clients += !is_known(tighten, i, rule, true);
    }
    return effect;
}
