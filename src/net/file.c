/* File contents in blocks. */
#include "net/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"

/* While a pipe has nothing for us, a job looks this often whether it is still wanted. */
enum { GIVEN_UP_CHECK_MS = 100 };

/* The system is told this often to begin writing to the disk, so that fdatasync has little left to
 * do. */
enum { WRITE_BEHIND_BYTES = 8 * 1024 * 1024 };

/* All but `given_up` belongs to the loop's thread while no job runs, and to the job while one
 * does. */
struct file {
    struct loop *loop;
    int fd;
    bool sequential;
    bool never_at_once;   /* the file system does not know RWF_NOWAIT */
    int64_t offset_bytes; /* of the next read or write */
    int64_t behind_bytes; /* up to here the system was told to begin writing to the disk */

    /* The operation under way. */
    char *out;
    const char *in;
    size_t len;  /* asked */
    size_t done; /* moved */
    int os_error;
    file_read_fn *read_done;
    file_done_fn *done_fn;
    void *ctx;
    bool busy;

    atomic_bool given_up; /* file_free was called */
    file_freed_fn *freed;
    void *freed_ctx;
};

struct file *file_new(struct loop *loop, int fd, int64_t offset_bytes)
{
    struct file *file = alloc_zero(sizeof(*file));
    if (!file)
        return NULL;
    file->loop = loop;
    file->fd = fd;
    file->sequential = offset_bytes == FILE_SEQUENTIAL;
    file->offset_bytes = file->sequential ? 0 : offset_bytes;
    file->behind_bytes = file->offset_bytes;
    atomic_init(&file->given_up, false);
    return file;
}

static void finish_free(struct file *file)
{
    file_freed_fn *freed = file->freed;
    void *ctx = file->freed_ctx;
    alloc_free(file);
    if (freed)
        freed(ctx);
}

void file_free(struct file *file, file_freed_fn *freed, void *ctx)
{
    if (!file) {
        if (freed)
            freed(ctx);
        return;
    }
    file->freed = freed;
    file->freed_ctx = ctx;
    atomic_store(&file->given_up, true);
    if (!file->busy)
        finish_free(file);
}

/* Back on the loop's thread: true if somebody still wants the result. */
static bool job_returned(struct file *file)
{
    file->busy = false;
    if (!atomic_load(&file->given_up))
        return true;
    finish_free(file);
    return false;
}

static enum ferry_error job_start(struct file *file, loop_job_fn *work, loop_job_fn *done)
{
    assert(!file->busy);
    file->done = 0;
    file->os_error = 0;
    enum ferry_error error = loop_job(file->loop, work, done, file);
    file->busy = error == FERRY_OK;
    return error;
}

/* Waits, on a pool thread, until a pipe or terminal can be read or written. Regular files always
 * can. false: file_free came first. */
static bool wait_until_ready(struct file *file, short events)
{
    struct pollfd poll_fd = {.fd = file->fd, .events = events};
    while (!atomic_load(&file->given_up)) {
        if (poll(&poll_fd, 1, GIVEN_UP_CHECK_MS) > 0)
            return true;
    }
    return false;
}

/* ---- reading ---- */

static ssize_t read_some(struct file *file)
{
    if (!file->sequential)
        return pread(file->fd, file->out, file->len, file->offset_bytes);
    if (!wait_until_ready(file, POLLIN))
        return 0;
    return read(file->fd, file->out, file->len);
}

/* A pipe that was ready may be empty or full again when it is our turn. */
static bool try_again(const struct file *file)
{
    return errno == EINTR || (errno == EAGAIN && file->sequential);
}

static void read_job(void *ctx)
{
    struct file *file = ctx;
    ssize_t got;
    do
        got = read_some(file);
    while (got < 0 && try_again(file));
    if (got < 0)
        file->os_error = errno;
    else
        file->done = (size_t)got;
}

