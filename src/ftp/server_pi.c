/* The server-PI: its life, the actions it gives, its clocks. */
#include "ftp/server_pi.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "ftp/mode_z.h"
#include "ftp/path.h"
#include "ftp/server_pi_private.h"

enum {
    READ_AHEAD_BYTES = 64 * 1024, /* FTP-12 */
    UNREAD_MAX_BYTES = READ_AHEAD_BYTES + SERVER_PI_FEED_MAX_BYTES,
    WAITING_MAX_BYTES = 2 * UNREAD_MAX_BYTES, /* all of it empty lines: each takes a mark more */
    OUTPUT_MAX_BYTES = 8 * 1024 * 1024, /* STAT of a directory: 1000 lines of the longest names */
    OTHERS_MAX_BYTES = 64 * 1024,       /* COMB: the paths of its sources */
    OUTPUT_UNREAD_BYTES = 64 * 1024,    /* what a peer may leave unread and be given more */
    BAD_LINES_MAX = 3,                  /* TLS-124 */
};

static const uint64_t line_timeout_ns = 30 * CLOCK_NS_PER_S; /* SEC-51 */

struct server_pi *server_pi_new(const struct server_pi_settings *settings, uint64_t now_ns)
{
    struct server_pi *pi = alloc_zero(sizeof(*pi));
    if (!pi)
        return NULL;
    pi->settings = *settings;
    security_init(&pi->security, settings->implicit);
    line_init(&pi->reader, settings->line_max_bytes);
    buf_init(&pi->input, UNREAD_MAX_BYTES);
    buf_init(&pi->waiting, WAITING_MAX_BYTES);
    buf_init(&pi->taken, pi->reader.max_bytes);
    buf_init(&pi->output, OUTPUT_MAX_BYTES);
    buf_init(&pi->argument, pi->reader.max_bytes);
    buf_init(&pi->path, PATH_MAX_BYTES + 1);
    buf_init(&pi->as_sent, PATH_MAX_BYTES + 1);
    buf_init(&pi->cwd, PATH_MAX_BYTES + 1);
    buf_init(&pi->rename_from, PATH_MAX_BYTES + 1);
    buf_init(&pi->copy_from, PATH_MAX_BYTES + 1);
    buf_init(&pi->others, OTHERS_MAX_BYTES);
    pi->now_ns = now_ns;
    server_pi_reset(pi);
    return pi;
}

void server_pi_free(struct server_pi *pi)
{
    if (!pi)
        return;
    line_fini(&pi->reader);
    server_pi_drop_input(pi);
    buf_wipe(&pi->taken);
    buf_wipe(&pi->output);
    buf_wipe(&pi->argument);
    server_pi_drop_paths(pi);
    buf_fini(&pi->cwd);
    buf_fini(&pi->rename_from);
    buf_fini(&pi->copy_from);
    buf_fini(&pi->others);
    alloc_free(pi);
}

void server_pi_reset(struct server_pi *pi)
{
    pi->login = PI_LOGIN_NONE;
    pi->pass_spare = false;
    buf_fini(&pi->cwd);
    buf_fini(&pi->rename_from);
    buf_fini(&pi->copy_from);
    pi->type = REPRESENTATION_ASCII;
    pi->mode = TRANSFER_MODE_STREAM;
    pi->mode_z_level = MODE_Z_LEVEL_DEFAULT;
    pi->range = (struct pi_range){0};
    pi->hash = HASH_SHA256;
    pi->epsv_all = false;
    pi->sscn = false;
    pi->cpsv = false;
    pi->idle_timeout_ns = pi->settings.idle_timeout_ns;
    pi->mlst_facts = FACTS_DEFAULT;
    pi->names = PI_NAMES_UNKNOWN;
    pi->charset = NULL;
}

void server_pi_close(struct server_pi *pi)
{
    if (pi->phase != PI_PHASE_CLOSED)
        pi->phase = PI_PHASE_CLOSE;
    server_pi_drop_input(pi);
}

void server_pi_fail(struct server_pi *pi, enum ferry_error kind, const char *why)
{
    fault_set(&pi->fault, kind, "%s", why);
    server_pi_close(pi);
}

