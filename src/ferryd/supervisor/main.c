/* ferryd-supervisor: what `ferryd run` runs. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ferryd/command.h"
#include "ferryd/settings.h"
#include "ferryd/supervisor/first.h"
#include "ferryd/supervisor/supervisor.h"

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

/* The programs of the roles are where this one is. */
static bool own_folder(char folder[static PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (len <= 0)
        return false;
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0';
    return true;
}

/* The roles, whose folder is another, are told of files by their whole paths. */
static bool make_absolute(const char *file, char path[static PATH_MAX])
{
    char folder[PATH_MAX] = "";
    if (file[0] != '/' && !getcwd(folder, sizeof(folder)))
        return false;
    int len = snprintf(path, PATH_MAX, "%s%s%s", folder, folder[0] ? "/" : "", file);
    return len > 0 && len < PATH_MAX;
}

int main(int argc, char **argv)
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
    char folder[PATH_MAX];
    if (!own_folder(folder)) {
        fputs("ferryd: /proc must be mounted: it tells where the programs of the roles are\n",
              stderr);
        return EXIT_FAILED;
    }
    char path[PATH_MAX];
    if (!make_absolute(file, path)) {
        fprintf(stderr, "ferryd run: the path of %s is too long\n", file);
        return EXIT_FAILED;
    }
    first_begin();
    return supervise(path, folder, ready_fd);
}
