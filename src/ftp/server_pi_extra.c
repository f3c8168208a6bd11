/* The server-PI's commands of several paths, SITE, and what is offered on wish. */
#include "base/clock.h"
#include "ftp/feature.h"
#include "ftp/path.h"
#include "ftp/reply.h"
#include "ftp/server_pi_private.h"
#include "ftp/words.h"

static const struct pi_refusal no_refusal = {0, NULL};
static const struct pi_refusal bad_argument = {501, "Syntax error in the argument."};

bool server_pi_has_extra(const struct server_pi *pi, enum server_extra extra)
{
    return pi->settings.extras & extra;
}

bool server_pi_has_site(const struct server_pi *pi, enum site_deed deed)
{
    switch (deed) {
    case SITE_SYMLINK:
        return server_pi_has_extra(pi, SERVER_EXTRA_SYMLINK);
    case SITE_CPFR:
    case SITE_CPTO:
        return server_pi_has_extra(pi, SERVER_EXTRA_COPY);
    case SITE_HELP:
    case SITE_IDLE:
    case SITE_CHMOD:
    case SITE_UTIME:
        return true;
    }
    return false;
}

uint64_t server_pi_extra_features(const struct server_pi *pi)
{
    static const struct {
        enum server_extra extra;
        uint64_t feature;
    } rows[] = {
        {SERVER_EXTRA_RMDA, FEATURE_RMDA},      {SERVER_EXTRA_COMB, FEATURE_COMB},
        {SERVER_EXTRA_PRET, FEATURE_PRET},      {SERVER_EXTRA_SYMLINK, FEATURE_SITE_SYMLINK},
        {SERVER_EXTRA_COPY, FEATURE_SITE_COPY},
    };
    uint64_t features = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        features |= server_pi_has_extra(pi, rows[i].extra) ? rows[i].feature : 0;
    return features;
}

/* ---- other paths ---- */

/* Adds what `argument` means to the action's other paths. */
static struct pi_refusal add_other(struct server_pi *pi, struct server_action *action,
                                   struct bytes argument)
{
    enum ferry_error error = path_resolve(&pi->others, server_pi_text(&pi->cwd), argument);
    if (error == FERRY_OK)
        error = buf_append(&pi->others, bytes_of("", 1));
    if (error == FERRY_E_MEMORY)
        server_pi_fail(pi, error, "no memory for a path");
    if (error != FERRY_OK)
        return (struct pi_refusal){501, "Path name too long."};
    action->others = buf_view(&pi->others);
    return no_refusal;
}

/* The next word of an argument as another path. */
static struct pi_refusal add_word(struct server_pi *pi, struct server_action *action,
                                  struct bytes *rest)
{
    CLEANUP(buf_fini) struct buf word;
    buf_init(&word, PATH_MAX_BYTES);
    return words_next(rest, &word) == FERRY_OK ? add_other(pi, action, buf_view(&word))
                                               : bad_argument;
}

/* The next word of an argument as the path. */
static struct pi_refusal resolve_word(struct server_pi *pi, struct server_action *action,
                                      struct bytes *rest)
{
    CLEANUP(buf_fini) struct buf word;
    buf_init(&word, PATH_MAX_BYTES);
    return words_next(rest, &word) == FERRY_OK ? server_pi_resolve(pi, action, buf_view(&word))
                                               : bad_argument;
}

/* ---- commands ---- */

/* The target, then what it is made of. */
struct pi_refusal server_pi_fill_comb(struct server_pi *pi, struct server_action *action)
{
    struct bytes rest = action->argument;
    struct pi_refusal refusal = resolve_word(pi, action, &rest);
    if (refusal.code == 0 && rest.len == 0)
        refusal = bad_argument;
    while (refusal.code == 0 && rest.len > 0)
        refusal = add_word(pi, action, &rest);
    return refusal;
}

/* The whole argument is a name; if there is none such, a time and a name (FTP-75). */
struct pi_refusal server_pi_fill_mdtm(struct server_pi *pi, struct server_action *action)
{
    struct bytes path;
    struct timeval_utc time;
    struct pi_refusal refusal = no_refusal;
    if (server_pi_has_extra(pi, SERVER_EXTRA_MDTM_SET) &&
        facts_parse_mfmt(action->argument, &time, &path) == FERRY_OK) {
        action->time = time;
        refusal = add_other(pi, action, path);
    }
    return refusal.code == 0 ? server_pi_resolve(pi, action, action->argument) : refusal;
}

