/* The private keys of the listeners, in another process: a struct tls_signer whose requests go
 * there as messages. Without that process handshakes fail, and go well again once there is a new
 * one (SEC-64). */
#ifndef FERRY_FERRYD_WORKER_REMOTE_SIGNER_H
#define FERRY_FERRYD_WORKER_REMOTE_SIGNER_H

#include "base/compiler.h"
#include "base/log.h"
#include "net/loop.h"
#include "tls/signer.h"

struct remote_signer;

/* `log` must outlive it. NULL: no memory. */
struct remote_signer *remote_signer_new(struct loop *loop, const struct log *log);

/* After all contexts and sessions. NULL is fine. */
void remote_signer_free(struct remote_signer *signer);

/* Takes `fd`, on failure too: requests go there from now on. What waits for an answer by the
 * channel before, if any, is refused. FERRY_E_MEMORY. */
NODISCARD enum ferry_error remote_signer_connect(struct remote_signer *signer, int fd);

/* For contexts; lives as long as the remote signer. */
struct tls_signer *remote_signer_tls(struct remote_signer *signer);

#endif
