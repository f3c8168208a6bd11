/* ferryd-auth: the process that knows the accounts. It decides who is let in, and tells the
 * supervisor what a session may reach; all that it can reach itself are rosters, what users of the
 * system are looked up in, and the servers that accounts are asked of. */
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/auth/book.h"
#include "ferryd/auth/confine.h"
#include "ferryd/auth/desk.h"
#include "ferryd/auth/ldap_link.h"
#include "ferryd/auth/lookups.h"
#include "ferryd/auth/operators.h"
#include "ferryd/auth/os_user.h"
#include "ferryd/given.h"
#include "ferryd/role.h"
#include "ferryd/settings.h"

struct auth {
    struct role_main *role;
    struct given given;
    struct log log;
    int bans; /* what they are kept in; -1: nothing that stays */
    struct shelf shelf;
    struct book book;
    struct desk desk;
    struct operators operators;
    bool alone; /* not started by root */
};

/* Grants of an auth that died must not be taken for this one's. */
static uint64_t random_grant(void)
{
    uint32_t half = 0;
    if (getrandom(&half, sizeof(half), 0) != sizeof(half))
        half = (uint32_t)clock_wall_ns(&clock_system);
    return (uint64_t)half << 24;
}

static void auth_begin(void *ctx, struct role_main *role)
{
    struct auth *auth = ctx;
    auth->role = role;
    auth->alone = geteuid() != 0;
    auth->bans = -1;
    signal(SIGPIPE, SIG_IGN); /* servers that accounts are asked of may leave */
    given_init(&auth->given);
    role_log(role, &auth->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
    operators_init(&auth->operators, role_loop(role));
    desk_init(&auth->desk, role_loop(role), role_supervisor(role), &auth->log, random_grant());
}

static enum ferry_error auth_settings(void *ctx, int fd, struct fault *fault)
{
    struct auth *auth = ctx;
    return given_settings(&auth->given, fd, fault);
}

static enum ferry_error auth_file(void *ctx, struct bytes name, int fd, struct fault *fault)
{
    struct auth *auth = ctx;
    if (!bytes_equal(name, bytes_str(MESSAGE_FILE_BANS)))
        return given_file(&auth->given, name, fd, fault);
    fd_close(&auth->bans);
    auth->bans = fd;
    return FERRY_OK;
}

static enum ferry_error auth_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                     struct fault *fault)
{
    struct auth *auth = ctx;
    if (peer == ROLE_OPS)
        return operators_connect(&auth->operators, fd) == FERRY_OK
                   ? FERRY_OK
                   : fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    if (peer != ROLE_WORKER) {
        fd_close(&fd);
        return fault_set(fault, FERRY_E_PROTOCOL, "auth has no channel to %s", role_name(peer));
    }
    if (desk_add_worker(&auth->desk, number, fd) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    return FERRY_OK;
}

/* The roster is opened by who this process is then, and what it makes there is no one else's. */
static enum ferry_error auth_start(void *ctx, const struct role_identity *identity,
                                   struct fault *fault)
{
    struct auth *auth = ctx;
    struct conf *conf = auth->given.conf;
    if (!conf)
        return fault_set(fault, FERRY_E_STATE, "no settings came");
    const struct settings_global *global = settings_global(conf);
    const struct desk_setup desk = {
        .book = &auth->book,
        .shelf = &auth->shelf,
        .throttle =
            {
                .kept_ns = global->login_failures_kept_ns,
                .ban_after = global->ban_after,
                .ban_ns = global->ban_time_ns,
                .failures = global->login_failures,
                .failures_ns = global->login_failures_ns,
            },
        .sessions_max = global->sessions_max,
    };
    role_log(auth->role, &auth->log, global->log_level, global->log_form);
    os_user_prepare();
    lookups_prepare();
    ldap_link_prepare();
    enum ferry_error error = confine_auth(auth->role, identity, conf, fault);
    if (error == FERRY_OK)
        error = book_init(&auth->book, &auth->given, auth->alone, fault);
    if (error == FERRY_OK)
        error = shelf_open(&auth->shelf, fd_take(&auth->bans), fault);
    const struct ban_desk bans = {.throttle = &auth->desk.throttle, .log = &auth->log};
    if (error == FERRY_OK && (desk_open(&auth->desk, &desk) != FERRY_OK ||
                              operators_open(&auth->operators, &bans, &auth->book) != FERRY_OK))
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for the workers");
    return error;
}

static enum ferry_error auth_other(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)reader;
    (void)raw;
    struct auth *auth = ctx;
    if (row->type != MESSAGE_INTRODUCED)
        return fault_set(fault, FERRY_E_PROTOCOL, "a %s is not for auth", row->name);
    gate_introduced(&auth->desk.gate);
    return FERRY_OK;
}

int main(void)
{
    static const struct role_handlers handlers = {
        .settings = auth_settings,
        .file = auth_file,
        .channel = auth_channel,
        .start = auth_start,
        .other = auth_other,
    };
    static struct auth auth;
    /* At once: what else is done at exit needs more than the role may. */
    _exit(role_run(ROLE_AUTH, &handlers, auth_begin, &auth));
}
