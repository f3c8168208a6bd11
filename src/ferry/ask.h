/* A question on the terminal whose answer is not shown. */
#ifndef FERRY_FERRY_ASK_H
#define FERRY_FERRY_ASK_H

#include <stdbool.h>

#include "base/secret.h"

/* Asks for the password of `user` at `host` on /dev/tty. false: there is no terminal, or the answer
 * is an interrupt or the end of input. */
bool ask_password(const char *user, const char *host, struct secret **out);

#endif
