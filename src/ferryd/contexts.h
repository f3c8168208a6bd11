/* The TLS of a listener: its certificates and those of the hosts behind it, from their files. */
#ifndef FERRY_FERRYD_CONTEXTS_H
#define FERRY_FERRYD_CONTEXTS_H

#include "ferryd/hosts.h"
#include "tls/peers.h"

/* Where the files come from, and who has their private keys. */
struct contexts_input {
    conf_load_fn *load;
    void *ctx;                 /* of `load` */
    struct tls_signer *signer; /* NULL: keys are read like the other files. Else they are not: it
                                  has them by hosts_key_number, and that the certificates' files
                                  hold none is demanded (SEC-64) */
};

struct contexts {
    struct tls_context *tls; /* of those who name no host */
    struct tls_hosts *hosts; /* NULL: none has a name */
    /* Where `fxp` is on: we as client of other servers, with the same certificate, and they. */
    struct tls_context *fxp;
    struct tls_peers *peers;
};

/* Makes those of a listen block, which has a certificate, with its own files and those of all host
 * blocks. What is wrong is a mistake in the `check` of `conf`, and the error
 * is not FERRY_OK then. FERRY_E_MEMORY. Free with contexts_fini, on failure too. */
NODISCARD enum ferry_error contexts_make(struct conf *conf, const struct conf_instance *listen,
                                         const struct contexts_input *input, struct contexts *out);

void contexts_fini(struct contexts *contexts);

#endif
