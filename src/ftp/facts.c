/* Facts of RFC 3659: lines of MLST and MLSD read and written, and chosen by OPTS MLST. */
#include "ftp/facts.h"

#include <stddef.h>

#include "base/text.h"
#include "ftp/listing_format.h"

enum fact_kind {
    KIND_TYPE,
    KIND_SIZE,
    KIND_TIME,
    KIND_MODE,
    KIND_TEXT,
    KIND_EXTRA,
};

#define FIELD(member) offsetof(struct listing_entry, member)

/* In the order in which they are written (LST-88). Those without a bit are only read. */
static const struct fact {
    struct bytes name;
    unsigned bit;
    enum fact_kind kind;
    size_t field;      /* where in the entry a KIND_TIME or KIND_TEXT is */
    const char *extra; /* the key of a KIND_EXTRA */
} table[] = {
    {BYTES_LIT("Type"), FACT_TYPE, KIND_TYPE, 0, NULL},
    {BYTES_LIT("Size"), FACT_SIZE, KIND_SIZE, 0, NULL},
    {BYTES_LIT("Modify"), FACT_MODIFY, KIND_TIME, FIELD(modified), NULL},
    {BYTES_LIT("Perm"), FACT_PERM, KIND_TEXT, FIELD(perms), NULL},
    {BYTES_LIT("Unique"), FACT_UNIQUE, KIND_TEXT, FIELD(unique), NULL},
    {BYTES_LIT("UNIX.mode"), FACT_UNIX_MODE, KIND_MODE, 0, NULL},
    {BYTES_LIT("UNIX.owner"), FACT_UNIX_OWNER, KIND_TEXT, FIELD(owner_id), NULL},
    {BYTES_LIT("UNIX.group"), FACT_UNIX_GROUP, KIND_TEXT, FIELD(group_id), NULL},
    {BYTES_LIT("UNIX.ownername"), FACT_UNIX_OWNERNAME, KIND_TEXT, FIELD(owner), NULL},
    {BYTES_LIT("UNIX.groupname"), FACT_UNIX_GROUPNAME, KIND_TEXT, FIELD(group), NULL},
    {BYTES_LIT("Sizd"), 0, KIND_SIZE, 0, NULL},
    {BYTES_LIT("Create"), 0, KIND_TIME, FIELD(created), NULL},
    {BYTES_LIT("Media-Type"), 0, KIND_EXTRA, 0, "mediatype"},
    {BYTES_LIT("Charset"), 0, KIND_EXTRA, 0, "charset"},
    {BYTES_LIT("Lang"), 0, KIND_EXTRA, 0, "lang"},
};

/* The values of Type that RFC 3659 section 7.5.1 names, and those that Unix servers made up
 * (FTP-132). Of several for one type the first is written. */
static const struct {
    struct bytes value;
    enum listing_type type;
    bool prefix; /* more follows: a device's numbers, a link's target */
} types[] = {
    {BYTES_LIT("file"), LISTING_FILE, false},
    {BYTES_LIT("dir"), LISTING_DIR, false},
    {BYTES_LIT("cdir"), LISTING_CDIR, false},
    {BYTES_LIT("pdir"), LISTING_PDIR, false},
    {BYTES_LIT("OS.unix=symlink"), LISTING_LINK, false},
    {BYTES_LIT("OS.unix=slink"), LISTING_LINK, false},
    {BYTES_LIT("OS.unix=slink:"), LISTING_LINK, true},
    {BYTES_LIT("OS.unix=blk-"), LISTING_BLOCK, true},
    {BYTES_LIT("OS.unix=chr-"), LISTING_CHAR, true},
    {BYTES_LIT("OS.unix=fifo"), LISTING_FIFO, false},
    {BYTES_LIT("OS.unix=pipe"), LISTING_FIFO, false},
    {BYTES_LIT("OS.unix=sock"), LISTING_SOCK, false},
    {BYTES_LIT("OS.unix=socket"), LISTING_SOCK, false},
};

