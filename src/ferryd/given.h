/* What the supervisor gives a role before it starts: the configuration, as far as it is the role's
 * business, and the files that it names. */
#ifndef FERRY_FERRYD_GIVEN_H
#define FERRY_FERRYD_GIVEN_H

#include <sys/queue.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/read.h"

struct given_file;

struct given {
    struct conf *conf; /* NULL: not yet given */
    STAILQ_HEAD(, given_file) files;
};

void given_init(struct given *given);
void given_fini(struct given *given);

/* Both take `fd`, on failure too. Blocks and directives are then where the operator's files have
 * them, as far as the settings tell (conf/print.h). FERRY_E_ARGUMENT: the settings have mistakes,
 * or were given before; FERRY_E_MEMORY. */
NODISCARD enum ferry_error given_settings(struct given *given, int fd, struct fault *fault);
NODISCARD enum ferry_error given_file(struct given *given, struct bytes name, int fd,
                                      struct fault *fault);

/* The descriptor of a file that was given, which stays `given`'s; -1: it was not. */
int given_fd(const struct given *given, const char *path);

/* Reads a file that was given, by the path that the settings have; `ctx` is a struct given.
 * FERRY_E_NOT_FOUND: it was not given. */
conf_load_fn given_load;

#endif
