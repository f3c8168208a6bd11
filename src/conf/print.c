/* A configuration as text. */
#include "conf/print.h"

#include <string.h>

#include "base/text.h"
#include "conf/value.h"

/* ---- what holds ---- */

/* One value in quotes, as it is read again. */
static enum ferry_error print_quoted(struct buf *out, struct bytes text)
{
    enum ferry_error error = buf_append(out, BYTES_LIT("\""));
    for (size_t i = 0; i < text.len && error == FERRY_OK; i++) {
        char c = text.ptr[i];
        if (c == '"' || c == '\\' || c == '$')
            error = buf_append(out, BYTES_LIT("\\"));
        if (error == FERRY_OK)
            error = text_is_control(c) ? buf_printf(out, "\\x%02x", (unsigned)(unsigned char)c)
                                       : buf_append(out, bytes_of(&c, 1));
    }
    return error == FERRY_OK ? buf_append(out, BYTES_LIT("\"")) : error;
}

/* The items of a list have `separator` between them. */
static enum ferry_error print_value(struct buf *out, const struct conf_directive *directive,
                                    struct bytes text, char separator)
{
    if (!conf_schema_is_list(directive->type))
        return print_quoted(out, text);
    enum ferry_error error = buf_append(out, BYTES_LIT("{"));
    for (bool more = true; more && error == FERRY_OK;) {
        more = bytes_find(text, separator) < text.len;
        struct bytes item = bytes_cut(&text, separator);
        error = print_quoted(out, separator == ',' ? text_trim(item) : item);
        if (error == FERRY_OK && more)
            error = buf_append(out, BYTES_LIT(", "));
    }
    return error == FERRY_OK ? buf_append(out, BYTES_LIT("}")) : error;
}

static enum ferry_error print_origin(struct buf *out, const struct conf_given *given)
{
    if (!given->file)
        return buf_append(out, BYTES_LIT(" # default\n"));
    enum ferry_error error = buf_append(out, BYTES_LIT(" # "));
    if (error == FERRY_OK)
        error = text_visible(out, bytes_str(given->file));
    return error == FERRY_OK ? buf_printf(out, ":%u\n", given->line) : error;
}

/* As it is to be printed; NULL: it has none. */
static const char *text_of(const struct conf_instance *instance, size_t row)
{
    const struct conf_directive *directive = &instance->block->directives[row];
    if (directive->type == CONF_PATH)
        return *(char *const *)(const void *)((const char *)instance->values + directive->offset);
    return instance->given[row].file ? instance->given[row].text : directive->fallback;
}

static enum ferry_error print_directive(struct buf *out, const struct conf_instance *instance,
                                        size_t row, enum print_secrets secrets)
{
    const struct conf_directive *directive = &instance->block->directives[row];
    const struct conf_given *given = &instance->given[row];
    const char *indent = instance->block->name ? "    " : "";
    const char *text = text_of(instance, row);
    if (!text)
        return buf_printf(out, "%s# %s is not set\n", indent, directive->name);
    if (directive->secret && secrets == PRINT_NO_SECRETS)
        return buf_printf(out, "%s# %s is not shown\n", indent, directive->name);
    enum ferry_error error = buf_printf(out, "%s%s = ", indent, directive->name);
    if (error == FERRY_OK)
        error = print_value(out, directive, bytes_str(text), given->file ? '\n' : ',');
    return error == FERRY_OK ? print_origin(out, given) : error;
}

/* `listen "[::]:21" { # FILE:LINE` */
static enum ferry_error print_head(struct buf *out, const struct conf_instance *instance)
{
    enum ferry_error error = buf_printf(out, "\n%s ", instance->block->name);
    if (error == FERRY_OK)
        error = print_quoted(out, bytes_str(instance->label));
    if (error == FERRY_OK)
        error = buf_append(out, BYTES_LIT(" { # "));
    if (error == FERRY_OK)
        error = text_visible(out, bytes_str(instance->file));
    return error == FERRY_OK ? buf_printf(out, ":%u\n", instance->line) : error;
}

static enum ferry_error print_rows(const struct conf_instance *instance, enum print_secrets secrets,
                                   bool all, struct buf *out)
{
    const struct conf_block *block = instance->block;
    enum ferry_error error = block->name ? print_head(out, instance) : FERRY_OK;
    for (size_t i = 0; i < block->count && error == FERRY_OK; i++)
        if (all || instance->given[i].file)
            error = print_directive(out, instance, i, secrets);
    return error == FERRY_OK && block->name ? buf_append(out, BYTES_LIT("}\n")) : error;
}

