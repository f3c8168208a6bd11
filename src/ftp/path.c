/* Virtual paths: joined, normalised, quoted, checked. */
#include "ftp/path.h"

#include <stdbool.h>
#include <string.h>

/* A normalised path being built: "" for the root, else "/name" for each name. */
struct walk {
    char text[PATH_MAX_BYTES];
    size_t len;
};

static enum ferry_error enter(struct walk *walk, struct bytes name)
{
    if (name.len > PATH_NAME_MAX_BYTES || 1 + name.len > sizeof walk->text - walk->len)
        return FERRY_E_LIMIT;
    walk->text[walk->len] = '/';
    memcpy(walk->text + walk->len + 1, name.ptr, name.len);
    walk->len += 1 + name.len;
    return FERRY_OK;
}

static void leave(struct walk *walk)
{
    walk->len = path_parent(bytes_of(walk->text, walk->len)).len;
    if (walk->len == 1)
        walk->len = 0; /* "/" is the root */
}

static enum ferry_error follow(struct walk *walk, struct bytes path)
{
    while (path.len > 0) {
        struct bytes name = bytes_cut(&path, '/');
        if (name.len == 0 || bytes_equal(name, BYTES_LIT(".")))
            continue;
        if (bytes_equal(name, BYTES_LIT(".."))) {
            leave(walk);
            continue;
        }
        enum ferry_error error = enter(walk, name);
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

static bool has_nul(struct bytes in)
{
    return bytes_find(in, '\0') < in.len;
}

enum ferry_error path_resolve(struct buf *out, struct bytes cwd, struct bytes argument)
{
    if (has_nul(cwd) || has_nul(argument))
        return FERRY_E_ARGUMENT;

    struct walk walk;
    walk.len = 0;
    bool absolute = argument.len > 0 && argument.ptr[0] == '/';
    enum ferry_error error = absolute ? FERRY_OK : follow(&walk, cwd);
    if (error == FERRY_OK)
        error = follow(&walk, argument);
    if (error != FERRY_OK)
        return error;
    return buf_append(out, walk.len > 0 ? bytes_of(walk.text, walk.len) : BYTES_LIT("/"));
}

/* Where the last '/' of `path` stands; path.len if there is none. */
static size_t last_slash(struct bytes path)
{
    const char *at = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    return at ? (size_t)(at - path.ptr) : path.len;
}

struct bytes path_base(struct bytes path)
{
    size_t slash = last_slash(path);
    return slash < path.len ? bytes_skip(path, slash + 1) : path;
}

struct bytes path_parent(struct bytes path)
{
    size_t slash = last_slash(path);
    if (slash == path.len)
        return bytes_first(path, 0);
    return bytes_first(path, slash > 0 ? slash : 1);
}

/* One buf_append, so that a failure leaves nothing half written. */
enum ferry_error path_quote(struct buf *out, struct bytes path)
{
    size_t quotes = 0;
    for (size_t i = 0; i < path.len; i++)
        quotes += path.ptr[i] == '"' ? 1 : 0;

    char *space;
    size_t len = path.len + quotes + 2;
    enum ferry_error error = buf_reserve(out, len, &space);
    if (error != FERRY_OK)
        return error;
    *space++ = '"';
    for (size_t i = 0; i < path.len; i++) {
        *space++ = path.ptr[i];
        if (path.ptr[i] == '"')
            *space++ = '"';
    }
    *space = '"';
    buf_commit(out, len);
    return FERRY_OK;
}

enum ferry_error path_unquote(struct buf *out, struct bytes text)
{
    struct bytes bare = bytes_first(text, bytes_find(text, ' '));
    size_t open = bytes_find(text, '"');
    if (open == text.len) {
        if (bare.len == 0)
            return FERRY_E_PROTOCOL;
        return bare.len <= PATH_MAX_BYTES ? buf_append(out, bare) : FERRY_E_LIMIT;
    }

    char path[PATH_MAX_BYTES];
    size_t len = 0;
    struct bytes rest = bytes_skip(text, open + 1);
    bool closed = false;
    while (rest.len > 0 && !closed) {
        bool quote = rest.ptr[0] == '"';
        bool doubled = quote && rest.len > 1 && rest.ptr[1] == '"';
        closed = quote && !doubled;
        if (!closed && len == sizeof path)
            return FERRY_E_LIMIT;
        if (!closed)
            path[len++] = rest.ptr[0];
        rest = bytes_skip(rest, doubled ? 2 : 1);
    }
    return closed && len > 0 ? buf_append(out, bytes_of(path, len)) : FERRY_E_PROTOCOL;
}

enum path_flaw path_check_name(struct bytes name)
{
    if (name.len == 0)
        return PATH_FLAW_EMPTY;
    if (bytes_equal(name, BYTES_LIT(".")))
        return PATH_FLAW_DOT;
    if (bytes_equal(name, BYTES_LIT("..")))
        return PATH_FLAW_DOTDOT;
    if (has_nul(name))
        return PATH_FLAW_NUL;
    if (bytes_find(name, '/') < name.len)
        return PATH_FLAW_SLASH;
    return name.len > PATH_NAME_MAX_BYTES ? PATH_FLAW_LONG : PATH_FLAW_NONE;
}
