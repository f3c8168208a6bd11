/* An entry of a listing as the public headers show it. */
#include "client/entry.h"

#include <string.h>

#include "base/alloc.h"

static enum ferry_entry_type type_of(enum listing_type type)
{
    switch (type) {
    case LISTING_FILE:
    case LISTING_MEMBER:
        return FERRY_ENTRY_FILE;
    case LISTING_DIR:
    case LISTING_CDIR:
    case LISTING_PDIR:
        return FERRY_ENTRY_DIRECTORY;
    case LISTING_LINK:
        return FERRY_ENTRY_LINK;
    case LISTING_OTHER:
    case LISTING_BLOCK:
    case LISTING_CHAR:
    case LISTING_FIFO:
    case LISTING_SOCK:
    case LISTING_JOB:
        break;
    }
    return FERRY_ENTRY_OTHER;
}

static enum ferry_time_precision precision_of(enum timeval_precision precision)
{
    switch (precision) {
    case TIMEVAL_NONE:
        break;
    case TIMEVAL_DAY:
        return FERRY_TIME_DAY;
    case TIMEVAL_MINUTE:
        return FERRY_TIME_MINUTE;
    case TIMEVAL_SECOND:
        return FERRY_TIME_SECOND;
    case TIMEVAL_FRACTION:
        return FERRY_TIME_FRACTION;
    }
    return FERRY_TIME_UNKNOWN;
}

struct strings {
    struct bytes name, owner, group, target;
};

/* Writes `in` and a NUL to `*at`, which moves behind it; returns where it was written. */
static const char *put(char **at, struct bytes in)
{
    char *start = *at;
    if (in.len > 0)
        memcpy(start, in.ptr, in.len);
    start[in.len] = '\0';
    *at += in.len + 1;
    return start;
}

/* Puts copies of the strings into `out`, whose other fields are set. */
static enum ferry_error hold(struct client_entry *out, const struct strings *strings)
{
    char *at = alloc_zero(strings->name.len + strings->owner.len + strings->group.len +
                          strings->target.len + 4);
    out->text = at;
    if (!at)
        return FERRY_E_MEMORY;
    out->face.name = put(&at, strings->name);
    out->face.owner = put(&at, strings->owner);
    out->face.group = put(&at, strings->group);
    out->face.link_target = put(&at, strings->target);
    return FERRY_OK;
}

enum ferry_error client_entry_make(const struct listing_entry *from, struct bytes name,
                                   struct client_entry *out)
{
    bool exact = from->size_kind == LISTING_SIZE_EXACT && from->size <= INT64_MAX;
    bool utc = from->format == LISTING_FORMAT_MLSX || from->format == LISTING_FORMAT_EPLF;
    *out = (struct client_entry){
        .face =
            {
                .struct_size = sizeof(out->face),
                .type = type_of(from->type),
                .size_bytes = exact ? (int64_t)from->size : FERRY_SIZE_UNKNOWN,
                .time_precision = precision_of(from->modified.precision),
                .time_is_utc = utc,
                .modified_s = from->modified.seconds,
                .modified_ns = from->modified.nanoseconds,
                .mode = from->has_mode ? (int32_t)from->mode : FERRY_MODE_UNKNOWN,
            },
    };
    const struct strings strings = {
        .name = name,
        .owner = from->owner.len > 0 ? from->owner : from->owner_id,
        .group = from->group.len > 0 ? from->group : from->group_id,
        .target = from->target,
    };
    return hold(out, &strings);
}

enum ferry_error client_entry_copy(const struct ferry_entry *from, struct bytes name,
                                   struct client_entry *out)
{
    const struct strings strings = {
        .name = name,
        .owner = bytes_str(from->owner),
        .group = bytes_str(from->group),
        .target = bytes_str(from->link_target),
    };
    *out = (struct client_entry){.face = *from};
    return hold(out, &strings);
}

void client_entry_fini(struct client_entry *entry)
{
    alloc_free(entry->text);
    *entry = (struct client_entry){0};
}
