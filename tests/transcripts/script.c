/* A transcript read into memory. */
#include "transcripts/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/text.h"

static char unescape_one(char **from)
{
    static const struct {
        char name, value;
    } escapes[] = {{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'0', '\0'}, {'\\', '\\'}};

    char name = *(*from)++;
    if (name == 'x') {
        int high = text_hex_digit((*from)[0]);
        int low = high < 0 ? -1 : text_hex_digit((*from)[1]);
        if (low < 0)
            fail_msg("bad \\x in a transcript");
        *from += 2;
        return (char)(high * 16 + low);
    }
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        if (escapes[i].name == name)
            return escapes[i].value;
    }
    fail_msg("bad escape \\%c in a transcript", name);
    return 0;
}

struct bytes script_unescape(char *text, bool *open)
{
    char *from = text;
    char *to = text;
    *open = false;
    while (*from != '\0') {
        if (from[0] != '\\') {
            *to++ = *from++;
        } else if (from[1] == 'c' && from[2] == '\0') {
            *open = true;
            break;
        } else {
            from++;
            *to++ = unescape_one(&from);
        }
    }
    return bytes_of(text, (size_t)(to - text));
}

/* The wire form of a C or S line is stored behind what is used of `data` so far. */
static struct bytes to_wire(struct script *script, size_t *used, char *text)
{
    bool open;
    struct bytes line = script_unescape(text, &open);
    size_t need = line.len + 2;
    if (need > sizeof(script->data) - *used)
        fail_msg("the transcript is too long");
    char *wire = script->data + *used;
    memcpy(wire, line.ptr, line.len);
    memcpy(wire + line.len, "\r\n", 2);
    line = bytes_of(wire, open ? line.len : need);
    *used += line.len;
    return line;
}

static void take_line(struct script *script, size_t *used, char *text, size_t number)
{
    if (text[0] == '\0' || text[0] == '#')
        return;
    bool known = strchr("CSEDO", text[0]) && text[1] == ':' && (text[2] == ' ' || !text[2]);
    if (!known || script->count == SCRIPT_MAX_LINES)
        fail_msg("line %zu is not of a transcript: %s", number, text);
    char *rest = text[2] ? text + 3 : text + 2;
    struct script_line *line = &script->lines[script->count++];
    *line = (struct script_line){.kind = text[0], .number = number};
    if (text[0] == 'C' || text[0] == 'S') {
        line->text = to_wire(script, used, rest);
    } else {
        size_t len = strlen(rest);
        memcpy(script->data + *used, rest, len + 1);
        line->text = bytes_of(script->data + *used, len);
        *used += len + 1;
    }
}

void script_load(struct script *script, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    script->count = 0;
    size_t used = 0;
    char text[32 * 1024];
    for (size_t number = 1; fgets(text, sizeof(text), file); number++) {
        text[strcspn(text, "\n")] = '\0';
        if (strlen(text) + 1 > sizeof(script->data) - used)
            fail_msg("%s is too long", path);
        take_line(script, &used, text, number);
    }
    fclose(file);
}

bool script_has_option(const struct script *script, const char *option)
{
    for (size_t i = 0; i < script->count; i++) {
        if (script->lines[i].kind == 'O' && bytes_equal(script->lines[i].text, bytes_str(option)))
            return true;
    }
    return false;
}

uint64_t script_number_option(const struct script *script, const char *option, uint64_t otherwise)
{
    for (size_t i = 0; i < script->count; i++) {
        struct bytes rest = script->lines[i].text;
        uint64_t number;
        if (script->lines[i].kind == 'O' && bytes_equal(bytes_cut(&rest, ' '), bytes_str(option)) &&
            text_u64(rest, UINT32_MAX, &number))
            return number;
    }
    return otherwise;
}

struct bytes script_piece(const struct script *script, size_t first, size_t *next)
{
    /* The wire forms of lines that follow one another stand one behind the other in `data`. */
    struct bytes piece = script->lines[first].text;
    size_t at = first + 1;
    while (at < script->count && script->lines[at].kind == script->lines[first].kind)
        piece.len += script->lines[at++].text.len;
    *next = at;
    return piece;
}

bool script_line_matches(struct bytes expected, struct bytes output, size_t *len)
{
    struct bytes open = BYTES_LIT(" ...\r\n");
    bool is_open = expected.len >= open.len &&
                   bytes_equal(bytes_skip(expected, expected.len - open.len), open);
    if (!is_open) {
        *len = expected.len;
        return bytes_starts(output, expected);
    }
    *len = bytes_find(output, '\n') + 1;
    return *len <= output.len &&
           bytes_starts(output, bytes_first(expected, expected.len - open.len));
}

bool script_words_match(struct bytes expected, const char *got)
{
    struct bytes all = bytes_str(got);
    return bytes_starts(all, expected) && (all.len == expected.len || all.ptr[expected.len] == ' ');
}

bool script_differs(struct script_outcome *outcome, const struct script_line *at, const char *what,
                    struct bytes got)
{
    char wanted[256] = "";
    char came[512];
    if (at)
        text_visible_into(wanted, sizeof(wanted), at->text);
    text_visible_into(came, sizeof(came), got);
    snprintf(outcome->why, sizeof(outcome->why), "line %zu, %c: %s\n  %s: %s", at ? at->number : 0,
             at ? at->kind : '-', wanted, what, came);
    outcome->as_written = false;
    return false;
}
