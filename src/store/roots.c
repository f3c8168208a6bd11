/* Further directories that an account sees beneath its root, as text. */
#include "store/roots.h"

#include "base/text.h"
#include "store/partfile.h"

/* Absolute and normalised, and not the root. */
static bool is_path(struct bytes path)
{
    struct bytes rest = bytes_skip(path, 1);
    if (path.len < 2 || path.ptr[0] != '/' || path.ptr[path.len - 1] == '/')
        return false;
    while (rest.len > 0) {
        struct bytes name = bytes_cut(&rest, '/');
        if (name.len == 0 || bytes_equal(name, BYTES_LIT(".")) ||
            bytes_equal(name, BYTES_LIT("..")) || partfile_is(name))
            return false;
    }
    return true;
}

enum ferry_error roots_next(struct bytes *text, struct roots_line *out, bool *got,
                            struct fault *fault)
{
    struct bytes line = {0};
    while (line.len == 0 && text->len > 0)
        line = text_trim(bytes_cut(text, '\n'));
    *got = line.len > 0;
    if (!*got)
        return FERRY_OK;
    char seen[64];
    text_visible_into(seen, sizeof(seen), line);
    *out =
        (struct roots_line){.at = text_trim(bytes_cut(&line, '=')), .directory = text_trim(line)};
    if (is_path(out->at) && out->directory.len > 0 && out->directory.ptr[0] == '/')
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT, "\"%s\" is not like \"/shared = /srv/shared\"", seen);
}

enum ferry_error roots_check(struct bytes text, struct fault *fault)
{
    struct roots_line line;
    enum ferry_error error = FERRY_OK;
    bool got = true;
    unsigned count = 0;
    if (text.len > ROOTS_TEXT_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "there may be %d bytes of them", ROOTS_TEXT_BYTES);
    while (error == FERRY_OK && got) {
        error = roots_next(&text, &line, &got, fault);
        count += got;
    }
    if (error == FERRY_OK && count > ROOTS_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "there may be %d of them", ROOTS_MAX);
    return error;
}
