/* The server-PI: one control connection as the server sees it. Lines go in; checked commands come
 * out as actions, one at a time; replies go back in order. It keeps what RFC 959 calls the transfer
 * parameters, answers by itself what needs nothing of the world, and refuses what the state or the
 * policy forbids. No I/O, no clock. Not thread safe. */
#ifndef FERRY_FTP_SERVER_PI_H
#define FERRY_FTP_SERVER_PI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "ftp/change.h"
#include "ftp/charset.h"
#include "ftp/command.h"
#include "ftp/dialect.h"
#include "ftp/facts.h"
#include "ftp/hash.h"
#include "ftp/hostport.h"
#include "ftp/security.h"
#include "ftp/timeval.h"

struct server_pi;

enum { SERVER_PI_FEED_MAX_BYTES = 64 * 1024 };

/* What is offered only on wish; what is not is 502 (of SITE 504), and in neither FEAT nor HELP. */
enum server_extra {
    SERVER_EXTRA_RMDA = 1 << 0,     /* FTP-181 */
    SERVER_EXTRA_COMB = 1 << 1,     /* FTP-182 */
    SERVER_EXTRA_SYMLINK = 1 << 2,  /* SITE SYMLINK (FTP-184) */
    SERVER_EXTRA_COPY = 1 << 3,     /* SITE CPFR and CPTO (FTP-184) */
    SERVER_EXTRA_PRET = 1 << 4,     /* FTP-187 */
    SERVER_EXTRA_MDTM_SET = 1 << 5, /* MDTM time path, where there is no file of both (FTP-75) */
    SERVER_EXTRA_GLOB = 1 << 6,     /* `*` and `?` in the last name of LIST and NLST (FTP-71) */
};

struct server_pi_settings {
    bool tls_available; /* false: AUTH is 502 */
    bool implicit;      /* TLS before the greeting, begun by the owner without an action; AUTH is
                           534 (TLS-7), REIN 502 */
    bool tls_required;  /* no login in clear: 530 naming AUTH */
    bool auth_legacy_words; /* AUTH SSL and TLS-P are taken (TLS-4); else 534 */
    unsigned extras;        /* enum server_extra */
    bool mode_z;            /* MODE Z is offered (FTP-46, SEC-58); else 504 */
    bool mode_b;            /* MODE B is (FTP-44); else 504 */
    struct dialect dialect;

    /* The control connection's own end: its family decides PASV, EPSV, PORT (FTP-54, FTP-55). And
     * its other end: PORT and EPRT must name that address, but with fxp, and a port from 1024
     * (FTP-49, SEC-7). */
    struct hostport local;
    struct hostport peer;

    size_t line_max_bytes;     /* 0: 8192, CRLF included (FTP-3) */
    uint64_t login_timeout_ns; /* from the greeting to 230 (SEC-51) */
    uint64_t idle_timeout_ns;  /* between commands, not during a transfer (FTP-14) */
};

enum server_action_kind {
    /* Do `verb`; owes one final reply by server_pi_reply. */
    SERVER_ACTION_COMMAND,
    /* ABOR while a transfer runs: stop it and call server_pi_transfer_end with 426. The PI adds the
     * 226 for ABOR itself. */
    SERVER_ACTION_ABORT,
    /* When all output is written, hand the connection to TLS as server, then call
     * server_pi_tls_started. Comes only with an empty input (TLS-130). */
    SERVER_ACTION_START_TLS,
    /* REIN or CCC was answered under TLS: when all output is written, end TLS (close_notify both
     * ways), then call server_pi_tls_stopped; or close, where that cannot be done. After CCC the
     * state is SECURITY_CLEARED. */
    SERVER_ACTION_STOP_TLS,
    /* When all output is written, close in order; see server_pi_fault for a reason other than QUIT.
     * The last action; a transfer that runs ends with it. */
    SERVER_ACTION_CLOSE,
};

enum list_flags { LIST_ALL = 1 << 0 /* -a */, LIST_LONG = 1 << 1 /* -l: NLST in LIST's form */ };

/* What to do. The views are valid until the command's final reply. Commands that come out: USER,
 * PASS, CWD, CDUP, REIN (drop the login and what belongs to it, then reply 220), PASV, CPSV, EPSV,
 * PORT, EPRT, the transfers, MLST, SIZE, MDTM, MFMT, HASH, XCRC and its kin, MFF, SITE (but HELP
 * and IDLE), DSIZ, RMDA, COMB, PRET, ALLO, AVBL, CLNT, CSID, HOST, RNFR, RNTO, DELE, RMD, MKD, in
 * MODE B ABOR (close the data connection that is open between two transfers, then reply 226) and,
 * once logged in, STAT. All others the PI answers itself. */
