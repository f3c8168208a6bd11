/* The directives of ferryd.conf: one row each. */
#include "ferryd/settings.h"

#include "base/clock.h"
#include "ferryd/settings_directories.h"
#include "ferryd/settings_words.h"

#define SECONDS(n) ((n)*CLOCK_NS_PER_S)
#define HOURS(n) SECONDS(UINT64_C(3600) * (n))

#define GLOBAL(field) CONF_AT(settings_global, field)
#define LISTEN(field) CONF_AT(settings_listen, field)
#define ACCOUNT(field) CONF_AT(settings_account, field)

/* What a listen block and a host block have in common. */
#define HOST_ROWS(of, in, needed)                                                                  \
    {.name = "names",                                                                              \
     .type = CONF_TEXTS,                                                                           \
     CONF_AT(of, in names),                                                                        \
     .help = "Names of the host, for SNI and HOST, besides the one before its block; in a listen " \
             "block those of the host for clients who name none."},                                \
        {.name = "certificate",                                                                    \
         .type = CONF_PATH,                                                                        \
         CONF_AT(of, in certificate),                                                              \
         .required = needed,                                                                       \
         .help = "PEM file of the server's certificate with its intermediates behind it. It "      \
                 "should be "                                                                      \
                 "for the name of the FTP server alone: with a wildcard, or one that web servers " \
                 "share, whoever can redirect connections makes browsers talk to it, and FTP "     \
                 "clients to them."},                                                              \
        {.name = "key",                                                                            \
         .type = CONF_PATH,                                                                        \
         CONF_AT(of, in key),                                                                      \
         .help = "PEM file of the private key, not encrypted; without it, the key stands in the "  \
                 "certificate's file."},                                                           \
        {.name = "client_certificates",                                                            \
         .type = CONF_WORD,                                                                        \
         CONF_AT(of, in client_certificates),                                                      \
         .words = settings_words_client_certificates,                                              \
         .fallback = "none",                                                                       \
         .help = "Whether clients are asked for a certificate, and whether they must have one."},  \
        {.name = "client_ca",                                                                      \
         .type = CONF_PATH,                                                                        \
         CONF_AT(of, in client_ca),                                                                \
         .help = "PEM file of those who may sign the certificates of clients."},                   \
        {.name = "client_pins",                                                                    \
         .type = CONF_TEXTS,                                                                       \
         CONF_AT(of, in client_pins),                                                              \
         .help = "Keys of clients' certificates that are trusted for their own sake, self-signed " \
                 "or not: "                                                                        \
                 "a list of \"sha256//BASE64\"."},                                                 \
        {.name = "client_crl",                                                                     \
         .type = CONF_PATH,                                                                        \
         CONF_AT(of, in client_crl),                                                               \
         .help = "PEM file of revocation lists; with it, a client's certificate whose CA has no "  \
                 "current "                                                                        \
                 "one there is refused."},                                                         \
        {.name = "client_crl_chain",                                                               \
         .type = CONF_FLAG,                                                                        \
         CONF_AT(of, in client_crl_chain),                                                         \
         .fallback = "no",                                                                         \
         .help =                                                                                   \
             "Whether the certificates of intermediate CAs are looked up in client_crl, too."},    \
    {                                                                                              \
        .name = "ocsp_response", .type = CONF_PATH, CONF_AT(of, in ocsp_response),                 \
        .help =                                                                                    \
            "DER file of the OCSP response that is stapled to the certificate, as \"openssl ocsp " \
            "-respout\" writes it."                                                                \
    }

static const struct conf_directive global_rows[] = {
#include "ferryd/settings_log.def"
#include "ferryd/settings_ops.def"
#include "ferryd/settings_process_limits.def"
#include "ferryd/settings_system.def"
    {.name = "drain_grace",
     .type = CONF_DURATION,
     GLOBAL(drain_grace_ns),
     .min = 0,
     .max = HOURS(24),
     .fallback = "30s",
     .help = "How long transfers may go on after SIGTERM."},
    {.name = "parts_kept",
     .type = CONF_DURATION,
     GLOBAL(parts_kept_ns),
     .min = HOURS(1),
     .max = HOURS(24 * 365),
     .fallback = "7d",
     .help = "How long a cut upload that nobody goes on with is kept; looked at when somebody who "
             "could go on with it logs in, once a day."},
    {.name = "workers",
     .type = CONF_UNSIGNED,
     GLOBAL(workers),
     .words = settings_words_workers,
     .min = 1,
     .max = SETTINGS_WORKERS_MAX,
     .fallback = "auto",
     .help = "How many processes serve clients; auto is one for each processor."},
    {.name = "sandbox",
     .type = CONF_WORD,
     GLOBAL(sandbox),
     .words = settings_words_sandboxes,
     .fallback = "try",
     .help = "Whether processes give up what they do not need: as far as the system can, or "
             "else nothing is served, or not at all."},
    {.name = "accounts",
     .type = CONF_TEXTS,
     GLOBAL(accounts),
     .help = "Where accounts are looked for that have no block, in this order: sqlite:PATH, or a "
             "path alone, is a file that \"ferryctl account\" keeps; ldap:NAME and "
             "postgresql:NAME are of the blocks of that name; pam is the "
             "users of the system, by their own ids."},
    {.name = "files_user",
     .type = CONF_TEXT,
     GLOBAL(files_user),
     .help = "User of the system with whose rights the files of accounts are reached that name "
             "none. Without it, each must name its user, unless ferryd does not run as root."},
    {.name = "homes",
     .type = CONF_TEXTS,
     GLOBAL(homes),
     .help = "Directories, by absolute paths, beneath which the homes and further roots of all "
             "accounts "
             "are: what "
             "serves files reaches nothing else (Landlock), whatever the rights of its user. "
             "Unset: those of the account, group and template blocks, if there are no other "
             "accounts; else there "
             "is no such bound."},
#include "ferryd/settings_bans.def"
#include "ferryd/settings_hooks.def"
#include "ferryd/settings_web.def"
};

