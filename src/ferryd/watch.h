/* Notices when files change, however they are replaced: by inotify on their folders. */
#ifndef FERRY_FERRYD_WATCH_H
#define FERRY_FERRYD_WATCH_H

#include "base/compiler.h"
#include "ferry/error.h"
#include "net/loop.h"

struct watch;

/* Called from the loop when a file is another than it was, and its folder then quiet for a moment.
 * May free the watch. */
typedef void watch_fn(void *ctx);

/* NULL: no memory, or no inotify to be had. */
struct watch *watch_new(struct loop *loop, watch_fn *fn, void *ctx);

/* Watches one more file, and where it leads to if it is a symbolic link. What the system does not
 * let watch is passed by. FERRY_E_MEMORY. */
NODISCARD enum ferry_error watch_file(struct watch *watch, const char *path);

/* NULL is fine. */
void watch_free(struct watch *watch);

#endif
