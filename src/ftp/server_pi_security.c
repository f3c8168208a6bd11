/* The server-PI's AUTH, PBSZ, PROT, CCC, SSCN and what else RFC 2228 has (tls.md section 3). */
#include "ftp/server_pi_private.h"

#include "base/text.h"
#include "ftp/reply.h"

/* ---- which transfers are protected ---- */

static bool is_required(const struct server_pi *pi, bool upload)
{
    switch (pi->settings.dialect.data_tls) {
    case DATA_TLS_DEFAULT:
        return pi->settings.tls_required;
    case DATA_TLS_ALLOW:
    case DATA_TLS_OFF:
        return false;
    case DATA_TLS_REQUIRE:
        return true;
    case DATA_TLS_UPLOADS:
        return upload;
    case DATA_TLS_DOWNLOADS:
        return !upload;
    }
    return true;
}

bool server_pi_needs_private(const struct server_pi *pi, enum verb verb)
{
    return is_required(pi, verb == VERB_STOR || verb == VERB_STOU || verb == VERB_APPE);
}

bool server_pi_never_clear(const struct server_pi *pi)
{
    return is_required(pi, true) && is_required(pi, false);
}

/* ---- AUTH ---- */

void server_pi_turn_implicit(struct server_pi *pi)
{
    if (pi->phase != PI_PHASE_SILENT)
        return;
    pi->settings.implicit = true;
    security_init(&pi->security, true);
}

static void accept_auth(struct server_pi *pi, enum auth_mechanism mechanism)
{
    bool odd = mechanism == AUTH_SSL && pi->settings.dialect.auth_ssl_334;
    server_pi_say(pi, odd ? 334 : 234, "AUTH %s accepted, begin the handshake.",
                  auth_mechanism_name(mechanism));
    security_auth(&pi->security, mechanism);
    pi->phase = PI_PHASE_START_TLS;
}

bool server_pi_answer_auth(struct server_pi *pi, struct bytes argument)
{
    enum auth_mechanism mechanism = auth_mechanism_find(argument);
    bool legacy = mechanism == AUTH_SSL || mechanism == AUTH_TLS_P;
    if (mechanism == AUTH_UNKNOWN) {
        server_pi_say(pi, 504, "Unknown mechanism, use TLS.");
    } else if (pi->security.state == SECURITY_CLEARED) {
        server_pi_say(pi, 534, "Not after CCC.");
    } else if (pi->security.state != SECURITY_PLAIN) {
        server_pi_say(pi, 534, "The connection is protected already.");
    } else if (legacy && !pi->settings.auth_legacy_words) {
        server_pi_say(pi, 534, "This mechanism is not allowed here, use TLS.");
    } else if (pi->login == PI_LOGIN_DONE) {
        server_pi_say(pi, 534, "Not after logging in.");
    } else if (server_pi_unread(pi) > 0) { /* TLS-130: none of it may be run, now or after */
        server_pi_say(pi, 503, "Nothing may follow AUTH before the handshake.");
        server_pi_fail(pi, FERRY_E_INJECTION, "the client sent more behind AUTH");
    } else {
        accept_auth(pi, mechanism);
    }
    return true;
}

bool server_pi_answer_adat(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 503, "No mechanism here uses ADAT.");
    return true;
}

bool server_pi_answer_protected(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    int code = pi->security.state == SECURITY_PLAIN ? 503 : 537;
    server_pi_say(pi, code, "%s", reply_stock_text(code));
    return true;
}

/* ---- PBSZ, PROT ---- */

bool server_pi_answer_pbsz(struct server_pi *pi, struct bytes argument)
{
    uint64_t size;
    if (!text_u64(argument, UINT32_MAX, &size)) {
        server_pi_say(pi, 501, "Not a size.");
        return true;
    }
    pi->security.pbsz_done = true;
    server_pi_say(pi, 200, "PBSZ=0");
    return true;
}

/* A level that is refused, in words; NULL: it is not. */
static const char *level_refusal(const struct server_pi *pi, enum protection level)
{
    if (level == PROTECTION_CLEAR && server_pi_never_clear(pi))
        return "Data connections must be protected, use P.";
    if (level == PROTECTION_PRIVATE && pi->settings.dialect.data_tls == DATA_TLS_OFF)
        return "Data connections are not protected here, use C.";
    return NULL;
}

static void set_level(struct server_pi *pi, enum protection level)
{
    const char *refusal = level_refusal(pi, level);
    if (refusal) {
        server_pi_say(pi, 534, "%s", refusal);
        return;
    }
    pi->security.level = level;
    server_pi_say(pi, 200, "Protection level set to %c.", (int)level);
}

bool server_pi_answer_prot(struct server_pi *pi, struct bytes argument)
{
    static const struct {
        const char *name;
        enum protection level; /* 0: known, and no level of TLS */
    } levels[] = {{"C", PROTECTION_CLEAR}, {"P", PROTECTION_PRIVATE}, {"S", 0}, {"E", 0}};
    if (!pi->security.pbsz_done && !pi->settings.dialect.prot_before_pbsz) {
        server_pi_say(pi, 503, "Send PBSZ 0 first.");
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (!text_same(argument, bytes_str(levels[i].name)))
            continue;
        if (levels[i].level)
            set_level(pi, levels[i].level);
        else
            server_pi_say(pi, 536, "%s", reply_stock_text(536));
        return true;
    }
    server_pi_say(pi, 504, "Unknown protection level, use P.");
    return true;
}

/* ---- CCC ---- */

/* Why not now, though CCC is on and the connection sealed; NULL: it may be. */
static const char *ccc_refusal(const struct server_pi *pi)
{
    if (!pi->settings.dialect.ccc)
        return "CCC is not allowed here.";
    if (pi->login != PI_LOGIN_DONE)
        return "Log in first.";
    if (server_pi_never_clear(pi) && pi->security.level != PROTECTION_PRIVATE)
        return "Send PBSZ 0 and PROT P first: the level cannot be changed after CCC.";
    return NULL;
}

bool server_pi_answer_ccc(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    const char *refusal = ccc_refusal(pi);
    if (pi->security.state != SECURITY_SEALED) {
        server_pi_say(pi, 533, "There is nothing to clear.");
    } else if (refusal) {
        server_pi_say(pi, 534, "%s", refusal);
    } else if (server_pi_unread(pi) > 0) { /* SEC-10: it would be run as if it had been sealed */
        server_pi_say(pi, 503, "Nothing may follow CCC before its reply.");
        server_pi_fail(pi, FERRY_E_INJECTION, "the client sent more behind CCC");
    } else {
        server_pi_say(pi, 200, "The control connection goes on in clear.");
        security_clear(&pi->security);
        pi->phase = PI_PHASE_STOP_TLS;
    }
    return true;
}

/* ---- SSCN ---- */

/* TLS-165: who is TLS client on the data connections of files. */
bool server_pi_answer_sscn(struct server_pi *pi, struct bytes argument)
{
    bool on = text_same(argument, BYTES_LIT("ON"));
    if (argument.len > 0 && !on && !text_same(argument, BYTES_LIT("OFF"))) {
        server_pi_say(pi, 501, "Only ON or OFF.");
        return true;
    }
    if (argument.len > 0)
        pi->sscn = on;
    server_pi_say(pi, 200, "SSCN:%s METHOD", pi->sscn ? "CLIENT" : "SERVER");
    return true;
}

bool server_pi_is_tls_client(const struct server_pi *pi)
{
    return pi->sscn || pi->cpsv;
}
