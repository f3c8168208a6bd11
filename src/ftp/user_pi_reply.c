/* The user-PI's replies: taken off the input, matched to commands, made events. */
#include "base/text.h"
#include "ftp/user_pi_private.h"

static bool is_transfer(enum verb verb)
{
    return verb_row(verb)->allowed & ALLOWED_DATA;
}

/* Fails because of what the server said. */
static void fail_by_reply(struct user_pi *pi, enum ferry_error kind, const struct reply *reply,
                          const char *why)
{
    fault_set(&pi->fault, kind, "%s", why);
    fault_peer(&pi->fault, reply->code, reply->text);
    user_pi_fail(pi, kind, why);
}

static void trace_reply(const struct user_pi *pi, struct bytes raw)
{
    struct bytes line;
    while (pi->settings.trace && reply_next_line(&raw, &line))
        pi->settings.trace(pi->settings.trace_ctx, '<', line);
}

/* Whether `code` answers `verb`, sent while a transfer ran, rather than ends the transfer (FTP-23):
 * such replies overtake. A transfer that has begun does not end with a syntax error. */
static bool answers_meanwhile(enum verb verb, int code)
{
    if (!(verb_row(verb)->allowed & ALLOWED_TRANSFER))
        return false;
    if (code / 10 == 50)
        return true;
    return (verb == VERB_STAT && code / 10 == 21) || (verb == VERB_NOOP && code == 200);
}

/* The command that a reply belongs to, or NULL. */
static struct user_pi_pending *match(struct user_pi *pi, int code)
{
    if (pi->count == 0 || pi->unasked_bytes > 0)
        return NULL;
    struct user_pi_pending *head = &pi->pending[0];
    bool running = is_transfer(head->verb) && head->begun;
    for (size_t i = 1; running && i < pi->count; i++) {
        if (answers_meanwhile(pi->pending[i].verb, code))
            return &pi->pending[i];
    }
    bool ends_data = code == 225 || code == 226;
    if (pi->stray_expected && ends_data && !is_transfer(head->verb) && head->verb != VERB_ABOR)
        return NULL;
    return head;
}

static void take_unmatched(struct user_pi *pi, const struct reply *reply)
{
    bool ends_data = reply->code == 225 || reply->code == 226;
    if (pi->stray_expected && ends_data) {
        pi->stray_expected = false;
        return;
    }
    if (reply->code == 421)
        fail_by_reply(pi, FERRY_E_LOST, reply, "the server closed the control connection");
    else
        fail_by_reply(pi, FERRY_E_PROTOCOL, reply, "no command asked for this reply");
}

/* Whether a reply to AUTH begins TLS; 334 is what some servers send for 234 (TLS-16, DEV-1). */
static bool begins_tls(const struct user_pi *pi, const struct user_pi_pending *command,
                       const struct reply *reply)
{
    if (reply->code == 234)
        return true;
    bool lenient = command->mechanism == AUTH_SSL || pi->settings.accept_334;
    bool wants_adat = text_same(bytes_first(reply->text, 5), BYTES_LIT("ADAT="));
    return reply->code == 334 && lenient && !wants_adat;
}

/* Forgets `command`, whose final reply has come, and learns from it. */
static void settle(struct user_pi *pi, struct user_pi_pending *command, int code)
{
    struct user_pi_pending done = *command;
    size_t at = (size_t)(command - pi->pending);
    pi->count--;
    memmove(command, command + 1, (pi->count - at) * sizeof(*command));
    pi->asked_ns = pi->now_ns;
    pi->take_abor = false;

    bool transfer = is_transfer(done.verb);
    if (transfer)
        pi->hold = false;
    pi->stray_expected = transfer && !reply_is_ok(code);
    pi->abor_waits = pi->count > 0 && pi->pending[0].verb == VERB_ABOR;

    if (done.verb == VERB_QUIT)
        pi->quit_answered = true;
    else if (done.verb == VERB_PBSZ && reply_is_ok(code))
        pi->security.pbsz_done = true;
    else if (done.verb == VERB_PROT && reply_is_ok(code))
        pi->security.level = done.level;
}

