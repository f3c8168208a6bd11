/* Accounts for people and for programs. */
#include "ferryctl/show.h"

#include <stdio.h>

#include "base/text.h"
#include "ferryctl/command.h"

static const char *password_words(const struct account *account)
{
    return account_text(account, ACCOUNT_PASSWORD_HASH)[0] ? "set" : "not set";
}

static const char *text_or(const struct account *account, enum account_field field,
                           const char *otherwise)
{
    const char *text = account_text(account, field);
    return text[0] ? text : otherwise;
}

static void show_list(const char *name, const char *text)
{
    struct bytes rest = bytes_str(text);
    do {
        struct bytes line = bytes_cut(&rest, '\n');
        printf("%s: %.*s\n", name, BYTES_FMT(line));
    } while (rest.len > 0);
}

void show_account(const struct account *account)
{
    printf("name: %s\n", account->name);
    printf("password: %s\n", password_words(account));
    printf("home: %s\n", account_text(account, ACCOUNT_HOME));
    printf("user: %s\n", text_or(account, ACCOUNT_USER, "that of files_user"));
    printf("read_only: %s\n", account->read_only ? "yes" : "no");
    printf("uploads: %s\n", account->upload_in_place ? "in-place" : "atomic");
    printf("dotfiles: %s\n", account->hide_dotfiles ? "hide" : "show");
    printf("charset: %s\n", text_or(account, ACCOUNT_CHARSET, "none"));
    show_list("denied_names", text_or(account, ACCOUNT_DENIED_NAMES, "the default"));
    printf("control_bytes: %s\n", account->control_bytes ? "allow" : "refuse");
    printf("tls: %s\n", demand_tls_words[account->tls]);
    printf("disabled: %s\n", account->disabled ? "yes" : "no");
    printf("login: %s\n", admission_policy_words[account->login]);
    show_list("certificates", text_or(account, ACCOUNT_CERTIFICATES, "none"));
    show_list("networks", text_or(account, ACCOUNT_NETWORKS, "any"));
    printf("hours: %s\n", text_or(account, ACCOUNT_HOURS, "always"));
    printf("expires: %s\n", text_or(account, ACCOUNT_EXPIRES, "never"));
    printf("sessions_max: %s\n", text_or(account, ACCOUNT_SESSIONS_MAX, "any number"));
    printf("rate_up: %s\n", text_or(account, ACCOUNT_RATE_UP, "no limit"));
    printf("rate_down: %s\n", text_or(account, ACCOUNT_RATE_DOWN, "no limit"));
    printf("quota: %s\n", text_or(account, ACCOUNT_QUOTA, "no limit"));
    printf("quota_files: %s\n", text_or(account, ACCOUNT_QUOTA_FILES, "no limit"));
    show_list("rights", text_or(account, ACCOUNT_RIGHTS, "all"));
    show_list("roots", text_or(account, ACCOUNT_ROOTS, "none"));
    show_list("group", text_or(account, ACCOUNT_GROUP, "none"));
    printf("template: %s\n", text_or(account, ACCOUNT_TEMPLATE, "that of the name default"));
}

void show_line(const struct account *account)
{
    printf("%-20s %-8s %-17s %s\n", account->name, account->disabled ? "disabled" : "enabled",
           admission_policy_words[account->login], account_text(account, ACCOUNT_HOME));
}

/* "" is null. */
static json_t *json_text(const struct account *account, enum account_field field)
{
    const char *text = account_text(account, field);
    return text[0] ? json_string(text) : json_null();
}

static json_t *json_lines(const struct account *account, enum account_field field)
{
    struct bytes rest = bytes_str(account_text(account, field));
    json_t *list = json_array();
    while (rest.len > 0) {
        struct bytes line = text_trim(bytes_cut(&rest, '\n'));
        if (line.len > 0 && json_array_append_new(list, json_stringn(line.ptr, line.len)) != 0)
            break;
    }
    return list;
}

json_t *show_json(const struct account *account)
{
    return json_pack(
        "{s:s, s:b, s:o, s:o, s:b, s:s, s:s, s:o, s:o, s:s, s:s, s:b, s:s, s:o, s:o, s:o, s:o, "
        "s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
        "name", account->name, "password", account_text(account, ACCOUNT_PASSWORD_HASH)[0] != '\0',
        "home", json_text(account, ACCOUNT_HOME), "user", json_text(account, ACCOUNT_USER),
        "read_only", account->read_only, "uploads",
        account->upload_in_place ? "in-place" : "atomic", "dotfiles",
        account->hide_dotfiles ? "hide" : "show", "charset", json_text(account, ACCOUNT_CHARSET),
        "denied_names", json_lines(account, ACCOUNT_DENIED_NAMES), "control_bytes",
        account->control_bytes ? "allow" : "refuse", "tls", demand_tls_words[account->tls],
        "disabled", account->disabled, "login", admission_policy_words[account->login],
        "certificates", json_lines(account, ACCOUNT_CERTIFICATES), "networks",
        json_lines(account, ACCOUNT_NETWORKS), "hours", json_text(account, ACCOUNT_HOURS),
        "expires", json_text(account, ACCOUNT_EXPIRES), "sessions_max",
        (json_int_t)account->sessions_max, "rate_up", (json_int_t)account->rate_up, "rate_down",
        (json_int_t)account->rate_down, "quota", (json_int_t)account->quota_bytes, "quota_files",
        (json_int_t)account->quota_files, "rights", json_lines(account, ACCOUNT_RIGHTS), "roots",
        json_lines(account, ACCOUNT_ROOTS), "group", json_lines(account, ACCOUNT_GROUP), "template",
        json_text(account, ACCOUNT_TEMPLATE));
}

int show_print_json(json_t *json)
{
    int status = EXIT_FAILED;
    if (!json)
        fputs("ferryctl: memory is short, or a name is no UTF-8\n", stderr);
    else if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 &&
             putchar('\n') != EOF)
        status = EXIT_DONE;
    json_decref(json);
    return status;
}
