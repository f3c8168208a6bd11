/* Where the IPv4 addresses of names come from: the system, or who stands in for it. */
#ifndef FERRY_NET_NAMES_H
#define FERRY_NET_NAMES_H

#include <netinet/in.h>
#include <stddef.h>

#include "base/compiler.h"
#include "ferry/error.h"

/* Of one name; what is beyond is left out. */
enum { NAMES_ADDRESSES_MAX = 16 };

/* The addresses of a name, for the time of the call; none: `error` says why. The look-up is over:
 * it is not to be cancelled any more. */
typedef void names_fn(void *ctx, const struct in_addr *list, size_t count, const char *error);

struct names_ops {
    /* Looks up `host`, borrowed for the call. `fn` is called once, later, unless `cancel` comes
     * first. FERRY_E_ARGUMENT: not a name at all; FERRY_E_LOST: who knows names is not there;
     * FERRY_E_MEMORY. */
    enum ferry_error (*begin)(void *source, const char *host, names_fn *fn, void *ctx, void **out);
    void (*cancel)(void *lookup);
};

struct names {
    const struct names_ops *ops;
    void *source;
};

/* The system, on the pool of a loop: the source is a struct loop. */
extern const struct names_ops names_system;

#endif
