/* The tables of the accounts' file, version by version. Private to the room. */
#ifndef FERRY_ROSTER_SCHEMA_H
#define FERRY_ROSTER_SCHEMA_H

#include <sqlite3.h>

#include "base/compiler.h"
#include "base/fault.h"

/* Makes the tables of an empty file, or brings those of an older version up to date, as one
 * transaction. FERRY_E_UNSUPPORTED: the file is of another program, or of a newer version;
 * FERRY_E_FILE. */
NODISCARD enum ferry_error schema_update(sqlite3 *db, struct fault *fault);

#endif