struct server_action {
    enum server_action_kind kind;
    enum verb verb;
    struct bytes argument; /* trimmed as the verb's row says (USER's name, PASS's password, ...);
                              LIST, NLST: without their options (FTP-71) */

    /* Where the verb takes a path: absolute, normalised, and NUL-terminated behind its length; the
     * working directory if it was left out. */
    struct bytes path;
    bool has_path; /* one was named */
    /* Where the account has a charset and the path came in bytes that are no UTF-8: what it is in
     * those very bytes, NUL-terminated, too; `path` is then what they mean in the charset, or empty
     * if they mean nothing there. What exists by these bytes is meant first, for names on disk are
     * bytes (FTP-15): the owner looks, and then calls server_pi_take_as_sent, or goes on with
     * `path`, or, if that is empty, refuses with 553. */
    struct bytes path_as_sent;
    struct bytes rename_from; /* RNTO: the path of the RNFR before it, NUL-terminated, too */

    uint64_t offset;    /* RETR, STOR, APPE: from REST, consumed by this action (FTP-22) */
    bool has_range;     /* RETR, STOR, HASH: from RANG; XCRC and its kin: from the argument */
    uint64_t range_end; /* then: `offset` is its first byte, this the one behind its last */
    struct bytes
        others;    /* COMB: the sources; SITE SYMLINK: the target; SITE CPTO: the source; MDTM,
                      with `time`: the path behind it. Paths, each with a NUL behind it */
    uint64_t size; /* ALLO */
    enum site_deed site;      /* SITE */
    enum verb announced;      /* PRET: the transfer that is to come */
    bool glob;                /* LIST, NLST: the last name of `path` may be a pattern */
    enum hash_algorithm hash; /* HASH, XCRC and its kin */
    unsigned list_flags;      /* LIST, NLST (FTP-71) */
    bool tls_client;          /* the transfers: be TLS client (TLS-165, TLS-166) */
    struct hostport address;  /* PORT, EPRT: checked; EPSV: family asked for, or ADDRESS_NONE */
    struct timeval_utc time;  /* MFMT; MDTM */
    struct change change;     /* MFF, SITE CHMOD, SITE UTIME */
};

enum representation { REPRESENTATION_ASCII = 'A', REPRESENTATION_IMAGE = 'I' };
enum transfer_mode { TRANSFER_MODE_STREAM = 'S', TRANSFER_MODE_B = 'B', TRANSFER_MODE_Z = 'Z' };

/* Makes a PI. Nothing is sent before server_pi_greet (explicit) or server_pi_tls_started
 * (implicit). NULL: no memory. */
struct server_pi *server_pi_new(const struct server_pi_settings *settings, uint64_t now_ns);
void server_pi_free(struct server_pi *pi);

/* Before the greeting: makes it an implicit connection (settings.implicit), now that its first
 * bytes have shown that. */
void server_pi_turn_implicit(struct server_pi *pi);

/* Queues the greeting 220; on an implicit connection it goes out once TLS has started (TLS-191), or
 * before START_TLS comes (dialect.greet_before_tls). */
void server_pi_greet(struct server_pi *pi, uint64_t now_ns);

/* In place of the greeting, or at any time later: queues 421 with `why`, a sentence without its
 * full stop, and closes. While TLS begins or ends nothing is queued. */
void server_pi_refuse(struct server_pi *pi, const char *why);

/* Takes the peer's bytes, all of them. The owner stops reading while server_pi_wants_input is
 * false, so that no more than 64 KiB wait (FTP-12), and feeds at most SERVER_PI_FEED_MAX_BYTES at a
 * time: what is beyond that ends the session. None may be fed between START_TLS and
 * server_pi_tls_started. Call with no bytes when server_pi_deadline has come. */
void server_pi_feed(struct server_pi *pi, struct bytes in, uint64_t now_ns);
bool server_pi_wants_input(const struct server_pi *pi);

/* The next action; drain until false after feed, greet, reply, transfer_end, tls_started and wrote.
 * While a command waits for its reply nothing comes out. While a transfer runs, STAT and NOOP are
 * taken at once (FTP-23), but not before a command that waits for the transfer's end, so that
 * replies keep their order (FTP-12). ABOR overtakes those that wait, with or without a Telnet
 * Synch (RFC 959 section 4.1.3): its replies come first, then theirs. Takes no further command
 * while the peer leaves 64 KiB of replies unread. */
