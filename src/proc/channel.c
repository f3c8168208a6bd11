/* Messages with descriptors over SOCK_SEQPACKET. */
#include "proc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"

/* A message that waits, followed by its bytes. */
struct channel_pending {
    STAILQ_ENTRY(channel_pending) next;
    int fds[CHANNEL_FDS];
    size_t fd_count;
    size_t len;
    char data[];
};

/* Aligned room for the control data of CHANNEL_FDS descriptors. */
union control {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS)];
};

enum sending { SENT, WAITS, FAILED };

enum ferry_error channel_pair(int ends[static 2], struct fault *fault)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return fault_errno(fault, FERRY_E_LIMIT, "make a channel");
    return FERRY_OK;
}

void channel_init(struct channel *channel, int fd, size_t queue_cap_bytes)
{
    *channel = (struct channel){.fd = fd, .queue_cap_bytes = queue_cap_bytes};
    STAILQ_INIT(&channel->queue);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fd_close(&fds[i]);
}

/* Messages carry passwords. */
static void pending_free(struct channel_pending *pending)
{
    close_all(pending->fds, pending->fd_count);
    explicit_bzero(pending->data, pending->len);
    alloc_free(pending);
}

static void drop_first(struct channel *channel)
{
    struct channel_pending *first = STAILQ_FIRST(&channel->queue);
    STAILQ_REMOVE_HEAD(&channel->queue, next);
    channel->queued_bytes -= sizeof(*first) + first->len;
    pending_free(first);
}

void channel_end(struct channel *channel)
{
    channel->ended = true;
    while (!STAILQ_EMPTY(&channel->queue))
        drop_first(channel);
    shutdown(channel->fd, SHUT_RDWR);
}

void channel_fini(struct channel *channel)
{
    channel_end(channel);
    fd_close(&channel->fd);
}

int channel_fd(const struct channel *channel)
{
    return channel->fd;
}

bool channel_wants_write(const struct channel *channel)
{
    return !STAILQ_EMPTY(&channel->queue);
}

static enum sending try_send(int fd, struct bytes data, const int *fds, size_t fd_count)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)data.ptr, .iov_len = data.len};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {0};
    if (fd_count > 0) {
        header.msg_control = control.space;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
    }
    for (;;) {
        if (sendmsg(fd, &header, MSG_NOSIGNAL) >= 0)
            return SENT;
        if (errno != EINTR)
            return errno == EAGAIN ? WAITS : FAILED;
    }
}

static enum ferry_error queue(struct channel *channel, struct bytes data, int *fds, size_t fd_count,
                              struct fault *fault)
{
    size_t size = sizeof(struct channel_pending) + data.len;
    if (size > channel->queue_cap_bytes - channel->queued_bytes)
        return fault_set(fault, FERRY_E_LIMIT, "the other process does not read its messages");
    struct channel_pending *pending = alloc_zero(size);
    if (!pending)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a message");
    for (size_t i = 0; i < fd_count; i++)
        pending->fds[i] = fd_take(&fds[i]);
    pending->fd_count = fd_count;
    pending->len = data.len;
    memcpy(pending->data, data.ptr, data.len);
    STAILQ_INSERT_TAIL(&channel->queue, pending, next);
    channel->queued_bytes += size;
    return FERRY_OK;
}

/* Ends the channel because of errno. */
static enum ferry_error lost(struct channel *channel, const char *doing, struct fault *fault)
{
    enum ferry_error error = fault_errno(fault, FERRY_E_LOST, "%s", doing);
    channel_end(channel);
    return error;
}

/* As channel_send, but leaves in `fds` those that are still to be closed. */
static enum ferry_error send_now_or_later(struct channel *channel, struct bytes data, int *fds,
                                          size_t fd_count, struct fault *fault)
{
    if (channel->ended)
        return fault_set(fault, FERRY_E_LOST, "the channel to the other process has ended");
    if (data.len == 0) /* would look like the end */
        return fault_set(fault, FERRY_E_ARGUMENT, "a message without bytes");
    if (data.len > CHANNEL_MESSAGE_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "a message of %zu bytes", data.len);
    if (channel_wants_write(channel))
        return queue(channel, data, fds, fd_count, fault);
    switch (try_send(channel->fd, data, fds, fd_count)) {
    case SENT:
        return FERRY_OK;
    case WAITS:
        return queue(channel, data, fds, fd_count, fault);
    case FAILED:
        break;
    }
    return lost(channel, "send a message to the other process", fault);
}

