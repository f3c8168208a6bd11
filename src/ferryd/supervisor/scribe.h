/* Who writes the log: the supervisor alone opens what it goes to. The other processes send it their
 * events (ferryd/logwire.h), so that a file that is rotated has no other writers, and one
 * destination that is full or slow holds up nobody. */
#ifndef FERRY_FERRYD_SUPERVISOR_SCRIBE_H
#define FERRY_FERRYD_SUPERVISOR_SCRIBE_H

#include "base/compiler.h"
#include "base/fault.h"
#include "base/log.h"
#include "conf/read.h"
#include "net/loop.h"

struct scribe;

/* Writes to standard error as text, until something else is committed. FERRY_E_LIMIT,
 * FERRY_E_MEMORY. */
NODISCARD enum ferry_error scribe_new(struct loop *loop, struct scribe **out, struct fault *fault);

/* Writes what has come until now. After the other processes have ended. NULL is fine. */
void scribe_free(struct scribe *scribe);

/* `tap` gets every event, too, from now on; it may not log. */
void scribe_set_tap(struct scribe *scribe, log_record_fn *tap, void *ctx);

/* The supervisor's own log. */
const struct log *scribe_log(const struct scribe *scribe);

/* What the other processes are given to send to; it stays the scribe's. */
int scribe_fd(const struct scribe *scribe);

/* Opens what the configuration wants and is not open yet. What cannot be is a mistake in its
 * `check`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error scribe_prepare(struct scribe *scribe, struct conf *conf);

/* From now on the log goes where scribe_prepare was asked for. Files are opened again. */
void scribe_commit(struct scribe *scribe, enum log_level level);

/* Forgets what was prepared and not committed. NULL is fine. */
void scribe_drop(struct scribe *scribe);

/* Opens the files again, after they were renamed. */
void scribe_reopen(struct scribe *scribe);

#endif
