/* What ferryd's commands print. */
#include "ferryd/say.h"

#include <getopt.h>

#include "conf/print.h"
#include "ferryd/command.h"
#include "ferryd/settings.h"

int say_text(const struct buf *text, enum ferry_error error)
{
    struct bytes view = buf_view(text);
    if (error != FERRY_OK) {
        fputs("ferryd: memory is short\n", stderr);
        return EXIT_FAILED;
    }
    bool written = view.len == 0 || fwrite(view.ptr, 1, view.len, stdout) == view.len;
    return written && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

void say_mistakes(FILE *out, const struct conf *conf)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, PRINT_MAX_BYTES);
    if (check_print(&conf->check, &text) != FERRY_OK)
        fputs("ferryd: memory is short\n", stderr);
    struct bytes view = buf_view(&text);
    if (view.len > 0)
        fwrite(view.ptr, 1, view.len, out);
}

const char *say_file_option(int argc, char **argv, const char *help, int *status)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *file = SETTINGS_FILE_DEFAULT;
    *status = EXIT_USAGE;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            *status = EXIT_DONE;
        }
        if (option != 'c')
            return NULL;
        file = optarg;
    }
    if (optind == argc)
        return file;
    fprintf(stderr, "ferryd %s: nothing more is taken after its options\n", argv[0]);
    return NULL;
}
