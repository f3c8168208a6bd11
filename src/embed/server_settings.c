/* The embedded server of ferry/server.h: what it is told. */
#include "embed/server_private.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "net/socket.h"

/* ---- certificate ---- */

enum ferry_error embed_server_context(ferry_server *server, struct bytes certificate_pem,
                                      struct bytes key_pem, struct tls_context **out)
{
    struct tls_server_settings settings = {
        .policy = TLS_POLICY_DEFAULT,
        .min = server->tls_min,
        .max = server->tls_max,
        .certificate_pem = certificate_pem,
        .key_pem = key_pem,
    };
    return tls_context_new_server(&settings, out, &server->fault);
}

/* Kept until the start, since the versions of TLS may be set after it. */
static enum ferry_error keep_certificate(ferry_server *server, struct bytes certificate_pem,
                                         struct bytes key_pem)
{
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    enum ferry_error error = buf_append(&server->certificate_pem, certificate_pem);
    if (error == FERRY_OK)
        error = buf_append(&server->key_pem, key_pem);
    if (error == FERRY_OK)
        return FERRY_OK;
    buf_fini(&server->certificate_pem);
    buf_wipe(&server->key_pem);
    return fault_set(&server->fault, error, "the certificate and key cannot be taken");
}

/* Takes over `context`. Sessions keep the one that they began with. */
static enum ferry_error change_certificate(ferry_server *server, struct tls_context *context)
{
    struct tls_context *old = server->tls;
    server->tls = context;
    enum ferry_error error = embed_server_set_rules(server);
    tls_context_unref(old);
    return error;
}

enum ferry_error ferry_server_set_certificate(ferry_server *server, const char *certificate_pem,
                                              size_t certificate_len, const char *key_pem,
                                              size_t key_len)
{
    fault_clear(&server->fault);
    struct bytes certificate = bytes_of(certificate_pem, certificate_len);
    struct bytes key = bytes_of(key_pem, key_len);
    struct tls_context *context = NULL;
    enum ferry_error error = embed_server_context(server, certificate, key, &context);
    if (error == FERRY_OK && server->worker)
        return change_certificate(server, context);
    tls_context_unref(context);
    return error == FERRY_OK ? keep_certificate(server, certificate, key) : error;
}

/* ---- versions, accounts ---- */

static bool find_version(const char *word, enum tls_version *out)
{
    *out = TLS_VERSION_ANY;
    return !word || tls_version_find(bytes_str(word), out);
}

enum ferry_error ferry_server_set_tls_versions(ferry_server *server, const char *min,
                                               const char *max)
{
    fault_clear(&server->fault);
    enum tls_version lowest, highest;
    if (!find_version(min, &lowest) || !find_version(max, &highest))
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "no such version of TLS");
    if (lowest != TLS_VERSION_ANY && highest != TLS_VERSION_ANY && lowest > highest)
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "the lowest TLS is above the highest");
    server->tls_min = lowest;
    server->tls_max = highest;
    return FERRY_OK;
}

enum ferry_error ferry_server_add_account(ferry_server *server, const char *name,
                                          const char *password, const char *root, bool read_only)
{
    fault_clear(&server->fault);
    const struct user_settings settings = {
        .name = name, .password = password, .root = root, .read_only = read_only};
    return users_add(server->users, &settings, &server->fault);
}

enum ferry_error ferry_server_set_account_charset(ferry_server *server, const char *name,
                                                  const char *charset)
{
    fault_clear(&server->fault);
    return users_set_charset(server->users, name, charset, &server->fault);
}

/* ---- rules ---- */

void ferry_server_set_data_resume(ferry_server *server, enum ferry_data_resume policy,
                                  enum ferry_data_scope scope)
{
    static const enum data_resume policies[] = {
        [FERRY_DATA_RESUME_REQUIRE] = DATA_RESUME_REQUIRE,
        [FERRY_DATA_RESUME_PREFER] = DATA_RESUME_PREFER,
        [FERRY_DATA_RESUME_OFF] = DATA_RESUME_OFF,
    };
    server->rules.data_resume = policies[policy];
    server->rules.data_resume_scope =
        scope == FERRY_DATA_SCOPE_USER ? DATA_SCOPE_USER : DATA_SCOPE_CONNECTION;
}

void ferry_server_set_plaintext(ferry_server *server, bool allowed)
{
    server->rules.plaintext_allowed = allowed;
}

void ferry_server_set_auth_legacy_words(ferry_server *server, bool allowed)
{
    server->rules.auth_legacy_words = allowed;
}

void ferry_server_set_passive_ports(ferry_server *server, uint16_t low, uint16_t high)
{
    server->rules.passive_low = low;
    server->rules.passive_high = high;
}

enum ferry_error ferry_server_set_passive_address(ferry_server *server, const char *address)
{
    fault_clear(&server->fault);
    struct address numeric = {0};
    char *name = NULL;
    if (address && address_parse(address, 0, &numeric) != FERRY_OK) {
        name = alloc_str(address);
        if (!name)
            return fault_set(&server->fault, FERRY_E_MEMORY, "no memory for a passive address");
    } else if (address && !server_rules_can_tell(&numeric)) {
        return fault_set(&server->fault, FERRY_E_ARGUMENT, "PASV cannot tell %s", address);
    }
    alloc_free(server->passive_name);
    server->rules.passive_name = server->passive_name = name;
    server->rules.passive_address = numeric;
    return FERRY_OK;
}

enum ferry_error ferry_server_add_proxy(ferry_server *server, const char *network)
{
    fault_clear(&server->fault);
    struct network parsed;
    enum ferry_error error = network_parse(network, &parsed, &server->fault);
    if (error != FERRY_OK)
        return error;
    size_t count = server->rules.proxy_count + 1;
    struct network *longer = alloc_resize(server->proxies, count, sizeof(*longer));
    if (!longer)
        return fault_set(&server->fault, FERRY_E_MEMORY, "no memory for a proxy");
    longer[count - 1] = parsed;
    server->rules.proxies = server->proxies = longer;
    server->rules.proxy_count = count;
    return FERRY_OK;
}

void ferry_server_set_active(ferry_server *server, bool allowed)
{
    server->rules.active_allowed = allowed;
}

void ferry_server_set_mode_z(ferry_server *server, bool offered)
{
    server->rules.mode_z = offered;
}

void ferry_server_set_mode_b(ferry_server *server, bool offered)
{
    server->rules.mode_b = offered;
}

void ferry_server_set_keep_cut_uploads(ferry_server *server, bool keep)
{
    server->rules.keep_cut_uploads = keep;
}

void ferry_server_set_sessions_max(ferry_server *server, uint32_t max)
{
    server->sessions_max = max;
}

/* ---- log ---- */

static void log_line(void *ctx, enum log_level level, struct bytes line)
{
    (void)level;
    const ferry_server *server = ctx;
    server->log_fn(server->log_ctx, line.ptr, line.len);
}

void ferry_server_set_log(ferry_server *server, ferry_server_log_fn *fn, void *ctx, bool json)
{
    server->log_fn = fn;
    server->log_ctx = ctx;
    server->log = (struct log){
        .write = log_line,
        .ctx = server,
        .level = LOG_LEVEL_NOTICE,
        .form = json ? LOG_FORM_JSON : LOG_FORM_TEXT,
        .clock = &clock_system,
    };
}
