/* The operator's page of a server that is made up: full of what a page may have to show, and of
 * names that would be markup and script. Prints its port and what is done by it, a line each. Ends
 * with its standard input. Usage: web_sample PASSWORD_HASH */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ferryd/ops/web/site.h"

#define S ((int64_t)CLOCK_NS_PER_S)
#define DAY (24 * 3600 * S)
#define SCRIPT "<script>document.title='run'</script>"
#define IMAGE "\"><img src=x onerror=\"document.title='run'\">"

static const struct state_tls modern = {"TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", "ecdsa"};
static const struct state_tls older = {"TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "", ""};
static const struct state_tls weak = {"TLSv1.0", "TLS_RSA_WITH_AES_128_CBC_SHA", "", ""};
static const struct state_tls none = {"", "", "", ""};

static struct state state;
static struct loop *loop;

static void must(enum ferry_error error)
{
    if (error != FERRY_OK)
        abort();
}

static void add_sessions(int64_t now_ns)
{
    const struct state_session rows[] = {
        {.id = 4711,
         .account = "studio-north",
         .peer = "203.0.113.20",
         .client = "FileZilla 3.66.5",
         .tls = modern,
         .logged_in = true,
         .command = "STOR",
         .direction = "up",
         .bytes = 4831838208,
         .path = "/deliveries/2026-11/Reel 04 – final mix.mxf",
         .rate = 84000000,
         .since_ns = now_ns - 420 * S,
         .transfer_since_ns = now_ns - 57 * S,
         .tls_resumed = true},
        {.id = 4712,
         .account = "warehouse",
         .peer = "198.51.100.7",
         .client = "lftp 4.9.2",
         .tls = modern,
         .logged_in = true,
         .command = "RETR",
         .direction = "down",
         .bytes = 73400320,
         .path = "/out/stock-2026-11-22.csv.gz",
         .rate = 11200000,
         .since_ns = now_ns - 33 * S,
         .transfer_since_ns = now_ns - 6 * S,
         .certificate = "CN=warehouse,O=Example"},
        {.id = 4713,
         .account = "anna",
         .peer = "2001:db8:7::19",
         .client = "WinSCP 6.3",
         .tls = older,
         .logged_in = true,
         .since_ns = now_ns - 5400 * S},
        {.id = 4714,
         .account = IMAGE,
         .peer = "192.0.2.99",
         .client = SCRIPT,
         .tls = modern,
         .logged_in = true,
         .command = "STOR",
         .direction = "up",
         .path = "/" SCRIPT "\n.txt",
         .bytes = 12,
         .since_ns = now_ns - 2 * S,
         .transfer_since_ns = now_ns - S},
        {.id = 4715,
         .account = "old-scanner",
         .peer = "192.0.2.31",
         .tls = weak,
         .logged_in = true,
         .since_ns = now_ns - 61 * S},
        {.id = 4716, .account = "", .peer = "192.0.2.180", .tls = none, .since_ns = now_ns - 4 * S},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must(state_add_session(&state, &rows[i]));
}

static void add_certificates(int64_t now_ns)
{
    const struct state_certificate rows[] = {
        {.listens = "listen \"[::]:21\"",
         .file = "/etc/ferry/ftp.example.net.pem",
         .subject = "CN=ftp.example.net",
         .names = "ftp.example.net, files.example.net",
         .key = "ECDSA P-256",
         .not_before_ns = now_ns - 30 * DAY,
         .not_after_ns = now_ns + 60 * DAY},
        {.listens = "host \"partners.example.org\"",
         .file = "/etc/ferry/partners.pem",
         .subject = "CN=partners.example.org",
         .names = "partners.example.org",
         .key = "RSA 3072",
         .not_before_ns = now_ns - 80 * DAY,
         .not_after_ns = now_ns + 9 * DAY},
        {.listens = "listen \"[::]:990\"",
         .file = "/etc/ferry/legacy.pem",
         .subject = "CN=" SCRIPT,
         .names = "ftps.example.net",
         .key = "RSA 2048",
         .not_before_ns = now_ns - 400 * DAY,
         .not_after_ns = now_ns - 2 * DAY},
    };
    for (uint32_t worker = 0; worker < 2; worker++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct state_certificate row = rows[i];
            row.worker = worker;
            must(state_add_certificate(&state, &row));
        }
}

static void add_uses(int64_t now_ns)
{
    const struct state_use rows[] = {
        {.account = "", .client = "", .tls = weak, .sessions = 31, .last_ns = now_ns - 9 * S},
        {.account = "old-scanner",
         .client = "",
         .tls = weak,
         .sessions = 212,
         .data_full = 212,
         .last_ns = now_ns - 3600 * S},
        {.account = "erp",
         .client = "FtpLib/2",
         .tls = none,
         .sessions = 48,
         .data_clear = 96,
         .last_ns = now_ns - DAY},
        {.account = "anna",
         .client = "WinSCP 6.3",
         .tls = older,
         .sessions = 87,
         .data_resumed = 412,
         .last_ns = now_ns - 7200 * S},
        {.account = "warehouse",
         .client = "lftp 4.9.2",
         .tls = modern,
         .sessions = 1440,
         .data_resumed = 2880,
         .last_ns = now_ns - 60 * S},
        {.account = "studio-north",
         .client = "FileZilla 3.66.5",
         .tls = modern,
         .sessions = 329,
         .data_resumed = 5210,
         .last_ns = now_ns - 600 * S},
        {.account = IMAGE, .client = SCRIPT, .tls = older, .sessions = 1, .last_ns = now_ns},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must(state_add_use(&state, &rows[i]));
}

static void add_accounts(void)
{
    const struct state_account rows[] = {
        {.name = "anna", .source = "ferryd.conf", .login = "password", .home = "/srv/ferry/anna"},
        {.name = "erp", .source = "sqlite", .login = "password", .home = "/srv/ferry/erp"},
        {.name = "old-scanner",
         .source = "sqlite",
         .login = "password",
         .home = "/srv/ferry/scans",
         .expires = "2026-12-31"},
        {.name = "studio-north",
         .source = "sqlite",
         .login = "password",
         .home = "/srv/ferry/studios/north"},
        {.name = "studio-south",
         .source = "sqlite",
         .login = "password",
         .home = "/srv/ferry/studios/south",
         .disabled = true},
        {.name = "warehouse", .source = "ldap", .login = "cert", .home = "/srv/ferry/warehouse"},
    };
    const struct state_ban ban = {.address = "192.0.2.66",
                                  .reason = "20 failed logins",
                                  .until_ns = clock_wall_ns(&clock_system) + 840 * S};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must(state_add_account(&state, &rows[i]));
    must(state_add_ban(&state, &ban));
}

static void add_events(void)
{
    static const char *const lines[] = {
        "{\"time\":\"2026-11-22T19:02:11.041Z\",\"level\":\"error\",\"event\":\"data.no-port\","
        "\"account\":\"warehouse\",\"peer\":\"198.51.100.7\",\"reason\":\"all of the 20 passive "
        "ports are in use\",\"side\":\"server\",\"advice\":\"widen passive_ports\"}",
        "{\"time\":\"2026-11-22T19:40:03.700Z\",\"level\":\"notice\",\"event\":\"login.refused\","
        "\"user\":\"root\",\"peer\":\"192.0.2.66\",\"reason\":\"there is no such account\","
        "\"side\":\"client\",\"advice\":\"\"}",
        "{\"time\":\"2026-11-22T19:40:04.112Z\",\"level\":\"notice\",\"event\":\"login.refused\","
        "\"user\":\"root\",\"peer\":\"192.0.2.66\",\"reason\":\"there is no such account\","
        "\"side\":\"client\",\"advice\":\"\"}",
        "{\"time\":\"2026-11-22T19:51:40.318Z\",\"level\":\"notice\",\"event\":\"data.refused\","
        "\"account\":\"erp\",\"peer\":\"198.51.100.40\",\"reason\":\"the data connection did not "
        "resume the TLS session of the control connection\",\"side\":\"client\",\"advice\":\"turn "
        "on session resumption in the client, or set data_resume = prefer\"}",
        "{\"time\":\"2026-11-22T20:11:59.002Z\",\"level\":\"notice\",\"event\":\"transfer.failed\","
        "\"account\":\"anna\",\"peer\":\"192.0.2.99\",\"path\":\"/" SCRIPT "\",\"reason\":\"the "
        "client closed the connection without close_notify <b>here</b>\",\"side\":\"client\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        must(state_add_event(&state, bytes_str(lines[i])));
}

static void fill(void)
{
    int64_t now_ns = clock_wall_ns(&clock_system);
    state_init(&state);
    state.version = "0.1.0";
    must(state_set_config(&state, BYTES_LIT("/etc/ferry/ferryd.conf"), now_ns - 12 * DAY, now_ns));
    state.counters.counts[SERVER_COUNT_BYTES_UP] = 812 * UINT64_C(1000000000);
    state.counters.counts[SERVER_COUNT_BYTES_DOWN] = UINT64_C(2345678901234);
    state.restarts[ROLE_WORKER] = 1;
    add_sessions(now_ns);
    add_certificates(now_ns);
    add_uses(now_ns);
    add_accounts();
    add_events();
}

/* ---- deeds ---- */

static bool kick(void *ctx, uint64_t id)
{
    (void)ctx;
    struct state_session *session = TAILQ_FIRST(&state.sessions);
    while (session && session->id != id)
        session = TAILQ_NEXT(session, link);
    if (!session)
        return false;
    printf("kick %" PRIu64 "\n", id);
    session->direction = session->path = session->command = "";
    TAILQ_REMOVE(&state.sessions, session, link);
    state.session_count--;
    alloc_free(session);
    return true;
}

static bool unban(void *ctx, const char *address)
{
    (void)ctx;
    struct state_ban *ban = TAILQ_FIRST(&state.bans);
    if (!ban || strcmp(ban->address, address) != 0)
        return false;
    printf("unban %s\n", address);
    state_forget_bans(&state);
    return true;
}

/* ---- what ops has: here the state is always fresh ---- */

struct refresh_wait {
    struct loop_task *task;
    refresh_done_fn *done;
    void *ctx;
};

static void done(void *ctx)
{
    struct refresh_wait wait = *(struct refresh_wait *)ctx;
    refresh_cancel(ctx);
    wait.done(wait.ctx);
}

enum ferry_error refresh_begin(struct refresh *refresh, unsigned what, refresh_done_fn *fn,
                               void *ctx, struct refresh_wait **out)
{
    (void)refresh;
    (void)what;
    *out = alloc_zero(sizeof(**out));
    **out = (struct refresh_wait){.done = fn, .ctx = ctx};
    (*out)->task = loop_task_new(loop, done, *out);
    loop_task_post((*out)->task);
    return FERRY_OK;
}

void refresh_cancel(struct refresh_wait *wait)
{
    if (!wait)
        return;
    loop_task_free(wait->task);
    alloc_free(wait);
}

/* ---- life ---- */

static int listen_here(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        abort();
    *port = ntohs(at.sin_port);
    return fd;
}

static void on_input(void *ctx, bool readable, bool writable)
{
    char byte;
    (void)ctx;
    (void)readable;
    (void)writable;
    if (read(STDIN_FILENO, &byte, 1) == 0)
        loop_stop(loop);
}

int main(int argc, char **argv)
{
    static char proxy[] = "ops.example.net";
    static char *const hosts[] = {proxy};
    struct log log;
    struct site *site;
    uint16_t port;
    if (argc != 2)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    loop = loop_new();
    fill();
    log_init_fd(&log, STDERR_FILENO, LOG_LEVEL_NOTICE, LOG_FORM_JSON, &clock_system);
    const struct web_setup setup = {
        .loop = loop,
        .clock = &clock_system,
        .log = &log,
        .state = &state,
        .deeds = {.kick = kick, .unban = unban},
        .user = "operator",
        .password_hash = argv[1],
        .hosts = hosts,
        .host_count = ARRAY_LEN(hosts),
    };
    must(site_new(&setup, NULL, listen_here(&port), &site, NULL));
    printf("port %u\n", (unsigned)port);
    struct loop_watch *input = loop_watch_new(loop, STDIN_FILENO, on_input, NULL);
    loop_watch_want(input, true, false);
    loop_run(loop);
    loop_watch_free(input);
    site_free(site);
    state_fini(&state);
    loop_free(loop);
    return 0;
}
