/* One remote file "f", as a fake server of today shows it, that goes one way or the other, whole or
 * in parts. */
#ifndef FERRY_TESTS_FILE_KIT_H
#define FERRY_TESTS_FILE_KIT_H

#include "support/client_rig.h"
#include "support/download_kit.h"

enum { FILE_KIT_BYTES = 3900 };

/* What it holds, after file_kit_group_setup, NUL-terminated: every byte tells its place. */
extern char file_kit_content[FILE_KIT_BYTES + 1];
struct bytes file_kit_from(size_t offset);

/* For cmocka: those of client_rig, and a local directory "d". */
int file_kit_group_setup(void **state);
int file_kit_setup(void **state);

/* For the server: login with MLST, MFMT and REST; the answer to MLST. */
void file_kit_login(struct fake *fake);
void file_kit_tell(struct fake *fake, unsigned size, const char *time);

#endif
