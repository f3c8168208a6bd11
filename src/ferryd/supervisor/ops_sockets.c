/* The sockets that ferryd-ops listens on. */
#include "ferryd/supervisor/ops_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/control_place.h"
#include "base/fd.h"
#include "ferryd/settings.h"
#include "net/socket.h"

enum { BACKLOG = 64, PATH_BYTES = 4096 };

/* ---- the control socket ---- */

/* NULL: no memory. */
static char *control_path(const char *control, const char *file)
{
    CLEANUP(buf_fini) struct buf path;
    buf_init(&path, PATH_BYTES);
    const char *slash = strrchr(file, '/');
    buf_init(&path, PATH_BYTES);
    if (control || geteuid() == 0)
        return alloc_str(control ? control : CONTROL_DEFAULT);
    int folder = slash ? (int)(slash - file) + 1 : 0;
    if (buf_printf(&path, "%.*s%s", folder, file, CONTROL_NAME) != FERRY_OK)
        return NULL;
    return alloc_bytes(buf_view(&path));
}

/* The folder by a descriptor, since a socket's name may have 107 bytes only. */
static bool make_name(const char *path, int folder, struct sockaddr_un *out)
{
    const char *slash = strrchr(path, '/');
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s", folder,
                       slash ? slash + 1 : path);
    return len > 0 && (size_t)len < sizeof(out->sun_path);
}

