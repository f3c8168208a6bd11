/* Filters and distinguished names with a login's name to be put in. */
#include "ferryd/directory/pattern.h"

#include <string.h>

#include "base/text.h"

/* ---- putting in ---- */

/* What means nothing but itself, in a filter as in a DN. All else can be written as its bytes in
 * hexadecimal in both (RFC 4515 section 3, RFC 4514 section 2.4). */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || text_is_digit(c) ||
           (c != '\0' && strchr("-_.@", c));
}

static enum ferry_error put_escaped(struct buf *out, struct bytes value)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < value.len && error == FERRY_OK; i++)
        error = is_plain(value.ptr[i])
                    ? buf_append(out, bytes_of(&value.ptr[i], 1))
                    : buf_printf(out, "\\%02x", (unsigned)(unsigned char)value.ptr[i]);
    return error;
}

typedef enum ferry_error put_fn(struct buf *out, struct bytes value);

static enum ferry_error put_in(struct bytes text, struct bytes name, struct bytes dn, put_fn *put,
                               struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    while (text.len > 0 && error == FERRY_OK) {
        size_t plain = bytes_find(text, '%');
        error = buf_append(out, bytes_first(text, plain));
        text = bytes_skip(text, plain);
        if (error != FERRY_OK || text.len < 2)
            return error;
        char which = text.ptr[1];
        error = which == 'u'   ? put(out, name)
                : which == 'd' ? put(out, dn)
                               : buf_append(out, BYTES_LIT("%"));
        text = bytes_skip(text, 2);
    }
    return error;
}

enum ferry_error pattern_filter(struct bytes text, struct bytes name, struct bytes dn,
                                struct buf *out)
{
    return put_in(text, name, dn, put_escaped, out);
}

enum ferry_error pattern_dn(struct bytes text, struct bytes name, struct buf *out)
{
    return put_in(text, name, (struct bytes){0}, put_escaped, out);
}

enum ferry_error pattern_plain(struct bytes text, struct bytes name, struct buf *out)
{
    return put_in(text, name, (struct bytes){0}, buf_append, out);
}

/* ---- checking ---- */

struct parse {
    struct bytes whole, rest;
    const char *which; /* letters that may stand behind % */
    bool has_name;     /* one of them did */
    struct fault *fault;
};

static enum ferry_error wrong(const struct parse *parse, const char *what)
{
    size_t at = parse->whole.len - parse->rest.len;
    if (parse->rest.len == 0)
        return fault_set(parse->fault, FERRY_E_ARGUMENT, "%s, at its end", what);
    return fault_set(parse->fault, FERRY_E_ARGUMENT, "%s, at its byte %zu (\"%.*s\")", what, at + 1,
                     BYTES_FMT(bytes_first(parse->rest, 16)));
}

static bool is_next(const struct parse *parse, char c)
{
    return parse->rest.len > 0 && parse->rest.ptr[0] == c;
}

static void pass(struct parse *parse)
{
    parse->rest = bytes_skip(parse->rest, 1);
}

static bool take(struct parse *parse, char c)
{
    bool there = is_next(parse, c);
    if (there)
        pass(parse);
    return there;
}

/* What stands behind a %. */
static enum ferry_error take_percent(struct parse *parse)
{
    if (take(parse, '%'))
        return FERRY_OK;
    if (parse->rest.len == 0 || !strchr(parse->which, parse->rest.ptr[0]))
        return wrong(parse, parse->which[0] && parse->which[1] ? "% must be followed by u, d or %"
                                                               : "% must be followed by u or %");
    parse->has_name = true;
    pass(parse);
    return FERRY_OK;
}

static enum ferry_error take_hex_pair(struct parse *parse)
{
    if (parse->rest.len < 2 || text_hex_digit(parse->rest.ptr[0]) < 0 ||
        text_hex_digit(parse->rest.ptr[1]) < 0)
        return wrong(parse, "a backslash must be followed by two hexadecimal digits");
    parse->rest = bytes_skip(parse->rest, 2);
    return FERRY_OK;
}

