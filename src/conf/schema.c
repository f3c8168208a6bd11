/* Tables of directives. */
#include "conf/schema.h"

#include <string.h>

const struct conf_block *conf_schema_block(const struct conf_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->blocks[i].name && strcmp(schema->blocks[i].name, name) == 0)
            return &schema->blocks[i];
    return NULL;
}

const struct conf_directive *conf_schema_directive(const struct conf_block *block, const char *name)
{
    for (size_t i = 0; i < block->count; i++)
        if (strcmp(block->directives[i].name, name) == 0)
            return &block->directives[i];
    return NULL;
}

bool conf_schema_is_list(enum conf_type type)
{
    return type == CONF_WORDS || type == CONF_NETWORKS || type == CONF_TEXTS;
}

const char *conf_schema_type_text(enum conf_type type)
{
    switch (type) {
    case CONF_FLAG:
        return "yes or no";
    case CONF_WORD:
        return "a word";
    case CONF_WORDS:
        return "words";
    case CONF_UNSIGNED:
        return "a number";
    case CONF_DURATION:
        return "a duration like 500ms, 20s, 10min, 2h or 7d";
    case CONF_SIZE:
        return "a size in bytes like 4096, 512K, 10M, 2G or 1T";
    case CONF_TEXT:
        return "a text";
    case CONF_PATH:
        return "a path";
    case CONF_ADDRESS:
        return "a numeric address like 192.0.2.1 or 2001:db8::1";
    case CONF_ENDPOINT:
        return "an address and port like 192.0.2.1:21 or [::]:21";
    case CONF_PORT:
        return "a port from 1 to 65535";
    case CONF_PORTS:
        return "a range of ports like 50000-50100";
    case CONF_NETWORKS:
        return "networks like 10.0.0.0/8 or 2001:db8::/32";
    case CONF_TEXTS:
        return "texts";
    }
    return "";
}
