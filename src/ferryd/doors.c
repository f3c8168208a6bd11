/* The sockets that ferryd listens on. */
#include "ferryd/doors.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "net/socket.h"

enum { BACKLOG = 512 };

struct door {
    LIST_ENTRY(door) link;
    char *label;                      /* of the listen block */
    int fd;                           /* bound, and not yet the worker's; or -1 */
    struct server_listener *listener; /* the worker's; NULL: not yet */
};

void doors_init(struct doors *doors)
{
    LIST_INIT(&doors->list);
}

static void door_free(struct door *door)
{
    LIST_REMOVE(door, link);
    fd_close(&door->fd);
    alloc_free(door->label);
    alloc_free(door);
}

void doors_fini(struct doors *doors)
{
    struct door *door;
    while ((door = LIST_FIRST(&doors->list)))
        door_free(door);
}

void doors_forget(struct doors *doors)
{
    doors_fini(doors);
}

static struct door *find(const struct doors *doors, const char *label)
{
    struct door *door;
    LIST_FOREACH (door, &doors->list, link)
        if (strcmp(door->label, label) == 0)
            return door;
    return NULL;
}

static bool is_planned(const struct plan *plan, const struct door *door)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->listeners[i].block->label, door->label) == 0)
            return true;
    return false;
}

/* ---- binding ---- */

/* NULL: memory is short. */
static struct door *door_new(struct doors *doors, const char *label)
{
    struct door *door = alloc_zero(sizeof(*door));
    char *copy = alloc_str(label);
    if (!door || !copy) {
        alloc_free(door);
        alloc_free(copy);
        return NULL;
    }
    *door = (struct door){.label = copy, .fd = -1};
    LIST_INSERT_HEAD(&doors->list, door, link);
    return door;
}

static void bind_one(struct plan *plan, const struct conf_instance *block, struct door *door)
{
    const struct settings_listen *listen = block->values;
    struct fault fault = {0};
    struct address at;
    enum ferry_error error = address_parse(listen->at.address.text, listen->at.port, &at);
    if (error == FERRY_OK)
        error = socket_listen(&at, BACKLOG, &door->fd, &fault);
    if (error != FERRY_OK)
        conf_mistake(plan->conf, block, NULL, "listen: %s",
                     fault.what[0] ? fault.what : "it is no address");
}

bool doors_bind(struct doors *doors, struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct conf_instance *block = plan->listeners[i].block;
        if (find(doors, block->label))
            continue;
        struct door *door = door_new(doors, block->label);
        if (!door)
            return false;
        bind_one(plan, block, door);
    }
    return true;
}

void doors_unbind(struct doors *doors)
{
    struct door *door = LIST_FIRST(&doors->list);
    while (door) {
        struct door *next = LIST_NEXT(door, link);
        if (!door->listener)
            door_free(door);
        door = next;
    }
}

/* ---- serving ---- */

static void tell_listening(const struct log *log, const struct plan_listener *planned, int fd)
{
    struct address at;
    char text[ADDRESS_TEXT_BYTES] = "";
    if (socket_local(fd, &at) != FERRY_OK)
        return;
    address_text(&at, text);
    log_event(log, LOG_LEVEL_NOTICE, "server.listen", F_STR("listen", planned->block->label),
              F_STR("address", text), F_U64("port", address_port(&at)),
              F_STR("tls", listen_kind_name(planned->rules->kind)));
}

static void open_one(struct door *door, struct server_worker *worker,
                     const struct plan_listener *planned, const struct log *log)
{
    struct fault fault = {0};
    if (door->listener) {
        server_listener_set_rules(door->listener, planned->rules);
        return;
    }
    tell_listening(log, planned, door->fd);
    if (server_worker_listen(worker, fd_take(&door->fd), planned->rules, &door->listener, &fault) !=
        FERRY_OK) {
        log_event(log, LOG_LEVEL_ERROR, "listen.failed", F_STR("listen", door->label),
                  F_STR("reason", fault.what));
        door_free(door);
    }
}

void doors_open(struct doors *doors, struct server_worker *worker, const struct plan *plan,
                const struct log *log)
{
    struct door *door = LIST_FIRST(&doors->list);
    while (door) {
        struct door *next = LIST_NEXT(door, link);
        if (!is_planned(plan, door)) {
            log_event(log, LOG_LEVEL_NOTICE, "server.unlisten", F_STR("listen", door->label));
            if (door->listener)
                server_listener_close(door->listener);
            door_free(door);
        }
        door = next;
    }
    for (size_t i = 0; i < plan->count; i++) {
        door = find(doors, plan->listeners[i].block->label);
        if (door)
            open_one(door, worker, &plan->listeners[i], log);
    }
}

void doors_set_rules(struct doors *doors, const struct plan_listener *listener)
{
    struct door *door = find(doors, listener->block->label);
    if (door && door->listener)
        server_listener_set_rules(door->listener, listener->rules);
}
