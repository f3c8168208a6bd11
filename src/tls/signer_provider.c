/* A provider of OpenSSL's whose private keys are a signer's: what of a key is public is left to the
 * default provider, what is private becomes a request. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "base/alloc.h"
#include "tls/library.h"
#include "tls/signer_private.h"

/* Parameters of ours beside those of the public half. */
#define PARAM_NUMBER "ferry-number"
#define PARAM_SIGNER "ferry-signer"

/* ---- keys ---- */

struct remote_key {
    const char *type;
    struct tls_signer *signer;
    uint32_t number;
    EVP_PKEY *public; /* of the default provider */
};

static void *key_new(const char *type)
{
    struct remote_key *key = alloc_zero(sizeof(*key));
    if (key)
        key->type = type;
    return key;
}

static void *key_new_rsa(void *provider)
{
    (void)provider;
    return key_new("RSA");
}

static void *key_new_ec(void *provider)
{
    (void)provider;
    return key_new("EC");
}

static void *key_new_ed25519(void *provider)
{
    (void)provider;
    return key_new("ED25519");
}

static void key_free(void *data)
{
    struct remote_key *key = data;
    if (key)
        EVP_PKEY_free(key->public);
    alloc_free(key);
}

static int key_has(const void *data, int selection)
{
    (void)data;
    (void)selection;
    return 1;
}

static int key_match(const void *a, const void *b, int selection)
{
    (void)selection;
    const struct remote_key *one = a, *other = b;
    return EVP_PKEY_eq(one->public, other->public) == 1;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    struct remote_key *key = data;
    const OSSL_PARAM *signer = OSSL_PARAM_locate_const(params, PARAM_SIGNER);
    const OSSL_PARAM *number = OSSL_PARAM_locate_const(params, PARAM_NUMBER);
    const void *pointer = NULL;
    size_t len = 0;
    if (!signer || !number || OSSL_PARAM_get_octet_ptr(signer, &pointer, &len) != 1 ||
        OSSL_PARAM_get_uint32(number, &key->number) != 1)
        return 0;
    key->signer = library_mutable(pointer);
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(library_context(), key->type, NULL);
    int done =
        make && EVP_PKEY_fromdata_init(make) == 1 &&
        EVP_PKEY_fromdata(make, &key->public, EVP_PKEY_PUBLIC_KEY, library_mutable(params)) == 1;
    EVP_PKEY_CTX_free(make);
    return done;
}

/* The public half only: what can be exported whole, the default provider would sign with. */
static int key_export(void *data, int selection, OSSL_CALLBACK *take, void *ctx)
{
    const struct remote_key *key = data;
    OSSL_PARAM *params = NULL;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) ||
        EVP_PKEY_todata(key->public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
        return 0;
    int done = take(params, ctx);
    OSSL_PARAM_free(params);
    return done;
}

static const OSSL_PARAM *key_exchange_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_ptr(PARAM_SIGNER, NULL, 0),
        OSSL_PARAM_uint32(PARAM_NUMBER, NULL),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)selection;
    return types;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
    const struct remote_key *key = data;
    return EVP_PKEY_get_params(key->public, params);
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider;
    return params;
}

/* Keys of the kind EC sign by ECDSA. */
static const char *ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define FUNCTION(fn) ((void (*)(void))(fn))
#define KEY_FUNCTIONS(create)                                                                      \
    {OSSL_FUNC_KEYMGMT_NEW, FUNCTION(create)}, {OSSL_FUNC_KEYMGMT_FREE, FUNCTION(key_free)},       \
        {OSSL_FUNC_KEYMGMT_HAS, FUNCTION(key_has)},                                                \
        {OSSL_FUNC_KEYMGMT_MATCH, FUNCTION(key_match)},                                            \
        {OSSL_FUNC_KEYMGMT_IMPORT, FUNCTION(key_import)},                                          \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FUNCTION(key_exchange_types)},                            \
        {OSSL_FUNC_KEYMGMT_EXPORT, FUNCTION(key_export)},                                          \
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FUNCTION(key_exchange_types)},                            \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, FUNCTION(key_get_params)},                                  \
    {                                                                                              \
        OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, FUNCTION(key_gettable_params)                           \
    }