static const struct bytes *text_of(const struct fact *fact, const struct listing_entry *entry)
{
    return (const struct bytes *)((const char *)entry + fact->field);
}

static const struct timeval_utc *time_of(const struct fact *fact, const struct listing_entry *entry)
{
    return (const struct timeval_utc *)((const char *)entry + fact->field);
}

static void parse_device(struct bytes numbers, struct listing_entry *out)
{
    uint64_t major;
    uint64_t minor;
    struct bytes left = bytes_cut(&numbers, '/');
    if (!text_u64(left, UINT32_MAX, &major) || !text_u64(numbers, UINT32_MAX, &minor))
        return;
    out->has_device = true;
    out->device_major = (unsigned)major;
    out->device_minor = (unsigned)minor;
}

static void parse_type(struct bytes value, struct listing_entry *out)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        size_t len = types[i].value.len;
        bool fits = types[i].prefix ? value.len > len : value.len == len;
        if (!fits || !text_same(bytes_first(value, len), types[i].value))
            continue;
        out->type = types[i].type;
        if (out->type == LISTING_LINK)
            out->target = bytes_skip(value, len);
        else
            parse_device(bytes_skip(value, len), out);
        return;
    }
}

static void parse_mode(struct bytes value, struct listing_entry *out)
{
    uint64_t mode;
    if (!text_octal(value, 0177777, &mode))
        return;
    out->has_mode = true;
    out->mode = (unsigned)mode & 07777;
}

static void parse_fact(const struct fact *fact, struct bytes value, struct listing_entry *out)
{
    char *field = (char *)out + fact->field;
    struct timeval_utc time = {0};
    switch (fact->kind) {
    case KIND_TYPE:
        parse_type(value, out);
        break;
    case KIND_SIZE:
        listing_set_size(out, value);
        break;
    case KIND_TIME:
        if (timeval_parse(value, &time) == FERRY_OK)
            memcpy(field, &time, sizeof time);
        break;
    case KIND_MODE:
        parse_mode(value, out);
        break;
    case KIND_TEXT:
        memcpy(field, &value, sizeof value);
        break;
    case KIND_EXTRA:
        listing_add(out, fact->extra, value);
        break;
    }
}

static const struct fact *find_fact(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (text_same(table[i].name, name))
            return &table[i];
    }
    return NULL;
}

enum ferry_error facts_parse(struct bytes line, struct listing_entry *out)
{
    *out = (struct listing_entry){0};
    size_t blank = bytes_find(line, ' ');
    if (blank == line.len)
        return FERRY_E_PROTOCOL;

    struct bytes rest = bytes_first(line, blank);
    while (rest.len > 0) {
        struct bytes value = bytes_cut(&rest, ';');
        size_t equals = bytes_find(value, '=');
        struct bytes name = bytes_first(value, equals);
        if (name.len == 0 || equals == value.len)
            return FERRY_E_PROTOCOL;
        const struct fact *fact = find_fact(name);
        if (fact)
            parse_fact(fact, bytes_skip(value, equals + 1), out);
    }
    out->name = bytes_skip(line, blank + 1);
    return FERRY_OK;
}

/* What a value of a fact cannot hold: it would end it, or the facts, or the line. */
static bool fits_fact(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (text_is_control(value.ptr[i]) || value.ptr[i] == ' ' || value.ptr[i] == ';')
            return false;
    }
    return value.len > 0;
}

static bool is_directory(const struct listing_entry *entry)
{
    return entry->type == LISTING_DIR || entry->type == LISTING_CDIR || entry->type == LISTING_PDIR;
}

static bool has_fact(const struct fact *fact, const struct listing_entry *entry)
{
    struct timeval_civil civil;
    switch (fact->kind) {
    case KIND_TYPE:
        return true;
    case KIND_SIZE:
        return entry->size_kind == LISTING_SIZE_EXACT && !is_directory(entry);
    case KIND_TIME:
        return time_of(fact, entry)->precision != TIMEVAL_NONE &&
               timeval_to_civil(time_of(fact, entry), &civil);
    case KIND_MODE:
        return entry->has_mode;
    case KIND_TEXT:
        return fits_fact(*text_of(fact, entry));
    case KIND_EXTRA:
        return false;
    }
    return false;
}

