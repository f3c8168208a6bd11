/* Rules that say which certificate is whose. */
#include "tls/identity_rule.h"

#include <assert.h>

#include "base/text.h"
#include "tls/dn.h"
#include "tls/verify.h"

static_assert((int)TLS_PIN_BYTES == (int)TLS_IDENTITY_HASH_BYTES, "both are SHA-256");

/* ---- comparing ---- */

/* "local@domain": the part before the last @ is compared as it is, the domain in any case
 * (RFC 5280 section 7.5). */
static bool same_mailbox(struct bytes a, struct bytes b)
{
    const char *at = a.len > 0 ? memrchr(a.ptr, '@', a.len) : NULL;
    if (!at || a.len != b.len)
        return false;
    size_t local = (size_t)(at - a.ptr);
    return bytes_equal(bytes_first(a, local), bytes_first(b, local)) &&
           text_same(bytes_skip(a, local), bytes_skip(b, local));
}

/* How a value of a certificate is compared with that of a rule, or with the user's name. */
typedef bool compare_fn(struct bytes in_rule, struct bytes shown, struct bytes user);

static bool compare_mailbox(struct bytes in_rule, struct bytes shown, struct bytes user)
{
    (void)user;
    return same_mailbox(in_rule, shown);
}

static bool compare_any_case(struct bytes in_rule, struct bytes shown, struct bytes user)
{
    (void)user;
    return text_same(in_rule, shown);
}

static bool compare_bytes(struct bytes in_rule, struct bytes shown, struct bytes user)
{
    (void)user;
    return bytes_equal(in_rule, shown);
}

/* TLS-81 */
static bool can_be_user(struct bytes name)
{
    if (name.len == 0 || name.len >= TLS_IDENTITY_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (text_is_control(name.ptr[i]) || name.ptr[i] == '/')
            return false;
    }
    return true;
}

static bool compare_user(struct bytes in_rule, struct bytes shown, struct bytes user)
{
    (void)in_rule;
    return can_be_user(shown) && bytes_equal(shown, user);
}

static bool compare_local(struct bytes in_rule, struct bytes shown, struct bytes user)
{
    const char *at = shown.len > 0 ? memrchr(shown.ptr, '@', shown.len) : NULL;
    if (!at)
        return false;
    size_t local = (size_t)(at - shown.ptr);
    return text_same(bytes_skip(shown, local + 1), in_rule) &&
           compare_user(in_rule, bytes_first(shown, local), user);
}

/* ---- reading ---- */

static enum ferry_error not_a(struct fault *fault, struct bytes value, const char *what)
{
    return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\" is not %s", BYTES_FMT(value), what);
}

typedef enum ferry_error read_fn(struct bytes value, struct tls_identity_rule *out,
                                 struct fault *fault);

static bool read_hash(struct bytes hex, uint8_t out[TLS_IDENTITY_HASH_BYTES])
{
    for (size_t i = 0; i < TLS_IDENTITY_HASH_BYTES; i++) {
        if (i > 0 && bytes_starts(hex, BYTES_LIT(":")))
            hex = bytes_skip(hex, 1);
        int high = hex.len >= 2 ? text_hex_digit(hex.ptr[0]) : -1;
        int low = hex.len >= 2 ? text_hex_digit(hex.ptr[1]) : -1;
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
        hex = bytes_skip(hex, 2);
    }
    return hex.len == 0;
}

static enum ferry_error read_fingerprint(struct bytes value, struct tls_identity_rule *out,
                                         struct fault *fault)
{
    return read_hash(value, out->sha256)
               ? FERRY_OK
               : not_a(fault, value, "a SHA-256 in 64 hexadecimal digits");
}

static enum ferry_error read_spki(struct bytes value, struct tls_identity_rule *out,
                                  struct fault *fault)
{
    struct tls_pin pin;
    if (tls_pin_parse(value, &pin) != FERRY_OK)
        return not_a(fault, value, "\"sha256//\" and the base64 of a SHA-256");
    memcpy(out->sha256, pin.bytes, sizeof(out->sha256));
    return FERRY_OK;
}

static enum ferry_error read_subject(struct bytes value, struct tls_identity_rule *out,
                                     struct fault *fault)
{
    return dn_normalise(value, out->value, sizeof(out->value), fault);
}

static enum ferry_error read_issuer_serial(struct bytes value, struct tls_identity_rule *out,
                                           struct fault *fault)
{
    const char *mark = value.len > 0 ? memrchr(value.ptr, '#', value.len) : NULL;
    if (!mark)
        return not_a(fault, value, "an issuer's name, \"#\" and a serial number in hexadecimal");
    size_t dn_len = (size_t)(mark - value.ptr);
    struct bytes serial = bytes_skip(value, dn_len + 1);
    bool good = serial.len > 0;
    size_t len = 0;
    for (size_t i = 0; good && i < serial.len; i++) {
        char c = serial.ptr[i];
        good = text_hex_digit(c) >= 0 && len + 1 < sizeof(out->serial);
        if (good && (len > 0 || c != '0'))
            out->serial[len++] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    }
    if (!good)
        return not_a(fault, serial, "a serial number in hexadecimal");
    if (len == 0)
        out->serial[len++] = '0';
    out->serial[len] = '\0';
    return dn_normalise(bytes_first(value, dn_len), out->value, sizeof(out->value), fault);
}

/* A name that a certificate can hold (see identity.h) and that is meant as it stands. */
static enum ferry_error read_name(struct bytes value, struct tls_identity_rule *out,
                                  struct fault *fault)
{
    bool good = value.len > 0 && value.len < TLS_IDENTITY_NAME_BYTES;
    for (size_t i = 0; good && i < value.len; i++)
        good = !text_is_control(value.ptr[i]);
    if (!good)
        return not_a(fault, value, "a name of 1 to 255 bytes without control bytes");
    memcpy(out->value, value.ptr, value.len);
    out->value[value.len] = '\0';
    return FERRY_OK;
}

