/* The command line: one table of options, from which it is read and --help is made. */
#ifndef FERRY_FERRY_ARGS_H
#define FERRY_FERRY_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "ferry/ferry.h"

/* Which commands an option belongs to. */
enum command_bit {
    FOR_LS = 1 << 0,
    FOR_STAT = 1 << 1,
    FOR_CAT = 1 << 2,
    FOR_GET = 1 << 3,
    FOR_PUT = 1 << 4,
    FOR_NAMES = 1 << 5, /* rm, mv, mkdir, rmdir */
    FOR_ALL = (1 << 6) - 1,
};

enum { PINS_MAX = 8 };

/* What the options say. Strings are argv's. */
struct settings {
    /* the connection */
    enum ferry_auth auth;
    bool plaintext;
    const char *ca;
    const char *pins[PINS_MAX];
    size_t pin_count;
    const char *certificate, *key;
    enum ferry_tls_version tls_min, tls_max;
    bool legacy;
    char file_level, listing_level;
    bool active;
    unsigned timeout_s; /* 0: the library's */

    /* the login */
    const char *account;
    const char *password_file;

    /* what is done */
    bool recursive, resume, force, keep_time;
    const char *output;

    /* what is shown */
    bool long_form, raw, json, quiet;
    unsigned verbose;
    bool help;
};

/* Reads the options of the command named argv[0], for which those with the bit `command` count.
 * What is left are its operands, argv[*first..argc). false: a mistake, which was told on standard
 * error. */
bool args_read(int argc, char **argv, unsigned command, struct settings *settings, int *first);

/* Prints the options of a command, one a line. */
void args_help(FILE *out, unsigned command);

#endif
