/* Passwords as crypt(5) keeps them. */
#include "ferryd/password_hash.h"

#include <assert.h>
#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/secret.h"

enum { COMPUTED_LETTERS = 22 /* 128 bits: no method that is left has fewer */ };

static_assert((int)PASSWORD_HASH_BYTES >= (int)CRYPT_OUTPUT_SIZE, "a hash must fit");

bool password_hash_is_good(const char *hash)
{
    if (!hash[0] || strlen(hash) >= PASSWORD_HASH_BYTES)
        return false;
    /* crypt_checksalt looks at the beginning; behind the last $ stands what was computed. */
    const char *computed = strrchr(hash, '$');
    if (!computed || strlen(computed) <= COMPUTED_LETTERS)
        return false;
    int status = crypt_checksalt(hash);
    return status == CRYPT_SALT_OK || status == CRYPT_SALT_TOO_CHEAP;
}

/* crypt of `password` and `setting` into `out`; its scratch memory, which has seen the password, is
 * wiped. */
static enum ferry_error hash(struct bytes password, const char *setting,
                             char out[PASSWORD_HASH_BYTES])
{
    char phrase[CRYPT_MAX_PASSPHRASE_SIZE]; /* with its NUL */
    if (password.len >= sizeof(phrase) || bytes_find(password, '\0') < password.len)
        return FERRY_E_ARGUMENT;
    struct crypt_data *data = alloc_zero(sizeof(*data));
    if (!data)
        return FERRY_E_MEMORY;
    memcpy(phrase, password.ptr ? password.ptr : "", password.len);
    phrase[password.len] = '\0';
    const char *made = crypt_rn(phrase, setting, data, (int)sizeof(*data));
    if (made)
        snprintf(out, PASSWORD_HASH_BYTES, "%s", made);
    secret_wipe(phrase, sizeof(phrase));
    secret_wipe(data, sizeof(*data));
    alloc_free(data);
    return made ? FERRY_OK : FERRY_E_UNSUPPORTED;
}

/* In time that does not tell where they differ. */
static bool same(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned char differ = 0;
    if (len != strlen(b))
        return false;
    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}

bool password_hash_verify(const char *stored, struct bytes password)
{
    char made[PASSWORD_HASH_BYTES];
    return hash(password, stored, made) == FERRY_OK && same(stored, made);
}

enum ferry_error password_hash_make(struct bytes password, char out[PASSWORD_HASH_BYTES])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, (int)sizeof(setting)))
        return FERRY_E_UNSUPPORTED;
    return hash(password, setting, out);
}
