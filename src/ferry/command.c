/* What the commands share. */
#include "ferry/command.h"

#include "ferry/say.h"

void tally_add(struct tally *tally, enum exit_code code)
{
    if (code == EXIT_DONE) {
        tally->done++;
        return;
    }
    tally->failed++;
    if (tally->failed == 1 || code == EXIT_INTERRUPTED)
        tally->worst = code;
    else if (tally->worst != code && tally->worst != EXIT_INTERRUPTED)
        tally->worst = EXIT_SOME_FAILED;
}

enum exit_code tally_result(const struct tally *tally)
{
    if (tally->failed == 0)
        return EXIT_DONE;
    return tally->done > 0 && tally->worst != EXIT_INTERRUPTED ? EXIT_SOME_FAILED : tally->worst;
}

enum exit_code command_url(const char *text, struct url *out)
{
    struct fault fault = {0};
    enum ferry_error error = url_parse(bytes_str(text), out, &fault);
    if (error == FERRY_OK)
        return EXIT_DONE;
    say("%s", fault.what);
    return error == FERRY_E_MEMORY ? EXIT_LOCAL : EXIT_USAGE;
}

static enum exit_code one_url(struct link *link, const char *operand, url_fn *fn)
{
    CLEANUP(url_fini) struct url url = {0};
    enum exit_code code = command_url(operand, &url);
    if (code == EXIT_DONE)
        code = link_to(link, &url);
    return code == EXIT_DONE ? fn(link, &url) : code;
}

enum exit_code command_each_url(struct link *link, int count, char **operands, url_fn *fn)
{
    struct tally tally = {0};
    for (int i = 0; i < count && tally.worst != EXIT_INTERRUPTED; i++)
        tally_add(&tally, one_url(link, operands[i], fn));
    return tally_result(&tally);
}
