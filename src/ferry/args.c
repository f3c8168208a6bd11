/* The command line. */
#include "ferry/args.h"

#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"

typedef bool take_fn(struct settings *settings, const char *value);

static take_fn take_auth, take_pin, take_tls_min, take_tls_max, take_prot, take_list_prot;
static take_fn take_timeout, take_verbose;

enum row_kind { ROW_FLAG, ROW_TEXT, ROW_TAKE };

struct row {
    char letter; /* 0: none */
    const char *name;
    const char *value; /* what it is called in the help; NULL: it takes none */
    unsigned commands;
    enum row_kind kind;
    size_t offset; /* ROW_FLAG: of a bool; ROW_TEXT: of a string */
    take_fn *take; /* ROW_TAKE */
    const char *help;
};

#define FLAG(field) ROW_FLAG, offsetof(struct settings, field), NULL
#define TEXT(field) ROW_TEXT, offsetof(struct settings, field), NULL
#define TAKE(function) ROW_TAKE, 0, function

/* In the order of the help. */
static const struct row rows[] = {
    {'r', "recursive", NULL, FOR_GET | FOR_PUT, FLAG(recursive), "directories with all below them"},
    {'c', "continue", NULL, FOR_GET | FOR_PUT, FLAG(resume),
     "go on where a former transfer was cut"},
    {'o', "output", "PATH", FOR_GET, TEXT(output),
     "the local file, or the directory to put files into; - is standard output"},
    {'f', "force", NULL, FOR_GET, FLAG(force), "replace local files that exist"},
    {'p', "keep-time", NULL, FOR_PUT, FLAG(keep_time),
     "give remote files the time of the local ones"},
    {'l', "long", NULL, FOR_LS, FLAG(long_form), "mode, size and time as well"},
    {0, "raw", NULL, FOR_LS, FLAG(raw), "names as they are, byte by byte, unless on a terminal"},
    {0, "json", NULL, FOR_LS | FOR_STAT | FOR_GET | FOR_PUT, FLAG(json),
     "one JSON object a line on standard output"},
    {0, "plaintext", NULL, FOR_ALL, FLAG(plaintext), "no TLS: password and files in clear"},
    {0, "auth", "WORD", FOR_ALL, TAKE(take_auth), "tls (default), ssl, tls-c, tls-p or auto"},
    {0, "ca", "FILE", FOR_ALL, TEXT(ca), "trust the CA certificates in FILE, too"},
    {0, "pin", "PIN", FOR_ALL, TAKE(take_pin),
     "trust the key sha256//... and no other; may be repeated"},
    {0, "cert", "FILE", FOR_ALL, TEXT(certificate), "client certificate (PEM)"},
    {0, "key", "FILE", FOR_ALL, TEXT(key), "its private key (PEM)"},
    {0, "tls-min", "VERSION", FOR_ALL, TAKE(take_tls_min), "1.2 or 1.3; less with --legacy"},
    {0, "tls-max", "VERSION", FOR_ALL, TAKE(take_tls_max), "1.2 or 1.3"},
    {0, "legacy", NULL, FOR_ALL, FLAG(legacy), "old servers: TLS 1.0, weak keys, 334 for 234"},
    {0, "prot", "P|C", FOR_ALL, TAKE(take_prot), "files protected (P, default) or in clear (C)"},
    {0, "list-prot", "P|C", FOR_ALL, TAKE(take_list_prot), "the same for listings"},
    {0, "active", NULL, FOR_ALL, FLAG(active), "the server connects for data, not the client"},
    {0, "account", "NAME", FOR_ALL, TEXT(account), "for servers that ask for an account"},
    {0, "password-file", "FILE", FOR_ALL, TEXT(password_file),
     "the password is the first line of FILE"},
    {0, "timeout", "SECONDS", FOR_ALL, TAKE(take_timeout),
     "to connect, for a reply, and for a transfer that stands still"},
    {'q', "quiet", NULL, FOR_ALL, FLAG(quiet), "no progress, no remarks"},
    {'v', "verbose", NULL, FOR_ALL, TAKE(take_verbose),
     "show the dialogue; twice: details of TLS, too"},
    {'h', "help", NULL, FOR_ALL, FLAG(help), "this text"},
};

/* ---- values ---- */

static bool take_auth(struct settings *settings, const char *value)
{
    static const char *const words[] = {
        [FERRY_AUTH_TLS] = "tls",     [FERRY_AUTH_SSL] = "ssl",   [FERRY_AUTH_TLS_C] = "tls-c",
        [FERRY_AUTH_TLS_P] = "tls-p", [FERRY_AUTH_AUTO] = "auto",
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_same(bytes_str(value), bytes_str(words[i]))) {
            settings->auth = (enum ferry_auth)i;
            return true;
        }
    }
    return false;
}

static bool take_pin(struct settings *settings, const char *value)
{
    if (settings->pin_count == PINS_MAX)
        return false;
    settings->pins[settings->pin_count++] = value;
    return true;
}

