/* A connection that has not yet proved to be the data connection: the TLS handshake in either role,
 * and what it must prove. What data.c and candidate.c share; nobody else includes this. */
#ifndef FERRY_SERVER_CANDIDATE_H
#define FERRY_SERVER_CANDIDATE_H

#include <stdbool.h>

#include "server/arrivals.h"
#include "server/data.h"

enum { CANDIDATES_MAX = 4, DATA_REPLY_TLS = 522, DATA_REPLY_NONE = 425 };

/* A connection that has not yet proved to be the data connection. */
struct server_candidate {
    struct server_data *data;
    struct stream *stream; /* NULL: this place is free */
    uint64_t since_ns;     /* from when its handshake's time counts */
    bool foreign;          /* not of the client's address: only another server may be there */
};

enum data_state {
    DATA_WAITING, /* for the transfer command */
    DATA_BEGUN,   /* for the data connection */
    DATA_TOLD,    /* ready or failed was called */
};

struct server_data {
    struct server_data_setup setup;
    enum data_state state;
    uint64_t created_ns, begun_ns;
    bool tls_client; /* from server_data_begin on: be TLS client */

    int listener; /* -1: active, or closed */
    struct loop_watch *listener_watch;
    struct server_arrivals arrivals; /* on it */
    struct address target;           /* active */
    int dialled;                     /* a connect under way, or -1 */
    struct loop_watch *dialled_watch;

    struct server_candidate candidates[CANDIDATES_MAX];
    struct stream *taken; /* the slot */
    enum tls_proof proof;

    int code; /* of the last refusal; 0: nobody was refused */
    uint64_t refused_ns;
    struct fault why;

    struct loop_timer *timer;
    struct loop_task *tell;         /* delivers the outcome */
    struct server_binding *binding; /* of the candidates' engines; NULL in clear */
};

/* ---- candidate.c ---- */

/* Begins its handshake, as TLS server or client; it waits for server_data_begin where that is not
 * known yet. */
void server_candidate_seal(struct server_candidate *candidate);

/* It is not the data connection; others may still come. */
void server_candidate_refuse(struct server_candidate *candidate, int code,
                             const struct fault *fault);

/* ---- data.c ---- */

/* Makes a refusal the reason for a failure to come, and tells the owner of it. */
void server_data_refusal(struct server_data *data, int code, const struct address *peer,
                         const struct fault *fault);

/* The slot has its stream: nobody else may come. */
void server_data_take(struct server_data *data, struct stream *stream, enum tls_proof proof);

/* Sets the deadline of what is awaited now. */
void server_data_arm(struct server_data *data);

#endif
