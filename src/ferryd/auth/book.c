/* Where the accounts are. */
#include "ferryd/auth/book.h"

#include "base/alloc.h"
#include "ferryd/accounts.h"
#include "ferryd/auth/source_blocks.h"
#include "ferryd/auth/source_ldap.h"
#include "ferryd/auth/source_pam.h"
#include "ferryd/auth/source_postgresql.h"
#include "ferryd/auth/source_roster.h"
#include "ferryd/directory/directories.h"
#include "ferryd/settings.h"
#include "ferryd/settings_directories.h"

/* Groups and templates of a file of SQLite. */
static enum ferry_error open_shares(struct book *book, const char *path, struct fault *fault)
{
    unsigned at = book->roster_count++;
    enum ferry_error error = roster_open_table(path, ROSTER_GROUPS, &book->groups[at], fault);
    if (error == FERRY_OK)
        error = roster_only_read(book->groups[at], fault);
    if (error == FERRY_OK)
        error = roster_open_table(path, ROSTER_TEMPLATES, &book->templates[at], fault);
    return error == FERRY_OK ? roster_only_read(book->templates[at], fault) : error;
}

/* In the order of the sources. */
static enum ferry_error find_shared(void *ctx, enum shares_kind kind, struct bytes name,
                                    struct account **out, struct fault *fault)
{
    const struct book *book = ctx;
    enum ferry_error error = FERRY_OK;
    *out = NULL;
    for (unsigned i = 0; i < book->roster_count && error == FERRY_OK && !*out; i++)
        error = roster_find(kind == SHARES_GROUP ? book->groups[i] : book->templates[i], name, out,
                            fault);
    return error;
}

/* As source_ldap_open. */
typedef enum ferry_error source_open_fn(const struct conf_instance *block, struct given *given,
                                        struct source **out, struct fault *fault);

/* The block is there, or the configuration would have had a mistake. */
static enum ferry_error open_block(source_open_fn *open, const char *kind, const char *name,
                                   struct given *given, struct source **out, struct fault *fault)
{
    const struct conf_instance *block = conf_find(given->conf, kind, name);
    return block ? open(block, given, out, fault)
                 : fault_set(fault, FERRY_E_ARGUMENT, "there is no block %s \"%s\"", kind, name);
}

static enum ferry_error open_source(struct book *book, struct given *given, const char *text,
                                    struct fault *fault)
{
    struct sources_item item = sources_read(text);
    struct source **out = &book->sources[book->count];
    enum ferry_error error = FERRY_E_ARGUMENT;
    if (book->count == BOOK_SOURCES_MAX)
        return fault_set(fault, error, "accounts are in too many places");
    switch (item.kind) {
    case SOURCES_SQLITE:
        error = source_roster_open(item.where, out, fault);
        if (error == FERRY_OK)
            error = open_shares(book, item.where, fault);
        break;
    case SOURCES_PAM:
        error = source_pam_open(settings_global(given->conf), book->pam, out, fault);
        break;
    case SOURCES_LDAP:
        error = open_block(source_ldap_open, SETTINGS_LDAP, item.where, given, out, fault);
        break;
    case SOURCES_POSTGRESQL:
        error =
            open_block(source_postgresql_open, SETTINGS_POSTGRESQL, item.where, given, out, fault);
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
    if (shares_init(&book->shares, conf, find_shared, book) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    if (accounts_check(conf) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    const struct check_mistake *first = TAILQ_FIRST(&conf->check.list);
    return first ? fault_set(fault, FERRY_E_ARGUMENT, "%s:%u: %s", first->file, first->line,
                             first->text)
                 : FERRY_OK;
}

enum ferry_error book_init(struct book *book, struct given *given, struct pam_line *pam, bool alone,
                           struct fault *fault)
{
    struct conf *conf = given->conf;
    const struct settings_global *global = settings_global(conf);
    *book = (struct book){.pam = pam, .alone = alone};
    enum ferry_error error = open_blocks(book, conf, fault);
    if (error == FERRY_OK && global->files_user) {
        book->files_user = alloc_str(global->files_user);
        if (!book->files_user)
            error = fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    }
    for (size_t i = 0; i < global->accounts.count && error == FERRY_OK; i++)
        error = open_source(book, given, global->accounts.list[i], fault);
    return error;
}

void book_fini(struct book *book)
{
    for (unsigned i = 0; i < book->count; i++)
        book->sources[i]->ops->close(book->sources[i]);
    for (unsigned i = 0; i < book->roster_count; i++) {
        roster_close(book->groups[i]);
        roster_close(book->templates[i]);
    }
    shares_fini(&book->shares);
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
