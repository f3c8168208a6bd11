/* `ferryd demo`: a server that needs no root, no configuration and no certificate. */
#include "ferryd/demo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"
#include "ferryd/command.h"

enum { DRAIN_MS = 5000 };
static const char user[] = "demo";

struct demo {
    struct demo_options options;
    struct demo_state state;
    ferry_server *server;
    uint16_t explicit_port, implicit_port;
};

/* ---- what to try ---- */

/* "127.0.0.1" or "[::1]" for a URL; the address that a client on this machine takes. */
static void host_text(const struct demo *demo, char *out, size_t size)
{
    const char *address = demo->options.address;
    if (bytes_equal(bytes_str(address), BYTES_LIT("::")) ||
        bytes_equal(bytes_str(address), BYTES_LIT("0.0.0.0")))
        address = "127.0.0.1";
    bool v6 = bytes_find(bytes_str(address), ':') < bytes_str(address).len;
    snprintf(out, size, v6 ? "[%s]" : "%s", address);
}

/* `text` as one word of a shell, in memory of malloc's. */
static char *shell_word(const char *text)
{
    struct buf quoted;
    buf_init(&quoted, 8 * PATH_MAX);
    char *word = NULL;
    if (text_shell_quote(&quoted, bytes_str(text)) == FERRY_OK)
        word = strndup(buf_view(&quoted).ptr, buf_len(&quoted));
    buf_fini(&quoted);
    return word;
}

static void print_commands(const struct demo *demo, const char *host, const char *ca)
{
    unsigned explicit_port = demo->explicit_port;
    unsigned implicit_port = demo->implicit_port;
    const char *password = demo->state.password;
    printf("Try, in another terminal:\n"
           "  export FERRY_PASSWORD=%s\n"
           "  ferry ls --ca %s ftp://%s@%s:%u/\n"
           "  ferry put --ca %s FILE ftp://%s@%s:%u/\n"
           "  ferry get --ca %s ftps://%s@%s:%u/FILE\n",
           password, ca, user, host, explicit_port, ca, user, host, explicit_port, ca, user, host,
           implicit_port);
    printf("  curl --cacert %s --ssl-reqd -u %s:%s ftp://%s:%u/\n"
           "  curl --cacert %s -u %s:%s -T FILE ftps://%s:%u/\n"
           "  lftp -e 'set ssl:ca-file %s; set ftp:ssl-force true' -u %s,%s ftp://%s:%u\n",
           ca, user, password, host, explicit_port, ca, user, password, host, implicit_port, ca,
           user, password, host, explicit_port);
}

static void print_text(const struct demo *demo)
{
    char host[80];
    host_text(demo, host, sizeof(host));
    char *ca = shell_word(demo->state.ca_file);
    printf("ferryd demo serves %s\n"
           "  explicit TLS  ftp://%s:%u/\n"
           "  implicit TLS  ftps://%s:%u/\n"
           "  account       %s%s\n"
           "  password      %s\n"
           "  CA file       %s\n\n",
           demo->state.root, host, (unsigned)demo->explicit_port, host,
           (unsigned)demo->implicit_port, user, demo->options.read_only ? " (may only read)" : "",
           demo->state.password, demo->state.ca_file);
    if (ca)
        print_commands(demo, host, ca);
    free(ca);
    puts("Ctrl-C ends it.");
    fflush(stdout);
}

static void print_json(const struct demo *demo)
{
    char host[80];
    host_text(demo, host, sizeof(host));
    json_t *facts = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:s}", "host", host, "explicit",
                              (int)demo->explicit_port, "implicit", (int)demo->implicit_port,
                              "user", user, "password", demo->state.password, "ca",
                              demo->state.ca_file, "root", demo->state.root);
    char *line = facts ? json_dumps(facts, JSON_COMPACT) : NULL;
    puts(line ? line : "{}");
    fflush(stdout);
    free(line);
    json_decref(facts);
}

/* ---- the server ---- */

static void log_to_stderr(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    fprintf(stderr, "%.*s\n", (int)len, line);
}

