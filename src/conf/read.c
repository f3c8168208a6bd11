/* A configuration read from its files: libconfuse parses, its callbacks fill blocks and note
 * mistakes, and go on. */
#include "conf/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/grammar.h"
#include "conf/instance.h"
#include "conf/source.h"
#include "conf/value.h"

enum { PASSES_MAX = 3 * GRAMMAR_STRANGERS_MAX + 1, NAMES_MAX = 200 };

/* A file that is to be read when the one that asks for it is done: the order of files does not
 * matter, since nothing may be set twice. */
struct wanted {
    STAILQ_ENTRY(wanted) link;
    char *path;
    char *file; /* that asks for it; NULL: the command line does */
    unsigned line;
};

struct reader {
    struct conf *conf;
    struct grammar grammar;
    conf_load_fn *load;
    void *ctx;
    STAILQ_HEAD(, wanted) files;
    unsigned count; /* of files */
    bool again;     /* a word was learned: read once more */
    bool ended;     /* the end of the file was come to */
    bool told;      /* why parsing ends was told */
    unsigned line;  /* of the last value */
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
    if (home && home->name)
        check_add(check, cfg->filename, line, "%s belongs into %s blocks", name, home->name);
    else if (home)
        check_add(check, cfg->filename, line, "%s belongs outside of blocks", name);
    else if (nearest < count)
        check_add(check, cfg->filename, line, "there is no %s %s; did you mean %s?", what, name,
                  words[nearest]);
    else
        check_add(check, cfg->filename, line, "there is no %s %s", what, name);
}

/* ---- what libconfuse calls ---- */