static void read_returned(void *ctx)
{
    struct file *file = ctx;
    if (!job_returned(file))
        return;
    file->offset_bytes += (int64_t)file->done;
    file->read_done(file->ctx, file->done, file->os_error);
}

/* What is in the page cache. -1 with EAGAIN: it must come from the disk. */
static ssize_t read_cached(struct file *file, char *out, size_t size)
{
    struct iovec to = {.iov_base = out, .iov_len = size};
    ssize_t got = preadv2(file->fd, &to, 1, file->offset_bytes, RWF_NOWAIT);
    if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)) {
        file->never_at_once = errno != EINTR;
        errno = EAGAIN;
    }
    return got;
}

bool file_read(struct file *file, char *out, size_t size, size_t *got, int *os_error,
               file_read_fn *done, void *ctx)
{
    *got = 0;
    *os_error = 0;
    if (!file->sequential && !file->never_at_once) {
        ssize_t cached = read_cached(file, out, size);
        if (cached >= 0) {
            *got = (size_t)cached;
            file->offset_bytes += cached;
            return true;
        }
        if (errno != EAGAIN) {
            *os_error = errno;
            return true;
        }
    }
    file->out = out;
    file->len = size;
    file->read_done = done;
    file->ctx = ctx;
    if (job_start(file, read_job, read_returned) == FERRY_OK)
        return false;
    *os_error = ENOMEM;
    return true;
}

/* ---- writing ---- */

static ssize_t write_some(struct file *file)
{
    const char *from = file->in + file->done;
    size_t left = file->len - file->done;
    if (!file->sequential)
        return pwrite(file->fd, from, left, file->offset_bytes + (int64_t)file->done);
    if (!wait_until_ready(file, POLLOUT)) {
        errno = ECANCELED;
        return -1;
    }
    /* A pipe that is ready takes PIPE_BUF bytes without making us wait (POSIX), but not more. */
    return write(file->fd, from, left < PIPE_BUF ? left : PIPE_BUF);
}

static void begin_writing_to_disk(struct file *file)
{
    int64_t end = file->offset_bytes + (int64_t)file->done;
    if (file->sequential || end - file->behind_bytes < WRITE_BEHIND_BYTES)
        return;
    /* Only a hint: errors of the disk are told by fdatasync, too. */
    (void)sync_file_range(file->fd, file->behind_bytes, end - file->behind_bytes,
                          SYNC_FILE_RANGE_WRITE);
    file->behind_bytes = end;
}

/* Past RLIMIT_FSIZE, or to a pipe without a reader, the system not only fails with EFBIG or EPIPE
 * but sends a signal that ends the process. The pool's threads do without them. */
static void refuse_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGXFSZ);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static void write_job(void *ctx)
{
    struct file *file = ctx;
    refuse_signals();
    while (file->done < file->len && file->os_error == 0) {
        ssize_t wrote = write_some(file);
        if (wrote > 0)
            file->done += (size_t)wrote;
        else if (wrote == 0)
            file->os_error = ENOSPC;
        else if (!try_again(file))
            file->os_error = errno;
    }
    begin_writing_to_disk(file);
}

static void sync_job(void *ctx)
{
    struct file *file = ctx;
    while (fdatasync(file->fd) < 0) {
        if (errno != EINTR) {
            file->os_error = errno;
            return;
        }
    }
}

static void write_returned(void *ctx)
{
    struct file *file = ctx;
    if (!job_returned(file))
        return;
    file->offset_bytes += (int64_t)file->done;
    file->done_fn(file->ctx, file->os_error);
}

enum ferry_error file_write(struct file *file, const char *in, size_t len, file_done_fn *done,
                            void *ctx)
{
    file->in = in;
    file->len = len;
    file->done_fn = done;
    file->ctx = ctx;
    return job_start(file, write_job, write_returned);
}

enum ferry_error file_sync(struct file *file, file_done_fn *done, void *ctx)
{
    file->len = 0;
    file->done_fn = done;
    file->ctx = ctx;
    return job_start(file, sync_job, write_returned);
}
