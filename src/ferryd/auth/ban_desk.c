/* Where ferryd-ops asks for bans. */
#include "ferryd/auth/ban_desk.h"

#include <string.h>

#include "base/clock.h"
#include "ferryd/messages.h"

/* The rows of one list. */
struct listing {
    struct link *ops;
    uint64_t number;
    enum ferry_error error; /* of the first that could not be sent */
    struct fault *fault;
};

static uint64_t wall_ns(void)
{
    return (uint64_t)clock_wall_ns(&clock_system);
}

static void tell(void *ctx, const struct throttle_ban *ban)
{
    struct listing *listing = ctx;
    char peer[ADDRESS_TEXT_BYTES];
    address_text(&ban->peer, peer);
    if (listing->error != FERRY_OK)
        return;
    struct wire_writer *writer = link_begin(listing->ops, MESSAGE_BAN_ROW);
    wire_put_u64(writer, listing->number);
    wire_put_bytes(writer, bytes_str(peer));
    wire_put_i64(writer, (int64_t)(ban->until_ns / CLOCK_NS_PER_S));
    wire_put_u64(writer, ban->failures);
    wire_put_u8(writer, ban->by_hand);
    listing->error = link_send(listing->ops, NULL, 0, listing->fault);
}

enum ferry_error ban_desk_done(struct link *ops, uint64_t number, const char *why_not,
                               struct fault *fault)
{
    struct wire_writer *writer = link_begin(ops, MESSAGE_BAN_DONE);
    wire_put_u64(writer, number);
    wire_put_u8(writer, why_not == NULL);
    wire_put_bytes(writer, bytes_str(why_not ? why_not : ""));
    return link_send(ops, NULL, 0, fault);
}

/* All of them, as far as they fit: whoever asks learns if they do not. */
static enum ferry_error list(const struct ban_desk *desk, struct link *ops, uint64_t number,
                             struct fault *fault)
{
    struct fault full = {0};
    struct listing listing = {.ops = ops, .number = number, .fault = &full};
    throttle_bans(desk->throttle, wall_ns(), tell, &listing);
    return ban_desk_done(
        ops, number, listing.error == FERRY_OK ? NULL : "there are more than can be told", fault);
}

/* Why not, in words; NULL: it is done. */
static const char *ban(const struct ban_desk *desk, const struct address *peer, const char *text,
                       uint64_t seconds)
{
    uint64_t now_ns = wall_ns();
    if (seconds == 0 || seconds > (UINT64_MAX / 4) / CLOCK_NS_PER_S)
        return "that is no time that a ban can last";
    throttle_ban(desk->throttle, peer, now_ns + seconds * CLOCK_NS_PER_S, now_ns);
    log_event(desk->log, LOG_LEVEL_NOTICE, "auth.ban", F_STR("peer", text),
              F_DUR("lasts", seconds * CLOCK_NS_PER_S), F_STR("reason", "by hand"),
              F_STR("side", "server"), F_STR("advice", "\"ferryctl bans\" lifts it"));
    return NULL;
}

static const char *unban(const struct ban_desk *desk, const struct address *peer, const char *text)
{
    if (!throttle_unban(desk->throttle, peer, wall_ns()))
        return "that address is not banned";
    log_event(desk->log, LOG_LEVEL_NOTICE, "auth.unban", F_STR("peer", text),
              F_STR("reason", "by hand"), F_STR("side", "server"),
              F_STR("advice", "\"ferryctl bans\" lifts it"));
    return NULL;
}

enum ferry_error ban_desk_message(const struct ban_desk *desk, struct link *ops, uint16_t type,
                                  struct wire_reader *reader, struct fault *fault)
{
    char text[MESSAGE_NAME_BYTES + 1];
    struct address peer;
    const char *why_not = NULL;
    uint64_t number = wire_get_u64(reader);
    if (type == MESSAGE_BANS_ASK)
        return list(desk, ops, number, fault);
    struct bytes from = wire_get_bytes(reader);
    memcpy(text, from.ptr ? from.ptr : "", from.len);
    text[from.len] = '\0';
    if (address_parse(text, 0, &peer) != FERRY_OK)
        why_not = "that is no numeric address";
    else if (type == MESSAGE_BAN)
        why_not = ban(desk, &peer, text, wire_get_u64(reader));
    else
        why_not = unban(desk, &peer, text);
    return ban_desk_done(ops, number, why_not, fault);
}
