/* What a user sees with -v. */
#include "client/remark.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum { LINE_BYTES = 4096 };

void client_remark_dialogue(void *session, char direction, struct bytes line)
{
    const struct client_options *options = ((struct client_session *)session)->options;
    char visible[LINE_BYTES];
    text_visible_into(visible, sizeof(visible), line);
    options->trace(options->trace_ctx, direction, visible);
}

void client_remark(struct client_session *session, char direction, const char *format, ...)
{
    if (!session->options->trace)
        return;
    char text[LINE_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len >= 0)
        client_remark_dialogue(session, direction, bytes_str(text));
}

void client_remark_tls(struct client_session *session, const char *which,
                       const struct tls_facts *facts)
{
    client_remark(session, '#', "%s: %s, %s, %s%s%s", which, facts->version_name, facts->cipher,
                  facts->resumed ? "resumed" : "not resumed", facts->alpn[0] ? ", ALPN " : "",
                  facts->alpn);
    if (!facts->resumed)
        client_remark(session, '#', "%s: certificate of %s, key %s", which, facts->peer_subject,
                      facts->peer_spki_pin);
}
