/* rm, mkdir, rmdir, mv: what is done to remote names. */
#include "ferry/command.h"

static enum exit_code told(const struct link *link, enum ferry_error error)
{
    return error == FERRY_OK ? EXIT_DONE : link_failed(link, error);
}

static enum exit_code remove_file(struct link *link, const struct url *url)
{
    return told(link, ferry_remove(link->session, url->path));
}

static enum exit_code make_directory(struct link *link, const struct url *url)
{
    return told(link, ferry_make_directory(link->session, url->path));
}

static enum exit_code remove_directory(struct link *link, const struct url *url)
{
    return told(link, ferry_remove_directory(link->session, url->path));
}

enum exit_code cmd_rm(struct link *link, int count, char **operands)
{
    return command_each_url(link, count, operands, remove_file);
}

enum exit_code cmd_mkdir(struct link *link, int count, char **operands)
{
    return command_each_url(link, count, operands, make_directory);
}

enum exit_code cmd_rmdir(struct link *link, int count, char **operands)
{
    return command_each_url(link, count, operands, remove_directory);
}

enum exit_code cmd_mv(struct link *link, int count, char **operands)
{
    (void)count;
    CLEANUP(url_fini) struct url url = {0};
    enum exit_code code = command_url(operands[0], &url);
    if (code == EXIT_DONE)
        code = link_to(link, &url);
    if (code != EXIT_DONE)
        return code;
    return told(link, ferry_rename(link->session, url.path, operands[1]));
}
