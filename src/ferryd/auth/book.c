/* The accounts that there are. */
#include "ferryd/auth/book.h"

#include "base/alloc.h"
#include "ferryd/accounts.h"
#include "ferryd/settings.h"

/* Adds the account of a block, if it has no mistake. */
static enum ferry_error add_block(struct book *book, struct conf *conf,
                                  const struct conf_instance *block)
{
    struct account *account = NULL;
    enum ferry_error error = accounts_from_block(conf, block, &account);
    if (error != FERRY_OK || !account)
        return error;
    struct account **grown = alloc_resize(book->list, book->count + 1, sizeof(*grown));
    if (!grown) {
        account_free(account);
        return FERRY_E_MEMORY;
    }
    book->list = grown;
    grown[book->count++] = account;
    return FERRY_OK;
}

enum ferry_error book_init(struct book *book, struct conf *conf, bool alone, struct fault *fault)
{
    const struct settings_global *global = settings_global(conf);
    const struct conf_instance *block = NULL;
    enum ferry_error error = FERRY_OK;
    *book = (struct book){.alone = alone};
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_ACCOUNT, block)))
        error = add_block(book, conf, block);
    const struct check_mistake *first = TAILQ_FIRST(&conf->check.list);
    if (error == FERRY_OK && first)
        return fault_set(fault, FERRY_E_ARGUMENT, "settings:%u: %s", first->line, first->text);
    if (error == FERRY_OK && global->files_user) {
        book->files_user = alloc_str(global->files_user);
        error = book->files_user ? FERRY_OK : FERRY_E_MEMORY;
    }
    if (error != FERRY_OK)
        return fault_set(fault, error, "no memory for the accounts");
    if (!global->accounts)
        return FERRY_OK;
    error = roster_open(global->accounts, &book->roster, fault);
    if (error == FERRY_OK)
        error = roster_only_read(book->roster, fault);
    if (error != FERRY_OK)
        fault_advise(fault, "%s must be a file that ferryd-auth may write, in such a folder",
                     global->accounts);
    return error;
}

void book_fini(struct book *book)
{
    for (size_t i = 0; i < book->count; i++)
        account_free(book->list[i]);
    alloc_free(book->list);
    alloc_free(book->files_user);
    roster_close(book->roster);
    *book = (struct book){0};
}

enum ferry_error book_find(const struct book *book, struct bytes name, const struct account **out,
                           struct account **owned, struct fault *fault)
{
    *out = NULL;
    *owned = NULL;
    for (size_t i = 0; i < book->count; i++) /* all of them, found or not (SEC-84) */
        if (bytes_equal(bytes_str(book->list[i]->name), name))
            *out = book->list[i];
    if (*out || !book->roster)
        return FERRY_OK;
    enum ferry_error error = roster_find(book->roster, name, owned, fault);
    *out = *owned;
    return error;
}

enum ferry_error book_user(const struct book *book, const struct account *account,
                           struct os_user *out, struct fault *fault)
{
    struct os_user self;
    const char *name = account_text(account, ACCOUNT_USER);
    if (!name[0])
        name = book->files_user ? book->files_user : "";
    os_user_self(&self);
    if (!name[0] && book->alone) {
        *out = self;
        return FERRY_OK;
    }
    if (!name[0])
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "account %s names no user, and files_user is not set", account->name);
    enum ferry_error error = os_user_find(name, out, fault);
    if (error == FERRY_OK && book->alone && out->uid != self.uid)
        return fault_set(fault, FERRY_E_DENIED,
                         "the files of account %s are to be reached as %s, which takes root",
                         account->name, name);
    return error;
}