/* --- greeting and TLS --- */

static bool is_closing(const struct server_pi *pi)
{
    return pi->phase == PI_PHASE_CLOSE || pi->phase == PI_PHASE_CLOSED;
}

static void open_session(struct server_pi *pi, uint64_t now_ns)
{
    pi->phase = PI_PHASE_OPEN;
    pi->now_ns = pi->idle_since_ns = now_ns;
}

static void send_greeting(struct server_pi *pi, uint64_t now_ns)
{
    pi->greeting_due = false;
    pi->login_since_ns = now_ns;
    open_session(pi, now_ns);
    server_pi_say(pi, 220, "FTP server ready."); /* no name, no version (SEC-25) */
}

void server_pi_greet(struct server_pi *pi, uint64_t now_ns)
{
    if (pi->phase != PI_PHASE_SILENT)
        return;
    bool implicit = pi->security.state == SECURITY_HANDSHAKE;
    pi->greeting_due = implicit && !pi->settings.dialect.greet_before_tls;
    if (pi->greeting_due)
        return;
    send_greeting(pi, now_ns);
    if (implicit)
        pi->phase = PI_PHASE_START_TLS;
}

void server_pi_refuse(struct server_pi *pi, const char *why)
{
    if (is_closing(pi))
        return;
    bool silent = pi->phase == PI_PHASE_SILENT && pi->security.state != SECURITY_HANDSHAKE;
    if (silent || pi->phase == PI_PHASE_OPEN)
        server_pi_close_421(pi, FERRY_E_LIMIT, why);
    else
        server_pi_fail(pi, FERRY_E_LIMIT, why); /* no word around a handshake (TLS-8, TLS-51) */
}

void server_pi_tls_started(struct server_pi *pi, uint64_t now_ns)
{
    if (pi->security.state != SECURITY_HANDSHAKE ||
        (pi->phase != PI_PHASE_SEALING && pi->phase != PI_PHASE_SILENT))
        return;
    security_sealed(&pi->security);
    if (pi->settings.dialect.data_tls == DATA_TLS_OFF)
        pi->security.level = PROTECTION_CLEAR;
    server_pi_reset(pi);
    if (pi->phase == PI_PHASE_SEALING)
        open_session(pi, now_ns);
    else if (pi->greeting_due)
        send_greeting(pi, now_ns);
}

void server_pi_tls_stopped(struct server_pi *pi, uint64_t now_ns)
{
    if (pi->phase != PI_PHASE_UNSEALING)
        return;
    if (pi->security.state == SECURITY_SEALED)
        security_reset(&pi->security);
    open_session(pi, now_ns);
}

/* --- time --- */

