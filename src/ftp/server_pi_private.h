/* What the files of the server-PI share: server_pi.c (its life, commands, actions),
 * server_pi_lines.c (the lines it takes), server_pi_reply.c (replies, the only writers of output),
 * server_pi_check.c (what is refused, FTP-20), server_pi_action.c (commands to actions),
 * server_pi_names.c (paths and their charset), server_pi_params.c (commands that the PI answers
 * itself), and among them server_pi_features.c (FEAT and OPTS), server_pi_security.c (AUTH to
 * SSCN) and server_pi_extra.c (SITE, and what is offered on wish). Nobody else includes this. */
#ifndef FERRY_FTP_SERVER_PI_PRIVATE_H
#define FERRY_FTP_SERVER_PI_PRIVATE_H

#include "base/buf.h"
#include "ftp/line.h"
#include "ftp/server_pi.h"

enum pi_phase {
    PI_PHASE_SILENT,    /* the greeting, or the TLS before it, is to come */
    PI_PHASE_OPEN,      /* lines are taken */
    PI_PHASE_START_TLS, /* that action is due */
    PI_PHASE_SEALING,   /* it was given: server_pi_tls_started is to come */
    PI_PHASE_STOP_TLS,  /* that action is due */
    PI_PHASE_UNSEALING, /* it was given: server_pi_tls_stopped is to come */
    PI_PHASE_CLOSE,     /* that action is due */
    PI_PHASE_CLOSED,    /* it was given */
};

/* ftp.md section 2: N, U and L. */
enum pi_login { PI_LOGIN_NONE, PI_LOGIN_USER, PI_LOGIN_DONE };

/* The command that is being done. */
enum pi_work {
    PI_WORK_NONE,
    PI_WORK_COMMAND,  /* an action owes its reply */
    PI_WORK_TRANSFER, /* a 1xx was sent: state T */
};

/* What the client has said of the charset of names. */
enum pi_names {
    PI_NAMES_UNKNOWN,
    PI_NAMES_UTF8,    /* OPTS UTF8 ON */
    PI_NAMES_CHARSET, /* OPTS UTF8 OFF, or a name in it */
};

/* Where the next transfer or HASH begins and ends (FTP-22). */
struct pi_range {
    uint64_t offset;
    bool ends; /* of RANG: at `end`, the byte behind the last */
    uint64_t end;
};

struct server_pi {
    struct server_pi_settings settings;
    enum pi_phase phase;
    struct security security;
    struct fault fault;
    bool greeting_due; /* implicit: it waits for TLS */

    struct buf input; /* not yet lines */
    struct line_reader reader;
    struct buf waiting; /* lines that wait for the end of the transfer, or waited */
    struct buf taken;   /* the one of them that `line` is */
    enum line_result line_result;
    struct bytes line;
    struct buf output;

    enum pi_work work;
    enum verb verb;      /* of the work */
    enum verb meanwhile; /* STAT or ABOR, taken while the transfer runs and not yet answered */
    struct buf argument; /* of the work */
    struct buf path;     /* of the work, and a NUL */
    struct buf others;   /* of the work: its other paths, each and a NUL */
    struct buf as_sent;  /* the same in the bytes that came, if they were no UTF-8 */
    int lines_code;      /* between reply_begin and reply_end; else 0 */

    /* What one session knows; server_pi_reset forgets it. */
    enum pi_login login;
    bool pass_spare;        /* USER was enough (232): one PASS more is sent by many (TLS-72) */
    struct buf cwd;         /* and a NUL; empty before login */
    struct buf rename_from; /* empty but in state R */
    struct buf copy_from;   /* as that: between SITE CPFR and CPTO */
    enum representation type;
    enum transfer_mode mode;
    int mode_z_level;
    struct pi_range range; /* of REST or RANG, the last of them (FTP-95) */
    enum hash_algorithm hash;
    bool epsv_all;
    bool sscn;                /* ON: TLS client on the data connections of files (TLS-165) */
    bool cpsv;                /* the data port to come is CPSV's: TLS client once (TLS-166) */
    uint64_t idle_timeout_ns; /* SITE IDLE */
    unsigned mlst_facts;
    enum pi_names names;
    struct charset *charset; /* of the login; NULL: none */

    unsigned bad_lines; /* before login, on this connection (TLS-124) */

    uint64_t now_ns;
    uint64_t idle_since_ns;
    uint64_t login_since_ns;
    uint64_t line_since_ns; /* while `line_begun` */
    bool line_begun;
    bool time_wanted;   /* the clocks run on from the next time that is known */
    bool login_restart; /* so does the one of the login, after REIN */
};

/* A reason not to do a command; code 0: none. */
struct pi_refusal {
    int code;
    const char *text;
};

/* A command on its way to be done. */
struct pi_request {
    struct command command;
    enum ferry_error error; /* of command_parse: FERRY_OK or FERRY_E_ARGUMENT */
    struct pi_range range;  /* of REST or RANG, if the command takes it */
};

