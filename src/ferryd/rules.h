/* A listen block as the rules of a listener. */
#ifndef FERRY_FERRYD_RULES_H
#define FERRY_FERRYD_RULES_H

#include "ferryd/contexts.h"

/* Makes the rules of a block. What is wrong is a mistake in the `check` of `conf`, and `*out` is
 * NULL then. FERRY_E_MEMORY. */
NODISCARD enum ferry_error rules_make(struct conf *conf, const struct conf_instance *listen,
                                      const struct contexts_input *input,
                                      struct server_rules **out);

#endif
