/* The account blocks of ferryd.conf as accounts. */
#ifndef FERRY_FERRYD_ACCOUNTS_H
#define FERRY_FERRYD_ACCOUNTS_H

#include "account/account.h"
#include "base/compiler.h"
#include "conf/read.h"
#include "ferryd/shares.h"

/* Makes the account of a block, or what stands for a group or a template; what is wrong with it is
 * noted as mistakes of `conf`, and `*out` is then NULL. FERRY_E_MEMORY. */
NODISCARD enum ferry_error accounts_from_block(struct conf *conf, const struct conf_instance *block,
                                               struct account **out);

/* The account of a block with what it shares, if anybody can log in by it; what is missing is noted
 * as a mistake. `*out` is also NULL if a group or a template is not in the configuration and may be
 * elsewhere. FERRY_E_MEMORY. */
NODISCARD enum ferry_error accounts_merged(struct conf *conf, const struct conf_instance *block,
                                           const struct shares *shares, struct account **out);

/* Notes what is wrong with the account blocks, those of groups and templates and those of other
 * sources, as mistakes of `conf`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error accounts_check(struct conf *conf);

/* Notes what is wrong with the password hash of the operator's page. */
void accounts_check_web(struct conf *conf);

#endif
