/* One file "f" that the client downloads from a fake server: the dialogue, and how it ends. */
#ifndef FERRY_TESTS_DOWNLOAD_KIT_H
#define FERRY_TESTS_DOWNLOAD_KIT_H

#include "support/client_rig.h"

/* What the file holds. */
extern const char download_content[];
extern const struct bytes download_body;
enum { DOWNLOAD_BYTES = 19 };

/* For the server: login, and what ferry_get asks before the transfer. */
void download_login(struct fake *fake);

/* Accepts the data connection and its handshake, which must succeed. */
void download_seal(struct fake *fake);

/* All of it as it usually goes. */
void download_usual(struct fake *fake);

/* For the client: ferry_get of "f" to "f". */
enum ferry_error download_get(struct client_rig *rig);

/* It comes whole: the file is there; or it fails so, and there is none. */
void download_assert_got(struct client_rig *rig);
void download_assert_not(struct client_rig *rig, enum ferry_error error);

#endif
