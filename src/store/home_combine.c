/* One file made of others, within the quota of the home. */
#include "store/home_combine.h"

#include "base/alloc.h"

struct home_combine {
    const struct home *home;
    struct combine_want want;
    struct combine *combine;
    uint64_t taken_bytes; /* of the quota, until it is done */
};

/* Of the sources; with `target`, of all that combining changes. */
static struct home_usage usage_of(const struct home_combine *combine, bool target)
{
    const struct combine_want *want = &combine->want;
    struct home_usage all = {0};
    struct bytes rest = want->sources;
    if (target)
        all = home_measure(combine->home, want->target);
    if (target && !want->remove_sources)
        return all;
    while (rest.len > 0) {
        struct bytes source = bytes_cut(&rest, '\0');
        struct home_usage one = home_measure(combine->home, source);
        if (target && bytes_equal(source, want->target))
            continue;
        all.bytes += one.bytes;
        all.files += one.files;
    }
    return all;
}

enum ferry_error home_combine_new(const struct home *home, const struct combine_want *want,
                                  struct home_combine **out, struct fault *fault)
{
    enum ferry_error error = home_check_name(home, want->target, fault);
    if (error != FERRY_OK)
        return error;
    struct home_combine *made = alloc_zero(sizeof(*made));
    if (!made)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a file made of others");
    *made = (struct home_combine){.home = home, .want = *want};
    error = combine_new(&home->root, want, &made->combine, fault);
    if (error == FERRY_OK) {
        made->taken_bytes = (uint64_t)usage_of(made, false).bytes;
        error = home_take(home, made->taken_bytes, 1, fault);
    }
    if (error != FERRY_OK) {
        combine_free(made->combine);
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
    alloc_free(combine);
}
