/* A login as a question to auth. */
#ifndef FERRY_FERRYD_WORKER_LOGIN_ASK_H
#define FERRY_FERRYD_WORKER_LOGIN_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "ferryd/link.h"
#include "server/backend.h"

/* Sends MESSAGE_LOGIN_ASK of that number. false: it cannot be sent. */
bool login_ask_send(struct link *auth, uint64_t number, const struct login_request *request);

#endif