static const struct conf_directive listen_rows[] = {
#include "ferryd/settings_limits.def"
#include "ferryd/settings_listen.def"
};

static const struct conf_directive host_rows[] = {HOST_ROWS(settings_host, , true)};

static const struct conf_directive account_rows[] = {
#include "ferryd/settings_account.def"
#include "ferryd/settings_account_limits.def"
#include "ferryd/settings_rights.def"
};

#include "ferryd/settings_directories.def"

static const struct conf_block blocks[] = {
    {
        .size_bytes = sizeof(struct settings_global),
        .directives = global_rows,
        .count = ARRAY_LEN(global_rows),
        .help = "These stand outside of blocks and hold for the whole server.",
    },
    {
        .name = SETTINGS_LISTEN,
        .label = {.name = "ADDRESS:PORT", .type = CONF_ENDPOINT, LISTEN(at)},
        .size_bytes = sizeof(struct settings_listen),
        .directives = listen_rows,
        .count = ARRAY_LEN(listen_rows),
        .help = "An address that the server listens on, and its rules. [::] stands for all "
                "addresses, IPv4 too; port 0 for a free one.",
    },
    {
        .name = SETTINGS_HOST,
        .label = {.name = "NAME", .type = CONF_TEXT, CONF_AT(settings_host, name)},
        .size_bytes = sizeof(struct settings_host),
        .directives = host_rows,
        .count = ARRAY_LEN(host_rows),
        .help =
            "A host beside the listeners' own, chosen by SNI or HOST at every listener that has "
            "a certificate, with that listener's policy of TLS.",
    },
    {
        .name = SETTINGS_ACCOUNT,
        .label = {.name = "NAME", .type = CONF_TEXT, ACCOUNT(name)},
        .size_bytes = sizeof(struct settings_account),
        .directives = account_rows,
        .count = ARRAY_LEN(account_rows),
        .help = "Somebody who may log in.",
    },
    {
        .name = SETTINGS_GROUP,
        .label = {.name = "NAME", .type = CONF_TEXT, ACCOUNT(name)},
        .size_bytes = sizeof(struct settings_account),
        .directives = account_rows,
        .count = ARRAY_LEN(account_rows),
        .help = "Values that accounts share, which name it by group; any directive of an account "
                "but password_hash, group and template.",
    },
    {
        .name = SETTINGS_TEMPLATE,
        .label = {.name = "NAME", .type = CONF_TEXT, ACCOUNT(name)},
        .size_bytes = sizeof(struct settings_account),
        .directives = account_rows,
        .count = ARRAY_LEN(account_rows),
        .help = "Values of accounts that name it by template or, if its name is default, of those "
                "that name none; as a group.",
    },
    {
        .name = SETTINGS_HOOK,
        .label = {.name = "NAME", .type = CONF_TEXT, CONF_AT(settings_hook, name)},
        .size_bytes = sizeof(struct settings_hook),
        .directives = settings_hook_rows,
        .count = SETTINGS_HOOK_ROWS,
        .help = "Somebody who is told of what happens. What is told is kept on disk until it was "
                "taken, uploads before their 226: each event is told at least once, those of an "
                "account in their order.",
    },
    {
        .name = SETTINGS_CHECK,
        .label = {.name = "NAME", .type = CONF_TEXT, CONF_AT(settings_check, name)},
        .size_bytes = sizeof(struct settings_check),
        .directives = settings_check_rows,
        .count = SETTINGS_CHECK_ROWS,
        .help =
            "Somebody who is asked about each upload before it takes its name: a virus scanner, "
            "say. Of several all are asked, until one refuses.",
    },
    {
        .name = SETTINGS_LDAP,
        .label = {.name = "NAME", .type = CONF_TEXT, LDAP(name)},
        .size_bytes = sizeof(struct settings_ldap),
        .directives = ldap_rows,
        .count = ARRAY_LEN(ldap_rows),
        .help = "A directory that accounts are looked for in where accounts says ldap:NAME. A "
                "password is right if the directory takes it for the entry that was found.",
    },
    {
        .name = SETTINGS_POSTGRESQL,
        .label = {.name = "NAME", .type = CONF_TEXT, POSTGRESQL(name)},
        .size_bytes = sizeof(struct settings_postgresql),
        .directives = postgresql_rows,
        .count = ARRAY_LEN(postgresql_rows),
        .help = "A database of PostgreSQL that accounts are looked for in where accounts says "
                "postgresql:NAME.",
    },
};

const struct conf_schema settings_schema = {.blocks = blocks, .count = ARRAY_LEN(blocks)};

const struct settings_global *settings_global(const struct conf *conf)
{
    return conf_next(conf, NULL, NULL)->values;
}
