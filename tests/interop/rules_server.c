/* A server for tests with other people's programs, under rules that `ferryd demo` does not offer:
 *   rules_server CA CERTIFICATE KEY DIRECTORY [WORD...]
 * The three are PEM files. Says its ports as a line of JSON and serves the account "demo", password
 * "secret", until it is killed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "embed/users.h"
#include "net/loop.h"
#include "server/worker.h"

enum { PEM_BYTES = 64 * 1024 };

struct program {
    struct loop *loop;
    struct users *users;
    struct log log;
    struct server_rules rules;
    struct server_worker *worker;
    struct network fxp_network;
    const char *address;
    char ca[PEM_BYTES], certificate[PEM_BYTES], key[PEM_BYTES];
};

static _Noreturn void give_up(const char *what, const struct fault *fault)
{
    fprintf(stderr, "rules_server: %s: %s\n", what, fault ? fault->what : "");
    exit(2);
}

static void read_pem(const char *path, char out[PEM_BYTES])
{
    FILE *file = fopen(path, "r");
    if (!file)
        give_up(path, NULL);
    size_t len = fread(out, 1, PEM_BYTES - 1, file);
    out[len] = '\0';
    fclose(file);
}

static void log_line(void *ctx, enum log_level level, struct bytes line)
{
    (void)ctx;
    (void)level;
    fprintf(stderr, "%.*s\n", BYTES_FMT(line));
}

/* ---- words ---- */

static void set_flag(struct server_rules *rules, const char *word)
{
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"ccc", &rules->dialect.ccc},
        {"fxp", &rules->dialect.fxp},
        {"auth-ssl-334", &rules->dialect.auth_ssl_334},
        {"greet-before-tls", &rules->dialect.greet_before_tls},
        {"prot-before-pbsz", &rules->dialect.prot_before_pbsz},
        {"accept-no-notify", &rules->accept_no_notify},
        {"plaintext", &rules->plaintext_allowed},
    };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strcmp(flags[i].word, word) == 0) {
            *flags[i].flag = true;
            return;
        }
    }
    give_up(word, NULL);
}

static void take_word(struct program *program, const char *word, enum tls_version *max)
{
    struct fault fault = {0};
    struct server_rules *rules = &program->rules;
    const char *value = strchr(word, '=');
    value = value ? value + 1 : "";
    if (strncmp(word, "address=", 8) == 0) {
        program->address = value;
    } else if (strncmp(word, "tls-max=", 8) == 0) {
        if (!tls_version_find(bytes_str(value), max))
            give_up(word, NULL);
    } else if (strncmp(word, "fxp-network=", 12) == 0) {
        if (network_parse(value, &program->fxp_network, &fault) != FERRY_OK)
            give_up(word, &fault);
        rules->fxp.networks = &program->fxp_network;
        rules->fxp.network_count = 1;
    } else if (strcmp(word, "data-resume=prefer") == 0) {
        rules->data_resume = DATA_RESUME_PREFER;
    } else {
        set_flag(rules, word);
    }
}

/* ---- the server ---- */

static void make_tls(struct program *program, enum tls_version max)
{
    struct fault fault = {0};
    const struct tls_server_settings server = {
        .max = max,
        .certificate_pem = bytes_str(program->certificate),
        .key_pem = bytes_str(program->key),
    };
    const struct tls_client_settings client = {
        .max = max,
        .certificate_pem = bytes_str(program->certificate),
        .key_pem = bytes_str(program->key),
    };
    struct server_rules *rules = &program->rules;
    if (tls_context_new_server(&server, &rules->tls, &fault) != FERRY_OK ||
        tls_context_new_client(&client, &rules->fxp.tls, &fault) != FERRY_OK ||
        tls_peers_new(bytes_str(program->ca), NULL, 0, &rules->fxp.peers, &fault) != FERRY_OK)
        give_up("TLS", &fault);
}

static uint16_t listen_on(struct program *program, enum listen_kind kind)
{
    struct fault fault = {0};
    struct server_rules *rules = NULL;
    struct address at;
    int fd = -1;
    program->rules.kind = kind;
    if (address_parse(program->address, 0, &at) != FERRY_OK ||
        socket_listen(&at, 64, &fd, &fault) != FERRY_OK || socket_local(fd, &at) != FERRY_OK ||
        server_rules_new(&program->rules, &rules, &fault) != FERRY_OK ||
        server_worker_listen(program->worker, fd, rules, NULL, &fault) != FERRY_OK)
        give_up("listen", &fault);
    server_rules_unref(rules);
    return address_port(&at);
}

static void start(struct program *program, const char *directory)
{
    struct fault fault = {0};
    const struct user_settings account = {.name = "demo", .password = "secret", .root = directory};
    program->loop = loop_new();
    program->users = program->loop ? users_new(program->loop) : NULL;
    if (!program->users || users_add(program->users, &account, &fault) != FERRY_OK)
        give_up("account", &fault);
    program->log =
        (struct log){.write = log_line, .level = LOG_LEVEL_DEBUG, .clock = &clock_system};
    const struct server_settings settings = {
        .master = tls_master_new(),
        .account_ops = &users_ops,
        .accounts = program->users,
        .log = &program->log,
    };
    if (server_worker_new(program->loop, &settings, &program->worker, &fault) != FERRY_OK)
        give_up("server", &fault);
}

int main(int argc, char **argv)
{
    static struct program program = {
        .address = "127.0.0.1",
        .rules = {.auth_legacy_words = true, .active_allowed = true},
    };
    if (argc < 5)
        give_up("usage: rules_server CA CERTIFICATE KEY DIRECTORY [WORD...]", NULL);
    read_pem(argv[1], program.ca);
    read_pem(argv[2], program.certificate);
    read_pem(argv[3], program.key);
    enum tls_version max = TLS_VERSION_ANY;
    for (int i = 5; i < argc; i++)
        take_word(&program, argv[i], &max);
    make_tls(&program, max);
    start(&program, argv[4]);
    unsigned port = listen_on(&program, LISTEN_EXPLICIT);
    unsigned implicit_port = listen_on(&program, LISTEN_IMPLICIT);
    unsigned either_port =
        program.rules.dialect.greet_before_tls ? 0 : listen_on(&program, LISTEN_EITHER);
    printf("{\"explicit\": %u, \"implicit\": %u, \"either\": %u}\n", port, implicit_port,
           either_port);
    fflush(stdout);
    loop_run(program.loop);
    return 0;
}
