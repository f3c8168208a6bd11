/* The one session of a command line. */
#include "ferry/link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ferry/password.h"
#include "ferry/say.h"

/* ---- Ctrl-C ---- */

/* All that the handler touches: what is set before it can run, and what it may set. */
static ferry_session *volatile interruptible;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
    if (interruptible)
        ferry_interrupt(interruptible);
}

/* The first signal stops in order; a second one ends the program at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool link_interrupted(void)
{
    return interrupted;
}

/* ---- failures ---- */

/* What the kind of a failure comes to. `remote`: a reply of the server is behind it. */
static enum exit_code exit_of_kind(enum ferry_error kind, bool remote, bool logged_in)
{
    switch (kind) {
    case FERRY_OK:
        return EXIT_DONE;
    case FERRY_E_ARGUMENT:
        return EXIT_USAGE;
    case FERRY_E_CONNECT:
    case FERRY_E_TIMEOUT:
        return EXIT_CONNECT;
    case FERRY_E_TLS:
    case FERRY_E_TRUST:
    case FERRY_E_INJECTION:
        return EXIT_TLS;
    case FERRY_E_AUTH:
        return logged_in ? EXIT_REFUSED : EXIT_LOGIN;
    case FERRY_E_PROTOCOL:
    case FERRY_E_REFUSED:
    case FERRY_E_TEMPORARY:
    case FERRY_E_UNSUPPORTED:
        return EXIT_REFUSED;
    case FERRY_E_LOST:
    case FERRY_E_CUT:
    case FERRY_E_DAMAGED:
        return EXIT_CUT;
    case FERRY_E_LIMIT:
    case FERRY_E_NOT_FOUND:
    case FERRY_E_EXISTS:
    case FERRY_E_DENIED:
    case FERRY_E_SPACE:
        return remote ? EXIT_REFUSED : EXIT_LOCAL;
    case FERRY_E_MEMORY:
    case FERRY_E_STATE:
    case FERRY_E_FILE:
        return EXIT_LOCAL;
    case FERRY_E_CANCELLED:
        return EXIT_INTERRUPTED;
    }
    return EXIT_LOCAL;
}

enum exit_code link_exit(const struct link *link, enum ferry_error error)
{
    bool remote = ferry_failure_of(link->session).reply != 0;
    return exit_of_kind(error, remote, link->peer != NULL);
}

enum exit_code link_failed(const struct link *link, enum ferry_error error)
{
    struct ferry_failure failure = ferry_failure_of(link->session);
    failure.kind = error;
    say_failure(&failure);
    return link_exit(link, error);
}

/* ---- the session ---- */

static void on_trace(void *ctx, char direction, const char *line)
{
    const struct settings *settings = ctx;
    if (direction == '#' && settings->verbose < 2)
        return;
    fprintf(stderr, "%c %s\n", direction, line);
}

static enum ferry_error apply_tls(ferry_session *session, const struct settings *settings)
{
    enum ferry_error error = ferry_set_auth(session, settings->auth);
    ferry_set_legacy(session, settings->legacy);
    if (error == FERRY_OK)
        error = ferry_set_tls_versions(session, settings->tls_min, settings->tls_max);
    if (error == FERRY_OK && settings->ca)
        error = ferry_set_ca_file(session, settings->ca);
    for (size_t i = 0; i < settings->pin_count && error == FERRY_OK; i++)
        error = ferry_add_pin(session, settings->pins[i]);
    if (error == FERRY_OK && settings->certificate)
        error = ferry_set_certificate(session, settings->certificate, settings->key, NULL);
    return error;
}

static enum ferry_error apply(ferry_session *session, const struct settings *settings)
{
    uint32_t timeout_ms = settings->timeout_s * 1000;
    ferry_set_timeout_ms(session, timeout_ms, timeout_ms, timeout_ms);
    ferry_set_data_mode(session, settings->active ? FERRY_ACTIVE : FERRY_PASSIVE);
    enum ferry_error error = apply_tls(session, settings);
    if (error == FERRY_OK)
        error = ferry_set_protection(session, settings->file_level, settings->listing_level);
    if (error == FERRY_OK)
        error = ferry_set_account(session, settings->account);
    return error;
}

enum exit_code link_init(struct link *link, const struct settings *settings)
{
    *link = (struct link){.settings = settings, .session = ferry_session_new()};
    if (!link->session) {
        say("out of memory");
        return EXIT_LOCAL;
    }
    if (settings->verbose > 0)
        ferry_set_trace(link->session, on_trace, (void *)(uintptr_t)settings);
    enum ferry_error error = apply(link->session, settings);
    if (error != FERRY_OK) {
        enum exit_code code = link_failed(link, error);
        return code == EXIT_LOCAL ? EXIT_LOCAL : EXIT_USAGE;
    }
    interruptible = link->session;
    catch_signals();
    return EXIT_DONE;
}

static void leave(struct link *link)
{
    if (ferry_is_connected(link->session))
        (void)ferry_quit(link->session); /* whatever comes of it, the work is done */
    alloc_free(link->peer);
    link->peer = NULL;
}

void link_fini(struct link *link)
{
    if (!link->session)
        return;
    leave(link);
    interruptible = NULL;
    ferry_session_free(link->session);
    link->session = NULL;
}

/* The URL without its path: equal for the same server and user. NULL: no memory. */
static char *peer_of(const struct url *url)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, URL_MAX_BYTES);
    struct url server = *url;
    server.path = (char[]){""};
    if (url_format(&text, &server) != FERRY_OK)
        return NULL;
    return alloc_bytes(buf_view(&text));
}

static enum exit_code connect_to(const struct link *link, const struct url *url)
{
    enum ferry_security security = url->implicit ? FERRY_IMPLICIT : FERRY_EXPLICIT;
    if (link->settings->plaintext)
        security = FERRY_PLAINTEXT;
    enum ferry_error error = ferry_set_security(link->session, security);
    if (error != FERRY_OK)
        return link_failed(link, error);
    enum exit_code code = password_set(link->session, link->settings, url);
    if (code != EXIT_DONE)
        return code;
    if (link_interrupted())
        return EXIT_INTERRUPTED;
    error = ferry_connect(link->session, url->host, url->port);
    return error == FERRY_OK ? EXIT_DONE : link_failed(link, error);
}

enum exit_code link_to(struct link *link, const struct url *url)
{
    if (link_interrupted())
        return EXIT_INTERRUPTED;
    if (link->settings->plaintext && url->implicit) {
        say("ftps:// means TLS from the first byte: --plaintext contradicts it");
        return EXIT_USAGE;
    }
    CLEANUP(alloc_free_str) char *peer = peer_of(url);
    if (!peer) {
        say("out of memory");
        return EXIT_LOCAL;
    }
    bool same = link->peer && strcmp(link->peer, peer) == 0;
    if (same && ferry_is_connected(link->session))
        return EXIT_DONE;
    leave(link);
    enum exit_code code = connect_to(link, url);
    if (code != EXIT_DONE)
        return code;
    link->peer = peer;
    peer = NULL;
    return EXIT_DONE;
}