/* As far as the ")" of the item; a star is any text in between. */
static enum ferry_error take_assertion(struct parse *parse, bool stars)
{
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && parse->rest.len > 0 && !is_next(parse, ')')) {
        if (is_next(parse, '(') || is_next(parse, '\0') || (is_next(parse, '*') && !stars))
            return wrong(parse, "this must be written as a backslash and two hexadecimal digits");
        char c = parse->rest.ptr[0];
        pass(parse);
        if (c == '\\')
            error = take_hex_pair(parse);
        else if (c == '%')
            error = take_percent(parse);
    }
    return error;
}

static bool is_of_attribute(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || text_is_digit(c) ||
           (c != '\0' && strchr("-.;:", c));
}

/* "uid=…", "uid>=…", "memberOf:1.2.840.113556.1.4.1941:=…" */
static enum ferry_error take_item(struct parse *parse)
{
    bool named = false;
    bool colon = false;
    while (parse->rest.len > 0 && is_of_attribute(parse->rest.ptr[0])) {
        colon = is_next(parse, ':');
        named = true;
        pass(parse);
    }
    bool compares = is_next(parse, '~') || is_next(parse, '<') || is_next(parse, '>');
    if (named && compares)
        pass(parse);
    if (!named || !take(parse, '='))
        return wrong(parse, "here must stand an attribute and =");
    return take_assertion(parse, !colon && !compares);
}

static enum ferry_error take_filter(struct parse *parse, unsigned depth);

/* All the filters of & and |. */
static enum ferry_error take_list(struct parse *parse, unsigned depth)
{
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && is_next(parse, '('))
        error = take_filter(parse, depth + 1);
    return error;
}

static enum ferry_error take_filter(struct parse *parse, unsigned depth)
{
    if (depth > PATTERN_DEPTH_MAX)
        return wrong(parse, "it is nested too deeply");
    if (!take(parse, '('))
        return wrong(parse, "here must stand (");
    enum ferry_error error = FERRY_OK;
    if (take(parse, '&') || take(parse, '|'))
        error = take_list(parse, depth);
    else if (take(parse, '!'))
        error = take_filter(parse, depth + 1);
    else
        error = take_item(parse);
    if (error == FERRY_OK && !take(parse, ')'))
        error = wrong(parse, "here must stand )");
    return error;
}

enum ferry_error pattern_check_filter(struct bytes text, const char *which, struct fault *fault)
{
    struct parse parse = {.whole = text, .rest = text, .which = which, .fault = fault};
    enum ferry_error error = take_filter(&parse, 0);
    if (error == FERRY_OK && parse.rest.len > 0)
        error = wrong(&parse, "the filter ends before this");
    if (error == FERRY_OK && !parse.has_name)
        error = fault_set(fault, FERRY_E_ARGUMENT,
                          "%%u, the name, stands nowhere in it: it would find the same for all");
    return error;
}

enum ferry_error pattern_check_plain(struct bytes text, struct fault *fault)
{
    struct parse parse = {.whole = text, .rest = text, .which = "u", .fault = fault};
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && parse.rest.len > 0) {
        bool percent = is_next(&parse, '%');
        pass(&parse);
        if (percent)
            error = take_percent(&parse);
    }
    return error;
}

/* Each part between commas is an attribute, = and a value. */
static enum ferry_error check_parts(struct parse *parse)
{
    bool named = false;
    bool valued = false;
    for (char c; parse->rest.len > 0; named = c != ',' && c != '+') {
        c = parse->rest.ptr[0];
        if (c == '=' && !named)
            return wrong(parse, "an attribute must stand before =");
        if (c == '=')
            valued = true;
        if ((c == ',' || c == '+') && !valued)
            return wrong(parse, "before this must stand an attribute, = and a value");
        if (c == ',' || c == '+')
            valued = false;
        pass(parse);
        if (c == '\\') /* whatever it is, it means itself */
            pass(parse);
    }
    return valued ? FERRY_OK : wrong(parse, "it must end with an attribute, = and a value");
}

enum ferry_error pattern_check_dn(struct bytes text, struct fault *fault)
{
    struct parse parse = {.whole = text, .rest = text, .which = "u", .fault = fault};
    enum ferry_error error = check_parts(&parse);
    return error == FERRY_OK ? pattern_check_plain(text, fault) : error;
}
