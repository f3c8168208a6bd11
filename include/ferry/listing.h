/* Ferry: an entry of a remote directory.
 * SPDX-License-Identifier: MIT */
#ifndef FERRY_LISTING_H
#define FERRY_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ferry_entry_type {
    FERRY_ENTRY_OTHER, /* a device, a job, …; or the server does not say */
    FERRY_ENTRY_FILE,
    FERRY_ENTRY_DIRECTORY,
    FERRY_ENTRY_LINK, /* symbolic */
};

/* How much of a time is known; a larger value is finer. Compare two times only at the coarser one.
 */
enum ferry_time_precision {
    FERRY_TIME_UNKNOWN,
    FERRY_TIME_DAY,
    FERRY_TIME_MINUTE,
    FERRY_TIME_SECOND,
    FERRY_TIME_FRACTION,
};

enum {
    FERRY_SIZE_UNKNOWN = -1,
    FERRY_MODE_UNKNOWN = -1,
};

/* What a server tells of one name, which is hostile until proven otherwise: `name` is neither "."
 * nor "..", and holds no NUL, and no '/' but the one between the file and the member of an OS/400
 * library. It may hold any other byte: make it visible before showing it. Strings are never NULL,
 * "" where the server says nothing, and belong to the library.
 */
struct ferry_entry {
    size_t struct_size; /* of this struct as the library knows it */
    const char *name;
    enum ferry_entry_type type;
    int64_t size_bytes; /* FERRY_SIZE_UNKNOWN, also where the server only tells roughly */
    enum ferry_time_precision time_precision;
    bool time_is_utc;   /* false: in the server's time zone, which is not known */
    int64_t modified_s; /* since 1970-01-01 00:00 */
    uint32_t modified_ns;
    int32_t mode; /* permission bits, at most 07777; or FERRY_MODE_UNKNOWN */
    const char *owner;
    const char *group;
    const char *link_target; /* as sent: do not follow it unchecked */
};

#ifdef __cplusplus
}
#endif

#endif
