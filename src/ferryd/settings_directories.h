/* The blocks of ferryd.conf for accounts that a directory or a database keeps. */
#ifndef FERRY_FERRYD_SETTINGS_DIRECTORIES_H
#define FERRY_FERRYD_SETTINGS_DIRECTORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/schema.h"

#define SETTINGS_LDAP "ldap"
#define SETTINGS_POSTGRESQL "postgresql"

/* What both have. */
struct settings_source {
    char *ca_file;              /* NULL: those that the system trusts */
    struct conf_texts defaults; /* "FIELD=VALUE" (ferryd/directory/draft.h) */
    uint64_t timeout_ns;
    uint64_t connections; /* at once */
    uint64_t uid_min;
};

/* ldap "NAME" { } */
struct settings_ldap {
    char *name;
    struct settings_source source;
    struct conf_texts url;
    bool starttls, plaintext_allowed;
    char *bind_dn, *bind_password_file; /* NULL: anonymous */
    char *base, *filter;
    int scope;                       /* of LDAP: 0 base, 1 one, 2 sub */
    char *group_base, *group_filter; /* NULL: nothing is asked about groups */
    struct conf_texts attributes;    /* "FIELD=ATTRIBUTE" */
};

/* postgresql "NAME" { } */
struct settings_postgresql {
    char *name;
    struct settings_source source;
    char *connection;
    char *password_file;
    char *account_query, *certificate_query; /* the latter NULL: there is none */
};

enum { SETTINGS_CONNECTIONS_MAX = 16 };

/* Where a system of today keeps the CAs that it trusts. */
#define SETTINGS_SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

#endif
