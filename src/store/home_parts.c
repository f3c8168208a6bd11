/* The files of one login: the upload that is open. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "store/home_place.h"
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
static struct home_usage begin_end(struct home *home)
{
    home_fit_part(home);
    struct home_usage before = home_begin_change(home, home->part_root, bytes_str(home->part_path));
    if (home->part->in_place)
        before.bytes = (int64_t)home->part_base_bytes; /* it grew by what was reserved */
    return before;
}

/* It has ended: what was reserved for it is now there by its name, or gone. */
static void end_part(struct home *home, const struct home_usage *before)
{
    home_give(home, home->part_reserved_bytes, home->part_reserved_files);
    home_end_change(home, home->part_root, bytes_str(home->part_path), before);
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

/* What follows the path of an upload that is to have a name of its own (FTP-66): a name beneath it
 * if that is a directory, else more of the name. */
struct unique {
    char text[16 + UNIQUE_LETTERS];
    bool beneath;
};

static bool unique_make(struct unique *unique, bool beneath)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[UNIQUE_LETTERS];
    char suffix[UNIQUE_LETTERS + 1] = {0};
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    for (size_t i = 0; i < UNIQUE_LETTERS; i++)
        suffix[i] = letters[random[i] % (sizeof(letters) - 1)];
    unique->beneath = beneath;
    snprintf(unique->text, sizeof(unique->text), "%s%s", beneath ? "/upload." : ".", suffix);
    return true;
}

/* NULL: no memory. */
static char *unique_path(const struct unique *unique, struct bytes path)
{
    struct bytes prefix =
        unique->beneath && bytes_equal(path, BYTES_LIT("/")) ? BYTES_LIT("") : path;
    struct buf name;
    buf_init(&name, PATH_MAX);
    enum ferry_error error = buf_printf(&name, "%.*s%s", BYTES_FMT(prefix), unique->text);
    char *text = error == FERRY_OK ? alloc_bytes(buf_view(&name)) : NULL;
    buf_fini(&name);
    return text;
}

/* How an upload begins, as far as the account may. */
struct beginning {
    struct home_place place;
    enum home_start start;
    uint64_t offset_bytes;
    bool no_replace;
};

static enum ferry_error begin(const struct home *home, const struct beginning *how,
                              struct bytes path, struct part *part, struct fault *fault)
{
    static const enum part_start starts[] = {
        [HOME_REPLACE] = PART_NEW,
        [HOME_UNIQUE] = PART_NEW,
        [HOME_RESUME] = PART_AT_OFFSET,
        [HOME_APPEND] = PART_APPEND,
    };
    struct part_want want = {
        .start = starts[how->start],
        .offset_bytes = how->start == HOME_RESUME ? how->offset_bytes : 0,
        .owner = bytes_str(home->owner),
        .no_replace = how->no_replace,
        .in_place = home->rules.upload_in_place,
        .copy_in_steps = true,
    };
    return part_begin(how->place.root, path, &want, part, fault);
}

/* `*name` and `*path`: as the account writes it, and beneath the root. */
static enum ferry_error begin_unique(const struct home *home, const struct beginning *how,
                                     struct bytes wanted, char **name, char **path,
                                     struct part *part, struct fault *fault)
{
    struct fault ignored = {0};
    struct bytes found = home_place_path(&how->place);
    bool beneath = tree_check_dir(how->place.root, found, &ignored) == FERRY_OK;
    for (int i = 0; i < UNIQUE_TRIES; i++) {
        struct unique unique;
        fault_clear(fault);
        alloc_free_str(name);
        alloc_free_str(path);
        bool made = unique_make(&unique, beneath);
        *name = made ? unique_path(&unique, wanted) : NULL;
        *path = made ? unique_path(&unique, found) : NULL;
        if (!*name || !*path)
            return fault_set(fault, FERRY_E_MEMORY, "no memory for a name");
        enum ferry_error error = home_check_name(home, bytes_str(*name), fault);
        if (error == FERRY_OK)
            error = begin(home, how, bytes_str(*path), part, fault);
        if (error != FERRY_E_EXISTS)
            return error;
    }
    return FERRY_E_EXISTS;
}

/* What is there already: goes on with it, or takes its place. */
static enum ferry_error may_change(const struct beginning *how, uint64_t size_bytes,
                                   struct fault *fault)
{
    unsigned needed = RIGHT_OVERWRITE;
    if (how->start == HOME_APPEND)
        needed = RIGHT_APPEND;
    else if (how->start == HOME_RESUME && how->offset_bytes > 0)
        needed = how->offset_bytes == size_bytes ? (unsigned)RIGHT_APPEND
                                                 : (unsigned)(RIGHT_APPEND | RIGHT_OVERWRITE);
    return home_need(&how->place, needed, "write", fault);
}

