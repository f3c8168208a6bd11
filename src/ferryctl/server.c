/* A server that runs, at its control socket. */
#include "ferryctl/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/control_place.h"
#include "base/fd.h"

enum { PATH_BYTES = 4096 };

/* The folder by a descriptor, since a socket's name may have 107 bytes only. -1 with errno. */
static int connect_to(const char *path)
{
    char folder[PATH_BYTES];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s/", slash ? (int)(slash - path) : 1, slash ? path : ".");
    CLEANUP(fd_close) int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    int len = snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d/%s", at,
                       slash ? slash + 1 : path);
    if (len < 0 || (size_t)len >= sizeof(name.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
        return -1;
    return fd_take(&fd);
}

static enum ferry_error not_connected(const char *path, int error, struct fault *fault)
{
    if (error == EACCES || error == EPERM) {
        (void)fault_set(fault, FERRY_E_DENIED, "you may not connect to %s", path);
        fault_advise(fault, "be root, or who started ferryd, or a member of its control_group");
    } else if (error == ENOENT || error == ECONNREFUSED) {
        (void)fault_set(fault, FERRY_E_NOT_FOUND, "no server is running at %s", path);
        fault_advise(fault,
                     "start ferryd, or say with --control where its socket is: it is "
                     "%s, or " CONTROL_NAME " beside the configuration of a server that "
                     "root did not start",
                     CONTROL_DEFAULT);
    } else {
        (void)fault_set(fault, FERRY_E_CONNECT, "%s cannot be connected to: %s", path,
                        strerror(error));
    }
    return fault->kind;
}

enum ferry_error server_open(const char *path, struct server *out, struct fault *fault)
{
    const char *where = path ? path : CONTROL_DEFAULT;
    CLEANUP(fd_close) int fd = connect_to(where);
    int error = errno;
    if (fd < 0 && !path && error == ENOENT && access(CONTROL_NAME, F_OK) == 0) {
        where = CONTROL_NAME;
        fd = connect_to(where);
        error = errno;
    }
    if (fd < 0)
        return not_connected(where, error, fault);
    out->path = where;
    out->stream = fdopen(fd, "r+");
    if (!out->stream)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    (void)fd_take(&fd);
    return FERRY_OK;
}

void server_close(struct server *server)
{
    if (server->stream)
        fclose(server->stream);
    server->stream = NULL;
}

enum ferry_error server_next(struct server *server, json_t **out, struct fault *fault)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = getline(&line, &size, server->stream);
    *out = len > 0 ? json_loadb(line, (size_t)len, 0, NULL) : NULL;
    free(line); /* getline's */
    if (len <= 0) {
        (void)fault_set(fault, FERRY_E_LOST, "the server at %s has closed the connection",
                        server->path);
        fault_advise(fault, "it may have been started anew: try again");
        return FERRY_E_LOST;
    }
    if (*out)
        return FERRY_OK;
    return fault_set(fault, FERRY_E_PROTOCOL, "what listens on %s is no ferryd", server->path);
}

enum ferry_error server_ask(struct server *server, json_t *request, json_t **out,
                            struct fault *fault)
{
    bool sent = request && json_dumpf(request, server->stream, JSON_COMPACT) == 0 &&
                putc('\n', server->stream) != EOF && fflush(server->stream) == 0;
    bool made = request != NULL;
    json_decref(request);
    if (!made)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short, or a name is no UTF-8");
    if (!sent)
        return fault_set(fault, FERRY_E_LOST, "the server at %s has closed the connection",
                         server->path);
    return server_next(server, out, fault);
}
