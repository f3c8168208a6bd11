/* Blocks as they are read. */
#include "conf/instance.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/source.h"
#include "conf/value.h"

static void *field_of(const struct conf_instance *instance, const struct conf_directive *directive)
{
    return (char *)instance->values + directive->offset;
}

void instance_free(struct conf_instance *instance)
{
    const struct conf_block *block = instance->block;
    for (size_t i = 0; i < block->count; i++) {
        if (instance->values)
            value_clear(&block->directives[i], field_of(instance, &block->directives[i]));
        if (instance->given) {
            alloc_free(instance->given[i].file);
            alloc_free(instance->given[i].text);
        }
    }
    if (instance->values && block->name)
        value_clear(&block->label, field_of(instance, &block->label));
    alloc_free(instance->given);
    alloc_free(instance->values);
    alloc_free(instance->label);
    alloc_free(instance->file);
    alloc_free(instance);
}

/* ---- making ---- */

static enum ferry_error fill(struct conf_instance *instance, struct fault *fault)
{
    const struct conf_block *block = instance->block;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < block->count && error == FERRY_OK; i++)
        error = value_read_fallback(&block->directives[i],
                                    field_of(instance, &block->directives[i]), fault);
    return error;
}

static enum ferry_error take_label(struct conf *conf, struct conf_instance *instance)
{
    const struct conf_directive *label = &instance->block->label;
    const char *name = instance->block->name;
    struct fault fault = {0};
    const struct conf_instance *other = conf_find(conf, name, instance->label);
    if (other)
        check_add(&conf->check, instance->file, instance->line,
                  "%s \"%s\" is there already, at %s:%u", name, instance->label, other->file,
                  other->line);
    enum ferry_error error = value_read(label, bytes_str(instance->label), (struct bytes){0},
                                        field_of(instance, label), &fault);
    if (error == FERRY_E_MEMORY)
        return error;
    if (error != FERRY_OK)
        check_add(&conf->check, instance->file, instance->line, "%s: %s", name, fault.what);
    return FERRY_OK;
}

enum ferry_error instance_add(struct conf *conf, const struct conf_block *block, const char *label,
                              const char *file, unsigned line, struct conf_instance **out,
                              struct fault *fault)
{
    if (conf->count >= CONF_BLOCKS_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "there are more than %d blocks", CONF_BLOCKS_MAX);
    struct conf_instance *instance = alloc_zero(sizeof(*instance));
    if (!instance)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    instance->block = block;
    instance->line = line;
    instance->label = alloc_str(label);
    instance->file = alloc_str(file);
    instance->values = alloc_zero(block->size_bytes);
    instance->given = alloc_resize(NULL, block->count + 1, sizeof(*instance->given));
    if (instance->given)
        memset(instance->given, 0, (block->count + 1) * sizeof(*instance->given));
    enum ferry_error error = FERRY_E_MEMORY;
    if (instance->label && instance->file && instance->values && instance->given)
        error = fill(instance, fault);
    if (error == FERRY_OK && block->name)
        error = take_label(conf, instance);
    if (error != FERRY_OK) {
        instance_free(instance);
        return fault_set(fault, error, "memory is short");
    }
    STAILQ_INSERT_TAIL(&conf->instances, instance, link);
    conf->count++;
    *out = instance;
    return FERRY_OK;
}

/* ---- filling ---- */

static enum ferry_error keep_text(struct conf_given *given, const char *text, bool first)
{
    CLEANUP(buf_fini) struct buf whole;
    buf_init(&whole, CONF_FILE_MAX_BYTES);
    enum ferry_error error = FERRY_OK;
    if (!first && given->text)
        error = buf_printf(&whole, "%s\n", given->text);
    if (error == FERRY_OK)
        error = buf_append(&whole, bytes_str(text));
    char *copy = error == FERRY_OK ? alloc_bytes(buf_view(&whole)) : NULL;
    if (!copy)
        return error == FERRY_OK ? FERRY_E_MEMORY : error;
    alloc_free(given->text);
    given->text = copy;
    return FERRY_OK;
}

