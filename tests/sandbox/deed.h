/* The deeds of deeds.def. */
#ifndef FERRY_TESTS_SANDBOX_DEED_H
#define FERRY_TESTS_SANDBOX_DEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/loop.h"
#include "support/tls_kit.h"

/* What is ready before the sandbox closes. */
struct scene {
    int own_dir, other_dir; /* O_PATH */
    const char *own_file, *other_file;
    uint16_t known_port, unknown_port;
    pid_t parent;
    struct loop *loop;   /* its pool runs */
    struct tls_kit *tls; /* contexts */
};

/* true: it was done. false: errno says why not. */
typedef bool deed_fn(struct scene *scene);

/* NULL: there is none of that name. */
deed_fn *deed_find(const char *name);

#define DEED(name, roles, abi) deed_fn deed_##name;
#include "sandbox/deeds.def"
#undef DEED

#endif
