/* Local paths as the user writes them. */
#include "client/local.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "client/path.h"
#include "ftp/path.h"

/* The process's umask, without setting it for a moment under the eyes of other threads. */
static mode_t umask_now(void)
{
    enum { STRICT = 077, LINE_BYTES = 128 };
    FILE *status = fopen("/proc/self/status", "re");
    if (!status)
        return STRICT;
    uint64_t mask = STRICT;
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), status)) {
        struct bytes key = BYTES_LIT("Umask:");
        struct bytes text = bytes_str(line);
        text.len -= text.len > 0 && text.ptr[text.len - 1] == '\n';
        if (bytes_starts(text, key) &&
            text_octal(text_trim(bytes_skip(text, key.len)), 0777, &mask))
            break;
    }
    fclose(status);
    return (mode_t)mask;
}

enum ferry_error client_local_root(struct root *root, const char *path, struct fault *fault)
{
    return root_init(root, path, ROOT_LINKS_DENY, umask_now(), fault);
}

enum ferry_error client_local_file(const char *path, struct root *root, char **inner,
                                   struct fault *fault)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (path_check_name(bytes_str(base)) != PATH_FLAW_NONE)
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%s\" does not name a file", path);

    struct bytes dir = slash ? bytes_of(path, (size_t)(base - path)) : BYTES_LIT("./");
    CLEANUP(alloc_free_str) char *directory = alloc_bytes(dir);
    CLEANUP(alloc_free_str) char *name = client_path_join("/", base);
    if (!directory || !name)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a path");
    enum ferry_error error = client_local_root(root, directory, fault);
    if (error == FERRY_OK) {
        *inner = name;
        name = NULL;
    }
    return error;
}
