/* The server-PI's FEAT and OPTS: what is offered, and what of it is chosen. */
#include "base/text.h"
#include "ftp/feature.h"
#include "ftp/mode_z.h"
#include "ftp/reply.h"
#include "ftp/server_pi_private.h"

static uint64_t offered_features(const struct server_pi *pi)
{
    uint64_t offered = FEATURE_UTF8 | FEATURE_TVFS | FEATURE_EPRT | FEATURE_EPSV | FEATURE_SIZE |
                       FEATURE_MDTM | FEATURE_MFMT | FEATURE_MLST | FEATURE_REST_STREAM |
                       FEATURE_RANG_STREAM | FEATURE_HASH | FEATURE_X_HASH | FEATURE_LANG |
                       FEATURE_MFF | FEATURE_AVBL | FEATURE_CLNT | FEATURE_CSID | FEATURE_SITE |
                       FEATURE_DSIZ;
    if (pi->settings.tls_available)
        offered |= FEATURE_PBSZ | FEATURE_PROT | FEATURE_HOST;
    if (pi->settings.tls_available && pi->security.state == SECURITY_PLAIN) {
        offered |= FEATURE_AUTH_TLS; /* under TLS there is no second AUTH (TLS-215) */
        offered |= pi->settings.auth_legacy_words ? FEATURE_AUTH_SSL : 0u;
    }
    if (pi->settings.local.family != ADDRESS_V6)
        offered |= FEATURE_PASV;
    if (pi->settings.dialect.ccc && pi->settings.tls_available)
        offered |= FEATURE_CCC;
    if (pi->settings.dialect.fxp && pi->settings.tls_available)
        offered |= FEATURE_SSCN | (pi->settings.local.family != ADDRESS_V6 ? FEATURE_CPSV : 0u);
    if (pi->settings.mode_z)
        offered |= FEATURE_MODE_Z;
    return offered | server_pi_extra_features(pi);
}

bool server_pi_answer_feat(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    struct buf facts, hashes;
    buf_init(&facts, 1024);
    buf_init(&hashes, 256);
    enum ferry_error error = facts_feature(&facts, FACTS_ALL, pi->mlst_facts);
    if (error == FERRY_OK)
        error = hash_feature(&hashes, pi->hash);
    if (error == FERRY_OK)
        error = reply_format_first(&pi->output, 211, BYTES_LIT("Features:"));
    struct feature_words words = {.mlst = buf_view(&facts), .hash = buf_view(&hashes)};
    if (error == FERRY_OK)
        error = feature_format(&pi->output, offered_features(pi), &words);
    if (error == FERRY_OK)
        error = reply_format(&pi->output, 211, REPLY_WORDS, BYTES_LIT("End"));
    buf_fini(&facts);
    buf_fini(&hashes);
    server_pi_written(pi, error);
    return true;
}

/* UTF-8 is always on (FTP-153), but where the account has a charset, too: then OFF asks for that.
 */
static void set_utf8(struct server_pi *pi, struct bytes value)
{
    bool on =
        value.len == 0 || text_same(value, BYTES_LIT("ON")) || text_same(value, BYTES_LIT("NLST"));
    if (on) {
        pi->names = PI_NAMES_UTF8;
        server_pi_say(pi, 200, "UTF-8 is always on.");
    } else if (pi->charset && text_same(value, BYTES_LIT("OFF"))) {
        pi->names = PI_NAMES_CHARSET;
        server_pi_say(pi, 200, "Names go in the account's own charset.");
    } else {
        server_pi_say(pi, 501, "UTF-8 is always on.");
    }
}

static void set_mlst(struct server_pi *pi, struct bytes value)
{
    if (facts_select(value, FACTS_ALL, &pi->mlst_facts) != FERRY_OK) {
        server_pi_say(pi, 501, "Not a list of facts.");
        return;
    }
    struct buf names;
    buf_init(&names, 1024);
    enum ferry_error error = facts_names(&names, pi->mlst_facts);
    const char *blank = pi->mlst_facts ? " " : "";
    if (error == FERRY_OK)
        server_pi_say(pi, 200, "MLST OPTS%s%.*s", blank, BYTES_FMT(buf_view(&names)));
    buf_fini(&names);
    server_pi_written(pi, error);
}

/* "Z", to be told the level, or "Z LEVEL n" (FTP-46). */
static void set_mode(struct server_pi *pi, struct bytes value)
{
    struct bytes mode = bytes_cut(&value, ' ');
    struct bytes key = bytes_cut(&value, ' ');
    uint64_t level = 0;
    bool levels = text_same(key, BYTES_LIT("LEVEL")) && text_u64(value, MODE_Z_LEVEL_MAX, &level);
    if (!pi->settings.mode_z || !text_same(mode, BYTES_LIT("Z")) || (key.len > 0 && !levels)) {
        server_pi_say(pi, 501, "No such option.");
        return;
    }
    if (levels)
        pi->mode_z_level = (int)level;
    server_pi_say(pi, 200, "MODE Z LEVEL %s%d", levels ? "set to " : "", pi->mode_z_level);
}

/* The algorithm of HASH, chosen or told (FTP-173). */
static void set_hash(struct server_pi *pi, struct bytes value)
{
    bool known = value.len == 0 || hash_find(value, &pi->hash);
    server_pi_say(pi, known ? 200 : 501, "%s", known ? hash_name(pi->hash) : "Unknown algorithm.");
}

bool server_pi_answer_opts(struct server_pi *pi, struct bytes argument)
{
    static const struct {
        const char *name;
        void (*set)(struct server_pi *pi, struct bytes value);
        bool logged_in; /* FTP-20 */
    } options[] = {
        {"UTF8", set_utf8, false}, {"UTF-8", set_utf8, false}, {"MLST", set_mlst, false},
        {"MODE", set_mode, true},  {"HASH", set_hash, true},
    };
    struct bytes name = bytes_cut(&argument, ' ');
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!text_same(name, bytes_str(options[i].name)))
            continue;
        if (options[i].logged_in && pi->login != PI_LOGIN_DONE)
            server_pi_say(pi, 530, "Not logged in.");
        else
            options[i].set(pi, text_trim(argument));
        return true;
    }
    server_pi_say(pi, 501, "No such option.");
    return true;
}
