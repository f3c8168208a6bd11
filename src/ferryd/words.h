/* The words that directives of ferryd.conf take, and what they stand for: each a list for
 * conf_directive.words. */
#ifndef FERRY_FERRYD_WORDS_H
#define FERRY_FERRYD_WORDS_H

#include "conf/schema.h"

extern const struct conf_word words_log_forms[];
extern const struct conf_word words_log_levels[];
extern const struct conf_word words_kinds[];
extern const struct conf_word words_policies[];
extern const struct conf_word words_versions[];
extern const struct conf_word words_client_certificates[];
extern const struct conf_word words_unknown_hosts[];
extern const struct conf_word words_logins[];
extern const struct conf_word words_account_tls[];
extern const struct conf_word words_alpns[];
extern const struct conf_word words_permissions[];
extern const struct conf_word words_data_resumes[];
extern const struct conf_word words_data_scopes[];
extern const struct conf_word words_extras[];
extern const struct conf_word words_uploads[];
extern const struct conf_word words_dotfiles[];
extern const struct conf_word words_data_levels[];
extern const struct conf_word words_ssl_replies[];
extern const struct conf_word words_refusals[];
extern const struct conf_word words_greetings[];
extern const struct conf_word words_tolerances[];
extern const struct conf_word words_asciis[];
extern const struct conf_word words_cut_uploads[];

#endif