bool server_pi_next(struct server_pi *pi, struct server_action *action);

/* Queues a reply to the command that is being done. A 1xx begins the transfer: from then on
 * server_pi_transfer_end owes the final reply, and replies by this function belong to commands
 * taken meanwhile (STAT). The PI replaces control bytes by '?' (FTP-16) and cuts what is longer
 * than 512 bytes, but for a 257, whose name is sent as it is. A 421 ends the session:
 * SERVER_ACTION_CLOSE follows. */
void server_pi_reply(struct server_pi *pi, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The final reply of the transfer that a 1xx began. */
void server_pi_transfer_end(struct server_pi *pi, int code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* MODE B, while an upload runs: tells the client by a 110 that what it calls `marker` is `offset`
 * in the file here (FTP-97). Nothing is said while the client leaves many replies unread: a marker
 * more or less is no loss. */
void server_pi_mark(struct server_pi *pi, struct bytes marker, uint64_t offset);

/* A reply of several lines: begin, any number of lines (each is sent behind one blank; those of a
 * 250, which is MLST's, with their names as they are), end. `end` is the final reply. */
void server_pi_reply_begin(struct server_pi *pi, int code, const char *text);
void server_pi_reply_line(struct server_pi *pi, struct bytes line);
void server_pi_reply_end(struct server_pi *pi, const char *text);

/* The handshake is done: everything learnt before is forgotten (tls.md section 4, SEC-11); on an
 * implicit connection the greeting goes out now. */
void server_pi_tls_started(struct server_pi *pi, uint64_t now_ns);

/* TLS was ended: the connection goes on in plain, after REIN as new, after CCC with login, level
 * and all (tls.md section 4). */
void server_pi_tls_stopped(struct server_pi *pi, uint64_t now_ns);

/* USER was answered by a question for the password / the login is done and `cwd` is where it
 * starts. Call before the reply. */
void server_pi_user_given(struct server_pi *pi);
void server_pi_logged_in(struct server_pi *pi, struct bytes cwd);

/* CWD or CDUP succeeded: `path` is the new working directory. FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_pi_set_cwd(struct server_pi *pi, struct bytes path);

/* The names of this login may come in `charset` instead of UTF-8, and then go out so (FTP-15);
 * NULL: they are bytes as they come. Borrowed until the PI's end or REIN. Call before
 * server_pi_logged_in. */
void server_pi_set_charset(struct server_pi *pi, struct charset *charset);

/* The charset in which names go to this client, from when it sent one in it, or `OPTS UTF8 OFF`;
 * `OPTS UTF8 ON` ends that. NULL: they go as they are. The PI puts its own replies into it; the
 * lines of a listing are the owner's to put. */
struct charset *server_pi_names_charset(const struct server_pi *pi);

/* Makes the path of the command that is being done, and of `action`, the one that was sent. */
void server_pi_take_as_sent(struct server_pi *pi, struct server_action *action);

/* Bytes to be written to the peer, borrowed until the PI is next changed. */
struct bytes server_pi_output(const struct server_pi *pi);
void server_pi_wrote(struct server_pi *pi, size_t len);

/* When to call server_pi_feed with no bytes; CLOCK_NEVER if nothing is awaited; 0, at once, if the
 * PI needs to know the time: an action took some, and the clocks run on from its end. */
uint64_t server_pi_deadline(const struct server_pi *pi);

/* The parameters in force. */
const struct security *server_pi_security(const struct server_pi *pi);
enum representation server_pi_type(const struct server_pi *pi);
enum transfer_mode server_pi_mode(const struct server_pi *pi);
int server_pi_mode_z_level(const struct server_pi *pi); /* of OPTS MODE Z LEVEL */
struct bytes server_pi_cwd(const struct server_pi *pi);

/* Whether SSCN or CPSV may make us TLS client on the next data connection. */
bool server_pi_is_tls_client(const struct server_pi *pi);

bool server_pi_is_logged_in(const struct server_pi *pi);

/* The facts that OPTS MLST chose: enum fact_bits of facts.h. */
unsigned server_pi_mlst_facts(const struct server_pi *pi);

/* Why SERVER_ACTION_CLOSE came, if not by QUIT or by a 421 that the owner sent. */
const struct fault *server_pi_fault(const struct server_pi *pi);

#endif
