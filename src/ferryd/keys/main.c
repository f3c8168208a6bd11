/* ferryd-keys: the process that has the private keys, and signs handshakes for the workers
 * (SEC-64). */
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/given.h"
#include "ferryd/keys/keyring.h"
#include "ferryd/keys/signing.h"
#include "ferryd/role.h"
#include "ferryd/settings.h"

struct keys {
    struct role_main *role;
    struct given given;
    struct keyring ring;
    struct log log;
};

/* The keys are read once all has been given; workers do not ask before. */
static void keys_begin(void *ctx, struct role_main *role)
{
    struct keys *keys = ctx;
    keys->role = role;
    given_init(&keys->given);
    role_log(role, &keys->log, LOG_LEVEL_NOTICE, LOG_FORM_TEXT);
}

static enum ferry_error keys_settings(void *ctx, int fd, struct fault *fault)
{
    struct keys *keys = ctx;
    return given_settings(&keys->given, fd, fault);
}

static enum ferry_error keys_file(void *ctx, struct bytes name, int fd, struct fault *fault)
{
    struct keys *keys = ctx;
    return given_file(&keys->given, name, fd, fault);
}

static enum ferry_error keys_channel(void *ctx, enum role peer, uint32_t number, int fd,
                                     struct fault *fault)
{
    struct keys *keys = ctx;
    const struct signing_setup setup = {
        .loop = role_loop(keys->role), .ring = &keys->ring, .log = &keys->log};
    if (peer != ROLE_WORKER) {
        fd_close(&fd);
        return fault_set(fault, FERRY_E_PROTOCOL, "keys has no channel to %s", role_name(peer));
    }
    if (signing_serve(&setup, number, fd) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a channel");
    return FERRY_OK;
}

static enum ferry_error keys_start(void *ctx, const struct role_identity *identity,
                                   struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 1024}};
    struct keys *keys = ctx;
    if (!keys->given.conf)
        return fault_set(fault, FERRY_E_STATE, "no settings came");
    const struct settings_global *global = settings_global(keys->given.conf);
    role_log(keys->role, &keys->log, global->log_level, global->log_form);
    if (tls_key_protect_memory() != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory that can be locked");
    enum ferry_error error = keyring_init(&keys->ring, &keys->given, fault);
    given_fini(&keys->given);
    if (error != FERRY_OK)
        return error;
    return role_confine(keys->role, identity, NULL, limits, ARRAY_LEN(limits), fault);
}

int main(void)
{
    static const struct role_handlers handlers = {
        .settings = keys_settings,
        .file = keys_file,
        .channel = keys_channel,
        .start = keys_start,
    };
    static struct keys keys;
    /* At once: what else is done at exit needs more than the role may. */
    _exit(role_run(ROLE_KEYS, &handlers, keys_begin, &keys));
}
