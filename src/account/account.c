/* Somebody who may log in. */
#include "account/account.h"

#include <string.h>
#include <time.h>

#include "account/amount.h"
#include "account/password.h"
#include "base/alloc.h"
#include "base/text.h"
#include "store/rights.h"
#include "store/roots.h"

const char *const account_field_names[ACCOUNT_FIELDS] = {
    [ACCOUNT_PASSWORD_HASH] = "password_hash",
    [ACCOUNT_HOME] = "home",
    [ACCOUNT_USER] = "user",
    [ACCOUNT_READ_ONLY] = "read_only",
    [ACCOUNT_UPLOADS] = "uploads",
    [ACCOUNT_DOTFILES] = "dotfiles",
    [ACCOUNT_CHARSET] = "charset",
    [ACCOUNT_DENIED_NAMES] = "denied_names",
    [ACCOUNT_CONTROL_BYTES] = "control_bytes",
    [ACCOUNT_TLS] = "tls",
    [ACCOUNT_DISABLED] = "disabled",
    [ACCOUNT_LOGIN] = "login",
    [ACCOUNT_CERTIFICATES] = "certificates",
    [ACCOUNT_NETWORKS] = "networks",
    [ACCOUNT_HOURS] = "hours",
    [ACCOUNT_EXPIRES] = "expires",
    [ACCOUNT_SESSIONS_MAX] = "sessions_max",
    [ACCOUNT_RATE_UP] = "rate_up",
    [ACCOUNT_RATE_DOWN] = "rate_down",
    [ACCOUNT_QUOTA] = "quota",
    [ACCOUNT_QUOTA_FILES] = "quota_files",
    [ACCOUNT_RIGHTS] = "rights",
    [ACCOUNT_ROOTS] = "roots",
    [ACCOUNT_GROUP] = "group",
    [ACCOUNT_TEMPLATE] = "template",
};

/* ---- values, one function each; an empty text is the default ---- */

static enum ferry_error set_hash(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    char hash[PASSWORD_HASH_BYTES];
    if (text.len == 0)
        return FERRY_OK;
    bool fits = text.len < sizeof(hash);
    memcpy(hash, text.ptr, fits ? text.len : 0);
    hash[fits ? text.len : 0] = '\0';
    if (password_hash_is_usable(hash))
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "it is no hash that this system can check; \"ferryd hash\" makes one");
}

static enum ferry_error set_home(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    if (text.len == 0 || text.ptr[0] == '/')
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT, "a home is an absolute path");
}

static enum ferry_error set_user(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    if (text.len == 0 || account_name_is_usable(text))
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT, "this is no name of a user");
}

/* One of two words, of which `off` is the default. */
static enum ferry_error set_flag(bool *flag, struct bytes text, const char *off, const char *on,
                                 struct fault *fault)
{
    bool is_on = text_same(text, bytes_str(on));
    if (!is_on && text.len > 0 && !text_same(text, bytes_str(off)))
        return fault_set(fault, FERRY_E_ARGUMENT, "it is %s or %s", off, on);
    *flag = is_on;
    return FERRY_OK;
}

static enum ferry_error set_read_only(struct account *account, struct bytes text,
                                      struct fault *fault)
{
    return set_flag(&account->read_only, text, "no", "yes", fault);
}

static enum ferry_error set_uploads(struct account *account, struct bytes text, struct fault *fault)
{
    return set_flag(&account->upload_in_place, text, "atomic", "in-place", fault);
}

static enum ferry_error set_dotfiles(struct account *account, struct bytes text,
                                     struct fault *fault)
{
    return set_flag(&account->hide_dotfiles, text, "show", "hide", fault);
}

/* Whether there is such a charset is seen by who reads names in it. */
static enum ferry_error set_charset(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    if (text.len == 0 || account_name_is_usable(text))
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT, "this is no name of a charset");
}

static enum ferry_error set_control_bytes(struct account *account, struct bytes text,
                                          struct fault *fault)
{
    return set_flag(&account->control_bytes, text, "refuse", "allow", fault);
}

