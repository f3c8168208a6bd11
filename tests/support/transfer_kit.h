/* A server with one client that is logged in, for tests of transfers. */
#ifndef FERRY_TESTS_TRANSFER_KIT_H
#define FERRY_TESTS_TRANSFER_KIT_H

#include "support/server_rig.h"

enum { TRANSFER_KIT_BIG_BYTES = 3 * 1024 * 1024 };

struct transfer_kit {
    struct server_rig rig;
    struct rig_client client;
    struct buf content; /* of the last download */
};

/* As server_rig_open and rig_login. */
void transfer_kit_open(struct transfer_kit *kit, const struct server_rig_options *options);
void transfer_kit_close(struct transfer_kit *kit);

/* For cmocka: the same with the defaults, `*state` being the kit. */
int transfer_kit_setup(void **state);
int transfer_kit_teardown(void **state);

/* TRANSFER_KIT_BIG_BYTES of noise: more than one read, record or window. After transfer_kit_setup.
 */
struct bytes transfer_kit_big(void);

/* The file `name` on the server's disk is `content`. */
void transfer_kit_assert_file(const struct transfer_kit *kit, const char *name,
                              struct bytes content);

/* What `command` sends is `content`. */
void transfer_kit_assert_download(struct transfer_kit *kit, const char *command,
                                  struct bytes content);

/* Begins a download that fills every buffer on its way. */
void transfer_kit_begin_slow_download(struct transfer_kit *kit, struct rig_data *data);

/* Begins STOR of "up" and sends so much of it. */
void transfer_kit_begin_upload(struct transfer_kit *kit, struct rig_data *data,
                               struct bytes content);

#endif
