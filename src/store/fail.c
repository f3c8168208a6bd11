/* Failed system calls in words. */
#include "store/fail.h"

#include <errno.h>
#include <stddef.h>

/* What base/fault.h does not narrow, and where strerror would mislead. */
static const struct {
    int os_error;
    enum ferry_error kind;
    const char *words;
} reasons[] = {
    {EXDEV, FERRY_E_DENIED, "a symbolic link leads out of the root"},
    {ELOOP, FERRY_E_DENIED, "a symbolic link is not followed"},
    {EISDIR, FERRY_E_DENIED, "it is a directory"},
    {ENOTEMPTY, FERRY_E_DENIED, "the directory is not empty"},
    {EBUSY, FERRY_E_DENIED, "it is in use by the system"},
    {ENXIO, FERRY_E_DENIED, "it is not a regular file"},
    {ENAMETOOLONG, FERRY_E_LIMIT, "the name is too long"},
};

enum ferry_error fail_errno(struct fault *fault, const char *deed, struct bytes path)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].os_error != errno)
            continue;
        fault_set(fault, reasons[i].kind, "%s %.*s: %s", deed, BYTES_FMT(path), reasons[i].words);
        if (fault)
            fault->os_error = reasons[i].os_error;
        return reasons[i].kind;
    }
    return fault_errno(fault, FERRY_E_FILE, "%s %.*s", deed, BYTES_FMT(path));
}
