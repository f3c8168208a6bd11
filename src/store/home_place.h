/* Where a path of a home leads, and what the account may do there. Every deed of store/home.h asks
 * this first, and then does what it does at the place that came out: links on the way have been
 * followed, so that rights are those of where they lead, and none is followed once more.
 *
 * Which rights count: for what a thing is made of (its contents, names in it, its facts) those at
 * the thing; for its name (to make, remove or rename it) those at the thing and those of the folder
 * it is in, both. What may not be known of is refused in the same way whether it is there or not
 * (SEC-83): names in a folder that may be neither listed nor read. */
#ifndef FERRY_STORE_HOME_PLACE_H
#define FERRY_STORE_HOME_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "store/home.h"

struct home_place {
    const struct root *root;      /* one of the home's, which it borrows */
    const struct root *following; /* the same, and links are followed */
    char path[PATH_MAX];          /* beneath that */
    char full[PATH_MAX];          /* as the account would write it */
    unsigned allowed;             /* store/rights.h: at it */
    unsigned around;              /* in the folder that it is in */
    bool is_top;                  /* it is a root itself */
};

/* The last name need not be there. Errors: store/fail.h. */
NODISCARD enum ferry_error home_find(const struct home *home, struct bytes path,
                                     enum root_last last, const char *deed, struct home_place *out,
                                     struct fault *fault);

static inline struct bytes home_place_path(const struct home_place *place)
{
    return bytes_str(place->path);
}

/* FERRY_E_DENIED, in words that do not tell whether it is there: not all of `rights` are allowed at
 * the place. */
NODISCARD enum ferry_error home_need(const struct home_place *place, unsigned rights,
                                     const char *deed, struct fault *fault);

/* As home_need, for one of `rights`. */
NODISCARD enum ferry_error home_need_any(const struct home_place *place, unsigned rights,
                                         const char *deed, struct fault *fault);

/* As home_need, also for the folder that the name is in; a root has no name. */
NODISCARD enum ferry_error home_need_name(const struct home_place *place, unsigned rights,
                                          const char *deed, struct fault *fault);

/* As home_need_name, for a directory that is to be moved or removed: FERRY_E_DENIED also if a rule
 * or a root is for it or for something beneath it. */
NODISCARD enum ferry_error home_need_whole(const struct home *home, const struct home_place *place,
                                           unsigned rights, const char *deed, struct fault *fault);

/* Whether one may know of the folder and go into it. */
bool home_may_enter(const struct home *home, const struct home_place *place);

/* What is allowed at the path that the account would write so. */
unsigned home_allowed_at(const struct home *home, const char *full);

/* Whether listings show that name: something may be done with it, or beneath it. */
bool home_is_shown(const struct home *home, const char *full);

/* Tells `entry`, which is what stands at the path `full`, what the account may do with it, and, if
 * it is a link, what it leads to, as far as one may know that. */
void home_judge(const struct home *home, const char *full, struct entry *entry);

#endif
