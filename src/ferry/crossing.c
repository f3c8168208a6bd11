/* What is shown of files that cross. */
#include "ferry/crossing.h"

#include <stdio.h>

#include "ferry/say.h"
#include "ferry/show.h"

static bool on_progress(void *ctx, uint64_t bytes, int64_t total_bytes)
{
    struct crossing *crossing = ctx;
    crossing->bytes = bytes;
    return progress_show(&crossing->progress, bytes, total_bytes);
}

void crossing_init(struct crossing *crossing, struct link *link)
{
    *crossing = (struct crossing){.link = link};
    progress_init(&crossing->progress, link->settings);
    ferry_set_progress(link->session, on_progress, crossing);
}

void crossing_begin(struct crossing *crossing, const char *event, const char *remote,
                    const char *local)
{
    crossing->event = event;
    crossing->remote = remote;
    crossing->local = local;
    crossing->bytes = 0;
    progress_begin(&crossing->progress, remote);
}

enum exit_code crossing_end(struct crossing *crossing, enum ferry_error error)
{
    const struct settings *settings = crossing->link->settings;
    progress_end(&crossing->progress);
    if (error == FERRY_OK) {
        show_transfer(settings, crossing->event, crossing->remote, crossing->local,
                      (int64_t)crossing->bytes, NULL);
        return EXIT_DONE;
    }
    struct ferry_failure failure = ferry_failure_of(crossing->link->session);
    show_transfer(settings, "failed", crossing->remote, crossing->local, -1, &failure);
    return link_failed(crossing->link, error);
}

/* ---- trees ---- */

void crossing_begin_tree(struct crossing *crossing, const char *event)
{
    crossing->event = event;
    crossing->tally = (struct tally){0};
}

/* A name that is left out is worth a word, but no failure. */
static void tell_skipped(const struct crossing *crossing, const struct ferry_tree_item *item)
{
    const struct settings *settings = crossing->link->settings;
    show_transfer(settings, "skipped", item->remote, item->local, -1, &item->failure);
    if (!settings->quiet)
        fprintf(stderr, "ferry: left out: %s\n", item->failure.what);
}

bool crossing_item(void *ctx, const struct ferry_tree_item *item)
{
    struct crossing *crossing = ctx;
    const struct settings *settings = crossing->link->settings;
    progress_end(&crossing->progress);
    switch (item->event) {
    case FERRY_TREE_STARTS:
        progress_begin(&crossing->progress, item->remote);
        break;
    case FERRY_TREE_FILE:
        tally_add(&crossing->tally, EXIT_DONE);
        show_transfer(settings, crossing->event, item->remote, item->local, (int64_t)item->bytes,
                      NULL);
        break;
    case FERRY_TREE_DIRECTORY:
        break;
    case FERRY_TREE_SKIPPED:
        tell_skipped(crossing, item);
        break;
    case FERRY_TREE_FAILED:
        show_transfer(settings, "failed", item->remote, item->local, -1, &item->failure);
        say_failure(&item->failure);
        tally_add(&crossing->tally, EXIT_SOME_FAILED);
        break;
    }
    return !link_interrupted();
}

enum exit_code crossing_end_tree(struct crossing *crossing, enum ferry_error error)
{
    progress_end(&crossing->progress);
    if (error == FERRY_OK)
        return EXIT_DONE;
    /* A failure that was told with its file is told once; these ended the walk. */
    bool ended = error == FERRY_E_CANCELLED || error == FERRY_E_MEMORY ||
                 !ferry_is_connected(crossing->link->session);
    bool told = crossing->tally.failed > 0 && !ended;
    if (told && crossing->tally.done > 0)
        return EXIT_SOME_FAILED;
    return told ? link_exit(crossing->link, error) : link_failed(crossing->link, error);
}
