/* ls, stat: what the server tells of names. */
#include "ferry/command.h"
#include "ferry/say.h"
#include "ferry/show.h"

static bool on_entry(void *ctx, const struct ferry_entry *entry)
{
    const struct link *link = ctx;
    return show_entry(link->settings, entry);
}

/* MLSD refuses a file (FTP-135), and LIST may: then `path` itself is shown. */
static enum ferry_error list_file(struct link *link, const char *path)
{
    struct ferry_entry entry;
    enum ferry_error error = ferry_stat(link->session, path, &entry);
    if (error == FERRY_OK && entry.type == FERRY_ENTRY_DIRECTORY)
        return ferry_list(link->session, path, on_entry,
                          link); /* to be refused once more, in words */
    if (error == FERRY_OK)
        show_entry(link->settings, &entry);
    return error;
}

static enum exit_code list(struct link *link, const struct url *url)
{
    enum ferry_error error = ferry_list(link->session, url->path, on_entry, link);
    int reply = ferry_failure_of(link->session).reply;
    bool may_be_file = (reply == 501 || reply == 550) && url->path[0] != '\0';
    if (error != FERRY_OK && may_be_file)
        error = list_file(link, url->path);
    return error == FERRY_OK ? EXIT_DONE : link_failed(link, error);
}

enum exit_code cmd_ls(struct link *link, int count, char **operands)
{
    return command_each_url(link, count, operands, list);
}

static enum exit_code tell(struct link *link, const struct url *url)
{
    struct ferry_entry entry;
    enum ferry_error error = ferry_stat(link->session, url->path, &entry);
    if (error != FERRY_OK) {
        enum exit_code code = link_failed(link, error);
        return code == EXIT_LOCAL ? EXIT_REFUSED : code; /* nothing local is involved */
    }
    if (show_stat(link->settings, &entry))
        return EXIT_DONE;
    say("out of memory");
    return EXIT_LOCAL;
}

enum exit_code cmd_stat(struct link *link, int count, char **operands)
{
    return command_each_url(link, count, operands, tell);
}
