/* `ferryctl account`, `ferryctl group`, `ferryctl template`: accounts in the file that ferryd-auth
 * reads, and what they share. What is changed holds from the next login on. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "account/account.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "ferryctl/ask.h"
#include "ferryctl/command.h"
#include "ferryctl/place.h"
#include "ferryctl/show.h"
#include "roster/roster.h"

#define FIELDS_HELP                                                                                \
    "password_hash, home, user, read_only, uploads, dotfiles, charset, denied_names,\n"            \
    "control_bytes, tls, disabled, login,\n"                                                       \
    "certificates, networks, hours, expires,\n"                                                    \
    "sessions_max, rate_up, rate_down, quota, quota_files,\n"                                      \
    "rights, roots, group, template; nothing behind the = is the default. Networks and groups\n"   \
    "may stand with commas between them, rights and roots with semicolons.\n"                      \
    "\n"                                                                                           \
    "  --file FILE  the accounts, if not " ROSTER_DEFAULT "\n"                                     \
    "  --json       list and show for programs\n"

static const char help[] =
    "Usage: ferryctl account [--file FILE] [--json] WORD [NAME] [ARGUMENT...]\n"
    "\n"
    "  list                       all accounts, a line each\n"
    "  show NAME                  everything about one, but for its password\n"
    "  add NAME FIELD=VALUE...    a new one; home= must be among the fields\n"
    "  set NAME FIELD=VALUE...    change it\n"
    "  passwd NAME                give it another password\n"
    "  cert NAME add RULE         a rule for the certificates that are its\n"
    "  cert NAME remove RULE\n"
    "  disable NAME, enable NAME  whether anybody may log in by it\n"
    "  remove NAME                forget it; its files stay\n"
    "\n"
    "A password is read from standard input, one line. Fields, as in ferryd.conf(5):\n" FIELDS_HELP;

static const char shares_help[] =
    "Usage: ferryctl group    [--file FILE] [--json] WORD [NAME] [ARGUMENT...]\n"
    "       ferryctl template [--file FILE] [--json] WORD [NAME] [ARGUMENT...]\n"
    "\n"
    "Values that accounts share: those that name the group, or the template; the template called\n"
    "default is that of all who name none.\n"
    "\n"
    "  list                       all of them, a line each\n"
    "  show NAME                  everything about one\n"
    "  add NAME [FIELD=VALUE...]  a new one\n"
    "  set NAME FIELD=VALUE...    change it\n"
    "  remove NAME                forget it; who names it cannot log in then\n"
    "\n"
    "Fields, as in ferryd.conf(5), but password_hash, group and template, which only accounts "
    "have:\n" FIELDS_HELP;

/* What the command line asks for. */
struct wish {
    struct roster *roster;
    enum roster_table table;
    bool json;
    const char *name;
    char **rest; /* what is behind the name */
    int count;
};

/* ---- fields ---- */

static enum ferry_error find_field(struct bytes name, enum account_field *out, struct fault *fault)
{
    for (int i = 0; i < ACCOUNT_FIELDS; i++) {
        if (bytes_equal(name, bytes_str(account_field_names[i]))) {
            *out = (enum account_field)i;
            return FERRY_OK;
        }
    }
    return fault_set(fault, FERRY_E_ARGUMENT, "there is no field %.*s", BYTES_FMT(name));
}

/* What may stand between the items of a list on one line; 0: nothing. */
static char separator_of(enum account_field field)
{
    if (field == ACCOUNT_NETWORKS || field == ACCOUNT_GROUP)
        return ',';
    return field == ACCOUNT_RIGHTS || field == ACCOUNT_ROOTS ? ';' : '\0';
}

static enum ferry_error set_value(struct account *account, enum account_field field,
                                  struct bytes value, struct fault *fault)
{
    char *text = alloc_bytes(value);
    if (!text)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    char separator = separator_of(field);
    for (char *c = text; separator && *c; c++)
        if (*c == separator)
            *c = '\n';
    struct fault why = {0};
    enum ferry_error error = account_set(account, field, bytes_str(text), &why);
    alloc_free(text);
    if (error == FERRY_OK)
        return FERRY_OK;
    fault_set(fault, error, "%s: %s", account_field_names[field], why.what);
    fault_advise(fault, "%s", why.advice);
    return error;
}

