/* Parts in a directory made for the test: begun, written, ended. What should not happen fails the
 * cmocka test. */
#ifndef FERRY_TESTS_PART_KIT_H
#define FERRY_TESTS_PART_KIT_H

#include <stdint.h>

#include "store/part.h"
#include "support/tempdir.h"

/* What a test has between part_kit_open and part_kit_close. */
extern struct part_kit {
    struct tempdir top;
    struct root root; /* of `top`; links beneath it are followed, the mask is 027 */
} part_kit;

/* Set up and tear down. */
int part_kit_open(void **state);
int part_kit_close(void **state);

extern const struct bytes part_kit_owner, part_kit_stranger;

struct part part_kit_begin(const char *path, const struct part_want *want);

/* Of part_kit_owner. */
struct part part_kit_begin_new(const char *path);

/* Writes `text` behind what the part has. */
void part_kit_put(const struct part *part, const char *text);

void part_kit_commit(struct part *part);

/* Leaves a part of `path` with `text`, kept for part_kit_owner. */
void part_kit_leave_kept(const char *path, const char *text);

/* Size of what is kept, or -1. */
int64_t part_kit_kept_size(const char *path, struct bytes whose);

#endif
