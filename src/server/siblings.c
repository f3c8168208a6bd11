/* The live sessions by the tag of their TLS session, for data_resume_scope = user. */
#include "server/siblings.h"

#include <string.h>

#include "base/alloc.h"

/* The keys are random bytes of our own, which nobody can choose: their beginning is their hash. */
#define HASH_FUNCTION(key, len, hash) memcpy(&(hash), (key), sizeof(hash))
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) alloc_zero(size)
#define uthash_free(memory, size) alloc_free(memory)
#include <uthash.h>

struct server_sibling {
    UT_hash_handle hh;
    struct tls_tag tag;
    struct server_siblings *table;
    struct tls_binding *binding;
    const char *account;
    const struct address *peer;
};

static struct tls_binding *sibling_find(void *ctx, const struct tls_tag *tag)
{
    const struct server_sibling *asking = ctx;
    struct server_sibling *found = NULL;
    HASH_FIND(hh, asking->table->by_tag, tag, sizeof(*tag), found);
    bool same = found && strcmp(found->account, asking->account) == 0 &&
                address_same_host(found->peer, asking->peer);
    return same ? found->binding : NULL;
}

enum ferry_error server_sibling_join(struct server_siblings *table, struct tls_binding *binding,
                                     const char *account, const struct address *peer,
                                     struct server_sibling **out)
{
    struct server_sibling *sibling = alloc_zero(sizeof(*sibling));
    if (!sibling)
        return FERRY_E_MEMORY;
    *sibling = (struct server_sibling){
        .tag = *tls_binding_tag(binding),
        .table = table,
        .binding = binding,
        .account = account,
        .peer = peer,
    };
    HASH_ADD(hh, table->by_tag, tag, sizeof(sibling->tag), sibling);
    if (!sibling->hh.tbl) {
        alloc_free(sibling);
        return FERRY_E_MEMORY;
    }
    tls_binding_allow_others(binding, sibling_find, sibling);
    *out = sibling;
    return FERRY_OK;
}

void server_sibling_leave(struct server_sibling *sibling)
{
    if (!sibling)
        return;
    tls_binding_allow_others(sibling->binding, NULL, NULL);
    HASH_DELETE(hh, sibling->table->by_tag, sibling);
    alloc_free(sibling);
}
