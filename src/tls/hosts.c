/* The hosts behind one listener. */
#include "tls/hosts.h"

#include "base/alloc.h"
#include "base/text.h"
#include "tls/connection.h"
#include "tls/library.h"

enum { NAME_BYTES = 256, SNI_HOST_NAME = 0 };

struct host_entry {
    char name[NAME_BYTES]; /* "": the default host, if it has no name */
    struct tls_context *context;
    const struct host_entry *first;   /* of the same context: the host's own name */
    uint8_t id[LIBRARY_SHA256_BYTES]; /* session-id context (TLS-145) */
};

struct tls_hosts {
    unsigned refs;
    bool reject_unknown;
    const struct host_entry *fallback;
    size_t count;                /* of all below */
    struct host_entry entries[]; /* those with names, then the default host */
};

struct tls_hosts *tls_hosts_ref(struct tls_hosts *hosts)
{
    hosts->refs++;
    return hosts;
}

void tls_hosts_unref(struct tls_hosts *hosts)
{
    if (!hosts || --hosts->refs > 0)
        return;
    for (size_t i = 0; i < hosts->count; i++)
        tls_context_unref(hosts->entries[i].context);
    alloc_free(hosts);
}

static void drop_hosts(struct tls_hosts **hosts)
{
    tls_hosts_unref(*hosts);
}

static const struct host_entry *find(const struct tls_hosts *hosts, struct bytes name)
{
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    for (size_t i = 0; i < hosts->count && name.len > 0; i++) {
        if (text_same(bytes_str(hosts->entries[i].name), name))
            return hosts->entries[i].first;
    }
    return NULL;
}

static const struct host_entry *first_of(const struct tls_hosts *hosts,
                                         const struct tls_context *context)
{
    size_t i = 0;
    while (hosts->entries[i].context != context)
        i++;
    return &hosts->entries[i];
}

const char *tls_hosts_find(const struct tls_hosts *hosts, struct bytes name)
{
    const struct host_entry *entry = find(hosts, name);
    return entry ? entry->name : NULL;
}

const char *tls_hosts_default(const struct tls_hosts *hosts)
{
    return hosts->fallback->name;
}

/* ---- making ---- */

static bool is_name(struct bytes name)
{
    if (name.len == 0 || name.len > 253)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = text_upper(name.ptr[i]);
        if (!text_is_digit(c) && !(c >= 'A' && c <= 'Z') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

/* A new name for `context`, which is the entry's from then on. */
static enum ferry_error add_entry(struct tls_hosts *hosts, struct bytes name,
                                  struct tls_context *context, struct fault *fault)
{
    struct host_entry *entry = &hosts->entries[hosts->count++];
    entry->context = tls_context_ref(context);
    if (name.len > 0)
        memcpy(entry->name, name.ptr, name.len);
    const SSL_CTX *ssl = context->ssl, *other = hosts->entries[0].context->ssl;
    if (context->policy == hosts->entries[0].context->policy &&
        SSL_CTX_get_min_proto_version(library_mutable(ssl)) ==
            SSL_CTX_get_min_proto_version(library_mutable(other)) &&
        SSL_CTX_get_max_proto_version(library_mutable(ssl)) ==
            SSL_CTX_get_max_proto_version(library_mutable(other)))
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "the host \"%s\" has another TLS policy or other versions than the hosts "
                     "beside it",
                     entry->name);
}

static enum ferry_error add_host(struct tls_hosts *hosts, const struct tls_host *host,
                                 struct fault *fault)
{
    struct bytes name = bytes_str(host->name);
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (!is_name(name))
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is not the name of a host",
                         BYTES_FMT(name));
    if (find(hosts, name))
        return fault_set(fault, FERRY_E_ARGUMENT, "the host \"%.*s\" is there twice",
                         BYTES_FMT(name));
    enum ferry_error error = add_entry(hosts, name, host->context, fault);
    /* The entries stay where they are, so that the first may be pointed at at once. */
    struct host_entry *added = &hosts->entries[hosts->count - 1];
    added->first = first_of(hosts, host->context);
    return error;
}

static bool set_ids(struct tls_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        if (!library_sha256(bytes_str(hosts->entries[i].first->name), hosts->entries[i].id))
            return false;
    }
    return true;
}

