/* A file of SQLite as a source. */
#include "ferryd/auth/source_roster.h"

#include "base/alloc.h"
#include "roster/roster.h"

struct roster_source {
    struct source source;
    struct roster *roster;
};

static enum ferry_error roster_source_find(struct source *source, unsigned turn, struct bytes name,
                                           struct found *out, struct fault *fault)
{
    const struct roster_source *self = (const struct roster_source *)source;
    (void)turn;
    enum ferry_error error = roster_find(self->roster, name, &out->owned, fault);
    out->account = out->owned;
    return error;
}

static enum ferry_error roster_source_each(struct source *source, source_each_fn *fn, void *ctx,
                                           struct fault *fault)
{
    const struct roster_source *self = (const struct roster_source *)source;
    return roster_each(self->roster, fn, ctx, fault);
}

static void roster_source_close(struct source *source)
{
    struct roster_source *self = (struct roster_source *)source;
    roster_close(self->roster);
    alloc_free(self);
}

enum ferry_error source_roster_open(const char *path, struct source **out, struct fault *fault)
{
    static const struct source_ops ops = {
        .find = roster_source_find, .each = roster_source_each, .close = roster_source_close};
    struct roster_source *self = alloc_zero(sizeof(*self));
    if (!self)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    self->source = (struct source){.ops = &ops, .name = "sqlite"};
    enum ferry_error error = roster_open(path, &self->roster, fault);
    if (error == FERRY_OK)
        error = roster_only_read(self->roster, fault);
    if (error != FERRY_OK) {
        fault_advise(fault, "%s must be a file that ferryd-auth may write, in such a folder", path);
        roster_source_close(&self->source);
        return error;
    }
    *out = &self->source;
    return FERRY_OK;
}