enum ferry_error channel_send(struct channel *channel, struct bytes data, const int *fds,
                              size_t fd_count, struct fault *fault)
{
    if (fd_count > CHANNEL_FDS) {
        for (size_t i = 0; i < fd_count; i++)
            fd_close(&(int){fds[i]});
        return fault_set(fault, FERRY_E_LIMIT, "a message with %zu descriptors", fd_count);
    }
    int owned[CHANNEL_FDS];
    for (size_t i = 0; i < fd_count; i++)
        owned[i] = fds[i];
    enum ferry_error error = send_now_or_later(channel, data, owned, fd_count, fault);
    close_all(owned, fd_count);
    return error;
}

enum ferry_error channel_flush(struct channel *channel, struct fault *fault)
{
    if (channel->ended)
        return fault_set(fault, FERRY_E_LOST, "the channel to the other process has ended");
    while (channel_wants_write(channel)) {
        struct channel_pending *first = STAILQ_FIRST(&channel->queue);
        struct bytes data = bytes_of(first->data, first->len);
        switch (try_send(channel->fd, data, first->fds, first->fd_count)) {
        case SENT:
            drop_first(channel);
            break;
        case WAITS:
            return FERRY_OK;
        case FAILED:
            return lost(channel, "send a message to the other process", fault);
        }
    }
    return FERRY_OK;
}

/* Takes the descriptors out of the control data. */
static void take_fds(struct msghdr *header, struct channel_message *out)
{
    for (size_t i = 0; i < CHANNEL_FDS; i++)
        out->fds[i] = -1;
    out->fd_count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && out->fd_count < CHANNEL_FDS; i++)
            memcpy(&out->fds[out->fd_count++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

/* What is wrong with a message as it came; FERRY_OK if nothing is. */
static enum ferry_error check(const struct msghdr *header, const struct channel_message *message,
                              struct fault *fault)
{
    if (header->msg_flags & MSG_TRUNC)
        return fault_set(fault, FERRY_E_PROTOCOL, "a message of more than %d bytes",
                         CHANNEL_MESSAGE_BYTES);
    if (header->msg_flags & MSG_CTRUNC) {
        if (message->fd_count == CHANNEL_FDS)
            return fault_set(fault, FERRY_E_PROTOCOL, "a message with more than %d descriptors",
                             CHANNEL_FDS);
        return fault_set(fault, FERRY_E_LIMIT, "no descriptor left for one that was sent");
    }
    if (message->data.len == 0)
        return fault_set(fault, FERRY_E_PROTOCOL, "a message without bytes");
    return FERRY_OK;
}

enum ferry_error channel_receive(struct channel *channel, char space[static CHANNEL_MESSAGE_BYTES],
                                 struct channel_message *out, enum channel_got *got,
                                 struct fault *fault)
{
    *got = CHANNEL_END;
    if (channel->ended)
        return FERRY_OK;
    struct iovec part = {.iov_base = space, .iov_len = CHANNEL_MESSAGE_BYTES};
    union control control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t len;
    do {
        header.msg_control = control.space;
        header.msg_controllen = sizeof(control.space);
        len = recvmsg(channel->fd, &header, MSG_CMSG_CLOEXEC);
        /* ECONNRESET comes once, when the peer left messages of ours unread, and before its own
         * last ones, which may still be had. */
    } while (len < 0 && (errno == EINTR || errno == ECONNRESET));
    if (len < 0 && errno == EAGAIN) {
        *got = CHANNEL_NOTHING;
        return FERRY_OK;
    }
    if (len < 0)
        return lost(channel, "receive a message from the other process", fault);

    take_fds(&header, out);
    out->data = bytes_of(space, (size_t)len);
    if (len == 0 && out->fd_count == 0 && !(header.msg_flags & MSG_CTRUNC)) {
        channel_end(channel);
        return FERRY_OK;
    }
    enum ferry_error error = check(&header, out, fault);
    if (error != FERRY_OK) {
        channel_message_fini(out);
        channel_end(channel);
        return error;
    }
    *got = CHANNEL_MESSAGE;
    return FERRY_OK;
}

void channel_message_fini(struct channel_message *message)
{
    close_all(message->fds, message->fd_count);
    message->fd_count = 0;
}
