/* Replays a corpus: each file of a directory through the fuzz target that this is linked with. TAP
 * on stdout, one case per file. A target that fails ends the program: the last comment on stdout
 * names the file. Usage: replay_<module> DIRECTORY */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/compiler.h"
#include "fuzz/fuzz.h"

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static void free_input(uint8_t **data)
{
    free(*data);
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Runs the target on one file, of which it gets a copy of its own size. false: cannot be read. */
static bool replay(const char *path)
{
    CLEANUP(close_file) FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) < 0)
        return false;
    size_t size = (size_t)status.st_size;
    CLEANUP(free_input) uint8_t *data = malloc(size);
    if ((!data && size > 0) || fread(data, 1, size, file) != size)
        return false;
    LLVMFuzzerTestOneInput(data, size);
    return true;
}

static bool replay_as(int number, const char *directory, const char *name)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", directory, name);
    printf("# %s\n", name);
    bool ok = len > 0 && (size_t)len < sizeof path && replay(path);
    printf("%s %d - %s\n", ok ? "ok" : "not ok", number, name);
    return ok;
}

int main(int argc, char **argv)
{
    struct dirent **inputs = NULL;
    int count = argc == 2 ? scandir(argv[1], &inputs, is_input, alphasort) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%d\n", count);
    bool ok = count > 0;
    for (int i = 0; i < count; i++) {
        ok &= replay_as(i + 1, argv[1], inputs[i]->d_name);
        free(inputs[i]);
    }
    free(inputs);
    return ok ? 0 : 1;
}
