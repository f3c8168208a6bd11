/* put: uploads. */
#include <errno.h>
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

/* The URL names a directory to put files into: it ends in '/', is the login directory, or several
 * files go there. */
static bool is_directory_url(const struct url *url, int count)
{
    struct bytes path = bytes_str(url->path);
    return count > 1 || path.len == 0 || path.ptr[path.len - 1] == '/';
}

/* The last name of a local path, without slashes at its end. NULL: it has none, or memory is short;
 * which is told. */
static char *base_of(const char *local)
{
    struct bytes path = bytes_str(local);
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    char *base = alloc_bytes(path_base(path));
    if (!base)
        say("out of memory");
    else if (path_check_name(bytes_str(base)) == PATH_FLAW_NONE)
        return base;
    else
        say("%s ends in no name: name the remote one in the URL", local);
    alloc_free(base);
    return NULL;
}

/* The remote path for `local`. NULL as base_of. */
static char *remote_path(const struct url *url, const char *local, int count)
{
    if (!is_directory_url(url, count))
        return alloc_str(url->path);
    CLEANUP(alloc_free_str) char *base = base_of(local);
    if (!base)
        return NULL;
    char *remote = client_path_join(url->path, base);
    if (!remote)
        say("out of memory");
    return remote;
}

static enum exit_code put_tree(struct link *link, const char *local, const char *remote,
                               unsigned flags, struct crossing *crossing)
{
    if (!link->settings->recursive) {
        say("%s is a directory: use -r", local);
        return EXIT_USAGE;
    }
    crossing_begin_tree(crossing, "uploaded");
    return crossing_end_tree(
        crossing, ferry_put_tree(link->session, local, remote, flags, crossing_item, crossing));
}

static enum exit_code put_one(struct link *link, const struct url *url, const char *local,
                              int count, struct crossing *crossing)
{
    const struct settings *settings = link->settings;
    bool standard_input = strcmp(local, "-") == 0;
    struct stat status;
    if (!standard_input && stat(local, &status) < 0) {
        say("open %s: %s", local, strerror(errno));
        return EXIT_LOCAL;
    }
    CLEANUP(alloc_free_str) char *remote = remote_path(url, local, count);
    if (!remote)
        return EXIT_USAGE;
    unsigned flags =
        (settings->resume ? FERRY_RESUME : 0) | (settings->keep_time ? FERRY_KEEP_TIME : 0);
    if (!standard_input && S_ISDIR(status.st_mode))
        return put_tree(link, local, remote, flags, crossing);
    crossing_begin(crossing, "uploaded", remote, local);
    return crossing_end(crossing, standard_input ? ferry_put_fd(link->session, STDIN_FILENO, remote)
                                                 : ferry_put(link->session, local, remote, flags));
}

enum exit_code cmd_put(struct link *link, int count, char **operands)
{
    struct tally tally = {0};
    struct crossing crossing;
    CLEANUP(url_fini) struct url url = {0};
    int files = count - 1;
    crossing_init(&crossing, link);
    enum exit_code code = command_url(operands[files], &url);
    if (code == EXIT_DONE)
        code = link_to(link, &url);
    if (code != EXIT_DONE)
        return code;
    for (int i = 0; i < files && tally.worst != EXIT_INTERRUPTED; i++)
        tally_add(&tally, put_one(link, &url, operands[i], files, &crossing));
    return tally_result(&tally);
}
