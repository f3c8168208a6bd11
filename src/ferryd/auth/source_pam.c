/* The users of the system as a source. */
#include "ferryd/auth/source_pam.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/auth/os_account.h"

/* Beyond what ferryd-pam gives a conversation: who is killed there is heard of. */
enum { LATE_MS = 1000 };

struct pam_source {
    struct source source;
    struct pam_line *line;
    struct os_account_rules rules;
    char *service;
    int patience_ms;
    bool with_sessions;
    atomic_uint_least64_t next_visit;
};

/* What must not come near the system's look-ups and modules (SEC-70). */
static bool is_usable(struct bytes name)
{
    return account_name_is_usable(name) && name.ptr[0] != '-';
}

static enum ferry_error pam_source_find(struct source *source, unsigned turn, struct bytes name,
                                        struct found *out, struct fault *fault)
{
    const struct pam_source *self = (const struct pam_source *)source;
    char text[ACCOUNT_NAME_BYTES + 1];
    (void)turn;
    if (!is_usable(name)) {
        out->why = "this can be no name of a user of the system";
        return FERRY_OK;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    enum ferry_error error = os_account_find(text, &self->rules, &out->owned, &out->why, fault);
    out->account = out->owned;
    return error;
}

static enum ferry_error ask(struct pam_source *self, enum pam_deed deed, uint64_t visit,
                            struct bytes name, const struct found *found, struct bytes password,
                            struct pam_answer *answer, struct fault *fault)
{
    char host[ADDRESS_TEXT_BYTES] = "";
    if (found->peer)
        address_text(found->peer, host);
    const struct pam_ask whole = {
        .deed = deed,
        .service = bytes_str(self->service),
        .name = name,
        .password = password,
        .host = bytes_str(host),
    };
    enum ferry_error error =
        pam_line_ask(self->line, &whole, visit, self->patience_ms + LATE_MS, answer, fault);
    if (error == FERRY_OK && answer->verdict == PAM_VERDICT_UNAVAILABLE)
        error = fault_set(fault, FERRY_E_FILE, "%s", answer->words);
    return error;
}

/* PAM is asked for a name, too, that nobody may log in by (SEC-84). */
static enum ferry_error pam_source_check(struct source *source, unsigned turn, struct bytes name,
                                         const struct found *found, struct bytes password,
                                         bool *right, struct fault *fault)
{
    struct pam_source *self = (struct pam_source *)source;
    struct pam_answer answer;
    (void)turn;
    *right = false;
    if (password.len == 0 || memchr(password.ptr, '\0', password.len) || !is_usable(name))
        return FERRY_OK;
    enum ferry_error error = ask(self, PAM_DEED_CHECK, 0, name, found, password, &answer, fault);
    *right = error == FERRY_OK && answer.verdict == PAM_VERDICT_YES && found->account;
    return error;
}

static enum ferry_error pam_source_enter(struct source *source, unsigned turn, struct bytes name,
                                         const struct found *found, uint64_t *visit,
                                         struct fault *fault)
{
    struct pam_source *self = (struct pam_source *)source;
    struct pam_answer answer;
    (void)turn;
    if (!self->with_sessions)
        return FERRY_OK;
    uint64_t number = atomic_fetch_add(&self->next_visit, 1);
    enum ferry_error error =
        ask(self, PAM_DEED_OPEN, number, name, found, BYTES_LIT(""), &answer, fault);
    if (error == FERRY_OK && answer.verdict != PAM_VERDICT_YES)
        return fault_set(fault, FERRY_E_DENIED, "%s", answer.words);
    if (error == FERRY_OK)
        *visit = number;
    return error;
}

static void pam_source_leave(struct source *source, uint64_t visit)
{
    pam_line_close(((struct pam_source *)source)->line, visit);
}

static void pam_source_close(struct source *source)
{
    struct pam_source *self = (struct pam_source *)source;
    alloc_free(self->service);
    alloc_free(self);
}

enum ferry_error source_pam_open(const struct settings_global *settings, struct pam_line *line,
                                 struct source **out, struct fault *fault)
{
    static const struct source_ops ops = {
        .find = pam_source_find,
        .check_password = pam_source_check,
        .enter = pam_source_enter,
        .leave = pam_source_leave,
        .close = pam_source_close,
    };
    struct pam_source *self = alloc_zero(sizeof(*self));
    char *service = alloc_str(settings->pam_service);
    if (!self || !service) {
        alloc_free(self);
        alloc_free(service);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    }
    self->source = (struct source){.ops = &ops,
                                   .name = "pam",
                                   .turns = SOURCE_PAM_TURNS,
                                   .patience_ns = settings->pam_timeout_ns};
    self->line = line;
    self->rules = (struct os_account_rules){(uid_t)settings->pam_uid_min, settings->pam_shells};
    self->service = service;
    self->patience_ms = (int)(settings->pam_timeout_ns / CLOCK_NS_PER_MS);
    self->with_sessions = settings->pam_session;
    atomic_init(&self->next_visit, 1);
    *out = &self->source;
    return FERRY_OK;
}
