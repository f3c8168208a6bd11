/* How much an account may store, shared by all its sessions (SEC-39). What is used is counted once,
 * from what is there, and from then on kept: whoever makes or removes something says so. On any
 * thread. */
#ifndef FERRY_STORE_QUOTA_H
#define FERRY_STORE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "store/root.h"

struct quota;

/* One holder. NULL: memory is short. */
struct quota *quota_new(void);
struct quota *quota_ref(struct quota *quota);
void quota_unref(struct quota *quota); /* NULL is fine */

/* What may be used, in all; 0: no limit. Files are all names: directories and links, too. */
void quota_set(struct quota *quota, uint64_t bytes_max, uint64_t files_max);

/* Counts what is beneath the roots, if that was not done before: after a crash this sets right what
 * was not told. FERRY_E_MEMORY; FERRY_E_FILE: the root cannot be read. */
NODISCARD enum ferry_error quota_count(struct quota *quota, const struct root *const *roots,
                                       size_t root_count, struct fault *fault);

/* The next quota_count counts again. */
void quota_forget(struct quota *quota);

/* Takes so much before it is used. false: there is not so much left, and nothing is taken. */
bool quota_take(struct quota *quota, uint64_t bytes, uint64_t files);

/* So much more, or less, is used than was told. */
void quota_adjust(struct quota *quota, int64_t bytes, int64_t files);

/* UINT64_MAX: there is no limit. */
uint64_t quota_bytes_left(const struct quota *quota);

/* For those who measure, change and measure again: one at a time. */
void quota_lock(struct quota *quota);
void quota_unlock(struct quota *quota);

#endif
