/* Where a path of a home leads, and what the account may do there. */
#include "store/home_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/fail.h"
#include "store/tree.h"

enum {
    LINKS_MAX = 40, /* the kernel's MAXSYMLINKS */
    SEEN = RIGHT_LIST | RIGHT_READ,
    ENTERED = SEEN | RIGHT_MAKE_DIRECTORY,
};

/* A walk under way. */
struct way {
    const struct home *home;
    const struct home_root *top; /* the root it is in */
    int dir_fd;                  /* where it stands */
    char done[PATH_MAX];         /* the way from the root to there, without links: "", "/a" */
    char rest[PATH_MAX];         /* what is still to go */
    int links_left;
    bool arrived; /* at the last name, which is in `done` */
    bool hidden;  /* what is met next is nothing to know of */
};

/* ---- what is allowed ---- */

unsigned home_allowed_at(const struct home *home, const char *full)
{
    unsigned most = home->rules.read_only ? RIGHTS_READ_ONLY : RIGHTS_ALL;
    return rights_at(&home->rights, full) & most;
}

static bool lies_within(const char *path, const char *folder)
{
    size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Whether a further root is there or beneath. */
static bool holds_root(const struct home *home, const char *full)
{
    for (size_t i = 0; i < home->more_count; i++)
        if (lies_within(home->more[i].at, full))
            return true;
    return false;
}

static bool is_known(const struct home *home, const char *full)
{
    return holds_root(home, full) || rights_lead_through(&home->rights, full);
}

bool home_may_enter(const struct home *home, const struct home_place *place)
{
    if (is_known(home, place->full))
        return true;
    return place->allowed && (place->is_top || (place->around & ENTERED));
}

bool home_is_shown(const struct home *home, const char *full)
{
    return home_allowed_at(home, full) || is_known(home, full);
}

static enum ferry_error denied(const struct home_place *place, const char *deed,
                               struct fault *fault)
{
    return fault_set(fault, FERRY_E_DENIED, "%s %s: the account has no right to that", deed,
                     place->full);
}

enum ferry_error home_need(const struct home_place *place, unsigned rights, const char *deed,
                           struct fault *fault)
{
    return (place->allowed & rights) == rights ? FERRY_OK : denied(place, deed, fault);
}

enum ferry_error home_need_any(const struct home_place *place, unsigned rights, const char *deed,
                               struct fault *fault)
{
    return place->allowed & rights ? FERRY_OK : denied(place, deed, fault);
}

enum ferry_error home_need_name(const struct home_place *place, unsigned rights, const char *deed,
                                struct fault *fault)
{
    if ((place->allowed & place->around & rights) != rights)
        return denied(place, deed, fault);
    if (place->is_top)
        return fault_set(fault, FERRY_E_DENIED, "%s %s: this is a root", deed, place->full);
    return FERRY_OK;
}

enum ferry_error home_need_whole(const struct home *home, const struct home_place *place,
                                 unsigned rights, const char *deed, struct fault *fault)
{
    enum ferry_error error = home_need_name(place, rights, deed, fault);
    if (error == FERRY_OK &&
        (rights_are_for(&home->rights, place->full) || holds_root(home, place->full)))
        return fault_set(fault, FERRY_E_DENIED,
                         "%s %s: it is or holds a folder that rules of the account are for", deed,
                         place->full);
    return error;
}

/* ---- walking ---- */

/* The path of `name` where the walk stands; NULL: that of the folder itself. */
static int full_of(const struct way *way, const char *name, char out[static PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s%s%s%s", way->top->at, way->done, name ? "/" : "",
                       name ? name : "");
    if (len == 0)
        snprintf(out, PATH_MAX, "/");
    if (len < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static int add_name(struct way *way, const char *name)
{
    size_t used = strlen(way->done);
    int len = snprintf(way->done + used, sizeof(way->done) - used, "/%s", name);
    if (len < (int)(sizeof(way->done) - used))
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* Takes the first name off `rest`; an empty one is ".". */
static int next_name(struct way *way, char name[static NAME_MAX + 1], bool *last)
{
    size_t len = strcspn(way->rest, "/");
    if (len > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    *last = way->rest[len] == '\0';
    snprintf(name, NAME_MAX + 1, "%.*s", len ? (int)len : 1, len ? way->rest : ".");
    const char *behind = way->rest + len + (*last ? 0 : 1);
    memmove(way->rest, behind, strlen(behind) + 1);
    return 0;
}

static int stand_in(struct way *way, const struct home_root *top, int fd)
{
    if (fd < 0)
        return -1;
    fd_close(&way->dir_fd);
    way->dir_fd = fd;
    way->top = top;
    return 0;
}

static int stand_at_top(struct way *way, const struct home_root *top)
{
    way->done[0] = '\0';
    return stand_in(way, top, root_open_relative(&top->exact, "", O_PATH | O_DIRECTORY));
}

/* To the parent, which only a link asks for; not out of a root. */
static int leave(struct way *way)
{
    char *slash = strrchr(way->done, '/');
    if (!slash) {
        errno = EXDEV;
        return -1;
    }
    *slash = '\0';
    const char *relative = way->done[0] ? way->done + 1 : "";
    return stand_in(way, way->top,
                    root_open_relative(&way->top->exact, relative, O_PATH | O_DIRECTORY));
}

/* Puts where the link `name` leads in front of what is still to go. */
static int expand(struct way *way, const char *name, bool last)
{
    char target[PATH_MAX], rest[PATH_MAX];
    if (way->home->root.links == ROOT_LINKS_DENY || way->links_left-- <= 0) {
        errno = ELOOP;
        return -1;
    }
    ssize_t len = readlinkat(way->dir_fd, name, target, sizeof(target));
    if (len < 0)
        return -1;
    if (len > 0 && target[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    int made = snprintf(rest, sizeof(rest), "%.*s%s%s", (int)len, target, last ? "" : "/",
                        last ? "" : way->rest);
    if (made >= (int)sizeof(rest)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(way->rest, rest, (size_t)made + 1);
    return 0;
}

static const struct home_root *root_at(const struct home *home, const char *full)
{
    for (size_t i = 0; i < home->more_count; i++)
        if (strcmp(home->more[i].at, full) == 0)
            return &home->more[i];
    return NULL;
}

static int arrive(struct way *way, const char *name)
{
    way->arrived = true;
    return add_name(way, name);
}

/* One name of a directory, which is no root. */
static int go_on(struct way *way, const char *name, bool last, enum root_last mode)
{
    struct stat status;
    if (last && mode == ROOT_LAST_AS_IS)
        return arrive(way, name);
    if (fstatat(way->dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return last && errno == ENOENT ? arrive(way, name) : -1;
    if (S_ISLNK(status.st_mode) && !way->hidden)
        return expand(way, name, last);
    if (last)
        return arrive(way, name);
    int fd = openat(way->dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return stand_in(way, way->top, fd) < 0 ? -1 : add_name(way, name);
}

static int step(struct way *way, const char *name, bool last, enum root_last mode)
{
    char here[PATH_MAX], there[PATH_MAX];
    if (full_of(way, NULL, here) < 0 || full_of(way, name, there) < 0)
        return -1;
    bool known = is_known(way->home, there);
    unsigned around = home_allowed_at(way->home, here);
    way->hidden = !known && !(around & SEEN);
    const struct home_root *other = root_at(way->home, there);
    if (other) {
        way->arrived = last;
        return stand_at_top(way, other);
    }
    if (!last && !known && !(around & ENTERED)) {
        errno = EACCES;
        return -1;
    }
    return go_on(way, name, last, mode);
}

static int walk(struct way *way, enum root_last mode)
{
    if (stand_at_top(way, &way->home->own) < 0)
        return -1;
    way->arrived = way->rest[0] == '\0';
    while (!way->arrived) {
        char name[NAME_MAX + 1];
        bool last;
        if (next_name(way, name, &last) < 0)
            return -1;
        bool up = strcmp(name, "..") == 0;
        if (up || strcmp(name, ".") == 0) {
            way->arrived = last;
            if (up && leave(way) < 0)
                return -1;
        } else if (step(way, name, last, mode) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- finding ---- */

static void judge_place(const struct home *home, struct home_place *place)
{
    char parent[PATH_MAX];
    memcpy(parent, place->full, sizeof(parent));
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    place->allowed = home_allowed_at(home, place->full);
    place->around = home_allowed_at(home, parent);
}

/* All of it is in one root, and one rule is for all. */
static void take_plain(const struct home *home, const char *relative, struct home_place *out)
{
    out->root = out->following = &home->root;
    snprintf(out->path, sizeof(out->path), "/%.*s", PATH_MAX - 2, relative);
    memcpy(out->full, out->path, sizeof(out->full));
    out->is_top = relative[0] == '\0';
    out->allowed = out->around = home_allowed_at(home, out->full);
}

enum ferry_error home_find(const struct home *home, struct bytes path, enum root_last last,
                           const char *deed, struct home_place *out, struct fault *fault)
{
    struct way way = {.home = home, .dir_fd = -1, .links_left = LINKS_MAX};
    enum ferry_error error = root_relative(path, deed, way.rest, fault);
    if (error != FERRY_OK)
        return error;
    if (home->rights.count == 0 && home->more_count == 0) {
        take_plain(home, way.rest, out);
        return FERRY_OK;
    }
    int walked = walk(&way, last);
    if (walked == 0)
        walked = full_of(&way, NULL, out->full);
    fd_close(&way.dir_fd);
    if (walked < 0 && way.hidden)
        return fault_set(fault, FERRY_E_DENIED, "%s %.*s: the account has no right to that", deed,
                         BYTES_FMT(path));
    if (walked < 0)
        return fail_errno(fault, deed, path);
    out->root = &way.top->exact;
    out->following = &way.top->root;
    out->is_top = way.done[0] == '\0';
    snprintf(out->path, sizeof(out->path), "%s", out->is_top ? "/" : way.done);
    judge_place(home, out);
    return FERRY_OK;
}

/* ---- entries ---- */

/* The bits of the mode that mean what is not allowed are not shown. */
static mode_t shown_mode(mode_t mode, unsigned allowed)
{
    unsigned read = S_ISDIR(mode) ? RIGHT_LIST : RIGHT_READ;
    unsigned write = S_ISDIR(mode) ? RIGHTS_ALL & ~(unsigned)SEEN : RIGHTS_WRITE;
    if (!(allowed & read))
        mode &= ~(mode_t)(S_IRUSR | S_IRGRP | S_IROTH);
    if (!(allowed & write))
        mode &= ~(mode_t)(S_IWUSR | S_IWGRP | S_IWOTH);
    return mode;
}

/* Of a link, if one may know where it leads. */
static unsigned look_behind(const struct home *home, const char *full, struct entry *entry)
{
    struct home_place place;
    struct entry behind = {0};
    struct fault ignored = {0};
    if (home_find(home, bytes_str(full), ROOT_LAST_FOLLOWED, "look at", &place, &ignored) !=
            FERRY_OK ||
        (!(place.allowed & SEEN) && !is_known(home, place.full)) ||
        tree_stat(place.root, home_place_path(&place), &behind, &ignored) != FERRY_OK)
        return RIGHTS_NONE;
    entry->what = behind.what;
    entry->may_read = behind.may_read;
    entry->may_write = behind.may_write;
    entry->may_enter = behind.may_enter;
    entry_fini(&behind);
    return place.allowed;
}

void home_judge(const struct home *home, const char *full, struct entry *entry)
{
    struct home_place place;
    snprintf(place.full, sizeof(place.full), "%s", full);
    judge_place(home, &place);
    entry->allowed = place.allowed;
    entry->allowed_name = root_at(home, full) ? RIGHTS_NONE : place.allowed & place.around;
    if (home->rights.count == 0 && home->more_count == 0)
        return;
    if (S_ISLNK(entry->self.st_mode))
        entry->allowed = look_behind(home, full, entry);
    if (S_ISDIR(entry->self.st_mode) &&
        (rights_are_for(&home->rights, full) || holds_root(home, full)))
        entry->allowed_name = RIGHTS_NONE;
    entry->what.st_mode = shown_mode(entry->what.st_mode, entry->allowed);
}
