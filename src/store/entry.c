/* Facts of one name. */
#include "store/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/procfd.h"

static void read_rights(int dir_fd, const char *name, int flags, struct entry *entry)
{
    entry->may_read = faccessat(dir_fd, name, R_OK, AT_EACCESS | flags) == 0;
    entry->may_write = faccessat(dir_fd, name, W_OK, AT_EACCESS | flags) == 0;
    entry->may_enter = faccessat(dir_fd, name, X_OK, AT_EACCESS | flags) == 0;
}

/* Learns where a link leads, if that is beneath the root. */
static void follow(const struct root *root, const char *dir, struct entry *entry)
{
    char relative[PATH_MAX];
    int made = snprintf(relative, sizeof(relative), "%s%s%s", dir, dir[0] ? "/" : "", entry->name);
    if (root->links == ROOT_LINKS_DENY || made >= (int)sizeof(relative))
        return;
    CLEANUP(fd_close) int fd = root_open_relative(root, relative, O_PATH);
    struct stat what;
    if (fd < 0 || fstat(fd, &what) < 0)
        return;
    entry->what = what;
    char through[PROCFD_PATH_BYTES];
    read_rights(AT_FDCWD, procfd_path(fd, through), 0, entry);
}

static int read_link(const struct root *root, int dir_fd, const char *dir, struct entry *entry)
{
    char text[PATH_MAX];
    ssize_t len = readlinkat(dir_fd, entry->name, text, sizeof(text));
    if (len < 0)
        return -1;
    entry->link_text = alloc_bytes(bytes_of(text, (size_t)len));
    if (!entry->link_text) {
        errno = ENOMEM;
        return -1;
    }
    follow(root, dir, entry);
    return 0;
}

int entry_read(const struct root *root, int dir_fd, const char *dir, const char *name,
               struct entry *entry)
{
    *entry = (struct entry){0};
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    if (fstatat(dir_fd, name, &entry->self, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    entry->what = entry->self;
    if (S_ISLNK(entry->self.st_mode))
        return read_link(root, dir_fd, dir, entry);
    read_rights(dir_fd, name, AT_SYMLINK_NOFOLLOW, entry);
    return 0;
}

int entry_read_self(int dir_fd, struct entry *entry)
{
    *entry = (struct entry){0};
    if (fstat(dir_fd, &entry->self) < 0)
        return -1;
    entry->what = entry->self;
    read_rights(dir_fd, ".", 0, entry);
    return 0;
}

bool entry_is_special(const struct entry *entry)
{
    mode_t mode = entry->what.st_mode;
    return !S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode);
}

void entry_fini(struct entry *entry)
{
    alloc_free_str(&entry->link_text);
}
