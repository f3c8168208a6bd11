/* The commands of `ferry`, and what they share. */
#ifndef FERRY_FERRY_COMMAND_H
#define FERRY_FERRY_COMMAND_H

#include "ferry/args.h"
#include "ferry/exit.h"
#include "ferry/link.h"
#include "ftp/url.h"

/* Works on the operands. Whatever goes wrong was told when it returns. */
typedef enum exit_code command_fn(struct link *link, int count, char **operands);

struct command {
    const char *name;
    const char *operands; /* for the usage */
    const char *summary;  /* one line */
    const char *details;  /* further lines of the help, or "" */
    enum command_bit bit;
    int least, most; /* operands */
    command_fn *run;
};

command_fn cmd_ls, cmd_stat, cmd_cat, cmd_get, cmd_put, cmd_rm, cmd_mv, cmd_mkdir, cmd_rmdir;

/* What several pieces of work come to. Zeroed, nothing was done. */
struct tally {
    unsigned done;
    unsigned failed;
    enum exit_code worst; /* of those that failed: of all if they agree, else EXIT_SOME_FAILED */
};

void tally_add(struct tally *tally, enum exit_code code);

/* EXIT_SOME_FAILED if some were done and some failed. */
enum exit_code tally_result(const struct tally *tally);

/* Takes an operand apart that must be a URL; what is wrong with it is told. */
enum exit_code command_url(const char *text, struct url *out);

/* Calls `fn` for each operand, a URL, connected to its server; goes on after failures, but not
 * after an interrupt. */
typedef enum exit_code url_fn(struct link *link, const struct url *url);
enum exit_code command_each_url(struct link *link, int count, char **operands, url_fn *fn);

#endif
