/* HOST: which of the hosts behind the listener the client wants. */
#include "server/host.h"

#include "base/alloc.h"
#include "base/text.h"
#include "tls/engine.h"

static const struct tls_facts *facts_of(const struct server_session *session)
{
    return stream_is_sealed(session->stream) ? tls_engine_facts(stream_tls(session->stream)) : NULL;
}

const char *server_host_chosen(const struct server_session *session)
{
    return session->host ? session->host : "";
}

void server_host_forget(struct server_session *session)
{
    alloc_free(session->host);
    session->host = NULL;
}

static enum ferry_error set_host(struct server_session *session, const char *name)
{
    char *host = alloc_str(name);
    if (!host)
        return FERRY_E_MEMORY;
    server_host_forget(session);
    session->host = host;
    return FERRY_OK;
}

enum ferry_error server_host_sealed(struct server_session *session, const char *name)
{
    bool chosen = session->host != NULL;
    if (chosen && !text_same(bytes_str(session->host), bytes_str(name)))
        return FERRY_E_STATE;
    return chosen ? FERRY_OK : set_host(session, name);
}

/* Under TLS the client has said by SNI whom it wants: HOST may not say otherwise (TLS-141). */
static bool is_as_sni(const struct tls_facts *facts, struct bytes name)
{
    struct bytes sni = bytes_str(facts->server_name);
    if (sni.len > 0 && sni.ptr[sni.len - 1] == '.')
        sni.len--;
    return sni.len == 0 || text_same(sni, name);
}

/* The host of that name as facts.host would tell it: "" for the default host if it has no name of
 * its own, but a certificate that is for this one. NULL: it is none of ours. */
static const char *find(const struct server_session *session, const char *name)
{
    const struct server_rules *rules = session->rules;
    const char *found = rules->hosts ? tls_hosts_find(rules->hosts, bytes_str(name)) : NULL;
    if (!found && tls_context_is_for(rules->tls, name))
        found = rules->hosts ? tls_hosts_default(rules->hosts) : "";
    return found;
}

/* FERRY_E_NOT_FOUND: another host than ours, or than the one whose TLS this is (TLS-143). */
static enum ferry_error choose(struct server_session *session, const char *name)
{
    const struct tls_facts *facts = facts_of(session);
    const char *found = find(session, name);
    if (!found)
        return FERRY_E_NOT_FOUND;
    if (facts)
        return is_as_sni(facts, bytes_str(name)) &&
                       text_same(bytes_str(facts->host), bytes_str(found))
                   ? FERRY_OK
                   : FERRY_E_NOT_FOUND;
    return set_host(session, found);
}

void server_host(struct server_session *session, const struct server_action *action)
{
    char *name = alloc_bytes(action->argument);
    enum ferry_error error = name ? choose(session, name) : FERRY_E_MEMORY;
    if (error == FERRY_E_MEMORY)
        server_pi_reply(session->pi, 451, "Memory is short, try again later.");
    else if (error == FERRY_OK)
        server_pi_reply(session->pi, 220, "This is %s.", name);
    else
        server_pi_reply(session->pi, 504, "Another host than that.");
    alloc_free(name);
}
