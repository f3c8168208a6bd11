/* get, cat: downloads. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "client/path.h"
#include "ferry/command.h"
#include "ferry/crossing.h"
#include "ferry/say.h"
#include "ftp/path.h"

static enum exit_code to_stdout(struct link *link, const struct url *url)
{
    enum ferry_error error = ferry_get_fd(link->session, url->path, STDOUT_FILENO);
    return error == FERRY_OK ? EXIT_DONE : link_failed(link, error);
}

enum exit_code cmd_cat(struct link *link, int count, char **operands)
{
    return command_each_url(link, count, operands, to_stdout);
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What --output names is a directory: it exists as one, ends in '/', or several files go there. */
static bool output_is_directory(const char *output, int count)
{
    struct bytes path = bytes_str(output);
    return count > 1 || is_directory(output) || path.ptr[path.len - 1] == '/';
}

/* The local path for `url`. NULL: there is none, which was told. */
static char *local_path(const struct settings *settings, const struct url *url, int count)
{
    const char *output = settings->output ? settings->output : ".";
    if (settings->output && output[0] != '\0' && !output_is_directory(output, count))
        return alloc_str(output);

    struct bytes path = bytes_str(url->path);
    while (settings->recursive && path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    CLEANUP(alloc_free_str) char *base = alloc_bytes(path_base(path));
    if (base && base[0] == '\0' && settings->recursive)
        return alloc_str(output); /* the top of the server has no name of its own */
    if (base && path_check_name(bytes_str(base)) != PATH_FLAW_NONE) {
        say("the URL ends in no file name: name the local file with --output");
        return NULL;
    }
    char *local = base ? client_path_join(settings->output ? output : "", base) : NULL;
    if (!local)
        say("out of memory");
    return local;
}

static enum exit_code get_one(struct link *link, const struct url *url, int count,
                              struct crossing *crossing)
{
    const struct settings *settings = link->settings;
    if (settings->output && strcmp(settings->output, "-") == 0)
        return to_stdout(link, url);
    CLEANUP(alloc_free_str) char *local = local_path(settings, url, count);
    if (!local)
        return EXIT_USAGE;
    unsigned flags = FERRY_KEEP_TIME | (settings->resume ? FERRY_RESUME : 0) |
                     (settings->force ? FERRY_OVERWRITE : 0);
    if (settings->recursive) {
        crossing_begin_tree(crossing, "downloaded");
        return crossing_end_tree(crossing, ferry_get_tree(link->session, url->path, local, flags,
                                                          crossing_item, crossing));
    }
    crossing_begin(crossing, "downloaded", url->path, local);
    return crossing_end(crossing, ferry_get(link->session, url->path, local, flags));
}

enum exit_code cmd_get(struct link *link, int count, char **operands)
{
    struct crossing crossing;
    struct tally tally = {0};
    crossing_init(&crossing, link);
    for (int i = 0; i < count && tally.worst != EXIT_INTERRUPTED; i++) {
        CLEANUP(url_fini) struct url url = {0};
        enum exit_code code = command_url(operands[i], &url);
        if (code == EXIT_DONE)
            code = link_to(link, &url);
        if (code == EXIT_DONE)
            code = get_one(link, &url, count, &crossing);
        tally_add(&tally, code);
    }
    return tally_result(&tally);
}
