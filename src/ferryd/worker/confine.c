/* What remains to a worker. */
#include "ferryd/worker/confine.h"

#include "base/alloc.h"
#include "ferryd/settings.h"

enum {
    PORTS_MAX = 2,           /* that the rules of one listener bind */
    SESSION_DESCRIPTORS = 6, /* control, data, its listener, the file, the channel to the files */
    OWN_DESCRIPTORS = 256,   /* channels, listeners, the loop */
};

/* The TCP ports of all listeners. */
struct ports {
    struct landlock_ports *bind;
    size_t bind_count;
    bool connects;
};

static void ports_fini(struct ports *ports)
{
    alloc_free(ports->bind);
}

static void add(struct ports *ports, uint16_t first, uint16_t last)
{
    ports->bind[ports->bind_count++] = (struct landlock_ports){first, last};
}

/* Port 0 is one that the system chooses, also for a connection that is only bound to an address. */
static enum ferry_error add_listener(struct ports *ports, const struct settings_listen *listen)
{
    struct landlock_ports *list =
        alloc_resize(ports->bind, ports->bind_count + PORTS_MAX, sizeof(*list));
    if (!list)
        return FERRY_E_MEMORY;
    ports->bind = list;
    add(ports, listen->passive_ports.low, listen->passive_ports.high);
    if (!listen->rules.active_allowed)
        return FERRY_OK;
    ports->connects = true;
    add(ports, listen->rules.active_source_port, listen->rules.active_source_port);
    return FERRY_OK;
}

enum ferry_error worker_confine(struct role_main *role, const struct role_identity *identity,
                                const struct conf *conf, struct fault *fault)
{
    static const struct landlock_ports any = {0, UINT16_MAX};
    CLEANUP(ports_fini) struct ports ports = {0};
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, SETTINGS_LISTEN, block)))
        if (add_listener(&ports, block->values) != FERRY_OK)
            return fault_set(fault, FERRY_E_MEMORY, "no memory to be confined");
    const struct landlock_rules rules = {
        .bind = ports.bind,
        .bind_count = ports.bind_count,
        .connect = &any,
        .connect_count = ports.connects,
    };
    const struct privs_limit limits[] = {
        {RLIMIT_NOFILE,
         settings_global(conf)->sessions_max * SESSION_DESCRIPTORS + OWN_DESCRIPTORS}};
    return role_confine(role, identity, &rules, limits, ARRAY_LEN(limits), fault);
}
