/* A configuration read from its files: libconfuse parses, its callbacks fill blocks and note
 * mistakes, and go on. */
#include "conf/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/grammar.h"
#include "conf/instance.h"
#include "conf/source.h"

enum { PASSES_MAX = 3 * GRAMMAR_STRANGERS_MAX + 1, PATH_BYTES = 8192, NAMES_MAX = 200 };

struct reader {
    struct conf *conf;
    struct grammar grammar;
    conf_load_fn *load;
    void *ctx;
    unsigned depth; /* of includes */
    bool again;     /* a word was learned: read once more */
    bool ended;     /* the end of the file was come to */
    bool told;      /* why parsing ends was told */
    enum ferry_error error;
    struct fault fault;
    struct conf_instance *current; /* the block that was begun last */
};

/* libconfuse's callbacks are given nothing of ours. */
static struct reader *reading;

static bool fails(struct reader *reader, enum ferry_error error)
{
    if (reader->error == FERRY_OK)
        reader->error = error;
    return error != FERRY_OK;
}

static bool is_outside(const cfg_t *cfg)
{
    return strcmp(cfg->name, "root") == 0;
}

static const struct conf_block *block_of(const struct reader *reader, const cfg_t *cfg)
{
    const struct conf_schema *schema = reader->conf->schema;
    return is_outside(cfg) ? &schema->blocks[0] : conf_schema_block(schema, cfg->name);
}

/* ---- words in no table ---- */

/* What may stand there: directives and, outside of blocks, blocks. Returns how many. */
static size_t words_for(const struct reader *reader, const struct conf_block *block,
                        const char *words[NAMES_MAX])
{
    const struct conf_schema *schema = reader->conf->schema;
    size_t count = 0;
    for (size_t i = 0; i < block->count && count < NAMES_MAX; i++)
        words[count++] = block->directives[i].name;
    for (size_t i = 1; !block->name && i < schema->count && count < NAMES_MAX; i++)
        words[count++] = schema->blocks[i].name;
    if (!block->name && count < NAMES_MAX)
        words[count++] = GRAMMAR_INCLUDE;
    return count;
}

/* The block that has the directive, other than `here`. */
static const struct conf_block *other_home(const struct reader *reader,
                                           const struct conf_block *here, const char *name)
{
    const struct conf_schema *schema = reader->conf->schema;
    for (size_t i = 0; i < schema->count; i++)
        if (&schema->blocks[i] != here && conf_schema_directive(&schema->blocks[i], name))
            return &schema->blocks[i];
    return NULL;
}

static void tell_unknown(struct reader *reader, const cfg_t *cfg, const char *what,
                         const char *name)
{
    struct check *check = &reader->conf->check;
    const struct conf_block *here = block_of(reader, cfg);
    here = here ? here : &reader->conf->schema->blocks[0];
    const struct conf_block *home = other_home(reader, here, name);
    const char *words[NAMES_MAX];
    size_t count = words_for(reader, here, words);
    size_t nearest = check_nearest(bytes_str(name), words, count);
    unsigned line = (unsigned)cfg->line;
    if (home)
        check_add(check, cfg->filename, line, "%s does not belong here, but %s %s", name,
                  home->name ? "into a block" : "outside of blocks", home->name ? home->name : "");
    else if (nearest < count)
        check_add(check, cfg->filename, line, "there is no %s %s; did you mean %s?", what, name,
                  words[nearest]);
    else
        check_add(check, cfg->filename, line, "there is no %s %s", what, name);
}

/* ---- what libconfuse calls ---- */

static int on_begin(struct reader *reader, cfg_t *cfg)
{
    const struct conf_block *block = block_of(reader, cfg);
    if (!block) {
        tell_unknown(reader, cfg, "block", cfg->name);
        return 0;
    }
    enum ferry_error error =
        instance_add(reader->conf, block, cfg->title ? cfg->title : "", cfg->filename,
                     (unsigned)cfg->line, &reader->current, &reader->fault);
    return fails(reader, error) ? -1 : 0;
}

