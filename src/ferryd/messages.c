/* What the processes of ferryd say to each other. */
#include "ferryd/messages.h"

#define BIT_SUPERVISOR ROLE_BIT(ROLE_SUPERVISOR)
#define BIT_WORKER ROLE_BIT(ROLE_WORKER)
#define BIT_AUTH ROLE_BIT(ROLE_AUTH)
#define BIT_KEYS ROLE_BIT(ROLE_KEYS)
#define BIT_OPS ROLE_BIT(ROLE_OPS)
#define BIT_ROLES                                                                                  \
    (BIT_WORKER | BIT_AUTH | BIT_KEYS | ROLE_BIT(ROLE_FILES) | BIT_OPS | ROLE_BIT(ROLE_HOOKS) |    \
     ROLE_BIT(ROLE_PAM))
#define STARTING WIRE_STATE(MESSAGE_STARTING)
#define RUNNING WIRE_STATE(MESSAGE_RUNNING)

#define NAME WIRE_TEXT(MESSAGE_NAME_BYTES)
#define PATH WIRE_TEXT(MESSAGE_PATH_BYTES)
#define WORDS WIRE_TEXT(MESSAGE_WORDS_BYTES)
#define GROUPS WIRE_BYTES(MESSAGE_GROUPS_BYTES)

/* What an account may do with its files, as store/home.h takes it: MESSAGE_RULE_ bits. */
#define RULES WIRE_U8
#define DENIED WIRE_TEXT(MESSAGE_DENIED_BYTES)
#define QUOTAS WIRE_U64, WIRE_U64
#define RIGHTS WIRE_TEXT(MESSAGE_RIGHTS_BYTES)
#define ROOTS WIRE_TEXT(MESSAGE_RIGHTS_BYTES)

static const char *const state_names[] = {
    [MESSAGE_STARTING] = "starting",
    [MESSAGE_RUNNING] = "running",
};

#define TABLE(rows)                                                                                \
    {                                                                                              \
        .messages = rows, .message_count = sizeof(rows) / sizeof(*(rows)),                         \
        .state_names = state_names, .state_count = 2                                               \
    }

static const struct wire_message from_supervisor[] = {
    {MESSAGE_SETTINGS, "settings", BIT_SUPERVISOR, STARTING, 1, {{0}}},
    {MESSAGE_FILE, "file", BIT_SUPERVISOR, STARTING, 1, {PATH}},
    {MESSAGE_CHANNEL, "channel", BIT_SUPERVISOR, STARTING | RUNNING, 1, {WIRE_U8, WIRE_U32}},
    {MESSAGE_LISTENER, "listener", BIT_SUPERVISOR, STARTING, 1, {WIRE_U32}},
    {MESSAGE_START, "start", BIT_SUPERVISOR, STARTING, 0, {WIRE_U32, WIRE_U32, GROUPS, WIRE_U8}},
    {MESSAGE_DRAIN, "drain", BIT_SUPERVISOR, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_ATTACH,
     "attach",
     BIT_SUPERVISOR,
     RUNNING,
     1,
     {WIRE_U64, PATH, NAME, RULES, DENIED, QUOTAS, RIGHTS, ROOTS}},
    {MESSAGE_SWEEP, "sweep", BIT_SUPERVISOR, RUNNING, 0, {PATH, WIRE_I64}},
    {MESSAGE_GRANTED, "granted", BIT_SUPERVISOR, RUNNING, 1, {WIRE_U64}},
    {MESSAGE_DENIED, "denied", BIT_SUPERVISOR, RUNNING, 0, {WIRE_U64, WORDS}},
    {MESSAGE_STATUS, "status", BIT_SUPERVISOR, RUNNING, 0, {PATH, WIRE_I64, WIRE_I64}},
    {MESSAGE_PROCESS,
     "process",
     BIT_SUPERVISOR,
     RUNNING,
     0,
     {WIRE_U8, WIRE_U32, WIRE_U32, WIRE_U32, NAME, WORDS}},
    {MESSAGE_RESTARTS, "restarts", BIT_SUPERVISOR, RUNNING, 0, {WIRE_U8, WIRE_U64}},
    {MESSAGE_STATUS_END, "status-end", BIT_SUPERVISOR, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_RELOADED,
     "reloaded",
     BIT_SUPERVISOR,
     RUNNING,
     0,
     {WIRE_U64, WIRE_U8, WIRE_TEXT(MESSAGE_MISTAKES_BYTES)}},
    {MESSAGE_EVENT, "event", BIT_SUPERVISOR, RUNNING, 0, {WIRE_TEXT(MESSAGE_EVENT_BYTES)}},
    {MESSAGE_INTRODUCED, "introduced", BIT_SUPERVISOR, RUNNING, 0, {{0}}},
    {MESSAGE_PING, "ping", BIT_SUPERVISOR, RUNNING, 0, {{0}}},
};

