/* Sessions that a source has been told of. */
#include "ferryd/auth/visits.h"

#include "base/alloc.h"

struct visit {
    LIST_ENTRY(visit) link;
    uint32_t worker;
    uint64_t grant;
    struct source *source;
    uint64_t number;
};

void visits_init(struct visits *visits)
{
    LIST_INIT(&visits->list);
}

void visits_begin(struct visits *visits, uint32_t worker, uint64_t grant, struct source *source,
                  uint64_t number)
{
    if (number == 0)
        return;
    struct visit *visit = alloc_zero(sizeof(*visit));
    if (!visit) {
        source->ops->leave(source, number);
        return;
    }
    *visit = (struct visit){.worker = worker, .grant = grant, .source = source, .number = number};
    LIST_INSERT_HEAD(&visits->list, visit, link);
}

static void end(struct visit *visit)
{
    LIST_REMOVE(visit, link);
    visit->source->ops->leave(visit->source, visit->number);
    alloc_free(visit);
}

void visits_end(struct visits *visits, uint32_t worker, uint64_t grant)
{
    struct visit *visit;
    LIST_FOREACH (visit, &visits->list, link) {
        if (visit->worker == worker && visit->grant == grant) {
            end(visit);
            return;
        }
    }
}

void visits_end_all(struct visits *visits, uint32_t worker)
{
    struct visit *visit = LIST_FIRST(&visits->list);
    while (visit) {
        struct visit *next = LIST_NEXT(visit, link);
        if (visit->worker == worker)
            end(visit);
        visit = next;
    }
}
