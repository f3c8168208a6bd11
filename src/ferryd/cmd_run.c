/* `ferryd run`: its command line. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "base/text.h"
#include "ferryd/command.h"
#include "ferryd/serve.h"
#include "ferryd/settings.h"

static const char help[] =
    "Usage: ferryd run [-c FILE] [--ready-fd N]\n"
    "\n"
    "Serves in the foreground what FILE (" SETTINGS_FILE_DEFAULT
    ") says, and writes its log to standard\n"
    "error. SIGHUP reads FILE again, SIGTERM lets transfers finish, a second one ends at once.\n"
    "\n"
    "  -c FILE        the configuration\n"
    "  --ready-fd N   writes a newline to descriptor N and closes it once the server listens\n";

static bool take_descriptor(const char *text, int *out)
{
    uint64_t number;
    if (!text_u64(bytes_str(text), 1 << 20, &number) || fcntl((int)number, F_GETFD) < 0)
        return false;
    *out = (int)number;
    return true;
}

int run_run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"ready-fd", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *file = SETTINGS_FILE_DEFAULT;
    int ready_fd = -1;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (option == 'c') {
            file = optarg;
        } else if (option != 'r') {
            return EXIT_USAGE;
        } else if (!take_descriptor(optarg, &ready_fd)) {
            fprintf(stderr, "ferryd run: %s is no open descriptor\n", optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fputs("ferryd run: nothing more is taken after its options\n", stderr);
        return EXIT_USAGE;
    }
    return serve(file, ready_fd);
}
