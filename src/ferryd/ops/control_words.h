/* The state as JSON, for ferryctl and whoever else asks the control socket. */
#ifndef FERRY_FERRYD_OPS_CONTROL_WORDS_H
#define FERRY_FERRYD_OPS_CONTROL_WORDS_H

#include <jansson.h>

#include "ferryd/ops/control_request.h"
#include "ferryd/ops/state.h"

/* Each: NULL if memory is short. */
json_t *control_status(const struct state *state);
json_t *control_sessions(const struct state *state);
json_t *control_accounts(const struct state *state);
json_t *control_bans(const struct state *state);

/* The last `count` events, or failures, the oldest first. */
json_t *control_log(const struct state *state, const struct control_request *request);

/* Whether a session is meant by what stands behind `kick`: its id, account or address. */
bool control_is_target(const struct state_session *session, const char *target);

/* RFC 3339, UTC, in seconds; "" for 0. */
enum { CONTROL_TIME_BYTES = 32 };
void control_time(int64_t wall_ns, char out[static CONTROL_TIME_BYTES]);

#endif
