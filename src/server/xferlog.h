/* Lines of xferlog(5), as wu-ftpd, proftpd and vsftpd write them, for the programs that read
 * these. */
#ifndef FERRY_SERVER_XFERLOG_H
#define FERRY_SERVER_XFERLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "net/address.h"

enum { XFERLOG_LINE_BYTES = 32 * 1024 };

enum xferlog_direction { XFERLOG_OUTGOING, XFERLOG_INCOMING, XFERLOG_DELETED };

struct xferlog_entry {
    int64_t wall_ns; /* when it ended */
    uint64_t took_ns, bytes;
    const struct address *peer;
    const char *path, *account;
    bool ascii, compressed;
    bool sealed; /* the service is "ftps", as proftpd has it, instead of "ftp" */
    bool complete;
    enum xferlog_direction direction;
};

/* Appends the line, without a newline. Of path and account what is no visible character, and
 * blanks, is "_" (SEC-80). Errors as buf_append. */
NODISCARD enum ferry_error xferlog_line(struct buf *out, const struct xferlog_entry *entry);

#endif