static const OSSL_DISPATCH rsa_key[] = {KEY_FUNCTIONS(key_new_rsa), {0, NULL}};
static const OSSL_DISPATCH ed25519_key[] = {KEY_FUNCTIONS(key_new_ed25519), {0, NULL}};
static const OSSL_DISPATCH ec_key[] = {
    KEY_FUNCTIONS(key_new_ec),
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FUNCTION(ec_operation)},
    {0, NULL},
};

/* ---- signatures ---- */

struct signature {
    const struct remote_key *key; /* borrowed from the EVP_PKEY, which outlives it */
    struct tls_sign_request request;
};

static void *signature_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return alloc_zero(sizeof(struct signature));
}

static void signature_free(void *data)
{
    alloc_free(data);
}

static bool find_digest(const char *name, enum tls_sign_digest *out)
{
    static const struct {
        const char *name, *other;
        enum tls_sign_digest digest;
    } rows[] = {
        {"SHA1", "SHA-1", TLS_SIGN_SHA1},
        {"SHA256", "SHA2-256", TLS_SIGN_SHA256},
        {"SHA384", "SHA2-384", TLS_SIGN_SHA384},
        {"SHA512", "SHA2-512", TLS_SIGN_SHA512},
    };
    *out = TLS_SIGN_NO_DIGEST;
    if (!name || !*name || OPENSSL_strcasecmp(name, "UNDEF") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (OPENSSL_strcasecmp(name, rows[i].name) == 0 ||
            OPENSSL_strcasecmp(name, rows[i].other) == 0) {
            *out = rows[i].digest;
            return true;
        }
    }
    return false;
}

/* "pad-mode", as a number or by name. */
static int set_padding(struct signature *signature, const OSSL_PARAM *param)
{
    int mode = 0;
    const char *name = NULL;
    if (param->data_type == OSSL_PARAM_UTF8_STRING && OSSL_PARAM_get_utf8_string_ptr(param, &name))
        mode = OPENSSL_strcasecmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING
                                                                         : RSA_PKCS1_PADDING;
    else if (OSSL_PARAM_get_int(param, &mode) != 1)
        return 0;
    signature->request.scheme =
        mode == RSA_PKCS1_PSS_PADDING ? TLS_SIGN_RSA_PSS : TLS_SIGN_RSA_PKCS1;
    return mode == RSA_PKCS1_PSS_PADDING || mode == RSA_PKCS1_PADDING;
}

static int signature_set_params(void *data, const OSSL_PARAM params[])
{
    struct signature *signature = data;
    const OSSL_PARAM *padding =
        params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;
    return padding ? set_padding(signature, padding)
                   : 1; /* the salt is always the digest's length */
}

static const OSSL_PARAM *signature_settable_params(void *data, void *provider)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)data;
    (void)provider;
    return params;
}

static int signature_init(struct signature *signature, const char *digest, void *key,
                          enum tls_sign_scheme scheme, const OSSL_PARAM params[])
{
    if (key)
        signature->key = key;
    signature->request.scheme = scheme;
    return signature->key && find_digest(digest, &signature->request.digest) &&
           signature_set_params(signature, params);
}

static int rsa_init(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    return signature_init(data, digest, key, TLS_SIGN_RSA_PKCS1, params);
}

static int ecdsa_init(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    return signature_init(data, digest, key, TLS_SIGN_ECDSA, params);
}

static int ed25519_init(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    return signature_init(data, digest, key, TLS_SIGN_ED25519, params);
}

