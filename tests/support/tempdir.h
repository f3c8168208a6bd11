/* A directory for one test, and quick ways to fill and look at it. Everything asserts (cmocka). */
#ifndef FERRY_TESTS_TEMPDIR_H
#define FERRY_TESTS_TEMPDIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct tempdir {
    char path[PATH_MAX]; /* absolute */
    int fd;
};

/* Makes an empty directory beneath $TMPDIR or /tmp. */
void tempdir_make(struct tempdir *dir);

/* Removes it and everything in it; links are not followed. */
void tempdir_remove(struct tempdir *dir);

/* The functions below take names relative to it. */

/* Makes a directory, and those above it that are missing. */
void tempdir_mkdir(const struct tempdir *dir, const char *name);

/* Writes a file anew; its directory exists. */
void tempdir_write(const struct tempdir *dir, const char *name, const char *text);

void tempdir_symlink(const struct tempdir *dir, const char *target, const char *name);

/* There is something by that name, be it a dangling link. */
bool tempdir_has(const struct tempdir *dir, const char *name);

/* Asserts that the file holds exactly `text`. */
void tempdir_assert_text(const struct tempdir *dir, const char *name, const char *text);

/* How many names there are in the directory `name`, without "." and "..". */
size_t tempdir_count(const struct tempdir *dir, const char *name);

/* `name` as an absolute path, valid until `out` goes. */
const char *tempdir_path(const struct tempdir *dir, const char *name, char out[static PATH_MAX]);

#endif
