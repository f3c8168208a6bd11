/* Paths joined. */
#include "client/path.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

char *client_path_join(const char *dir, const char *name)
{
    size_t dir_len = strlen(dir);
    size_t name_len = strlen(name);
    bool slash = dir_len > 0 && name_len > 0 && dir[dir_len - 1] != '/';
    char *joined = alloc_zero(dir_len + slash + name_len + 1);
    if (!joined)
        return NULL;
    memcpy(joined, dir, dir_len);
    if (slash)
        joined[dir_len] = '/';
    memcpy(joined + dir_len + slash, name, name_len);
    return joined;
}
