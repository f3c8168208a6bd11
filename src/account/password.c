/* Hashes of passwords. */
#include "account/password.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/secret.h"

enum { PASSWORD_MAX_BYTES = CRYPT_MAX_PASSPHRASE_SIZE - 1 };

/* With what settings new passwords are hashed; those of an account that does not exist, too. */
static const char method[] = "$y$";

/* Of nobody: the salt of a yescrypt hash of the default cost. What it is compared with is longer
 * than any hash. */
static const char nobody[] = "$y$j9T$kZ5uPzVqK3n1mF7hW2xYb0";

/* The whole of crypt(3)'s working memory, wiped after use. */
static char *crypt_with(struct bytes password, const char *setting, char out[PASSWORD_HASH_BYTES])
{
    if (password.len > PASSWORD_MAX_BYTES || bytes_find(password, '\0') < password.len)
        return NULL;
    struct crypt_data *data = alloc_zero(sizeof(*data));
    char *text = alloc_bytes(password);
    char *found = NULL;
    if (data && text) {
        const char *hash = crypt_r(text, setting, data);
        size_t len = hash ? strlen(hash) : 0;
        if (len > 0 && hash[0] != '*' && len < PASSWORD_HASH_BYTES)
            found = memcpy(out, hash, len + 1);
    }
    if (data)
        secret_wipe(data, sizeof(*data));
    if (text)
        secret_wipe(text, password.len);
    alloc_free(text);
    alloc_free(data);
    return found;
}

enum ferry_error password_hash(struct bytes password, char out[PASSWORD_HASH_BYTES])
{
    if (password.len > PASSWORD_MAX_BYTES || bytes_find(password, '\0') < password.len)
        return FERRY_E_ARGUMENT;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!crypt_gensalt_rn(method, 0, NULL, 0, setting, sizeof(setting)))
        return FERRY_E_STATE;
    return crypt_with(password, setting, out) ? FERRY_OK : FERRY_E_MEMORY;
}

bool password_hash_is_usable(const char *hash)
{
    return crypt_checksalt(hash) == CRYPT_SALT_OK;
}

bool password_fits(struct bytes password, const char *hash)
{
    char found[PASSWORD_HASH_BYTES];
    bool known = hash != NULL;
    if (!crypt_with(password, known ? hash : nobody, found))
        return false;
    size_t len = strlen(found);
    bool same = known && strlen(hash) == len;
    unsigned char differs = 0;
    for (size_t i = 0; same && i < len; i++)
        differs |= (unsigned char)(found[i] ^ hash[i]);
    secret_wipe(found, sizeof(found));
    return same && differs == 0;
}
