/* A connection to one of several LDAP servers that have the same to say. It is kept, and made anew
 * when it breaks; the server that answered last is asked first. No call takes longer than until its
 * deadline, but for what the system takes to look a name up. */
#ifndef FERRY_FERRYD_AUTH_LDAP_LINK_H
#define FERRY_FERRYD_AUTH_LDAP_LINK_H

#include <ldap.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/fault.h"
#include "conf/schema.h"

/* Borrowed by its connections. */
struct ldap_servers {
    const struct conf_texts *urls;
    bool starttls;
    const char *ca_path; /* whose certificates are believed */
};

struct ldap_link {
    const struct ldap_servers *servers;
    LDAP *ld;  /* NULL: there is none */
    size_t at; /* of the server that answered last */
};

/* What is looked for. */
struct ldap_question {
    const char *base, *filter;
    int scope;
    char **attributes; /* ends with NULL */
    int most;          /* entries; more are FERRY_E_ARGUMENT */
};

/* Before the process is confined: libldap reads no settings of its own. */
void ldap_link_prepare(void);

void ldap_link_init(struct ldap_link *link, const struct ldap_servers *servers);
void ldap_link_fini(struct ldap_link *link);

/* Is `dn` from now on, on a connection that is made if there is none; `dn` "" with an empty
 * password is nobody. An empty password with a DN is wrong (RFC 4513 section 5.1.2); so is whatever
 * the server takes for such. FERRY_E_CONNECT, FERRY_E_TIMEOUT: no server answers; FERRY_E_MEMORY.
 */
NODISCARD enum ferry_error ldap_link_bind(struct ldap_link *link, const char *dn,
                                          struct bytes password, uint64_t deadline_ns, bool *right,
                                          struct fault *fault);

/* `*out` is to be freed by ldap_msgfree; NULL: the connection is broken or was not there, and bind
 * must come first. FERRY_E_ARGUMENT: there is more than one may find; FERRY_E_REFUSED: the server
 * says no; FERRY_E_MEMORY. */
NODISCARD enum ferry_error ldap_link_search(struct ldap_link *link,
                                            const struct ldap_question *question,
                                            uint64_t deadline_ns, LDAPMessage **out,
                                            struct fault *fault);

#endif
