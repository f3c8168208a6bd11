/* Accounts in a file of SQLite: what `ferryctl account` changes and ferryd-auth reads. Changes are
 * transactions: after a crash at any moment the file holds what was before or what came after. */
#ifndef FERRY_ROSTER_ROSTER_H
#define FERRY_ROSTER_ROSTER_H

#include <stdbool.h>

#include "account/account.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

#define ROSTER_DEFAULT "/var/lib/ferry/accounts.db"

struct roster;

/* Opens the file, which is made if there is none, and brings its tables up to date. One connection;
 * every call below may come from any thread, they wait for each other.
 * FERRY_E_UNSUPPORTED: it is of a newer version, or of another program; FERRY_E_FILE: SQLite's
 * words are in `fault`; FERRY_E_MEMORY. */
NODISCARD enum ferry_error roster_open(const char *path, struct roster **out, struct fault *fault);

/* What a roster is of. Groups and templates are accounts that nobody logs in by. */
enum roster_table { ROSTER_ACCOUNTS, ROSTER_GROUPS, ROSTER_TEMPLATES };

/* "account", "group", "template". */
const char *roster_word(enum roster_table table);

/* As roster_open, for others than accounts, too. */
NODISCARD enum ferry_error roster_open_table(const char *path, enum roster_table table,
                                             struct roster **out, struct fault *fault);
void roster_close(struct roster *roster);

/* For CLEANUP. */
void roster_drop(struct roster **roster);

/* From now on nothing can be changed through this connection. */
NODISCARD enum ferry_error roster_only_read(struct roster *roster, struct fault *fault);

/* The account of that name, the caller's; NULL: there is none. FERRY_E_FILE: it cannot be read, or
 * holds a value that is none; FERRY_E_MEMORY. */
NODISCARD enum ferry_error roster_find(struct roster *roster, struct bytes name,
                                       struct account **out, struct fault *fault);

/* FERRY_E_EXISTS: there is one by that name. */
NODISCARD enum ferry_error roster_add(struct roster *roster, const struct account *account,
                                      struct fault *fault);

/* Changes `account`; anything but FERRY_OK leaves the file as it was. */
typedef enum ferry_error roster_change_fn(void *ctx, struct account *account, struct fault *fault);

/* Reads the account, has it changed and writes it, as one transaction. FERRY_E_NOT_FOUND: there is
 * none. */
NODISCARD enum ferry_error roster_change(struct roster *roster, struct bytes name,
                                         roster_change_fn *change, void *ctx, struct fault *fault);

/* FERRY_E_NOT_FOUND: there is none. */
NODISCARD enum ferry_error roster_remove(struct roster *roster, struct bytes name,
                                         struct fault *fault);

/* Is given one account after the other, by name; anything but FERRY_OK ends it. May not call the
 * roster. */
typedef enum ferry_error roster_each_fn(void *ctx, const struct account *account,
                                        struct fault *fault);

NODISCARD enum ferry_error roster_each(struct roster *roster, roster_each_fn *fn, void *ctx,
                                       struct fault *fault);

#endif
