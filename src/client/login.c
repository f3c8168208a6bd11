/* From nothing to logged in. */
#include "client/login.h"

#include "base/alloc.h"
#include "client/quit.h"
#include "client/remark.h"
#include "ftp/feature.h"

/* The order is that of TLS-48. FEAT comes last, as the list may change with the login (FTP-150),
 * and nothing before it depends on the list. */
enum step {
    STEP_GREETING,
    STEP_AUTH,
    STEP_USER,
    STEP_PASS,
    STEP_ACCT,
    STEP_PBSZ,
    STEP_PROT,
    STEP_FEAT,
    STEP_UTF8,
};

struct login {
    struct client_session *session;
    enum step step;
    enum auth_mechanism mechanism; /* that AUTH names now */
    client_done_fn *done;
    void *ctx;
    enum ferry_error result; /* to be told when the QUIT after a failure is done */
};

static struct bytes auth_word(const struct login *login)
{
    return bytes_str(auth_mechanism_name(login->mechanism));
}

static struct bytes user_name(const struct login *login)
{
    const char *user = login->session->options->user;
    return user ? bytes_str(user) : BYTES_LIT("anonymous");
}

static struct bytes password(const struct login *login)
{
    const struct client_options *options = login->session->options;
    return options->user ? secret_reveal(options->password) : BYTES_LIT("anonymous@");
}

static struct bytes account(const struct login *login)
{
    return secret_reveal(login->session->options->account);
}

static struct bytes no_buffer(const struct login *login)
{
    (void)login;
    return BYTES_LIT("0");
}

static struct bytes file_level(const struct login *login)
{
    return login->session->options->files == PROTECTION_PRIVATE ? BYTES_LIT("P") : BYTES_LIT("C");
}

static struct bytes nothing(const struct login *login)
{
    (void)login;
    return (struct bytes){0};
}

static struct bytes utf8_on(const struct login *login)
{
    (void)login;
    return BYTES_LIT("UTF8 ON");
}

typedef void step_fn(struct login *login, const struct reply *reply);
static step_fn on_greeting, on_auth, on_login, on_pbsz, on_prot, on_feat, on_utf8;

static const struct {
    enum verb verb;
    struct bytes (*argument)(const struct login *login);
    step_fn *reply; /* the final one */
} steps[] = {
    [STEP_GREETING] = {VERB_NONE, nothing, on_greeting},
    [STEP_AUTH] = {VERB_AUTH, auth_word, on_auth},
    [STEP_USER] = {VERB_USER, user_name, on_login},
    [STEP_PASS] = {VERB_PASS, password, on_login},
    [STEP_ACCT] = {VERB_ACCT, account, on_login},
    [STEP_PBSZ] = {VERB_PBSZ, no_buffer, on_pbsz},
    [STEP_PROT] = {VERB_PROT, file_level, on_prot},
    [STEP_FEAT] = {VERB_FEAT, nothing, on_feat},
    [STEP_UTF8] = {VERB_OPTS, utf8_on, on_utf8},
};

static void end(struct login *login, enum ferry_error result)
{
    client_done_fn *done = login->done;
    void *ctx = login->ctx;
    if (result != FERRY_OK)
        client_session_close(login->session);
    alloc_free(login);
    done(ctx, result);
}

static void on_left(void *ctx, enum ferry_error result)
{
    (void)result;
    struct login *login = ctx;
    end(login, login->result);
}

/* Ends with a failure whose words are set; the server is told QUIT if it still listens (TLS-93). */
static void give_up(struct login *login, enum ferry_error result)
{
    login->result = result;
    if (!client_session_is_up(login->session) ||
        client_quit_start(login->session, on_left, login) != FERRY_OK)
        end(login, result);
}

static void on_reply(void *ctx, const struct reply *reply)
{
    struct login *login = ctx;
    if (reply)
        steps[login->step].reply(login, reply);
    else
        give_up(login, client_session_refuse(login->session, NULL, "log in"));
}

static void go(struct login *login, enum step step)
{
    login->step = step;
    enum ferry_error error = client_session_send(login->session, steps[step].verb,
                                                 steps[step].argument(login), on_reply, login);
    if (error != FERRY_OK)
        give_up(login, error);
}

/* The one way to USER: never without TLS, unless clear text was asked for (SEC-3). */
static void go_to_user(struct login *login)
{
    struct client_session *session = login->session;
    if (client_session_is_sealed(session) || session->options->security == FERRY_PLAINTEXT) {
        go(login, STEP_USER);
        return;
    }
    give_up(login, fault_set(&session->fault, FERRY_E_TLS, "the connection is not under TLS"));
}

static void on_greeting(struct login *login, const struct reply *reply)
{
    struct client_session *session = login->session;
    if (!reply_is_ok(reply->code)) {
        fault_set(&session->fault, FERRY_E_CONNECT, "the server turns the connection away");
        fault_peer(&session->fault, reply->code, reply->text);
        give_up(login, FERRY_E_CONNECT);
    } else if (session->options->security == FERRY_EXPLICIT) {
        go(login, STEP_AUTH);
    } else {
        go_to_user(login);
    }
}

