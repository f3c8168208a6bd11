/* Tables of directives: what may stand in a configuration file, and into which struct it is read.
 * One table drives reading, checking, printing and the manual page. */
#ifndef FERRY_CONF_SCHEMA_H
#define FERRY_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum conf_type {
    CONF_FLAG,     /* bool: yes or no, or one of `words`, whose value is true or false */
    CONF_WORD,     /* an enum: one of `words` */
    CONF_WORDS,    /* uint32_t: the values, which are bits, of those of `words` that are listed */
    CONF_UNSIGNED, /* uint64_t, from `min` to `max` */
    CONF_DURATION, /* uint64_t, nanoseconds: "500ms", "20s", "10min", "2h", "7d" */
    CONF_SIZE,     /* uint64_t, bytes: "4096", "512K", "10M", "2G", "1T" */
    CONF_TEXT,     /* char * */
    CONF_PATH,     /* char *, absolute: one that is written otherwise starts at the file's folder */
    CONF_ADDRESS,  /* struct conf_address */
    CONF_ENDPOINT, /* struct conf_endpoint: "192.0.2.1:21", "[::]:990" */
    CONF_PORT,     /* uint16_t, from 1 */
    CONF_PORTS,    /* struct conf_ports: "50000-50100" */
    CONF_NETWORKS, /* struct conf_networks: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7" */
    CONF_TEXTS,    /* struct conf_texts */
};

struct conf_word {
    const char *word; /* NULL ends a list */
    int value;
};

struct conf_address {
    char text[48]; /* numeric; "" if there is none */
};

struct conf_endpoint {
    struct conf_address address;
    uint16_t port;
};

struct conf_ports {
    uint16_t low, high; /* 0, 0 if there are none */
};

struct conf_network {
    uint8_t bytes[16]; /* network order; the bits behind the prefix are 0; IPv4 that is written as
                          IPv4-mapped IPv6 is IPv4 */
    uint8_t len;       /* 4 or 16 */
    uint8_t prefix_bits;
};

struct conf_networks {
    struct conf_network *list;
    size_t count;
};

struct conf_texts {
    char **list;
    size_t count;
};

struct conf_directive {
    const char *name;
    enum conf_type type;
    size_t offset; /* of the value in the block's struct */
    const struct conf_word *words;
    uint64_t min, max;    /* of a number; both 0: any */
    const char *fallback; /* the default, as it would be written, list items with commas between;
                             NULL: the field stays zero */
    const char *help;     /* one sentence or two, for people */
    bool required;
    bool secret; /* never printed */
};

struct conf_block {
    const char *name;            /* NULL: the directives outside of any block */
    struct conf_directive label; /* what stands between name and brace; its name is for people */
    size_t size_bytes;           /* of the struct */
    const struct conf_directive *directives;
    size_t count;
    const char *help;
};

struct conf_schema {
    const struct conf_block *blocks; /* the first is the one without a name */
    size_t count;
};

/* For the rows of a table: where `field` is in `struct of`. */
#define CONF_AT(of, field) .offset = offsetof(struct of, field)

/* The block of that name, NULL: there is none. "" finds none. */
const struct conf_block *conf_schema_block(const struct conf_schema *schema, const char *name);

/* The directive of that name, NULL: there is none. */
const struct conf_directive *conf_schema_directive(const struct conf_block *block,
                                                   const char *name);

/* Whether values of that type may be several: "{a, b}". */
bool conf_schema_is_list(enum conf_type type);

/* What a value of the type looks like: "a duration like 20s, 10min or 2h". */
const char *conf_schema_type_text(enum conf_type type);

#endif
