/* The paths that remain to ferryd-hooks and to the programs that it runs. */
#include "ferryd/hooks/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "ferryd/settings.h"

enum { READ = LANDLOCK_MAY_READ, WRITE = LANDLOCK_MAY_WRITE, RUN = LANDLOCK_MAY_EXECUTE };

static const struct {
    const char *path;
    unsigned rights;
} system_places[] = {
    {"/usr", READ | RUN},   {"/bin", READ | RUN},   {"/sbin", READ | RUN},  {"/lib", READ | RUN},
    {"/lib32", READ | RUN}, {"/lib64", READ | RUN}, {"/opt", READ | RUN},   {"/etc", READ},
    {"/proc", READ},        {"/run", READ},         {"/dev", READ | WRITE},
};

/* What is not there is left out. */
static enum ferry_error add(struct places *places, const char *path, unsigned rights,
                            struct fault *fault)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return FERRY_OK;
    if (places->count == PLACES_MAX) {
        fd_close(&fd);
        return fault_set(fault, FERRY_E_LIMIT, "hooks may have at most %d paths", PLACES_MAX);
    }
    places->paths[places->count++] = (struct landlock_path){fd, rights};
    return FERRY_OK;
}

/* The folder that a file stands in. */
static enum ferry_error add_folder_of(struct places *places, const char *path, unsigned rights,
                                      struct fault *fault)
{
    char folder[PLACES_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) + 2 > sizeof(folder))
        return FERRY_OK;
    snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
    return add(places, folder, rights, fault);
}

static enum ferry_error add_target(struct places *places, const struct settings_target *target,
                                   struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    if (target->exec.count > 0)
        error = add_folder_of(places, target->exec.list[0], READ | RUN, fault);
    if (error == FERRY_OK && target->ca)
        error = add_folder_of(places, target->ca, READ, fault);
    return error;
}

static enum ferry_error add_all(struct places *places, const struct conf *conf, struct fault *fault)
{
    const struct settings_hooks *settings = &settings_global(conf)->hooks;
    const struct conf_instance *block = NULL;
    enum ferry_error error = add(places, places->folder, READ | WRITE, fault);
    for (size_t i = 0; i < ARRAY_LEN(system_places) && error == FERRY_OK; i++)
        error = add(places, system_places[i].path, system_places[i].rights, fault);
    for (size_t i = 0; i < settings->reads.count && error == FERRY_OK; i++)
        error = add(places, settings->reads.list[i], READ | RUN, fault);
    for (size_t i = 0; i < settings->writes.count && error == FERRY_OK; i++)
        error = add(places, settings->writes.list[i], READ | WRITE, fault);
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_HOOK, block)))
        error = add_target(places, &((const struct settings_hook *)block->values)->to, fault);
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_CHECK, block)))
        error = add_target(places, &((const struct settings_check *)block->values)->to, fault);
    return error;
}

/* A folder that is that user's and nobody else's. */
static enum ferry_error make_own(const char *path, uid_t uid, gid_t gid, struct fault *fault)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fault_errno(fault, FERRY_E_FILE, "make the folder %s", path);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return fault_errno(fault, FERRY_E_FILE, "open the folder %s", path);
    if ((status.st_uid != uid || status.st_gid != gid) && fchown(fd, uid, gid) < 0)
        return fault_errno(fault, FERRY_E_FILE, "take over the folder %s", path);
    if (fchmod(fd, 0700) < 0)
        return fault_errno(fault, FERRY_E_FILE, "close the folder %s", path);
    return FERRY_OK;
}

enum ferry_error places_init(struct places *places, const struct conf *conf, uid_t uid, gid_t gid,
                             struct fault *fault)
{
    const char *state = settings_global(conf)->hooks.state;
    *places = (struct places){.count = 0};
    if (strlen(state) + sizeof("/hooks/tmp") > PLACES_PATH_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "state is too long a path");
    snprintf(places->folder, sizeof(places->folder), "%s/hooks", state);
    snprintf(places->temporary, sizeof(places->temporary), "%s/hooks/tmp", state);
    if (mkdir(state, 0755) < 0 && errno != EEXIST)
        return fault_errno(fault, FERRY_E_FILE, "make the folder %s", state);
    enum ferry_error error = make_own(places->folder, uid, gid, fault);
    if (error == FERRY_OK)
        error = make_own(places->temporary, uid, gid, fault);
    return error == FERRY_OK ? add_all(places, conf, fault) : error;
}

void places_fini(struct places *places)
{
    while (places->count > 0)
        fd_close(&places->paths[--places->count].fd);
}