static void on_auth(struct login *login, const struct reply *reply)
{
    struct client_session *session = login->session;
    if (client_session_is_sealed(session)) {
        go_to_user(login);
    } else if (session->options->auth == FERRY_AUTH_AUTO && login->mechanism == AUTH_TLS &&
               client_session_is_unknown(reply->code)) { /* TLS-9 */
        login->mechanism = AUTH_SSL;
        go(login, STEP_AUTH);
    } else {
        fault_set(&session->fault, FERRY_E_TLS, "the server refused AUTH %s",
                  auth_mechanism_name(login->mechanism));
        fault_peer(&session->fault, reply->code, reply->text);
        fault_advise(&session->fault, "try --auth auto for an old server, ftps:// for one that "
                                      "offers TLS on a port of its own, or --plaintext, which "
                                      "sends the password in clear");
        give_up(login, FERRY_E_TLS);
    }
}

/* The answer to USER, PASS and ACCT says what comes next (FTP-39, TLS-72). */
static void on_login(struct login *login, const struct reply *reply)
{
    struct client_session *session = login->session;
    const struct client_options *options = session->options;
    int code = reply->code;
    if (reply_is_ok(code)) {
        go(login, client_session_is_sealed(session) ? STEP_PBSZ : STEP_FEAT);
        return;
    }
    bool asks_password = code == 331 || code == 336;
    bool has_password = options->password || !options->user;
    if (asks_password && has_password && login->step == STEP_USER) {
        go(login, STEP_PASS);
        return;
    }
    if (code == 332 && options->account && login->step != STEP_ACCT) {
        go(login, STEP_ACCT);
        return;
    }
    struct bytes user = user_name(login);
    fault_set(&session->fault, FERRY_E_AUTH, "the login as %.*s failed", BYTES_FMT(user));
    fault_peer(&session->fault, code, reply->text);
    if (asks_password && !has_password)
        fault_advise(&session->fault, "the server asks for a password, and none was given");
    else if (code == 332 && !options->account)
        fault_advise(&session->fault, "name the account that the server asks for with --account");
    give_up(login, FERRY_E_AUTH);
}

/* Whatever the server says to PBSZ, PROT decides (DEV-2, DEV-3). */
static void on_pbsz(struct login *login, const struct reply *reply)
{
    (void)reply;
    go(login, STEP_PROT);
}

/* A refused PROT P is no reason to leave: what needs no data connection still works. Transfers are
 * then refused here (TLS-55). On an implicit connection a server that does not know PROT protects
 * data by itself, or the handshake of the first data connection fails (TLS-6); so under the words
 * after AUTH that imply it. */
static void on_prot(struct login *login, const struct reply *reply)
{
    struct client_session *session = login->session;
    struct client_peer *peer = &session->peer;
    bool private = session->options->files == PROTECTION_PRIVATE;
    bool implied =
        session->options->security == FERRY_IMPLICIT || auth_implies_private(login->mechanism);
    bool unknown = reply->code == 500 || reply->code == 502;
    if (reply_is_ok(reply->code) || (private && implied && unknown)) {
        peer->level = (char)session->options->files;
    } else if (private) {
        peer->protection_refused = true;
        client_remark(session, '*', "the server refused PROT P: no transfer will be tried");
    }
    go(login, STEP_FEAT);
}

static void on_feat(struct login *login, const struct reply *reply)
{
    struct client_peer *peer = &login->session->peer;
    if (reply_is_ok(reply->code))
        peer->features = feature_parse(reply->text);
    peer->mlst_refused = (peer->features & FEATURE_MLST) == 0;
    /* IIS wants to be asked (FTP-154); what it answers does not matter (DEV-55). */
    if (peer->features & FEATURE_UTF8)
        go(login, STEP_UTF8);
    else
        end(login, FERRY_OK);
}

static void on_utf8(struct login *login, const struct reply *reply)
{
    (void)reply;
    end(login, FERRY_OK);
}

enum ferry_error client_login_start(struct client_session *session, const char *host, uint16_t port,
                                    client_done_fn *done, void *ctx)
{
    static const enum auth_mechanism mechanisms[] = {
        [FERRY_AUTH_TLS] = AUTH_TLS,     [FERRY_AUTH_SSL] = AUTH_SSL,
        [FERRY_AUTH_TLS_C] = AUTH_TLS_C, [FERRY_AUTH_TLS_P] = AUTH_TLS_P,
        [FERRY_AUTH_AUTO] = AUTH_TLS,
    };
    struct login *login = alloc_zero(sizeof(*login));
    if (!login)
        return fault_set(&session->fault, FERRY_E_MEMORY, "no memory to log in");
    *login = (struct login){
        .session = session,
        .step = STEP_GREETING,
        .mechanism = mechanisms[session->options->auth],
        .done = done,
        .ctx = ctx,
    };
    enum ferry_error error = client_session_open(session, host, port, on_reply, login);
    if (error != FERRY_OK)
        alloc_free(login);
    return error;
}
