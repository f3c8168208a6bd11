/* The files of one login: the upload that is open. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "store/home.h"
#include "store/procfd.h"
#include "store/tree.h"

enum {
    UNIQUE_TRIES = 16,
    UNIQUE_LETTERS = 8,
};

void home_upload_fini(struct home_upload *upload)
{
    fd_close(&upload->fd);
    alloc_free_str(&upload->path);
}

static void forget_part(struct home *home)
{
    alloc_free(home->part);
    home->part = NULL;
    alloc_free_str(&home->part_path);
}

/* The part is about to end. */
static struct home_usage begin_end(const struct home *home)
{
    struct home_usage before = home_begin_change(home, bytes_str(home->part_path));
    if (home->part->in_place)
        before.bytes = (int64_t)home->part_base_bytes; /* it grew by what was reserved */
    return before;
}

/* It has ended: what was reserved for it is now there by its name, or gone. */
static void end_part(struct home *home, const struct home_usage *before)
{
    home_give(home, home->part_reserved_bytes, home->part_reserved_files);
    home_end_change(home, bytes_str(home->part_path), before);
    forget_part(home);
}

static void keep_part(struct home *home)
{
    struct home_usage before = begin_end(home);
    (void)part_keep(home->part);
    end_part(home, &before);
}

void home_drop_part(struct home *home)
{
    if (!home->part)
        return;
    struct home_usage before = begin_end(home);
    part_abandon(home->part);
    end_part(home, &before);
}

/* A name beneath `path` if that is a directory, else one that begins with it (FTP-66). NULL: no
 * memory or no randomness. */
static char *unique_name(const struct home *home, struct bytes path)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[UNIQUE_LETTERS];
    char suffix[UNIQUE_LETTERS + 1] = {0};
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return NULL;
    for (size_t i = 0; i < UNIQUE_LETTERS; i++)
        suffix[i] = letters[random[i] % (sizeof(letters) - 1)];

    struct fault ignored = {0};
    bool folder = tree_check_dir(&home->root, path, &ignored) == FERRY_OK;
    struct bytes prefix = bytes_equal(path, BYTES_LIT("/")) ? BYTES_LIT("") : path;
    struct buf name;
    buf_init(&name, PATH_MAX);
    enum ferry_error error =
        buf_printf(&name, "%.*s%s%s", BYTES_FMT(prefix), folder ? "/upload." : ".", suffix);
    char *text = error == FERRY_OK ? alloc_bytes(buf_view(&name)) : NULL;
    buf_fini(&name);
    return text;
}

static enum ferry_error begin(const struct home *home, struct bytes path, enum home_start start,
                              uint64_t offset_bytes, struct part *part, struct fault *fault)
{
    static const enum part_start starts[] = {
        [HOME_REPLACE] = PART_NEW,
        [HOME_UNIQUE] = PART_NEW,
        [HOME_RESUME] = PART_AT_OFFSET,
        [HOME_APPEND] = PART_APPEND,
    };
    struct part_want want = {
        .start = starts[start],
        .offset_bytes = start == HOME_RESUME ? offset_bytes : 0,
        .owner = bytes_str(home->owner),
        .no_replace = start == HOME_UNIQUE,
        .in_place = home->rules.upload_in_place,
        .copy_in_steps = true,
    };
    return part_begin(&home->root, path, &want, part, fault);
}

static enum ferry_error begin_unique(const struct home *home, struct bytes path, char **name,
                                     struct part *part, struct fault *fault)
{
    for (int i = 0; i < UNIQUE_TRIES; i++) {
        fault_clear(fault);
        alloc_free_str(name);
        *name = unique_name(home, path);
        if (!*name)
            return fault_set(fault, FERRY_E_MEMORY, "no memory for a name");
        enum ferry_error error = home_check_name(home, bytes_str(*name), fault);
        if (error == FERRY_OK)
            error = begin(home, bytes_str(*name), HOME_UNIQUE, 0, part, fault);
        if (error != FERRY_E_EXISTS)
            return error;
    }
    return FERRY_E_EXISTS;
}