static enum ferry_error read_mailbox(struct bytes value, struct tls_identity_rule *out,
                                     struct fault *fault)
{
    const char *at = value.len > 0 ? memrchr(value.ptr, '@', value.len) : NULL;
    if (!at || at == value.ptr || at + 1 == value.ptr + value.len)
        return not_a(fault, value, "of the form name@domain");
    return read_name(value, out, fault);
}

static enum ferry_error read_host(struct bytes value, struct tls_identity_rule *out,
                                  struct fault *fault)
{
    if (bytes_find(value, '*') < value.len)
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%.*s\": there are no wildcards in these rules",
                         BYTES_FMT(value));
    if (value.len > 1 && value.ptr[value.len - 1] == '.')
        value.len--;
    return read_name(value, out, fault);
}

/* ---- the kinds ---- */

static const struct row {
    const char *word;
    read_fn *read;               /* what is behind the colon; NULL: nothing may be there */
    compare_fn *compare;         /* NULL: see matches_whole */
    enum tls_identity_kind name; /* whose values are compared; see also of_common_name */
    bool of_common_name;
} rows[] = {
    [TLS_RULE_FINGERPRINT] = {.word = "fingerprint", .read = read_fingerprint},
    [TLS_RULE_SPKI] = {.word = "spki", .read = read_spki},
    [TLS_RULE_ISSUER_SERIAL] = {.word = "issuer-serial", .read = read_issuer_serial},
    [TLS_RULE_SUBJECT] = {.word = "subject", .read = read_subject},
    [TLS_RULE_EMAIL] = {"email", read_mailbox, compare_mailbox, TLS_IDENTITY_EMAIL, false},
    [TLS_RULE_DNS] = {"dns", read_host, compare_any_case, TLS_IDENTITY_DNS, false},
    [TLS_RULE_UPN] = {"upn", read_mailbox, compare_mailbox, TLS_IDENTITY_UPN, false},
    [TLS_RULE_URI] = {"uri", read_name, compare_bytes, TLS_IDENTITY_URI, false},
    [TLS_RULE_CN] = {"cn", read_name, compare_any_case, 0, true},
    [TLS_RULE_EMAIL_IS_USER] = {"email-is-user", NULL, compare_user, TLS_IDENTITY_EMAIL, false},
    [TLS_RULE_EMAIL_LOCAL_IS_USER] = {"email-local-is-user", read_host, compare_local,
                                      TLS_IDENTITY_EMAIL, false},
    [TLS_RULE_UPN_IS_USER] = {"upn-is-user", NULL, compare_user, TLS_IDENTITY_UPN, false},
    [TLS_RULE_UPN_LOCAL_IS_USER] = {"upn-local-is-user", read_host, compare_local, TLS_IDENTITY_UPN,
                                    false},
    [TLS_RULE_DNS_IS_USER] = {"dns-is-user", NULL, compare_user, TLS_IDENTITY_DNS, false},
    [TLS_RULE_CN_IS_USER] = {"cn-is-user", NULL, compare_user, 0, true},
};

enum ferry_error tls_identity_rule_parse(struct bytes text, struct tls_identity_rule *out,
                                         struct fault *fault)
{
    *out = (struct tls_identity_rule){0};
    bool has_value = bytes_find(text, ':') < text.len;
    struct bytes value = text;
    struct bytes word = bytes_cut(&value, ':');
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        if (!bytes_equal(word, bytes_str(row->word)) || has_value != (row->read != NULL))
            continue;
        out->kind = (enum tls_identity_rule_kind)i;
        return row->read ? row->read(value, out, fault) : FERRY_OK;
    }
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "\"%.*s\" is no rule for certificates; they begin with \"fingerprint:\", "
                     "\"spki:\", \"issuer-serial:\", \"subject:\", \"email:\", \"dns:\", \"upn:\", "
                     "\"uri:\" or \"cn:\"",
                     BYTES_FMT(bytes_first(text, TLS_IDENTITY_NAME_BYTES)));
}

/* The rules that look at the certificate as a whole. */
static bool matches_whole(const struct tls_identity_rule *rule, const struct tls_identity *shown)
{
    struct bytes value = bytes_str(rule->value);
    if (rule->kind == TLS_RULE_FINGERPRINT)
        return memcmp(rule->sha256, shown->sha256, sizeof(rule->sha256)) == 0;
    if (rule->kind == TLS_RULE_SPKI)
        return memcmp(rule->sha256, shown->key_sha256, sizeof(rule->sha256)) == 0;
    if (rule->kind == TLS_RULE_SUBJECT)
        return text_same(value, bytes_str(shown->subject));
    return text_same(value, bytes_str(shown->issuer)) &&
           bytes_equal(bytes_str(rule->serial), bytes_str(shown->serial));
}

bool tls_identity_rule_matches(const struct tls_identity_rule *rule,
                               const struct tls_identity *identity, struct bytes user)
{
    const struct row *row = &rows[rule->kind];
    struct bytes value = bytes_str(rule->value);
    if (!row->compare)
        return matches_whole(rule, identity);
    if (row->of_common_name)
        return identity->common_name[0] != '\0' &&
               row->compare(value, bytes_str(identity->common_name), user);
    for (size_t i = 0; i < identity->name_count; i++) {
        const struct tls_identity_name *name = &identity->names[i];
        if (name->kind == row->name && row->compare(value, bytes_str(name->text), user))
            return true;
    }
    return false;
}
