/* `ferryd config`: what holds, and the manual page's list of directives. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "conf/print.h"
#include "ferryd/accounts.h"
#include "ferryd/command.h"
#include "ferryd/say.h"
#include "ferryd/settings.h"

static const char help[] =
    "Usage: ferryd config --effective [-c FILE] [--for ACCOUNT]\n"
    "       ferryd config --manual\n"
    "\n"
    "  --effective     print every directive with its value and where it is set\n"
    "  -c FILE         the configuration (" SETTINGS_FILE_DEFAULT ")\n"
    "  --for ACCOUNT   leave out the other accounts\n"
    "  --manual        print the directives as a part of a manual page, in mdoc\n";

static int print_for(const struct conf *conf, const char *account)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, PRINT_MAX_BYTES);
    enum ferry_error error = FERRY_OK;
    bool found = !account;
    const struct conf_instance *block;
    STAILQ_FOREACH (block, &conf->instances, link) {
        bool is_account = block->block->name && strcmp(block->block->name, SETTINGS_ACCOUNT) == 0;
        bool named = is_account && account && strcmp(block->label, account) == 0;
        found |= named;
        if (error == FERRY_OK && (!is_account || !account || named))
            error = print_effective(block, PRINT_NO_SECRETS, &text);
    }
    if (!found) {
        fputs(
            "ferryd config: no block has this account; where else accounts are is not looked at\n",
            stderr);
        return EXIT_FAILED;
    }
    return say_text(&text, error);
}

static int effective(const char *file, const char *account)
{
    CLEANUP(conf_drop) struct conf *conf = NULL;
    if (settings_read(file, conf_load_file, NULL, &conf) != FERRY_OK ||
        accounts_check(conf) != FERRY_OK) {
        fputs("ferryd config: memory is short\n", stderr);
        return EXIT_FAILED;
    }
    if (conf->check.count == 0)
        return print_for(conf, account);
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
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"effective", no_argument, NULL, 'e'},
        {"for", required_argument, NULL, 'f'},    {"manual", no_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},         {0}};
    const char *file = SETTINGS_FILE_DEFAULT;
    const char *account = NULL;
    int what = 0;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 'f')
            account = optarg;
        else if (option == '?')
            return EXIT_USAGE;
        else
            what = option;
    }
    if (what == 'e' && optind == argc)
        return effective(file, account);
    if (what == 'm' && optind == argc)
        return manual();
    fputs(help, what == 'h' ? stdout : stderr);
    return what == 'h' ? EXIT_DONE : EXIT_USAGE;
}