/* A 1xx, 2xx or 3xx to AUTH. false: it makes no event of its own. */
static bool take_auth_reply(struct user_pi *pi, struct user_pi_pending *command,
                            const struct reply *reply, struct pi_event *event)
{
    if (!begins_tls(pi, command, reply)) {
        fail_by_reply(pi, FERRY_E_PROTOCOL, reply, "AUTH was neither accepted nor refused");
        return false;
    }
    if (buf_len(&pi->input) > pi->given_bytes || pi->skipped) {
        user_pi_fail(pi, FERRY_E_INJECTION,
                     "bytes came behind the reply to AUTH, before the TLS handshake");
        return false;
    }
    security_auth(&pi->security, command->mechanism);
    settle(pi, command, reply->code);
    pi->phase = USER_PI_HANDSHAKE;
    event->kind = PI_START_TLS;
    return true;
}

/* A reply to a command. false: it makes no event of its own. */
static bool take_command_reply(struct user_pi *pi, const struct reply *reply,
                               struct pi_event *event)
{
    struct user_pi_pending *command = match(pi, reply->code);
    if (!command) {
        take_unmatched(pi, reply);
        return false;
    }
    *event = (struct pi_event){.kind = PI_REPLY, .verb = command->verb, .reply = *reply};
    if (command->verb == VERB_AUTH && reply->code / 100 < 4)
        return take_auth_reply(pi, command, reply, event);
    if (reply_is_preliminary(reply->code)) {
        command->begun = true;
        pi->asked_ns = pi->now_ns;
        return true;
    }
    settle(pi, command, reply->code);
    return true;
}

/* What comes before any command. false: it makes no event (FTP-30). */
static bool take_greeting(struct user_pi *pi, const struct reply *reply, struct pi_event *event)
{
    if (reply_is_preliminary(reply->code)) {
        pi->asked_ns = pi->now_ns;
        return false;
    }
    bool refused = reply->code / 100 == 4 || reply->code / 100 == 5;
    if (reply->code != 220 && !refused) {
        /* Nobody is logged in or begins TLS before a word was said (TLS-132). */
        fail_by_reply(pi, FERRY_E_PROTOCOL, reply, "the greeting is neither 220 nor a refusal");
        return false;
    }
    pi->phase = USER_PI_READY;
    *event = (struct pi_event){.kind = PI_GREETING, .reply = *reply};
    return true;
}

/* Takes a whole reply off the input. false: there is none yet, or the input is none. */
static bool next_reply(struct user_pi *pi, struct reply *reply)
{
    struct bytes in = buf_view(&pi->input);
    size_t used = 0;
    enum ferry_error error = reply_scan(&pi->scan, in, reply, &used);
    if (used == 0 && error == FERRY_OK && pi->take_other_end && pi->scan.other_code != 0)
        reply_scan_end(&pi->scan, in, reply, &used);
    pi->take_other_end = false;
    if (error == FERRY_OK && used > 0 && reply->code / 100 == 6)
        error = FERRY_E_PROTOCOL; /* protected replies do not exist under TLS (TLS-31) */
    if (error != FERRY_OK) {
        const struct reply said = {.text = bytes_first(in, FAULT_TEXT_BYTES)};
        fail_by_reply(pi, error, &said,
                      error == FERRY_E_LIMIT ? "the server sent a reply that is too long"
                                             : "the server sent what is not an FTP reply");
        return false;
    }
    if (used == 0)
        return false;
    trace_reply(pi, bytes_first(in, used));
    pi->given_bytes = used;
    pi->scan = (struct reply_scan){0};
    return true;
}

void user_pi_drop_given(struct user_pi *pi)
{
    buf_consume(&pi->input, pi->given_bytes);
    pi->unasked_bytes -= pi->unasked_bytes < pi->given_bytes ? pi->unasked_bytes : pi->given_bytes;
    pi->given_bytes = 0;
}

static bool next_reply_event(struct user_pi *pi, struct pi_event *event)
{
    struct reply reply;
    while (next_reply(pi, &reply)) {
        bool made = pi->phase == USER_PI_GREETING ? take_greeting(pi, &reply, event)
                                                  : take_command_reply(pi, &reply, event);
        if (made)
            return true;
        if (user_pi_is_over(pi))
            return false;
        user_pi_drop_given(pi);
    }
    return false;
}

/* One reply came for the transfer and its ABOR, and 2 s of silence: it counts for both. */
static bool next_abor_event(struct user_pi *pi, struct pi_event *event)
{
    if (!pi->take_abor)
        return false;
    settle(pi, &pi->pending[0], 226);
    pi->stray_expected = true;
    *event = (struct pi_event){.kind = PI_REPLY, .verb = VERB_ABOR, .reply = {.code = 226}};
    return true;
}

bool user_pi_next_reply(struct user_pi *pi, struct pi_event *event)
{
    return next_reply_event(pi, event) || next_abor_event(pi, event);
}
