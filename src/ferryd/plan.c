/* What ferryd.conf asks for, made ready to serve. */
#include "ferryd/plan.h"

#include <string.h>

#include "account/password.h"
#include "base/alloc.h"
#include "ferryd/accounts.h"
#include "ferryd/directory/directories.h"
#include "ferryd/rules.h"

static enum ferry_error add_listener(struct plan *plan, const struct conf_instance *block)
{
    struct plan_listener *list =
        alloc_resize(plan->listeners, plan->count + 1, sizeof(*plan->listeners));
    if (!list)
        return FERRY_E_MEMORY;
    plan->listeners = list;
    list[plan->count] = (struct plan_listener){.block = block};
    const struct contexts_input input = {.load = conf_load_file};
    return rules_make(plan->conf, block, &input, &list[plan->count++].rules);
}

static bool fits(const char *stored, struct bytes password)
{
    return password_fits(password, stored);
}

/* The lines of a value as a list. */
static void list_lines(char *text, const char *out[static ACCOUNT_LIST_MAX], size_t *count)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line && *count < ACCOUNT_LIST_MAX)
            out[(*count)++] = line;
}

static enum ferry_error add_account(struct plan *plan, const struct conf_instance *block,
                                    const struct shares *shares)
{
    struct fault fault = {0};
    CLEANUP(account_drop) struct account *account = NULL;
    enum ferry_error error = accounts_merged(plan->conf, block, shares, &account);
    if (error != FERRY_OK || !account)
        return error;
    const char *hash = account_text(account, ACCOUNT_PASSWORD_HASH);
    const char *charset = account_text(account, ACCOUNT_CHARSET);
    const char *rules[ACCOUNT_LIST_MAX];
    size_t rule_count = 0;
    CLEANUP(alloc_free_str) char *lines = alloc_str(account_text(account, ACCOUNT_CERTIFICATES));
    if (!lines)
        return FERRY_E_MEMORY;
    list_lines(lines, rules, &rule_count);
    const struct user_settings settings = {
        .name = account->name,
        .stored = hash[0] ? hash : NULL,
        .verify = fits,
        .root = account_text(account, ACCOUNT_HOME),
        .read_only = account->read_only,
        .login = account->login,
        .tls = account->tls,
        .certificates = rules,
        .certificate_count = rule_count,
        .upload_in_place = account->upload_in_place,
        .hide_dotfiles = account->hide_dotfiles,
        .denied_names = account->denied_names,
        .control_bytes = account->control_bytes,
        .sessions_max = account->sessions_max,
        .rate_up = account->rate_up,
        .rate_down = account->rate_down,
        .quota_bytes = account->quota_bytes,
        .quota_files = account->quota_files,
    };
    const char *directive = "home";
    error = users_add(plan->users, &settings, &fault);
    if (error == FERRY_OK && charset[0]) {
        directive = "charset";
        error = users_set_charset(plan->users, account->name, charset, &fault);
    }
    if (error == FERRY_E_MEMORY)
        return error;
    if (error != FERRY_OK)
        conf_mistake(plan->conf, block, directive, "%s", fault.what);
    return FERRY_OK;
}

static enum ferry_error add_accounts(struct plan *plan)
{
    struct shares shares;
    const struct conf_instance *block = NULL;
    enum ferry_error error = shares_init(&shares, plan->conf, NULL, NULL);
    while (error == FERRY_OK && (block = conf_next(plan->conf, SETTINGS_ACCOUNT, block)))
        error = add_account(plan, block, &shares);
    shares_fini(&shares);
    return error;
}

static enum ferry_error fill(struct plan *plan, const char *path)
{
    enum ferry_error error = settings_read(path, conf_load_file, NULL, &plan->conf);
    const struct conf_instance *block = NULL;
    if (error == FERRY_OK)
        accounts_check_web(plan->conf);
    while (error == FERRY_OK && (block = conf_next(plan->conf, SETTINGS_LISTEN, block)))
        error = add_listener(plan, block);
    if (error == FERRY_OK)
        error = add_accounts(plan);
    return error == FERRY_OK ? directories_check(plan->conf) : error;
}

enum ferry_error plan_make(struct loop *loop, const char *path, struct plan **out)
{
    struct plan *plan = alloc_zero(sizeof(*plan));
    if (!plan)
        return FERRY_E_MEMORY;
    plan->users = users_new(loop);
    enum ferry_error error = plan->users ? fill(plan, path) : FERRY_E_MEMORY;
    if (error != FERRY_OK)
        plan_free(plan);
    else
        *out = plan;
    return error;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->count; i++)
        server_rules_unref(plan->listeners[i].rules);
    alloc_free(plan->listeners);
    users_free(plan->users);
    conf_free(plan->conf);
    alloc_free(plan);
}

void plan_drop(struct plan **plan)
{
    plan_free(*plan);
    *plan = NULL;
}