static int on_end(struct reader *reader, cfg_t *cfg)
{
    reader->ended = true;
    if (is_outside(cfg))
        return 0;
    struct check *check = &reader->conf->check;
    if (block_of(reader, cfg))
        check_add(check, reader->current->file, reader->current->line,
                  "%s \"%s\" is not closed: } is missing", cfg->name, reader->current->label);
    else
        check_add(check, cfg->filename, (unsigned)cfg->line, "%s is not closed: } is missing",
                  cfg->name);
    reader->told = true;
    return -1;
}

static int parse_file(struct reader *reader, cfg_t *cfg, const char *path, struct fault *fault);

static int on_include(struct reader *reader, cfg_t *cfg, const char *value)
{
    struct check *check = &reader->conf->check;
    struct bytes folder = source_folder(cfg->filename);
    char path[PATH_BYTES];
    int len = value[0] == '/' || folder.len == 0
                  ? snprintf(path, sizeof(path), "%s", value)
                  : snprintf(path, sizeof(path), "%.*s/%s", BYTES_FMT(folder), value);
    if (len >= (int)sizeof(path) || reader->depth >= CONF_INCLUDES_MAX) {
        check_add(check, cfg->filename, (unsigned)cfg->line, "include: %s",
                  reader->depth >= CONF_INCLUDES_MAX ? "files include each other too deeply"
                                                     : "the path is too long");
        return 0;
    }
    char *file = cfg->filename;
    int line = cfg->line;
    struct fault fault = {0};
    reader->depth++;
    int status = parse_file(reader, cfg, path, &fault);
    reader->depth--;
    cfg->filename = file;
    cfg->line = line;
    if (fault_is_set(&fault))
        check_add(check, file, (unsigned)line, "include %s: %s", value, fault.what);
    return status;
}

static int on_directive(struct reader *reader, cfg_t *cfg, const cfg_opt_t *opt, const char *value)
{
    const struct conf_block *block = block_of(reader, cfg);
    bool first = opt->nvalues == 1;
    if (!block)
        return 0; /* the block itself was told of */
    if (strcmp(value, GRAMMAR_END) == 0) {
        check_add(&reader->conf->check, cfg->filename, (unsigned)cfg->line - 1,
                  "the file ends in the middle of %s", opt->name);
        reader->told = true;
        return -1;
    }
    const struct conf_directive *directive = conf_schema_directive(block, opt->name);
    if (!directive) {
        if (first)
            tell_unknown(reader, cfg, "directive", opt->name);
        return 0;
    }
    struct conf_instance *instance =
        block->name ? reader->current : STAILQ_FIRST(&reader->conf->instances);
    enum ferry_error error = instance_set(reader->conf, instance, directive, cfg->filename,
                                          (unsigned)cfg->line, value, first);
    return fails(reader, error) ? -1 : 0;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    *(const char **)result = ""; /* libconfuse's own tree is not looked at */
    if (strcmp(opt->name, GRAMMAR_BEGIN) == 0)
        return on_begin(reading, cfg);
    if (strcmp(opt->name, GRAMMAR_END) == 0)
        return on_end(reading, cfg);
    if (is_outside(cfg) && strcmp(opt->name, GRAMMAR_INCLUDE) == 0)
        return on_include(reading, cfg, value);
    return on_directive(reading, cfg, opt, value);
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct reader *reader = reading;
    va_list copy;
    va_copy(copy, args);
    reader->again = !reader->again && grammar_learn(&reader->grammar, cfg, format, copy);
    va_end(copy);
    if (reader->again || reader->told || reader->error != FERRY_OK)
        return;
    char text[FAULT_TEXT_BYTES];
    vsnprintf(text, sizeof(text), format, args);
    check_add(&reader->conf->check, cfg->filename, (unsigned)cfg->line, "syntax: %s", text);
    reader->told = true;
}

/* ---- passes ---- */

