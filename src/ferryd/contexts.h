/* The TLS of a listener: its certificates and those of the hosts behind it, from their files. */
#ifndef FERRY_FERRYD_CONTEXTS_H
#define FERRY_FERRYD_CONTEXTS_H

#include "ferryd/settings.h"
#include "tls/peers.h"

/* The files that a listen block or a host block names. */
enum context_file {
    CONTEXT_CERTIFICATE,
    CONTEXT_KEY,
    CONTEXT_CLIENT_CA,
    CONTEXT_CLIENT_CRL,
    CONTEXT_OCSP_RESPONSE,
    CONTEXT_FILES
};

/* The path of one; NULL: it is not named. */
const char *contexts_file_path(const struct settings_host *host, enum context_file file);

struct contexts {
    struct tls_context *tls; /* of those who name no host */
    struct tls_hosts *hosts; /* NULL: none has a name */
    /* Where `fxp` is on: we as client of other servers, with the same certificate, and they. */
    struct tls_context *fxp;
    struct tls_peers *peers;
};

/* Makes those of a listen block, which has a certificate, with its own files and those of all host
 * blocks as `load` reads them. What is wrong is a mistake in the `check` of `conf`, and the error
 * is not FERRY_OK then. FERRY_E_MEMORY. Free with contexts_fini, on failure too. */
NODISCARD enum ferry_error contexts_make(struct conf *conf, const struct conf_instance *listen,
                                         conf_load_fn *load, void *ctx, struct contexts *out);

void contexts_fini(struct contexts *contexts);

#endif
