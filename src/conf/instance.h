/* Blocks as they are read: made, filled, freed. Private to the room. */
#ifndef FERRY_CONF_INSTANCE_H
#define FERRY_CONF_INSTANCE_H

#include "conf/read.h"

/* Adds a block that begins there, with its defaults; a label that is none, and one that is there
 * already, are mistakes. FERRY_E_LIMIT; FERRY_E_MEMORY; FERRY_E_ARGUMENT: the table's own default
 * is wrong, `fault` tells. */
NODISCARD enum ferry_error instance_add(struct conf *conf, const struct conf_block *block,
                                        const char *label, const char *file, unsigned line,
                                        struct conf_instance **out, struct fault *fault);

/* Sets a directive or, unless `first`, adds to its list. What is wrong is a mistake, not an error.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error instance_set(struct conf *conf, struct conf_instance *instance,
                                        const struct conf_directive *directive, const char *file,
                                        unsigned line, const char *text, bool first);

void instance_free(struct conf_instance *instance);

#endif
