/* What ferryd-auth may still reach once it has begun. */
#include "ferryd/auth/confine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "ferryd/settings.h"
#include "ferryd/sources.h"

enum { PATHS_MAX = 2 + SOURCES_MAX };

struct reach {
    struct landlock_path paths[PATHS_MAX];
    size_t count;
};

static void reach_init(struct reach *reach)
{
    *reach = (struct reach){0};
}

static void reach_fini(struct reach *reach)
{
    for (size_t i = 0; i < reach->count; i++)
        fd_close(&reach->paths[i].fd);
}

/* A folder that is not there need not be reached. */
static void reach_folder(struct reach *reach, const char *path, unsigned rights)
{
    int fd = reach->count < PATHS_MAX ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        reach->paths[reach->count++] = (struct landlock_path){fd, rights};
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

enum ferry_error confine_auth(struct role_main *role, const struct role_identity *identity,
                              const struct conf *conf, struct fault *fault)
{
    static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 1024}};
    static const struct landlock_ports dns = {53, 53}; /* long answers come by TCP */
    const struct conf_texts *accounts = &settings_global(conf)->accounts;
    CLEANUP(reach_fini) struct reach reach;
    reach_init(&reach);
    reach_folder(&reach, "/etc", LANDLOCK_MAY_READ);
    /* What /etc/resolv.conf often is a link to. */
    reach_folder(&reach, "/run/systemd/resolve", LANDLOCK_MAY_READ);
    for (size_t i = 0; i < accounts->count; i++) {
        struct sources_item item = sources_read(accounts->list[i]);
        if (item.kind == SOURCES_SQLITE)
            reach_roster(&reach, item.where);
    }
    const struct landlock_rules rules = {
        .paths = reach.paths,
        .path_count = reach.count,
        .connect = &dns,
        .connect_count = 1,
    };
    return role_confine(role, identity, &rules, limits, ARRAY_LEN(limits), fault);
}