/* Returns 0, or -1 if parsing must end. A file that cannot be read is told of in `fault`. */
static int parse_file(struct reader *reader, cfg_t *cfg, const char *path, struct fault *fault)
{
    static const struct bytes end = BYTES_LIT("\n" GRAMMAR_END " = x\n");
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, SOURCE_CAP_BYTES);
    enum ferry_error error =
        source_read(path, reader->load, reader->ctx, end, &reader->conf->check, &text, fault);
    if (error == FERRY_E_MEMORY)
        return fails(reader, error) ? -1 : 0;
    if (error != FERRY_OK)
        return 0;
    struct bytes view = buf_view(&text);
    FILE *file = fmemopen((void *)(uintptr_t)view.ptr, view.len, "r");
    char *name = strdup(path);
    cfg->filename = name;
    reader->ended = false;
    int status = CFG_PARSE_ERROR;
    if (file && name)
        status = cfg_parse_fp(cfg, file);
    else
        fails(reader, FERRY_E_MEMORY);
    if (file)
        fclose(file);
    if (status == CFG_SUCCESS && !reader->ended)
        check_add(&reader->conf->check, path, 0, "a comment is not closed: */ is missing");
    free(name);
    cfg->filename = NULL;
    return status == CFG_SUCCESS ? 0 : -1;
}

static void clear(struct conf *conf)
{
    struct conf_instance *instance;
    while ((instance = STAILQ_FIRST(&conf->instances))) {
        STAILQ_REMOVE_HEAD(&conf->instances, link);
        instance_free(instance);
    }
    conf->count = 0;
    check_fini(&conf->check);
}

static void check_required(struct conf *conf, const struct conf_instance *instance)
{
    for (size_t i = 0; i < instance->block->count; i++) {
        const struct conf_directive *directive = &instance->block->directives[i];
        if (directive->required && !instance->given[i].file)
            conf_mistake(conf, instance, NULL, "%s \"%s\" lacks %s (%s)",
                         instance->block->name ? instance->block->name : "the file",
                         instance->label, directive->name,
                         conf_schema_type_text(directive->type));
    }
}

/* Reads all once. */
static void pass(struct reader *reader, const char *path)
{
    struct conf *conf = reader->conf;
    reader->again = false;
    reader->told = false;
    clear(conf);
    struct fault fault = {0};
    enum ferry_error error = instance_add(conf, &conf->schema->blocks[0], "", path, 0,
                                          &reader->current, &reader->fault);
    cfg_t *cfg = error == FERRY_OK ? grammar_parser(&reader->grammar) : NULL;
    if (!cfg) {
        fails(reader, error == FERRY_OK ? FERRY_E_MEMORY : error);
        return;
    }
    cfg_set_error_function(cfg, on_error);
    reading = reader;
    int status = parse_file(reader, cfg, path, &fault);
    reading = NULL;
    cfg_free(cfg);
    if (fault_is_set(&fault))
        check_add(&conf->check, path, 0, "%s", fault.what);
    const struct conf_instance *instance;
    STAILQ_FOREACH (instance, &conf->instances, link)
        if (status == 0 && !fault_is_set(&fault))
            check_required(conf, instance);
}

/* Told in words if it is no matter of memory. */
static enum ferry_error outcome(struct reader *reader, const char *path)
{
    if (reader->grammar.memory_short || reader->conf->check.memory_short)
        return FERRY_E_MEMORY;
    if (reader->error == FERRY_E_LIMIT)
        check_add(&reader->conf->check, path, 0, "%s", reader->fault.what);
    else if (reader->error != FERRY_OK)
        return reader->error;
    if (reader->again)
        check_add(&reader->conf->check, path, 0, "too many words are unknown: the rest is unread");
    return FERRY_OK;
}

enum ferry_error conf_read(const struct conf_schema *schema, const char *path, conf_load_fn *load,
                           void *ctx, struct conf **out)
{
    struct conf *conf = alloc_zero(sizeof(*conf));
    if (!conf)
        return FERRY_E_MEMORY;
    conf->schema = schema;
    STAILQ_INIT(&conf->instances);
    check_init(&conf->check);
    struct reader reader = {.conf = conf, .load = load, .ctx = ctx};
    grammar_init(&reader.grammar, schema, on_value);
    unsigned passes = 0;
    do
        pass(&reader, path);
    while (reader.again && reader.error == FERRY_OK && ++passes < PASSES_MAX);
    enum ferry_error error = outcome(&reader, path);
    grammar_fini(&reader.grammar);
    if (error != FERRY_OK) {
        conf_free(conf);
        return error;
    }
    *out = conf;
    return FERRY_OK;
}

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    clear(conf);
    alloc_free(conf);
}

void conf_drop(struct conf **conf)
{
    conf_free(*conf);
    *conf = NULL;
}
