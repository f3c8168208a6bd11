/* Commands that the server-PI answers by itself: they set parameters or tell what is known. */
#include "ftp/server_pi_private.h"

#include "base/text.h"
#include "ftp/feature.h"
#include "ftp/path.h"
#include "ftp/reply.h"

/* Answers, or returns false if the command must be done by the owner. */
typedef bool answer_fn(struct server_pi *pi, struct bytes argument);

/* A word that a command takes, in any case, and how it is answered. */
struct choice {
    const char *word;
    int code;
    int value; /* what the word stands for, if the code is 200 */
};

static const struct choice *choose(const struct choice *choices, size_t count, struct bytes word)
{
    for (size_t i = 0; i < count; i++) {
        if (text_same(word, bytes_str(choices[i].word)))
            return &choices[i];
    }
    return NULL;
}

/* --- security --- */

static bool answer_auth(struct server_pi *pi, struct bytes argument)
{
    enum auth_mechanism mechanism = auth_mechanism_find(argument);
    bool legacy = mechanism == AUTH_SSL || mechanism == AUTH_TLS_P;
    if (mechanism == AUTH_UNKNOWN) {
        server_pi_say(pi, 504, "Unknown mechanism, use TLS.");
    } else if (pi->security.state != SECURITY_PLAIN) {
        server_pi_say(pi, 534, "The connection is protected already.");
    } else if (legacy && !pi->settings.auth_legacy_words) {
        server_pi_say(pi, 534, "This mechanism is not allowed here, use TLS.");
    } else if (pi->login == PI_LOGIN_DONE) {
        server_pi_say(pi, 534, "Not after logging in.");
    } else if (buf_len(&pi->input) > 0) { /* TLS-130: none of it may be run, now or after */
        server_pi_say(pi, 503, "Nothing may follow AUTH before the handshake.");
        server_pi_fail(pi, FERRY_E_INJECTION, "the client sent more behind AUTH");
    } else {
        server_pi_say(pi, 234, "AUTH %s accepted, begin the handshake.",
                      auth_mechanism_name(mechanism));
        security_auth(&pi->security, mechanism);
        pi->phase = PI_PHASE_START_TLS;
    }
    return true;
}

static bool answer_pbsz(struct server_pi *pi, struct bytes argument)
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

static bool answer_prot(struct server_pi *pi, struct bytes argument)
{
    static const struct choice levels[] = {
        {"C", 200, PROTECTION_CLEAR},
        {"P", 200, PROTECTION_PRIVATE},
        {"S", 536, 0},
        {"E", 536, 0},
    };
    const struct choice *level = choose(levels, ARRAY_LEN(levels), argument);
    if (!pi->security.pbsz_done) {
        server_pi_say(pi, 503, "Send PBSZ 0 first.");
    } else if (!level) {
        server_pi_say(pi, 504, "Unknown protection level, use P.");
    } else if (level->code != 200) {
        server_pi_say(pi, level->code, "%s", reply_stock_text(level->code));
    } else if (level->value == PROTECTION_CLEAR && pi->settings.data_tls_required) {
        server_pi_say(pi, 534, "Data connections must be protected, use P.");
    } else {
        pi->security.level = (enum protection)level->value;
        server_pi_say(pi, 200, "Protection level set to %c.", level->value);
    }
    return true;
}

static bool answer_ccc(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    bool sealed = pi->security.state == SECURITY_SEALED;
    server_pi_say(pi, sealed ? 534 : 533,
                  sealed ? "CCC is not allowed here." : "There is nothing to clear.");
    return true;
}

static bool answer_adat(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 503, "No mechanism here uses ADAT.");
    return true;
}

/* MIC, CONF and ENC. */
static bool answer_protected_command(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    bool sealed = pi->security.state == SECURITY_SEALED;
    server_pi_say(pi, sealed ? 537 : 503, "%s", reply_stock_text(sealed ? 537 : 503));
    return true;
}

