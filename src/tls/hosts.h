/* The hosts behind one listener: whose certificate is shown and whose rules for clients'
 * certificates count, by SNI or by HOST (TLS-123, TLS-140 to TLS-146). Made once, never changed. */
#ifndef FERRY_TLS_HOSTS_H
#define FERRY_TLS_HOSTS_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "tls/context.h"

struct tls_hosts;

enum { TLS_HOSTS_MAX = 1024 };

/* What becomes of a client whose SNI names no host of ours. */
enum tls_unknown_host {
    TLS_UNKNOWN_HOST_AUTO,    /* refused if there is more than one host, else served */
    TLS_UNKNOWN_HOST_DEFAULT, /* served by the default host */
    TLS_UNKNOWN_HOST_REJECT,  /* refused: alert unrecognized_name (112) */
};

/* A name and what answers to it; several names of one context are names of one host. */
struct tls_host {
    const char *name; /* ASCII, in any case: IDN as A-labels */
    struct tls_context *context;
};

struct tls_hosts_settings {
    struct tls_context *fallback; /* the default host: for those who name none. May be one of
                                     `hosts`, too */
    const struct tls_host *hosts; /* copied, the contexts referred to */
    size_t host_count;
    enum tls_unknown_host unknown;
};

/* FERRY_E_ARGUMENT with the words in `fault`: a name that is none or comes twice; contexts that
 * differ in policy or versions, which are a listener's and not a host's. FERRY_E_MEMORY. */
NODISCARD enum ferry_error tls_hosts_new(const struct tls_hosts_settings *settings,
                                         struct tls_hosts **out, struct fault *fault);

/* As tls_context_ref and _unref. */
struct tls_hosts *tls_hosts_ref(struct tls_hosts *hosts);
void tls_hosts_unref(struct tls_hosts *hosts);

/* The host of that name, for HOST: the first of its names, as facts.host has it; NULL: there is
 * none. Any case; one trailing dot is not looked at (TLS-146). */
const char *tls_hosts_find(const struct tls_hosts *hosts, struct bytes name);

/* The name of the default host, as facts.host has it: "" if it has none. */
const char *tls_hosts_default(const struct tls_hosts *hosts);

#endif