/* Cannot end the parsing, for libconfuse would abort the program: what comes next does. */
static void on_begin(struct reader *reader, cfg_t *cfg)
{
    const struct conf_block *block = block_of(reader, cfg);
    if (!block) {
        tell_unknown(reader, cfg, "block", cfg->name);
        return;
    }
    enum ferry_error error =
        instance_add(reader->conf, block, cfg->title ? cfg->title : "", cfg->filename,
                     (unsigned)cfg->line, &reader->current, &reader->fault);
    fails(reader, error);
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

/* Keeps a file in mind, unless it was asked for already. */
static enum ferry_error want(struct reader *reader, const char *path, const char *file,
                             unsigned line)
{
    struct check *check = &reader->conf->check;
    const struct wanted *other;
    STAILQ_FOREACH (other, &reader->files, link) {
        if (strcmp(other->path, path) == 0) {
            check_add(check, file, line, "include: %s is read already", path);
            return FERRY_OK;
        }
    }
    if (reader->count++ >= CONF_FILES_MAX) {
        check_add(check, file, line, "include: there are more than %d files", CONF_FILES_MAX);
        return FERRY_OK;
    }
    struct wanted *wanted = alloc_zero(sizeof(*wanted));
    if (!wanted)
        return FERRY_E_MEMORY;
    STAILQ_INSERT_TAIL(&reader->files, wanted, link);
    wanted->path = alloc_str(path);
    wanted->file = file ? alloc_str(file) : NULL;
    wanted->line = line;
    return wanted->path && (wanted->file || !file) ? FERRY_OK : FERRY_E_MEMORY;
}

static int on_include(struct reader *reader, const cfg_t *cfg, const char *value)
{
    static const struct conf_directive include = {.type = CONF_PATH};
    CLEANUP(alloc_free_str) char *path = NULL;
    struct fault fault = {0};
    enum ferry_error error =
        value_read(&include, bytes_str(value), source_folder(cfg->filename), &path, &fault);
    if (error == FERRY_OK)
        error = want(reader, path, cfg->filename, (unsigned)cfg->line);
    else if (error != FERRY_E_MEMORY)
        check_add(&reader->conf->check, cfg->filename, (unsigned)cfg->line, "include: %s",
                  fault.what);
    return error == FERRY_E_MEMORY && fails(reader, error) ? -1 : 0;
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
    reading->line = (unsigned)cfg->line;
    if (strcmp(opt->name, GRAMMAR_BEGIN) == 0) {
        on_begin(reading, cfg);
        return 0;
    }
    if (reading->error != FERRY_OK)
        return -1;
    if (strcmp(opt->name, GRAMMAR_END) == 0)
        return on_end(reading, cfg);
    if (is_outside(cfg) && strcmp(opt->name, GRAMMAR_INCLUDE) == 0)
        return on_include(reading, cfg, value);
    return on_directive(reading, cfg, opt, value);
}

/* What is open swallows the end that was put behind the text. */
static void tell_unclosed(struct reader *reader, const char *file)
{
    check_add(&reader->conf->check, file, reader->line,
              "here or below, a quote or a comment is not closed");
}

static void on_error(cfg_t *cfg, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct reader *reader = reading;
    va_list copy;
    va_copy(copy, args);
    reader->again = grammar_learn(&reader->grammar, cfg, format, copy);
    va_end(copy);
    if (reader->again || reader->told || reader->error != FERRY_OK)
        return;
    reader->told = true;
    if (strcmp(format, "premature end of file") == 0) {
        tell_unclosed(reader, cfg->filename);
        return;
    }
    char text[FAULT_TEXT_BYTES];
    vsnprintf(text, sizeof(text), format, args);
    check_add(&reader->conf->check, cfg->filename, (unsigned)cfg->line, "syntax: %s", text);
}

/* ---- passes ---- */

/* `name = {}`, of which libconfuse tells nothing but that it changed something; the line is where
 * the block ends. */
static void tell_empty_lists(struct reader *reader, const cfg_t *cfg)
{
    for (unsigned i = 0; cfg->opts[i].name; i++) {
        cfg_opt_t *opt = &cfg->opts[i];
        for (unsigned k = 0; opt->type == CFGT_SEC && k < cfg_opt_size(opt); k++)
            tell_empty_lists(reader, cfg_opt_getnsec(opt, k));
        if (opt->type == CFGT_STR && cfg_opt_size(opt) == 0 && (opt->flags & CFGF_MODIFIED))
            check_add(&reader->conf->check, cfg->filename,
                      is_outside(cfg) ? 0 : (unsigned)cfg->line, "%s is given no value", opt->name);
    }
}

/* Has libconfuse parse a text. Returns whether its end was come to. */
static bool parse(struct reader *reader, const char *path, struct bytes text)
{
    cfg_t *cfg = grammar_parser(&reader->grammar);
    FILE *file = cfg ? fmemopen((void *)(uintptr_t)text.ptr, text.len, "r") : NULL;
    char *name = file ? strdup(path) : NULL;
    int status = CFG_PARSE_ERROR;
    if (name) {
        cfg_set_error_function(cfg, on_error);
        cfg->filename = name; /* libconfuse frees it */
        reader->ended = reader->told = false;
        reader->line = 1;
        status = cfg_parse_fp(cfg, file);
        if (status == CFG_SUCCESS && reader->ended)
            tell_empty_lists(reader, cfg);
    } else {
        fails(reader, FERRY_E_MEMORY);
    }
    if (file)
        fclose(file);
    if (cfg)
        cfg_free(cfg);
    if (status == CFG_SUCCESS && !reader->ended)
        tell_unclosed(reader, path);
    return status == CFG_SUCCESS && reader->ended;
}

/* Returns whether all of it was read. */
static bool read_file(struct reader *reader, const struct wanted *wanted)
{
    static const struct bytes end = BYTES_LIT("\n" GRAMMAR_END " = x\n");
    struct check *check = &reader->conf->check;
    struct fault fault = {0};
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, SOURCE_CAP_BYTES);
    enum ferry_error error =
        source_read(wanted->path, reader->load, reader->ctx, end, check, &text, &fault);
    if (error == FERRY_OK)
        return parse(reader, wanted->path, buf_view(&text));
    if (error == FERRY_E_MEMORY)
        fails(reader, error);
    else if (wanted->file)
        check_add(check, wanted->file, wanted->line, "include %s: %s", wanted->path, fault.what);
    else
        check_add(check, wanted->path, 0, "%s", fault.what);
    return false;
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
                         instance->label, directive->name, conf_schema_type_text(directive->type));
    }
}

static void forget_files(struct reader *reader)
{
    struct wanted *wanted;
    while ((wanted = STAILQ_FIRST(&reader->files))) {
        STAILQ_REMOVE_HEAD(&reader->files, link);
        alloc_free(wanted->path);
        alloc_free(wanted->file);
        alloc_free(wanted);
    }
    reader->count = 0;
}

/* Reads all files once, until a word is learned. */
static void pass(struct reader *reader, const char *path)
{
    struct conf *conf = reader->conf;
    reader->again = false;
    clear(conf);
    forget_files(reader);
    enum ferry_error error =
        instance_add(conf, &conf->schema->blocks[0], "", path, 0, &reader->current, &reader->fault);
    if (error == FERRY_OK)
        error = want(reader, path, NULL, 0);
    fails(reader, error);
    bool whole = true;
    const struct wanted *wanted;
    STAILQ_FOREACH (wanted, &reader->files, link)
        if (!reader->again && reader->error == FERRY_OK)
            whole &= read_file(reader, wanted);
    const struct conf_instance *instance;
    STAILQ_FOREACH (instance, &conf->instances, link)
        if (whole)
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
    STAILQ_INIT(&reader.files);
    reading = &reader;
    unsigned passes = 0;
    do
        pass(&reader, path);
    while (reader.again && reader.error == FERRY_OK && ++passes < PASSES_MAX);
    reading = NULL;
    enum ferry_error error = outcome(&reader, path);
    forget_files(&reader);
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