/* --- transfer parameters --- */

/* Answers with what `choices` say of `argument`; 501 if it is none. Gives the choice if it is
 * taken. */
static const struct choice *answer_choice(struct server_pi *pi, const struct choice *choices,
                                          size_t count, struct bytes argument)
{
    const struct choice *chosen = choose(choices, count, argument);
    int code = chosen ? chosen->code : 501;
    if (code == 200)
        server_pi_say(pi, code, "Set to %s.", chosen->word);
    else
        server_pi_say(pi, code, "%s", reply_stock_text(code));
    return code == 200 ? chosen : NULL;
}

static bool answer_type(struct server_pi *pi, struct bytes argument)
{
    static const struct choice types[] = {
        {"A", 200, REPRESENTATION_ASCII},
        {"A N", 200, REPRESENTATION_ASCII},
        {"I", 200, REPRESENTATION_IMAGE},
        {"L 8", 200, REPRESENTATION_IMAGE}, /* FTP-41 */
    };
    static const struct choice others[] = {
        {"A T", 504, 0}, {"A C", 504, 0}, {"E", 504, 0},
        {"E N", 504, 0}, {"E T", 504, 0}, {"E C", 504, 0},
    };
    struct bytes size = bytes_skip(argument, 2);
    uint64_t bits;
    bool other_size = text_same(bytes_first(argument, 2), BYTES_LIT("L ")) &&
                      text_u64(size, UINT8_MAX, &bits) && bits != 8;
    if (other_size || choose(others, ARRAY_LEN(others), argument)) {
        server_pi_say(pi, 504, "Only TYPE A, I and L 8.");
        return true;
    }
    const struct choice *type = answer_choice(pi, types, ARRAY_LEN(types), argument);
    if (type)
        pi->type = (enum representation)type->value;
    return true;
}

static bool answer_mode(struct server_pi *pi, struct bytes argument)
{
    static const struct choice modes[] = {
        {"S", 200, 0}, {"B", 504, 0}, {"C", 504, 0}, {"E", 504, 0}, {"Z", 504, 0},
    };
    answer_choice(pi, modes, ARRAY_LEN(modes), argument);
    return true;
}

static bool answer_stru(struct server_pi *pi, struct bytes argument)
{
    static const struct choice structures[] = {{"F", 200, 0}, {"R", 504, 0}, {"P", 504, 0}};
    answer_choice(pi, structures, ARRAY_LEN(structures), argument);
    return true;
}

/* "n" or "n R m"; nothing is reserved (FTP-59). */
static bool answer_allo(struct server_pi *pi, struct bytes argument)
{
    uint64_t size;
    bool valid = text_u64(bytes_cut(&argument, ' '), INT64_MAX, &size);
    if (argument.len > 0)
        valid = valid && text_same(bytes_cut(&argument, ' '), BYTES_LIT("R")) &&
                text_u64(argument, INT64_MAX, &size);
    server_pi_say(pi, valid ? 202 : 501, "%s",
                  valid ? "No storage needs to be reserved." : "Not a size.");
    return true;
}

static bool answer_rest(struct server_pi *pi, struct bytes argument)
{
    uint64_t offset;
    if (!text_u64(argument, INT64_MAX, &offset)) {
        server_pi_say(pi, 501, "Not an offset.");
    } else if (offset > 0 && pi->type == REPRESENTATION_ASCII) { /* FTP-94 */
        server_pi_say(pi, 504, "Restart only in TYPE I.");
    } else {
        pi->offset = offset;
        server_pi_say(pi, 350, "Restarting at %llu.", (unsigned long long)offset);
    }
    return true;
}

static bool answer_epsv_all(struct server_pi *pi, struct bytes argument)
{
    if (!text_same(argument, BYTES_LIT("ALL")))
        return false;
    pi->epsv_all = true;
    server_pi_say(pi, 200, "Only EPSV from now on.");
    return true;
}

