/* What ferryd.conf asks for, made ready to serve. */
#include "ferryd/plan.h"

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

/* As store/home.h has them, into `out`, NUL-terminated; nothing if there are none. */
static enum ferry_error join_names(const struct conf_texts *names, struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < names->count && error == FERRY_OK; i++)
        error = buf_printf(out, "%s%s", i > 0 ? "/" : "", names->list[i]);
    return error == FERRY_OK && names->count > 0 ? buf_append(out, bytes_of("", 1)) : error;
}

static bool fits(const char *stored, struct bytes password)
{
    return password_fits(password, stored);
}

static enum ferry_error add_account(struct plan *plan, const struct conf_instance *block)
{
    const struct settings_account *account = block->values;
    struct fault fault = {0};
    CLEANUP(buf_fini) struct buf denied;
    buf_init(&denied, CONF_FILE_MAX_BYTES);
    CLEANUP(account_drop) struct account *whole = NULL;
    enum ferry_error error = accounts_from_block(plan->conf, block, &whole);
    if (error != FERRY_OK || !whole)
        return error;
    error = join_names(&account->denied_names, &denied);
    if (error != FERRY_OK)
        return error;
    const struct user_settings settings = {
        .name = account->name,
        .stored = account->password_hash,
        .verify = fits,
        .root = account->home,
        .read_only = account->read_only,
        .login = account->login,
        .tls = account->tls,
        .certificates = (const char *const *)account->certificates.list,
        .certificate_count = account->certificates.count,
        .upload_in_place = account->upload_in_place,
        .hide_dotfiles = account->hide_dotfiles,
        .denied_names = buf_view(&denied).ptr,
        .control_bytes = account->control_bytes,
        .sessions_max = account->sessions_max,
        .rate_up = account->rate_up,
        .rate_down = account->rate_down,
        .quota_bytes = account->quota_bytes,
        .quota_files = account->quota_files,
    };
    const char *directive = "home";
    error = users_add(plan->users, &settings, &fault);
    if (error == FERRY_OK && account->charset) {
        directive = "charset";
        error = users_set_charset(plan->users, account->name, account->charset, &fault);
    }
    if (error == FERRY_E_MEMORY)
        return error;
    if (error != FERRY_OK)
        conf_mistake(plan->conf, block, directive, "%s", fault.what);
    return FERRY_OK;
}

static enum ferry_error fill(struct plan *plan, const char *path)
{
    enum ferry_error error = settings_read(path, conf_load_file, NULL, &plan->conf);
    const struct conf_instance *block = NULL;
    if (error == FERRY_OK)
        accounts_check_web(plan->conf);
    while (error == FERRY_OK && (block = conf_next(plan->conf, SETTINGS_LISTEN, block)))
        error = add_listener(plan, block);
    while (error == FERRY_OK && (block = conf_next(plan->conf, SETTINGS_ACCOUNT, block)))
        error = add_account(plan, block);
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