enum ferry_error tls_hosts_new(const struct tls_hosts_settings *settings, struct tls_hosts **out,
                               struct fault *fault)
{
    if (settings->host_count > TLS_HOSTS_MAX)
        return fault_set(fault, FERRY_E_ARGUMENT, "more than %d names of hosts", TLS_HOSTS_MAX);
    CLEANUP(drop_hosts)
    struct tls_hosts *hosts =
        alloc_zero(sizeof(*hosts) + (settings->host_count + 1) * sizeof(hosts->entries[0]));
    if (!hosts)
        return library_no_memory(fault);
    hosts->refs = 1;
    for (size_t i = 0; i < settings->host_count; i++) {
        enum ferry_error error = add_host(hosts, &settings->hosts[i], fault);
        if (error != FERRY_OK)
            return error;
    }
    enum ferry_error error = add_entry(hosts, bytes_of(NULL, 0), settings->fallback, fault);
    if (error != FERRY_OK)
        return error;
    hosts->fallback = first_of(hosts, settings->fallback);
    hosts->entries[hosts->count - 1].first = hosts->fallback;
    bool several = false;
    for (size_t i = 0; i < hosts->count; i++)
        several |= hosts->entries[i].first != hosts->fallback;
    hosts->reject_unknown = settings->unknown == TLS_UNKNOWN_HOST_REJECT ||
                            (settings->unknown == TLS_UNKNOWN_HOST_AUTO && several);
    if (!set_ids(hosts))
        return library_no_memory(fault);
    *out = hosts;
    hosts = NULL;
    return FERRY_OK;
}

/* ---- choosing ---- */

struct tls_context *tls_hosts_context(const struct tls_hosts *hosts, const char *name)
{
    const struct host_entry *entry = name ? find(hosts, bytes_str(name)) : hosts->fallback;
    return entry ? entry->context : NULL;
}

/* The host name of the extension server_name: a list, behind its length, of types and names behind
 * their lengths (RFC 6066 section 3). Empty if there is none or it is not well-formed, which
 * OpenSSL will find, too. */
static struct bytes hello_name(SSL *ssl)
{
    const unsigned char *list = NULL;
    size_t len = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &len) != 1 || len < 5 ||
        list[2] != SNI_HOST_NAME)
        return bytes_of(NULL, 0);
    size_t name_len = (size_t)list[3] << 8 | list[4];
    return name_len == len - 5 ? bytes_of(list + 5, name_len) : bytes_of(NULL, 0);
}

/* What the SSL took from the context it was made of, and SSL_set_SSL_CTX leaves as it was. */
static bool become(struct tls_connection *connection, const struct host_entry *host)
{
    SSL *ssl = connection->ssl;
    SSL_CTX *context = host->context->ssl;
    connection->host = host;
    connection->context = host->context;
    int asks = connection->peers ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context) | asks, NULL);
    return SSL_set_SSL_CTX(ssl, context) == context &&
           SSL_set_session_id_context(ssl, host->id, sizeof(host->id)) == 1;
}

bool tls_hosts_fix(struct tls_connection *connection, const char *name)
{
    connection->host_fixed = name != NULL;
    return become(connection,
                  name ? find(connection->hosts, bytes_str(name)) : connection->hosts->fallback);
}

bool tls_hosts_choose(struct tls_connection *connection, int *alert)
{
    const struct tls_hosts *hosts = connection->hosts;
    struct bytes name = hello_name(connection->ssl);
    const struct host_entry *named = find(hosts, name);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    if (!named && name.len > 0 && hosts->reject_unknown) {
        fault_set(&connection->fault, FERRY_E_TLS,
                  "the client asks for a host that is not here (SNI)");
        fault_peer(&connection->fault, 0, name);
        return false;
    }
    const struct host_entry *asked = named ? named : hosts->fallback;
    if (connection->host_fixed) {
        if (name.len == 0 || asked == connection->host)
            return true;
        fault_set(&connection->fault, FERRY_E_TLS,
                  "the client asks for another host (SNI) than \"%s\", which it asked for before",
                  connection->host->name);
        fault_peer(&connection->fault, 0, name);
        return false;
    }
    if (become(connection, asked))
        return true;
    library_no_memory(&connection->fault);
    *alert = SSL_AD_INTERNAL_ERROR;
    return false;
}

const char *tls_hosts_chosen(const struct tls_connection *connection)
{
    return connection->host ? connection->host->name : "";
}
