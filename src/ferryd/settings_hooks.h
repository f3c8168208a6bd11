/* hook and check blocks of ferryd.conf: whom the server tells of what happens, and whom it asks
 * before an upload takes its name. */
#ifndef FERRY_FERRYD_SETTINGS_HOOKS_H
#define FERRY_FERRYD_SETTINGS_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "conf/read.h"

#define SETTINGS_HOOK "hook"
#define SETTINGS_CHECK "check"

/* What a hook may be told of. */
enum hook_kind {
    HOOK_LOGIN,
    HOOK_LOGOUT,
    HOOK_UPLOAD,
    HOOK_DOWNLOAD,
    HOOK_DELETE,
    HOOK_RENAME,
    HOOK_MKDIR,
    HOOK_RMDIR,
    HOOK_CHANGE,
    HOOK_KINDS,
};

/* What uploads meet when too many events wait, or on_failure says of a check that cannot be made.
 */
enum hook_lenience { HOOK_REFUSE, HOOK_GO_ON };

/* Where something is told or asked: either `exec` or `url` is set. */
struct settings_target {
    struct conf_texts accounts; /* patterns; none: all */
    struct conf_texts exec;     /* an absolute path, and arguments */
    char *url;
    struct conf_texts headers; /* of HTTP, "Name: value" */
    char *secret;              /* of the signature; NULL: none */
    char *ca;                  /* path of PEM; NULL: the system's */
    uint64_t jobs;             /* at once */
};

/* hook "NAME" { } */
struct settings_hook {
    char *name;
    uint32_t events; /* 1 << enum hook_kind */
    struct settings_target to;
    uint64_t timeout_ns, retry_first_ns, retry_most_ns, give_up_ns;
};

/* check "NAME" { } */
struct settings_check {
    char *name;
    struct settings_target to;
    uint64_t max_wait_ns;
    enum hook_lenience on_failure;
};

/* Outside of blocks. */
struct settings_hooks {
    char *state;        /* path of the folder that the server keeps its own files in */
    uint64_t queue_max; /* events */
    uint64_t wait_ns;   /* of an upload for its event */
    enum hook_lenience full;
    struct conf_texts reads, writes; /* paths */
};

/* Rows for the table of blocks. */
enum { SETTINGS_HOOK_ROWS = 12, SETTINGS_CHECK_ROWS = 9 };
extern const struct conf_directive settings_hook_rows[SETTINGS_HOOK_ROWS];
extern const struct conf_directive settings_check_rows[SETTINGS_CHECK_ROWS];

extern const struct conf_word settings_words_lenience[];
extern const struct conf_word settings_words_hook_events[];

/* "upload"; static. */
const char *settings_hook_kind_name(enum hook_kind kind);

/* Whether the accounts of the target are these. */
bool settings_target_matches(const struct settings_target *target, struct bytes account);

/* Whether there is any hook or check: else nothing of all this runs. */
bool settings_has_hooks(const struct conf *conf);

/* Notes what of the blocks is wrong beyond their values: programs that are not there or that
 * anybody could change, what is no URL. For where files can be looked at. */
void settings_hooks_check(struct conf *conf);

#endif
