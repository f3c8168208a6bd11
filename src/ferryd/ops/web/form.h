/* The fields of a posted form: application/x-www-form-urlencoded, as browsers send it. */
#ifndef FERRY_FERRYD_OPS_WEB_FORM_H
#define FERRY_FERRYD_OPS_WEB_FORM_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

/* Of a whole form: a name, a password of some length, each of its bytes as %XX. */
enum { FORM_MAX_BYTES = 16 * 1024 };

/* Appends the value of the field `name` in `form`. FERRY_E_NOT_FOUND: there is no such field.
 * FERRY_E_ARGUMENT: there are two, since who reads the first and who reads the last would not mean
 * the same; a NUL in it, or a % that begins no byte. FERRY_E_LIMIT: the form is too long, or those
 * of buf_append. On failure a part may have been appended. */
NODISCARD enum ferry_error form_field(struct bytes form, const char *name, struct buf *out);

#endif
