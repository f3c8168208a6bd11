/* The words that directives of ferryd.conf take, and what they stand for. */
#include "ferryd/settings_words.h"

#include "ferryd/settings.h"
#include "ftp/server_pi.h"

const struct conf_word settings_words_log_forms[] = {
    {"text", LOG_FORM_TEXT}, {"json", LOG_FORM_JSON}, {NULL, 0}};
const struct conf_word settings_words_log_levels[] = {{"error", LOG_LEVEL_ERROR},
                                                      {"notice", LOG_LEVEL_NOTICE},
                                                      {"debug", LOG_LEVEL_DEBUG},
                                                      {NULL, 0}};
const struct conf_word settings_words_workers[] = {{"auto", 0}, {NULL, 0}};
const struct conf_word settings_words_sandboxes[] = {
    {"try", CONFINE_TRY}, {"require", CONFINE_REQUIRE}, {"off", CONFINE_OFF}, {NULL, 0}};
const struct conf_word settings_words_kinds[] = {{"explicit", LISTEN_EXPLICIT},
                                                 {"implicit", LISTEN_IMPLICIT},
                                                 {"either", LISTEN_EITHER},
                                                 {NULL, 0}};
const struct conf_word settings_words_policies[] = {{"modern", TLS_POLICY_MODERN},
                                                    {"default", TLS_POLICY_DEFAULT},
                                                    {"legacy", TLS_POLICY_LEGACY},
                                                    {NULL, 0}};
const struct conf_word settings_words_versions[] = {{"1.0", TLS_VERSION_1_0},
                                                    {"1.1", TLS_VERSION_1_1},
                                                    {"1.2", TLS_VERSION_1_2},
                                                    {"1.3", TLS_VERSION_1_3},
                                                    {NULL, 0}};
const struct conf_word settings_words_client_certificates[] = {
    {"none", TLS_CLIENT_CERT_NONE},
    {"optional", TLS_CLIENT_CERT_OPTIONAL},
    {"required", TLS_CLIENT_CERT_REQUIRED},
    {NULL, 0}};
const struct conf_word settings_words_unknown_hosts[] = {{"auto", TLS_UNKNOWN_HOST_AUTO},
                                                         {"default-cert", TLS_UNKNOWN_HOST_DEFAULT},
                                                         {"reject", TLS_UNKNOWN_HOST_REJECT},
                                                         {NULL, 0}};
const struct conf_word settings_words_logins[] = {
    {"password", ADMISSION_PASSWORD},
    {"cert", ADMISSION_CERTIFICATE},
    {"cert-or-password", ADMISSION_CERTIFICATE_OR_PASSWORD},
    {"cert-and-password", ADMISSION_CERTIFICATE_AND_PASSWORD},
    {"anonymous", ADMISSION_ANONYMOUS},
    {NULL, 0}};
const struct conf_word settings_words_account_tls[] = {{"listener", DEMAND_TLS_LISTENER},
                                                       {"legacy", DEMAND_TLS_LEGACY},
                                                       {"default", DEMAND_TLS_DEFAULT},
                                                       {"modern", DEMAND_TLS_MODERN},
                                                       {NULL, 0}};
const struct conf_word settings_words_alpns[] = {
    {"optional", false}, {"required", true}, {NULL, 0}};
const struct conf_word settings_words_permissions[] = {
    {"refuse", false}, {"allow", true}, {NULL, 0}};
const struct conf_word settings_words_data_resumes[] = {{"require", DATA_RESUME_REQUIRE},
                                                        {"prefer", DATA_RESUME_PREFER},
                                                        {"off", DATA_RESUME_OFF},
                                                        {NULL, 0}};
const struct conf_word settings_words_data_scopes[] = {
    {"connection", DATA_SCOPE_CONNECTION}, {"user", DATA_SCOPE_USER}, {NULL, 0}};
const struct conf_word settings_words_extras[] = {
    {"rmda", SERVER_EXTRA_RMDA},       {"comb", SERVER_EXTRA_COMB},
    {"symlink", SERVER_EXTRA_SYMLINK}, {"copy", SERVER_EXTRA_COPY},
    {"pret", SERVER_EXTRA_PRET},       {"mdtm-set", SERVER_EXTRA_MDTM_SET},
    {"glob", SERVER_EXTRA_GLOB},       {NULL, 0}};
const struct conf_word settings_words_uploads[] = {
    {"atomic", false}, {"in-place", true}, {NULL, 0}};
const struct conf_word settings_words_dotfiles[] = {{"show", false}, {"hide", true}, {NULL, 0}};
const struct conf_word settings_words_data_levels[] = {{"default", DATA_TLS_DEFAULT},
                                                       {"allow", DATA_TLS_ALLOW},
                                                       {"off", DATA_TLS_OFF},
                                                       {"require", DATA_TLS_REQUIRE},
                                                       {"uploads", DATA_TLS_UPLOADS},
                                                       {"downloads", DATA_TLS_DOWNLOADS},
                                                       {NULL, 0}};
const struct conf_word settings_words_ssl_replies[] = {{"234", false}, {"334", true}, {NULL, 0}};
const struct conf_word settings_words_refusals[] = {{"522", false}, {"521", true}, {NULL, 0}};
const struct conf_word settings_words_greetings[] = {{"after", false}, {"before", true}, {NULL, 0}};
const struct conf_word settings_words_tolerances[] = {
    {"refuse", false}, {"accept", true}, {NULL, 0}};
const struct conf_word settings_words_asciis[] = {{"kept", false}, {"strict", true}, {NULL, 0}};
const struct conf_word settings_words_cut_uploads[] = {
    {"keep", true}, {"remove", false}, {NULL, 0}};
const struct conf_word settings_words_ldap_scopes[] = {
    {"base", 0}, {"one", 1}, {"sub", 2}, {NULL, 0}};
