/* One login: what was asked, and what is decided. */
#include "ferryd/auth/login.h"

#include <time.h>

#include "account/password.h"
#include "base/alloc.h"
#include "base/clock.h"

static struct account_time time_now(void)
{
    time_t now_s = (time_t)(clock_wall_ns(&clock_system) / (int64_t)CLOCK_NS_PER_S);
    struct tm local = {0};
    localtime_r(&now_s, &local);
    return (struct account_time){
        .unix_s = now_s,
        .weekday = local.tm_wday,
        .minute = local.tm_hour * 60 + local.tm_min,
    };
}

/* For an account that there is not, or that has no password, the same work is done for nothing. */
static bool hash_fits(const struct login *login, const struct account *account)
{
    const char *hash = account ? account_text(account, ACCOUNT_PASSWORD_HASH) : "";
    return login->password && password_fits(secret_reveal(login->password), hash[0] ? hash : NULL);
}

/* Asks the source for the account, and what it says of the password, if that is its affair. */
static enum ferry_error ask_source(struct login *login, struct source *source, struct found *found,
                                   bool *right)
{
    struct bytes name = bytes_str(login->name);
    enum ferry_error error = source->ops->find(source, login->turn, name, found, &login->fault);
    if (error != FERRY_OK || !login->password || !source->ops->check_password)
        return error;
    return source->ops->check_password(source, login->turn, name, found,
                                       secret_reveal(login->password), right, &login->fault);
}

/* Why nobody is let in, for the log alone. */
static const char *refusal(const struct login *login, const struct account *account,
                           enum account_bar bar, bool certificate_fits)
{
    if (!login->password)
        return NULL;
    if (!account)
        return login->none ? login->none : "there is no such account";
    if (bar != ACCOUNT_FREE)
        return account_bar_words(bar);
    const char *lacks = demand_tls_lacks(account->tls, login->tls);
    if (!lacks)
        lacks =
            admission_certificate_lacks(account->login, login->identity != NULL, certificate_fits);
    return lacks ? lacks : "wrong password";
}

static unsigned rules_of(const struct account *account)
{
    return (account->read_only ? MESSAGE_RULE_READ_ONLY : 0U) |
           (account->upload_in_place ? MESSAGE_RULE_IN_PLACE : 0U) |
           (account->hide_dotfiles ? MESSAGE_RULE_HIDE_DOTFILES : 0U) |
           (account->control_bytes ? MESSAGE_RULE_CONTROL_BYTES : 0U) |
           (account->denied_names ? MESSAGE_RULE_DENIED_NAMES : 0U);
}

static enum ferry_error grant(struct login *login, const struct book *book,
                              const struct account *account)
{
    login->rules = rules_of(account);
    login->stamp = account_stamp(account, login->seed);
    login->sessions_max = account->sessions_max;
    login->rate_up = account->rate_up;
    login->rate_down = account->rate_down;
    login->quota_bytes = account->quota_bytes;
    login->quota_files = account->quota_files;
    login->by_certificate = login->password == NULL;
    login->home = alloc_str(account_text(account, ACCOUNT_HOME));
    login->charset = alloc_str(account_text(account, ACCOUNT_CHARSET));
    login->rights = alloc_str(account_text(account, ACCOUNT_RIGHTS));
    login->roots = alloc_str(account_text(account, ACCOUNT_ROOTS));
    if (account->denied_names)
        login->denied_names = alloc_str(account->denied_names);
    if (!login->home || !login->charset || !login->rights || !login->roots ||
        (account->denied_names && !login->denied_names))
        return fault_set(&login->fault, FERRY_E_MEMORY, "no memory for a login");
    return book_user(book, account, &login->user, &login->fault);
}

static void decide(struct login *login, const struct book *book, const struct account *account,
                   bool right)
{
    const struct account_time now = time_now();
    enum account_bar bar = account ? account_bar(account, &now, &login->peer) : ACCOUNT_FREE;
    const struct admission_evidence evidence = {
        .known = account && bar == ACCOUNT_FREE && !demand_tls_lacks(account->tls, login->tls),
        .certificate_fits = account && account_certificate_fits(account, login->identity),
        .password_given = login->password != NULL,
        .password_right = right,
    };
    enum admission_policy policy = account ? account->login : ADMISSION_PASSWORD;
    if (admission_decide(policy, &evidence) != ADMISSION_GRANTED) {
        login->why = refusal(login, account, bar, evidence.certificate_fits);
        login->verdict = LOGIN_ANSWER_REFUSED;
    } else if (!fault_is_set(&login->fault) && grant(login, book, account) == FERRY_OK) {
        login->verdict = LOGIN_ANSWER_GRANTED;
    }
}

static void enter(struct login *login, struct source *source, const struct found *found)
{
    enum ferry_error error = source->ops->enter(source, login->turn, bytes_str(login->name), found,
                                                &login->visit, &login->fault);
    if (error == FERRY_OK)
        return;
    login->verdict = error == FERRY_E_DENIED ? LOGIN_ANSWER_REFUSED : LOGIN_ANSWER_UNAVAILABLE;
    login->why = error == FERRY_E_DENIED ? "no session may be opened" : NULL;
}

void login_decide(struct login *login, const struct book *book)
{
    struct source *source = book->sources[login->source];
    CLEANUP(found_fini) struct found found = {.peer = &login->peer};
    bool right = false;
    login->undecided = false;
    if (!login->password && !login->identity) { /* by nothing at all, nobody is let in */
        login->verdict = LOGIN_ANSWER_REFUSED;
        return;
    }
    login->verdict = LOGIN_ANSWER_UNAVAILABLE;
    enum ferry_error error = ask_source(login, source, &found, &right);
    login->undecided = error == FERRY_OK && !found.account && login->source + 1 < book->count;
    if (login->undecided)
        return;
    bool fits = hash_fits(login, found.account);
    if (found.why)
        login->none = found.why;
    if (error != FERRY_OK)
        return;
    /* What it shares cannot be had: whoever is not let in anyway does not learn of it (SEC-84). */
    CLEANUP(account_drop) struct account *merged = NULL;
    if (found.account &&
        shares_merge(&book->shares, found.account, &merged, &login->fault) == FERRY_OK &&
        (merged->login == ADMISSION_ANONYMOUS || !account_text(merged, ACCOUNT_HOME)[0]))
        (void)!account_check(merged, &login->fault);
    decide(login, book, merged ? merged : found.account,
           source->ops->check_password ? right : fits);
    if (login->verdict == LOGIN_ANSWER_GRANTED && source->ops->enter)
        enter(login, source, &found);
}

void login_fini(struct login *login)
{
    secret_free(login->password);
    alloc_free(login->identity);
    alloc_free(login->home);
    alloc_free(login->charset);
    alloc_free(login->denied_names);
    alloc_free(login->rights);
    alloc_free(login->roots);
    *login = (struct login){0};
}
