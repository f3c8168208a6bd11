/* Distinguished names as text. */
#include "tls/dn.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "tls/library.h"

enum { TYPE_MAX_BYTES = 64, VALUE_MAX_BYTES = 512 };

bool dn_write(const X509_NAME *name, char *out, size_t size_bytes)
{
    out[0] = '\0';
    CLEANUP(library_drop_bio) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0) {
        ERR_clear_error();
        return false;
    }
    struct bytes text = library_text(bio);
    if (text.len == 0 || text.len >= size_bytes)
        return true;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

/* ---- reading ---- */

/* Where the first byte of `stops` stands in `text` without a backslash before it; text.len:
 * nowhere. */
static size_t find_bare(struct bytes text, const char *stops)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] != '\0' && strchr(stops, text.ptr[i]))
            return i;
    }
    return text.len;
}

/* Without the blanks around it that no backslash keeps. */
static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && text.ptr[0] == ' ')
        text = bytes_skip(text, 1);
    while (text.len > 0 && text.ptr[text.len - 1] == ' ' &&
           (text.len < 2 || text.ptr[text.len - 2] != '\\'))
        text.len--;
    return text;
}

/* Undoes the escapes of a value: a backslash and two hexadecimal digits, or one other byte. */
static bool unescape(struct bytes text, char out[VALUE_MAX_BYTES], size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\') {
            if (++i == text.len)
                return false;
            c = text.ptr[i];
            int high = text_hex_digit(c);
            int low = i + 1 < text.len ? text_hex_digit(text.ptr[i + 1]) : -1;
            if (high >= 0 && low < 0)
                return false;
            if (high >= 0) {
                c = (char)(high * 16 + low);
                i++;
            }
        }
        if (*len == VALUE_MAX_BYTES || text_is_control(c))
            return false;
        out[(*len)++] = c;
    }
    return *len > 0;
}

/* Adds "type=value" in front of what `name` holds, since the text begins with the last. */
static bool add_attribute(X509_NAME *name, struct bytes text, bool joins_next)
{
    struct bytes value = text;
    struct bytes type = trim(bytes_cut(&value, '='));
    value = trim(value);
    char type_text[TYPE_MAX_BYTES];
    char value_text[VALUE_MAX_BYTES];
    size_t value_len = 0;
    if (type.len == 0 || type.len >= sizeof(type_text) || value.len == 0 || value.ptr[0] == '#' ||
        !unescape(value, value_text, &value_len))
        return false;
    for (size_t i = 0; i < type.len; i++)
        type_text[i] = text_upper(type.ptr[i]);
    type_text[type.len] = '\0';
    const unsigned char *bytes = (const unsigned char *)value_text;
    int set = joins_next ? 1 : 0; /* 0: an RDN of its own; else that of the entry at the place */
    if (X509_NAME_add_entry_by_txt(name, type_text, MBSTRING_UTF8, bytes, (int)value_len, 0, set) ==
        1)
        return true;
    ERR_clear_error();
    memcpy(type_text, type.ptr, type.len); /* "emailAddress" is known in this case only */
    return X509_NAME_add_entry_by_txt(name, type_text, MBSTRING_UTF8, bytes, (int)value_len, 0,
                                      set) == 1;
}

static bool add_attributes(X509_NAME *name, struct bytes text)
{
    bool joins_next = false;
    for (;;) {
        size_t end = find_bare(text, ",+");
        if (!add_attribute(name, bytes_first(text, end), joins_next))
            return false;
        if (end == text.len)
            return true;
        joins_next = text.ptr[end] == '+';
        text = bytes_skip(text, end + 1);
    }
}

/* Puts the members of each RDN, a set, into the order that DER gives them. NULL: no memory. */
static X509_NAME *sorted(const X509_NAME *name)
{
    CLEANUP(library_drop_openssl) unsigned char *der = NULL;
    int len = i2d_X509_NAME(name, &der);
    const unsigned char *next = der;
    return len > 0 ? d2i_X509_NAME(NULL, &next, len) : NULL;
}

static void drop_name(X509_NAME **name)
{
    X509_NAME_free(*name);
}

enum ferry_error dn_normalise(struct bytes text, char *out, size_t size_bytes, struct fault *fault)
{
    out[0] = '\0';
    CLEANUP(drop_name) X509_NAME *name = X509_NAME_new();
    if (!name)
        return library_no_memory(fault);
    if (add_attributes(name, text)) {
        CLEANUP(drop_name) X509_NAME *found = sorted(name);
        if (!found || !dn_write(found, out, size_bytes))
            return library_no_memory(fault);
    }
    ERR_clear_error();
    if (out[0] != '\0')
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "\"%.*s\" is not a distinguished name such as CN=alice,O=Example",
                     BYTES_FMT(text));
}