/* --- information --- */

static unsigned offered_features(const struct server_pi *pi)
{
    unsigned offered = FEATURE_UTF8 | FEATURE_TVFS | FEATURE_EPRT | FEATURE_EPSV | FEATURE_SIZE |
                       FEATURE_MDTM | FEATURE_MFMT | FEATURE_MLST | FEATURE_REST_STREAM;
    if (pi->settings.tls_available)
        offered |= FEATURE_PBSZ | FEATURE_PROT;
    if (pi->settings.tls_available && pi->security.state == SECURITY_PLAIN) {
        offered |= FEATURE_AUTH_TLS; /* under TLS there is no second AUTH (TLS-215) */
        offered |= pi->settings.auth_legacy_words ? FEATURE_AUTH_SSL : 0;
    }
    if (pi->settings.local.family != ADDRESS_V6)
        offered |= FEATURE_PASV;
    return offered;
}

static bool answer_feat(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    struct buf facts;
    buf_init(&facts, 1024);
    enum ferry_error error = facts_feature(&facts, FACTS_ALL, pi->mlst_facts);
    if (error == FERRY_OK)
        error = reply_format_first(&pi->output, 211, BYTES_LIT("Features:"));
    if (error == FERRY_OK)
        error = feature_format(&pi->output, offered_features(pi), buf_view(&facts));
    if (error == FERRY_OK)
        error = reply_format(&pi->output, 211, REPLY_WORDS, BYTES_LIT("End"));
    buf_fini(&facts);
    server_pi_written(pi, error);
    return true;
}

/* UTF-8 is always on: what asks for it is granted, what asks for anything else is not (FTP-153). */
static void set_utf8(struct server_pi *pi, struct bytes value)
{
    static const struct choice values[] = {{"", 200, 0}, {"ON", 200, 0}, {"NLST", 200, 0}};
    bool granted = choose(values, ARRAY_LEN(values), value) != NULL;
    server_pi_say(pi, granted ? 200 : 501, "UTF-8 is always on.");
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

static bool answer_opts(struct server_pi *pi, struct bytes argument)
{
    static const struct {
        const char *name;
        void (*set)(struct server_pi *pi, struct bytes value);
    } options[] = {{"UTF8", set_utf8}, {"UTF-8", set_utf8}, {"MLST", set_mlst}};

    struct bytes name = bytes_cut(&argument, ' ');
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (text_same(name, bytes_str(options[i].name))) {
            options[i].set(pi, text_trim(argument));
            return true;
        }
    }
    server_pi_say(pi, 501, "No such option.");
    return true;
}

static bool is_offered(enum verb verb)
{
    return verb != VERB_NONE && !(verb_row(verb)->allowed & ALLOWED_OFF);
}

static const char *argument_syntax(enum argument_kind kind)
{
    switch (kind) {
    case ARGUMENT_NONE:
        return "";
    case ARGUMENT_TOKEN:
        return " word";
    case ARGUMENT_NUMBER:
        return " number";
    case ARGUMENT_TEXT:
    case ARGUMENT_SECRET:
        return " text";
    case ARGUMENT_OPTIONAL_TEXT:
        return " [text]";
    case ARGUMENT_PATH:
        return " path";
    case ARGUMENT_OPTIONAL_PATH:
        return " [path]";
    case ARGUMENT_TIME_PATH:
        return " YYYYMMDDHHMMSS path";
    }
    return "";
}

/* The verbs, some to a line. */
static enum ferry_error list_verbs(struct buf *out)
{
    enum { PER_LINE = 12 };
    struct buf line;
    buf_init(&line, 256);
    enum ferry_error error = FERRY_OK;
    int count = 0;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT && error == FERRY_OK; verb++) {
        if (!is_offered(verb))
            continue;
        error = buf_printf(&line, "%s%-4s", buf_len(&line) ? " " : "", verb_row(verb)->name);
        if (error == FERRY_OK && ++count % PER_LINE == 0) {
            error = reply_format_inner(out, REPLY_WORDS, buf_view(&line));
            buf_fini(&line);
        }
    }
    if (error == FERRY_OK && buf_len(&line) > 0)
        error = reply_format_inner(out, REPLY_WORDS, buf_view(&line));
    buf_fini(&line);
    return error;
}

