/* One call of a session on its files: from its message, by the work on the pool, to its answer. */
#ifndef FERRY_FERRYD_FILES_CALL_H
#define FERRY_FERRYD_FILES_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ferryd/store_wire.h"
#include "store/home.h"
#include "store/home_combine.h"
#include "store/subtree.h"

/* The files of a login, and of the listing that is open what was read and not sent yet. */
struct files_home {
    struct home home;
    struct fault none; /* why there is no home: the outcome of every call; or not set */
    const struct entry *left;
    size_t left_count;
    bool may_change;
};

struct files_call {
    struct store_call want; /* its views are into `text` */
    char *text;
    /* What came of it. */
    bool again; /* a piece is done, and there is more */
    struct fault fault;
    struct store_answer answer; /* its views are into what is below */
    int fd;                     /* that goes with the answer, or -1 */
    struct home_upload upload;
    char *entries;
    struct subtree *subtree;
    struct home_combine *combine;
};

/* Makes a call of a message that has passed the table, which is copied. FERRY_E_PROTOCOL: it has a
 * value that there is none of; FERRY_E_MEMORY. */
NODISCARD enum ferry_error files_call_new(struct bytes message, struct files_call **out,
                                          struct fault *fault);

/* Lets go of what is in it; may have to remove a large file. */
void files_call_free(struct files_call *call);

/* Does it, or a piece of it: on any thread, one at a time for a home. Then `fault` or `answer` is
 * set. */
void files_call_work(struct files_call *call, struct files_home *at);

/* It could not even be begun, or gone on with: sets `answer`. */
void files_call_no_memory(struct files_call *call);

/* Closes the listing, if one is open. */
void files_list_close(struct files_home *at);

#endif