static bool is_idle(const struct server_pi *pi)
{
    return pi->phase == PI_PHASE_OPEN && pi->work == PI_WORK_NONE && pi->meanwhile == VERB_NONE;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t server_pi_deadline(const struct server_pi *pi)
{
    if (!is_idle(pi))
        return CLOCK_NEVER;
    if (pi->time_wanted)
        return 0;
    uint64_t deadline = pi->idle_since_ns + pi->idle_timeout_ns;
    if (pi->login != PI_LOGIN_DONE)
        deadline = earlier(deadline, pi->login_since_ns + pi->settings.login_timeout_ns);
    if (pi->line_begun)
        deadline = earlier(deadline, pi->line_since_ns + line_timeout_ns);
    return deadline;
}

static void take_time(struct server_pi *pi, uint64_t now_ns)
{
    pi->now_ns = now_ns;
    if (!pi->time_wanted)
        return;
    pi->time_wanted = false;
    pi->idle_since_ns = now_ns;
    pi->line_since_ns = now_ns;
    if (pi->login_restart)
        pi->login_since_ns = now_ns;
    pi->login_restart = false;
}

/* --- lines --- */

void server_pi_feed(struct server_pi *pi, struct bytes in, uint64_t now_ns)
{
    take_time(pi, now_ns);
    if (is_closing(pi))
        return;
    if (in.len == 0) {
        if (now_ns >= server_pi_deadline(pi))
            server_pi_close_421(pi, FERRY_E_TIMEOUT, "Timeout");
        return;
    }
    if (pi->phase != PI_PHASE_OPEN) {
        server_pi_fail(pi, FERRY_E_INJECTION,
                       "the client sent bytes in clear around the TLS handshake");
        return;
    }
    if (server_pi_unread(pi) + in.len > UNREAD_MAX_BYTES)
        server_pi_fail(pi, FERRY_E_LIMIT, "the client sends more than is read");
    else if (buf_append(&pi->input, in) != FERRY_OK)
        server_pi_fail(pi, FERRY_E_MEMORY, "no memory for a command");
}

bool server_pi_wants_input(const struct server_pi *pi)
{
    return pi->phase == PI_PHASE_OPEN && server_pi_unread(pi) < READ_AHEAD_BYTES &&
           buf_len(&pi->output) < OUTPUT_UNREAD_BYTES;
}

/* --- commands --- */

/* A line that is no command. Before login not many are let pass: the peer may be no FTP client at
 * all, but one that is made to speak to us (TLS-124). */
static void refuse_line(struct server_pi *pi, int code, const char *why)
{
    if (pi->login != PI_LOGIN_DONE && ++pi->bad_lines >= BAD_LINES_MAX)
        server_pi_close_421(pi, FERRY_E_PROTOCOL, "Too many unknown commands");
    else
        server_pi_say(pi, code, "%s", why);
}

/* Forgets what a command ends: RNFR's path, the range of REST or RANG (FTP-21, FTP-22). Gives the
 * range to the command that takes it, or is to be refused for its sake. */
static struct pi_range forget(struct server_pi *pi, enum verb verb)
{
    struct pi_range range = pi->range;
    bool takes_offset = verb == VERB_RETR || verb == VERB_STOR || verb == VERB_APPE;
    bool takes_range = takes_offset || verb == VERB_STOU || verb == VERB_HASH;
    if (!(verb_row(verb)->allowed & ALLOWED_AFTER_REST))
        pi->range = (struct pi_range){0};
    if (verb != VERB_RNTO)
        buf_fini(&pi->rename_from);
    if (verb != VERB_SITE)
        buf_fini(&pi->copy_from);
    bool given = range.ends ? takes_range : takes_offset;
    return given ? range : (struct pi_range){0};
}

static void refuse(struct server_pi *pi, enum verb verb, struct pi_refusal refusal)
{
    if (verb == VERB_RNTO)
        buf_fini(&pi->rename_from);
    if (verb == VERB_SITE)
        buf_fini(&pi->copy_from);
    server_pi_say(pi, refusal.code, "%s", refusal.text);
}

/* The command is in the owner's hands. */
static void begin_work(struct server_pi *pi, enum verb verb)
{
    if (pi->work == PI_WORK_TRANSFER) {
        pi->meanwhile = verb;
        return;
    }
    pi->work = PI_WORK_COMMAND;
    pi->verb = verb;
    if (verb == VERB_USER || verb == VERB_PASS)
        pi->login = PI_LOGIN_NONE; /* until the owner says more */
}

/* Does one command or makes it an action. */
static bool take_command(struct server_pi *pi, struct pi_request *request,
                         struct server_action *action)
{
    enum verb verb = request->command.verb;
    request->range = forget(pi, verb);
    struct pi_refusal refusal = server_pi_check(pi, request);
    if (refusal.code == 0 && server_pi_answer(pi, request->command.argument, verb))
        return false;
    if (refusal.code == 0)
        refusal = server_pi_fill_action(pi, request, action);
    if (pi->phase != PI_PHASE_OPEN)
        return false;
    if (refusal.code != 0) {
        refuse(pi, verb, refusal);
        return false;
    }
    begin_work(pi, verb);
    return true;
}

/* Takes the line that was read. */
static bool take_line(struct server_pi *pi, struct server_action *action)
{
    pi->idle_since_ns = pi->now_ns;
    if (pi->line_result == LINE_TOO_LONG) {
        refuse_line(pi, 500, "Line too long.");
        return false;
    }
    if (pi->login != PI_LOGIN_DONE && server_pi_is_foreign(pi->line)) {
        server_pi_close_421(pi, FERRY_E_PROTOCOL, "This is an FTP server");
        return false;
    }
    if (bytes_find(pi->line, '\0') < pi->line.len) { /* FTP-4, whatever the verb */
        refuse_line(pi, 501, "NUL in a line.");
        return false;
    }
    struct pi_request request = {0};
    request.error = command_parse(pi->line, &request.command);
    if (request.command.verb == VERB_NONE) {
        refuse_line(pi, 500, "Command not understood.");
        return false;
    }
    return take_command(pi, &request, action);
}

static bool takes_commands(const struct server_pi *pi)
{
    return pi->phase == PI_PHASE_OPEN && pi->work != PI_WORK_COMMAND &&
           pi->meanwhile == VERB_NONE && buf_len(&pi->output) < OUTPUT_UNREAD_BYTES;
}

/* What the phase owes the owner. */
static bool next_phase_action(struct server_pi *pi, struct server_action *action)
{
    static const struct {
        enum pi_phase from, to;
        enum server_action_kind action;
    } dues[] = {
        {PI_PHASE_START_TLS, PI_PHASE_SEALING, SERVER_ACTION_START_TLS},
        {PI_PHASE_STOP_TLS, PI_PHASE_UNSEALING, SERVER_ACTION_STOP_TLS},
        {PI_PHASE_CLOSE, PI_PHASE_CLOSED, SERVER_ACTION_CLOSE},
    };
    for (size_t i = 0; i < ARRAY_LEN(dues); i++) {
        if (pi->phase == dues[i].from) {
            pi->phase = dues[i].to;
            *action = (struct server_action){.kind = dues[i].action};
            return true;
        }
    }
    return false;
}

bool server_pi_next(struct server_pi *pi, struct server_action *action)
{
    while (takes_commands(pi) && server_pi_next_line(pi)) {
        if (take_line(pi, action))
            return true;
    }
    return next_phase_action(pi, action);
}

/* --- what the owner knows and sets --- */

void server_pi_user_given(struct server_pi *pi)
{
    pi->login = PI_LOGIN_USER;
}

enum ferry_error server_pi_set_cwd(struct server_pi *pi, struct bytes path)
{
    struct buf cwd;
    buf_init(&cwd, pi->cwd.cap_bytes);
    enum ferry_error error = buf_append(&cwd, path);
    if (error == FERRY_OK)
        error = buf_append(&cwd, bytes_of("", 1));
    if (error != FERRY_OK) {
        buf_fini(&cwd);
        return error;
    }
    buf_fini(&pi->cwd);
    pi->cwd = cwd;
    return FERRY_OK;
}

void server_pi_logged_in(struct server_pi *pi, struct bytes cwd)
{
    if (server_pi_set_cwd(pi, cwd) != FERRY_OK)
        server_pi_fail(pi, FERRY_E_MEMORY, "no memory for the working directory");
    else
        pi->login = PI_LOGIN_DONE;
}

struct bytes server_pi_output(const struct server_pi *pi)
{
    return buf_view(&pi->output);
}

void server_pi_wrote(struct server_pi *pi, size_t len)
{
    buf_consume(&pi->output, len);
}

const struct security *server_pi_security(const struct server_pi *pi)
{
    return &pi->security;
}

enum representation server_pi_type(const struct server_pi *pi)
{
    return pi->type;
}

enum transfer_mode server_pi_mode(const struct server_pi *pi)
{
    return pi->mode;
}

int server_pi_mode_z_level(const struct server_pi *pi)
{
    return pi->mode_z_level;
}

unsigned server_pi_mlst_facts(const struct server_pi *pi)
{
    return pi->mlst_facts;
}

struct bytes server_pi_cwd(const struct server_pi *pi)
{
    return server_pi_text(&pi->cwd);
}

bool server_pi_is_logged_in(const struct server_pi *pi)
{
    return pi->login == PI_LOGIN_DONE;
}

const struct fault *server_pi_fault(const struct server_pi *pi)
{
    return &pi->fault;
}
