/* conf/read (SEC-95): any bytes as a configuration file that may include itself. What is told of it
 * is visible text, and what holds is read again as the same. */
#include "fuzz/fuzz.h"

#include "base/text.h"
#include "conf/print.h"
#include "conf/read.h"

static const struct conf_word colors[] = {{"red", 0}, {"green", 1}, {NULL, 0}};

struct values {
    bool flag;
    int word;
    uint32_t words;
    uint64_t number, duration, size;
    char *text, *path;
    struct conf_address address;
    struct conf_ports ports;
    struct conf_networks networks;
    struct conf_texts texts;
};

struct door {
    struct conf_endpoint at;
    uint64_t number;
};

static const struct conf_directive rows[] = {
    {.name = "flag", .type = CONF_FLAG, CONF_AT(values, flag)},
    {.name = "word", .type = CONF_WORD, CONF_AT(values, word), .words = colors},
    {.name = "words", .type = CONF_WORDS, CONF_AT(values, words), .words = colors},
    {.name = "number", .type = CONF_UNSIGNED, CONF_AT(values, number), .max = 9},
    {.name = "duration", .type = CONF_DURATION, CONF_AT(values, duration)},
    {.name = "size", .type = CONF_SIZE, CONF_AT(values, size)},
    {.name = "text", .type = CONF_TEXT, CONF_AT(values, text)},
    {.name = "path", .type = CONF_PATH, CONF_AT(values, path)},
    {.name = "address", .type = CONF_ADDRESS, CONF_AT(values, address)},
    {.name = "ports", .type = CONF_PORTS, CONF_AT(values, ports)},
    {.name = "networks", .type = CONF_NETWORKS, CONF_AT(values, networks)},
    {.name = "texts", .type = CONF_TEXTS, CONF_AT(values, texts)},
};

static const struct conf_directive door_rows[] = {
    {.name = "number", .type = CONF_UNSIGNED, CONF_AT(door, number), .required = true},
};

static const struct conf_block blocks[] = {
    {.size_bytes = sizeof(struct values), .directives = rows, .count = ARRAY_LEN(rows)},
    {.name = "door",
     .label = {.name = "AT", .type = CONF_ENDPOINT, CONF_AT(door, at)},
     .size_bytes = sizeof(struct door),
     .directives = door_rows,
     .count = ARRAY_LEN(door_rows)},
};

static const struct conf_schema schema = {.blocks = blocks, .count = ARRAY_LEN(blocks)};

/* Whatever is included is the same text. */
static enum ferry_error load(void *ctx, const char *path, struct buf *out, struct fault *fault)
{
    const struct bytes *text = ctx;
    if (bytes_str(path).len > 8)
        return fault_set(fault, FERRY_E_NOT_FOUND, "there is none");
    return buf_append(out, *text);
}

static struct conf *read_text(struct bytes text)
{
    struct conf *conf = NULL;
    must(conf_read(&schema, "main", load, &text, &conf) == FERRY_OK);
    return conf;
}

static void check_mistakes(const struct conf *conf)
{
    CLEANUP(buf_fini) struct buf said;
    buf_init(&said, PRINT_MAX_BYTES);
    must(check_print(&conf->check, &said) == FERRY_OK);
    struct bytes view = buf_view(&said);
    for (size_t i = 0; i < view.len; i++)
        must(view.ptr[i] == '\n' || !text_is_control(view.ptr[i]));
}

static void print_all(const struct conf *conf, struct buf *out)
{
    const struct conf_instance *instance;
    STAILQ_FOREACH (instance, &conf->instances, link)
        must(print_effective(instance, PRINT_SECRETS, out) == FERRY_OK);
}

/* What was read without a mistake from one file. */
static void check_again(const struct conf *conf)
{
    CLEANUP(buf_fini) struct buf first;
    buf_init(&first, PRINT_MAX_BYTES);
    print_all(conf, &first);
    CLEANUP(conf_drop) struct conf *again = read_text(buf_view(&first));
    must(again->check.count == 0);
    must(again->count == conf->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(conf_drop) struct conf *conf = read_text(bytes_of(data, size));
    check_mistakes(conf);
    if (conf->check.count == 0)
        check_again(conf);
    return 0;
}
