/* What an account shares with others: values of its groups and its template. */
#include "account/account.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/roots.h"

bool account_field_is_shared(enum account_field field)
{
    return field != ACCOUNT_PASSWORD_HASH && field != ACCOUNT_GROUP && field != ACCOUNT_TEMPLATE;
}

static enum ferry_error no_memory(struct fault *fault)
{
    return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
}

/* Whether one of the roots of `text` is at the same path. */
static bool has_root(struct bytes text, struct bytes at)
{
    struct roots_line line;
    bool got = true;
    while (roots_next(&text, &line, &got, NULL) == FERRY_OK && got)
        if (bytes_equal(line.at, at))
            return true;
    return false;
}

/* The lines of `from`, but for roots where there is one of `own`, and then those. */
static enum ferry_error join(struct buf *out, enum account_field field, struct bytes from,
                             struct bytes own)
{
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && from.len > 0) {
        struct bytes line = text_trim(bytes_cut(&from, '\n'));
        struct bytes rest = line;
        if (field != ACCOUNT_ROOTS || !has_root(own, text_trim(bytes_cut(&rest, '='))))
            error = buf_printf(out, "%.*s\n", BYTES_FMT(line));
    }
    return error == FERRY_OK ? buf_append(out, own) : error;
}

static enum ferry_error add_up(struct account *account, enum account_field field, struct bytes from,
                               struct fault *fault)
{
    CLEANUP(buf_fini) struct buf both;
    buf_init(&both, ACCOUNT_TEXT_BYTES);
    enum ferry_error error = join(&both, field, from, bytes_str(account_text(account, field)));
    return error == FERRY_OK ? account_set(account, field, buf_view(&both), fault)
                             : fault_set(fault, error, "they are too many together");
}

enum ferry_error account_inherit(struct account *account, const struct account *from,
                                 struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    for (int i = 0; i < ACCOUNT_FIELDS && error == FERRY_OK; i++) {
        enum account_field field = (enum account_field)i;
        struct bytes text = bytes_str(account_text(from, field));
        if (text.len == 0 || !account_field_is_shared(field))
            continue;
        if (field == ACCOUNT_RIGHTS || field == ACCOUNT_ROOTS)
            error = add_up(account, field, text, fault);
        else if (!account_text(account, field)[0])
            error = account_set(account, field, text, fault);
    }
    return error;
}

enum ferry_error account_copy(const struct account *account, struct account **out,
                              struct fault *fault)
{
    struct account *copy = NULL;
    enum ferry_error error = account_new(bytes_str(account->name), &copy, fault);
    for (int i = 0; i < ACCOUNT_FIELDS && error == FERRY_OK; i++)
        error = account_set(copy, (enum account_field)i,
                            bytes_str(account_text(account, (enum account_field)i)), fault);
    if (error == FERRY_OK)
        *out = copy;
    else
        account_free(copy);
    return error == FERRY_E_MEMORY ? no_memory(fault) : error;
}
