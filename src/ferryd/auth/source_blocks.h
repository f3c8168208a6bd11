/* The account blocks of ferryd.conf as a source. */
#ifndef FERRY_FERRYD_AUTH_SOURCE_BLOCKS_H
#define FERRY_FERRYD_AUTH_SOURCE_BLOCKS_H

#include "conf/read.h"
#include "ferryd/auth/source.h"

/* Mistakes in the blocks are noted in `conf`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error source_blocks_open(struct conf *conf, struct source **out,
                                              struct fault *fault);

#endif
