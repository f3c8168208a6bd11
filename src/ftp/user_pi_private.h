/* What the two files of the user-PI share: user_pi.c (its life, bytes, commands, time) and
 * user_pi_reply.c (replies to events). Nobody else includes this. */
#ifndef FERRY_FTP_USER_PI_PRIVATE_H
#define FERRY_FTP_USER_PI_PRIVATE_H

#include "base/buf.h"
#include "ftp/telnet.h"
#include "ftp/user_pi.h"

enum { USER_PI_MAX_PENDING = 64 };

enum user_pi_phase {
    USER_PI_GREETING,
    USER_PI_READY,
    USER_PI_START_TLS, /* implicit: the event is due */
    USER_PI_HANDSHAKE,
    USER_PI_FAILED, /* the event is due */
    USER_PI_OVER,
};

/* A command whose final reply has not come. */
struct user_pi_pending {
    enum verb verb;
    bool begun;                    /* a 1xx came */
    enum auth_mechanism mechanism; /* AUTH */
    enum protection level;         /* PROT */
};

struct user_pi {
    struct user_pi_settings settings;
    enum user_pi_phase phase;
    struct security security;
    struct fault fault;

    struct telnet telnet;
    bool after_cr;
    bool skipped; /* the last byte that came was Telnet's, so that none of `input` is newer */
    struct buf input;
    struct reply_scan scan;
    size_t given_bytes;   /* of the input: the reply that the last event showed */
    size_t unasked_bytes; /* of the input: what came before the oldest pending command was sent */
    struct buf output;

    struct user_pi_pending pending[USER_PI_MAX_PENDING]; /* oldest first */
    size_t count;
    bool abor_waits;     /* all before ABOR is answered; its own reply may never come (FTP-67) */
    bool stray_expected; /* a second final reply of a failed transfer may still come (DEV-35) */
    bool quit_answered;
    bool ended;
    bool ended_cleanly;

    bool hold;
    bool take_other_end; /* DEV-59: quiet for long enough */
    bool take_abor;      /* FTP-67: quiet for long enough */
    uint64_t now_ns;
    uint64_t asked_ns; /* since when the next reply is awaited */
    uint64_t heard_ns; /* when bytes last came */
};

/* user_pi.c: ends all but the event that tells so. The first fault stays. */
void user_pi_fail(struct user_pi *pi, enum ferry_error kind, const char *why);

/* user_pi.c: whether PI_FAILED is due or all is over. */
bool user_pi_is_over(const struct user_pi *pi);

/* user_pi_reply.c: drops the reply that the last event showed. */
void user_pi_drop_given(struct user_pi *pi);

/* user_pi_reply.c: the next event that a reply makes, or the silence after ABOR. false: there is
 * none. */
bool user_pi_next_reply(struct user_pi *pi, struct pi_event *event);

#endif