/* Sets all of the FIELD=VALUEs. */
static enum ferry_error set_fields(const struct wish *wish, struct account *account,
                                   struct fault *fault)
{
    for (int i = 0; i < wish->count; i++) {
        struct bytes value = bytes_str(wish->rest[i]);
        struct bytes name = bytes_cut(&value, '=');
        enum account_field field = ACCOUNT_HOME;
        enum ferry_error error = FERRY_OK;
        if (!strchr(wish->rest[i], '='))
            error = fault_set(fault, FERRY_E_ARGUMENT, "%s is not FIELD=VALUE", wish->rest[i]);
        if (error == FERRY_OK)
            error = find_field(name, &field, fault);
        if (error == FERRY_OK && wish->table != ROSTER_ACCOUNTS && !account_field_is_shared(field))
            error = fault_set(fault, FERRY_E_ARGUMENT, "only an account has %s",
                              account_field_names[field]);
        if (error == FERRY_OK)
            error = set_value(account, field, value, fault);
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

/* ---- words that change one account ---- */

/* Whether somebody could log in by it. What it shares may be in the configuration, which is not
 * looked at here: ferryd-auth says what is missing when somebody does. */
static enum ferry_error check(const struct wish *wish, const struct account *account,
                              struct fault *fault)
{
    bool shares =
        account_text(account, ACCOUNT_GROUP)[0] || account_text(account, ACCOUNT_TEMPLATE)[0];
    return shares || wish->table != ROSTER_ACCOUNTS ? FERRY_OK : account_check(account, fault);
}

static enum ferry_error set_and_check(void *ctx, struct account *account, struct fault *fault)
{
    enum ferry_error error = set_fields(ctx, account, fault);
    return error == FERRY_OK ? check(ctx, account, fault) : error;
}

static enum ferry_error set_word(struct wish *wish, struct fault *fault)
{
    return roster_change(wish->roster, bytes_str(wish->name), set_and_check, wish, fault);
}

/* Only where the login cannot do without one; a hash may be among the fields. */
static bool needs_password(const struct account *account)
{
    return account_text(account, ACCOUNT_PASSWORD_HASH)[0] == '\0' &&
           (account->login == ADMISSION_PASSWORD ||
            account->login == ADMISSION_CERTIFICATE_AND_PASSWORD);
}

static enum ferry_error ask_password(struct account *account, struct fault *fault)
{
    char hash[PASSWORD_HASH_BYTES];
    enum ferry_error error = ask_password_hash(hash, fault);
    return error == FERRY_OK ? account_set(account, ACCOUNT_PASSWORD_HASH, bytes_str(hash), fault)
                             : error;
}

static enum ferry_error add_word(struct wish *wish, struct fault *fault)
{
    CLEANUP(account_drop) struct account *account = NULL;
    enum ferry_error error = account_new(bytes_str(wish->name), &account, fault);
    if (error == FERRY_OK)
        error = set_fields(wish, account, fault);
    if (error == FERRY_OK && wish->table == ROSTER_ACCOUNTS && needs_password(account))
        error = ask_password(account, fault);
    if (error == FERRY_OK)
        error = check(wish, account, fault);
    return error == FERRY_OK ? roster_add(wish->roster, account, fault) : error;
}

static enum ferry_error set_hash(void *ctx, struct account *account, struct fault *fault)
{
    return account_set(account, ACCOUNT_PASSWORD_HASH, bytes_str(ctx), fault);
}

static enum ferry_error passwd_word(struct wish *wish, struct fault *fault)
{
    char hash[PASSWORD_HASH_BYTES];
    enum ferry_error error = ask_password_hash(hash, fault);
    if (error != FERRY_OK)
        return error;
    return roster_change(wish->roster, bytes_str(wish->name), set_hash, hash, fault);
}

static enum ferry_error disable_one(void *ctx, struct account *account, struct fault *fault)
{
    return account_set(account, ACCOUNT_DISABLED, bytes_str(ctx), fault);
}

static enum ferry_error disable_word(struct wish *wish, struct fault *fault)
{
    char yes[] = "yes";
    return roster_change(wish->roster, bytes_str(wish->name), disable_one, yes, fault);
}

static enum ferry_error enable_word(struct wish *wish, struct fault *fault)
{
    char no[] = "no";
    return roster_change(wish->roster, bytes_str(wish->name), disable_one, no, fault);
}

static enum ferry_error remove_word(struct wish *wish, struct fault *fault)
{
    return roster_remove(wish->roster, bytes_str(wish->name), fault);
}

/* Writes all rules but `rule` to `out`, and says whether it was among them. */
static enum ferry_error other_rules(const struct account *account, struct bytes rule,
                                    struct buf *out, bool *found)
{
    struct bytes rest = bytes_str(account_text(account, ACCOUNT_CERTIFICATES));
    enum ferry_error error = FERRY_OK;
    *found = false;
    while (rest.len > 0 && error == FERRY_OK) {
        struct bytes line = text_trim(bytes_cut(&rest, '\n'));
        if (bytes_equal(line, rule))
            *found = true;
        else
            error = buf_printf(out, "%.*s\n", BYTES_FMT(line));
    }
    return error;
}

static enum ferry_error change_rules(void *ctx, struct account *account, struct fault *fault)
{
    const struct wish *wish = ctx;
    CLEANUP(buf_fini) struct buf rules;
    struct bytes rule = text_trim(bytes_str(wish->rest[1]));
    bool add = strcmp(wish->rest[0], "add") == 0;
    bool found = false;
    buf_init(&rules, ACCOUNT_TEXT_BYTES);
    enum ferry_error error = other_rules(account, rule, &rules, &found);
    if (error == FERRY_OK && found == add)
        return fault_set(fault, add ? FERRY_E_EXISTS : FERRY_E_NOT_FOUND,
                         add ? "it has this rule already" : "it has no such rule");
    if (error == FERRY_OK && add)
        error = buf_append(&rules, rule);
    if (error != FERRY_OK)
        return fault_set(fault, error, "its rules are too long");
    return set_value(account, ACCOUNT_CERTIFICATES, buf_view(&rules), fault);
}

static enum ferry_error cert_word(struct wish *wish, struct fault *fault)
{
    if (strcmp(wish->rest[0], "add") != 0 && strcmp(wish->rest[0], "remove") != 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "it is add or remove, not %s", wish->rest[0]);
    return roster_change(wish->roster, bytes_str(wish->name), change_rules, wish, fault);
}

/* ---- words that tell ---- */

static enum ferry_error show_word(struct wish *wish, struct fault *fault)
{
    CLEANUP(account_drop) struct account *account = NULL;
    enum ferry_error error = roster_find(wish->roster, bytes_str(wish->name), &account, fault);
    if (error == FERRY_OK && !account)
        error = fault_set(fault, FERRY_E_NOT_FOUND, "there is no %s %s", roster_word(wish->table),
                          wish->name);
    if (error != FERRY_OK)
        return error;
    if (!wish->json)
        show_account(account);
    else if (show_print_json(show_json(account)) != EXIT_DONE)
        return fault_set(fault, FERRY_E_FILE, "it could not be printed");
    return FERRY_OK;
}

static enum ferry_error list_one(void *ctx, const struct account *account, struct fault *fault)
{
    json_t *list = ctx;
    if (!list)
        show_line(account);
    else if (json_array_append_new(list, show_json(account)) != 0)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short, or a name is no UTF-8");
    return FERRY_OK;
}

static enum ferry_error list_word(struct wish *wish, struct fault *fault)
{
    json_t *list = wish->json ? json_array() : NULL;
    enum ferry_error error = roster_each(wish->roster, list_one, list, fault);
    if (error != FERRY_OK)
        json_decref(list);
    else if (wish->json && show_print_json(list) != EXIT_DONE)
        error = fault_set(fault, FERRY_E_FILE, "they could not be printed");
    return error;
}

/* ---- the command line ---- */

static const struct {
    const char *word;
    enum ferry_error (*run)(struct wish *wish, struct fault *fault);
    bool named;
    int least, most; /* arguments behind the name */
    bool shared;     /* groups and templates have it, too */
} words[] = {
    {"list", list_word, false, 0, 0, true},       {"show", show_word, true, 0, 0, true},
    {"add", add_word, true, 0, 64, true},         {"set", set_word, true, 1, 64, true},
    {"passwd", passwd_word, true, 0, 0, false},   {"cert", cert_word, true, 2, 2, false},
    {"disable", disable_word, true, 0, 0, false}, {"enable", enable_word, true, 0, 0, false},
    {"remove", remove_word, true, 0, 0, true},
};

static int run_word(size_t i, const char *file, struct wish *wish)
{
    CLEANUP(roster_drop) struct roster *roster = NULL;
    struct fault fault = {0};
    place_prepare(file);
    enum ferry_error error = roster_open_table(file, wish->table, &roster, &fault);
    wish->roster = roster;
    if (error == FERRY_OK)
        error = words[i].run(wish, &fault);
    return error == FERRY_OK ? EXIT_DONE : say_fault(&fault);
}

static const char *help_of(enum roster_table table)
{
    return table == ROSTER_ACCOUNTS ? help : shares_help;
}

static int usage(enum roster_table table, const char *why, const char *what)
{
    fprintf(stderr, "ferryctl %s: %s%s\n", roster_word(table), why, what);
    fputs(help_of(table), stderr);
    return EXIT_USAGE;
}

/* `argv` has the word and what follows it. */
static int choose(int argc, char **argv, enum roster_table table, const char *file, bool json)
{
    for (size_t i = 0; argc > 0 && i < ARRAY_LEN(words); i++) {
        int before = words[i].named ? 2 : 1;
        if (strcmp(argv[0], words[i].word) != 0 || (table != ROSTER_ACCOUNTS && !words[i].shared))
            continue;
        if (argc < before + words[i].least || argc > before + words[i].most)
            return usage(table, "these are too few or too many arguments for ", argv[0]);
        struct wish wish = {
            .table = table,
            .json = json,
            .name = words[i].named ? argv[1] : NULL,
            .rest = argv + before,
            .count = argc - before,
        };
        return run_word(i, file, &wish);
    }
    return argc > 0 ? usage(table, "there is no word ", argv[0])
                    : usage(table, "what is to be done?", "");
}

static int run(enum roster_table table, int argc, char **argv)
{
    static const struct option options[] = {{"file", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *file = ROSTER_DEFAULT;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "f:jh", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            file = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            fputs(help_of(table), stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    return choose(argc - optind, argv + optind, table, file, json);
}

int account_run(int argc, char **argv)
{
    return run(ROSTER_ACCOUNTS, argc, argv);
}

int group_run(int argc, char **argv)
{
    return run(ROSTER_GROUPS, argc, argv);
}

int template_run(int argc, char **argv)
{
    return run(ROSTER_TEMPLATES, argc, argv);
}
