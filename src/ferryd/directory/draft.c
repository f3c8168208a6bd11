/* An account as it is put together from what a directory or a database has of it. */
#include "ferryd/directory/draft.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/utf8.h"
#include "conf/check.h"
#include "ferryd/directory/pattern.h"
#include "tls/digest.h"

enum { DAY_S = 24 * 60 * 60, DAYS_MAX = 1000000 };

/* ---- targets ---- */

const char *draft_target_name(unsigned target)
{
    static const char *const others[] = {"name", "uid", "gid"};
    return target < ACCOUNT_FIELDS ? account_field_names[target] : others[target - ACCOUNT_FIELDS];
}

enum ferry_error draft_target(struct bytes name, unsigned *out, struct fault *fault)
{
    const char *names[DRAFT_TARGETS];
    for (unsigned i = 0; i < DRAFT_TARGETS; i++) {
        names[i] = draft_target_name(i);
        if (bytes_equal(name, bytes_str(names[i]))) {
            *out = i;
            return FERRY_OK;
        }
    }
    size_t near = check_nearest(name, names, DRAFT_TARGETS);
    if (near < DRAFT_TARGETS)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "\"%.*s\" is no field of an account; did you mean %s?", BYTES_FMT(name),
                         names[near]);
    return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is no field of an account",
                     BYTES_FMT(name));
}

enum ferry_error draft_pair(struct bytes text, unsigned *target, struct bytes *value,
                            struct fault *fault)
{
    size_t equals = bytes_find(text, '=');
    struct bytes name = text_trim(bytes_first(text, equals));
    *value = text_trim(bytes_skip(text, equals + 1));
    if (equals == text.len || value->len == 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is not a field, = and a value",
                         BYTES_FMT(text));
    return draft_target(name, target, fault);
}

bool draft_is_list(unsigned target)
{
    return target == ACCOUNT_CERTIFICATES || target == ACCOUNT_NETWORKS ||
           target == ACCOUNT_DENIED_NAMES || target == DRAFT_NAME;
}

/* ---- values ---- */

static enum ferry_error put_id(struct bytes value, bool *has, uint32_t *id, struct fault *fault)
{
    uint64_t number;
    if (!text_u64(value, UINT32_MAX - 1, &number))
        return fault_set(fault, FERRY_E_ARGUMENT, "it is no number of a user or a group");
    *has = true;
    *id = (uint32_t)number;
    return FERRY_OK;
}

/* Adds a line to a field that is a list, or sets one that is none. */
static enum ferry_error put_text(struct account *account, enum account_field field,
                                 struct bytes value, struct fault *fault)
{
    CLEANUP(buf_fini) struct buf whole;
    const char *before = account_text(account, field);
    buf_init(&whole, ACCOUNT_TEXT_BYTES);
    if (!before[0])
        return account_set(account, field, value, fault);
    if (buf_printf(&whole, "%s\n%.*s", before, BYTES_FMT(value)) != FERRY_OK)
        return fault_set(fault, FERRY_E_ARGUMENT, "there is too much of it");
    return account_set(account, field, buf_view(&whole), fault);
}

