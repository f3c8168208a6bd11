/* The address of a server as clients outside see it, by a name. */
#include "server/external.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "net/resolve.h"

struct server_external {
    const struct log *log;
    const char *name;
    struct resolve *resolve;
    struct address logged; /* len 0: none yet */
    bool failing;
};

static void log_failure(const struct server_external *external, const char *error)
{
    bool known = resolve_address(external->resolve);
    log_event(
        external->log, LOG_LEVEL_ERROR, "passive.lookup", F_STR("name", external->name),
        F_STR("reason", error), F_STR("side", "server"),
        F_STR("advice", known ? "meanwhile PASV tells the address that was found before"
                              : "check passive_address; until the name is found PASV is refused"));
}

static void looked_up(void *ctx, const char *error)
{
    struct server_external *external = ctx;
    if (error && !external->failing)
        log_failure(external, error);
    external->failing = error != NULL;
    const struct address *found = resolve_address(external->resolve);
    if (!found || address_same_host(found, &external->logged))
        return;
    external->logged = *found;
    char text[ADDRESS_TEXT_BYTES];
    address_text(found, text);
    log_event(external->log, LOG_LEVEL_NOTICE, "passive.address", F_STR("name", external->name),
              F_STR("address", text));
}

struct server_external *server_external_new(struct loop *loop, const struct names *names,
                                            const struct log *log, const char *name,
                                            uint64_t every_ns)
{
    struct server_external *external = alloc_zero(sizeof(*external));
    if (!external)
        return NULL;
    external->log = log;
    external->name = name;
    external->resolve = resolve_new(loop, names, name, every_ns, looked_up, external);
    if (!external->resolve) {
        alloc_free(external);
        return NULL;
    }
    return external;
}

const struct address *server_external_address(const struct server_external *external)
{
    return resolve_address(external->resolve);
}

void server_external_free(struct server_external *external)
{
    if (!external)
        return;
    resolve_free(external->resolve);
    alloc_free(external);
}