/* Made if it is not there and this is root: /run is empty after a boot. -1 with errno. */
static int open_folder(const char *path)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    int len = snprintf(folder, sizeof(folder), "%.*s/", slash ? (int)(slash - path) : 1,
                       slash ? path : ".");
    if (len >= (int)sizeof(folder)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (geteuid() == 0)
        (void)!mkdir(folder, 0755); /* else open tells why not */
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Whether somebody listens there already. */
static bool is_served(const struct sockaddr_un *name)
{
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 &&
           (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 || errno == EAGAIN);
}

static bool is_socket(int folder, const char *name)
{
    struct stat found;
    return fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(found.st_mode);
}

/* For owner and group: nobody else may even connect. */
static enum ferry_error open_to_group(int folder, const char *name, const char *group,
                                      struct fault *fault)
{
    const struct group *found = group ? getgrnam(group) : NULL;
    if (group && !found)
        return fault_set(fault, FERRY_E_NOT_FOUND, "there is no group %s", group);
    if (found && fchownat(folder, name, (uid_t)-1, found->gr_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fault_errno(fault, FERRY_E_FILE, "give it to the group %s", group);
    if (fchmodat(folder, name, 0660, 0) < 0)
        return fault_errno(fault, FERRY_E_FILE, "set its mode");
    return FERRY_OK;
}

static enum ferry_error listen_control(const char *path, const char *group, int *out,
                                       struct fault *fault)
{
    struct sockaddr_un name;
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    CLEANUP(fd_close) int folder = open_folder(path);
    if (folder < 0)
        return fault_errno(fault, FERRY_E_FILE, "open the folder of %s", path);
    if (!make_name(path, folder, &name))
        return fault_set(fault, FERRY_E_LIMIT, "the name of %s is too long", path);
    if (is_served(&name))
        return fault_set(fault, FERRY_E_EXISTS, "another server listens on %s", path);
    if (is_socket(folder, last))
        (void)!unlinkat(folder, last, 0); /* else bind tells */
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    int bound = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&name, sizeof(name));
    int why = errno;
    umask(before);
    errno = why;
    if (bound < 0)
        return fault_errno(fault, FERRY_E_FILE, "listen on %s", path);
    enum ferry_error error = open_to_group(folder, last, group, fault);
    if (error == FERRY_OK && listen(fd, BACKLOG) < 0)
        error = fault_errno(fault, FERRY_E_FILE, "listen on %s", path);
    if (error == FERRY_OK)
        *out = fd_take(&fd);
    else
        (void)!unlinkat(folder, last, 0);
    return error;
}

static void remove_control(const char *path)
{
    (void)!unlink(path); /* what is left there is removed by the next server */
}

/* ---- places ---- */

static void place_free(struct ops_place *place)
{
    alloc_free(place->name);
    fd_close(&place->fd);
    *place = (struct ops_place){.fd = -1};
}

static bool is_same(const struct ops_place *place, const char *name)
{
    return place->name && name && strcmp(place->name, name) == 0;
}

static enum ferry_error listen_at(const struct conf_endpoint *at, int *out, struct fault *fault)
{
    struct address address;
    enum ferry_error error = address_parse(at->address.text, at->port, &address);
    if (error != FERRY_OK)
        return fault_set(fault, error, "it is no address");
    return socket_listen(&address, BACKLOG, out, fault);
}

/* "" if there is none. */
static void endpoint_text(const struct conf_endpoint *at, char out[static 64])
{
    out[0] = '\0';
    if (at->address.text[0])
        snprintf(out, 64, "%s %u", at->address.text, (unsigned)at->port);
}

/* Takes `name`. A socket of that name that is open already is used again. */
static enum ferry_error prepare(struct ops_sockets *sockets, enum ops_socket which, char *name,
                                int fd)
{
    CLEANUP(fd_close) int owned = fd;
    if (!name)
        return FERRY_E_MEMORY;
    place_free(&sockets->next[which]);
    sockets->next[which] = (struct ops_place){.name = name, .fd = fd_take(&owned)};
    return FERRY_OK;
}

/* There may be several servers on one machine, of which one has the default. */
static void tell_without(const struct log *log, const char *path, const struct fault *why)
{
    log_event(log, LOG_LEVEL_ERROR, "control.none", F_STR("path", path),
              F_VISIBLE("reason", why->what), F_STR("side", "server"),
              F_STR("advice", "ferryctl cannot reach this server: set control to another path"));
}

static enum ferry_error bind_control(struct ops_sockets *sockets, struct conf *conf,
                                     const char *file, const struct log *log)
{
    const struct settings_global *global = settings_global(conf);
    struct fault fault = {0};
    int fd = -1;
    CLEANUP(alloc_free_str) char *path = control_path(global->control, file);
    if (!path)
        return FERRY_E_MEMORY;
    if (!is_same(&sockets->now[OPS_SOCKET_CONTROL], path) &&
        listen_control(path, global->control_group, &fd, &fault) != FERRY_OK) {
        if (global->control)
            conf_mistake(conf, conf_next(conf, NULL, NULL), "control", "control: %s", fault.what);
        else
            tell_without(log, path, &fault);
        return FERRY_OK;
    }
    return prepare(sockets, OPS_SOCKET_CONTROL, alloc_str(path), fd);
}

static enum ferry_error bind_endpoint(struct ops_sockets *sockets, enum ops_socket which,
                                      struct conf *conf, const char *directive,
                                      const struct conf_endpoint *at)
{
    char name[64];
    struct fault fault = {0};
    int fd = -1;
    endpoint_text(at, name);
    if (!name[0])
        return FERRY_OK;
    if (!is_same(&sockets->now[which], name) && listen_at(at, &fd, &fault) != FERRY_OK) {
        conf_mistake(conf, conf_next(conf, NULL, NULL), directive, "%s: %s", directive, fault.what);
        return FERRY_OK;
    }
    return prepare(sockets, which, alloc_str(name), fd);
}

enum ferry_error ops_sockets_bind(struct ops_sockets *sockets, struct conf *conf, const char *file,
                                  const struct log *log)
{
    const struct settings_global *global = settings_global(conf);
    ops_sockets_unbind(sockets);
    enum ferry_error error = bind_control(sockets, conf, file, log);
    if (error == FERRY_OK)
        error = bind_endpoint(sockets, OPS_SOCKET_METRICS, conf, "metrics", &global->metrics);
    if (error == FERRY_OK)
        error = bind_endpoint(sockets, OPS_SOCKET_WEB, conf, "web", &global->web);
    return error;
}

void ops_sockets_unbind(struct ops_sockets *sockets)
{
    struct ops_place *control = &sockets->next[OPS_SOCKET_CONTROL];
    if (control->fd >= 0)
        remove_control(control->name);
    for (int i = 0; i < OPS_SOCKETS; i++)
        place_free(&sockets->next[i]);
}

void ops_sockets_keep(struct ops_sockets *sockets)
{
    for (int i = 0; i < OPS_SOCKETS; i++) {
        struct ops_place *now = &sockets->now[i];
        struct ops_place *next = &sockets->next[i];
        if (!is_same(now, next->name)) {
            if (i == OPS_SOCKET_CONTROL && now->fd >= 0)
                remove_control(now->name);
            place_free(now);
            *now = *next;
            *next = (struct ops_place){.fd = -1};
        }
        place_free(next);
    }
}

void ops_sockets_give(const struct ops_sockets *sockets, struct child *child)
{
    for (int i = 0; i < OPS_SOCKETS; i++) {
        const struct ops_place *next = &sockets->next[i];
        int fd = next->fd >= 0 ? next->fd : sockets->now[i].fd;
        if (fd >= 0)
            child_listener(child, (uint32_t)i, fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }
}

void ops_sockets_init(struct ops_sockets *sockets)
{
    for (int i = 0; i < OPS_SOCKETS; i++)
        sockets->now[i] = sockets->next[i] = (struct ops_place){.fd = -1};
}

void ops_sockets_fini(struct ops_sockets *sockets)
{
    ops_sockets_unbind(sockets);
    if (sockets->now[OPS_SOCKET_CONTROL].fd >= 0)
        remove_control(sockets->now[OPS_SOCKET_CONTROL].name);
    for (int i = 0; i < OPS_SOCKETS; i++)
        place_free(&sockets->now[i]);
}