static enum ferry_error keep_place(struct conf_given *given, const char *file, unsigned line)
{
    if (!given->file)
        given->file = alloc_str(file);
    given->line = line;
    return given->file ? FERRY_OK : FERRY_E_MEMORY;
}

enum ferry_error instance_set(struct conf *conf, struct conf_instance *instance,
                              const struct conf_directive *directive, const char *file,
                              unsigned line, const char *text, bool first)
{
    struct conf_given *given = &instance->given[directive - instance->block->directives];
    bool list = conf_schema_is_list(directive->type);
    if (first && given->file) {
        check_add(&conf->check, file, line, "%s is set already, at %s:%u", directive->name,
                  given->file, given->line);
        return FERRY_OK;
    }
    if (!first && !list) {
        check_add(&conf->check, file, line, "%s takes one value, not a list", directive->name);
        return FERRY_OK;
    }
    void *field = field_of(instance, directive);
    if (first && list)
        value_clear(directive, field);
    struct fault fault = {0};
    enum ferry_error error = keep_text(given, text, first);
    if (error == FERRY_OK)
        error = keep_place(given, file, line);
    if (error == FERRY_OK)
        error = value_read(directive, bytes_str(text), source_folder(file), field, &fault);
    if (error == FERRY_E_MEMORY)
        return error;
    if (error != FERRY_OK)
        check_add(&conf->check, file, line, "%s: %s", directive->name, fault.what);
    return FERRY_OK;
}

/* ---- looking ---- */

static bool is_named(const struct conf_instance *instance, const char *name)
{
    const char *own = instance->block->name;
    return own && name ? strcmp(own, name) == 0 : own == name;
}

struct conf_instance *conf_next(const struct conf *conf, const char *name,
                                const struct conf_instance *after)
{
    struct conf_instance *instance =
        after ? STAILQ_NEXT(after, link) : STAILQ_FIRST(&conf->instances);
    while (instance && !is_named(instance, name))
        instance = STAILQ_NEXT(instance, link);
    return instance;
}

struct conf_instance *conf_find(const struct conf *conf, const char *name, const char *label)
{
    struct conf_instance *instance = NULL;
    while ((instance = conf_next(conf, name, instance)) && strcmp(instance->label, label) != 0)
        ;
    return instance;
}

static const struct conf_given *given_of(const struct conf_instance *instance, const char *name)
{
    const struct conf_directive *directive =
        name ? conf_schema_directive(instance->block, name) : NULL;
    return directive ? &instance->given[directive - instance->block->directives] : NULL;
}

const char *conf_file_of(const struct conf_instance *instance, const char *directive)
{
    const struct conf_given *given = given_of(instance, directive);
    return given ? given->file : NULL;
}

bool conf_is_given(const struct conf_instance *instance, const char *directive)
{
    return conf_file_of(instance, directive) != NULL;
}

enum ferry_error conf_replace_text(struct conf_instance *instance, const char *name, size_t index,
                                   struct bytes text)
{
    const struct conf_directive *directive = conf_schema_directive(instance->block, name);
    struct conf_texts *texts = field_of(instance, directive);
    struct conf_given *given = &instance->given[directive - instance->block->directives];
    char *copy = alloc_bytes(text);
    if (!copy)
        return FERRY_E_MEMORY;
    alloc_free(texts->list[index]);
    texts->list[index] = copy;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < texts->count && error == FERRY_OK; i++)
        error = keep_text(given, texts->list[i], i == 0);
    return error;
}

void conf_mistake(struct conf *conf, const struct conf_instance *instance, const char *directive,
                  const char *format, ...)
{
    char text[FAULT_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const struct conf_given *given = given_of(instance, directive);
    bool placed = given && given->file;
    check_add(&conf->check, placed ? given->file : instance->file,
              placed ? given->line : instance->line, "%s%s%s", directive ? directive : "",
              directive ? ": " : "", text);
}
