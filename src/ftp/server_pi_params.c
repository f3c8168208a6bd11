/* Commands that the server-PI answers by itself: they set parameters or tell what is known. */
#include "ftp/server_pi_private.h"

#include "base/text.h"
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
    const struct choice modes[] = {
        {"S", 200, TRANSFER_MODE_STREAM},
        {"B", pi->settings.mode_b ? 200 : 504, TRANSFER_MODE_B},
        {"Z", pi->settings.mode_z ? 200 : 504, TRANSFER_MODE_Z},
        {"C", 504, 0},
        {"E", 504, 0},
    };
    const struct choice *mode = answer_choice(pi, modes, ARRAY_LEN(modes), argument);
    if (mode)
        pi->mode = (enum transfer_mode)mode->value;
    return true;
}

static bool answer_stru(struct server_pi *pi, struct bytes argument)
{
    static const struct choice structures[] = {{"F", 200, 0}, {"R", 504, 0}, {"P", 504, 0}};
    answer_choice(pi, structures, ARRAY_LEN(structures), argument);
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
        pi->range = (struct pi_range){.offset = offset};
        server_pi_say(pi, 350, "Restarting at %llu.", (unsigned long long)offset);
    }
    return true;
}

/* "first last", both inclusive; "1 0" is none (FTP-95). */
static bool answer_rang(struct server_pi *pi, struct bytes argument)
{
    uint64_t first, last;
    bool numbers = text_u64(bytes_cut(&argument, ' '), INT64_MAX - 1, &first) &&
                   text_u64(argument, INT64_MAX - 1, &last);
    pi->range = (struct pi_range){0};
    if (numbers && first == 1 && last == 0) {
        server_pi_say(pi, 350, "No range is set.");
    } else if (!numbers || first > last) {
        server_pi_say(pi, 501, "Not a range.");
    } else {
        pi->range = (struct pi_range){.offset = first, .ends = true, .end = last + 1};
        server_pi_say(pi, 350, "Range from %llu to %llu.", (unsigned long long)first,
                      (unsigned long long)last);
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

/* --- what files are --- */

/* Linux has no way to set the time of birth (FTP-76). */
static bool answer_mfct(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 504, "The time of creation cannot be set here.");
    return true;
}

/* What is wrong with MFF: a fact that is unknown is named. */
static bool answer_mff(struct server_pi *pi, struct bytes argument)
{
    struct change change;
    struct bytes path, unknown;
    if (change_parse_facts(argument, &change, &path, &unknown) != FERRY_E_UNSUPPORTED)
        return false;
    server_pi_say(pi, 504, "%.*s cannot be set.", BYTES_FMT(bytes_first(unknown, 64)));
    return true;
}

/* --- information --- */

static bool is_language_tag(struct bytes tag)
{
    for (size_t i = 0; i < tag.len; i++) {
        char c = text_upper(tag.ptr[i]);
        if (!(c >= 'A' && c <= 'Z') && !text_is_digit(c) && c != '-')
            return false;
    }
    return true;
}

/* English, whatever kind of it is asked for (FTP-155). */
static bool answer_lang(struct server_pi *pi, struct bytes argument)
{
    struct bytes rest = argument;
    bool english = argument.len == 0 || text_same(bytes_cut(&rest, '-'), BYTES_LIT("en"));
    if (!is_language_tag(argument))
        server_pi_say(pi, 501, "Not a language tag.");
    else
        server_pi_say(pi, english ? 200 : 504, "%s",
                      english ? "Replies are in English." : "Replies are in English only.");
    return true;
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
static enum ferry_error list_verbs(const struct server_pi *pi, struct buf *out)
{
    enum { PER_LINE = 12 };
    struct buf line;
    buf_init(&line, 256);
    enum ferry_error error = FERRY_OK;
    int count = 0;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT && error == FERRY_OK; verb++) {
        if (!server_pi_is_offered(pi, verb))
            continue;
        error = buf_printf(&line, "%s%-4s", buf_len(&line) ? " " : "", verb_row(verb)->name);
        if (error == FERRY_OK && ++count % PER_LINE == 0) {
            error = reply_format_inner(out, REPLY_WORDS, text_trim(buf_view(&line)));
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
    if (verb == VERB_MODE)
        server_pi_say(pi, 214, "Syntax: MODE S%s%s", pi->settings.mode_b ? " | B" : "",
                      pi->settings.mode_z ? " | Z" : "");
    else if (verb == VERB_SITE)
        server_pi_site_help(pi);
    else if (verb != VERB_NONE && server_pi_is_offered(pi, verb))
        server_pi_say(pi, 214, "Syntax: %s%s", verb_row(verb)->name,
                      argument_syntax(verb_row(verb)->argument));
    else if (argument.len > 0)
        server_pi_say(pi, 502, "%s", reply_stock_text(502));
    if (argument.len > 0)
        return true;
    enum ferry_error error = reply_format_first(&pi->output, 214, BYTES_LIT("Commands:"));
    if (error == FERRY_OK)
        error = list_verbs(pi, &pi->output);
    if (error == FERRY_OK)
        error = reply_format(&pi->output, 214, REPLY_WORDS, BYTES_LIT("End"));
    server_pi_written(pi, error);
    return true;
}

static bool answer_pwd(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    struct buf quoted;
    buf_init(&quoted, 2 * PATH_MAX_BYTES + 2);
    enum ferry_error error = path_quote(&quoted, server_pi_text(&pi->cwd));
    if (error == FERRY_OK)
        server_pi_say(pi, 257, "%.*s is the working directory", BYTES_FMT(buf_view(&quoted)));
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

static bool answer_pass(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    if (!pi->pass_spare)
        return false;
    pi->pass_spare = false;
    server_pi_say(pi, 230, "Logged in already, by certificate.");
    return true;
}

static bool answer_acct(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    server_pi_say(pi, 202, "No account is needed."); /* FTP-38 */
    return true;
}

static bool answer_abor(struct server_pi *pi, struct bytes argument)
{
    (void)argument;
    if (pi->work == PI_WORK_TRANSFER || pi->mode == TRANSFER_MODE_B)
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
        [VERB_ADAT] = server_pi_answer_adat,
        [VERB_AUTH] = server_pi_answer_auth,
        [VERB_CCC] = server_pi_answer_ccc,
        [VERB_CONF] = server_pi_answer_protected,
        [VERB_ENC] = server_pi_answer_protected,
        [VERB_EPSV] = answer_epsv_all,
        [VERB_FEAT] = server_pi_answer_feat,
        [VERB_HELP] = answer_help,
        [VERB_LANG] = answer_lang,
        [VERB_MFCT] = answer_mfct,
        [VERB_MFF] = answer_mff,
        [VERB_MIC] = server_pi_answer_protected,
        [VERB_MODE] = answer_mode,
        [VERB_NOOP] = answer_noop,
        [VERB_OPTS] = server_pi_answer_opts,
        [VERB_PASS] = answer_pass,
        [VERB_PBSZ] = server_pi_answer_pbsz,
        [VERB_PROT] = server_pi_answer_prot,
        [VERB_PWD] = answer_pwd,
        [VERB_QUIT] = answer_quit,
        [VERB_RANG] = answer_rang,
        [VERB_SITE] = server_pi_answer_site,
        [VERB_REST] = answer_rest,
        [VERB_SSCN] = server_pi_answer_sscn,
        [VERB_STAT] = answer_stat,
        [VERB_STRU] = answer_stru,
        [VERB_SYST] = answer_syst,
        [VERB_TYPE] = answer_type,
    };
    return answers[verb] && answers[verb](pi, argument);
}
