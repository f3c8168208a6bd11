/* The files of one login: links that are made, and names that are not. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/fail.h"
#include "store/home_place.h"
#include "store/match.h"
#include "store/tree.h"

const char home_denied_default[] = ".forward/.ftpaccess/.netrc/.rhosts/.shosts/.ssh/.tlslogin";

static bool holds_control(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (text_is_control(name.ptr[i]))
            return true;
    }
    return false;
}

enum ferry_error home_check_name(const struct home *home, struct bytes path, struct fault *fault)
{
    struct bytes patterns =
        home->denied_names ? bytes_str(home->denied_names) : bytes_str(home_denied_default);
    struct bytes left = bytes_skip(path, 1);
    while (left.len > 0) {
        struct bytes name = bytes_cut(&left, '/');
        if (!home->rules.control_bytes && holds_control(name))
            return fault_set(fault, FERRY_E_ARGUMENT, "%.*s: the name holds a control byte",
                             BYTES_FMT(path));
        if (match_any(patterns, name))
            return fault_set(fault, FERRY_E_ARGUMENT, "%.*s: the rules deny the name %.*s",
                             BYTES_FMT(path), BYTES_FMT(name));
    }
    return FERRY_OK;
}

/* Skips what `from` and `to` begin with, whole names only. */
static void skip_common(struct bytes *from, struct bytes *to)
{
    while (from->len > 0 && to->len > 0) {
        struct bytes a = *from, b = *to;
        if (!bytes_equal(bytes_cut(&a, '/'), bytes_cut(&b, '/')))
            return;
        *from = a;
        *to = b;
    }
}

/* The way from the directory that `link` is in to `target`; both are paths. */
static enum ferry_error way_to(struct buf *out, struct bytes link, struct bytes target)
{
    size_t parent = link.len;
    while (link.ptr[parent - 1] != '/')
        parent--;
    struct bytes from = bytes_skip(bytes_first(link, parent - 1), 1), to = bytes_skip(target, 1);
    skip_common(&from, &to);
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && from.len > 0) {
        (void)bytes_cut(&from, '/');
        error = buf_append(out, BYTES_LIT("../"));
    }
    if (error == FERRY_OK)
        error = buf_append(out, to.len > 0 ? to : BYTES_LIT("."));
    return error == FERRY_OK ? buf_append(out, bytes_of("", 1)) : error;
}

/* Whether the link leads where it should: where directories on its way are links themselves, its
 * ".." may not. */
static bool leads_to(const struct home_place *link, const struct stat *target)
{
    CLEANUP(entry_fini) struct entry made = {0};
    struct fault ignored = {0};
    return tree_stat(link->following, home_place_path(link), &made, &ignored) == FERRY_OK &&
           made.what.st_dev == target->st_dev && made.what.st_ino == target->st_ino;
}

static enum ferry_error make(const struct home_place *link, const char *way,
                             const struct stat *target, struct fault *fault)
{
    CLEANUP(root_place_fini) struct root_place place = {.dir_fd = -1};
    enum ferry_error error = root_open_place(link->root, home_place_path(link), ROOT_LAST_AS_IS,
                                             "make the link", &place, fault);
    if (error != FERRY_OK)
        return error;
    if (symlinkat(way, place.dir_fd, place.name) < 0)
        return fail_errno(fault, "make the link", bytes_str(link->full));
    if (leads_to(link, target))
        return FERRY_OK;
    (void)unlinkat(place.dir_fd, place.name, 0);
    return fault_set(fault, FERRY_E_DENIED, "make the link %s: it would lead elsewhere",
                     link->full);
}

static enum ferry_error make_within_quota(const struct home *home, const struct home_place *link,
                                          const char *way, const struct stat *target,
                                          struct fault *fault)
{
    enum ferry_error error = home_take(home, 0, 1, fault);
    if (error != FERRY_OK)
        return error;
    error = make(link, way, target, fault);
    if (error != FERRY_OK)
        home_give(home, 0, 1);
    return error;
}

/* What the link is to lead to, which one may know of, in the same root. */
static enum ferry_error find_target(const struct home *home, struct bytes path,
                                    const struct home_place *link, struct home_place *target,
                                    struct entry *found, struct fault *fault)
{
    enum ferry_error error = home_check_name(home, path, fault);
    if (error == FERRY_OK)
        error = home_find(home, path, ROOT_LAST_FOLLOWED, "link to", target, fault);
    if (error == FERRY_OK)
        error = home_need_any(target, RIGHTS_READ_ONLY, "link to", fault);
    if (error == FERRY_OK)
        error = tree_stat(target->root, home_place_path(target), found, fault);
    if (error == FERRY_OK && S_ISLNK(found->what.st_mode))
        error = fault_set(fault, FERRY_E_DENIED, "make the link %s: its target leads nowhere",
                          link->full);
    if (error == FERRY_OK && target->root != link->root)
        error = fault_set(fault, FERRY_E_DENIED, "make the link %s: its target is in another root",
                          link->full);
    return error;
}

enum ferry_error home_make_link(const struct home *home, struct bytes target, struct bytes link,
                                struct fault *fault)
{
    CLEANUP(entry_fini) struct entry found = {0};
    struct home_place at, to;
    if (home->root.links == ROOT_LINKS_DENY)
        return fault_set(fault, FERRY_E_DENIED, "make the link %.*s: links are not followed here",
                         BYTES_FMT(link));
    if (link.len <= 1)
        return fault_set(fault, FERRY_E_EXISTS, "make the link /: this is the root");
    enum ferry_error error = home_check_name(home, link, fault);
    if (error == FERRY_OK)
        error = home_find(home, link, ROOT_LAST_AS_IS, "make the link", &at, fault);
    if (error == FERRY_OK)
        error = home_need_name(&at, RIGHT_CREATE, "make the link", fault);
    if (error == FERRY_OK)
        error = find_target(home, target, &at, &to, &found, fault);
    if (error != FERRY_OK)
        return error;
    struct buf way;
    buf_init(&way, PATH_MAX);
    error = way_to(&way, home_place_path(&at), home_place_path(&to));
    if (error == FERRY_OK)
        error = make_within_quota(home, &at, buf_view(&way).ptr, &found.what, fault);
    else
        error = fault_set(fault, error, "make the link %.*s: it is too long", BYTES_FMT(link));
    buf_fini(&way);
    return error;
}
