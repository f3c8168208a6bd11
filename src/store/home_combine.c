/* One file made of others, within the quota of the home. */
#include "store/home_combine.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "store/home_place.h"
#include "store/tree.h"

enum { SOURCES_MAX_BYTES = 256 * 1024 };

struct home_combine {
    const struct home *home;
    struct home_place target;
    struct buf sources;       /* where they were found, each with a NUL */
    struct combine_want want; /* of these */
    struct combine *combine;
    uint64_t taken_bytes; /* of the quota, until it is done */
};

/* Of the sources; with `target`, of all that combining changes. */
static struct home_usage usage_of(const struct home_combine *combine, bool target)
{
    const struct combine_want *want = &combine->want;
    const struct root *root = combine->target.root;
    struct home_usage all = {0};
    struct bytes rest = want->sources;
    if (target)
        all = home_measure(combine->home, root, want->target);
    if (target && !want->remove_sources)
        return all;
    while (rest.len > 0) {
        struct bytes source = bytes_cut(&rest, '\0');
        struct home_usage one = home_measure(combine->home, root, source);
        if (target && bytes_equal(source, want->target))
            continue;
        all.bytes += one.bytes;
        all.files += one.files;
    }
    return all;
}

static enum ferry_error find_target(struct home_combine *combine, struct bytes path,
                                    struct fault *fault)
{
    CLEANUP(entry_fini) struct entry there = {0};
    struct home_place *target = &combine->target;
    struct fault ignored = {0};
    enum ferry_error error = home_check_name(combine->home, path, fault);
    if (error == FERRY_OK)
        error = home_find(combine->home, path, ROOT_LAST_FOLLOWED, "write", target, fault);
    if (error != FERRY_OK || (target->allowed & target->around & RIGHTS_WRITE) == RIGHTS_WRITE)
        return error;
    combine->want.no_replace |= !(target->allowed & RIGHT_OVERWRITE);
    return tree_stat(target->root, home_place_path(target), &there, &ignored) == FERRY_OK
               ? home_need(target, RIGHT_OVERWRITE, "write", fault)
               : home_need_name(target, RIGHT_CREATE, "write", fault);
}

/* A source that is to go is removed by its own name: a link must be none. */
static enum ferry_error may_remove(const struct home_combine *combine, struct bytes path,
                                   const struct home_place *found, struct fault *fault)
{
    struct home_place name;
    enum ferry_error error =
        home_find(combine->home, path, ROOT_LAST_AS_IS, "remove", &name, fault);
    if (error == FERRY_OK)
        error = home_need_name(&name, RIGHT_DELETE, "remove", fault);
    if (error == FERRY_OK && strcmp(name.full, found->full) != 0)
        error = fault_set(fault, FERRY_E_DENIED, "remove %s: it is a link", name.full);
    return error;
}

static enum ferry_error find_source(struct home_combine *combine, struct bytes path,
                                    struct fault *fault)
{
    struct home_place source;
    enum ferry_error error =
        home_find(combine->home, path, ROOT_LAST_FOLLOWED, "open", &source, fault);
    if (error == FERRY_OK)
        error = home_need(&source, RIGHT_READ, "open", fault);
    if (error == FERRY_OK && combine->want.remove_sources)
        error = may_remove(combine, path, &source, fault);
    if (error == FERRY_OK && source.root != combine->target.root)
        error = fault_set(fault, FERRY_E_DENIED, "copy %s: it is in another root", source.full);
    if (error != FERRY_OK)
        return error;
    struct bytes found = bytes_of(source.path, strlen(source.path) + 1);
    return buf_append(&combine->sources, found) == FERRY_OK
               ? FERRY_OK
               : fault_set(fault, FERRY_E_MEMORY, "no memory for a file made of others");
}

/* Where all of it is, and whether the account may do that. */
static enum ferry_error find_all(struct home_combine *combine, const struct combine_want *want,
                                 struct fault *fault)
{
    struct bytes rest = want->sources;
    enum ferry_error error = find_target(combine, want->target, fault);
    while (error == FERRY_OK && rest.len > 0)
        error = find_source(combine, bytes_cut(&rest, '\0'), fault);
    combine->want.target = home_place_path(&combine->target);
    combine->want.sources = buf_view(&combine->sources);
    return error;
}

enum ferry_error home_combine_new(const struct home *home, const struct combine_want *want,
                                  struct home_combine **out, struct fault *fault)
{
    struct home_combine *made = alloc_zero(sizeof(*made));
    if (!made)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a file made of others");
    made->home = home;
    made->want = *want;
    buf_init(&made->sources, SOURCES_MAX_BYTES);
    enum ferry_error error = find_all(made, want, fault);
    if (error == FERRY_OK)
        error = combine_new(made->target.root, &made->want, &made->combine, fault);
    if (error == FERRY_OK) {
        made->taken_bytes = (uint64_t)usage_of(made, false).bytes;
        error = home_take(home, made->taken_bytes, 1, fault);
    }
    if (error != FERRY_OK) {
        combine_free(made->combine);
        buf_fini(&made->sources);
        alloc_free(made);
        return error;
    }
    *out = made;
    return FERRY_OK;
}

enum ferry_error home_combine_step(struct home_combine *combine, bool *done, struct fault *fault)
{
    struct quota *quota = combine->home->rules.quota;
    if (!quota)
        return combine_step(combine->combine, done, fault);
    quota_lock(quota);
    struct home_usage before = usage_of(combine, true);
    enum ferry_error error = combine_step(combine->combine, done, fault);
    struct home_usage after = usage_of(combine, true);
    quota_adjust(quota, after.bytes - before.bytes, after.files - before.files);
    quota_unlock(quota);
    return error;
}

void home_combine_free(struct home_combine *combine)
{
    if (!combine)
        return;
    combine_free(combine->combine);
    home_give(combine->home, combine->taken_bytes, 1);
    buf_fini(&combine->sources);
    alloc_free(combine);
}
