/* What auth keeps its bans in. */
#include "ferryd/supervisor/bans.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "ferryd/settings.h"

bool bans_open(struct conf *conf, int *fd)
{
    const char *path = settings_global(conf)->ban_file;
    struct fault fault = {0};
    *fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)
               : memfd_create("bans", MFD_CLOEXEC);
    if (*fd >= 0)
        return true;
    (void)fault_errno(&fault, FERRY_E_FILE, "%s cannot be opened", path ? path : "memory for bans");
    conf_mistake(conf, conf_next(conf, NULL, NULL), "ban_file", "%s", fault.what);
    return false;
}
