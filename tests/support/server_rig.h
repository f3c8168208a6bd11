/* A whole server and raw clients on one loop, over loopback: a client sends lines and looks at
 * every reply and every byte of a data connection. Whatever should not happen fails the cmocka
 * test. */
#ifndef FERRY_TESTS_SERVER_RIG_H
#define FERRY_TESTS_SERVER_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "embed/users.h"
#include "server/worker.h"
#include "support/net_kit.h"
#include "support/tempdir.h"
#include "support/tls_kit.h"

#define RIG_USER "anna"
#define RIG_OTHER_USER "bert" /* the same files, under another account */
#define RIG_READER "rita"     /* the same files, read-only */
#define RIG_PASSWORD "correct horse"

enum { RIG_LISTENERS = 3 };

struct server_rig {
    struct net_kit net;
    struct tls_kit tls;
    struct tempdir dir; /* what the accounts see as "/" */
    struct users *users;
    struct server_worker *worker;
    struct server_listener *listener; /* of `port` */
    uint16_t port, implicit_port;
    uint16_t either_port; /* but with dialect.greet_before_tls */
    struct log log;
    struct buf lines; /* the server's log, a line each */
    bool drained;
};

struct server_rig_options {
    enum tls_version version; /* the only one; 0: 1.2 and 1.3 */
    bool drop_cut_uploads;
    bool upload_in_place, hide_dotfiles; /* of the accounts, as denied_names (store/home.h) */
    const char *denied_names;
    struct server_rules rules;       /* without kind and tls, which the rig adds; for dialect.fxp
                                        it knows other servers by the kit's CA */
    struct server_settings settings; /* without master and log, which the rig adds; without
                                        account_ops: the rig's users are the accounts anyhow */
};

/* A server with active mode, kept uploads and a short delay of failed logins; else as `options`
 * (NULL: defaults) says. */
void server_rig_open(struct server_rig *rig, const struct server_rig_options *options);
void server_rig_close(struct server_rig *rig);

/* Whether a line of the log holds all of these words (NULL-terminated). */
bool server_rig_logged(const struct server_rig *rig, ...);

/* ---- a control connection ---- */

struct rig_client {
    struct server_rig *rig;
    struct net_end control;
    struct tls_sessions *sessions; /* that it collects, and offers on data connections */
    struct tls_trust trust;
    char line[4096]; /* that was said last */
    char text[8192]; /* of the last reply: all its lines, CRLF between them */
    uint16_t data_port;
};

/* Connects; nothing is read yet. rig_connect_implicit seals it, too. */
void rig_connect_port(struct rig_client *client, struct server_rig *rig, uint16_t port);
void rig_connect(struct rig_client *client, struct server_rig *rig);
void rig_connect_from(struct rig_client *client, struct server_rig *rig, const char *from);
void rig_connect_implicit(struct rig_client *client, struct server_rig *rig);
void rig_close(struct rig_client *client);

/* The TLS handshake, which must succeed. */
void rig_seal(struct rig_client *client);

/* Greeting, AUTH TLS, login, PBSZ 0, PROT P, TYPE I. */
void rig_login(struct rig_client *client, struct server_rig *rig);
void rig_login_as(struct rig_client *client, struct server_rig *rig, const char *user);
void rig_login_from(struct rig_client *client, struct server_rig *rig, const char *from);

/* As rig_login_as, of a client that is connected. */
void rig_login_here(struct rig_client *client, const char *user);

void rig_send(struct rig_client *client, struct bytes bytes);
void rig_say(struct rig_client *client, const char *format, ...) PRINTF_LIKE(2, 3);

/* The next reply's code. */
int rig_reply(struct rig_client *client);

/* Sends a line; its reply must have the code. */
void rig_expect(struct rig_client *client, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The next reply must have the code. */
void rig_expect_reply(struct rig_client *client, int code);

/* The text of the last reply holds `part`. */
void rig_assert_text(const struct rig_client *client, const char *part);

/* Waits for the end of the control connection; what came before it stays in control.received. */
void rig_await_end(struct rig_client *client);

/* ---- data connections ---- */

struct rig_data {
    struct server_rig *rig;
    struct net_end end;
    int listener;               /* active mode, or -1 */
    struct tls_sessions *fresh; /* of one that offers no session, or NULL */
};

/* EPSV, and a TCP connection to that port. */
void rig_passive(struct rig_client *client, struct rig_data *data);

/* A TCP connection to the port of the client's last EPSV, from `from` (NULL: from anywhere). */
void rig_data_connect(struct rig_client *client, struct rig_data *data, const char *from);

/* EPRT to a listener of our own; then, after the command, its connection. */
void rig_active(struct rig_client *client, struct rig_data *data);
void rig_active_accept(struct rig_data *data);

/* Begins the handshake, offering the newest session of `owner`; or, as a client that does not
 * resume, none. */
void rig_data_start_tls(struct rig_data *data, struct rig_client *owner);
void rig_data_start_fresh_tls(struct rig_data *data, struct rig_client *owner);

/* As rig_data_start_tls, and waits until it is sealed. */
void rig_data_seal(struct rig_data *data, struct rig_client *owner);

/* Waits for the end of what comes; says how it ended. */
enum stream_end rig_data_end(struct rig_data *data);

/* Sends all; then, for rig_data_finish, close_notify and FIN. */
void rig_data_send(struct rig_data *data, struct bytes bytes);
void rig_data_finish(struct rig_data *data);

/* FIN without close_notify, behind `tail`, which is not sealed: the beginning of a record, or
 * empty. */
void rig_data_fin(struct rig_data *data, struct bytes tail);

/* RST without close_notify. */
void rig_data_cut(struct rig_data *data);
void rig_data_close(struct rig_data *data);

/* A whole upload and download over a protected passive data connection. */
void rig_upload(struct rig_client *client, const char *command, struct bytes content);
void rig_download(struct rig_client *client, const char *command, struct buf *out);

#endif
