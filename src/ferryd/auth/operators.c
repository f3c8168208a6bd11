/* The channel to ferryd-ops. */
#include "ferryd/auth/operators.h"

#include "base/fd.h"
#include "ferryd/messages.h"

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    struct operators *operators = ctx;
    (void)raw;
    switch (row->type) {
    case MESSAGE_ACCOUNTS_ASK:
        return account_desk_ask(&operators->accounts, operators->channel, wire_get_u64(reader),
                                fault);
    case MESSAGE_BANS_ASK:
    case MESSAGE_BAN:
    case MESSAGE_UNBAN:
        return ban_desk_message(&operators->bans, operators->channel, row->type, reader, fault);
    default:
        return ban_desk_done(operators->channel, wire_get_u64(reader), "auth does not tell that",
                             fault);
    }
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct operators *operators = ctx;
    if (fault_is_set(why))
        log_event(operators->bans.log, LOG_LEVEL_ERROR, "channel.ended", F_STR("process", "ops"),
                  F_VISIBLE("reason", why->what), F_STR("side", "server"),
                  F_STR("advice", "ferryd-ops said what it may not: look at its own events"));
    account_desk_forget(&operators->accounts);
    link_free(operators->channel);
    operators->channel = NULL;
}

static enum ferry_error serve(struct operators *operators)
{
    const struct link_setup setup = {
        .loop = operators->loop,
        .table = &messages_ops_to_auth,
        .peer = ROLE_OPS,
        .state = MESSAGE_RUNNING,
        .message = on_message,
        .closed = on_closed,
        .ctx = operators,
    };
    return link_new(&setup, fd_take(&operators->fd), &operators->channel);
}

enum ferry_error operators_connect(struct operators *operators, int fd)
{
    account_desk_forget(&operators->accounts);
    link_free(operators->channel);
    operators->channel = NULL;
    fd_close(&operators->fd);
    operators->fd = fd;
    return operators->bans.throttle ? serve(operators) : FERRY_OK;
}

enum ferry_error operators_open(struct operators *operators, const struct ban_desk *bans,
                                const struct book *book)
{
    operators->accounts = (struct account_desk){.loop = operators->loop, .book = book};
    operators->bans = *bans;
    return operators->fd >= 0 ? serve(operators) : FERRY_OK;
}

void operators_init(struct operators *operators, struct loop *loop)
{
    *operators = (struct operators){.loop = loop, .fd = -1};
}
