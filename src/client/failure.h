/* A fault as the public header shows it. */
#ifndef FERRY_CLIENT_FAILURE_H
#define FERRY_CLIENT_FAILURE_H

#include "base/fault.h"
#include "ferry/ferry.h"

/* Borrows the texts of `fault`. */
static inline struct ferry_failure client_failure(const struct fault *fault)
{
    return (struct ferry_failure){
        .kind = fault->kind,
        .reply = fault->reply,
        .what = fault->what,
        .peer_said = fault->peer_said,
        .advice = fault->advice,
    };
}

#endif