static int signature_sign(void *data, unsigned char *out, size_t *len, size_t size,
                          const unsigned char *input, size_t input_len)
{
    struct signature *signature = data;
    if (!out) {
        *len = (size_t)EVP_PKEY_get_size(signature->key->public);
        return 1;
    }
    signature->request.key = signature->key->number;
    signature->request.input = bytes_of(input, input_len);
    *len = signer_sign(signature->key->signer, &signature->request, out, size);
    return *len > 0;
}

#define SIGNATURE_FUNCTIONS(init)                                                                  \
    {OSSL_FUNC_SIGNATURE_NEWCTX, FUNCTION(signature_new)},                                         \
        {OSSL_FUNC_SIGNATURE_FREECTX, FUNCTION(signature_free)},                                   \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, FUNCTION(init)},                                    \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, FUNCTION(signature_sign)},                               \
        {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, FUNCTION(signature_set_params)},                      \
        {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, FUNCTION(signature_settable_params)},            \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static const OSSL_DISPATCH rsa_signature[] = {SIGNATURE_FUNCTIONS(rsa_init)};
static const OSSL_DISPATCH ecdsa_signature[] = {SIGNATURE_FUNCTIONS(ecdsa_init)};
static const OSSL_DISPATCH ed25519_signature[] = {SIGNATURE_FUNCTIONS(ed25519_init)};

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM keys[] = {
        {"RSA:rsaEncryption", "provider=ferry", rsa_key, "RSA keys elsewhere"},
        {"EC:id-ecPublicKey", "provider=ferry", ec_key, "EC keys elsewhere"},
        {"ED25519", "provider=ferry", ed25519_key, "Ed25519 keys elsewhere"},
        {NULL, NULL, NULL, NULL},
    };
    static const OSSL_ALGORITHM signatures[] = {
        {"RSA:rsaEncryption", "provider=ferry", rsa_signature, "RSA elsewhere"},
        {"ECDSA", "provider=ferry", ecdsa_signature, "ECDSA elsewhere"},
        {"ED25519", "provider=ferry", ed25519_signature, "Ed25519 elsewhere"},
        {NULL, NULL, NULL, NULL},
    };
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, FUNCTION(query)},
        {0, NULL},
    };
    (void)in;
    *out = functions;
    *provider = library_mutable(handle);
    return 1;
}

bool signer_provider_load(struct tls_signer *signer)
{
    /* The default provider first, or ours would be asked for what it does not do. */
    signer->library = OSSL_LIB_CTX_new();
    if (!signer->library || OSSL_PROVIDER_add_builtin(signer->library, "ferry", provider_init) != 1)
        return false;
    signer->defaults = OSSL_PROVIDER_load(signer->library, "default");
    signer->ferry = OSSL_PROVIDER_load(signer->library, "ferry");
    return signer->defaults && signer->ferry;
}

static OSSL_PARAM *own_params(struct tls_signer *signer, uint32_t number)
{
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && OSSL_PARAM_BLD_push_octet_ptr(build, PARAM_SIGNER, signer, sizeof(*signer)) == 1 &&
        OSSL_PARAM_BLD_push_uint32(build, PARAM_NUMBER, number) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    OSSL_PARAM_BLD_free(build);
    return params;
}

static EVP_PKEY *make_key(const struct tls_signer *signer, const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(signer->library, type, "provider=ferry");
    if (make && EVP_PKEY_fromdata_init(make) == 1)
        (void)!EVP_PKEY_fromdata(make, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(make);
    return key;
}

EVP_PKEY *signer_provider_key(struct tls_signer *signer, uint32_t number, EVP_PKEY *public)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *theirs = NULL;
    OSSL_PARAM *ours = own_params(signer, number);
    OSSL_PARAM *all = ours && EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &theirs) == 1
                          ? OSSL_PARAM_merge(theirs, ours) /* which it goes on to borrow */
                          : NULL;
    if (all)
        key = make_key(signer, EVP_PKEY_get0_type_name(public), all);
    OSSL_PARAM_free(all);
    OSSL_PARAM_free(theirs);
    OSSL_PARAM_free(ours);
    return key;
}
