/* File contents in blocks: page-cache hits at once, the rest as jobs on the pool (openssl-notes.md
 * section 3). */
#ifndef FERRY_NET_FILE_H
#define FERRY_NET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "ferry/error.h"
#include "net/loop.h"

enum { FILE_BLOCK_BYTES = 256 * 1024 };

/* One descriptor, read or written in sequence, one operation at a time. */
struct file;

/* As offset: no seeking, plain read and write (pipes, standard output). */
enum { FILE_SEQUENTIAL = -1 };

/* Works on `fd` (kept by the caller, who closes it after file_free) from `offset_bytes` on. NULL:
 * no memory. */
struct file *file_new(struct loop *loop, int fd, int64_t offset_bytes);

/* Waits for nothing: a job under way finishes by itself, its result dropped; `fd` and the memory
 * that was given to read into or write from must stay until `freed` (may be NULL) is called, from
 * the loop or at once. NULL is fine. */
typedef void file_freed_fn(void *ctx);
void file_free(struct file *file, file_freed_fn *freed, void *ctx);

/* Reads the next block of up to `size` bytes into `out`. Returns true if it is there already (*got;
 * 0 at the end of the file); false: `done` will be called, later, and `out` is in use until then. A
 * read failure is told in *os_error (0: none). */
typedef void file_read_fn(void *ctx, size_t got, int os_error);
bool file_read(struct file *file, char *out, size_t size, size_t *got, int *os_error,
               file_read_fn *done, void *ctx);

/* Writes all of `in` (borrowed until `done`) as a job; one at a time. `done` gets the errno, 0 for
 * success; short writes are gone on with, and one that makes no progress is ENOSPC.
 * FERRY_E_MEMORY: `done` is not called. */
typedef void file_done_fn(void *ctx, int os_error);
NODISCARD enum ferry_error file_write(struct file *file, const char *in, size_t len,
                                      file_done_fn *done, void *ctx);

/* fdatasync as a job, after all writes. FERRY_E_MEMORY: `done` is not called. */
NODISCARD enum ferry_error file_sync(struct file *file, file_done_fn *done, void *ctx);

#endif
