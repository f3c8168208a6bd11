/* What all sessions of a server share for good; the rules of each listener are in rules.h. */
#ifndef FERRY_SERVER_SETTINGS_H
#define FERRY_SERVER_SETTINGS_H

#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/names.h"
#include "server/backend.h"
#include "tls/resume.h"

struct server_view;

struct server_settings {
    struct tls_master *master; /* of the tickets; NULL only if no listener has TLS */
    uint64_t master_period_ns; /* after which it is rotated (TLS-205); 0: TLS_MASTER_PERIOD_S */
    const struct account_ops *account_ops;
    void *accounts;
    uint64_t answer_ns;              /* for an answer of the accounts; 0: 60 s */
    const struct hook_ops *hook_ops; /* NULL: nobody is told of anything */
    void *hooks;
    const struct names *names;       /* where names are looked up; NULL: the system */
    const struct gate_ops *gate_ops; /* who counts the sessions; NULL: this process */
    void *gate;
    uint32_t sessions_max; /* that this process counts; 0: 10000; beyond: 421 */
    const struct log *log;
    uint32_t id_tag; /* tells the sessions of several processes apart (server/event.h) */
    /* Receives the lines of the xferlog, without their newlines; NULL: nobody does. */
    void (*xferlog)(void *ctx, struct bytes line);
    void *xferlog_ctx;
    /* Is told of each session that ends and was served; NULL: nobody is. */
    void (*ended)(void *ctx, const struct server_view *view);
    void *ended_ctx;
    const struct clock *clock; /* for the dates of listings; NULL: the system's */
};

#endif
