/* The quotas of the accounts whose files a process serves. */
#include "ferryd/files/quotas.h"

#include <string.h>

#include "base/alloc.h"

struct quotas_entry {
    LIST_ENTRY(quotas_entry) link;
    char *owner, *root, *roots;
    struct quota *quota;
};

void quotas_init(struct quotas *quotas)
{
    LIST_INIT(&quotas->list);
}

static void entry_free(struct quotas_entry *entry)
{
    quota_unref(entry->quota);
    alloc_free(entry->owner);
    alloc_free(entry->root);
    alloc_free(entry->roots);
    alloc_free(entry);
}

void quotas_fini(struct quotas *quotas)
{
    struct quotas_entry *entry;
    while ((entry = LIST_FIRST(&quotas->list))) {
        LIST_REMOVE(entry, link);
        entry_free(entry);
    }
}

static struct quotas_entry *add(struct quotas *quotas, struct bytes owner, const char *root,
                                const char *roots)
{
    struct quotas_entry *entry = alloc_zero(sizeof(*entry));
    if (!entry)
        return NULL;
    *entry = (struct quotas_entry){
        .owner = alloc_bytes(owner),
        .root = alloc_str(root),
        .roots = alloc_str(roots),
        .quota = quota_new(),
    };
    if (!entry->owner || !entry->root || !entry->roots || !entry->quota) {
        entry_free(entry);
        return NULL;
    }
    LIST_INSERT_HEAD(&quotas->list, entry, link);
    return entry;
}

struct quota *quotas_find(struct quotas *quotas, struct bytes owner, const char *root,
                          const char *roots, uint64_t bytes_max, uint64_t files_max)
{
    struct quotas_entry *entry;
    LIST_FOREACH (entry, &quotas->list, link)
        if (bytes_equal(bytes_str(entry->owner), owner) && strcmp(entry->root, root) == 0 &&
            strcmp(entry->roots, roots) == 0)
            break;
    if (!entry)
        entry = add(quotas, owner, root, roots);
    if (!entry)
        return NULL;
    quota_set(entry->quota, bytes_max, files_max);
    return entry->quota;
}
