/* A listen block as the rules of a listener. */
#ifndef FERRY_FERRYD_RULES_H
#define FERRY_FERRYD_RULES_H

#include "ferryd/settings.h"

/* Makes the rules of a block, with its files as `load` reads them. What is wrong is a mistake in
 * the `check` of `conf`, and `*out` is NULL then. FERRY_E_MEMORY. */
NODISCARD enum ferry_error rules_make(struct conf *conf, const struct conf_instance *listen,
                                      conf_load_fn *load, void *ctx, struct server_rules **out);

#endif
