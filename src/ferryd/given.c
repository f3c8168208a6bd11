/* What the supervisor gives a role before it starts. */
#include "ferryd/given.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/text.h"
#include "ferryd/settings.h"

enum { READ_BYTES = 4096 };

struct given_file {
    STAILQ_ENTRY(given_file) link;
    char *path;
    int fd;
};

void given_init(struct given *given)
{
    given->conf = NULL;
    STAILQ_INIT(&given->files);
}

void given_fini(struct given *given)
{
    struct given_file *file;
    while ((file = STAILQ_FIRST(&given->files))) {
        STAILQ_REMOVE_HEAD(&given->files, link);
        fd_close(&file->fd);
        alloc_free(file->path);
        alloc_free(file);
    }
    conf_free(given->conf);
    given->conf = NULL;
}

/* From its beginning: the descriptor is shared with other roles, and so is where it stands. */
static enum ferry_error read_whole(int fd, struct buf *out, struct fault *fault)
{
    ssize_t got = 1;
    for (off_t at = 0; got > 0; at += got) {
        char *space;
        enum ferry_error error = buf_reserve(out, READ_BYTES, &space);
        if (error != FERRY_OK)
            return fault_set(fault, error, "it is larger than %d bytes", CONF_FILE_MAX_BYTES);
        got = pread(fd, space, READ_BYTES, at);
        if (got > 0)
            buf_commit(out, (size_t)got);
    }
    return got < 0 ? fault_errno(fault, FERRY_E_FILE, "it cannot be read") : FERRY_OK;
}

/* ---- settings ---- */

static enum ferry_error load_settings(void *ctx, const char *path, struct buf *out,
                                      struct fault *fault)
{
    (void)path;
    return read_whole(*(const int *)ctx, out, fault);
}

struct lines {
    struct bytes *list;
    size_t count;
};

static enum ferry_error split(struct bytes text, struct lines *out)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    *out = (struct lines){.list = alloc_resize(NULL, count, sizeof(*out->list)), .count = count};
    for (size_t i = 0; out->list && i < count; i++)
        out->list[i] = bytes_cut(&text, '\n');
    return out->list ? FERRY_OK : FERRY_E_MEMORY;
}

/* Puts in place of a line of the settings where the operator wrote it: "… # FILE:LINE", as
 * conf/print writes. What has no such end stays as it is. */
static enum ferry_error put_origin(const struct lines *lines, char **file, unsigned *line)
{
    struct bytes rest = *line <= lines->count ? lines->list[*line - 1] : BYTES_LIT("");
    size_t mark = rest.len, colon = rest.len;
    uint64_t number = 0;
    for (size_t i = 0; i + 3 <= rest.len; i++)
        if (bytes_starts(bytes_skip(rest, i), BYTES_LIT(" # ")))
            mark = i;
    if (mark == rest.len)
        return FERRY_OK;
    rest = bytes_skip(rest, mark + 3);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] == ':')
            colon = i;
    if (colon >= rest.len || !text_u64(bytes_skip(rest, colon + 1), UINT32_MAX, &number))
        return FERRY_OK;
    char *origin = alloc_bytes(bytes_first(rest, colon));
    if (!origin)
        return FERRY_E_MEMORY;
    alloc_free(*file);
    *file = origin;
    *line = (unsigned)number;
    return FERRY_OK;
}

/* So that a mistake that only the role can see is told of where it stands. */
static enum ferry_error put_origins(struct conf *conf, struct bytes text)
{
    struct lines lines;
    enum ferry_error error = split(text, &lines);
    struct conf_instance *instance;
    STAILQ_FOREACH (instance, &conf->instances, link) {
        if (error == FERRY_OK && instance->line > 0)
            error = put_origin(&lines, &instance->file, &instance->line);
        for (size_t i = 0; error == FERRY_OK && i < instance->block->count; i++)
            if (instance->given[i].file && instance->given[i].line > 0)
                error = put_origin(&lines, &instance->given[i].file, &instance->given[i].line);
    }
    alloc_free(lines.list);
    return error;
}

enum ferry_error given_settings(struct given *given, int fd, struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    CLEANUP(buf_wipe) struct buf text;
    buf_init(&text, CONF_FILE_MAX_BYTES);
    if (given->conf)
        return fault_set(fault, FERRY_E_ARGUMENT, "settings came twice");
    if (conf_read(&settings_schema, "settings", load_settings, &owned, &given->conf) != FERRY_OK)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the settings");
    const struct check_mistake *first = TAILQ_FIRST(&given->conf->check.list);
    if (first)
        return fault_set(fault, FERRY_E_ARGUMENT, "settings:%u: %s", first->line, first->text);
    enum ferry_error error = read_whole(owned, &text, fault);
    if (error == FERRY_OK && put_origins(given->conf, buf_view(&text)) != FERRY_OK)
        error = fault_set(fault, FERRY_E_MEMORY, "no memory for the settings");
    return error;
}

/* ---- files ---- */

enum ferry_error given_file(struct given *given, struct bytes name, int fd, struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    struct given_file *file = alloc_zero(sizeof(*file));
    char *path = alloc_bytes(name);
    if (!file || !path) {
        alloc_free(file);
        alloc_free(path);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a file");
    }
    *file = (struct given_file){.path = path, .fd = fd_take(&owned)};
    STAILQ_INSERT_TAIL(&given->files, file, link);
    return FERRY_OK;
}

int given_fd(const struct given *given, const char *path)
{
    const struct given_file *file;
    STAILQ_FOREACH (file, &given->files, link)
        if (strcmp(file->path, path) == 0)
            return file->fd;
    return -1;
}

enum ferry_error given_load(void *ctx, const char *path, struct buf *out, struct fault *fault)
{
    int fd = given_fd(ctx, path);
    if (fd >= 0)
        return read_whole(fd, out, fault);
    return fault_set(fault, FERRY_E_NOT_FOUND, "this process was not given it");
}
