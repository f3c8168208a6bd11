/* What a server answered, for people. */
#ifndef FERRY_FERRYCTL_TELL_H
#define FERRY_FERRYCTL_TELL_H

#include <jansson.h>

void tell_status(const json_t *result);
void tell_sessions(const json_t *result);
void tell_accounts(const json_t *result);
void tell_bans(const json_t *result);
void tell_kicked(const json_t *result);
void tell_reloaded(const json_t *result);
void tell_draining(const json_t *result);
void tell_banned(const json_t *result);

/* One event, as the text form of the log has it. */
void tell_event(const json_t *event);

#endif