static bool find_version(const char *value, enum ferry_tls_version *version)
{
    static const char *const words[] = {
        [FERRY_TLS_1_0] = "1.0",
        [FERRY_TLS_1_1] = "1.1",
        [FERRY_TLS_1_2] = "1.2",
        [FERRY_TLS_1_3] = "1.3",
    };
    for (size_t i = FERRY_TLS_1_0; i < ARRAY_LEN(words); i++) {
        if (strcmp(value, words[i]) == 0) {
            *version = (enum ferry_tls_version)i;
            return true;
        }
    }
    return false;
}

static bool take_tls_min(struct settings *settings, const char *value)
{
    return find_version(value, &settings->tls_min);
}

static bool take_tls_max(struct settings *settings, const char *value)
{
    return find_version(value, &settings->tls_max);
}

static bool find_level(const char *value, char *level)
{
    *level = text_upper(value[0]);
    return (*level == 'P' || *level == 'C') && value[1] == '\0';
}

static bool take_prot(struct settings *settings, const char *value)
{
    return find_level(value, &settings->file_level);
}

static bool take_list_prot(struct settings *settings, const char *value)
{
    return find_level(value, &settings->listing_level);
}

static bool take_timeout(struct settings *settings, const char *value)
{
    uint64_t seconds = 0;
    if (!text_u64(bytes_str(value), UINT_MAX / 1000, &seconds) || seconds == 0)
        return false;
    settings->timeout_s = (unsigned)seconds;
    return true;
}

static bool take_verbose(struct settings *settings, const char *value)
{
    (void)value;
    settings->verbose++;
    return true;
}

/* ---- reading ---- */

static bool apply(const struct row *row, struct settings *settings, const char *value)
{
    char *field = (char *)settings + row->offset;
    switch (row->kind) {
    case ROW_FLAG:
        *(bool *)field = true;
        return true;
    case ROW_TEXT:
        *(const char **)(void *)field = value;
        return true;
    case ROW_TAKE:
        return row->take(settings, value);
    }
    return false;
}

/* getopt's view of the rows of one command: their letters, and long options whose value is the
 * row's number. */
struct view {
    char letters[2 * ARRAY_LEN(rows) + 2];
    struct option options[ARRAY_LEN(rows) + 1];
};

enum { FIRST_ROW = 256 }; /* above every letter */

static void make_view(unsigned command, struct view *view)
{
    size_t letters = 0;
    size_t options = 0;
    view->letters[letters++] = ':'; /* the messages are ours */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((rows[i].commands & command) == 0)
            continue;
        if (rows[i].letter) {
            view->letters[letters++] = rows[i].letter;
            if (rows[i].value)
                view->letters[letters++] = ':';
        }
        view->options[options++] = (struct option){
            .name = rows[i].name,
            .has_arg = rows[i].value ? required_argument : no_argument,
            .val = FIRST_ROW + (int)i,
        };
    }
    view->letters[letters] = '\0';
    view->options[options] = (struct option){0};
}

/* The row of what getopt found, which is in the view. */
static const struct row *find_row(int found)
{
    size_t row = found >= FIRST_ROW ? (size_t)(found - FIRST_ROW) : 0;
    while (found < FIRST_ROW && rows[row].letter != found)
        row++;
    return &rows[row];
}

static bool complain(const char *command, const char *word, const char *what)
{
    char visible[128];
    text_visible_into(visible, sizeof(visible), bytes_str(word));
    fprintf(stderr, "ferry %s: %s: %s (see `ferry %s --help`)\n", command, visible, what, command);
    return false;
}

bool args_read(int argc, char **argv, unsigned command, struct settings *settings, int *first)
{
    *settings = (struct settings){.file_level = 'P', .listing_level = 'P'};
    struct view view;
    make_view(command, &view);
    opterr = 0;
    optind = 0; /* getopt forgets an earlier command line */
    int found;
    while ((found = getopt_long(argc, argv, view.letters, view.options, NULL)) != -1) {
        const char letter[] = {'-', (char)optopt, '\0'};
        const char *word = optopt > 0 && optopt < FIRST_ROW ? letter : argv[optind - 1];
        if (found == '?')
            return complain(argv[0], word, "no such option");
        if (found == ':')
            return complain(argv[0], word, "a value is missing");
        const struct row *row = find_row(found);
        if (!apply(row, settings, optarg)) {
            char option[64];
            snprintf(option, sizeof(option), "--%s %s", row->name, optarg);
            return complain(argv[0], option, "not a value for this option");
        }
    }
    if ((settings->certificate == NULL) != (settings->key == NULL))
        return complain(argv[0], settings->key ? "--key" : "--cert",
                        "--cert and --key go together");
    *first = optind;
    return true;
}

void args_help(FILE *out, unsigned command)
{
    enum { NAME_COLUMNS = 24 };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        if ((row->commands & command) == 0)
            continue;
        char name[64];
        snprintf(name, sizeof(name), "--%s%s%s", row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        if (row->letter)
            fprintf(out, "  -%c, ", row->letter);
        else
            fputs("      ", out);
        fprintf(out, "%-*s %s\n", NAME_COLUMNS, name, row->help);
    }
}
