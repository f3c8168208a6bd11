/* One end of a channel to another process, on a loop. */
#include "ferryd/link.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/secret.h"

static_assert((int)CHANNEL_MESSAGE_BYTES <= (int)LOOP_SCRATCH_BYTES,
              "a message fits the loop's block");

enum {
    QUEUE_MAX_BYTES = 4 * 1024 * 1024,
    MESSAGES_MAX = 64, /* in one turn of the loop */
};

struct link {
    struct link_setup setup;
    struct channel channel;
    struct loop_watch *watch;
    struct loop_task *tell; /* that it is over */
    struct fault why;
    bool over;
    bool *freed; /* set by link_free while a message is being handled */
    struct wire_writer writer;
};

static void link_watch(struct link *link)
{
    loop_watch_want(link->watch, !link->over, !link->over && channel_wants_write(&link->channel));
}

static void link_over(struct link *link, const struct fault *why)
{
    if (link->over)
        return;
    link->over = true;
    if (why)
        link->why = *why;
    channel_end(&link->channel);
    link_watch(link);
    loop_task_post(link->tell);
}

static void link_tell(void *ctx)
{
    struct link *link = ctx;
    link->setup.closed(link->setup.ctx, &link->why);
}

/* ---- receiving ---- */

/* Checks one message and hands it on. false: the link is over, or freed. */
static bool link_handle(struct link *link, struct channel_message *raw)
{
    bool freed = false;
    struct fault fault = {0};
    struct wire_reader reader;
    const struct wire_message *row = NULL;
    const struct link_setup *setup = &link->setup;
    wire_open(&reader, raw->data, raw->fd_count);
    link->freed = &freed;
    enum ferry_error error =
        wire_check(setup->table, setup->peer, setup->state, &reader, &row, &fault);
    if (error == FERRY_OK)
        error = setup->message(setup->ctx, row, &reader, raw, &fault);
    if (freed)
        return false;
    link->freed = NULL;
    if (error != FERRY_OK)
        link_over(link, &fault);
    return !link->over;
}

/* Takes the next message. false: there is none, the link is over, or freed. */
static bool link_receive(struct link *link)
{
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got = CHANNEL_NOTHING;
    struct fault fault = {0};
    if (channel_receive(&link->channel, space, &message, &got, &fault) != FERRY_OK) {
        link_over(link, &fault);
        return false;
    }
    if (got == CHANNEL_END)
        link_over(link, NULL);
    if (got != CHANNEL_MESSAGE)
        return false;
    bool more = link_handle(link, &message);
    secret_wipe(space, message.data.len); /* it may have held a password */
    channel_message_fini(&message);
    return more;
}

static void link_ready(void *ctx, bool readable, bool writable)
{
    struct link *link = ctx;
    struct fault fault = {0};
    if (writable && channel_wants_write(&link->channel) &&
        channel_flush(&link->channel, &fault) != FERRY_OK)
        link_over(link, &fault);
    link_watch(link);
    for (int i = 0; readable && i < MESSAGES_MAX; i++)
        if (!link_receive(link))
            return;
}

/* ---- sending ---- */

struct wire_writer *link_begin(struct link *link, uint16_t type)
{
    /* Shared by all links of the loop: a message is begun and sent in one go. */
    wire_begin(&link->writer, type, loop_scratch(link->setup.loop), CHANNEL_MESSAGE_BYTES);
    return &link->writer;
}

enum ferry_error link_send(struct link *link, const int *fds, size_t fd_count, struct fault *fault)
{
    struct bytes message = {0};
    enum ferry_error error = wire_end(&link->writer, &message);
    if (error == FERRY_OK && !link->over) {
        error = channel_send(&link->channel, message, fds, fd_count, fault);
    } else {
        for (size_t i = 0; i < fd_count; i++)
            fd_close(&(int){fds[i]});
        error = link->over ? fault_set(fault, FERRY_E_LOST, "the other process has gone")
                           : fault_set(fault, error, "the message does not fit");
    }
    secret_wipe(loop_scratch(link->setup.loop), message.len);
    if (error == FERRY_E_LOST)
        link_over(link, fault);
    link_watch(link);
    return error;
}

/* ---- life ---- */

enum ferry_error link_new(const struct link_setup *setup, int fd, struct link **out)
{
    CLEANUP(fd_close) int owned = fd;
    struct link *link = alloc_zero(sizeof(*link));
    if (!link)
        return FERRY_E_MEMORY;
    link->setup = *setup;
    channel_init(&link->channel, fd_take(&owned), QUEUE_MAX_BYTES);
    link->watch = loop_watch_new(setup->loop, channel_fd(&link->channel), link_ready, link);
    link->tell = loop_task_new(setup->loop, link_tell, link);
    if (!link->watch || !link->tell) {
        link_free(link);
        return FERRY_E_MEMORY;
    }
    link_watch(link);
    *out = link;
    return FERRY_OK;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    if (link->freed)
        *link->freed = true;
    loop_watch_free(link->watch);
    loop_task_free(link->tell);
    channel_fini(&link->channel);
    alloc_free(link);
}

void link_set_state(struct link *link, unsigned state)
{
    link->setup.state = state;
}