enum ferry_error home_open_part(struct home *home, struct bytes path, enum home_start start,
                                uint64_t offset_bytes, struct home_upload *upload,
                                struct fault *fault)
{
    CLEANUP(home_upload_fini) struct home_upload made = {.fd = -1};
    *upload = made;
    home_drop_part(home);
    enum ferry_error error = home_check_name(home, path, fault);
    if (error != FERRY_OK)
        return error;
    made.path = start == HOME_UNIQUE ? NULL : alloc_bytes(path);
    struct part *part = alloc_zero(sizeof(*part));
    if (!part || (start != HOME_UNIQUE && !made.path)) {
        alloc_free(part);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an upload");
    }
    struct home_usage before = home_begin_change(home, path);
    bool new_name = start == HOME_UNIQUE || before.files == 0;
    error = home_take(home, 0, new_name, fault);
    if (error != FERRY_OK)
        new_name = false;
    else
        error = start == HOME_UNIQUE ? begin_unique(home, path, &made.path, part, fault)
                                     : begin(home, path, start, offset_bytes, part, fault);
    home_end_change(home, path, &before);
    if (error != FERRY_OK) {
        home_give(home, 0, new_name);
        alloc_free(part);
        return error;
    }
    home->part = part;
    home->part_path = alloc_bytes(bytes_str(made.path));
    error =
        home->part_path
            ? home_charge_part(home, new_name && !(part->in_place && start == HOME_UNIQUE), fault)
            : fault_set(fault, FERRY_E_MEMORY, "no memory for an upload");
    if (error != FERRY_OK) {
        keep_part(home); /* what of it was kept before */
        return error;
    }
    made.in_place = part->in_place;
    made.offset_bytes = part->offset_bytes;
    made.copying = part->base_fd >= 0;
    made.fd = fcntl(part->fd, F_DUPFD_CLOEXEC, 0);
    if (made.fd < 0) {
        error = fault_errno(fault, FERRY_E_FILE, "write %s", made.path);
        home_drop_part(home);
        return error;
    }
    made.part = ++home->part_number;
    *upload = made;
    made = (struct home_upload){.fd = -1};
    return FERRY_OK;
}

enum ferry_error home_copy(struct home *home, bool *done, struct fault *fault)
{
    enum ferry_error error = home->part ? part_copy(home->part, done, fault)
                                        : fault_set(fault, FERRY_E_STATE, "no upload is open");
    if (error != FERRY_OK)
        home_drop_part(home);
    return error;
}

static bool has_part(const struct home *home, uint32_t number)
{
    return home->part && number == home->part_number;
}

enum ferry_error home_commit(struct home *home, uint32_t number, struct fault *fault)
{
    if (!has_part(home, number))
        return fault_set(fault, FERRY_E_STATE, "commit: there is no such part");
    /* Who wrote the bytes has synced them. */
    struct home_usage before = begin_end(home);
    enum ferry_error error = part_commit(home->part, PART_SYNC_NONE, fault);
    if (error == FERRY_OK)
        end_part(home, &before);
    else if (home->rules.quota)
        quota_unlock(home->rules.quota);
    return error;
}

enum ferry_error home_read_part(const struct home *home, uint32_t number, int *fd,
                                uint64_t *size_bytes, struct fault *fault)
{
    char path[PROCFD_PATH_BYTES];
    struct stat status;
    if (!has_part(home, number))
        return fault_set(fault, FERRY_E_STATE, "read: there is no such part");
    CLEANUP(fd_close)
    int again = open(procfd_path(home->part->fd, path), O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (again < 0 || fstat(again, &status) < 0)
        return fault_errno(fault, FERRY_E_FILE, "read %s", home->part_path);
    *size_bytes = (uint64_t)status.st_size;
    *fd = fd_take(&again);
    return FERRY_OK;
}

void home_abandon(struct home *home, uint32_t number, bool keep)
{
    if (!has_part(home, number))
        return;
    if (!keep) {
        home_drop_part(home);
        return;
    }
    keep_part(home);
}
