/* A directory for one test. */
#include "support/tempdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void tempdir_make(struct tempdir *dir)
{
    const char *where = getenv("TMPDIR");
    snprintf(dir->path, sizeof(dir->path), "%s/ferry-test-XXXXXX", where ? where : "/tmp");
    assert_non_null(mkdtemp(dir->path));
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir->fd >= 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void tempdir_remove(struct tempdir *dir)
{
    close(dir->fd);
    dir->fd = -1;
    assert_int_equal(nftw(dir->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
}

void tempdir_mkdir(const struct tempdir *dir, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", name);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdirat(dir->fd, path, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    assert_true(mkdirat(dir->fd, path, 0755) == 0 || errno == EEXIST);
}

void tempdir_write(const struct tempdir *dir, const char *name, const char *text)
{
    int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

void tempdir_symlink(const struct tempdir *dir, const char *target, const char *name)
{
    assert_int_equal(symlinkat(target, dir->fd, name), 0);
}

bool tempdir_has(const struct tempdir *dir, const char *name)
{
    struct stat status;
    return fstatat(dir->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

void tempdir_assert_text(const struct tempdir *dir, const char *name, const char *text)
{
    int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        print_error("no file %s\n", name);
    assert_true(fd >= 0);
    char found[4096];
    ssize_t len = read(fd, found, sizeof(found) - 1);
    assert_true(len >= 0);
    found[len] = '\0';
    assert_string_equal(found, text);
    close(fd);
}

size_t tempdir_count(const struct tempdir *dir, const char *name)
{
    DIR *stream = fdopendir(openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(stream);
    size_t count = 0;
    while (readdir(stream))
        count++;
    closedir(stream);
    assert_true(count >= 2);
    return count - 2;
}

const char *tempdir_path(const struct tempdir *dir, const char *name, char out[static PATH_MAX])
{
    assert_true(snprintf(out, PATH_MAX, "%s/%s", dir->path, name) < PATH_MAX);
    return out;
}
