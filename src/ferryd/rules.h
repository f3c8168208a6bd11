/* A listen block as the rules of a listener. */
#ifndef FERRY_FERRYD_RULES_H
#define FERRY_FERRYD_RULES_H

#include "ferryd/settings.h"

/* The files that a listen block names. */
enum rules_file {
    RULES_CERTIFICATE,
    RULES_KEY,
    RULES_CLIENT_CA,
    RULES_CLIENT_CRL,
    RULES_OCSP_RESPONSE,
    RULES_FXP_CA,
    RULES_FILES
};

/* The path of one; NULL: it is not named. */
const char *rules_file_path(const struct settings_listen *listen, enum rules_file file);

/* Makes the rules of a block, with its files as `load` reads them. What is wrong is a mistake in
 * the `check` of `conf`, and `*out` is NULL then. FERRY_E_MEMORY. */
NODISCARD enum ferry_error rules_make(struct conf *conf, const struct conf_instance *listen,
                                      conf_load_fn *load, void *ctx, struct server_rules **out);

#endif
