/* Where PAM is asked. */
#include "ferryd/auth/pam_line.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

void pam_line_init(struct pam_line *line)
{
    pthread_mutex_init(&line->lock, NULL);
    line->fd = -1;
}

void pam_line_fini(struct pam_line *line)
{
    fd_close(&line->fd);
    pthread_mutex_destroy(&line->lock);
}

void pam_line_connect(struct pam_line *line, int fd)
{
    pthread_mutex_lock(&line->lock);
    fd_close(&line->fd);
    line->fd = fd;
    pthread_mutex_unlock(&line->lock);
}

/* One message, whole, without waiting; with `passed`, unless that is -1. */
static enum ferry_error say(struct pam_line *line, const struct wire_writer *writer, int passed,
                            struct fault *fault)
{
    struct bytes packet;
    if (wire_end(writer, &packet) != FERRY_OK)
        return fault_set(fault, FERRY_E_LIMIT, "PAM is asked with too many words");
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec vector = {.iov_base = (void *)(uintptr_t)packet.ptr, .iov_len = packet.len};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (passed >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof(control.space);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(header), &passed, sizeof(passed));
    }
    pthread_mutex_lock(&line->lock);
    errno = ENOTCONN;
    ssize_t sent = line->fd >= 0 ? sendmsg(line->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
    int saved = errno;
    pthread_mutex_unlock(&line->lock);
    errno = saved;
    return sent < 0 ? fault_errno(fault, FERRY_E_LOST, "ferryd-pam cannot be asked") : FERRY_OK;
}

static enum ferry_error send_end(struct pam_line *line, const struct pam_ask *ask, uint64_t session,
                                 int end, struct fault *fault)
{
    char space[512];
    struct wire_writer writer;
    if (ask->deed != PAM_DEED_OPEN) {
        wire_begin(&writer, MESSAGE_PAM_CHECK, space, sizeof(space));
    } else {
        wire_begin(&writer, MESSAGE_PAM_OPEN, space, sizeof(space));
        wire_put_u64(&writer, session);
        wire_put_bytes(&writer, ask->name);
        wire_put_bytes(&writer, ask->host);
    }
    return say(line, &writer, end, fault);
}

enum ferry_error pam_line_ask(struct pam_line *line, const struct pam_ask *ask, uint64_t session,
                              int patience_ms, struct pam_answer *out, struct fault *fault)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fault_errno(fault, FERRY_E_LIMIT, "PAM cannot be asked");
    CLEANUP(fd_close) int ours = ends[0];
    CLEANUP(fd_close) int theirs = ends[1];
    /* The ask waits in the channel for whoever is to answer it. */
    enum ferry_error error = pam_wire_send_ask(ours, ask, fault);
    if (error == FERRY_OK)
        error = send_end(line, ask, session, theirs, fault);
    fd_close(&theirs);
    return error == FERRY_OK ? pam_wire_get_answer(ours, patience_ms, out, fault) : error;
}

void pam_line_close(struct pam_line *line, uint64_t session)
{
    char space[64];
    struct wire_writer writer;
    struct fault fault = {0};
    wire_begin(&writer, MESSAGE_PAM_CLOSE, space, sizeof(space));
    wire_put_u64(&writer, session);
    (void)!say(line, &writer, -1, &fault); /* if ferryd-pam has gone, so has what it knew of it */
}