static enum ferry_error set_tls(struct account *account, struct bytes text, struct fault *fault)
{
    if (text.len == 0)
        text = bytes_str(demand_tls_words[DEMAND_TLS_LISTENER]);
    for (unsigned i = 0; demand_tls_words[i]; i++) {
        if (text_same(text, bytes_str(demand_tls_words[i]))) {
            account->tls = (enum demand_tls)i;
            return FERRY_OK;
        }
    }
    return fault_set(fault, FERRY_E_ARGUMENT, "it is listener, legacy, default or modern");
}

static enum ferry_error set_disabled(struct account *account, struct bytes text,
                                     struct fault *fault)
{
    return set_flag(&account->disabled, text, "no", "yes", fault);
}

static enum ferry_error set_login(struct account *account, struct bytes text, struct fault *fault)
{
    if (text.len == 0)
        text = bytes_str(admission_policy_words[ADMISSION_PASSWORD]);
    for (unsigned i = 0; admission_policy_words[i]; i++) {
        if (text_same(text, bytes_str(admission_policy_words[i]))) {
            account->login = (enum admission_policy)i;
            return FERRY_OK;
        }
    }
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "it is password, cert, cert-or-password, cert-and-password or anonymous");
}

/* The next line that is not empty. */
static bool next_line(struct bytes *rest, struct bytes *line)
{
    while (rest->len > 0) {
        *line = text_trim(bytes_cut(rest, '\n'));
        if (line->len > 0)
            return true;
    }
    return false;
}

/* Kept with '/' between them, which is in no name: so a '/' alone stands for none at all. */
static enum ferry_error set_denied_names(struct account *account, struct bytes text,
                                         struct fault *fault)
{
    enum { DENIED_MAX_BYTES = 8192 };
    if (text.len > DENIED_MAX_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "there may be %d bytes of them", DENIED_MAX_BYTES);
    char *joined = text.len > 0 ? alloc_bytes(text) : NULL;
    if (text.len > 0 && !joined)
        return FERRY_E_MEMORY;
    for (size_t i = 0; i < text.len; i++)
        if (joined[i] == '\n')
            joined[i] = '/';
    alloc_free(account->denied_names);
    account->denied_names = joined;
    return FERRY_OK;
}

static enum ferry_error too_many(struct fault *fault)
{
    return fault_set(fault, FERRY_E_LIMIT, "there may be %d of them", ACCOUNT_LIST_MAX);
}

static enum ferry_error set_certificates(struct account *account, struct bytes text,
                                         struct fault *fault)
{
    struct tls_identity_rule *rules = NULL;
    size_t count = 0;
    enum ferry_error error = FERRY_OK;
    struct bytes line;
    while (error == FERRY_OK && next_line(&text, &line)) {
        struct tls_identity_rule *grown =
            count < ACCOUNT_LIST_MAX ? alloc_resize(rules, count + 1, sizeof(*rules)) : NULL;
        if (!grown) {
            error = count < ACCOUNT_LIST_MAX ? FERRY_E_MEMORY : too_many(fault);
            break;
        }
        rules = grown;
        error = tls_identity_rule_parse(line, &rules[count++], fault);
    }
    if (error != FERRY_OK) {
        alloc_free(rules);
        return error;
    }
    alloc_free(account->certificates);
    account->certificates = rules;
    account->certificate_count = count;
    return FERRY_OK;
}

static enum ferry_error parse_network(struct bytes line, struct network *out, struct fault *fault)
{
    char text[64];
    if (line.len >= sizeof(text))
        return fault_set(fault, FERRY_E_ARGUMENT, "this is too long for a network");
    memcpy(text, line.ptr, line.len);
    text[line.len] = '\0';
    return network_parse(text, out, fault);
}

static enum ferry_error set_networks(struct account *account, struct bytes text,
                                     struct fault *fault)
{
    struct network networks[ACCOUNT_LIST_MAX];
    size_t count = 0;
    struct bytes line;
    while (next_line(&text, &line)) {
        if (count == ACCOUNT_LIST_MAX)
            return too_many(fault);
        enum ferry_error error = parse_network(line, &networks[count++], fault);
        if (error != FERRY_OK)
            return error;
    }
    struct network *kept = count > 0 ? alloc_resize(NULL, count, sizeof(*kept)) : NULL;
    if (count > 0 && !kept)
        return FERRY_E_MEMORY;
    if (kept)
        memcpy(kept, networks, count * sizeof(*kept));
    alloc_free(account->networks);
    account->networks = kept;
    account->network_count = count;
    return FERRY_OK;
}

