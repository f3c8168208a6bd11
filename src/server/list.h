/* The lines of one listing: LIST, NLST, MLSD on a data connection, STAT on the control connection.
 * Made piece by piece as they are asked for, in bounded memory (LST-80 to LST-89, FTP-71 to FTP-73,
 * FTP-135). */
#ifndef FERRY_SERVER_LIST_H
#define FERRY_SERVER_LIST_H

#include "server/session.h"

struct server_list;

/* Called from the loop, never from inside a server_list_* call. */
struct server_list_events {
    /* The outcome of server_list_open: lines can be had unless `fault` is set, which is
     * FERRY_E_UNSUPPORTED for MLSD of what is no directory. `directory`: it is one. May free the
     * list. */
    void (*opened)(void *ctx, const struct fault *fault, bool directory);
    /* server_list_lines has something again, or has come to the end. May free the list. */
    void (*more)(void *ctx);
    /* Reading the directory failed: the listing will not be whole. May free the list. */
    void (*failed)(void *ctx, const struct fault *fault);
};

/* Begins the listing that `action` asks for. FERRY_E_MEMORY. */
NODISCARD enum ferry_error server_list_open(struct server_session *session,
                                            const struct server_action *action,
                                            const struct server_list_events *events, void *ctx,
                                            struct server_list **out);

/* As pump_source_fn, `list` being the context: appends the next lines to `out`, returns false at
 * the end. If it appends nothing and returns true, `more` or `failed` follows. */
bool server_list_lines(void *list, struct buf *out);

/* Ends it at any moment; a batch that is awaited is cancelled. NULL is fine. */
void server_list_free(struct server_list *list);

#endif