static const struct wire_message to_supervisor[] = {
    {MESSAGE_READY, "ready", BIT_ROLES, STARTING, 0, {WORDS}},
    {MESSAGE_FAILED, "failed", BIT_ROLES, STARTING, 0, {WORDS, WORDS}},
    {MESSAGE_DRAINING, "draining", BIT_ROLES, RUNNING, 0, {{0}}},
    {MESSAGE_GRANT,
     "grant",
     BIT_AUTH,
     RUNNING,
     0,
     {WIRE_U32, WIRE_U64, WIRE_U32, WIRE_U32, GROUPS, PATH, NAME, RULES, DENIED, QUOTAS, RIGHTS,
      ROOTS}},
    {MESSAGE_REVOKE, "revoke", BIT_AUTH, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_STATUS_ASK, "status-ask", BIT_OPS, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_RELOAD_ASK, "reload-ask", BIT_OPS, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_DRAIN_ASK, "drain-ask", BIT_OPS, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_PONG, "pong", BIT_ROLES, RUNNING, 0, {{0}}},
};

/* The ask: its number, account, whether there is a password, the password, the peer's address, the
 * host that was asked for, the TLS as the demand that it meets (account/demand.h), the client's
 * certificate as identity facts.
 */
static const struct wire_message to_auth[] = {
    {MESSAGE_LOGIN_ASK,
     "login-ask",
     BIT_WORKER,
     RUNNING,
     0,
     {WIRE_U64, NAME, WIRE_U8, WIRE_BYTES(MESSAGE_PASSWORD_BYTES), NAME, WIRE_TEXT(255), WIRE_U16,
      WIRE_BYTES(MESSAGE_IDENTITY_BYTES)}},
    {MESSAGE_LOGIN_CANCEL, "login-cancel", BIT_WORKER, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_LOGOUT, "logout", BIT_WORKER, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_LOOKUP, "lookup", BIT_WORKER, RUNNING, 0, {WIRE_U64, WIRE_TEXT(MESSAGE_HOST_BYTES)}},
    {MESSAGE_ARRIVED,
     "arrived",
     BIT_WORKER,
     RUNNING,
     0,
     {WIRE_U64, NAME, WIRE_U64, WIRE_U64, WIRE_U64}},
    {MESSAGE_LEFT, "left", BIT_WORKER, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_PRESENT, "present", BIT_WORKER, RUNNING, 0, {WIRE_U64, NAME}},
    {MESSAGE_SEATED, "seated", BIT_WORKER, RUNNING, 0, {WIRE_U64, NAME, NAME, WIRE_U64}},
    {MESSAGE_TOLD, "told", BIT_WORKER, RUNNING, 0, {{0}}},
};

/* The answer: its ask, verdict, grant, first directory, read-only, by certificate, fallback
 * charset, rates of uploads and of downloads (bytes a second, 0: no limit), why it is unavailable,
 * and the stamp of the account's password, which changes with it. */
