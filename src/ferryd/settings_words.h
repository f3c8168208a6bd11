/* The words that directives of ferryd.conf take, and what they stand for: each a list for
 * conf_directive.words. */
#ifndef FERRY_FERRYD_SETTINGS_WORDS_H
#define FERRY_FERRYD_SETTINGS_WORDS_H

#include "conf/schema.h"

extern const struct conf_word settings_words_log_forms[];
extern const struct conf_word settings_words_log_levels[];
extern const struct conf_word settings_words_workers[];
extern const struct conf_word settings_words_sandboxes[];
extern const struct conf_word settings_words_kinds[];
extern const struct conf_word settings_words_policies[];
extern const struct conf_word settings_words_versions[];
extern const struct conf_word settings_words_client_certificates[];
extern const struct conf_word settings_words_unknown_hosts[];
extern const struct conf_word settings_words_logins[];
extern const struct conf_word settings_words_account_tls[];
extern const struct conf_word settings_words_alpns[];
extern const struct conf_word settings_words_permissions[];
extern const struct conf_word settings_words_data_resumes[];
extern const struct conf_word settings_words_data_scopes[];
extern const struct conf_word settings_words_extras[];
extern const struct conf_word settings_words_uploads[];
extern const struct conf_word settings_words_dotfiles[];
extern const struct conf_word settings_words_data_levels[];
extern const struct conf_word settings_words_ssl_replies[];
extern const struct conf_word settings_words_refusals[];
extern const struct conf_word settings_words_greetings[];
extern const struct conf_word settings_words_tolerances[];
extern const struct conf_word settings_words_asciis[];
extern const struct conf_word settings_words_cut_uploads[];
extern const struct conf_word settings_words_ldap_scopes[];

#endif
