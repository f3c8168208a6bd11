/* The text of one file, made fit for the parser. Private to the room. */
#ifndef FERRY_CONF_SOURCE_H
#define FERRY_CONF_SOURCE_H

#include "conf/read.h"

enum { SOURCE_CAP_BYTES = CONF_FILE_MAX_BYTES + 64 };

/* Appends the text of `path` to `out`, and `end` behind it. Bytes that no text has are told of in
 * `check` and replaced, so that the rest can be read. Errors with the words in `fault`. */
NODISCARD enum ferry_error source_read(const char *path, conf_load_fn *load, void *ctx,
                                       struct bytes end, struct check *check, struct buf *out,
                                       struct fault *fault);

/* The folder that `path` stands in, without a slash behind it unless it is the root; empty: the
 * working directory. */
struct bytes source_folder(const char *path);

#endif
