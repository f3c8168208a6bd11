/* A relay that splits and cuts: one thread, one poll loop, few connections. */
#include "support/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PORTS = 64, MAX_LINKS = 64, BLOCK_BYTES = 65536 };

/* One relayed connection; ends[w] is where bytes going way w are written, so they are read from
 * ends[!w]. */
struct link {
    int ends[RELAY_WAYS];
    bool ended[RELAY_WAYS]; /* the reader of this way has seen the end */
    size_t passed[RELAY_WAYS];
    enum relay_kind kind;
    struct relay_rules rules;
};

struct relay {
    pthread_t thread;
    pthread_mutex_t lock; /* guards rules and passed */
    struct relay_rules rules;
    size_t passed[RELAY_KINDS][RELAY_WAYS];
    int wake[2];
    int listeners[MAX_PORTS];
    uint16_t ports[MAX_PORTS];
    size_t port_count;
    enum relay_kind kind_of_first;
    struct link links[MAX_LINKS];
    size_t link_count;
};

static struct sockaddr_in at(const char *address, uint16_t port)
{
    struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &out.sin_addr);
    return out;
}

static int listen_at(uint16_t port)
{
    struct sockaddr_in address = at(RELAY_ADDRESS, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 16) == 0)
        return fd;
    close(fd);
    return -1;
}

static void link_close(struct link *link, bool reset)
{
    for (int way = 0; way < RELAY_WAYS; way++) {
        struct linger linger = {.l_onoff = reset, .l_linger = 0};
        setsockopt(link->ends[way], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(link->ends[way]);
    }
}

static void link_open(struct relay *relay, size_t listener)
{
    int client = accept4(relay->listeners[listener], NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    struct sockaddr_in address = at("127.0.0.1", relay->ports[listener]);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (relay->link_count == MAX_LINKS ||
        connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        close(server);
        close(client);
        return;
    }
    bool control = listener == 0 && relay->kind_of_first == RELAY_CONTROL;
    struct link *link = &relay->links[relay->link_count++];
    *link = (struct link){
        .ends = {[RELAY_TO_SERVER] = server, [RELAY_TO_CLIENT] = client},
        .kind = control ? RELAY_CONTROL : RELAY_DATA,
    };
    pthread_mutex_lock(&relay->lock);
    link->rules = relay->rules;
    memset(relay->passed[link->kind], 0, sizeof relay->passed[link->kind]);
    pthread_mutex_unlock(&relay->lock);
}

static bool send_all(int fd, const char *data, size_t len, size_t chunk)
{
    while (len > 0) {
        size_t piece = chunk > 0 && chunk < len ? chunk : len;
        ssize_t sent = send(fd, data, piece, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* How many bytes may still pass this way before the cut. */
static size_t allowance(const struct link *link, enum relay_way way)
{
    const struct relay_rules *rules = &link->rules;
    bool counted =
        rules->cut_at != RELAY_NEVER && rules->cut_kind == link->kind && rules->cut_way == way;
    return counted ? rules->cut_at - link->passed[way] : SIZE_MAX;
}

/* Moves what is there one way; false: the connection is over. */
static bool link_move(struct relay *relay, struct link *link, enum relay_way way)
{
    char block[BLOCK_BYTES];
    size_t most = allowance(link, way);
    if (most > sizeof block)
        most = sizeof block;
    ssize_t got = most > 0 ? recv(link->ends[!way], block, most, 0) : 0;
    if (most == 0 || got < 0)
        return false;
    if (got == 0) {
        link->ended[way] = true;
        shutdown(link->ends[way], SHUT_WR);
        return !link->ended[!way];
    }
    if (!send_all(link->ends[way], block, (size_t)got, link->rules.chunk_bytes))
        return false;
    link->passed[way] += (size_t)got;
    pthread_mutex_lock(&relay->lock);
    relay->passed[link->kind][way] = link->passed[way];
    pthread_mutex_unlock(&relay->lock);
    return allowance(link, way) > 0;
}

static void links_turn(struct relay *relay, const struct pollfd *ready)
{
    for (size_t i = relay->link_count; i-- > 0;) {
        struct link *link = &relay->links[i];
        bool alive = true;
        for (int way = 0; way < RELAY_WAYS && alive; way++) {
            if (!link->ended[way] && ready[2 * i + (size_t)way].revents)
                alive = link_move(relay, link, (enum relay_way)way);
        }
        if (alive)
            continue;
        link_close(link, link->rules.reset);
        *link = relay->links[--relay->link_count];
    }
}

static void *relay_run(void *argument)
{
    struct relay *relay = argument;
    for (;;) {
        struct pollfd set[1 + MAX_PORTS + 2 * MAX_LINKS];
        nfds_t count = 0;
        set[count++] = (struct pollfd){.fd = relay->wake[0], .events = POLLIN};
        for (size_t i = 0; i < relay->port_count; i++)
            set[count++] = (struct pollfd){.fd = relay->listeners[i], .events = POLLIN};
        size_t links = relay->link_count;
        for (size_t i = 0; i < links; i++) {
            for (int way = 0; way < RELAY_WAYS; way++) {
                const struct link *link = &relay->links[i];
                set[count++] = (struct pollfd){.fd = link->ended[way] ? -1 : link->ends[!way],
                                               .events = POLLIN};
            }
        }
        if (poll(set, count, -1) < 0 && errno != EINTR)
            return NULL;
        if (set[0].revents)
            return NULL;
        links_turn(relay, set + 1 + relay->port_count);
        for (size_t i = 0; i < relay->port_count; i++) {
            if (set[1 + i].revents)
                link_open(relay, i);
        }
    }
}

struct relay *relay_start(enum relay_kind kind_of_first, const uint16_t *ports, size_t count)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay || count > MAX_PORTS || pipe(relay->wake) != 0) {
        free(relay);
        return NULL;
    }
    pthread_mutex_init(&relay->lock, NULL);
    relay->kind_of_first = kind_of_first;
    relay->rules.cut_at = RELAY_NEVER;
    bool listening = true;
    for (; relay->port_count < count && listening; relay->port_count++) {
        relay->ports[relay->port_count] = ports[relay->port_count];
        relay->listeners[relay->port_count] = listen_at(ports[relay->port_count]);
        listening = relay->listeners[relay->port_count] >= 0;
    }
    if (listening && pthread_create(&relay->thread, NULL, relay_run, relay) == 0)
        return relay;
    for (size_t i = 0; i < relay->port_count; i++)
        close(relay->listeners[i]);
    close(relay->wake[0]);
    close(relay->wake[1]);
    free(relay);
    return NULL;
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    close(relay->wake[1]);
    pthread_join(relay->thread, NULL);
    close(relay->wake[0]);
    for (size_t i = 0; i < relay->port_count; i++)
        close(relay->listeners[i]);
    for (size_t i = 0; i < relay->link_count; i++)
        link_close(&relay->links[i], true);
    pthread_mutex_destroy(&relay->lock);
    free(relay);
}

void relay_set_rules(struct relay *relay, const struct relay_rules *rules)
{
    pthread_mutex_lock(&relay->lock);
    relay->rules = *rules;
    pthread_mutex_unlock(&relay->lock);
}

size_t relay_passed(struct relay *relay, enum relay_kind kind, enum relay_way way)
{
    pthread_mutex_lock(&relay->lock);
    size_t passed = relay->passed[kind][way];
    pthread_mutex_unlock(&relay->lock);
    return passed;
}
