/* A listen block as the rules of a listener. */
#ifndef FERRY_FERRYD_RULES_H
#define FERRY_FERRYD_RULES_H

#include "ferryd/settings.h"

/* Reads the files that the block names and makes its rules. What is wrong with them is a mistake in
 * `check` of `conf`, and `*out` is NULL then. FERRY_E_MEMORY. */
NODISCARD enum ferry_error rules_make(struct conf *conf, const struct conf_instance *listen,
                                      struct server_rules **out);

#endif
