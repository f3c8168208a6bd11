/* What the processes of ferryd say to each other: every kind of message, its fields, who may send
 * it and when (SEC-63). Each table is all that one end of one kind of channel may ever receive;
 * what is not in it ends the sender. The calls on files have tables of their own. */
#ifndef FERRY_FERRYD_MESSAGES_H
#define FERRY_FERRYD_MESSAGES_H

#include "proc/wire.h"

enum message {
    MESSAGE_NONE,

    /* supervisor -> every role, in this order; then START */
    MESSAGE_SETTINGS, /* + memfd: the configuration, as far as it is the role's business */
    MESSAGE_FILE,     /* name + descriptor: a file that the configuration names, or
                         MESSAGE_FILE_BANS */
    MESSAGE_CHANNEL,  /* role of the peer u8, its number u32 + descriptor; also while running */
    MESSAGE_LISTENER, /* number of the listen block u32, from 0, + listening socket */
    MESSAGE_START,    /* uid u32, gid u32, groups bytes (u32 each), confinement u8 (enum) */
    MESSAGE_DRAIN,    /* grace u64 ns, or MESSAGE_DRAIN_PATIENT: no new work, then leave;
                         a second one has the grace that counts */
    /* every role -> supervisor */
    MESSAGE_READY,    /* what could not be confined, in words; "" if nothing */
    MESSAGE_FAILED,   /* why it cannot start, and what to do about it */
    MESSAGE_DRAINING, /* a drain has begun: it takes no new work any more */

    /* grants: auth -> supervisor; no auth gives a number that one before it may have given */
    MESSAGE_GRANT,  /* worker u32, grant u64, uid u32, gid u32, groups bytes, root, owner,
                       rules u8, denied names, quotas, rights, roots as of MESSAGE_ATTACH */
    MESSAGE_REVOKE, /* grant u64 */
    /* supervisor -> files */
    MESSAGE_ATTACH, /* grant u64, root, owner, rules u8 (MESSAGE_RULE_ bits), denied names,
                       quota in bytes u64 and in files u64 (0: no limit), rights by folder and
                       further roots as texts (store/rights.h, store/roots.h) + channel */
    MESSAGE_SWEEP, /* root, time i64 (s since 1970): removes the parts of cut uploads that were last
                      written before that and nobody is writing */
    /* supervisor -> worker */
    MESSAGE_GRANTED, /* grant u64 + channel */
    MESSAGE_DENIED,  /* grant u64, why */

    /* worker -> auth */
    MESSAGE_LOGIN_ASK,
    MESSAGE_LOGIN_CANCEL, /* ask u64 */
    MESSAGE_LOGOUT,       /* grant u64 */
    MESSAGE_LOOKUP,       /* number u64, name: a worker can look none up itself */
    /* auth -> worker */
    MESSAGE_LOGIN_ANSWER,
    MESSAGE_LOOKED_UP, /* number u64, IPv4 addresses of 4 bytes each, why there is none */

    /* worker -> keys */
    MESSAGE_SIGN, /* request u64, key u32 (ferryd/hosts.h), scheme u8, digest
                     u8, input */
    /* keys -> worker */
    MESSAGE_SIGNED, /* request u64, signature; nothing: refused */

    /* who is there: worker -> auth. A worker tells a new auth of all that it has, then TOLD */
    MESSAGE_ARRIVED, /* place u64, peer, sessions per address u64, per network u64, connections a
                        minute u64: may it be served? */
    MESSAGE_LEFT,    /* place u64 */
    MESSAGE_PRESENT, /* place u64, peer: is served already */
    MESSAGE_SEATED,  /* grant u64, account, peer, stamp u64: is logged in already */
    MESSAGE_TOLD,
    /* auth -> worker */
    MESSAGE_ADMITTED, /* place u64, enum crowd_limit u8 */
    MESSAGE_END,      /* grant u64, why: its session is to end */
    MESSAGE_SHARE,    /* account, rates u64 up and down of its sessions in this worker */
    /* supervisor -> auth */
    MESSAGE_INTRODUCED, /* it has a channel to every worker that there is */

    /* ops -> supervisor */
    MESSAGE_STATUS_ASK, /* ask u64: STATUS, then PROCESS and RESTARTS, then STATUS_END */
    MESSAGE_RELOAD_ASK, /* ask u64: RELOADED when it is over */
    MESSAGE_DRAIN_ASK,  /* grace u64 ns, or MESSAGE_DRAIN_PATIENT for that of the configuration */
    /* supervisor -> ops */
    MESSAGE_STATUS,     /* file of the configuration, started i64, loaded i64 (ns since 1970) */
    MESSAGE_PROCESS,    /* role u8, number u32, pid u32, crew u32, phase, what is not confined */
    MESSAGE_RESTARTS,   /* role u8, how many u64 */
    MESSAGE_STATUS_END, /* ask u64 */
    MESSAGE_RELOADED,   /* ask u64, done u8, what is wrong, a line each */
    MESSAGE_EVENT,      /* one event of the log, as JSON */

