/* ferryd.conf: its directives, and the structs that they are read into. */
#ifndef FERRY_FERRYD_SETTINGS_H
#define FERRY_FERRYD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "account/admission.h"
#include "base/compiler.h"
#include "base/log.h"
#include "conf/read.h"
#include "ferryd/messages.h"
#include "server/rules.h"
#include "tls/context.h"

/* Outside of blocks. */
struct settings_global {
    enum log_form log_form;
    enum log_level log_level;
    uint64_t sessions_max;
    uint64_t drain_grace_ns;
    uint64_t parts_kept_ns;
    uint64_t workers; /* 0: one for each processor */
    enum confinement sandbox;
    char *accounts;   /* path of a roster; NULL: there are only account blocks */
    char *files_user; /* of the system; NULL: accounts must name theirs, if ferryd is root */
    uint64_t login_failures_kept_ns, ban_time_ns;
    uint64_t ban_after; /* failures; 0: nobody is banned */
};

enum { SETTINGS_WORKERS_MAX = 64 };

/* listen "ADDRESS:PORT" { } */
struct settings_listen {
    struct conf_endpoint at;
    struct server_rules rules; /* but for what stands below, which is put in by rules_make */
    struct conf_ports passive_ports;
    struct conf_address passive_address;
    char *passive_name;
    struct conf_texts passive_networks; /* "NETWORK ADDRESS" or "NETWORK local" */
    struct conf_networks proxies;
    char *certificate, *key; /* paths; `key` NULL: it stands in the certificate's */
    char *client_ca, *client_crl, *ocsp_response;
    struct conf_texts client_pins;
    bool client_crl_chain, alpn_required;
    enum tls_policy_name policy;
    enum tls_version tls_min, tls_max;
    enum tls_client_certificates client_certificates;
};

/* account "NAME" { }: but for the name, the fields of account/account.h by their names. */
struct settings_account {
    char *name;
    char *password_hash; /* of crypt(5) */
    char *home;
    char *user, *hours, *expires;
    struct conf_texts certificates, networks;
    char *charset;
    enum admission_policy login;
    uint64_t sessions;
    bool read_only, upload_in_place, hide_dotfiles, disabled;
};

#define SETTINGS_LISTEN "listen"
#define SETTINGS_ACCOUNT "account"
#define SETTINGS_FILE_DEFAULT "/etc/ferry/ferryd.conf"

extern const struct conf_schema settings_schema;

/* Reads ferryd.conf, by `load`, and checks what of it contradicts itself, but for the account
 * blocks (ferryd/accounts.h); mistakes are in the `check` of `*out`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error settings_read(const char *path, conf_load_fn *load, void *ctx,
                                         struct conf **out);

const struct settings_global *settings_global(const struct conf *conf);

#endif