enum ferry_error print_effective(const struct conf_instance *instance, enum print_secrets secrets,
                                 struct buf *out)
{
    return print_rows(instance, secrets, true, out);
}

enum ferry_error print_given(const struct conf_instance *instance, enum print_secrets secrets,
                             struct buf *out)
{
    return print_rows(instance, secrets, false, out);
}

/* ---- the manual page ---- */

/* Text as lines of roff, a sentence each: no control line, no escape. */
static enum ferry_error print_roff(struct buf *out, const char *text)
{
    enum ferry_error error = FERRY_OK;
    if (text[0] == '.' || text[0] == '\'')
        error = buf_append(out, BYTES_LIT("\\&"));
    for (; *text && error == FERRY_OK; text++) {
        bool sentence_ends = text[0] == '.' && text[1] == ' ';
        if (*text == '\\')
            error = buf_append(out, BYTES_LIT("\\e"));
        else
            error = sentence_ends ? buf_append(out, BYTES_LIT(".\n"))
                                  : buf_append(out, bytes_of(text, 1));
        text += sentence_ends;
    }
    return error == FERRY_OK ? buf_append(out, BYTES_LIT("\n")) : error;
}

static enum ferry_error print_argument(struct buf *out, const struct conf_directive *directive)
{
    static const char *const names[] = {
        [CONF_FLAG] = "Cm yes | no",     [CONF_UNSIGNED] = "Ar number",
        [CONF_DURATION] = "Ar duration", [CONF_SIZE] = "Ar size",
        [CONF_TEXT] = "Ar text",         [CONF_PATH] = "Ar path",
        [CONF_ADDRESS] = "Ar address",   [CONF_ENDPOINT] = "Ar address:port",
        [CONF_PORT] = "Ar port",         [CONF_PORTS] = "Ar low-high",
        [CONF_NETWORKS] = "Ar networks", [CONF_TEXTS] = "Ar texts",
    };
    if (!directive->words)
        return buf_printf(out, ".It Ic %s No = %s\n", directive->name, names[directive->type]);
    /* Words may stand for numbers. */
    const char *number = directive->type == CONF_UNSIGNED ? "Ar number | " : "";
    enum ferry_error error = buf_printf(out, ".It Ic %s No = %sCm", directive->name, number);
    for (const struct conf_word *word = directive->words; word->word && error == FERRY_OK; word++)
        error = buf_printf(out, "%s %s", word == directive->words ? "" : " |", word->word);
    return error == FERRY_OK ? buf_append(out, BYTES_LIT("\n")) : error;
}

/* "From 1s to 1h. Default: 20s." */
static enum ferry_error print_limits(struct buf *out, const struct conf_directive *directive)
{
    enum ferry_error error = FERRY_OK;
    if (directive->max > 0) {
        char min[VALUE_LIMIT_BYTES];
        char max[VALUE_LIMIT_BYTES];
        value_limit_text(directive, directive->min, min);
        value_limit_text(directive, directive->max, max);
        error = buf_printf(out, "From %s to %s.\n", min, max);
    }
    if (error == FERRY_OK && directive->required)
        error = buf_append(out, BYTES_LIT("It must be given.\n"));
    if (error == FERRY_OK && directive->fallback)
        error = buf_printf(out, "The default is\n.Ql %s .\n", directive->fallback);
    return error;
}

static enum ferry_error print_row(struct buf *out, const struct conf_directive *directive)
{
    enum ferry_error error = print_argument(out, directive);
    if (error == FERRY_OK)
        error = print_roff(out, directive->help);
    return error == FERRY_OK ? print_limits(out, directive) : error;
}

static enum ferry_error print_block(struct buf *out, const struct conf_block *block)
{
    enum ferry_error error =
        block->name ? buf_printf(out, ".Ss %s Qo %s Qc { ... }\n", block->name, block->label.name)
                    : buf_append(out, BYTES_LIT(".Ss Outside of blocks\n"));
    if (error == FERRY_OK)
        error = print_roff(out, block->help);
    if (error != FERRY_OK || block->count == 0)
        return error;
    error = buf_append(out, BYTES_LIT(".Bl -tag -width Ds\n"));
    for (size_t i = 0; i < block->count && error == FERRY_OK; i++)
        error = print_row(out, &block->directives[i]);
    return error == FERRY_OK ? buf_append(out, BYTES_LIT(".El\n")) : error;
}

enum ferry_error print_manual(const struct conf_schema *schema, struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < schema->count && error == FERRY_OK; i++)
        error = print_block(out, &schema->blocks[i]);
    return error;
}
