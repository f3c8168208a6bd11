/* What the directive `accounts` names: the places that accounts are looked for in, in order. */
#ifndef FERRY_FERRYD_SOURCES_H
#define FERRY_FERRYD_SOURCES_H

#include "base/compiler.h"
#include "conf/read.h"

enum sources_kind {
    SOURCES_SQLITE,     /* "sqlite:/PATH", or the path alone */
    SOURCES_LDAP,       /* "ldap:NAME", of a block */
    SOURCES_POSTGRESQL, /* "postgresql:NAME", likewise */
};

struct sources_item {
    enum sources_kind kind;
    const char *where; /* what stands behind the colon, within the text */
};

enum { SOURCES_MAX = 8 };

/* Anything that has no word of another kind before it is a path. */
struct sources_item sources_read(const char *text);

/* Makes the paths in `accounts` absolute, from the folder of the file that names them, and notes
 * what cannot be as mistakes of `conf`. FERRY_E_MEMORY. */
NODISCARD enum ferry_error sources_settle(struct conf *conf);

#endif