/* server_pi.c: what was learnt is forgotten, as after AUTH and REIN (SEC-11). */
void server_pi_reset(struct server_pi *pi);

/* server_pi.c: ends the session; the first fault stays. */
void server_pi_close(struct server_pi *pi);
void server_pi_fail(struct server_pi *pi, enum ferry_error kind, const char *why);

/* server_pi_lines.c: sets `line` and `line_result` to the next line that is to be taken now, if
 * there is one; valid until the next call. */
bool server_pi_next_line(struct server_pi *pi);

/* server_pi_lines.c: how much has come that was not taken yet. */
size_t server_pi_unread(const struct server_pi *pi);

/* server_pi_lines.c: forgets it. */
void server_pi_drop_input(struct server_pi *pi);

/* server_pi_names.c: sets the action's path to what `argument` means; without one, to the working
 * directory. */
struct pi_refusal server_pi_resolve(struct server_pi *pi, struct server_action *action,
                                    struct bytes argument);

/* server_pi_names.c: forgets the paths of the work. */
void server_pi_drop_paths(struct server_pi *pi);

/* server_pi_names.c: `text` as it goes to the client: itself, or put into `buf` in the charset. */
NODISCARD enum ferry_error server_pi_to_client(const struct server_pi *pi, struct bytes *text,
                                               struct buf *buf);

/* server_pi_reply.c: queues a whole reply of the PI's own; it is not the work's. */
void server_pi_say(struct server_pi *pi, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* server_pi_reply.c: ends the session with 421 and a fault that says why. */
void server_pi_close_421(struct server_pi *pi, enum ferry_error kind, const char *why);

/* server_pi_reply.c: keeps the session unless `error` is one. */
void server_pi_written(struct server_pi *pi, enum ferry_error error);

/* server_pi_check.c: the first reason to refuse `request`, in the order of FTP-20. */
struct pi_refusal server_pi_check(const struct server_pi *pi, const struct pi_request *request);

/* server_pi_check.c: whether the verb is served here at all. */
bool server_pi_is_offered(const struct server_pi *pi, enum verb verb);

/* server_pi_extra.c: SITE, for server_pi_answer; what concerns files is the owner's to do. */
bool server_pi_answer_site(struct server_pi *pi, struct bytes argument);

/* server_pi_extra.c: SITE HELP, which HELP SITE is, too. */
void server_pi_site_help(struct server_pi *pi);

/* server_pi_extra.c: the lines of FEAT, and the commands, that are offered on wish. */
uint64_t server_pi_extra_features(const struct server_pi *pi);
bool server_pi_has_extra(const struct server_pi *pi, enum server_extra extra);
bool server_pi_has_site(const struct server_pi *pi, enum site_deed deed);
struct pi_refusal server_pi_fill_comb(struct server_pi *pi, struct server_action *action);
struct pi_refusal server_pi_fill_mdtm(struct server_pi *pi, struct server_action *action);
struct pi_refusal server_pi_fill_pret(struct server_pi *pi, struct server_action *action);
struct pi_refusal server_pi_fill_site(struct server_pi *pi, struct server_action *action);

/* server_pi_check.c: whether a line is of another protocol than FTP (TLS-124). */
bool server_pi_is_foreign(struct bytes line);

/* server_pi_params.c: answers what the PI can answer itself. false: it cannot. */
bool server_pi_answer(struct server_pi *pi, struct bytes argument, enum verb verb);

/* server_pi_features.c: FEAT and OPTS, for server_pi_answer. Always true. */
bool server_pi_answer_feat(struct server_pi *pi, struct bytes argument);
bool server_pi_answer_opts(struct server_pi *pi, struct bytes argument);

/* server_pi_security.c: what RFC 2228 has, and SSCN, for server_pi_answer. Always true. */
bool server_pi_answer_auth(struct server_pi *pi, struct bytes argument);
bool server_pi_answer_adat(struct server_pi *pi, struct bytes argument);
bool server_pi_answer_protected(struct server_pi *pi, struct bytes argument); /* MIC, CONF, ENC */
bool server_pi_answer_pbsz(struct server_pi *pi, struct bytes argument);
bool server_pi_answer_prot(struct server_pi *pi, struct bytes argument);
bool server_pi_answer_ccc(struct server_pi *pi, struct bytes argument);
bool server_pi_answer_sscn(struct server_pi *pi, struct bytes argument);

/* server_pi_security.c: whether a transfer must be at level P, and whether all must (TLS-56). */
bool server_pi_needs_private(const struct server_pi *pi, enum verb verb);
bool server_pi_never_clear(const struct server_pi *pi);

/* server_pi_action.c: makes the action of a request that nothing speaks against so far. */
struct pi_refusal server_pi_fill_action(struct server_pi *pi, const struct pi_request *request,
                                        struct server_action *action);

/* The contents of a buf that ends with a NUL, without it. */
static inline struct bytes server_pi_text(const struct buf *buf)
{
    struct bytes all = buf_view(buf);
    return bytes_first(all, all.len > 0 ? all.len - 1 : 0);
}

#endif
