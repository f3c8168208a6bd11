/* The private keys of a server. */
#include "ferryd/keys/keyring.h"

#include "base/alloc.h"
#include "ferryd/settings.h"

/* The words of `why` are told with the file that they are of. */
static enum ferry_error outcome(enum ferry_error error, const char *path, const struct fault *why,
                                struct fault *fault)
{
    if (error == FERRY_OK || error == FERRY_E_MEMORY)
        return error == FERRY_OK ? error : fault_set(fault, error, "no memory for a key");
    return fault_set(fault, FERRY_E_ARGUMENT, "%s: %s", path, why->what);
}

static enum ferry_error read_key(struct given *given, const char *path, struct tls_key **out,
                                 struct fault *fault)
{
    CLEANUP(buf_wipe) struct buf pem;
    struct fault why = {0};
    buf_init(&pem, CONF_FILE_MAX_BYTES);
    enum ferry_error error = given_load(given, path, &pem, &why);
    if (error == FERRY_OK)
        error = tls_key_new(buf_view(&pem), out, &why);
    return outcome(error, path, &why, fault);
}

/* No worker could: none sees the key. */
static enum ferry_error check_key(struct given *given, const char *certificate,
                                  const struct tls_key *key, struct fault *fault)
{
    CLEANUP(buf_wipe) struct buf pem;
    struct fault why = {0};
    buf_init(&pem, CONF_FILE_MAX_BYTES);
    enum ferry_error error = given_load(given, certificate, &pem, &why);
    if (error == FERRY_OK)
        error = tls_key_check(key, buf_view(&pem), &why);
    return outcome(error, certificate, &why, fault);
}

static enum ferry_error add(struct keyring *ring, struct given *given,
                            const struct settings_listen *listen, struct fault *fault)
{
    struct tls_key **keys = alloc_resize(ring->keys, ring->count + 1, sizeof(struct tls_key *));
    if (!keys)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a key");
    ring->keys = keys;
    keys[ring->count++] = NULL;
    if (!listen->certificate)
        return FERRY_OK;
    const char *path = listen->key ? listen->key : listen->certificate;
    struct tls_key **key = &keys[ring->count - 1];
    enum ferry_error error = read_key(given, path, key, fault);
    return error == FERRY_OK ? check_key(given, listen->certificate, *key, fault) : error;
}

enum ferry_error keyring_init(struct keyring *ring, struct given *given, struct fault *fault)
{
    const struct conf_instance *block = NULL;
    enum ferry_error error = FERRY_OK;
    *ring = (struct keyring){0};
    while (error == FERRY_OK && (block = conf_next(given->conf, SETTINGS_LISTEN, block)))
        error = add(ring, given, block->values, fault);
    if (error != FERRY_OK)
        keyring_fini(ring);
    return error;
}

void keyring_fini(struct keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        tls_key_free(ring->keys[i]);
    alloc_free(ring->keys);
    *ring = (struct keyring){0};
}

const struct tls_key *keyring_key(const struct keyring *ring, uint32_t number)
{
    return number < ring->count ? ring->keys[number] : NULL;
}
