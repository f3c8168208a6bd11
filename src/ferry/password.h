/* Where the login comes from. */
#ifndef FERRY_FERRY_PASSWORD_H
#define FERRY_FERRY_PASSWORD_H

#include "ferry/args.h"
#include "ferry/exit.h"
#include "ferry/ferry.h"
#include "ftp/url.h"

/* Gives the session user and password for `url`. The user is the URL's, or ~/.netrc's; without
 * either the login is anonymous. The password is, in this order, the URL's (with a warning), that
 * of
 * --password-file, FERRY_PASSWORD, ~/.netrc, an answer on the terminal.
 * What goes wrong is told. */
enum exit_code password_set(ferry_session *session, const struct settings *settings,
                            const struct url *url);

#endif
