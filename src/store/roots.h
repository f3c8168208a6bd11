/* Further directories that an account sees beneath its root, as text. */
#ifndef FERRY_STORE_ROOTS_H
#define FERRY_STORE_ROOTS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"

enum { ROOTS_MAX = 16, ROOTS_TEXT_BYTES = 8192 };

struct roots_line {
    struct bytes at;        /* the virtual path: absolute, normalised, not "/" */
    struct bytes directory; /* of the host: absolute */
};

/* Cuts the next of the lines "/shared = /srv/shared" off `*text`; `*got` false: there is none any
 * more. FERRY_E_ARGUMENT: it is not like that. */
NODISCARD enum ferry_error roots_next(struct bytes *text, struct roots_line *out, bool *got,
                                      struct fault *fault);

/* FERRY_E_ARGUMENT: one of the lines is none; FERRY_E_LIMIT: they are more than ROOTS_MAX, or
 * longer than ROOTS_TEXT_BYTES together. */
NODISCARD enum ferry_error roots_check(struct bytes text, struct fault *fault);

#endif
