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
             "postgresql:NAME are of the blocks of that name."},
    {.name = "files_user",
     .type = CONF_TEXT,
     GLOBAL(files_user),
     .help = "User of the system with whose rights the files of accounts are reached that name "
             "none. Without it, each must name its user, unless ferryd does not run as root."},
    {.name = "homes",
     .type = CONF_TEXTS,
     GLOBAL(homes),
     .help = "Directories, by absolute paths, beneath which the homes of all accounts are: what "
             "serves files reaches nothing else (Landlock), whatever the rights of its user. "
             "Unset: the homes of the account blocks, if there are no other accounts; else there "
             "is no such bound."},
#include "ferryd/settings_bans.def"
#include "ferryd/settings_hooks.def"
#include "ferryd/settings_web.def"
};

static const struct conf_directive listen_rows[] = {
    {.name = "tls",
     .type = CONF_WORD,
     LISTEN(rules.kind),
     .words = settings_words_kinds,
     .fallback = "explicit",
     .help =
         "Whether TLS begins with the AUTH command or before the greeting; where it may be either, "
         "the first bytes of the client decide, and the greeting waits for them a moment."},
    HOST_ROWS(settings_listen, host., false),
    {.name = "policy",
     .type = CONF_WORD,
     LISTEN(policy),
     .words = settings_words_policies,
     .fallback = "default",
     .help =
         "Versions and ciphers of TLS: modern is 1.3 alone, default is 1.2 and 1.3 with forward "
         "secrecy, legacy is all that old clients are left with."},
    {.name = "tls_min",
     .type = CONF_WORD,
     LISTEN(tls_min),
     .words = settings_words_versions,
     .help = "Lowest version of TLS, if not the policy's."},
    {.name = "tls_max",
     .type = CONF_WORD,
     LISTEN(tls_max),
     .words = settings_words_versions,
     .help = "Highest version of TLS, if not the policy's."},
    {.name = "sni_unknown",
     .type = CONF_WORD,
     LISTEN(sni_unknown),
     .words = settings_words_unknown_hosts,
     .fallback = "auto",
     .help =
         "What becomes of a client whose SNI is the name of no host: it is shown the listener's "
         "own certificate, or refused; auto refuses if there is more than one host, and takes "
         "any name where no host has one."},
    {.name = "alpn",
     .type = CONF_FLAG,
     LISTEN(alpn_required),
     .words = settings_words_alpns,
     .fallback = "optional",
     .help = "Whether clients must say by ALPN that they mean FTP."},
    {.name = "plaintext",
     .type = CONF_FLAG,
     LISTEN(rules.plaintext_allowed),
     .words = settings_words_permissions,
     .fallback = "refuse",
     .help = "Whether login and data are allowed without TLS."},
    {.name = "auth_legacy_words",
     .type = CONF_FLAG,
     LISTEN(rules.auth_legacy_words),
     .fallback = "yes",
     .help = "Whether AUTH SSL and AUTH TLS-P are taken, too."},
    {.name = "auth_ssl_reply",
     .type = CONF_FLAG,
     LISTEN(rules.dialect.auth_ssl_334),
     .words = settings_words_ssl_replies,
     .fallback = "234",
     .help = "How AUTH SSL is answered; very old clients wait for 334."},
    {.name = "implicit_greeting",
     .type = CONF_FLAG,
     LISTEN(rules.dialect.greet_before_tls),
     .words = settings_words_greetings,
     .fallback = "after",
     .help =
         "Whether the greeting of implicit TLS comes after the handshake or, for clients of z/OS, "
         "in clear before it."},
    {.name = "prot_without_pbsz",
     .type = CONF_FLAG,
     LISTEN(rules.dialect.prot_before_pbsz),
     .words = settings_words_tolerances,
     .fallback = "refuse",
     .help = "Whether PROT is taken of clients that send no PBSZ before it."},
    {.name = "prot_refused_code",
     .type = CONF_FLAG,
     LISTEN(rules.dialect.data_refused_521),
     .words = settings_words_refusals,
     .fallback = "522",
     .help = "The reply to a transfer that must be protected and is not; RFC 4217 has both."},
    {.name = "data_tls",
     .type = CONF_WORD,
     LISTEN(rules.dialect.data_tls),
     .words = settings_words_data_levels,
     .fallback = "default",
     .help = "Which transfers must be protected, listings being downloads: all of them by default, "
             "or as the client says where plaintext is allowed."},
    {.name = "ccc",
     .type = CONF_FLAG,
     LISTEN(rules.dialect.ccc),
     .fallback = "no",
     .help = "Whether a client may end TLS on the control connection once it is logged in, so that "
             "firewalls can read along; anybody on the way can then read and write commands."},
    {.name = "upload_without_close_notify",
     .type = CONF_FLAG,
     LISTEN(rules.accept_no_notify),
     .words = settings_words_tolerances,
     .fallback = "refuse",
     .help = "Whether an upload is whole that ends without TLS's close_notify, as some old clients "
             "leave it; so does anybody who can cut a connection. Each one is logged."},
    {.name = "data_resume",
     .type = CONF_WORD,
     LISTEN(rules.data_resume),
     .words = settings_words_data_resumes,
     .fallback = "require",
     .help =
         "Whether a data connection must resume the TLS session of its control connection, which "
         "proves that both come from the same client."},
    {.name = "data_resume_scope",
     .type = CONF_WORD,
     LISTEN(rules.data_resume_scope),
     .words = settings_words_data_scopes,
     .fallback = "connection",
     .help =
         "Whose TLS session counts: that of the control connection, or also that of another live "
         "one of the same account and address."},
    {.name = "passive_ports",
     .type = CONF_PORTS,
     LISTEN(passive_ports),
     .help =
         "Ports for passive data connections, to be opened in a firewall; any free one if it is "
         "not set."},
    {.name = "passive_address",
     .type = CONF_ADDRESS,
     LISTEN(passive_address),
     .help = "Address that PASV tells instead of the local one, for a server behind NAT."},
    {.name = "passive_name",
     .type = CONF_TEXT,
     LISTEN(passive_name),
     .help = "Name whose IPv4 address PASV tells, for a server behind NAT whose address changes."},
    {.name = "passive_lookup",
     .type = CONF_DURATION,
     LISTEN(rules.passive_lookup_ns),
     .min = SECONDS(1),
     .max = HOURS(24),
     .fallback = "5min",
     .help = "How long an answer to passive_name counts before it is looked up again."},
    {.name = "passive_networks",
     .type = CONF_TEXTS,
     LISTEN(passive_networks),
     .help = "What PASV tells the clients of a network: a list of \"NETWORK ADDRESS\", or "
             "\"NETWORK local\" for the local one. The first whose network holds the client "
             "decides, before passive_name and passive_address."},
    {.name = "active_source_port",
     .type = CONF_PORT,
     LISTEN(rules.active_source_port),
     .help = "Port that active data connections come from; any if it is not set."},
    {.name = "proxies",
     .type = CONF_NETWORKS,
     LISTEN(proxies),
     .help = "Networks whose connections, control and data, begin with a header of the PROXY "
             "protocol that tells who the client is."},
    {.name = "active",
     .type = CONF_FLAG,
     LISTEN(rules.active_allowed),
     .fallback = "yes",
     .help = "Whether PORT and EPRT are taken: the server then connects to the client."},
    {.name = "mode_z",
     .type = CONF_FLAG,
     LISTEN(rules.mode_z),
     .fallback = "no",
     .help = "Whether MODE Z, compression, is offered; sizes of compressed transfers can tell "
             "something of their content."},
    {.name = "mode_b",
     .type = CONF_FLAG,
     LISTEN(rules.mode_b),
     .fallback = "no",
     .help = "Whether MODE B is offered: files go as blocks, with restart markers, and the data "
             "connection stays open for the next one, which makes many small files quick."},
    {.name = "ascii",
     .type = CONF_FLAG,
     LISTEN(rules.ascii_strict),
     .words = settings_words_asciis,
     .fallback = "kept",
     .help = "Whether TYPE A leaves a line that ends with CR LF as it is or, to the letter of the "
             "standard, sends CR CR LF."},
    {.name = "fxp",
     .type = CONF_FLAG,
     LISTEN(rules.dialect.fxp),
     .fallback = "no",
     .help = "Whether transfers between servers are allowed (SSCN, CPSV, PORT to other servers), "
             "with those that fxp_ca or fxp_pins make known."},
    {.name = "fxp_ca",
     .type = CONF_PATH,
     LISTEN(fxp_ca),
     .help = "PEM file of those who sign the certificates of other servers."},
    {.name = "fxp_pins",
     .type = CONF_TEXTS,
     LISTEN(fxp_pins),
     .help = "Keys of other servers: a list of \"sha256//BASE64\"."},
    {.name = "fxp_networks",
     .type = CONF_NETWORKS,
     LISTEN(fxp_networks),
     .help = "Where other servers are; PORT may name their addresses."},
    {.name = "extras",
     .type = CONF_WORDS,
     LISTEN(rules.extras),
     .words = settings_words_extras,
     .help =
         "Commands that are offered on wish: rmda removes directories with all beneath, comb makes "
         "a file of others, symlink and copy are of SITE, pret announces a transfer, mdtm-set "
         "lets MDTM set times, glob lets LIST and NLST take patterns."},
    {.name = "hash_max",
     .type = CONF_SIZE,
     LISTEN(rules.hash_max_bytes),
     .fallback = "0",
     .help = "How much HASH and its kin read for one command; 0: no limit."},
    {.name = "cut_uploads",
     .type = CONF_FLAG,
     LISTEN(rules.keep_cut_uploads),
     .words = settings_words_cut_uploads,
     .fallback = "keep",
     .help =
         "What becomes of an upload that is cut: kept out of sight so that its owner can resume "
         "it, or removed."},
    {.name = "login_timeout",
     .type = CONF_DURATION,
     LISTEN(rules.login_timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(1),
     .fallback = "60s",
     .help = "How long a login may take, from the connection on."},
    {.name = "idle_timeout",
     .type = CONF_DURATION,
     LISTEN(rules.idle_timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(24),
     .fallback = "10min",
     .help = "How long a client may be silent between commands."},
    {.name = "handshake_timeout",
     .type = CONF_DURATION,
     LISTEN(rules.handshake_timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(1),
     .fallback = "20s",
     .help = "How long a TLS handshake may take."},
    {.name = "data_timeout",
     .type = CONF_DURATION,
     LISTEN(rules.data_timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(1),
     .fallback = "20s",
     .help = "How long a data connection is waited for."},
    {.name = "passive_timeout",
     .type = CONF_DURATION,
     LISTEN(rules.passive_timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(1),
     .fallback = "60s",
     .help = "How long a passive port stays open for a command that uses it."},
    {.name = "stall_timeout",
     .type = CONF_DURATION,
     LISTEN(rules.stall_timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(24),
     .fallback = "2min",
     .help = "How long a transfer may stand still."},
    {.name = "control_keepalive",
     .type = CONF_DURATION,
     LISTEN(rules.control_keepalive_ns),
     .min = SECONDS(1),
     .max = HOURS(1),
     .fallback = "60s",
     .help = "How often something is sent on an idle control connection under TLS 1.3 while a "
             "transfer runs, lest a firewall forget it; clients do not see it."},
    {.name = "login_delay",
     .type = CONF_DURATION,
     LISTEN(rules.login_delay_ns),
     .min = CLOCK_NS_PER_MS,
     .max = SECONDS(60),
     .fallback = "1s",
     .help = "How long the first refusal of a login is held back; each further one takes twice as "
             "long."},
#include "ferryd/settings_limits.def"
};

static const struct conf_directive host_rows[] = {HOST_ROWS(settings_host, , true)};

static const struct conf_directive account_rows[] = {
    {.name = "password_hash",
     .type = CONF_TEXT,
     ACCOUNT(password_hash),
     .secret = true,
     .help = "The password as crypt(5) has it; \"ferryd hash\" makes one. Only an account that "
             "logs in by certificate can do without."},
    {.name = "login",
     .type = CONF_WORD,
     ACCOUNT(login),
     .words = settings_words_logins,
     .fallback = "password",
     .help = "What a login takes: the password, a certificate of the client, either, or both. The "
             "listener must ask clients for certificates."},
    {.name = "certificates",
     .type = CONF_TEXTS,
     ACCOUNT(certificates),
     .help =
         "Rules that say which certificates are the account's, one of which must fit: "
         "fingerprint:HEX, spki:sha256//BASE64, issuer-serial:DN#HEX, subject:DN, email:ADDRESS, "
         "dns:NAME, upn:NAME, uri:URI, cn:NAME; or email-is-user, email-local-is-user:DOMAIN, "
         "upn-is-user, upn-local-is-user:DOMAIN, dns-is-user, cn-is-user, which compare with "
         "the account's name."},
    {.name = "tls",
     .type = CONF_WORD,
     ACCOUNT(tls),
     .words = settings_words_account_tls,
     .fallback = "listener",
     .help =
         "TLS that the account demands: modern is 1.3, default is 1.2 with forward secrecy or "
         "1.3, legacy is any; listener is what the listener takes, in clear if that allows it."},
    {.name = "home",
     .type = CONF_PATH,
     ACCOUNT(home),
     .required = true,
     .help = "Directory that the account sees as its root."},
    {.name = "user",
     .type = CONF_TEXT,
     ACCOUNT(user),
     .help = "User of the system with whose rights the account's files are reached, if not that of "
             "files_user."},
    {.name = "read_only",
     .type = CONF_FLAG,
     ACCOUNT(read_only),
     .fallback = "no",
     .help = "Whether the account may change nothing."},
    {.name = "uploads",
     .type = CONF_FLAG,
     ACCOUNT(upload_in_place),
     .words = settings_words_uploads,
     .fallback = "atomic",
     .help = "Whether an upload takes its name when it is whole, or is seen as it comes."},
    {.name = "dotfiles",
     .type = CONF_FLAG,
     ACCOUNT(hide_dotfiles),
     .words = settings_words_dotfiles,
     .fallback = "show",
     .help = "Whether listings tell of names that begin with a dot."},
    {.name = "charset",
     .type = CONF_TEXT,
     ACCOUNT(charset),
     .help =
         "What names of files are in that come in no UTF-8, such as windows-1252; such a client "
         "is told names in it, too. On disk they are UTF-8."},
    {.name = "denied_names",
     .type = CONF_TEXTS,
     ACCOUNT(denied_names),
     .help = "Patterns of names that nothing may be given, and beneath which nothing may be made; "
             "{\"\"} for none. Unless it is set, names that programs of the system trust, such as "
             ".ssh and .netrc."},
    {.name = "control_bytes",
     .type = CONF_FLAG,
     ACCOUNT(control_bytes),
     .words = settings_words_permissions,
     .fallback = "refuse",
     .help =
         "Whether new names may hold control characters, which terminals and programs that read "
         "listings line by line may take for something else."},
    {.name = "disabled",
     .type = CONF_FLAG,
     ACCOUNT(disabled),
     .fallback = "no",
     .help = "Whether nobody may log in by the account."},
    {.name = "networks",
     .type = CONF_TEXTS,
     ACCOUNT(networks),
     .help = "Networks that the account's logins may come from; any if there are none."},
    {.name = "hours",
     .type = CONF_TEXT,
     ACCOUNT(hours),
     .help = "When logins are allowed, in local time: \"Mon-Fri 08:00-18:00, Sat 22:00-06:00\"; "
             "always if it is not set."},
    {.name = "expires",
     .type = CONF_TEXT,
     ACCOUNT(expires),
     .help = "The last day of the account, UTC, like 2027-01-31."},
#include "ferryd/settings_account_limits.def"
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
