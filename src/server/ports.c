/* PASV, CPSV, EPSV, PORT, EPRT: where the next data connection is to be. */
#include "server/ports.h"

#include "ftp/hostport.h"
#include "server/host.h"
#include "server/kept.h"
#include "server/reach.h"
#include "server/transfer.h"

static void ports_setup(struct server_session *session, struct server_data_setup *setup)
{
    struct server_shared *shared = session->shared;
    *setup = (struct server_data_setup){
        .loop = shared->loop,
        .rules = session->rules,
        .master = shared->settings.master,
        .linger = &shared->linger,
        .security = server_pi_security(session->pi),
        .binding = session->binding,
        .host = server_host_chosen(session),
        .servers = session->rules->dialect.fxp,
        .may_be_tls_client = server_pi_is_tls_client(session->pi),
        .peer = &session->peer,
        .local = &session->local,
        .events = &server_transfer_data_events,
        .ctx = session,
    };
}

void server_ports_forget(struct server_session *session)
{
    server_data_free(session->data);
    session->data = NULL;
    server_kept_free(session->kept);
    session->kept = NULL;
}

static bool ports_keep(const struct server_session *session)
{
    return server_kept_is_open(session->kept) && !server_kept_is_begun(session->kept);
}

void server_ports_transfer_over(struct server_session *session)
{
    if (!ports_keep(session))
        server_ports_forget(session);
}

void server_ports_review(struct server_session *session)
{
    if (!ports_keep(session))
        return;
    bool sealed = server_pi_security(session->pi)->level == PROTECTION_PRIVATE;
    if (server_pi_mode(session->pi) != TRANSFER_MODE_B ||
        server_kept_is_sealed(session->kept) != sealed)
        server_ports_forget(session);
}

/* Every one of these commands ends what an earlier one began (FTP-24). The ticket goes out with the
 * reply: logins that share one TLS session cache (curl -Z) take it from each other. */
static void ports_renew(struct server_session *session)
{
    server_ports_forget(session);
    server_session_refill(session);
}

/* RFC 959 section 4.1.3: with the transfer over, the data connection is closed if it is open. */
void server_ports_abor(struct server_session *session, const struct server_action *action)
{
    (void)action;
    server_ports_forget(session);
    server_pi_reply(session->pi, 226, "No transfer to abort.");
}

/* ---- passive ---- */

/* Many clients do not use what 227 tells, so it is worth a word once. */
static void ports_warn(struct server_session *session, const struct address *told)
{
    char text[ADDRESS_TEXT_BYTES];
    if (session->told_in_vain || !server_reach_in_vain(told, &session->peer))
        return;
    session->told_in_vain = true;
    address_text(told, text);
    server_event(session, LOG_LEVEL_NOTICE, "passive.unreachable", F_STR("address", text),
                 F_STR("reason", "PASV told a client from outside an address that it cannot reach"),
                 F_STR("side", "server"),
                 F_STR("advice", "set passive_address to the one that clients outside connect to"));
}

static void ports_reply_pasv(struct server_session *session, uint16_t port)
{
    const struct address *told =
        server_rules_passive_address(session->rules, &session->peer, &session->reached);
    struct hostport at = {0};
    int family = ADDRESS_NONE;
    if (told) {
        address_to_raw(told, &family, at.address, &at.port);
        ports_warn(session, told);
    }
    at.family = (enum address_family)family;
    at.port = port;

    struct buf text;
    buf_init(&text, 64);
    if (hostport_format_port(&text, &at) == FERRY_OK)
        server_pi_reply(session->pi, 227, "Entering Passive Mode (%.*s).",
                        BYTES_FMT(buf_view(&text)));
    else
        server_pi_reply(session->pi, 425, "No passive address is known, use EPSV.");
    buf_fini(&text);
}

void server_ports_passive(struct server_session *session, const struct server_action *action)
{
    ports_renew(session);
    struct server_data_setup setup;
    ports_setup(session, &setup);
    setup.servers = setup.servers && action->verb != VERB_EPSV;
    setup.may_be_tls_client = setup.may_be_tls_client || action->verb == VERB_CPSV;
    uint16_t port = 0;
    struct fault fault = {0};
    if (server_data_listen(&setup, &port, &session->data, &fault) != FERRY_OK) {
        server_event(session, LOG_LEVEL_ERROR, "data.no-port", F_VISIBLE("reason", fault.what),
                     F_STR("side", "server"), F_STR("advice", "widen passive_ports"));
        server_pi_reply(session->pi, 425, "No passive port is free.");
        return;
    }
    if (action->verb != VERB_EPSV)
        ports_reply_pasv(session, port);
    else
        server_pi_reply(session->pi, 229, "Entering Extended Passive Mode (|||%u|)",
                        (unsigned)port);
}

/* ---- active ---- */

void server_ports_active(struct server_session *session, const struct server_action *action)
{
    ports_renew(session);
    if (!session->rules->active_allowed) {
        server_pi_reply(session->pi, 502, "Active mode is off here, use EPSV or PASV.");
        return;
    }
    struct address to;
    address_from_raw((int)action->address.family, action->address.address, action->address.port,
                     &to);
    bool foreign = !address_same_host(&to, &session->peer);
    if (foreign && !server_data_knows(session->rules, &to)) { /* FTP-49, TLS-169 */
        server_pi_reply(session->pi, 504,
                        "Not to another address than the control connection's, nor to a server "
                        "that is known.");
        return;
    }
    struct server_data_setup setup;
    ports_setup(session, &setup);
    if (server_data_active(&setup, &to, &session->data) != FERRY_OK) {
        server_pi_reply(session->pi, 451, "Memory is short, try again later.");
        return;
    }
    server_pi_reply(session->pi, 200, "%s accepted.", verb_row(action->verb)->name);
}
