/* ferryd.conf: its directives, and the structs that they are read into. */
#ifndef FERRY_FERRYD_SETTINGS_H
#define FERRY_FERRYD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "account/account.h"
#include "base/compiler.h"
#include "base/log.h"
#include "conf/read.h"
#include "ferryd/messages.h"
#include "ferryd/settings_hooks.h"
#include "server/rules.h"
#include "tls/context.h"
#include "tls/hosts.h"

/* Outside of blocks. */
struct settings_global {
    struct conf_texts log; /* ferryd/destination.h */
    enum log_form log_form;
    enum log_level log_level;
    char *xferlog; /* path; NULL: there is none */
    uint64_t sessions_max;
    uint64_t memory_max_bytes;
    uint64_t drain_grace_ns;
    uint64_t parts_kept_ns;
    uint64_t workers;       /* 0: one for each processor */
    uint64_t hung_after_ns; /* 0: processes are not asked whether they answer */
    char *pam_service;
    uint64_t pam_timeout_ns, pam_uid_min;
    bool pam_shells, pam_session;
    enum confinement sandbox;
    struct conf_texts accounts; /* ferryd/sources.h; none: there are only account blocks */
    char *files_user; /* of the system; NULL: accounts must name theirs, if ferryd is root */
    struct conf_texts homes;
    /* Failed logins and bans. */
    uint64_t login_failures, login_failures_ns, login_failures_kept_ns;
    uint64_t ban_after; /* failures; 0: nobody is banned */
    uint64_t ban_time_ns;
    char *ban_file; /* NULL: none */
    /* The operator's page. */
    struct conf_endpoint web; /* "" of address: there is none */
    char *web_user, *web_password_hash;
    struct conf_texts web_hosts;
    char *control; /* path; NULL: the default */
    char *control_group;
    struct conf_endpoint metrics; /* no address: nowhere */
    struct settings_hooks hooks;
};

enum { SETTINGS_WORKERS_MAX = 64 };
/* host "NAME" { }, and in a listen block the host of those who name none. */
struct settings_host {
    char *name; /* NULL in a listen block */
    struct conf_texts names;
    char *certificate, *key; /* paths; `key` NULL: it stands in the certificate's */
    char *client_ca, *client_crl, *ocsp_response;
    struct conf_texts client_pins;
    bool client_crl_chain;
    enum tls_client_certificates client_certificates;
};

/* listen "ADDRESS:PORT" { } */
struct settings_listen {
    struct conf_endpoint at;
    struct server_rules rules; /* but for what stands below, which is put in by rules_make */
    struct conf_ports passive_ports;
    struct conf_address passive_address;
    char *passive_name;
    struct conf_texts passive_networks; /* "NETWORK ADDRESS" or "NETWORK local" */
    struct conf_networks proxies, fxp_networks;
    char *fxp_ca;
    struct conf_texts fxp_pins;
    struct settings_host host;
    enum tls_unknown_host sni_unknown;
    bool alpn_required;
    enum tls_policy_name policy;
    enum tls_version tls_min, tls_max;
};

/* account "NAME" { }, group "NAME" { } and template "NAME" { }: but for the name, the fields of
 * account/account.h by their names. */
struct settings_account {
    char *name;
    char *password_hash; /* of crypt(5) */
    char *home;
    char *user, *hours, *expires, *charset;
    struct conf_texts certificates, networks, denied_names;
    struct conf_texts rights, roots, group;
    char *template_name;
    enum admission_policy login;
    enum demand_tls tls;
    uint64_t sessions_max, rate_up, rate_down, quota_bytes, quota_files;
    bool read_only, disabled, upload_in_place, hide_dotfiles, control_bytes;
};

#define SETTINGS_LISTEN "listen"
#define SETTINGS_HOST "host"
#define SETTINGS_ACCOUNT "account"
#define SETTINGS_GROUP "group"
#define SETTINGS_TEMPLATE "template"
#define SETTINGS_FILE_DEFAULT "/etc/ferry/ferryd.conf"

extern const struct conf_schema settings_schema;

/* Reads ferryd.conf, by `load`, and checks what of it contradicts itself, but for the account
 * blocks (ferryd/accounts.h); mistakes are in the `check` of `*out`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error settings_read(const char *path, conf_load_fn *load, void *ctx,
                                         struct conf **out);

const struct settings_global *settings_global(const struct conf *conf);

#endif