static enum ferry_error set_hours(struct account *account, struct bytes text, struct fault *fault)
{
    return hours_parse(text, &account->hours, fault);
}

/* "2027-01-31" as what gmtime_r gives for it. */
static bool parse_day(struct bytes text, struct tm *out)
{
    struct bytes rest = text;
    struct bytes year = bytes_cut(&rest, '-');
    struct bytes month = bytes_cut(&rest, '-');
    uint64_t y, m, d;
    if (year.len != 4 || month.len != 2 || rest.len != 2 || !text_u64(year, 9999, &y) ||
        !text_u64(month, 12, &m) || !text_u64(rest, 31, &d) || y < 1970 || m == 0 || d == 0)
        return false;
    *out = (struct tm){.tm_year = (int)y - 1900, .tm_mon = (int)m - 1, .tm_mday = (int)d};
    return true;
}

static enum ferry_error set_expires(struct account *account, struct bytes text, struct fault *fault)
{
    enum { DAY_S = 24 * 60 * 60 };
    struct tm day;
    if (text.len == 0) {
        account->expires_s = 0;
        return FERRY_OK;
    }
    bool is_day = parse_day(text, &day);
    if (is_day) {
        struct tm same = day; /* timegm makes 1 March of 29 February where there is none */
        time_t begins_s = timegm(&same);
        is_day = same.tm_mday == day.tm_mday;
        if (is_day)
            account->expires_s = (int64_t)begins_s + DAY_S;
    }
    return is_day ? FERRY_OK : fault_set(fault, FERRY_E_ARGUMENT, "this is no day like 2027-01-31");
}

static enum ferry_error set_amount(uint64_t *amount, struct bytes text, uint64_t max,
                                   struct fault *fault)
{
    uint64_t parsed = 0;
    if (text.len > 0 && !amount_parse(text, max, &parsed))
        return fault_set(fault, FERRY_E_ARGUMENT, "it is a number up to %llu",
                         (unsigned long long)max);
    *amount = parsed;
    return FERRY_OK;
}

static enum ferry_error set_sessions_max(struct account *account, struct bytes text,
                                         struct fault *fault)
{
    return set_amount(&account->sessions_max, text, 1000000, fault);
}

static enum ferry_error set_rate_up(struct account *account, struct bytes text, struct fault *fault)
{
    return set_amount(&account->rate_up, text, UINT64_C(10000000000), fault);
}

static enum ferry_error set_rate_down(struct account *account, struct bytes text,
                                      struct fault *fault)
{
    return set_amount(&account->rate_down, text, UINT64_C(10000000000), fault);
}

static enum ferry_error set_quota(struct account *account, struct bytes text, struct fault *fault)
{
    return set_amount(&account->quota_bytes, text, INT64_MAX, fault);
}

static enum ferry_error set_quota_files(struct account *account, struct bytes text,
                                        struct fault *fault)
{
    return set_amount(&account->quota_files, text, INT64_MAX, fault);
}

static enum ferry_error set_rights(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    struct rights rights;
    if (text.len > RIGHTS_TEXT_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "there may be %d bytes of them", RIGHTS_TEXT_BYTES);
    rights_init(&rights);
    enum ferry_error error = rights_add_text(&rights, text, fault);
    rights_fini(&rights);
    return error;
}

static enum ferry_error set_roots(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    return roots_check(text, fault);
}

static enum ferry_error set_group(struct account *account, struct bytes text, struct fault *fault)
{
    (void)account;
    struct bytes line;
    unsigned count = 0;
    while (next_line(&text, &line)) {
        if (!account_name_is_usable(line))
            return fault_set(fault, FERRY_E_ARGUMENT, "this is no name of a group");
        if (++count > ACCOUNT_GROUPS_MAX)
            return fault_set(fault, FERRY_E_LIMIT, "there may be %d of them", ACCOUNT_GROUPS_MAX);
    }
    return FERRY_OK;
}