static bool answer_help(struct server_pi *pi, struct bytes argument)
{
    enum verb verb = verb_find(argument);
    if (argument.len > 0 && is_offered(verb)) {
        const struct verb_row *row = verb_row(verb);
        server_pi_say(pi, 214, "Syntax: %s%s", row->name, argument_syntax(row->argument));
        return true;
    }
    if (argument.len > 0) {
        server_pi_say(pi, 502, "%s", reply_stock_text(502));
        return true;
    }
    enum ferry_error error = reply_format_first(&pi->output, 214, BYTES_LIT("Commands:"));
    if (error == FERRY_OK)
        error = list_verbs(&pi->output);
    if (error == FERRY_OK)
        error = reply_format(&pi->output, 214, REPLY_WORDS, BYTES_LIT("End"));
    server_pi_written(pi, error);
    return true;
}

static bool answer_pwd(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    struct buf quoted;
    buf_init(&quoted, 2 * PATH_MAX_BYTES + 64);
    enum ferry_error error = path_quote(&quoted, server_pi_text(&pi->cwd));
    if (error == FERRY_OK)
        error = buf_append(&quoted, BYTES_LIT(" is the working directory"));
    if (error == FERRY_OK)
        error = reply_format(&pi->output, 257, REPLY_NAMES, buf_view(&quoted));
    buf_fini(&quoted);
    server_pi_written(pi, error);
    return true;
}

static bool answer_syst(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 215, "UNIX Type: L8");
    return true;
}

static bool answer_noop(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 200, "OK");
    return true;
}

static bool answer_stat(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    if (pi->login == PI_LOGIN_DONE)
        return false;
    server_pi_say(pi, 211, "Not logged in.");
    return true;
}

/* --- access --- */

static bool answer_acct(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 202, "No account is needed."); /* FTP-38 */
    return true;
}

static bool answer_abor(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    if (pi->work == PI_WORK_TRANSFER)
        return false;
    server_pi_say(pi, 226, "No transfer to abort.");
    return true;
}

static bool answer_quit(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 221, "Goodbye.");
    server_pi_close(pi);
    return true;
}

bool server_pi_answer(struct server_pi *pi, struct bytes argument, enum verb verb)
{
    static answer_fn *const answers[VERB_COUNT] = {
        [VERB_ABOR] = answer_abor,
        [VERB_ACCT] = answer_acct,
        [VERB_ADAT] = answer_adat,
        [VERB_ALLO] = answer_allo,
        [VERB_AUTH] = answer_auth,
        [VERB_CCC] = answer_ccc,
        [VERB_CONF] = answer_protected_command,
        [VERB_ENC] = answer_protected_command,
        [VERB_EPSV] = answer_epsv_all,
        [VERB_FEAT] = answer_feat,
        [VERB_HELP] = answer_help,
        [VERB_MIC] = answer_protected_command,
        [VERB_MODE] = answer_mode,
        [VERB_NOOP] = answer_noop,
        [VERB_OPTS] = answer_opts,
        [VERB_PBSZ] = answer_pbsz,
        [VERB_PROT] = answer_prot,
        [VERB_PWD] = answer_pwd,
        [VERB_QUIT] = answer_quit,
        [VERB_REST] = answer_rest,
        [VERB_STAT] = answer_stat,
        [VERB_STRU] = answer_stru,
        [VERB_SYST] = answer_syst,
        [VERB_TYPE] = answer_type,
    };
    return answers[verb] && answers[verb](pi, argument);
}
