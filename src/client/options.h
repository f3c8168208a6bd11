/* The settings of a client session, each with its default, checked when it is set. */
#ifndef FERRY_CLIENT_OPTIONS_H
#define FERRY_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/secret.h"
#include "ferry/ferry.h"
#include "ftp/security.h"
#include "tls/context.h"
#include "tls/policy.h"
#include "tls/verify.h"

enum {
    CLIENT_PEM_MAX_BYTES = 4 * 1024 * 1024
}; /* of one file: the bundle of a system is 220 KiB */

struct client_options {
    enum ferry_security security;
    enum ferry_auth auth;
    char *user;              /* NULL: anonymous */
    struct secret *password; /* NULL: none */
    struct secret *account;  /* NULL: none */

    struct buf ca_pem, certificate_pem, key_pem; /* empty: none */
    struct secret *key_passphrase;               /* NULL: none */
    struct tls_pin pins[TLS_PINS_MAX];
    size_t pin_count;
    enum tls_version tls_min, tls_max;
    bool legacy;

    enum ferry_data_mode data_mode;
    enum protection files, listings;
    uint64_t connect_ns, reply_ns, stall_ns;

    ferry_trace_fn *trace; /* or NULL */
    void *trace_ctx;
    ferry_progress_fn *progress; /* or NULL */
    void *progress_ctx;
};

void client_options_init(struct client_options *options);

/* Frees and wipes what they hold. */
void client_options_fini(struct client_options *options);

/* The setters copy. FERRY_E_ARGUMENT: the value cannot be used, CR, LF or NUL in what is to be sent
 * first of all (SEC-17); FERRY_E_MEMORY; FERRY_E_LIMIT: too long or too many; of those that read a
 * file also its errors. On failure the old value stays. */
NODISCARD enum ferry_error client_options_login(struct client_options *options, const char *user,
                                                const char *password, struct fault *fault);
NODISCARD enum ferry_error client_options_account(struct client_options *options,
                                                  const char *account, struct fault *fault);
NODISCARD enum ferry_error client_options_ca_file(struct client_options *options, const char *path,
                                                  struct fault *fault);
NODISCARD enum ferry_error client_options_pin(struct client_options *options, const char *pin,
                                              struct fault *fault);
NODISCARD enum ferry_error client_options_certificate(struct client_options *options,
                                                      const char *certificate_path,
                                                      const char *key_path, const char *passphrase,
                                                      struct fault *fault);
NODISCARD enum ferry_error client_options_tls_versions(struct client_options *options,
                                                       enum ferry_tls_version min,
                                                       enum ferry_tls_version max,
                                                       struct fault *fault);
NODISCARD enum ferry_error client_options_protection(struct client_options *options, char files,
                                                     char listings, struct fault *fault);

/* A TLS context made of the settings. `*out` is to be given back with tls_context_unref. */
NODISCARD enum ferry_error client_options_tls_context(const struct client_options *options,
                                                      struct tls_context **out,
                                                      struct fault *fault);

#endif
