/* The sockets that workers accept from. */
#include "ferryd/supervisor/listeners.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "ferryd/settings.h"
#include "net/socket.h"

enum { BACKLOG = 512 };

struct gate {
    LIST_ENTRY(gate) link;
    char *label;
    bool kept;      /* it is at work, and was told of */
    bool wanted;    /* for listeners_keep */
    bool lent;      /* its sockets are one that was inherited: not ours to shut down */
    size_t count;   /* sockets */
    size_t settled; /* of these, at work */
    int fds[SETTINGS_WORKERS_MAX];
};

void listeners_init(struct listeners *listeners)
{
    LIST_INIT(&listeners->list);
    inherited_init(&listeners->inherited);
}

static void close_from(struct gate *gate, size_t first)
{
    while (gate->count > first)
        fd_close(&gate->fds[--gate->count]);
}

static void gate_free(struct gate *gate)
{
    LIST_REMOVE(gate, link);
    close_from(gate, 0);
    alloc_free(gate->label);
    alloc_free(gate);
}

void listeners_fini(struct listeners *listeners)
{
    struct gate *gate;
    while ((gate = LIST_FIRST(&listeners->list)))
        gate_free(gate);
    inherited_fini(&listeners->inherited);
}

static struct gate *find(const struct listeners *listeners, const char *label)
{
    struct gate *gate;
    LIST_FOREACH (gate, &listeners->list, link)
        if (strcmp(gate->label, label) == 0)
            return gate;
    return NULL;
}

/* ---- binding ---- */

/* NULL: memory is short. */
static struct gate *gate_new(struct listeners *listeners, const char *label)
{
    struct gate *gate = alloc_zero(sizeof(*gate));
    char *copy = alloc_str(label);
    if (!gate || !copy) {
        alloc_free(gate);
        alloc_free(copy);
        return NULL;
    }
    gate->label = copy;
    LIST_INSERT_HEAD(&listeners->list, gate, link);
    return gate;
}

/* The one socket for each worker: between workers that all accept from it none is to be chosen, and
 * what waits in it survives the server. */
static enum ferry_error lend(struct gate *gate, int fd, unsigned workers, struct fault *fault)
{
    gate->lent = true;
    while (gate->count < workers) {
        gate->fds[gate->count] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (gate->fds[gate->count] < 0)
            return fault_set(fault, FERRY_E_LIMIT, "no descriptors are left");
        gate->count++;
    }
    return FERRY_OK;
}

/* More sockets like those that are there, or the first ones. */
static enum ferry_error fill(struct listeners *listeners, struct gate *gate,
                             const struct settings_listen *listen, unsigned workers,
                             struct fault *fault)
{
    struct address at;
    if (workers <= gate->count)
        return FERRY_OK;
    enum ferry_error error = address_parse(listen->at.address.text, listen->at.port, &at);
    if (error != FERRY_OK)
        return fault_set(fault, error, "it is no address");
    int inherited = inherited_find(&listeners->inherited, &at);
    if (inherited >= 0)
        return lend(gate, inherited, workers, fault);
    error = socket_listen_group(&at, BACKLOG, gate->fds, gate->count, workers, fault);
    if (error == FERRY_OK)
        gate->count = workers;
    return error;
}

enum ferry_error listeners_bind(struct listeners *listeners, struct conf *conf, unsigned workers)
{
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, SETTINGS_LISTEN, block))) {
        struct fault fault = {0};
        struct gate *gate = find(listeners, block->label);
        gate = gate ? gate : gate_new(listeners, block->label);
        if (!gate)
            return FERRY_E_MEMORY;
        if (fill(listeners, gate, block->values, workers, &fault) != FERRY_OK)
            conf_mistake(conf, block, NULL, "listen: %s", fault.what);
    }
    return FERRY_OK;
}

void listeners_unbind(struct listeners *listeners)
{
    struct gate *gate = LIST_FIRST(&listeners->list);
    while (gate) {
        struct gate *next = LIST_NEXT(gate, link);
        if (gate->kept)
            close_from(gate, gate->settled);
        else
            gate_free(gate);
        gate = next;
    }
}

/* ---- at work ---- */

static void tell_listening(const struct gate *gate, const struct settings_listen *listen,
                           const struct log *log)
{
    struct address at;
    char text[ADDRESS_TEXT_BYTES] = "";
    if (socket_local(gate->fds[0], &at) != FERRY_OK)
        return;
    address_text(&at, text);
    log_event(log, LOG_LEVEL_NOTICE, "server.listen", F_STR("listen", gate->label),
              F_STR("address", text), F_U64("port", address_port(&at)),
              F_STR("tls", listen->rules.kind == LISTEN_IMPLICIT ? "implicit" : "explicit"));
}

static void shut_from(const struct gate *gate, size_t first)
{
    for (size_t i = first; i < gate->count && !gate->lent; i++)
        (void)shutdown(gate->fds[i], SHUT_RDWR);
}

static void drop(struct gate *gate, const struct log *log)
{
    log_event(log, LOG_LEVEL_NOTICE, "server.unlisten", F_STR("listen", gate->label));
    /* Workers that drain hold it, too. */
    shut_from(gate, 0);
    gate_free(gate);
}

void listeners_keep(struct listeners *listeners, const struct conf *conf, unsigned workers,
                    const struct log *log)
{
    const struct conf_instance *block = NULL;
    while ((block = conf_next(conf, SETTINGS_LISTEN, block))) {
        struct gate *gate = find(listeners, block->label);
        if (!gate)
            continue;
        if (!gate->kept)
            tell_listening(gate, block->values, log);
        gate->kept = gate->wanted = true;
        /* The kernel goes on dealing connections to sockets that are open. */
        shut_from(gate, workers);
        close_from(gate, workers);
        gate->settled = gate->count;
    }
    struct gate *gate = LIST_FIRST(&listeners->list);
    while (gate) {
        struct gate *next = LIST_NEXT(gate, link);
        if (!gate->wanted)
            drop(gate, log);
        else
            gate->wanted = false;
        gate = next;
    }
    inherited_tell_unused(&listeners->inherited, log);
}

int listeners_fd(const struct listeners *listeners, const char *label, size_t index)
{
    const struct gate *gate = find(listeners, label);
    return gate && index < gate->count ? fcntl(gate->fds[index], F_DUPFD_CLOEXEC, 3) : -1;
}
