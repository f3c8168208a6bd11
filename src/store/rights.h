/* What an account may do, folder by folder. */
#ifndef FERRY_STORE_RIGHTS_H
#define FERRY_STORE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

/* Whether a right is asked for at the thing itself, or also in the folder that its name is in, is
 * said by store/home_place.h. */
enum right {
    RIGHT_READ = 1 << 0, /* contents of files: RETR, hashes, as a source of copies */
    RIGHT_LIST = 1 << 1, /* names and facts */
    RIGHT_CREATE = 1 << 2,
    RIGHT_OVERWRITE = 1 << 3,
    RIGHT_APPEND = 1 << 4, /* APPE, and REST with STOR */
    RIGHT_DELETE = 1 << 5, /* files and links */
    RIGHT_RENAME = 1 << 6,
    RIGHT_MAKE_DIRECTORY = 1 << 7,
    RIGHT_REMOVE_DIRECTORY = 1 << 8,
    RIGHT_TIMES = 1 << 9,
    RIGHT_MODE = 1 << 10, /* and the group */

    RIGHTS_NONE = 0,
    RIGHTS_WRITE = RIGHT_CREATE | RIGHT_OVERWRITE | RIGHT_APPEND,
    RIGHTS_READ_ONLY = RIGHT_READ | RIGHT_LIST,
    RIGHTS_ALL = (1 << 11) - 1,
    RIGHTS_DROP = RIGHT_CREATE, /* what is brought can neither be seen nor fetched nor replaced */
};

enum { RIGHTS_RULES_MAX = 256, RIGHTS_TEXT_BYTES = 8192 };

/* The rights of one account. */
struct rights {
    struct rights_rule *rules;
    size_t count;
};

/* "read list mkdir": any of read, list, write, create, overwrite, append, delete, rename, mkdir,
 * rmdir, times, chmod, all, read-only, drop, none, between blanks or commas. FERRY_E_ARGUMENT with
 * the word that is none of these in `fault`, and in its advice those there are. */
NODISCARD enum ferry_error rights_parse(struct bytes text, unsigned *out, struct fault *fault);

/* Without any rule: everything is allowed. */
void rights_init(struct rights *rights);
void rights_fini(struct rights *rights);

/* For `folder`, absolute and normalised ("/", "/in"), and all beneath it that no deeper rule is
 * for; "/in/" and "/in/" "**" say the same. FERRY_E_ARGUMENT: not such a path; FERRY_E_LIMIT: more
 * than RIGHTS_RULES_MAX; FERRY_E_MEMORY. */
NODISCARD enum ferry_error rights_add(struct rights *rights, struct bytes folder, unsigned allowed,
                                      struct fault *fault);

/* Adds the rules of `text`, one a line: "FOLDER = WORDS". What was added before a mistake stays.
 * Errors of rights_parse and rights_add. */
NODISCARD enum ferry_error rights_add_text(struct rights *rights, struct bytes text,
                                           struct fault *fault);

/* What is allowed at `path`, absolute and normalised: by the rule of the deepest folder that holds
 * it or is it; of several for one folder by the last. Where no rule fits, everything if there are
 * none at all, else nothing. */
unsigned rights_at(const struct rights *rights, const char *path);

/* Whether something that is allowed somewhere lies at `path` or beneath it, so that one may know
 * of it and go there: a rule that allows something is for it or for what is beneath. */
bool rights_lead_through(const struct rights *rights, const char *path);

/* Whether a rule is for `path` or for a folder beneath it: then it may be neither moved nor
 * removed, with which the rule would come to be for something else. */
bool rights_are_for(const struct rights *rights, const char *path);

/* Whether each rule is within `a` or within `b`. */
bool rights_all_within(const struct rights *rights, unsigned a, unsigned b);

/* What is allowed at `path` and in all that is beneath it. */
unsigned rights_throughout(const struct rights *rights, const char *path);

#endif
