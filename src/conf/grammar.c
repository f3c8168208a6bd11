/* The schema as libconfuse's tables. */
#include "conf/grammar.h"

#include <string.h>

#include "base/alloc.h"

enum { NESTING_MAX = 4 /* of blocks in no table */ };

static const char outside[] = "root"; /* libconfuse's name for what is in no section */

void grammar_init(struct grammar *grammar, const struct conf_schema *schema,
                  cfg_callback_t on_value)
{
    *grammar = (struct grammar){.schema = schema, .on_value = on_value};
    STAILQ_INIT(&grammar->strangers);
}

void grammar_fini(struct grammar *grammar)
{
    struct stranger *stranger;
    while ((stranger = STAILQ_FIRST(&grammar->strangers))) {
        STAILQ_REMOVE_HEAD(&grammar->strangers, link);
        alloc_free(stranger->block);
        alloc_free(stranger->name);
        alloc_free(stranger);
    }
}

/* ---- tables ---- */

/* One table of libconfuse's, with those of the blocks in it. */
struct table {
    cfg_opt_t *rows;
    size_t count;
};

/* Frees `rows` rows and the tables beneath them; libconfuse has copied all. */
static void table_free(cfg_opt_t *rows)
{
    for (size_t i = 0; rows && rows[i].name; i++)
        table_free(rows[i].subopts);
    alloc_free(rows);
}

/* Every directive is a list of texts here: types and counts are ours to check. */
static void add_value(struct table *table, const struct grammar *grammar, const char *name)
{
    cfg_opt_t row = CFG_STR_LIST_CB(NULL, NULL, CFGF_NONE, NULL);
    row.name = name;
    row.parsecb = grammar->on_value;
    table->rows[table->count++] = row;
}

static void add_begin(struct table *table, const struct grammar *grammar)
{
    static char parsed[] = "{x}";
    add_value(table, grammar, GRAMMAR_BEGIN);
    table->rows[table->count - 1].def.parsed = parsed;
}

static bool add_block(struct table *table, const char *name, bool titled, cfg_opt_t *inner)
{
    cfg_opt_t row = CFG_SEC(NULL, NULL, CFGF_MULTI);
    row.name = name;
    row.subopts = inner;
    if (titled)
        row.flags |= CFGF_TITLE;
    table->rows[table->count++] = row;
    return inner != NULL;
}

static cfg_opt_t *strange_table(const struct grammar *grammar, const char *name, unsigned depth);

/* Those strangers that are met in the block of that name. false: no memory. */
static bool add_strangers(struct table *table, const struct grammar *grammar, const char *block,
                          unsigned depth)
{
    bool whole = true;
    const struct stranger *stranger;
    STAILQ_FOREACH (stranger, &grammar->strangers, link) {
        if (strcmp(stranger->block, block) != 0)
            continue;
        if (stranger->kind == STRANGER_VALUE)
            add_value(table, grammar, stranger->name);
        else if (depth < NESTING_MAX)
            whole &= add_block(table, stranger->name, stranger->kind == STRANGER_TITLED_BLOCK,
                               strange_table(grammar, stranger->name, depth + 1));
    }
    return whole;
}

/* Room for `count` rows, all strangers, our own words, and the row that ends it. */
static bool table_init(struct table *table, const struct grammar *grammar, size_t count)
{
    static const cfg_opt_t end = CFG_END();
    size_t most = count + grammar->count + 4;
    *table = (struct table){.rows = alloc_resize(NULL, most, sizeof(cfg_opt_t))};
    for (size_t i = 0; table->rows && i < most; i++)
        table->rows[i] = end;
    return table->rows != NULL;
}

static cfg_opt_t *finish(struct table *table, bool whole)
{
    if (whole)
        return table->rows;
    table_free(table->rows);
    return NULL;
}

static cfg_opt_t *strange_table(const struct grammar *grammar, const char *name, unsigned depth)
{
    struct table table;
    if (!table_init(&table, grammar, 0))
        return NULL;
    add_begin(&table, grammar);
    add_value(&table, grammar, GRAMMAR_END);
    return finish(&table, add_strangers(&table, grammar, name, depth));
}

