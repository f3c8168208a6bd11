/* The calls of a session on its files as messages (SEC-63), and their answers: what a worker and a
 * files process say to each other over the channel of one login. Each form is described once, for
 * writing and reading alike.
 *
 * Every call has a number, one more than the one before. It is answered once, by its number, unless
 * it was cancelled: then there may be an answer that was under way already, which the worker passes
 * by. One call is outstanding at a time. */
#ifndef FERRY_FERRYD_STORE_WIRE_H
#define FERRY_FERRYD_STORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "proc/wire.h"
#include "store/entry.h"
#include "store/home.h"

/* The types of messages, a numbering of their own. */
enum store_message {
    STORE_NONE,

    /* worker -> files */
    STORE_OPEN_READ,
    STORE_STAT,
    STORE_SIZE,
    STORE_ENTER,
    STORE_MAKE_DIRECTORY,
    STORE_REMOVE_DIRECTORY,
    STORE_REMOVE_FILE,
    STORE_TREE_SIZE,
    STORE_REMOVE_TREE,
    STORE_FREE_BYTES,
    STORE_RENAME,
    STORE_MAKE_LINK,
    STORE_SET_FACTS,
    STORE_COMBINE,
    STORE_OPEN_PART,
    STORE_COMMIT,
    STORE_READ_PART,
    STORE_ABANDON,
    STORE_LIST_OPEN,
    STORE_LIST_NEXT,
    STORE_LIST_CLOSE, /* is no call: has no number, and no answer */
    STORE_CANCEL,     /* the call of this number, if it is the last one */

    /* files -> worker */
    STORE_FAILED,
    STORE_DONE,    /* there is nothing to tell */
    STORE_SIZED,   /* as it says */
    STORE_READING, /* + the file */
    STORE_WRITING, /* + the part */
    STORE_CHANGED,
    STORE_ENTRIES,
};

enum store_wire_limits {
    STORE_PATH_BYTES = 4096,
    STORE_SOURCES_BYTES = 24 * 1024, /* of a combine, together */
    STORE_ENTRIES_BYTES = 28 * 1024, /* of a batch; any single entry fits */
};

/* The states of the end that receives calls. */
enum store_state {
    STORE_IDLE, /* any call may come */
    STORE_BUSY, /* only its end */
};

extern const struct wire_table store_calls;   /* what a files process receives */
extern const struct wire_table store_answers; /* what a worker receives; one state, 0 */

/* A call; the views are the caller's, or into the message. Which fields count is the matter of
 * `message`. */
struct store_call {
    enum store_message message;
    uint64_t number;
    struct bytes path;     /* of a combine, its target; of a link, itself */
    struct bytes other;    /* a new name; what a link leads to; a combine's sources, each with a NUL
                              behind it; a listing's pattern */
    enum home_start start; /* of a part */
    uint64_t offset_bytes;
    uint32_t part;
    bool keep;                       /* an abandoned part */
    bool all, matching;              /* a listing: dotfiles, too; there is a pattern */
    bool remove_sources, no_replace; /* a combine */
    struct home_facts facts;
};

/* An answer; the views are the caller's, or into the message. */
struct store_answer {
    enum store_message message;
    uint64_t number;   /* of the call */
    struct bytes what; /* STORE_FAILED: see struct fault */
    enum ferry_error kind;
    int os_error;
    uint64_t size_bytes; /* STORE_SIZED, STORE_READING */
    uint32_t part;       /* STORE_WRITING, as struct home_upload */
    uint64_t offset_bytes;
    bool in_place;
    uint64_t end_bytes; /* of the file, that may be written; UINT64_MAX: no limit */
    struct bytes path;
    struct home_facts facts; /* STORE_CHANGED */
    bool may_change;         /* STORE_ENTRIES: the system lets names be removed and renamed */
    uint32_t count;
    struct bytes entries; /* by store_wire_put_entries */
};

/* Puts the fields of a message that was begun with its type. FERRY_E_LIMIT: a text is longer than
 * the table allows; the message must not be sent. */
NODISCARD enum ferry_error store_wire_put_call(struct wire_writer *writer,
                                               const struct store_call *call);
NODISCARD enum ferry_error store_wire_put_answer(struct wire_writer *writer,
                                                 const struct store_answer *answer);

/* Reads a message that wire_check has let pass. FERRY_E_PROTOCOL: a field has a value that there is
 * none of. */
NODISCARD enum ferry_error store_wire_get_call(struct wire_reader *reader, struct store_call *out,
                                               struct fault *fault);
NODISCARD enum ferry_error store_wire_get_answer(struct wire_reader *reader,
                                                 struct store_answer *out, struct fault *fault);

/* Writes as many of `entries` as fit into `space`, of STORE_ENTRIES_BYTES, and says how many. What
 * `self` holds is not written. */
struct bytes store_wire_put_entries(char space[static STORE_ENTRIES_BYTES],
                                    const struct entry *entries, size_t count, uint32_t *put);

/* Reads exactly `count` entries, HOME_BATCH at most, to `out`; free each with entry_fini. `self` is
 * as `what`. FERRY_E_PROTOCOL: they are not there, or a name is none; FERRY_E_MEMORY. On failure
 * there is nothing to be freed. */
NODISCARD enum ferry_error store_wire_get_entries(struct bytes in, uint32_t count,
                                                  struct entry *out, struct fault *fault);

#endif
