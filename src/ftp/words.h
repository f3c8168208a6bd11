/* An argument of several path names, with a blank between them: COMB, SITE SYMLINK. A name with
 * blanks in it stands in quotes, those inside it doubled. */
#ifndef FERRY_FTP_WORDS_H
#define FERRY_FTP_WORDS_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

/* Takes the next name off `*rest` and puts it in `out`, in place of what is there. `*rest` is what
 * is behind the blank. FERRY_E_ARGUMENT: there is none, it is empty, a quote is not closed or
 * something else than a blank follows it; else as buf_append. */
NODISCARD enum ferry_error words_next(struct bytes *rest, struct buf *out);

#endif
