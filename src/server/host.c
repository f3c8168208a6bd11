/* HOST: the one host that this server is. */
#include "server/host.h"

#include "base/alloc.h"
#include "base/text.h"
#include "tls/engine.h"

/* Under TLS the client has said by SNI whom it wants: HOST may not say otherwise (TLS-141). */
static bool is_as_sni(const struct server_session *session, struct bytes name)
{
    if (!stream_is_sealed(session->stream))
        return true;
    struct bytes sni = bytes_str(tls_engine_facts(stream_tls(session->stream))->server_name);
    if (sni.len > 0 && sni.ptr[sni.len - 1] == '.')
        sni.len--;
    return sni.len == 0 || text_same(sni, name);
}

void server_host(struct server_session *session, const struct server_action *action)
{
    char *name = alloc_bytes(action->argument);
    if (!name)
        server_pi_reply(session->pi, 451, "Memory is short, try again later.");
    else if (tls_context_is_for(session->rules->tls, name) && is_as_sni(session, action->argument))
        server_pi_reply(session->pi, 220, "This is %s.", name);
    else
        server_pi_reply(session->pi, 504, "Another host than that.");
    alloc_free(name);
}
