/* `ferryd config`: what holds, and the manual page's list of directives. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "conf/print.h"
#include "ferryd/accounts.h"
#include "ferryd/cmd_config_for.h"
#include "ferryd/command.h"
#include "ferryd/say.h"
#include "ferryd/settings.h"

static const char help[] =
    "Usage: ferryd config --effective [-c FILE] [--for ACCOUNT [--from ADDRESS]]\n"
    "       ferryd config --manual\n"
    "\n"
    "  --effective     print every directive with its value and where it is set\n"
    "  -c FILE         the configuration (" SETTINGS_FILE_DEFAULT ")\n"
    "  --for ACCOUNT   leave out the other accounts, and show of this one, wherever it is kept,\n"
    "                  what holds with its groups and its template\n"
    "  --from ADDRESS  whether a login from there would be let in now\n"
    "  --manual        print the directives as a part of a manual page, in mdoc\n";

static bool is_of_accounts(const struct conf_instance *block)
{
    static const char *const kinds[] = {SETTINGS_ACCOUNT, SETTINGS_GROUP, SETTINGS_TEMPLATE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (block->block->name && strcmp(block->block->name, kinds[i]) == 0)
            return true;
    return false;
}

/* Of all blocks but accounts', groups' and templates' what they set, and of the account all. */
static int print_for(struct conf *conf, const char *account, const char *from)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, PRINT_MAX_BYTES);
    enum ferry_error error = FERRY_OK;
    struct fault fault = {0};
    const struct conf_instance *block;
    STAILQ_FOREACH (block, &conf->instances, link) {
        if (error == FERRY_OK && (!account || !is_of_accounts(block)))
            error = print_effective(block, PRINT_NO_SECRETS, &text);
    }
    if (error == FERRY_OK && account)
        error = config_for(conf, account, from, &text, &fault);
    if (fault_is_set(&fault)) {
        fprintf(stderr, "ferryd config: %s\n", fault.what);
        return EXIT_FAILED;
    }
    return say_text(&text, error);
}

static int effective(const char *file, const char *account, const char *from)
{
    CLEANUP(conf_drop) struct conf *conf = NULL;
    if (settings_read(file, conf_load_file, NULL, &conf) != FERRY_OK ||
        accounts_check(conf) != FERRY_OK) {
        fputs("ferryd config: memory is short\n", stderr);
        return EXIT_FAILED;
    }
    if (conf->check.count == 0)
        return print_for(conf, account, from);
    say_mistakes(stderr, conf);
    return EXIT_FAILED;
}

static int manual(void)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, PRINT_MAX_BYTES);
    enum ferry_error error = print_manual(&settings_schema, &text);
    return say_text(&text, error);
}

int config_run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"effective", no_argument, NULL, 'e'},
                                            {"for", required_argument, NULL, 'f'},
                                            {"from", required_argument, NULL, 'a'},
                                            {"manual", no_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *file = SETTINGS_FILE_DEFAULT;
    const char *account = NULL;
    const char *from = NULL;
    int what = 0;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 'f')
            account = optarg;
        else if (option == 'a')
            from = optarg;
        else if (option == '?')
            return EXIT_USAGE;
        else
            what = option;
    }
    if (what == 'e' && optind == argc && (account || !from))
        return effective(file, account, from);
    if (what == 'm' && optind == argc)
        return manual();
    fputs(help, what == 'h' ? stdout : stderr);
    return what == 'h' ? EXIT_DONE : EXIT_USAGE;
}