static enum ferry_error listen_on(struct demo *demo)
{
    const struct demo_options *options = &demo->options;
    enum ferry_error error =
        ferry_server_listen(demo->server, FERRY_LISTEN_EXPLICIT, options->address,
                            options->explicit_port, &demo->explicit_port);
    if (error == FERRY_OK)
        error = ferry_server_listen(demo->server, FERRY_LISTEN_IMPLICIT, options->address,
                                    options->implicit_port, &demo->implicit_port);
    return error;
}

static enum ferry_error set_up(struct demo *demo)
{
    const struct demo_options *options = &demo->options;
    const struct demo_state *state = &demo->state;
    ferry_server *server = demo->server;
    struct bytes certificate = buf_view(&state->leaf.certificate_pem);
    struct bytes key = buf_view(&state->leaf.key_pem);
    ferry_server_set_data_resume(server, options->data_resume, options->data_scope);
    ferry_server_set_plaintext(server, options->plaintext);
    ferry_server_set_passive_ports(server, options->passive_low, options->passive_high);
    ferry_server_set_mode_z(server, options->mode_z);
    ferry_server_set_mode_b(server, options->mode_b);
    ferry_server_set_keep_cut_uploads(server, !options->drop_cut_uploads);
    if (options->log != DEMO_LOG_OFF)
        ferry_server_set_log(server, log_to_stderr, NULL, options->log == DEMO_LOG_JSON);
    enum ferry_error error = ferry_server_set_tls_versions(server, NULL, options->tls_max);
    if (error == FERRY_OK)
        error = ferry_server_set_passive_address(server, options->passive_address);
    if (error == FERRY_OK && options->proxy)
        error = ferry_server_add_proxy(server, options->proxy);
    if (error == FERRY_OK)
        error = ferry_server_set_certificate(server, certificate.ptr, certificate.len, key.ptr,
                                             key.len);
    if (error == FERRY_OK)
        error = ferry_server_add_account(server, user, state->password, state->root,
                                         options->read_only);
    if (error == FERRY_OK && options->charset)
        error = ferry_server_set_account_charset(server, user, options->charset);
    if (error == FERRY_OK)
        error = listen_on(demo);
    return error == FERRY_OK ? ferry_server_start(server) : error;
}

/* ---- running ---- */

static ferry_server *volatile signalled;

static void on_signal(int number)
{
    (void)number;
    int before = errno;
    ferry_server_stop(signalled, DRAIN_MS);
    errno = before;
}

/* The first signal lets transfers finish; a second one of the kind kills as usual. */
static void catch_signals(ferry_server *server)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    signalled = server;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void ignore_signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
}

static int serve(struct demo *demo)
{
    demo->server = ferry_server_new();
    if (!demo->server) {
        fputs("ferryd demo: no memory\n", stderr);
        return EXIT_FAILED;
    }
    if (set_up(demo) != FERRY_OK) {
        fprintf(stderr, "ferryd demo: %s\n", ferry_server_error(demo->server));
        ferry_server_free(demo->server);
        return EXIT_FAILED;
    }
    catch_signals(demo->server);
    if (demo->options.json)
        print_json(demo);
    else
        print_text(demo);
    enum ferry_error error = ferry_server_run(demo->server);
    ignore_signals();
    ferry_server_free(demo->server);
    return error == FERRY_OK ? EXIT_DONE : EXIT_FAILED;
}

int demo_run(int argc, char **argv)
{
    struct demo demo = {0};
    if (!demo_options_parse(argc, argv, &demo.options))
        return EXIT_USAGE;
    if (demo.options.help) {
        demo_options_help();
        return EXIT_DONE;
    }
    if (geteuid() == 0)
        fputs("ferryd demo: warning: it runs as root, and so does all that clients ask for\n",
              stderr);
    struct fault fault = {0};
    if (demo_state_make(&demo.options, &demo.state, &fault) != FERRY_OK) {
        fprintf(stderr, "ferryd demo: %s\n", fault.what);
        return EXIT_FAILED;
    }
    int status = serve(&demo);
    demo_state_remove(&demo.state);
    return status;
}
