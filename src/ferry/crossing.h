/* What is shown of files that cross: progress, results, failures; for get and put alike. */
#ifndef FERRY_FERRY_CROSSING_H
#define FERRY_FERRY_CROSSING_H

#include "ferry/command.h"
#include "ferry/progress.h"

struct crossing {
    struct link *link;
    struct progress progress;
    const char *event; /* "downloaded" or "uploaded" */
    const char *remote, *local;
    uint64_t bytes;     /* of the file, so far */
    struct tally tally; /* of a tree */
};

/* Makes the session of `link` report its progress here. */
void crossing_init(struct crossing *crossing, struct link *link);

/* One file is about to cross; the strings are borrowed until the end. */
void crossing_begin(struct crossing *crossing, const char *event, const char *remote,
                    const char *local);

/* It did, or `error` says why not, which is told. */
enum exit_code crossing_end(struct crossing *crossing, enum ferry_error error);

/* A tree is about to cross: give crossing_item to ferry_get_tree or ferry_put_tree. */
void crossing_begin_tree(struct crossing *crossing, const char *event);
bool crossing_item(void *crossing, const struct ferry_tree_item *item);

/* What became of it: EXIT_SOME_FAILED if some of its files did and some did not cross. */
enum exit_code crossing_end_tree(struct crossing *crossing, enum ferry_error error);

#endif
