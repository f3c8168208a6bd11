/* What a listener does otherwise than most, for clients and networks that need it: rules that
 * settle what a server-PI answers. All zero is the default of each (tls.md sections 1 to 5, 13). */
#ifndef FERRY_FTP_DIALECT_H
#define FERRY_FTP_DIALECT_H

#include <stdbool.h>

/* Which transfers must be protected, and may (TLS-56); a listing is a download. */
enum data_tls {
    DATA_TLS_DEFAULT,   /* all must where no login is taken in clear, else as DATA_TLS_ALLOW */
    DATA_TLS_ALLOW,     /* as PROT says */
    DATA_TLS_OFF,       /* none is: PROT P is 534 */
    DATA_TLS_REQUIRE,   /* all: PROT C is 534 */
    DATA_TLS_UPLOADS,   /* STOR, STOU, APPE */
    DATA_TLS_DOWNLOADS, /* RETR and the listings */
};

struct dialect {
    enum data_tls data_tls;
    bool data_refused_521; /* a transfer below that level is 521 instead of 522 (TLS-33) */
    bool prot_before_pbsz; /* PROT is taken without a PBSZ before it (TLS-29) */
    bool auth_ssl_334;     /* AUTH SSL is answered by 334 instead of 234, as old servers did */
    bool greet_before_tls; /* on an implicit connection 220 goes out in clear before the handshake,
                              as z/OS does */
    bool ccc;              /* CCC ends TLS on the control connection, also where no login is taken
                              in clear (TLS-154, TLS-157) */
    bool fxp;              /* SSCN, CPSV, and PORT to other addresses than the client's, which the
                              owner is to check (TLS-165 to TLS-169) */
};

#endif
