/* Why something failed: the kind, what was tried, what the other side said, what to do. Set once,
 * where it is known. */
#ifndef FERRY_BASE_FAULT_H
#define FERRY_BASE_FAULT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum { FAULT_TEXT_BYTES = 512 };

/* Texts are NUL-terminated, cut to fit, and made of visible characters (text_visible), whatever the
 * peer sent. */
struct fault {
    enum ferry_error kind;            /* FERRY_OK: nothing failed */
    int reply;                        /* FTP reply code behind it, or 0 */
    int os_error;                     /* errno behind it, or 0 */
    char what[FAULT_TEXT_BYTES];      /* what was tried and went wrong: a sentence, no full stop */
    char peer_said[FAULT_TEXT_BYTES]; /* the peer's own words (reply text, TLS alert), or "" */
    char advice[FAULT_TEXT_BYTES];    /* what the user can do, or "" */
};

/* Makes `fault` say that nothing failed. */
void fault_clear(struct fault *fault);

static inline bool fault_is_set(const struct fault *fault)
{
    return fault->kind != FERRY_OK;
}

/* Records a failure and returns `kind`, so that a caller can `return fault_set(…)`. The first cause
 * wins: a fault that is already set is left as it is, and `kind` is returned all the same. `fault`
 * may be NULL. */
enum ferry_error fault_set(struct fault *fault, enum ferry_error kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As fault_set, with ": " and the text of errno behind it, which is never cut off; `kind`
 * FERRY_E_FILE is narrowed by fault_kind_of_errno. Returns the kind that results. */
enum ferry_error fault_errno(struct fault *fault, enum ferry_error kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Adds the peer's words or an advice to a fault that was just set; the first one wins. */
void fault_peer(struct fault *fault, int reply, struct bytes said);
void fault_advise(struct fault *fault, const char *format, ...) PRINTF_LIKE(2, 3);

/* The kind's name, "not-found" for FERRY_E_NOT_FOUND; a static string. */
const char *fault_kind_name(enum ferry_error kind);

/* The kind that an errno of a file operation stands for. */
enum ferry_error fault_kind_of_errno(int os_error);

#endif
