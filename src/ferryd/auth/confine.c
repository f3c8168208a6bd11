/* What ferryd-auth may still reach once it has begun. */
#include "ferryd/auth/confine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "ferryd/directory/conninfo.h"
#include "ferryd/directory/server_url.h"
#include "ferryd/settings.h"
#include "ferryd/settings_directories.h"
#include "ferryd/sources.h"

enum {
    PATHS_MAX = 2 + SOURCES_MAX,
    PORTS_MAX = 1 + SOURCES_MAX * 16,
    PORT_DNS = 53,    /* long answers come by TCP */
    POOL_THREADS = 4, /* of libuv, for what is not asked of other machines */
};

struct reach {
    struct landlock_path paths[PATHS_MAX];
    size_t path_count;
    struct landlock_ports ports[PORTS_MAX]; /* to connect to */
    size_t port_count;
    unsigned threads;
};

static void reach_init(struct reach *reach)
{
    *reach = (struct reach){.threads = POOL_THREADS};
}

static void reach_fini(struct reach *reach)
{
    for (size_t i = 0; i < reach->path_count; i++)
        fd_close(&reach->paths[i].fd);
}

/* A folder that is not there need not be reached. */
static void reach_folder(struct reach *reach, const char *path, unsigned rights)
{
    int fd = reach->path_count < PATHS_MAX ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        reach->paths[reach->path_count++] = (struct landlock_path){fd, rights};
}

/* 0: there is none. */
static void reach_port(struct reach *reach, uint16_t port)
{
    if (port > 0 && reach->port_count < PORTS_MAX)
        reach->ports[reach->port_count++] = (struct landlock_ports){port, port};
}

/* The folder that the file is in. */
static void reach_roster(struct reach *reach, const char *path)
{
    char folder[MESSAGE_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) + 2 > sizeof(folder))
        return;
    snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
    reach_folder(reach, folder, LANDLOCK_MAY_READ | LANDLOCK_MAY_WRITE);
}

static void reach_ldap(struct reach *reach, const struct settings_ldap *ldap)
{
    for (size_t i = 0; i < ldap->url.count; i++) {
        struct server_url url = {0};
        if (server_url_read(bytes_str(ldap->url.list[i]), &url, NULL) == FERRY_OK)
            reach_port(reach, url.port);
    }
    reach->threads += (unsigned)ldap->source.connections;
}

static void reach_postgresql(struct reach *reach, const struct settings_postgresql *database)
{
    CLEANUP(conninfo_fini) struct conninfo info;
    if (conninfo_read(bytes_str(database->connection), &info, NULL) == FERRY_OK)
        for (size_t i = 0; i < info.host_count; i++)
            reach_port(reach, conninfo_port(&info.hosts[i]));
    reach->threads += (unsigned)database->source.connections;
}

/* What is wrong with it is told by who opens it. */
static void reach_source(struct reach *reach, const struct conf *conf, const char *text)
{
    struct sources_item item = sources_read(text);
    const struct conf_instance *block = NULL;
    switch (item.kind) {
    case SOURCES_SQLITE:
        reach_roster(reach, item.where);
        break;
    case SOURCES_LDAP:
        block = conf_find(conf, SETTINGS_LDAP, item.where);
        if (block)
            reach_ldap(reach, block->values);
        break;
    case SOURCES_POSTGRESQL:
        block = conf_find(conf, SETTINGS_POSTGRESQL, item.where);
        if (block)
            reach_postgresql(reach, block->values);
        break;
    }
}

/* The threads of the pool: as many as the sources may have at once, and some besides, so that no
 * slow one takes them all. libuv reads the number when it starts the first. */
static void size_pool(unsigned threads)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", threads);
    setenv("UV_THREADPOOL_SIZE", text, 1);
}

enum ferry_error confine_auth(struct role_main *role, const struct role_identity *identity,
                              const struct conf *conf, struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 1024}};
    const struct conf_texts *accounts = &settings_global(conf)->accounts;
    CLEANUP(reach_fini) struct reach reach;
    reach_init(&reach);
    reach_folder(&reach, "/etc", LANDLOCK_MAY_READ);
    /* What /etc/resolv.conf often is a link to. */
    reach_folder(&reach, "/run/systemd/resolve", LANDLOCK_MAY_READ);
    reach_port(&reach, PORT_DNS);
    for (size_t i = 0; i < accounts->count; i++)
        reach_source(&reach, conf, accounts->list[i]);
    size_pool(reach.threads);
    const struct landlock_rules rules = {
        .paths = reach.paths,
        .path_count = reach.path_count,
        .connect = reach.ports,
        .connect_count = reach.port_count,
    };
    return role_confine(role, identity, &rules, limits, ARRAY_LEN(limits), fault);
}