static enum ferry_error set_template(struct account *account, struct bytes text,
                                     struct fault *fault)
{
    (void)account;
    if (text.len == 0 || account_name_is_usable(text))
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT, "this is no name of a template");
}

typedef enum ferry_error set_fn(struct account *account, struct bytes text, struct fault *fault);

static set_fn *const setters[ACCOUNT_FIELDS] = {
    [ACCOUNT_PASSWORD_HASH] = set_hash,
    [ACCOUNT_HOME] = set_home,
    [ACCOUNT_USER] = set_user,
    [ACCOUNT_READ_ONLY] = set_read_only,
    [ACCOUNT_UPLOADS] = set_uploads,
    [ACCOUNT_DOTFILES] = set_dotfiles,
    [ACCOUNT_CHARSET] = set_charset,
    [ACCOUNT_DENIED_NAMES] = set_denied_names,
    [ACCOUNT_CONTROL_BYTES] = set_control_bytes,
    [ACCOUNT_TLS] = set_tls,
    [ACCOUNT_DISABLED] = set_disabled,
    [ACCOUNT_LOGIN] = set_login,
    [ACCOUNT_CERTIFICATES] = set_certificates,
    [ACCOUNT_NETWORKS] = set_networks,
    [ACCOUNT_HOURS] = set_hours,
    [ACCOUNT_EXPIRES] = set_expires,
    [ACCOUNT_SESSIONS_MAX] = set_sessions_max,
    [ACCOUNT_RATE_UP] = set_rate_up,
    [ACCOUNT_RATE_DOWN] = set_rate_down,
    [ACCOUNT_QUOTA] = set_quota,
    [ACCOUNT_QUOTA_FILES] = set_quota_files,
    [ACCOUNT_RIGHTS] = set_rights,
    [ACCOUNT_ROOTS] = set_roots,
    [ACCOUNT_GROUP] = set_group,
    [ACCOUNT_TEMPLATE] = set_template,
};

enum ferry_error account_set(struct account *account, enum account_field field, struct bytes text,
                             struct fault *fault)
{
    text = text_trim(text);
    if (text.len > ACCOUNT_TEXT_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "this is too long");
    for (size_t i = 0; i < text.len; i++)
        if (text_is_control(text.ptr[i]) && text.ptr[i] != '\n')
            return fault_set(fault, FERRY_E_ARGUMENT, "there is a control character in it");
    char *kept = alloc_bytes(text);
    if (!kept)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
    enum ferry_error error = setters[field](account, text, fault);
    if (error != FERRY_OK) {
        alloc_free(kept);
        return fault_set(fault, error, "no memory for an account");
    }
    alloc_free(account->text[field]);
    account->text[field] = kept;
    return FERRY_OK;
}

const char *account_text(const struct account *account, enum account_field field)
{
    return account->text[field] ? account->text[field] : "";
}

/* ---- life ---- */

bool account_name_is_usable(struct bytes name)
{
    if (name.len == 0 || name.len > ACCOUNT_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (text_is_control(name.ptr[i]) || name.ptr[i] == '/')
            return false;
    return true;
}

enum ferry_error account_new(struct bytes name, struct account **out, struct fault *fault)
{
    if (!account_name_is_usable(name))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "an account's name has 1 to %d bytes, no slash and no control character",
                         ACCOUNT_NAME_BYTES);
    struct account *account = alloc_zero(sizeof(*account));
    if (account)
        account->name = alloc_bytes(name);
    if (!account || !account->name) {
        alloc_free(account);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
    }
    *out = account;
    return FERRY_OK;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    for (size_t i = 0; i < ACCOUNT_FIELDS; i++)
        alloc_free(account->text[i]);
    alloc_free(account->certificates);
    alloc_free(account->networks);
    alloc_free(account->denied_names);
    alloc_free(account->name);
    alloc_free(account);
}

void account_drop(struct account **account)
{
    account_free(*account);
    *account = NULL;
}
