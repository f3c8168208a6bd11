/* A raw client in MODE B: files as blocks over one data connection that stays open. Whatever should
 * not happen fails the cmocka test. */
#ifndef FERRY_TESTS_BLOCK_CLIENT_H
#define FERRY_TESTS_BLOCK_CLIENT_H

#include "support/server_rig.h"

struct block_client {
    struct server_rig rig;
    struct rig_client client;
    struct rig_data data; /* open if `has_data` */
    bool has_data;
    struct buf content; /* of the last download */
    struct buf marks;   /* its markers, a blank behind each */
};

/* Logged in, MODE B, TYPE I; MODE B is offered and PROT C is allowed beside what `options` says. */
void block_open(struct block_client *it, const struct server_rig_options *options);
void block_close(struct block_client *it);

/* A new data connection, sealed unless `clear` (PROT C was said), in the place of the last one. */
void block_connect(struct block_client *it, bool clear);

/* Sends `content` as a file, without a command. */
void block_send(struct block_client *it, struct bytes content);

/* Receives a file, without a command. */
void block_receive(struct block_client *it);

/* A command with its transfer over the open connection: its preliminary reply (125 or 150) and the
 * final one. */
void block_upload(struct block_client *it, int first, int last, const char *command,
                  struct bytes content);
void block_download(struct block_client *it, int first, int last, const char *command);

/* The server has ended the connection in order. */
void block_expect_end(struct block_client *it);

void block_assert_content(const struct block_client *it, struct bytes content);

#endif
