/* What SITE, MFF and their kin ask to be changed of a file: the arguments, taken apart and checked
 * (FTP-76, FTP-77, FTP-184; draft-somers-ftp-mfxx). */
#ifndef FERRY_FTP_CHANGE_H
#define FERRY_FTP_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"
#include "ftp/timeval.h"

/* What is to be of a file or directory. */
struct change {
    bool has_mode;
    uint16_t mode; /* permission bits, at most 0777 */
    bool has_group;
    uint32_t group; /* by its number */
    bool has_time;
    struct timeval_utc time; /* of last modification */
};

/* The argument of MFF: "fact=value;" once or more often, one blank, a path, which points into
 * `argument`. Known are Modify, UNIX.mode and UNIX.group,
 * a number. FERRY_E_ARGUMENT: it has not this form, or a value is
 * wrong. FERRY_E_UNSUPPORTED: another fact, which `*unknown` names. */
NODISCARD enum ferry_error change_parse_facts(struct bytes argument, struct change *out,
                                              struct bytes *path, struct bytes *unknown);

enum site_deed {
    SITE_HELP,
    SITE_IDLE,
    SITE_CHMOD,
    SITE_UTIME,
    SITE_SYMLINK,
    SITE_CPFR,
    SITE_CPTO,
};

struct site {
    enum site_deed deed;
    uint64_t seconds;     /* IDLE; 0: it only asks */
    struct change change; /* CHMOD, UTIME */
    struct bytes path;    /* of CHMOD, UTIME, CPFR, CPTO; SYMLINK: two words (words.h); into the
                             argument */
};

/* The argument of SITE: CHMOD mode path, UTIME YYYYMMDDhhmm[ss] path, UTIME path atime mtime ctime
 * UTC, IDLE [seconds], SYMLINK target link, CPFR path, CPTO path, HELP. FERRY_E_UNSUPPORTED:
 * another word; FERRY_E_ARGUMENT: the rest is wrong. */
NODISCARD enum ferry_error site_parse(struct bytes argument, struct site *out);

#endif
