/* One value of a directive. */
#include "conf/value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "conf/check.h"

enum { WORDS_MAX = 32, MAPPED_BITS = 96 /* of ::ffff:0:0/96 */ };

/* ---- words ---- */

static const struct conf_word flag_words[] = {
    {"yes", 1}, {"no", 0}, {"on", 1}, {"off", 0}, {"true", 1}, {"false", 0}, {NULL, 0},
};

static enum ferry_error no_word(const struct conf_word *words, struct bytes text,
                                struct fault *fault)
{
    char all[FAULT_TEXT_BYTES] = "";
    const char *names[WORDS_MAX] = {0};
    size_t count = 0;
    for (; words[count].word && count < WORDS_MAX; count++) {
        size_t used = strlen(all);
        names[count] = words[count].word;
        snprintf(all + used, sizeof(all) - used, "%s%s", count > 0 ? ", " : "", names[count]);
    }
    size_t nearest = check_nearest(text, names, count);
    if (nearest < count)
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is none of %s; did you mean %s?",
                         BYTES_FMT(text), all, names[nearest]);
    return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is none of %s", BYTES_FMT(text), all);
}

static enum ferry_error find_word(const struct conf_word *words, struct bytes text, int *out,
                                  struct fault *fault)
{
    for (size_t i = 0; words[i].word; i++) {
        if (bytes_equal(bytes_str(words[i].word), text)) {
            *out = words[i].value;
            return FERRY_OK;
        }
    }
    return no_word(words, text, fault);
}

/* ---- numbers ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit duration_units[] = {
    {"d", 86400 * CLOCK_NS_PER_S}, {"h", 3600 * CLOCK_NS_PER_S}, {"min", 60 * CLOCK_NS_PER_S},
    {"s", CLOCK_NS_PER_S},         {"ms", CLOCK_NS_PER_MS},      {NULL, 0},
};
static const struct unit size_units[] = {
    {"T", UINT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}, {NULL, 0},
};

static const struct unit *units_of(enum conf_type type)
{
    if (type == CONF_DURATION)
        return duration_units;
    return type == CONF_SIZE ? size_units : no_units;
}

void value_limit_text(const struct conf_directive *directive, uint64_t limit,
                      char out[VALUE_LIMIT_BYTES])
{
    const struct unit *unit = units_of(directive->type);
    while (unit[1].name && (limit < unit->factor || limit % unit->factor != 0) &&
           !(limit == 0 && unit->factor == CLOCK_NS_PER_S))
        unit++;
    snprintf(out, VALUE_LIMIT_BYTES, "%llu%s", (unsigned long long)(limit / unit->factor),
             unit->name);
}

static enum ferry_error check_range(const struct conf_directive *directive, struct bytes text,
                                    uint64_t value, struct fault *fault)
{
    if ((directive->min == 0 && directive->max == 0) ||
        (value >= directive->min && value <= directive->max))
        return FERRY_OK;
    char min[VALUE_LIMIT_BYTES];
    char max[VALUE_LIMIT_BYTES];
    value_limit_text(directive, directive->min, min);
    value_limit_text(directive, directive->max, max);
    return fault_set(fault, FERRY_E_ARGUMENT, "%.*s is not between %s and %s", BYTES_FMT(text), min,
                     max);
}

static enum ferry_error no_value(const struct conf_directive *directive, struct bytes text,
                                 struct fault *fault)
{
    return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is not %s", BYTES_FMT(text),
                     conf_schema_type_text(directive->type));
}

/* A number, or one of the words that stand for one. */
static enum ferry_error read_number(const struct conf_directive *directive, struct bytes text,
                                    uint64_t *out, struct fault *fault)
{
    size_t digits = 0;
    while (digits < text.len && text_is_digit(text.ptr[digits]))
        digits++;
    int of_word = 0;
    if (digits == 0 && directive->words) {
        enum ferry_error found = find_word(directive->words, text, &of_word, fault);
        *out = found == FERRY_OK ? (uint64_t)of_word : *out;
        return found;
    }
    struct bytes suffix = text_trim(bytes_skip(text, digits));
    const struct unit *unit = units_of(directive->type);
    while (unit->name && !text_same(suffix, bytes_str(unit->name)))
        unit++;
    if (!unit->name || digits == 0)
        return no_value(directive, text, fault);
    uint64_t number;
    if (!text_u64(bytes_first(text, digits), UINT64_MAX / unit->factor, &number))
        return fault_set(fault, FERRY_E_ARGUMENT, "%.*s is too large", BYTES_FMT(text));
    enum ferry_error error = check_range(directive, text, number * unit->factor, fault);
    if (error == FERRY_OK)
        *out = number * unit->factor;
    return error;
}

