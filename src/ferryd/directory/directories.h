/* The blocks of directories and databases: what is wrong with them, as far as it can be seen
 * without asking anybody. */
#ifndef FERRY_FERRYD_DIRECTORY_DIRECTORIES_H
#define FERRY_FERRYD_DIRECTORY_DIRECTORIES_H

#include "base/compiler.h"
#include "conf/read.h"

/* Notes mistakes in `conf`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error directories_check(struct conf *conf);

#endif
