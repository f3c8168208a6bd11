/* Commands: the verbs Ferry knows (verbs.def), a line to a verb and its argument, and back. */
#ifndef FERRY_FTP_COMMAND_H
#define FERRY_FTP_COMMAND_H

#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "ferry/error.h"

enum verb {
    VERB_NONE, /* not in the table */
#define VERB(name, rfc, argument, allowed, replies) VERB_##name,
#include "ftp/verbs.def"
#undef VERB
    VERB_COUNT
};

/* What the argument of a verb is; decides trimming (FTP-2), checks and masking. */
enum argument_kind {
    ARGUMENT_NONE,          /* must be empty: 501 otherwise */
    ARGUMENT_TOKEN,         /* one word, blanks at its end trimmed */
    ARGUMENT_NUMBER,        /* one decimal number */
    ARGUMENT_TEXT,          /* free text, trimmed */
    ARGUMENT_OPTIONAL_TEXT, /* free text or nothing */
    ARGUMENT_PATH,          /* a path name, every blank counts, not empty */
    ARGUMENT_OPTIONAL_PATH, /* a path name or nothing */
    ARGUMENT_TIME_PATH,     /* a time, one blank, a path name (MFMT) */
    ARGUMENT_SECRET,        /* as it was sent, may be empty; never traced or logged (PASS, ACCT) */
};

/* When a verb is allowed; a row's bits must all hold. ftp.md section 2. */
enum allowed_bits {
    ALLOWED_ANY = 0,
    ALLOWED_LOGGED_IN = 1 << 0, /* 530 otherwise; 534 in clear where the policy wants TLS */
    ALLOWED_TRANSFER = 1 << 1,  /* taken at once while a transfer runs (FTP-23); all others wait */
    ALLOWED_SEALED = 1 << 2,    /* only under TLS: 503 otherwise */
    ALLOWED_LOGIN =
        1 << 3, /* carries what a login is made of: 530 in clear where the policy wants TLS */
    ALLOWED_DATA =
        1 << 4, /* begins a transfer: 522 below the level that the policy wants (TLS-33) */
    ALLOWED_AFTER_REST =
        1 << 5,           /* may come between REST and its transfer: the offset is kept (FTP-22) */
    ALLOWED_OFF = 1 << 6, /* known, but never: 502 (FTP-159) */
};

struct verb_row {
    const char *name;
    uint16_t rfc; /* 0: de facto */
    enum argument_kind argument;
    unsigned allowed;    /* enum allowed_bits */
    const char *replies; /* "1xx codes / final codes", for tests and HELP */
};

/* The row of a verb other than VERB_NONE; static. */
const struct verb_row *verb_row(enum verb verb);

/* The verb named so, in any case; VERB_NONE if unknown. XCWD and its kin give the verb they stand
 * for. */
enum verb verb_find(struct bytes name);

struct command {
    enum verb verb;
    struct bytes name;     /* as it was sent; for messages to the operator only */
    struct bytes argument; /* without the one separating blank; trimmed as the verb's row says */
};

/* Splits one line, without its CRLF and with CR NUL made a CR (line.h), into a command (FTP-1,
 * FTP-2). The views point into `line`. FERRY_E_PROTOCOL: no verb at all, or one of more than 10
 * bytes, or of others than letters and digits (500); FERRY_E_ARGUMENT: a known verb whose argument
 * has a NUL or is not of its kind, or has a CR and is no path (501). `out->verb` is set whenever it
 * was recognised. An unknown verb is FERRY_OK with VERB_NONE. */
NODISCARD enum ferry_error command_parse(struct bytes line, struct command *out);

/* Appends "VERB argument CRLF" to `out`. A CR inside a path is sent as CR NUL (FTP-4, RFC 2640),
 * IAC doubled (FTP-6). FERRY_E_ARGUMENT: CR, LF or NUL in an argument (CR is allowed in paths
 * only): nothing is appended (SEC-17). Else as buf_append. */
NODISCARD enum ferry_error command_format(struct buf *out, enum verb verb, struct bytes argument);

#endif