static cfg_opt_t *block_table(const struct grammar *grammar, const struct conf_block *block)
{
    struct table table;
    if (!table_init(&table, grammar, block->count))
        return NULL;
    add_begin(&table, grammar);
    add_value(&table, grammar, GRAMMAR_END);
    for (size_t i = 0; i < block->count; i++)
        add_value(&table, grammar, block->directives[i].name);
    return finish(&table, add_strangers(&table, grammar, block->name, 0));
}

static cfg_opt_t *root_table(const struct grammar *grammar)
{
    const struct conf_schema *schema = grammar->schema;
    const struct conf_block *free_block = &schema->blocks[0];
    struct table table;
    if (!table_init(&table, grammar, free_block->count + schema->count))
        return NULL;
    add_value(&table, grammar, GRAMMAR_END);
    add_value(&table, grammar, GRAMMAR_INCLUDE);
    for (size_t i = 0; i < free_block->count; i++)
        add_value(&table, grammar, free_block->directives[i].name);
    bool whole = true;
    for (size_t i = 1; i < schema->count; i++)
        whole &= add_block(&table, schema->blocks[i].name, true,
                           block_table(grammar, &schema->blocks[i]));
    whole &= add_strangers(&table, grammar, outside, 0);
    return finish(&table, whole);
}

cfg_t *grammar_parser(const struct grammar *grammar)
{
    cfg_opt_t *rows = root_table(grammar);
    cfg_t *parser = rows ? cfg_init(rows, CFGF_NONE) : NULL;
    table_free(rows);
    return parser;
}

/* ---- strangers ---- */

static struct stranger *find(const struct grammar *grammar, const char *block, const char *name)
{
    struct stranger *stranger;
    STAILQ_FOREACH (stranger, &grammar->strangers, link)
        if (strcmp(stranger->block, block) == 0 && strcmp(stranger->name, name) == 0)
            return stranger;
    return NULL;
}

static bool learn_value(struct grammar *grammar, const char *block, const char *name)
{
    if (grammar->count >= GRAMMAR_STRANGERS_MAX || find(grammar, block, name))
        return false;
    struct stranger *stranger = alloc_zero(sizeof(*stranger));
    if (stranger) {
        stranger->block = alloc_str(block);
        stranger->name = alloc_str(name);
        STAILQ_INSERT_TAIL(&grammar->strangers, stranger, link);
        grammar->count++;
    }
    grammar->memory_short |= !stranger || !stranger->block || !stranger->name;
    return !grammar->memory_short;
}

/* It was taken for a value, or for a block without a title, and is more. */
static bool learn_more(struct grammar *grammar, const char *block, const char *name,
                       enum stranger_kind from)
{
    struct stranger *stranger = find(grammar, block, name);
    if (!stranger || stranger->kind != from)
        return false;
    stranger->kind++;
    return true;
}

bool grammar_learn(struct grammar *grammar, const cfg_t *cfg, const char *format, va_list args)
{
    /* The words that libconfuse 3 has for it; the unit test fails should they change. */
    static const char unknown[] = "no such option '%s'";
    static const char not_assigned[] = "missing equal sign after option '%s'";
    static const char titled[] = "missing opening brace for section '%s'";
    if (strcmp(format, unknown) == 0)
        return learn_value(grammar, cfg->name, va_arg(args, const char *));
    if (strcmp(format, not_assigned) == 0)
        return learn_more(grammar, cfg->name, va_arg(args, const char *), STRANGER_VALUE);
    if (strcmp(format, titled) == 0)
        return learn_more(grammar, cfg->name, va_arg(args, const char *), STRANGER_BLOCK);
    return false;
}

bool grammar_is_strange_block(const struct grammar *grammar, const char *name)
{
    return strcmp(name, outside) != 0 && !conf_schema_block(grammar->schema, name);
}
