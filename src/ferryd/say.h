/* What ferryd's commands print. */
#ifndef FERRY_FERRYD_SAY_H
#define FERRY_FERRYD_SAY_H

#include <stdio.h>

#include "conf/read.h"

/* Prints every mistake, one a line. */
void say_mistakes(FILE *out, const struct conf *conf);

/* Prints what was made for it, all or nothing. Returns the exit status. */
int say_text(const struct buf *text, enum ferry_error error);

/* Takes `-c FILE` and `--help` from a command line whose other options are none; NULL: it was
 * wrong, or help was printed; then `*status` is how to end. */
const char *say_file_option(int argc, char **argv, const char *help, int *status);

#endif
