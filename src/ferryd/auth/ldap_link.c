/* A connection to one of several LDAP servers. */
#include "ferryd/auth/ldap_link.h"

#include <stdlib.h>
#include <sys/time.h>

#include "base/clock.h"

/* ---- time ---- */

static uint64_t left_ns(uint64_t deadline_ns)
{
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

/* At least a moment: to libldap, none at all is for ever. */
static struct timeval timeval_of(uint64_t ns)
{
    if (ns < CLOCK_NS_PER_MS)
        ns = CLOCK_NS_PER_MS;
    return (struct timeval){.tv_sec = (time_t)(ns / CLOCK_NS_PER_S),
                            .tv_usec = (suseconds_t)(ns % CLOCK_NS_PER_S / 1000)};
}

/* ---- words ---- */

/* Whether another server, or the same one by another connection, may know better. */
static bool is_broken(int code)
{
    switch (code) {
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_TIMEOUT:
    case LDAP_LOCAL_ERROR:
    case LDAP_DECODING_ERROR:
    case LDAP_PROTOCOL_ERROR:
    case LDAP_UNAVAILABLE:
    case LDAP_BUSY:
    case LDAP_OTHER:
        return true;
    default:
        return false;
    }
}

/* That the one asked at the end of a list is told of, not the first. */
static enum ferry_error say(const struct ldap_link *link, int code, struct fault *fault)
{
    char *more = NULL;
    if (link->ld)
        ldap_get_option(link->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
    enum ferry_error kind = code == LDAP_NO_MEMORY ? FERRY_E_MEMORY
                            : code == LDAP_TIMEOUT ? FERRY_E_TIMEOUT
                            : is_broken(code)      ? FERRY_E_CONNECT
                                                   : FERRY_E_REFUSED;
    bool has_more = more && more[0];
    if (fault)
        fault_clear(fault);
    fault_set(fault, kind, "%s: %s%s%s", link->servers->urls->list[link->at],
              code == LDAP_TIMEOUT ? "it does not answer in time" : ldap_err2string(code),
              has_more ? ": " : "", has_more ? more : "");
    ldap_memfree(more);
    return kind;
}

/* ---- connections ---- */

void ldap_link_prepare(void)
{
    int version = LDAP_VERSION3;
    setenv("LDAPNOINIT", "1", 1); /* no ldap.conf, no .ldaprc, nothing of the environment */
    ldap_set_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

void ldap_link_init(struct ldap_link *link, const struct ldap_servers *servers)
{
    *link = (struct ldap_link){.servers = servers};
}

void ldap_link_fini(struct ldap_link *link)
{
    if (link->ld)
        ldap_unbind_ext(link->ld, NULL, NULL);
    link->ld = NULL;
}

/* How long connecting and the handshake may take, each. */
static void limit(struct ldap_link *link, uint64_t ns)
{
    struct timeval time = timeval_of(ns);
    ldap_set_option(link->ld, LDAP_OPT_NETWORK_TIMEOUT, &time);
    ldap_set_option(link->ld, LDAP_OPT_TIMEOUT, &time);
}

static int set_options(struct ldap_link *link)
{
    static const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;
    static const int demand = LDAP_OPT_X_TLS_DEMAND, oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    static const int client = 0;
    const struct {
        int option;
        const void *value;
    } options[] = {
        {LDAP_OPT_PROTOCOL_VERSION, &version},
        {LDAP_OPT_DEREF, &never},
        {LDAP_OPT_REFERRALS, LDAP_OPT_OFF}, /* nobody is told passwords but these servers */
        {LDAP_OPT_RESTART, LDAP_OPT_ON},
        {LDAP_OPT_X_TLS_REQUIRE_CERT, &demand},
        {LDAP_OPT_X_TLS_CACERTFILE, link->servers->ca_path},
        {LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest},
        {LDAP_OPT_X_TLS_NEWCTX, &client},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (ldap_set_option(link->ld, options[i].option, options[i].value) != LDAP_OPT_SUCCESS)
            return LDAP_LOCAL_ERROR;
    return LDAP_SUCCESS;
}

/* Waits for the answer to a request; LDAP_SUCCESS: there is one, which is the caller's. */
static int wait_for(struct ldap_link *link, int id, uint64_t deadline_ns, LDAPMessage **out)
{
    struct timeval time = timeval_of(left_ns(deadline_ns));
    int code = LDAP_SUCCESS;
    int got = ldap_result(link->ld, id, LDAP_MSG_ALL, &time, out);
    if (got > 0)
        return LDAP_SUCCESS;
    if (got == 0)
        return LDAP_TIMEOUT;
    ldap_get_option(link->ld, LDAP_OPT_RESULT_CODE, &code);
    return code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code;
}

/* What the answer says. */
static int result_of(struct ldap_link *link, LDAPMessage *answer)
{
    int result = LDAP_SUCCESS;
    int code = ldap_parse_result(link->ld, answer, &result, NULL, NULL, NULL, NULL, 1);
    if (code == LDAP_SUCCESS) /* for `say` */
        ldap_set_option(link->ld, LDAP_OPT_RESULT_CODE, &result);
    return code == LDAP_SUCCESS ? result : code;
}

static bool is_plain(const char *url)
{
    return bytes_starts(bytes_str(url), BYTES_LIT("ldap://"));
}

static int start_tls(struct ldap_link *link, uint64_t deadline_ns)
{
    int id = 0;
    LDAPMessage *answer = NULL;
    int code = ldap_start_tls(link->ld, NULL, NULL, &id);
    if (code == LDAP_SUCCESS)
        code = wait_for(link, id, deadline_ns, &answer);
    if (code == LDAP_SUCCESS)
        code = result_of(link, answer);
    if (code != LDAP_SUCCESS)
        return is_broken(code) ? code : LDAP_CONNECT_ERROR;
    limit(link, left_ns(deadline_ns));
    code = ldap_install_tls(link->ld);
    return code == LDAP_SUCCESS || is_broken(code) ? code : LDAP_CONNECT_ERROR;
}

static int bind_once(struct ldap_link *link, const char *dn, struct bytes password,
                     uint64_t deadline_ns)
{
    int id = 0;
    LDAPMessage *answer = NULL;
    struct berval secret = {.bv_val = (char *)(uintptr_t)password.ptr, .bv_len = password.len};
    limit(link, left_ns(deadline_ns) / 2);
    int code = ldap_sasl_bind(link->ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &id);
    if (code == LDAP_SUCCESS)
        code = wait_for(link, id, deadline_ns, &answer);
    return code == LDAP_SUCCESS ? result_of(link, answer) : code;
}

static int open_and_bind(struct ldap_link *link, const char *dn, struct bytes password,
                         uint64_t deadline_ns)
{
    const char *url = link->servers->urls->list[link->at];
    int code = ldap_initialize(&link->ld, url);
    if (code == LDAP_SUCCESS)
        code = set_options(link);
    if (code == LDAP_SUCCESS && link->servers->starttls && is_plain(url)) {
        limit(link, left_ns(deadline_ns) / 2);
        code = start_tls(link, deadline_ns);
    }
    return code == LDAP_SUCCESS ? bind_once(link, dn, password, deadline_ns) : code;
}

/* ---- calls ---- */

/* Whether the server's answer means that this was not the password: RFC 4513 section 5.1.3, and
 * what servers say of entries that have none, or are locked. */
static bool is_wrong(int code)
{
    return code == LDAP_INVALID_CREDENTIALS || code == LDAP_INAPPROPRIATE_AUTH ||
           code == LDAP_NO_SUCH_OBJECT || code == LDAP_UNWILLING_TO_PERFORM ||
           code == LDAP_CONSTRAINT_VIOLATION || code == LDAP_INSUFFICIENT_ACCESS;
}

enum ferry_error ldap_link_bind(struct ldap_link *link, const char *dn, struct bytes password,
                                uint64_t deadline_ns, bool *right, struct fault *fault)
{
    size_t tries = link->servers->urls->count;
    int code = LDAP_SERVER_DOWN;
    *right = false;
    if (dn[0] && password.len == 0)
        return FERRY_OK;
    if (link->ld) {
        uint64_t share_ns = left_ns(deadline_ns) / (tries + 1);
        code = bind_once(link, dn, password, deadline_ns - share_ns * tries);
    }
    for (; is_broken(code) && tries > 0; tries--) {
        if (link->ld) {
            (void)say(link, code, fault);
            ldap_link_fini(link);
            link->at = (link->at + 1) % link->servers->urls->count;
        }
        uint64_t share_ns = left_ns(deadline_ns) / tries;
        code = open_and_bind(link, dn, password, deadline_ns - share_ns * (tries - 1));
    }
    *right = code == LDAP_SUCCESS;
    if (code == LDAP_SUCCESS || is_wrong(code)) {
        if (fault)
            fault_clear(fault);
        return FERRY_OK;
    }
    enum ferry_error error = say(link, code, fault);
    ldap_link_fini(link);
    link->at = (link->at + 1) % link->servers->urls->count;
    return error;
}

enum ferry_error ldap_link_search(struct ldap_link *link, const struct ldap_question *question,
                                  uint64_t deadline_ns, LDAPMessage **out, struct fault *fault)
{
    int id = 0;
    *out = NULL;
    if (!link->ld)
        return FERRY_OK;
    struct timeval time = timeval_of(left_ns(deadline_ns));
    int code = ldap_search_ext(link->ld, question->base, question->scope, question->filter,
                               question->attributes, 0, NULL, NULL, &time, question->most + 1, &id);
    if (code == LDAP_SUCCESS)
        code = wait_for(link, id, deadline_ns, out);
    if (code == LDAP_SUCCESS &&
        ldap_parse_result(link->ld, *out, &code, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
        code = LDAP_DECODING_ERROR;
    bool too_many = code == LDAP_SIZELIMIT_EXCEEDED ||
                    (code == LDAP_SUCCESS && ldap_count_entries(link->ld, *out) > question->most);
    if (code == LDAP_SUCCESS && !too_many)
        return FERRY_OK;
    ldap_msgfree(*out);
    *out = NULL;
    if (too_many)
        return fault_set(fault, FERRY_E_ARGUMENT, "%s finds more than one entry", question->filter);
    enum ferry_error error = say(link, code, fault);
    if (!is_broken(code))
        return error;
    ldap_link_fini(link);
    return error == FERRY_E_MEMORY ? error : FERRY_OK;
}
