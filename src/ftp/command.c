/* Commands: the verbs, a line to a verb and its argument, and back. */
#include "ftp/command.h"

#include <stdbool.h>

#include "base/text.h"
#include "ftp/telnet.h"

enum { NAME_MAX_BYTES = 10 };

/* So that verbs.def can do without the prefix. */
enum {
    ANY = ALLOWED_ANY,
    LOGGED_IN = ALLOWED_LOGGED_IN,
    TRANSFER = ALLOWED_TRANSFER,
    SEALED = ALLOWED_SEALED,
    LOGIN = ALLOWED_LOGIN,
    DATA = ALLOWED_DATA,
    AFTER_REST = ALLOWED_AFTER_REST,
    OFF = ALLOWED_OFF,
};

static const struct verb_row rows[VERB_COUNT] = {
#define VERB(verb, number, kind, when, may_give)                                                   \
    [VERB_##verb] = {.name = #verb,                                                                \
                     .rfc = (number),                                                              \
                     .argument = ARGUMENT_##kind,                                                  \
                     .allowed = (when),                                                            \
                     .replies = (may_give)},
#include "ftp/verbs.def"
#undef VERB
};

/* RFC 775's names, which RFC 1123 section 4.1.3.1 keeps. */
static const struct {
    const char *name;
    enum verb verb;
} aliases[] = {
    {"XCUP", VERB_CDUP}, {"XCWD", VERB_CWD}, {"XMKD", VERB_MKD},
    {"XPWD", VERB_PWD},  {"XRMD", VERB_RMD},
};

const struct verb_row *verb_row(enum verb verb)
{
    return &rows[verb];
}

enum verb verb_find(struct bytes name)
{
    for (enum verb verb = VERB_NONE + 1; verb < VERB_COUNT; verb++) {
        if (text_same(name, bytes_str(rows[verb].name)))
            return verb;
    }
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (text_same(name, bytes_str(aliases[i].name)))
            return aliases[i].verb;
    }
    return VERB_NONE;
}

static bool is_name(struct bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = text_upper(word.ptr[i]);
        if (!(c >= 'A' && c <= 'Z') && !text_is_digit(c))
            return false;
    }
    return word.len > 0 && word.len <= NAME_MAX_BYTES;
}

static bool has_byte(struct bytes in, char c)
{
    return bytes_find(in, c) < in.len;
}

static bool is_path(enum argument_kind kind)
{
    return kind == ARGUMENT_PATH || kind == ARGUMENT_OPTIONAL_PATH || kind == ARGUMENT_TIME_PATH;
}

/* No line may hold LF or NUL; CR is for path names alone (FTP-4, SEC-17). */
static bool is_one_line(struct bytes argument, enum argument_kind kind)
{
    return !has_byte(argument, '\n') && !has_byte(argument, '\0') &&
           (is_path(kind) || !has_byte(argument, '\r'));
}

static bool is_word(struct bytes in)
{
    return in.len > 0 && !has_byte(in, ' ') && !has_byte(in, '\t');
}

static bool is_digits(struct bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        if (!text_is_digit(in.ptr[i]))
            return false;
    }
    return in.len > 0;
}

/* Trims `*argument` as its kind wants (FTP-2) and tells whether it is of that kind. */
static bool shape(struct bytes *argument, enum argument_kind kind)
{
    bool verbatim = is_path(kind) || kind == ARGUMENT_SECRET;
    if (!verbatim)
        *argument = text_trim(*argument);
    if (!is_one_line(*argument, kind))
        return false;

    switch (kind) {
    case ARGUMENT_NONE:
        return argument->len == 0;
    case ARGUMENT_TOKEN:
        return is_word(*argument);
    case ARGUMENT_NUMBER:
        return is_digits(*argument);
    case ARGUMENT_TEXT:
    case ARGUMENT_PATH:
        return argument->len > 0;
    case ARGUMENT_TIME_PATH:
        return has_byte(*argument, ' ');
    case ARGUMENT_OPTIONAL_TEXT:
    case ARGUMENT_OPTIONAL_PATH:
    case ARGUMENT_SECRET:
        return true;
    }
    return false;
}

enum ferry_error command_parse(struct bytes line, struct command *out)
{
    struct bytes rest = line;
    *out = (struct command){.name = bytes_cut(&rest, ' ')};
    out->argument = rest;
    if (!is_name(out->name))
        return FERRY_E_PROTOCOL;

    out->verb = verb_find(out->name);
    if (out->verb == VERB_NONE)
        return FERRY_OK;
    return shape(&out->argument, rows[out->verb].argument) ? FERRY_OK : FERRY_E_ARGUMENT;
}

enum ferry_error command_format(struct buf *out, enum verb verb, struct bytes argument)
{
    const struct verb_row *row = verb_row(verb);
    if (!is_one_line(argument, row->argument))
        return FERRY_E_ARGUMENT;

    struct bytes name = bytes_str(row->name);
    size_t most = name.len + 1 + 2 * argument.len + 2;
    char *space;
    enum ferry_error error = buf_reserve(out, most, &space);
    if (error != FERRY_OK)
        return error;

    char *at = space;
    memcpy(at, name.ptr, name.len);
    at += name.len;
    /* An empty password is sent as "PASS ": servers want the blank. */
    if (argument.len > 0 || row->argument == ARGUMENT_SECRET)
        *at++ = ' ';
    at = telnet_encode(at, argument);
    *at++ = '\r';
    *at++ = '\n';
    buf_commit(out, (size_t)(at - space));
    return FERRY_OK;
}
