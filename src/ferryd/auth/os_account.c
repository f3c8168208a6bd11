/* Users of the system as accounts. */
#include "ferryd/auth/os_account.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_BYTES = 16 * 1024, LINE_BYTES = 4096 };

static void file_close(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* getusershell(3) is for one thread. */
static bool is_listed(const char *shell)
{
    char line[LINE_BYTES];
    CLEANUP(file_close) FILE *file = fopen("/etc/shells", "re");
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "#\n")] = '\0';
        size_t len = strcspn(line, " \t");
        if (len > 0 && strlen(shell) == len && memcmp(line, shell, len) == 0)
            return true;
    }
    return false;
}

/* NULL: nothing. */
static const char *what_bars(const struct passwd *user, const struct os_account_rules *rules)
{
    if (user->pw_uid == 0)
        return "it is root, whose rights no account gets";
    if (user->pw_uid < rules->uid_min)
        return "its user id is below pam_uid_min: it is the system's";
    /* An empty field stands for the usual one. */
    const char *shell = user->pw_shell && user->pw_shell[0] ? user->pw_shell : "/bin/sh";
    return rules->listed_shell && !is_listed(shell) ? "its shell is not in /etc/shells" : NULL;
}

static enum ferry_error make(const struct passwd *user, struct account **out, struct fault *fault)
{
    CLEANUP(account_drop) struct account *account = NULL;
    enum ferry_error error = account_new(bytes_str(user->pw_name), &account, fault);
    if (error == FERRY_OK)
        error = account_set(account, ACCOUNT_HOME, bytes_str(user->pw_dir), fault);
    if (error == FERRY_OK)
        error = account_set(account, ACCOUNT_USER, bytes_str(user->pw_name), fault);
    if (error == FERRY_OK && !account_text(account, ACCOUNT_HOME)[0])
        error = fault_set(fault, FERRY_E_ARGUMENT, "the user %s has no home", user->pw_name);
    if (error == FERRY_OK) {
        *out = account;
        account = NULL;
    }
    return error;
}

enum ferry_error os_account_find(const char *name, const struct os_account_rules *rules,
                                 struct account **out, const char **why, struct fault *fault)
{
    char space[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    *out = NULL;
    *why = NULL;
    errno = getpwnam_r(name, &entry, space, sizeof(space), &found);
    if (errno != 0)
        return fault_errno(fault, FERRY_E_FILE, "the user %s cannot be looked up", name);
    if (!found)
        *why = "there is no such account, and no such user of the system";
    else if (strcmp(found->pw_name, name) != 0)
        *why = "the system has it under another name"; /* a directory that ignores case, say */
    else
        *why = what_bars(found, rules);
    return *why ? FERRY_OK : make(found, out, fault);
}
