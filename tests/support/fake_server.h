/* An FTP server that does what a test tells it: a script of plain, blocking calls, run in a thread
 * for one control connection on 127.0.0.1. What a script does not find as it expects ends it, and
 * fails the cmocka test when the server is stopped. */
#ifndef FERRY_TESTS_FAKE_SERVER_H
#define FERRY_TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tls/context.h"
#include "tls/engine.h"
#include "tls/mint.h"
#include "tls/resume.h"

enum { FAKE_FAILURE_BYTES = 512 };

/* A CA and the certificates that it signed. */
struct fake_certificates {
    struct tls_minted ca;
    struct tls_minted good;    /* for 127.0.0.1 */
    struct tls_minted other;   /* for 127.0.0.1, too, but another one */
    struct tls_minted renamed; /* for another host */
    struct tls_minted expired;
    struct tls_minted stranger; /* for 127.0.0.1, signed by nobody known */
};

/* Makes them once; asserts. */
void fake_certificates_make(struct fake_certificates *certificates);
void fake_certificates_fini(struct fake_certificates *certificates);

/* One connection, as the script has it. */
struct fake_wire {
    int fd; /* -1: none */
    struct tls_engine *engine;
    char received[16384]; /* what the engine borrows */
    char plain[16384];    /* opened and not yet taken */
    size_t plain_start, plain_end;
};

struct fake {
    /* For scripts. */
    const struct fake_certificates *certificates;
    struct fake_wire control;
    struct fake_wire data;
    const void *ctx; /* the test's own */

    /* To be looked at when the server is stopped. */
    char failure[FAKE_FAILURE_BYTES]; /* "": all went as the script says */
    struct buf in_clear;              /* all that came on the control connection before TLS */
    struct buf commands;              /* all lines that were heard, each with LF */
    unsigned data_connections;
    unsigned resumed; /* of those, how many resumed a TLS session */

    /* Private. */
    struct fake_server *server;
    int data_listener;
    struct tls_context *context;
    struct tls_context *data_context; /* another one, or NULL */
    struct tls_binding *binding;
    struct tls_binding *data_binding; /* another one, or NULL */
};

typedef void fake_script_fn(struct fake *fake);

struct fake_settings {
    const struct fake_certificates *certificates;
    const struct tls_minted *certificate;      /* NULL: certificates->good */
    const struct tls_minted *data_certificate; /* on data connections; NULL: the same */
    bool forgets_sessions;                     /* data connections never resume */
    enum tls_version max;
    fake_script_fn *script;
    const void *ctx;
};

/* Begins to listen and waits for a client. Asserts. */
struct fake_server *fake_server_start(const struct fake_settings *settings);
uint16_t fake_server_port(const struct fake_server *server);

/* Waits for the end of the script, and asserts that nothing failed. What it saw can be looked at
 * until fake_server_free. */
const struct fake *fake_server_stop(struct fake_server *server);
void fake_server_free(struct fake_server *server);

/* ---- for scripts; after a failure all of these do nothing ---- */

/* Says that the script has failed. */
void fake_fail(struct fake *fake, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends a line, with CRLF; or bytes as they are. */
void fake_say(struct fake *fake, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fake_send(struct fake *fake, struct bytes bytes);

/* Takes the next line, which must begin with `start`; returns what is behind that, valid until the
 * next line. "" at a failure. */
const char *fake_hear(struct fake *fake, const char *start);

/* fake_hear, then fake_say. */
void fake_answer(struct fake *fake, const char *start, const char *reply);

/* Closes the control connection with RST. */
void fake_reset(struct fake *fake);

/* Lets time pass. */
void fake_pause(unsigned ms);

/* The client closes the control connection, whatever it says before; QUIT is answered. */
void fake_hear_end(struct fake *fake);

/* The TLS handshake. The client may also refuse to finish it: false. */
bool fake_seal(struct fake *fake);

/* Greeting, AUTH TLS, handshake, USER, PASS, PBSZ, PROT P, FEAT with these `features` (lines
 * without their blank, separated by LF), and the greeting of a plain or of an implicit server. */
void fake_login(struct fake *fake, const char *features);

/* QUIT and its reply, and the end. */
void fake_quit(struct fake *fake);

/* EPSV: opens a listener and tells its port. */
void fake_listen(struct fake *fake);
uint16_t fake_data_port(const struct fake *fake);

/* Opens the listener without a word. */
void fake_listen_silently(struct fake *fake);

/* The data connection: accepted, sealed, written, read to its end. */
void fake_accept(struct fake *fake);
bool fake_seal_data(struct fake *fake);
void fake_write(struct fake *fake, struct bytes bytes);
void fake_read(struct fake *fake, struct buf *out);

/* How the data connection ends. */
enum fake_end {
    FAKE_CLOSED, /* close_notify, FIN */
    FAKE_FIN,    /* FIN alone */
    FAKE_RST,
};
void fake_end_data(struct fake *fake, enum fake_end how);

/* The whole of a download: EPSV, `command`, 150, the data under TLS, `how`, 226. */
void fake_download(struct fake *fake, const char *command, struct bytes bytes, enum fake_end how);

#endif