/* What is new, but for what a cut upload may have left, which it takes a right to go on with. */
static enum ferry_error may_create(struct beginning *how, struct fault *fault)
{
    bool may_append = how->place.allowed & RIGHT_APPEND;
    enum ferry_error error = home_need_name(&how->place, RIGHT_CREATE, "write", fault);
    if (error == FERRY_OK && how->start == HOME_RESUME && how->offset_bytes > 0)
        error = home_need(&how->place, RIGHT_APPEND, "go on with", fault);
    if (how->start == HOME_APPEND && !may_append)
        how->start = HOME_REPLACE;
    how->no_replace = !(how->place.allowed & RIGHT_OVERWRITE);
    return error;
}

static enum ferry_error may_begin(struct beginning *how, struct fault *fault)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    struct fault ignored = {0};
    how->no_replace = how->start == HOME_UNIQUE;
    if ((how->place.allowed & how->place.around & RIGHTS_WRITE) == RIGHTS_WRITE)
        return FERRY_OK;
    if (how->start == HOME_UNIQUE)
        return home_need(&how->place, RIGHT_CREATE, "write", fault);
    if (tree_stat(how->place.root, home_place_path(&how->place), &entry, &ignored) == FERRY_OK)
        return may_change(how, (uint64_t)entry.what.st_size, fault);
    return may_create(how, fault);
}

/* The part and its names, in the quota. */
static enum ferry_error open_part(struct home *home, const struct beginning *how, struct bytes path,
                                  char **name, struct part *part, bool *new_name,
                                  struct fault *fault)
{
    const struct root *root = how->place.root;
    struct bytes found = home_place_path(&how->place);
    bool unique = how->start == HOME_UNIQUE;
    struct home_usage before = home_begin_change(home, root, found);
    *new_name = unique || before.files == 0;
    enum ferry_error error = home_take(home, 0, *new_name, fault);
    if (error != FERRY_OK)
        *new_name = false;
    else if (unique)
        error = begin_unique(home, how, path, name, &home->part_path, part, fault);
    else
        error = begin(home, how, found, part, fault);
    home_end_change(home, root, found, &before);
    if (error != FERRY_OK)
        home_give(home, 0, *new_name);
    return error;
}

static enum ferry_error begin_upload(struct home *home, struct bytes path, struct beginning *how,
                                     char **name, bool *new_name, struct fault *fault)
{
    bool unique = how->start == HOME_UNIQUE;
    struct part *part = alloc_zero(sizeof(*part));
    *name = unique ? NULL : alloc_bytes(path);
    home->part_path = unique ? NULL : alloc_bytes(home_place_path(&how->place));
    enum ferry_error error = part && (unique || (*name && home->part_path))
                                 ? open_part(home, how, path, name, part, new_name, fault)
                                 : fault_set(fault, FERRY_E_MEMORY, "no memory for an upload");
    if (error != FERRY_OK) {
        alloc_free(part);
        alloc_free_str(&home->part_path);
        return error;
    }
    home->part = part;
    home->part_root = how->place.root;
    home->part_may_be_kept = how->place.allowed & RIGHT_APPEND;
    return FERRY_OK;
}

enum ferry_error home_open_part(struct home *home, struct bytes path, enum home_start start,
                                uint64_t offset_bytes, struct home_upload *upload,
                                struct fault *fault)
{
    CLEANUP(home_upload_fini) struct home_upload made = {.fd = -1};
    struct beginning how = {.start = start, .offset_bytes = offset_bytes};
    bool new_name = false;
    *upload = (struct home_upload){.fd = -1};
    home_drop_part(home);
    enum ferry_error error = home_check_name(home, path, fault);
    if (error == FERRY_OK)
        error = home_find(home, path, ROOT_LAST_FOLLOWED, "write", &how.place, fault);
    if (error == FERRY_OK)
        error = may_begin(&how, fault);
    if (error == FERRY_OK)
        error = begin_upload(home, path, &how, &made.path, &new_name, fault);
    if (error != FERRY_OK)
        return error;
    const struct part *part = home->part;
    error = home_charge_part(home, new_name && !(part->in_place && start == HOME_UNIQUE), fault);
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
    if (!keep || !home->part_may_be_kept) {
        home_drop_part(home);
        return;
    }
    keep_part(home);
}
