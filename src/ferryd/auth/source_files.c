/* What the blocks of directories and databases name. */
#include "ferryd/auth/source_files.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "ferryd/settings_directories.h"

/* As a string of its own; NULL: memory is short. */
static char *joined(const char *a, const char *b)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, CONF_FILE_MAX_BYTES);
    return buf_printf(&text, "%s%s", a, b) == FERRY_OK ? alloc_bytes(buf_view(&text)) : NULL;
}

char *source_files_label(const struct conf_instance *block)
{
    CLEANUP(alloc_free_str) char *kind = joined(block->block->name, ":");
    return kind ? joined(kind, block->label) : NULL;
}

enum ferry_error source_files_ca(const struct given *given, const char *file, char **out,
                                 struct fault *fault)
{
    char number[16];
    int fd = file ? given_fd(given, file) : -1;
    if (file && fd < 0)
        return fault_set(fault, FERRY_E_NOT_FOUND, "%s: this process was not given it", file);
    snprintf(number, sizeof(number), "%d", fd);
    *out = file ? joined("/proc/self/fd/", number) : alloc_str(SETTINGS_SYSTEM_CAS);
    return *out ? FERRY_OK : fault_set(fault, FERRY_E_MEMORY, "memory is short");
}

enum ferry_error source_files_secret(struct given *given, const char *file, struct secret **out,
                                     struct fault *fault)
{
    struct fault why = {0};
    struct buf text;
    buf_init(&text, CONF_FILE_MAX_BYTES);
    enum ferry_error error = given_load(given, file, &text, &why);
    struct bytes line = bytes_first(buf_view(&text), bytes_find(buf_view(&text), '\n'));
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (error == FERRY_OK && (line.len == 0 || bytes_find(line, '\0') < line.len))
        error = fault_set(&why, FERRY_E_ARGUMENT, "its first line is no password");
    if (error == FERRY_OK) {
        error = secret_new(line, out);
        if (error != FERRY_OK)
            fault_set(&why, error, "its first line is too long");
    }
    buf_wipe(&text);
    buf_fini(&text);
    return error == FERRY_OK ? FERRY_OK : fault_set(fault, error, "%s: %s", file, why.what);
}
