/* How to reach a database of PostgreSQL. */
#include "ferryd/directory/conninfo.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "conf/check.h"

enum { VALUE_MAX_BYTES = 4096 };

/* What may be said. */
static const char *const words[] = {
    "host",
    "port",
    "dbname",
    "user",
    "sslmode",
    "application_name",
    "sslsni",
    "channel_binding",
    "ssl_min_protocol_version",
};

/* What has a directive of its own, or is ferryd's affair. */
static const struct {
    const char *word, *instead;
} elsewhere[] = {
    {"password", "write it to a file, and that to password_file"},
    {"passfile", "write password_file"},
    {"sslrootcert", "write ca_file"},
    {"connect_timeout", "write timeout"},
    {"hostaddr", "write host"},
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- one word and its value ---- */

static enum ferry_error take_word(struct bytes *rest, struct bytes *out, struct fault *fault)
{
    struct bytes word = bytes_first(*rest, bytes_find(*rest, '='));
    if (word.len == rest->len)
        return fault_set(fault, FERRY_E_ARGUMENT, "= and a value must stand behind \"%.*s\"",
                         BYTES_FMT(word));
    *rest = bytes_skip(*rest, word.len + 1);
    *out = text_trim(word);
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        if (bytes_equal(*out, bytes_str(elsewhere[i].word)))
            return fault_set(fault, FERRY_E_ARGUMENT, "%s cannot stand here: %s", elsewhere[i].word,
                             elsewhere[i].instead);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (bytes_equal(*out, bytes_str(words[i])))
            return FERRY_OK;
    size_t near = check_nearest(*out, words, ARRAY_LEN(words));
    if (near < ARRAY_LEN(words))
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" cannot stand here; did you mean %s?",
                         BYTES_FMT(*out), words[near]);
    return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" cannot stand here", BYTES_FMT(*out));
}

/* With quotes and backslashes undone, as libpq does. */
static enum ferry_error take_value(struct bytes *rest, struct buf *out, struct fault *fault)
{
    while (rest->len > 0 && is_blank(rest->ptr[0]))
        *rest = bytes_skip(*rest, 1);
    bool quoted = bytes_starts(*rest, BYTES_LIT("'"));
    *rest = bytes_skip(*rest, quoted ? 1 : 0);
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK && rest->len > 0) {
        char c = rest->ptr[0];
        if (quoted ? c == '\'' : is_blank(c))
            break;
        *rest = bytes_skip(*rest, c == '\\' ? 1 : 0);
        error = buf_append(out, bytes_first(*rest, 1));
        *rest = bytes_skip(*rest, 1);
    }
    if (error == FERRY_E_LIMIT)
        return fault_set(fault, error, "a value is longer than %d bytes", VALUE_MAX_BYTES);
    if (quoted && rest->len == 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "a ' is not closed");
    *rest = bytes_skip(*rest, quoted ? 1 : 0);
    return error == FERRY_OK ? FERRY_OK : fault_set(fault, error, "memory is short");
}

static enum ferry_error add(struct conninfo *info, struct bytes word, struct bytes value,
                            struct fault *fault)
{
    if (info->count == CONNINFO_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "it says more than %d things", CONNINFO_MAX);
    char **at = &info->words[info->count];
    *at = alloc_bytes(word);
    info->values[info->count] = alloc_bytes(value);
    info->count++;
    if (!*at || !info->values[info->count - 1])
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    return FERRY_OK;
}

/* ---- hosts ---- */

/* One port is that of all hosts; else there are as many as hosts. */
static enum ferry_error split_hosts(struct conninfo *info, struct fault *fault)
{
    struct bytes hosts = bytes_str(conninfo_get(info, "host"));
    struct bytes ports = bytes_str(conninfo_get(info, "port"));
    bool one_port = bytes_find(ports, ',') == ports.len;
    if (hosts.len == 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "it names no host");
    for (bool more = true; more;) {
        more = bytes_find(hosts, ',') < hosts.len;
        struct bytes host = text_trim(bytes_cut(&hosts, ','));
        struct bytes port = one_port ? ports : bytes_cut(&ports, ',');
        uint64_t number;
        port = port.len > 0 ? text_trim(port) : BYTES_LIT("5432");
        if (host.len == 0)
            return fault_set(fault, FERRY_E_ARGUMENT, "one of its hosts is empty");
        if (!text_u64(port, UINT16_MAX, &number) || number == 0)
            return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is no port", BYTES_FMT(port));
        if (info->host_count == CONNINFO_HOSTS_MAX)
            return fault_set(fault, FERRY_E_LIMIT, "it names more than %d hosts",
                             CONNINFO_HOSTS_MAX);
        struct conninfo_host *out = &info->hosts[info->host_count++];
        *out = (struct conninfo_host){alloc_bytes(host), alloc_bytes(port)};
        if (!out->host || !out->port)
            return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    }
    if (!one_port && ports.len > 0)
        return fault_set(fault, FERRY_E_ARGUMENT, "it names more ports than hosts");
    return FERRY_OK;
}

/* ---- the whole ---- */

enum ferry_error conninfo_read(struct bytes text, struct conninfo *out, struct fault *fault)
{
    *out = (struct conninfo){0};
    enum ferry_error error = FERRY_OK;
    if (bytes_starts(text, BYTES_LIT("postgres")) && memmem(text.ptr, text.len, "://", 3))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "write it as \"host=... dbname=... user=...\", not as a URL");
    for (text = text_trim(text); text.len > 0 && error == FERRY_OK; text = text_trim(text)) {
        CLEANUP(buf_fini) struct buf value;
        buf_init(&value, VALUE_MAX_BYTES);
        struct bytes word;
        error = take_word(&text, &word, fault);
        if (error == FERRY_OK)
            error = take_value(&text, &value, fault);
        if (error == FERRY_OK)
            error = add(out, word, buf_view(&value), fault);
    }
    return error == FERRY_OK ? split_hosts(out, fault) : error;
}

void conninfo_fini(struct conninfo *info)
{
    for (size_t i = 0; i < info->count; i++) {
        alloc_free(info->words[i]);
        alloc_free(info->values[i]);
    }
    for (size_t i = 0; i < info->host_count; i++) {
        alloc_free(info->hosts[i].host);
        alloc_free(info->hosts[i].port);
    }
    *info = (struct conninfo){0};
}

const char *conninfo_get(const struct conninfo *info, const char *word)
{
    for (size_t i = 0; i < info->count; i++)
        if (strcmp(info->words[i], word) == 0)
            return info->values[i];
    return NULL;
}

uint16_t conninfo_port(const struct conninfo_host *host)
{
    uint64_t port = 0;
    if (host->host[0] != '/')
        (void)!text_u64(bytes_str(host->port), UINT16_MAX, &port);
    return (uint16_t)port;
}
