/* A ferry_session beside a fake server: what most tests of the client begin and end with. */
#ifndef FERRY_TESTS_CLIENT_RIG_H
#define FERRY_TESTS_CLIENT_RIG_H

#include "ferry/ferry.h"
#include "support/fake_server.h"
#include "support/tempdir.h"

enum { RIG_TRACE_BYTES = 64 * 1024 };

struct client_rig {
    struct fake_certificates certificates;
    struct tempdir dir; /* for local files; holds ca.pem, too */
    struct fake_server *server;
    ferry_session *session;
    char trace[RIG_TRACE_BYTES]; /* of the last server: a line each, with its sign and a blank */
    size_t trace_len;
};

/* For cmocka's group: makes the certificates. */
int client_rig_group_setup(void **state);
int client_rig_group_teardown(void **state);

/* For each test: an empty directory, a session that trusts the CA, with the login "anna", "secret"
 * and limits of a few seconds. */
int client_rig_setup(void **state);
int client_rig_teardown(void **state);

/* Starts the fake server. `settings` may leave out its certificates. */
void client_rig_serve(struct client_rig *rig, const struct fake_settings *settings);
void client_rig_run(struct client_rig *rig, fake_script_fn *script);

/* ferry_connect to it. */
enum ferry_error client_rig_connect(struct client_rig *rig);

/* client_rig_run, and a connection that must come to be. */
void client_rig_login(struct client_rig *rig, fake_script_fn *script);

/* Ends the session, waits for the end of the script, which must have found all as it expected, and
 * gives what the server saw, until the end of the test. */
const struct fake *client_rig_end(struct client_rig *rig);

/* A path in the directory; valid until the next call. */
const char *client_rig_path(struct client_rig *rig, const char *name);

/* Asserts that the last failure's words hold `part`: what, peer_said or advice. */
void client_rig_assert_said(struct client_rig *rig, const char *part);

/* Whether the bytes occur anywhere in the queue. */
bool client_rig_holds(const struct buf *haystack, const char *needle);

#endif