static const struct wire_message auth_to_worker[] = {
    {MESSAGE_LOGIN_ANSWER,
     "login-answer",
     BIT_AUTH,
     RUNNING,
     0,
     {WIRE_U64, WIRE_U8, WIRE_U64, PATH, WIRE_U8, WIRE_U8, NAME, WIRE_U64, WIRE_U64, WORDS,
      WIRE_U64}},
    {MESSAGE_LOOKED_UP,
     "looked-up",
     BIT_AUTH,
     RUNNING,
     0,
     {WIRE_U64, WIRE_BYTES(MESSAGE_ADDRESSES_BYTES), WORDS}},
    {MESSAGE_ADMITTED, "admitted", BIT_AUTH, RUNNING, 0, {WIRE_U64, WIRE_U8}},
    {MESSAGE_END, "end", BIT_AUTH, RUNNING, 0, {WIRE_U64, WORDS}},
    {MESSAGE_SHARE, "share", BIT_AUTH, RUNNING, 0, {NAME, WIRE_U64, WIRE_U64}},
};

static const struct wire_message ops_to_auth[] = {
    {MESSAGE_BANS_ASK, "bans-ask", BIT_OPS, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_BAN, "ban", BIT_OPS, RUNNING, 0, {WIRE_U64, NAME, WIRE_U64}},
    {MESSAGE_ACCOUNTS_ASK, "accounts-ask", BIT_OPS, RUNNING, 0, {WIRE_U64}},
    {MESSAGE_UNBAN, "unban", BIT_OPS, RUNNING, 0, {WIRE_U64, NAME}},
};

static const struct wire_message auth_to_ops[] = {
    {MESSAGE_ACCOUNT_ROW,
     "account-row",
     BIT_AUTH,
     RUNNING,
     0,
     {NAME, NAME, NAME, PATH, NAME, WIRE_U8}},
    {MESSAGE_BAN_ROW,
     "ban-row",
     BIT_AUTH,
     RUNNING,
     0,
     {WIRE_U64, NAME, WIRE_I64, WIRE_U64, WIRE_U8}},
    {MESSAGE_BAN_DONE, "ban-done", BIT_AUTH, RUNNING, 0, {WIRE_U64, WIRE_U8, WORDS}},
};

static const struct wire_message to_keys[] = {
    {MESSAGE_SIGN,
     "sign",
     BIT_WORKER,
     RUNNING,
     0,
     {WIRE_U64, WIRE_U32, WIRE_U8, WIRE_U8, WIRE_BYTES(MESSAGE_SIGN_BYTES)}},
};

static const struct wire_message keys_to_worker[] = {
    {MESSAGE_SIGNED,
     "signed",
     BIT_KEYS,
     RUNNING,
     0,
     {WIRE_U64, WIRE_BYTES(MESSAGE_SIGNATURE_BYTES)}},
};

static const struct wire_message to_pam[] = {
    {MESSAGE_PAM_CHECK, "pam-check", BIT_AUTH, RUNNING, 1, {{0}}},
    {MESSAGE_PAM_OPEN, "pam-open", BIT_AUTH, RUNNING, 1, {WIRE_U64, NAME, NAME}},
    {MESSAGE_PAM_CLOSE, "pam-close", BIT_AUTH, RUNNING, 0, {WIRE_U64}},
};

const struct wire_table messages_from_supervisor = TABLE(from_supervisor);
const struct wire_table messages_to_supervisor = TABLE(to_supervisor);
const struct wire_table messages_to_auth = TABLE(to_auth);
const struct wire_table messages_auth_to_worker = TABLE(auth_to_worker);
const struct wire_table messages_to_keys = TABLE(to_keys);
const struct wire_table messages_keys_to_worker = TABLE(keys_to_worker);
const struct wire_table messages_ops_to_auth = TABLE(ops_to_auth);
const struct wire_table messages_auth_to_ops = TABLE(auth_to_ops);
const struct wire_table messages_to_pam = TABLE(to_pam);