/* ---- addresses ---- */

/* Returns the length of the raw form, 0 if it is no numeric address. */
static uint8_t raw_address(struct bytes text, uint8_t out[16])
{
    char copy[sizeof(((struct conf_address *)0)->text)];
    if (text.len == 0 || text.len >= sizeof(copy))
        return 0;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, out) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, out) == 1 ? 16 : 0;
}

static bool read_address(struct bytes text, struct conf_address *out)
{
    uint8_t raw[16];
    if (raw_address(text, raw) == 0)
        return false;
    memcpy(out->text, text.ptr, text.len);
    out->text[text.len] = '\0';
    return true;
}

static bool read_port(struct bytes text, uint16_t *out)
{
    uint64_t port;
    if (!text_u64(text, UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool read_endpoint(struct bytes text, struct conf_endpoint *out)
{
    bool bracket = bytes_starts(text, BYTES_LIT("["));
    struct bytes rest = bytes_skip(text, bracket ? 1 : 0);
    struct bytes host = bytes_cut(&rest, bracket ? ']' : ':');
    if (bracket && !bytes_starts(rest, BYTES_LIT(":")))
        return false;
    struct conf_endpoint found = {0};
    bool v6 = bytes_find(host, ':') < host.len;
    if (v6 != bracket || !read_address(host, &found.address) ||
        !read_port(bytes_skip(rest, bracket ? 1 : 0), &found.port))
        return false;
    *out = found;
    return true;
}

static bool read_ports(struct bytes text, struct conf_ports *out)
{
    struct bytes high = text;
    struct bytes low = bytes_cut(&high, '-');
    struct conf_ports found;
    if (!read_port(low, &found.low) || !read_port(high, &found.high) || found.low == 0 ||
        found.low > found.high)
        return false;
    *out = found;
    return true;
}

/* ---- networks ---- */

/* Whether all bits of `bytes` behind the prefix are 0. */
static bool is_network(const struct conf_network *network)
{
    for (unsigned bit = network->prefix_bits; bit < network->len * 8U; bit++)
        if (network->bytes[bit / 8] & (0x80U >> bit % 8))
            return false;
    return true;
}

static bool read_network(struct bytes text, struct conf_network *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct bytes prefix = text;
    struct bytes host = bytes_cut(&prefix, '/');
    out->len = raw_address(host, out->bytes);
    uint64_t bits = out->len * 8U;
    if (out->len == 0 || (host.len < text.len && !text_u64(prefix, bits, &bits)))
        return false;
    out->prefix_bits = (uint8_t)bits;
    bool right = is_network(out);
    if (out->len == 16 && bits >= MAPPED_BITS && memcmp(out->bytes, mapped, sizeof(mapped)) == 0) {
        memmove(out->bytes, out->bytes + sizeof(mapped), 4);
        memset(out->bytes + 4, 0, sizeof(out->bytes) - 4);
        out->len = 4;
        out->prefix_bits = (uint8_t)(bits - MAPPED_BITS);
    }
    return right;
}

static enum ferry_error add_network(const struct conf_directive *directive, struct bytes text,
                                    struct conf_networks *networks, struct fault *fault)
{
    struct conf_network network = {0};
    if (!read_network(text, &network))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "\"%.*s\" is none of %s (no bit may be set behind the prefix)",
                         BYTES_FMT(text), conf_schema_type_text(directive->type));
    if (networks->count >= VALUE_LIST_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "more than %d networks", VALUE_LIST_MAX);
    struct conf_network *list =
        alloc_resize(networks->list, networks->count + 1, sizeof(*networks->list));
    if (!list)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a network");
    networks->list = list;
    list[networks->count++] = network;
    return FERRY_OK;
}

/* ---- texts ---- */

static enum ferry_error set_text(struct bytes text, char **field, struct fault *fault)
{
    char *copy = alloc_bytes(text);
    if (!copy)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a text");
    alloc_free(*field);
    *field = copy;
    return FERRY_OK;
}

static enum ferry_error set_path(struct bytes text, struct bytes folder, char **field,
                                 struct fault *fault)
{
    if (text.len == 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "the path is empty");
    if (text.ptr[0] == '/' || folder.len == 0)
        return set_text(text, field, fault);
    CLEANUP(buf_fini) struct buf path;
    buf_init(&path, 2 * VALUE_MAX_BYTES + 1);
    enum ferry_error error = buf_printf(&path, "%.*s/%.*s", BYTES_FMT(folder), BYTES_FMT(text));
    if (error != FERRY_OK)
        return fault_set(fault, error, "the path is too long");
    return set_text(buf_view(&path), field, fault);
}

static enum ferry_error add_text(struct bytes text, struct conf_texts *texts, struct fault *fault)
{
    if (texts->count >= VALUE_LIST_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "more than %d texts", VALUE_LIST_MAX);
    char **list = alloc_resize(texts->list, texts->count + 1, sizeof(*texts->list));
    if (!list)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a text");
    texts->list = list;
    list[texts->count] = NULL;
    enum ferry_error error = set_text(text, &list[texts->count], fault);
    if (error == FERRY_OK)
        texts->count++;
    return error;
}

/* ---- all types ---- */

static enum ferry_error read_words(const struct conf_directive *directive, struct bytes text,
                                   void *field, struct fault *fault)
{
    int value = 0;
    const struct conf_word *words = directive->words ? directive->words : flag_words;
    enum ferry_error error = find_word(words, text, &value, fault);
    if (error != FERRY_OK)
        return error;
    if (directive->type == CONF_FLAG)
        *(bool *)field = value != 0;
    else if (directive->type == CONF_WORD)
        memcpy(field, &value, sizeof(value));
    else
        *(uint32_t *)field |= (uint32_t)value;
    return FERRY_OK;
}

static bool has_control(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text_is_control(text.ptr[i]))
            return true;
    return false;
}

enum ferry_error value_read(const struct conf_directive *directive, struct bytes text,
                            struct bytes folder, void *field, struct fault *fault)
{
    bool right = true;
    if (text.len > VALUE_MAX_BYTES)
        return fault_set(fault, FERRY_E_LIMIT, "it is longer than %d bytes", VALUE_MAX_BYTES);
    if (has_control(text))
        return fault_set(fault, FERRY_E_ARGUMENT, "it holds a control character");
    switch (directive->type) {
    case CONF_FLAG:
    case CONF_WORD:
    case CONF_WORDS:
        return read_words(directive, text, field, fault);
    case CONF_UNSIGNED:
    case CONF_DURATION:
    case CONF_SIZE:
        return read_number(directive, text, field, fault);
    case CONF_TEXT:
        return set_text(text, field, fault);
    case CONF_PATH:
        return set_path(text, folder, field, fault);
    case CONF_TEXTS:
        return add_text(text, field, fault);
    case CONF_NETWORKS:
        return add_network(directive, text, field, fault);
    case CONF_ADDRESS:
        right = read_address(text, field);
        break;
    case CONF_ENDPOINT:
        right = read_endpoint(text, field);
        break;
    case CONF_PORT:
        right = read_port(text, field) && *(uint16_t *)field != 0;
        break;
    case CONF_PORTS:
        right = read_ports(text, field);
        break;
    }
    return right ? FERRY_OK : no_value(directive, text, fault);
}

enum ferry_error value_read_fallback(const struct conf_directive *directive, void *field,
                                     struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    struct bytes rest = bytes_str(directive->fallback);
    if (!conf_schema_is_list(directive->type))
        return directive->fallback ? value_read(directive, rest, (struct bytes){0}, field, fault)
                                   : FERRY_OK;
    while (error == FERRY_OK && rest.len > 0)
        error = value_read(directive, text_trim(bytes_cut(&rest, ',')), (struct bytes){0}, field,
                           fault);
    return error;
}

void value_clear(const struct conf_directive *directive, void *field)
{
    switch (directive->type) {
    case CONF_TEXT:
    case CONF_PATH:
        alloc_free_str(field);
        break;
    case CONF_NETWORKS: {
        struct conf_networks *networks = field;
        alloc_free(networks->list);
        *networks = (struct conf_networks){0};
        break;
    }
    case CONF_TEXTS: {
        struct conf_texts *texts = field;
        for (size_t i = 0; i < texts->count; i++)
            alloc_free(texts->list[i]);
        alloc_free(texts->list);
        *texts = (struct conf_texts){0};
        break;
    }
    case CONF_WORDS:
        *(uint32_t *)field = 0;
        break;
    case CONF_FLAG:
    case CONF_WORD:
    case CONF_UNSIGNED:
    case CONF_DURATION:
    case CONF_SIZE:
    case CONF_ADDRESS:
    case CONF_ENDPOINT:
    case CONF_PORT:
    case CONF_PORTS:
        break;
    }
}
