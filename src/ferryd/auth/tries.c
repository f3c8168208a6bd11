/* A login's password as one of many tries. */
#include "ferryd/auth/tries.h"

#include "base/clock.h"

static uint64_t wall_ns(void)
{
    return (uint64_t)clock_wall_ns(&clock_system);
}

bool tries_are_banned(const struct tries *tries, const struct login *login, struct fault *fault)
{
    uint64_t now_ns = wall_ns();
    uint64_t until_ns = throttle_banned_until(&tries->throttle, &login->peer, now_ns);
    if (until_ns > 0)
        fault_set(fault, FERRY_E_LIMIT, "this address is banned for %llu s",
                  (unsigned long long)((until_ns - now_ns) / CLOCK_NS_PER_S + 1));
    return until_ns > 0;
}

bool tries_begin(struct tries *tries, struct login *login, struct fault *fault)
{
    if (tries_are_banned(tries, login, fault))
        return false;
    if (!login->password)
        return true;
    login->tried = throttle_try(&tries->throttle, &login->peer, bytes_str(login->name), wall_ns());
    if (!login->tried)
        fault_set(fault, FERRY_E_LIMIT,
                  "too many logins to this account or from this address failed; that passes");
    return login->tried;
}

void tries_settle(struct tries *tries, struct login *login, bool decided)
{
    bool refused = decided && login->verdict == LOGIN_ANSWER_REFUSED;
    if (login->tried && !refused)
        throttle_undo(&tries->throttle, &login->peer, bytes_str(login->name),
                      decided && login->verdict == LOGIN_ANSWER_GRANTED, wall_ns());
    login->tried = false;
}

static void log_ban(const struct tries *tries, const struct login *login)
{
    char peer[ADDRESS_TEXT_BYTES];
    address_text(&login->peer, peer);
    log_event(tries->log, LOG_LEVEL_NOTICE, "auth.ban", F_STR("peer", peer),
              F_DUR("lasts", tries->throttle.settings.ban_ns),
              F_STR("reason", "too many failed logins from this address"), F_STR("side", "client"),
              F_STR("advice", "it passes by itself; \"ferryctl bans\" shows and lifts it"));
}

uint64_t tries_failed(struct tries *tries, const struct login *login)
{
    bool banned = false;
    uint64_t delay_ns = throttle_failed(&tries->throttle, &login->peer, wall_ns(), &banned);
    if (banned)
        log_ban(tries, login);
    return delay_ns;
}
