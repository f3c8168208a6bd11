/* The server-PI's reasons to refuse a command, in the order of FTP-20. */
#include "ftp/server_pi_private.h"

#include "base/text.h"

static const struct pi_refusal no_refusal = {0, NULL};

/* After CCC what was sealed is in clear with the policy's consent. */
static bool is_plain(const struct server_pi *pi)
{
    return pi->security.state == SECURITY_PLAIN;
}

bool server_pi_is_offered(const struct server_pi *pi, enum verb verb)
{
    static const struct {
        enum verb verb;
        enum server_extra extra;
    } extras[] = {
        {VERB_RMDA, SERVER_EXTRA_RMDA},
        {VERB_COMB, SERVER_EXTRA_COMB},
        {VERB_PRET, SERVER_EXTRA_PRET},
    };
    for (size_t i = 0; i < ARRAY_LEN(extras); i++) {
        if (extras[i].verb == verb)
            return server_pi_has_extra(pi, extras[i].extra);
    }
    if (verb == VERB_AUTH || verb == VERB_HOST) /* a host is what has a certificate */
        return pi->settings.tls_available;
    if (verb == VERB_SSCN || verb == VERB_CPSV) /* TLS-169 */
        return pi->settings.dialect.fxp;
    return !(verb_row(verb)->allowed & ALLOWED_OFF);
}

static struct pi_refusal check_offered(const struct server_pi *pi, const struct pi_request *request)
{
    enum verb verb = request->command.verb;
    if (!server_pi_is_offered(pi, verb))
        return (struct pi_refusal){502, "Command not implemented."};
    if (verb == VERB_REIN && pi->settings.implicit) /* there is no AUTH to come back by (TLS-7) */
        return (struct pi_refusal){502, "Not available on a port for implicit TLS."};
    return no_refusal;
}

static struct pi_refusal check_policy(const struct server_pi *pi, const struct pi_request *request)
{
    if (!pi->settings.tls_required || !is_plain(pi))
        return no_refusal;
    unsigned allowed = verb_row(request->command.verb)->allowed;
    if (allowed & ALLOWED_LOGIN)
        return (struct pi_refusal){530, "TLS is required: send AUTH TLS before logging in."};
    if (allowed & ALLOWED_LOGGED_IN)
        return (struct pi_refusal){534, "TLS is required: send AUTH TLS first."};
    return no_refusal;
}

static struct pi_refusal check_state(const struct server_pi *pi, const struct pi_request *request)
{
    enum verb verb = request->command.verb;
    unsigned allowed = verb_row(verb)->allowed;
    bool logged_in = pi->login == PI_LOGIN_DONE;
    if ((allowed & ALLOWED_SEALED) && pi->security.state == SECURITY_CLEARED) /* TLS-156 */
        return (struct pi_refusal){503, "Not after CCC."};
    if ((allowed & ALLOWED_SEALED) && is_plain(pi))
        return (struct pi_refusal){503, "Only under TLS: send AUTH TLS first."};
    if ((allowed & ALLOWED_LOGGED_IN) && !logged_in)
        return (struct pi_refusal){530, "Not logged in."};
    if (verb == VERB_STAT && !logged_in && request->command.argument.len > 0)
        return (struct pi_refusal){530, "Not logged in."};
    if (verb == VERB_USER && logged_in)
        return (struct pi_refusal){530, "Already logged in."};
    if (verb == VERB_HOST && logged_in)
        return (struct pi_refusal){503, "Not after logging in."};
    if (verb == VERB_PASS && pi->login != PI_LOGIN_USER && !pi->pass_spare)
        return (struct pi_refusal){503, "Send USER first."};
    if (verb == VERB_RNTO && buf_len(&pi->rename_from) == 0)
        return (struct pi_refusal){503, "Send RNFR first."};
    return no_refusal;
}

static struct pi_refusal check_argument(const struct server_pi *pi,
                                        const struct pi_request *request)
{
    (void)pi;
    if (request->error != FERRY_OK)
        return (struct pi_refusal){501, "Syntax error in the argument."};
    return no_refusal;
}

static struct pi_refusal check_data(const struct server_pi *pi, const struct pi_request *request)
{
    enum verb verb = request->command.verb;
    if (!(verb_row(verb)->allowed & ALLOWED_DATA))
        return no_refusal;
    if (pi->security.level != PROTECTION_PRIVATE && server_pi_needs_private(pi, verb))
        return (struct pi_refusal){pi->settings.dialect.data_refused_521 ? 521 : 522,
                                   "Data connections must be protected: send PBSZ 0, PROT P."};
    const struct pi_range *range = &request->range;
    if ((range->offset > 0 || range->ends) && pi->type == REPRESENTATION_ASCII)
        return (struct pi_refusal){555, "Restart only in TYPE I."};
    if (range->ends && (verb == VERB_APPE || verb == VERB_STOU)) /* FTP-95 */
        return (struct pi_refusal){550, "Not with RANG."};
    if (range->ends && verb == VERB_STOR && pi->mode != TRANSFER_MODE_STREAM)
        return (struct pi_refusal){504, "RANG and STOR only in MODE S."};
    return no_refusal;
}

struct pi_refusal server_pi_check(const struct server_pi *pi, const struct pi_request *request)
{
    typedef struct pi_refusal check_fn(const struct server_pi *, const struct pi_request *);
    static check_fn *const checks[] = {
        check_offered, check_policy, check_state, check_argument, check_data,
    };
    struct pi_refusal refusal = no_refusal;
    for (size_t i = 0; i < ARRAY_LEN(checks) && refusal.code == 0; i++)
        refusal = checks[i](pi, request);
    return refusal;
}

bool server_pi_is_foreign(struct bytes line)
{
    static const char *const beginnings[] = {
        "GET ",     "POST ", "HEAD ", "PUT ", "OPTIONS ",
        "CONNECT ", "Host:", "EHLO",  "HELO", "MAIL FROM",
    };
    for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
        struct bytes beginning = bytes_str(beginnings[i]);
        if (text_same(bytes_first(line, beginning.len), beginning))
            return true;
    }
    struct bytes version = BYTES_LIT("HTTP/1.");
    for (; line.len >= version.len; line = bytes_skip(line, 1)) {
        if (text_same(bytes_first(line, version.len), version))
            return true;
    }
    return false;
}
