/* `ferryd demo`: what the command line says, and what is made up (product.md). */
#ifndef FERRY_FERRYD_DEMO_H
#define FERRY_FERRYD_DEMO_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "tls/mint.h"

#include <ferry/server.h>

enum demo_log { DEMO_LOG_TEXT, DEMO_LOG_JSON, DEMO_LOG_OFF };

/* The command line. */
struct demo_options {
    const char *directory; /* NULL: a fresh one */
    const char *address;   /* numeric */
    uint16_t explicit_port, implicit_port;
    const char *password_file; /* NULL: a random password */
    enum ferry_data_resume data_resume;
    enum ferry_data_scope data_scope;
    uint16_t passive_low, passive_high;
    const char *passive_address; /* NULL: the local one */
    const char *proxy;           /* a network; NULL: none */
    const char *tls_max;
    const char *charset; /* of names that are no UTF-8; NULL: they stay as they come */
    bool plaintext;
    bool read_only;
    bool drop_cut_uploads;
    bool mode_z;
    bool mode_b;
    bool json; /* what a program needs to know, as one line on standard output */
    bool help;
    enum demo_log log;
};

/* false: it is wrong, and was told so on standard error. */
NODISCARD bool demo_options_parse(int argc, char **argv, struct demo_options *out);
void demo_options_help(void);

enum { DEMO_PASSWORD_BYTES = 256 };

/* What is made up for one run. */
struct demo_state {
    char folder[PATH_MAX];  /* of its own, mode 0700 */
    char ca_file[PATH_MAX]; /* in `folder` */
    char root[PATH_MAX];    /* what the account sees */
    bool own_root;          /* in `folder`, too */
    char password[DEMO_PASSWORD_BYTES];
    struct tls_minted leaf;
};

/* Makes folder, password, CA and certificate. On failure nothing is left. */
NODISCARD enum ferry_error demo_state_make(const struct demo_options *options,
                                           struct demo_state *out, struct fault *fault);

/* Removes what was made but what clients have stored; says so if that is anything. */
void demo_state_remove(struct demo_state *state);

#endif
