/* The account blocks of ferryd.conf as accounts. */
#ifndef FERRY_FERRYD_ACCOUNTS_H
#define FERRY_FERRYD_ACCOUNTS_H

#include "account/account.h"
#include "base/compiler.h"
#include "conf/read.h"

/* Makes the account of a block; what is wrong with it is noted as mistakes of `conf`, and `*out` is
 * then NULL. FERRY_E_MEMORY. */
NODISCARD enum ferry_error accounts_from_block(struct conf *conf, const struct conf_instance *block,
                                               struct account **out);

/* Notes what is wrong with the account blocks, and those of other sources, as mistakes of `conf`.
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error accounts_check(struct conf *conf);

/* Notes what is wrong with the password hash of the operator's page. */
void accounts_check_web(struct conf *conf);

#endif
