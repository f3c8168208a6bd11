/* The one session that all URLs of a command line use, as long as they name the same server and
 * user. */
#ifndef FERRY_FERRY_LINK_H
#define FERRY_FERRY_LINK_H

#include <stdbool.h>

#include "ferry/args.h"
#include "ferry/exit.h"
#include "ferry/ferry.h"
#include "ftp/url.h"

struct link {
    const struct settings *settings;
    ferry_session *session; /* connected if `peer` is set */
    char *peer;             /* the URL without path of where it is connected to, or NULL */
};

/* Makes the session and gives it what the settings say. On failure the words are told. End it with
 * link_fini in either case. */
enum exit_code link_init(struct link *link, const struct settings *settings);

/* QUIT, and frees it. */
void link_fini(struct link *link);

/* Connects to where `url` points and logs in, if that is not where the session is; finds the
 * password. On failure the words are told. */
enum exit_code link_to(struct link *link, const struct url *url);

/* Tells the last failure of the session and gives its exit code; `error` is what its call returned.
 */
enum exit_code link_failed(const struct link *link, enum ferry_error error);

/* The exit code of a failure that was told already. */
enum exit_code link_exit(const struct link *link, enum ferry_error error);

/* true once the user pressed Ctrl-C: nothing more is to be begun. */
bool link_interrupted(void);

#endif