static enum ferry_error format_type(struct buf *out, const struct listing_entry *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].type != entry->type)
            continue;
        enum ferry_error error = buf_append(out, types[i].value);
        if (error == FERRY_OK && types[i].prefix)
            error = buf_printf(out, "%u/%u", entry->device_major, entry->device_minor);
        return error;
    }
    return buf_append(out, BYTES_LIT("OS.unix=other"));
}

static enum ferry_error format_value(struct buf *out, const struct fact *fact,
                                     const struct listing_entry *entry)
{
    struct timeval_utc time;
    switch (fact->kind) {
    case KIND_TYPE:
        return format_type(out, entry);
    case KIND_SIZE:
        return buf_printf(out, "%llu", (unsigned long long)entry->size);
    case KIND_TIME:
        time = *time_of(fact, entry);
        time.precision = TIMEVAL_SECOND; /* FTP-133 */
        return timeval_format(out, &time);
    case KIND_MODE:
        return buf_printf(out, "%04o", entry->mode);
    case KIND_TEXT:
        return buf_append(out, *text_of(fact, entry));
    case KIND_EXTRA:
        break;
    }
    return FERRY_OK;
}

static enum ferry_error format_fact(struct buf *out, const struct fact *fact,
                                    const struct listing_entry *entry)
{
    enum ferry_error error = buf_printf(out, "%.*s=", BYTES_FMT(fact->name));
    if (error == FERRY_OK)
        error = format_value(out, fact, entry);
    return error == FERRY_OK ? buf_append(out, BYTES_LIT(";")) : error;
}

enum ferry_error facts_format(struct buf *out, const struct listing_entry *entry, unsigned facts)
{
    if (bytes_find(entry->name, '\n') < entry->name.len ||
        bytes_find(entry->name, '\0') < entry->name.len)
        return FERRY_E_ARGUMENT;

    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(table) && error == FERRY_OK; i++) {
        if ((table[i].bit & facts) && has_fact(&table[i], entry))
            error = format_fact(out, &table[i], entry);
    }
    if (error == FERRY_OK)
        error = buf_append(out, BYTES_LIT(" "));
    return error == FERRY_OK ? buf_append(out, entry->name) : error;
}

enum ferry_error facts_select(struct bytes argument, unsigned offered, unsigned *facts)
{
    unsigned selected = 0;
    if (argument.len > 0 && argument.ptr[argument.len - 1] != ';')
        return FERRY_E_ARGUMENT;
    while (argument.len > 0) {
        struct bytes name = bytes_cut(&argument, ';');
        if (!fits_fact(name) || bytes_find(name, '=') < name.len)
            return FERRY_E_ARGUMENT;
        const struct fact *fact = find_fact(name);
        if (fact)
            selected |= fact->bit;
    }
    *facts = selected & offered;
    return FERRY_OK;
}

enum ferry_error facts_feature(struct buf *out, unsigned offered, unsigned selected)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(table) && error == FERRY_OK; i++) {
        if (table[i].bit & offered)
            error = buf_printf(out, "%.*s%s;", BYTES_FMT(table[i].name),
                               table[i].bit & selected ? "*" : "");
    }
    return error;
}

enum ferry_error facts_names(struct buf *out, unsigned facts)
{
    return facts_feature(out, facts, 0);
}

enum ferry_error facts_parse_mfmt(struct bytes argument, struct timeval_utc *time,
                                  struct bytes *path)
{
    struct timeval_utc parsed;
    struct bytes rest = argument;
    enum ferry_error error = timeval_parse(bytes_cut(&rest, ' '), &parsed);
    if (error != FERRY_OK || rest.len == 0)
        return FERRY_E_ARGUMENT;
    *time = parsed;
    *path = rest;
    return FERRY_OK;
}