    /* accounts: ops -> auth */
    MESSAGE_ACCOUNTS_ASK, /* number: rows, then BAN_DONE */
    /* auth -> ops */
    MESSAGE_ACCOUNT_ROW, /* name, source, login, home, expires, disabled u8 */

    /* bans: ops -> auth; each is answered under its number u64 */
    MESSAGE_BANS_ASK, /* number */
    MESSAGE_BAN,      /* number, address, seconds u64 */
    MESSAGE_UNBAN,    /* number, address */
    /* auth -> ops */
    MESSAGE_BAN_ROW,  /* number, address or network, end i64 (s since 1970), failures u64, by hand
                         u8 */
    MESSAGE_BAN_DONE, /* number, done u8, why not: after the last row, too */
    /* supervisor -> every role, and back */
    MESSAGE_PING, /* whether it still answers */
    MESSAGE_PONG,

    /* auth -> pam; each with a channel on which PAM is asked, and answers (ferryd/pam_wire.h) */
    MESSAGE_PAM_CHECK,
    MESSAGE_PAM_OPEN,  /* session u64, account, address of the peer */
    MESSAGE_PAM_CLOSE, /* session u64, without a channel */
};

enum message_limits {
    MESSAGE_NAME_BYTES = 64,
    MESSAGE_HOST_BYTES = 255,
    MESSAGE_ADDRESSES_BYTES = 16 * 4,
    MESSAGE_PATH_BYTES = 4096,
    MESSAGE_WORDS_BYTES = 512,
    MESSAGE_GROUPS_BYTES = 64 * 4,
    MESSAGE_PASSWORD_BYTES = 4096,
    MESSAGE_IDENTITY_BYTES = 8192,
    MESSAGE_MISTAKES_BYTES = 24 * 1024,
    MESSAGE_EVENT_BYTES = 24 * 1024,
    MESSAGE_DENIED_BYTES = 8192,
    MESSAGE_RIGHTS_BYTES = 8192, /* and of roots */
    MESSAGE_SIGN_BYTES = 16 * 1024,
    MESSAGE_SIGNATURE_BYTES = 2048,
};

/* The verdict of MESSAGE_LOGIN_ANSWER, as server/backend.h has it. */
enum login_answer { LOGIN_ANSWER_GRANTED, LOGIN_ANSWER_REFUSED, LOGIN_ANSWER_UNAVAILABLE };

/* The name by which auth gets what it keeps its bans in (auth/shelf.h); no path is like it. */
#define MESSAGE_FILE_BANS "bans"

/* The grace of MESSAGE_DRAIN that ends no session: it is over when the last one is. */
#define MESSAGE_DRAIN_PATIENT UINT64_MAX

/* What a grant takes from the account (store/home.h). */
enum message_rule {
    MESSAGE_RULE_READ_ONLY = 1 << 0,
    MESSAGE_RULE_IN_PLACE = 1 << 1,
    MESSAGE_RULE_HIDE_DOTFILES = 1 << 2,
    MESSAGE_RULE_CONTROL_BYTES = 1 << 3,
    MESSAGE_RULE_DENIED_NAMES = 1 << 4, /* those of the message are denied, not the default */
};

/* How much a role insists on its confinement: MESSAGE_START. */
enum confinement {
    CONFINE_TRY,     /* as far as the kernel can; what is missing is told */
    CONFINE_REQUIRE, /* or it does not start */
    CONFINE_OFF,     /* not at all: debuggers, sanitizers */
};

/* The states of one end of a channel to the supervisor. */
enum message_state { MESSAGE_STARTING, MESSAGE_RUNNING };

extern const struct wire_table messages_from_supervisor;
extern const struct wire_table messages_to_supervisor;
extern const struct wire_table messages_to_auth; /* from a worker */
extern const struct wire_table messages_auth_to_worker;
extern const struct wire_table messages_to_keys; /* from a worker */
extern const struct wire_table messages_keys_to_worker;
extern const struct wire_table messages_ops_to_auth;
extern const struct wire_table messages_auth_to_ops;
extern const struct wire_table messages_to_pam; /* from auth */

#endif
