/* Telling one thing to one program or address. */
#include "ferryd/hooks/target.h"

#include "base/alloc.h"
#include "ferryd/hooks/http.h"
#include "ferryd/hooks/runner.h"

/* One of both is set. */
struct target_run {
    struct runner *runner;
    struct http *http;
};

enum ferry_error target_start(const struct target_order *order, struct target_run **out,
                              struct fault *fault)
{
    struct target_run *run = alloc_zero(sizeof(*run));
    if (!run)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    enum ferry_error error = order->to->url ? http_start(order, &run->http, fault)
                                            : runner_start(order, &run->runner, fault);
    if (error == FERRY_OK)
        *out = run;
    else
        alloc_free(run);
    return error;
}

void target_free(struct target_run *run)
{
    if (!run)
        return;
    runner_free(run->runner);
    http_free(run->http);
    alloc_free(run);
}
