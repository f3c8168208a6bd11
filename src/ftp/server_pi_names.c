/* The server-PI's paths, and the charset that they come and go in. */
#include "ftp/server_pi_private.h"

#include "base/utf8.h"
#include "ftp/path.h"

void server_pi_set_charset(struct server_pi *pi, struct charset *charset)
{
    pi->charset = charset;
}

struct charset *server_pi_names_charset(const struct server_pi *pi)
{
    return pi->names == PI_NAMES_CHARSET ? pi->charset : NULL;
}

void server_pi_drop_paths(struct server_pi *pi)
{
    buf_fini(&pi->path);
    buf_fini(&pi->as_sent);
    buf_fini(&pi->others);
}

/* --- in --- */

/* Makes `out` what `argument` means in the working directory, and a NUL. */
static enum ferry_error resolve_to(const struct server_pi *pi, struct bytes argument,
                                   struct buf *out)
{
    enum ferry_error error = path_resolve(out, server_pi_text(&pi->cwd), argument);
    return error == FERRY_OK ? buf_append(out, bytes_of("", 1)) : error;
}

/* For bytes that are no UTF-8: both paths that they may mean. */
static enum ferry_error resolve_charset(struct server_pi *pi, struct bytes argument)
{
    CLEANUP(buf_fini) struct buf decoded;
    buf_init(&decoded, pi->reader.max_bytes);
    enum ferry_error error = resolve_to(pi, argument, &pi->as_sent);
    if (error == FERRY_OK)
        error = charset_decode(pi->charset, argument, &decoded);
    if (error == FERRY_E_ARGUMENT) /* it is no name of the charset's */
        return FERRY_OK;
    if (error == FERRY_OK)
        error = resolve_to(pi, buf_view(&decoded), &pi->path);
    if (error == FERRY_OK && pi->names == PI_NAMES_UNKNOWN)
        pi->names = PI_NAMES_CHARSET;
    return error;
}

/* SEC-35: a name that is to be given, and that no file can have, is the name's fault (553). */
static struct pi_refusal too_long(enum verb verb)
{
    bool gives_name =
        verb == VERB_STOR || verb == VERB_APPE || verb == VERB_STOU || verb == VERB_RNTO;
    return (struct pi_refusal){gives_name ? 553 : 501, "Path name too long."};
}

struct pi_refusal server_pi_resolve(struct server_pi *pi, struct server_action *action,
                                    struct bytes argument)
{
    static const struct pi_refusal no_refusal = {0, NULL};
    action->has_path = argument.len > 0;
    if (!action->has_path) {
        action->path = server_pi_text(&pi->cwd);
        return no_refusal;
    }
    bool foreign = pi->charset && !utf8_valid(argument);
    enum ferry_error error =
        foreign ? resolve_charset(pi, argument) : resolve_to(pi, argument, &pi->path);
    if (error == FERRY_E_MEMORY)
        server_pi_fail(pi, error, "no memory for a path");
    if (error != FERRY_OK)
        return too_long(action->verb);
    action->path = server_pi_text(&pi->path);
    action->path_as_sent = server_pi_text(&pi->as_sent);
    return no_refusal;
}

void server_pi_take_as_sent(struct server_pi *pi, struct server_action *action)
{
    struct buf meant = pi->path;
    pi->path = pi->as_sent;
    pi->as_sent = meant;
    action->path = server_pi_text(&pi->path);
}

/* --- out --- */

enum ferry_error server_pi_to_client(const struct server_pi *pi, struct bytes *text,
                                     struct buf *buf)
{
    struct charset *charset = server_pi_names_charset(pi);
    if (!charset)
        return FERRY_OK;
    enum ferry_error error = charset_encode(charset, *text, buf);
    *text = buf_view(buf);
    return error;
}
