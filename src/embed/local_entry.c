/* What the store knows of a name, as the server wants it. */
#include "embed/local_entry.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/rights.h"

static enum listing_type type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return LISTING_FILE;
    case S_IFDIR:
        return LISTING_DIR;
    case S_IFLNK:
        return LISTING_LINK;
    case S_IFBLK:
        return LISTING_BLOCK;
    case S_IFCHR:
        return LISTING_CHAR;
    case S_IFIFO:
        return LISTING_FIFO;
    case S_IFSOCK:
        return LISTING_SOCK;
    }
    return LISTING_OTHER;
}

/* The Perm fact (FTP-134): what both the system and the account's rights allow. */
static void fill_perms(char out[16], const struct entry *entry, bool may_change)
{
    bool dir = S_ISDIR(entry->what.st_mode), file = S_ISREG(entry->what.st_mode);
    unsigned at = entry->allowed, name = may_change ? entry->allowed_name : RIGHTS_NONE;
    unsigned write = entry->may_write ? at : RIGHTS_NONE;
    unsigned gone = dir && !entry->link_text ? RIGHT_REMOVE_DIRECTORY : RIGHT_DELETE;
    const struct {
        char letter;
        bool given;
    } letters[] = {
        {'a', file && (write & RIGHT_APPEND)},
        {'c', dir && (write & RIGHT_CREATE)},
        {'d', name & gone},
        {'e', dir && entry->may_enter},
        {'f', name & RIGHT_RENAME},
        {'l', dir && entry->may_read && (at & RIGHT_LIST)},
        {'m', dir && (write & RIGHT_MAKE_DIRECTORY)},
        {'p', dir && (write & (RIGHT_DELETE | RIGHT_REMOVE_DIRECTORY))},
        {'r', file && entry->may_read && (at & RIGHT_READ)},
        {'w', file && (write & RIGHT_OVERWRITE)},
    };
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (letters[i].given)
            out[len++] = letters[i].letter;
    out[len] = '\0';
}

void local_entry_fill(struct listing_entry *out, struct local_entry_text *text,
                      const struct entry *entry, bool may_change)
{
    const struct stat *what = &entry->what;
    fill_perms(text->perms, entry, may_change);
    snprintf(text->unique, sizeof(text->unique), "%" PRIxMAX "U%" PRIxMAX, (uintmax_t)what->st_dev,
             (uintmax_t)what->st_ino);
    snprintf(text->owner_id, sizeof(text->owner_id), "%u", what->st_uid);
    snprintf(text->group_id, sizeof(text->group_id), "%u", what->st_gid);
    *out = (struct listing_entry){
        .type = type_of(what->st_mode),
        .name = bytes_str(entry->name),
        /* Of a link that leads out of the root, or nowhere, nobody need know where it points. */
        .target = S_ISLNK(what->st_mode) ? BYTES_LIT("") : bytes_str(entry->link_text),
        .size_kind = S_ISREG(what->st_mode) ? LISTING_SIZE_EXACT : LISTING_SIZE_UNKNOWN,
        .size = (uint64_t)what->st_size,
        .modified = {.seconds = what->st_mtim.tv_sec,
                     .nanoseconds = (uint32_t)what->st_mtim.tv_nsec,
                     .precision = TIMEVAL_FRACTION},
        .has_mode = true,
        .mode = what->st_mode & 0777, /* LST-84 */
        .perms = bytes_str(text->perms),
        .owner_id = bytes_str(text->owner_id),
        .group_id = bytes_str(text->group_id),
        .unique = bytes_str(text->unique),
    };
}
