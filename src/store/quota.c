/* How much an account may store. */
#include "store/quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "store/fail.h"
#include "store/scan.h"

enum { WAITING_MAX_BYTES = 64 * 1024 * 1024 }; /* of directories that are still to be read */

struct quota {
    atomic_uint refs;
    atomic_int_least64_t bytes, files; /* used; below 0 for a moment, if what goes is told first */
    atomic_uint_least64_t bytes_max, files_max;
    pthread_mutex_t mutex;
    bool counted; /* under the mutex */
};

struct quota *quota_new(void)
{
    struct quota *quota = alloc_zero(sizeof(*quota));
    if (!quota)
        return NULL;
    if (pthread_mutex_init(&quota->mutex, NULL) != 0) {
        alloc_free(quota);
        return NULL;
    }
    atomic_store(&quota->refs, 1);
    return quota;
}

struct quota *quota_ref(struct quota *quota)
{
    atomic_fetch_add(&quota->refs, 1);
    return quota;
}

void quota_unref(struct quota *quota)
{
    if (!quota || atomic_fetch_sub(&quota->refs, 1) > 1)
        return;
    pthread_mutex_destroy(&quota->mutex);
    alloc_free(quota);
}

void quota_set(struct quota *quota, uint64_t bytes_max, uint64_t files_max)
{
    atomic_store(&quota->bytes_max, bytes_max);
    atomic_store(&quota->files_max, files_max);
}

void quota_lock(struct quota *quota)
{
    pthread_mutex_lock(&quota->mutex);
}

void quota_unlock(struct quota *quota)
{
    pthread_mutex_unlock(&quota->mutex);
}

/* ---- taking ---- */

static uint64_t left_of(int64_t used, uint64_t most)
{
    uint64_t now = used > 0 ? (uint64_t)used : 0;
    if (most == 0)
        return UINT64_MAX;
    return now < most ? most - now : 0;
}

static bool take(atomic_int_least64_t *used, uint64_t most, uint64_t count)
{
    int_least64_t now = atomic_load(used);
    if (count > INT64_MAX)
        return false;
    do
        if (count > 0 && count > left_of(now, most))
            return false;
    while (!atomic_compare_exchange_weak(used, &now, now + (int64_t)count));
    return true;
}

bool quota_take(struct quota *quota, uint64_t bytes, uint64_t files)
{
    if (!take(&quota->bytes, atomic_load(&quota->bytes_max), bytes))
        return false;
    if (take(&quota->files, atomic_load(&quota->files_max), files))
        return true;
    quota_adjust(quota, -(int64_t)bytes, 0);
    return false;
}

void quota_adjust(struct quota *quota, int64_t bytes, int64_t files)
{
    atomic_fetch_add(&quota->bytes, bytes);
    atomic_fetch_add(&quota->files, files);
}

uint64_t quota_bytes_left(const struct quota *quota)
{
    return left_of(atomic_load(&quota->bytes), atomic_load(&quota->bytes_max));
}

/* ---- counting ---- */

struct count {
    const struct root *root;
    struct buf waiting; /* directories, relative to the root, each with a NUL */
    int64_t bytes, files;
};

static enum ferry_error count_name(struct count *count, DIR *stream, const char *dir,
                                   const char *name)
{
    struct stat status;
    if (fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return FERRY_OK;
    count->files++;
    if (S_ISREG(status.st_mode))
        count->bytes += status.st_size;
    if (!S_ISDIR(status.st_mode))
        return FERRY_OK;
    enum ferry_error error = buf_printf(&count->waiting, "%s%s%s", dir, dir[0] ? "/" : "", name);
    return error == FERRY_OK ? buf_append(&count->waiting, bytes_of("", 1)) : error;
}

/* What may not be read counts as nothing; but the root must be readable. */
static enum ferry_error count_directory(struct count *count, const char *dir, struct fault *fault)
{
    int fd = root_open_relative(count->root, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    CLEANUP(scan_close) DIR *stream = fd < 0 ? NULL : scan_open(fd);
    if (!stream)
        return dir[0] ? FERRY_OK : fail_errno(fault, "count", BYTES_LIT("/"));
    enum ferry_error error = FERRY_OK;
    const struct dirent *each;
    while (error == FERRY_OK && (each = scan_next(stream)))
        error = count_name(count, stream, dir, each->d_name);
    return error == FERRY_OK ? error : fault_set(fault, FERRY_E_MEMORY, "too many directories");
}

static enum ferry_error count_all(struct count *count, struct fault *fault)
{
    enum ferry_error error = count_directory(count, "", fault);
    while (error == FERRY_OK && buf_len(&count->waiting) > 0) {
        struct bytes waiting = buf_view(&count->waiting);
        size_t len = bytes_find(waiting, '\0');
        char next[PATH_MAX];
        if (len < sizeof(next)) {
            memcpy(next, waiting.ptr, len + 1);
            buf_consume(&count->waiting, len + 1);
            error = count_directory(count, next, fault);
        } else {
            buf_consume(&count->waiting, len + 1);
        }
    }
    return error;
}

enum ferry_error quota_count(struct quota *quota, const struct root *const *roots,
                             size_t root_count, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    quota_lock(quota);
    if (!quota->counted) {
        struct count count = {0};
        for (size_t i = 0; i < root_count && error == FERRY_OK; i++) {
            count.root = roots[i];
            buf_init(&count.waiting, WAITING_MAX_BYTES);
            error = count_all(&count, fault);
            buf_fini(&count.waiting);
        }
        quota->counted = error == FERRY_OK;
        if (quota->counted) {
            atomic_store(&quota->bytes, count.bytes);
            atomic_store(&quota->files, count.files);
        }
    }
    quota_unlock(quota);
    return error;
}

void quota_forget(struct quota *quota)
{
    quota_lock(quota);
    quota->counted = false;
    quota_unlock(quota);
}
