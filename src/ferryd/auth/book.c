/* Where the accounts are. */
#include "ferryd/auth/book.h"

#include "base/alloc.h"
#include "ferryd/auth/source_blocks.h"
#include "ferryd/auth/source_roster.h"
#include "ferryd/settings.h"

static enum ferry_error open_source(struct book *book, const char *text, struct fault *fault)
{
    struct sources_item item = sources_read(text);
    struct source **out = &book->sources[book->count];
    enum ferry_error error = FERRY_E_ARGUMENT;
    if (book->count == BOOK_SOURCES_MAX)
        return fault_set(fault, error, "accounts are in too many places");
    switch (item.kind) {
    case SOURCES_SQLITE:
        error = source_roster_open(item.where, out, fault);
        break;
    }
    book->count += error == FERRY_OK;
    return error;
}

static enum ferry_error open_blocks(struct book *book, struct conf *conf, struct fault *fault)
{
    enum ferry_error error = source_blocks_open(conf, &book->sources[0], fault);
    if (error != FERRY_OK)
        return error;
    book->count = 1;
    const struct check_mistake *first = TAILQ_FIRST(&conf->check.list);
    return first ? fault_set(fault, FERRY_E_ARGUMENT, "settings:%u: %s", first->line, first->text)
                 : FERRY_OK;
}

enum ferry_error book_init(struct book *book, struct conf *conf, bool alone, struct fault *fault)
{
    const struct settings_global *global = settings_global(conf);
    *book = (struct book){.alone = alone};
    enum ferry_error error = open_blocks(book, conf, fault);
    if (error == FERRY_OK && global->files_user) {
        book->files_user = alloc_str(global->files_user);
        if (!book->files_user)
            error = fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    }
    for (size_t i = 0; i < global->accounts.count && error == FERRY_OK; i++)
        error = open_source(book, global->accounts.list[i], fault);
    return error;
}

void book_fini(struct book *book)
{
    for (unsigned i = 0; i < book->count; i++)
        book->sources[i]->ops->close(book->sources[i]);
    alloc_free(book->files_user);
    *book = (struct book){0};
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