/* The rule that a certificate itself fits: that of its hash. */
static enum ferry_error put_certificate(struct account *account, struct bytes der,
                                        struct fault *fault)
{
    uint8_t hash[DIGEST_MAX_BYTES];
    size_t len = 0;
    CLEANUP(buf_fini) struct buf rule;
    buf_init(&rule, 2 * DIGEST_MAX_BYTES + sizeof("fingerprint:"));
    struct digest *digest = digest_new(DIGEST_SHA256);
    enum ferry_error error = digest ? digest_update(digest, der) : FERRY_E_MEMORY;
    if (error == FERRY_OK)
        error = digest_final(digest, hash, &len);
    digest_free(digest);
    if (error == FERRY_OK)
        error = buf_append(&rule, BYTES_LIT("fingerprint:"));
    if (error == FERRY_OK)
        error = text_hex(&rule, bytes_of(hash, len));
    if (error != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
    return put_text(account, ACCOUNT_CERTIFICATES, buf_view(&rule), fault);
}

/* What LDAP and SQL say for yes and no; anything else as it is. */
static struct bytes as_word(struct bytes value)
{
    static const char *const words[][2] = {
        {"TRUE", "yes"},
        {"FALSE", "no"},
        {"t", "yes"},
        {"f", "no"},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_same(value, bytes_str(words[i][0])))
            return bytes_str(words[i][1]);
    return value;
}

/* A number of days since 1970, the first on which it is over (shadow(5)); -1: never. */
static struct bytes as_day(struct bytes value, char *space, size_t size_bytes)
{
    uint64_t days;
    struct tm day;
    if (bytes_equal(value, BYTES_LIT("-1")))
        return BYTES_LIT("");
    if (!text_u64(value, DAYS_MAX, &days))
        return value;
    time_t last_s = days > 0 ? (time_t)(days - 1) * DAY_S : 0;
    if (!gmtime_r(&last_s, &day))
        return value;
    return bytes_of(space, strftime(space, size_bytes, "%Y-%m-%d", &day));
}

static enum ferry_error put_field(struct account *account, enum account_field field,
                                  struct bytes value, struct fault *fault)
{
    char day[32];
    /* A sequence of ASN.1; no rule begins so. */
    if (field == ACCOUNT_CERTIFICATES && value.ptr[0] == '\x30')
        return put_certificate(account, value, fault);
    if (!draft_is_list(field) && account_text(account, field)[0])
        return fault_set(fault, FERRY_E_ARGUMENT, "it has more than one value");
    if (!draft_is_list(field) && bytes_find(value, '\n') < value.len)
        return fault_set(fault, FERRY_E_ARGUMENT, "it has more than one line");
    if (field == ACCOUNT_DISABLED || field == ACCOUNT_READ_ONLY)
        value = as_word(value);
    if (field == ACCOUNT_EXPIRES)
        value = as_day(value, day, sizeof(day));
    return value.len > 0 ? put_text(account, field, value, fault) : FERRY_OK;
}

enum ferry_error draft_put(struct draft *draft, unsigned target, struct bytes value,
                           struct fault *fault)
{
    struct fault why = {0};
    enum ferry_error error = FERRY_OK;
    if (value.len == 0)
        return FERRY_OK;
    if (target == DRAFT_NAME) {
        bool same = bytes_equal(value, bytes_str(draft->account->name));
        draft->is_other = !same && (draft->is_other || !draft->named);
        draft->named = true;
        return FERRY_OK;
    }
    if (target == DRAFT_UID)
        error = put_id(value, &draft->has_uid, &draft->uid, &why);
    else if (target == DRAFT_GID)
        error = put_id(value, &draft->has_gid, &draft->gid, &why);
    else
        error = put_field(draft->account, (enum account_field)target, value, &why);
    return error == FERRY_OK ? FERRY_OK
                             : fault_set(fault, error, "account \"%s\": %s: %s",
                                         draft->account->name, draft_target_name(target), why.what);
}

/* ---- life ---- */

bool draft_name_is_usable(struct bytes name)
{
    return account_name_is_usable(name) && utf8_valid(name) && !bytes_equal(name, BYTES_LIT(".")) &&
           !bytes_equal(name, BYTES_LIT(".."));
}

enum ferry_error draft_init(struct draft *draft, struct bytes name, struct fault *fault)
{
    *draft = (struct draft){0};
    return account_new(name, &draft->account, fault);
}

void draft_fini(struct draft *draft)
{
    account_free(draft->account);
    *draft = (struct draft){0};
}

static bool has_nothing(const struct draft *draft, unsigned target)
{
    if (target == DRAFT_UID || target == DRAFT_GID)
        return target == DRAFT_UID ? !draft->has_uid : !draft->has_gid;
    return target < ACCOUNT_FIELDS && !account_text(draft->account, (enum account_field)target)[0];
}

/* All values of a list of defaults, unless the field had one before the first of them. */
static enum ferry_error put_defaults(struct draft *draft, const struct conf_texts *defaults,
                                     struct fault *fault)
{
    bool open[DRAFT_TARGETS];
    enum ferry_error error = FERRY_OK;
    for (unsigned i = 0; i < DRAFT_TARGETS; i++)
        open[i] = has_nothing(draft, i);
    for (size_t i = 0; i < defaults->count && error == FERRY_OK; i++) {
        unsigned target = 0;
        struct bytes value;
        CLEANUP(buf_fini) struct buf filled;
        buf_init(&filled, PATTERN_MAX_BYTES);
        error = draft_pair(bytes_str(defaults->list[i]), &target, &value, fault);
        if (error != FERRY_OK || !open[target])
            continue;
        error = pattern_plain(value, bytes_str(draft->account->name), &filled);
        error = error == FERRY_OK ? draft_put(draft, target, buf_view(&filled), fault)
                                  : fault_set(fault, error, "a default is too long");
    }
    return error;
}

/* "UID:GID", as os_user_find takes it. */
static enum ferry_error put_user(struct draft *draft, uint64_t min, struct fault *fault)
{
    char text[32];
    const char *name = draft->account->name;
    if (!draft->has_uid && !draft->has_gid)
        return FERRY_OK;
    if (!draft->has_uid || !draft->has_gid)
        return fault_set(fault, FERRY_E_ARGUMENT, "account \"%s\": uid and gid go together", name);
    if (draft->uid < min || draft->gid < min)
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "account \"%s\": uid %u, gid %u: nothing below uid_min, %llu, is taken",
                         name, draft->uid, draft->gid, (unsigned long long)min);
    snprintf(text, sizeof(text), "%u:%u", draft->uid, draft->gid);
    return account_set(draft->account, ACCOUNT_USER, bytes_str(text), fault);
}

enum ferry_error draft_finish(struct draft *draft, const struct draft_rules *rules,
                              struct account **out, struct fault *fault)
{
    *out = NULL;
    if (draft->is_other)
        return FERRY_OK;
    enum ferry_error error = put_defaults(draft, rules->defaults, fault);
    if (error == FERRY_OK)
        error = put_user(draft, rules->uid_min, fault);
    if (error == FERRY_OK && !account_text(draft->account, ACCOUNT_HOME)[0])
        error =
            fault_set(fault, FERRY_E_ARGUMENT, "account \"%s\" lacks home", draft->account->name);
    if (error != FERRY_OK)
        return error;
    *out = draft->account;
    draft->account = NULL;
    return FERRY_OK;
}