/* A transfer's command, refused as that would be, but for what becomes known only then. */
struct pi_refusal server_pi_fill_pret(struct server_pi *pi, struct server_action *action)
{
    struct pi_request request = {0};
    request.error = command_parse(action->argument, &request.command);
    enum verb verb = request.command.verb;
    if (verb == VERB_NONE || !(verb_row(verb)->allowed & ALLOWED_DATA))
        return (struct pi_refusal){504, "Not a transfer."};
    struct pi_refusal refusal = server_pi_check(pi, &request);
    if (refusal.code != 0)
        return refusal;
    action->announced = verb;
    struct bytes path = request.command.argument;
    while ((verb == VERB_LIST || verb == VERB_NLST) && bytes_starts(path, BYTES_LIT("-")))
        (void)bytes_cut(&path, ' ');
    return server_pi_resolve(pi, action, path);
}

static struct pi_refusal fill_symlink(struct server_pi *pi, struct server_action *action,
                                      struct bytes rest)
{
    struct pi_refusal refusal = add_word(pi, action, &rest);
    if (refusal.code == 0)
        refusal = resolve_word(pi, action, &rest);
    return refusal.code == 0 && rest.len > 0 ? bad_argument : refusal;
}

static struct pi_refusal fill_copy_to(struct server_pi *pi, struct server_action *action,
                                      struct bytes path)
{
    if (buf_len(&pi->copy_from) == 0)
        return (struct pi_refusal){503, "Send SITE CPFR first."};
    struct pi_refusal refusal = add_other(pi, action, server_pi_text(&pi->copy_from));
    return refusal.code == 0 ? server_pi_resolve(pi, action, path) : refusal;
}

struct pi_refusal server_pi_fill_site(struct server_pi *pi, struct server_action *action)
{
    struct site site;
    if (site_parse(action->argument, &site) != FERRY_OK)
        return bad_argument;
    action->change = site.change;
    action->site = site.deed;
    if (site.deed == SITE_SYMLINK)
        return fill_symlink(pi, action, site.path);
    if (site.deed == SITE_CPTO)
        return fill_copy_to(pi, action, site.path);
    return server_pi_resolve(pi, action, site.path);
}

/* ---- SITE, what the PI answers itself ---- */

static void set_idle(struct server_pi *pi, uint64_t seconds)
{
    uint64_t most = pi->settings.idle_timeout_ns / CLOCK_NS_PER_S;
    if (seconds > most) {
        server_pi_say(pi, 501, "At most %llu seconds.", (unsigned long long)most);
        return;
    }
    if (seconds > 0)
        pi->idle_timeout_ns = seconds * CLOCK_NS_PER_S;
    server_pi_say(pi, 200, "Idle time is %llu seconds, at most %llu.",
                  (unsigned long long)(pi->idle_timeout_ns / CLOCK_NS_PER_S),
                  (unsigned long long)most);
}

/* The deeds that are offered, some on wish. */
void server_pi_site_help(struct server_pi *pi)
{
    server_pi_say(pi, 214,
                  "SITE CHMOD mode path, SITE UTIME YYYYMMDDhhmm[ss] path, %s%sSITE IDLE "
                  "[seconds], SITE HELP",
                  server_pi_has_site(pi, SITE_CPFR) ? "SITE CPFR path, SITE CPTO path, " : "",
                  server_pi_has_site(pi, SITE_SYMLINK) ? "SITE SYMLINK target link, " : "");
}

/* What concerns files is the owner's to do. */
bool server_pi_answer_site(struct server_pi *pi, struct bytes argument)
{
    struct site site = {0};
    enum ferry_error error = site_parse(argument, &site);
    if (error != FERRY_OK || site.deed != SITE_CPTO)
        buf_fini(&pi->copy_from);
    if (error == FERRY_E_UNSUPPORTED || !server_pi_has_site(pi, site.deed))
        server_pi_say(pi, 504, "Unknown SITE command, see SITE HELP.");
    else if (error != FERRY_OK)
        server_pi_say(pi, 501, "%s", reply_stock_text(501));
    else if (site.deed == SITE_HELP)
        server_pi_site_help(pi);
    else if (site.deed == SITE_IDLE)
        set_idle(pi, site.seconds);
    else
        return false;
    return true;
}
