/* ftp:// and ftps:// URLs (RFC 1738 sections 3.1 and 3.2, RFC 3986), read as curl reads them. */
#ifndef FERRY_FTP_URL_H
#define FERRY_FTP_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "base/secret.h"
#include "ferry/error.h"

enum {
    URL_MAX_BYTES = 16384, /* a whole URL */
    URL_HOST_MAX_BYTES = 255,
    URL_USER_MAX_BYTES = 1024,
    URL_PORT_EXPLICIT = 21,
    URL_PORT_IMPLICIT = 990,
};

/* The `;type=` of RFC 1738 section 3.2.2. */
enum url_type {
    URL_TYPE_NONE,
    URL_TYPE_ASCII,
    URL_TYPE_IMAGE,
    URL_TYPE_DIRECTORY,
};

/* A URL taken apart. The strings are owned, decoded, and hold no CR, LF or NUL (SEC-17). */
struct url {
    bool implicit;           /* ftps: TLS from the first byte */
    char *user;              /* NULL: none given */
    struct secret *password; /* NULL: none given */
    char *host;              /* a name, or an address without its brackets */
    uint16_t port;           /* the scheme's own if none was given */
    char *path; /* begins with '/', or is relative to the login directory; "" is that */
    enum url_type type;
};

/* Takes `text` apart into `*out`, which url_fini then frees.
 *   ftp://host/a/b      the path a/b below the login directory
 *   ftp://host//a/b     the path /a/b; so is ftp://host/%2Fa/b
 *   ftp://[::1%25eth0]  an IPv6 address with its zone
 * The userinfo ends at the last '@' before the path, so that a user name may hold one. '?' and '#'
 * are ordinary bytes of a path, as FTP has neither query nor fragment.
 * FERRY_E_ARGUMENT, FERRY_E_LIMIT, FERRY_E_MEMORY: `*out` is then empty, and `fault` says what is
 * wrong without telling the password. */
NODISCARD enum ferry_error url_parse(struct bytes text, struct url *out, struct fault *fault);

/* Frees what `*url` owns and leaves it empty. A zeroed struct is fine. */
void url_fini(struct url *url);

/* Appends `url` as text without its password: for messages, and url_parse reads the same URL out of
 * it. Errors as buf_append. */
NODISCARD enum ferry_error url_format(struct buf *out, const struct url *url);

#endif
