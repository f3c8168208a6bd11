/* What an account may do, folder by folder. */
#ifndef FERRY_ACCOUNT_RIGHTS_H
#define FERRY_ACCOUNT_RIGHTS_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum right {
    RIGHT_READ = 1 << 0, /* contents of files: RETR, hashes */
    RIGHT_LIST = 1 << 1, /* names and facts */
    RIGHT_CREATE = 1 << 2,
    RIGHT_OVERWRITE = 1 << 3,
    RIGHT_APPEND = 1 << 4, /* APPE, and REST with STOR */
    RIGHT_DELETE = 1 << 5,
    RIGHT_RENAME = 1 << 6,
    RIGHT_MAKE_DIRECTORY = 1 << 7,
    RIGHT_CHANGE = 1 << 8, /* times, modes, groups */

    RIGHTS_NONE = 0,
    RIGHTS_WRITE = RIGHT_CREATE | RIGHT_OVERWRITE | RIGHT_APPEND | RIGHT_CHANGE,
    RIGHTS_READ_ONLY = RIGHT_READ | RIGHT_LIST,
    RIGHTS_ALL =
        RIGHTS_READ_ONLY | RIGHTS_WRITE | RIGHT_DELETE | RIGHT_RENAME | RIGHT_MAKE_DIRECTORY,
    RIGHTS_DROP = RIGHT_CREATE, /* what is brought can neither be seen nor fetched nor replaced */
};

enum { RIGHTS_RULES_MAX = 256 };

/* The rights of one account. */
struct rights {
    struct rights_rule *rules;
    size_t count;
};

/* "read list mkdir": any of read, list, write, create, overwrite, append, delete, rename, mkdir,
 * change, all, read-only, only-drop, none, between blanks or commas. FERRY_E_ARGUMENT with the word
 * that is none of these in `fault`, and in its advice those there are. */
NODISCARD enum ferry_error rights_parse(struct bytes text, unsigned *out, struct fault *fault);

/* Without any rule: everything is allowed. */
void rights_init(struct rights *rights);
void rights_fini(struct rights *rights);

/* For `folder`, absolute and normalised, and all beneath it that no longer rule is for.
 * FERRY_E_ARGUMENT: not such a path; FERRY_E_LIMIT: more than RIGHTS_RULES_MAX; FERRY_E_MEMORY. */
NODISCARD enum ferry_error rights_add(struct rights *rights, const char *folder, unsigned allowed);

/* What is allowed at `path`, absolute and normalised: by the rule of the longest folder that holds
 * it or is it. Where no rule fits, everything if there are none at all, else nothing. */
unsigned rights_at(const struct rights *rights, const char *path);

#endif
