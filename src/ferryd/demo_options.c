/* The command line of `ferryd demo`. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ferryd/demo.h"

/* Takes one option's value; false: it is none. */
typedef bool take_fn(struct demo_options *options, const char *value);

static bool take_port(const char *value, uint16_t *out)
{
    uint64_t port;
    if (!text_u64(bytes_str(value), UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

/* Finds `value` in a list that ends with NULL; its place is the value of the enum. */
static bool take_word(const char *value, const char *const *words, int *out)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], value) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool take_explicit_port(struct demo_options *options, const char *value)
{
    return take_port(value, &options->explicit_port);
}

static bool take_implicit_port(struct demo_options *options, const char *value)
{
    return take_port(value, &options->implicit_port);
}

static bool take_address(struct demo_options *options, const char *value)
{
    options->address = value;
    return true;
}

static bool take_password_file(struct demo_options *options, const char *value)
{
    options->password_file = value;
    return true;
}

static bool take_data_resume(struct demo_options *options, const char *value)
{
    static const char *const words[] = {
        [FERRY_DATA_RESUME_REQUIRE] = "require",
        [FERRY_DATA_RESUME_PREFER] = "prefer",
        [FERRY_DATA_RESUME_OFF] = "off",
        NULL,
    };
    int found = 0;
    bool ok = take_word(value, words, &found);
    options->data_resume = (enum ferry_data_resume)found;
    return ok;
}

static bool take_data_scope(struct demo_options *options, const char *value)
{
    static const char *const words[] = {
        [FERRY_DATA_SCOPE_CONNECTION] = "connection",
        [FERRY_DATA_SCOPE_USER] = "user",
        NULL,
    };
    int found = 0;
    bool ok = take_word(value, words, &found);
    options->data_scope = (enum ferry_data_scope)found;
    return ok;
}

static bool take_passive_ports(struct demo_options *options, const char *value)
{
    struct bytes high = bytes_str(value);
    struct bytes low = bytes_cut(&high, '-');
    uint64_t first, last;
    if (!text_u64(low, UINT16_MAX, &first) || !text_u64(high, UINT16_MAX, &last) || first == 0 ||
        first > last)
        return false;
    options->passive_low = (uint16_t)first;
    options->passive_high = (uint16_t)last;
    return true;
}

static bool take_passive_address(struct demo_options *options, const char *value)
{
    options->passive_address = value;
    return true;
}

static bool take_proxy(struct demo_options *options, const char *value)
{
    options->proxy = value;
    return true;
}

static bool take_tls_max(struct demo_options *options, const char *value)
{
    options->tls_max = value;
    return true;
}

static bool take_log(struct demo_options *options, const char *value)
{
    static const char *const words[] = {
        [DEMO_LOG_TEXT] = "text",
        [DEMO_LOG_JSON] = "json",
        [DEMO_LOG_OFF] = "off",
        NULL,
    };
    int found = 0;
    bool ok = take_word(value, words, &found);
    options->log = (enum demo_log)found;
    return ok;
}

static bool take_plaintext(struct demo_options *options, const char *value)
{
    (void)value;
    options->plaintext = true;
    return true;
}

static bool take_read_only(struct demo_options *options, const char *value)
{
    (void)value;
    options->read_only = true;
    return true;
}

static bool take_drop_cut_uploads(struct demo_options *options, const char *value)
{
    (void)value;
    options->drop_cut_uploads = true;
    return true;
}

static bool take_mode_z(struct demo_options *options, const char *value)
{
    (void)value;
    options->mode_z = true;
    return true;
}

static bool take_mode_b(struct demo_options *options, const char *value)
{
    (void)value;
    options->mode_b = true;
    return true;
}

static bool take_charset(struct demo_options *options, const char *value)
{
    options->charset = value;
    return true;
}

static bool take_json(struct demo_options *options, const char *value)
{
    (void)value;
    options->json = true;
    return true;
}

static bool take_help(struct demo_options *options, const char *value)
{
    (void)value;
    options->help = true;
    return true;
}

static const struct {
    const char *name;
    const char *value; /* NULL: it takes none */
    take_fn *take;
    const char *help;
} rows[] = {
    {"listen", "ADDRESS", take_address, "numeric address (127.0.0.1; \"::\" for all)"},
    {"port", "N", take_explicit_port, "port for explicit TLS (2121); 0: a free one"},
    {"implicit-port", "N", take_implicit_port, "port for implicit TLS (2990); 0: a free one"},
    {"passive-ports", "LOW-HIGH", take_passive_ports, "for data connections (any free one)"},
    {"passive-address", "ADDRESS", take_passive_address,
     "what PASV tells: an IPv4 address or a name (where the client connected to)"},
    {"proxy", "NETWORK", take_proxy,
     "its connections begin with a header of the PROXY protocol (nobody's)"},
    {"password-file", "FILE", take_password_file, "its first line is the password (random)"},
    {"read-only", NULL, take_read_only, "the account may not change anything"},
    {"data-resume", "WORD", take_data_resume,
     "require, prefer or off: whether a data connection must resume the TLS session (require)"},
    {"data-scope", "WORD", take_data_scope,
     "connection or user: whose session it may be (connection)"},
    {"tls-max", "VERSION", take_tls_max, "highest TLS version: 1.2 or 1.3"},
    {"plaintext", NULL, take_plaintext, "allow login and data in clear text"},
    {"drop-cut-uploads", NULL, take_drop_cut_uploads, "do not keep what can be resumed"},
    {"mode-b", NULL, take_mode_b, "offer MODE B, many files over one data connection"},
    {"mode-z", NULL, take_mode_z, "offer MODE Z, compression of what is transferred"},
    {"charset", "NAME", take_charset,
     "what names that are no UTF-8 are in, such as windows-1252 (kept as they come)"},
    {"log", "FORM", take_log, "text, json or off, to standard error (text)"},
    {"json", NULL, take_json, "say ports, password and CA file as one line of JSON"},
    {"help", NULL, take_help, "this text"},
};

void demo_options_help(void)
{
    puts("Usage: ferryd demo [OPTION...] [DIRECTORY]\n"
         "\n"
         "Serves DIRECTORY (a fresh one) to the account \"demo\", until Ctrl-C. Certificate, CA "
         "and\n"
         "password are made up; what to try is printed.\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char option[32];
        snprintf(option, sizeof(option), "--%s %s", rows[i].name,
                 rows[i].value ? rows[i].value : "");
        printf("  %-26s %s\n", option, rows[i].help);
    }
}

bool demo_options_parse(int argc, char **argv, struct demo_options *out)
{
    *out =
        (struct demo_options){.address = "127.0.0.1", .explicit_port = 2121, .implicit_port = 2990};
    struct option longs[ARRAY_LEN(rows) + 1] = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        longs[i] = (struct option){
            .name = rows[i].name,
            .has_arg = rows[i].value ? required_argument : no_argument,
        };
    int at = 0;
    int found;
    while ((found = getopt_long(argc, argv, "", longs, &at)) == 0) {
        if (!rows[at].take(out, optarg)) {
            fprintf(stderr, "ferryd demo: --%s %s: not possible; see --help\n", rows[at].name,
                    optarg);
            return false;
        }
    }
    if (found != -1)
        return false; /* getopt_long has said why */
    if (argc - optind > 1) {
        fputs("ferryd demo: only one directory can be served\n", stderr);
        return false;
    }
    out->directory = argv[optind];
    return true;
}
