/* What SITE, MFF and their kin ask to be changed of a file. */
#include "ftp/change.h"

#include "base/text.h"

enum { MODE_MAX = 0777 };

/* ---- MFF ---- */

static bool take_mode(struct bytes value, struct change *out)
{
    uint64_t mode;
    if (!text_octal(value, MODE_MAX, &mode))
        return false;
    out->has_mode = true;
    out->mode = (uint16_t)mode;
    return true;
}

/* The last number stands for no group. */
static bool take_group(struct bytes value, struct change *out)
{
    uint64_t group;
    if (!text_u64(value, UINT32_MAX - 1, &group))
        return false;
    out->has_group = true;
    out->group = (uint32_t)group;
    return true;
}

static bool take_time(struct bytes value, struct change *out)
{
    out->has_time = true;
    return timeval_parse(value, &out->time) == FERRY_OK;
}

static const struct {
    const char *name;
    bool (*take)(struct bytes value, struct change *out);
} facts[] = {{"Modify", take_time}, {"UNIX.mode", take_mode}, {"UNIX.group", take_group}};

static enum ferry_error take_fact(struct bytes fact, struct change *out, struct bytes *unknown)
{
    struct bytes value = fact;
    struct bytes name = bytes_cut(&value, '=');
    if (name.len == 0 || name.len == fact.len)
        return FERRY_E_ARGUMENT;
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (text_same(name, bytes_str(facts[i].name)))
            return facts[i].take(value, out) ? FERRY_OK : FERRY_E_ARGUMENT;
    }
    *unknown = name;
    return FERRY_E_UNSUPPORTED;
}

enum ferry_error change_parse_facts(struct bytes argument, struct change *out, struct bytes *path,
                                    struct bytes *unknown)
{
    *out = (struct change){0};
    *path = argument;
    struct bytes rest = bytes_cut(path, ' ');
    if (path->len == 0 || rest.len == 0 || rest.ptr[rest.len - 1] != ';')
        return FERRY_E_ARGUMENT;
    while (rest.len > 0) {
        enum ferry_error error = take_fact(bytes_cut(&rest, ';'), out, unknown);
        if (error != FERRY_OK)
            return error;
    }
    return FERRY_OK;
}

/* ---- SITE ---- */

static bool parse_help(struct bytes rest, struct site *out)
{
    (void)rest;
    (void)out;
    return true;
}

static bool parse_idle(struct bytes rest, struct site *out)
{
    return rest.len == 0 || (text_u64(rest, UINT32_MAX, &out->seconds) && out->seconds > 0);
}

static bool parse_chmod(struct bytes rest, struct site *out)
{
    bool valid = take_mode(bytes_cut(&rest, ' '), &out->change);
    out->path = rest;
    return valid && rest.len > 0;
}

/* YYYYMMDDhhmm, with or without seconds. */
static bool take_stamp(struct bytes stamp, struct change *out)
{
    enum { WITHOUT_SECONDS = 12, WITH_SECONDS = 14 };
    char digits[WITH_SECONDS] = "00000000000000";
    if (stamp.len != WITHOUT_SECONDS && stamp.len != WITH_SECONDS)
        return false;
    memcpy(digits, stamp.ptr, stamp.len);
    return take_time(bytes_of(digits, sizeof(digits)), out);
}

/* Takes the word behind the last blank of `*in`, and the blank. */
static struct bytes cut_last(struct bytes *in)
{
    size_t at = in->len;
    while (at > 0 && in->ptr[at - 1] != ' ')
        at--;
    struct bytes word = bytes_skip(*in, at);
    *in = bytes_first(*in, at > 0 ? at - 1 : 0);
    return word;
}

/* The long form, of which only the middle time can be set. */
static bool parse_utime_long(struct bytes rest, struct site *out)
{
    struct change ignored;
    if (!text_same(cut_last(&rest), BYTES_LIT("UTC")) || !take_stamp(cut_last(&rest), &ignored) ||
        !take_stamp(cut_last(&rest), &out->change) || !take_stamp(cut_last(&rest), &ignored))
        return false;
    out->path = rest;
    return rest.len > 0;
}

static bool parse_utime(struct bytes rest, struct site *out)
{
    if (parse_utime_long(rest, out))
        return true;
    out->change = (struct change){0};
    bool valid = take_stamp(bytes_cut(&rest, ' '), &out->change);
    out->path = rest;
    return valid && rest.len > 0;
}

static bool parse_path(struct bytes rest, struct site *out)
{
    out->path = rest;
    return rest.len > 0;
}

enum ferry_error site_parse(struct bytes argument, struct site *out)
{
    static const struct {
        const char *name;
        enum site_deed deed;
        bool (*parse)(struct bytes rest, struct site *out);
    } rows[] = {
        {"CHMOD", SITE_CHMOD, parse_chmod}, {"CPFR", SITE_CPFR, parse_path},
        {"CPTO", SITE_CPTO, parse_path},    {"HELP", SITE_HELP, parse_help},
        {"IDLE", SITE_IDLE, parse_idle},    {"SYMLINK", SITE_SYMLINK, parse_path},
        {"UTIME", SITE_UTIME, parse_utime},
    };
    struct bytes rest = argument;
    struct bytes name = bytes_cut(&rest, ' ');
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!text_same(name, bytes_str(rows[i].name)))
            continue;
        *out = (struct site){.deed = rows[i].deed};
        return rows[i].parse(rest, out) ? FERRY_OK : FERRY_E_ARGUMENT;
    }
    return FERRY_E_UNSUPPORTED;
}
