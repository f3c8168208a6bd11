/* Whom a client's certificate names, as bytes between two processes. */
#include "ferryd/identity_wire.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "proc/wire.h"

enum {
    IDENTITY_TYPE = 1, /* of the only kind of message there is here */
    LENGTH_BYTES = 4,  /* before bytes and text */
    /* All but the names, each text as long as it may be. */
    FIXED_BYTES = 2 + 6 * LENGTH_BYTES + 2 * TLS_IDENTITY_DN_BYTES + TLS_IDENTITY_SERIAL_BYTES +
                  TLS_IDENTITY_NAME_BYTES + 2 * TLS_IDENTITY_HASH_BYTES + 2,
};
static_assert((int)FIXED_BYTES < (int)MESSAGE_IDENTITY_BYTES, "there is room for names");

/* ---- writing ---- */

static size_t size_of(const struct tls_identity_name *name)
{
    return 1 + LENGTH_BYTES + strlen(name->text);
}

/* How many of the names have room. */
static size_t names_that_fit(const struct tls_identity *identity)
{
    size_t used = FIXED_BYTES;
    for (size_t i = 0; i < identity->name_count; i++) {
        used += size_of(&identity->names[i]);
        if (used > MESSAGE_IDENTITY_BYTES)
            return i;
    }
    return identity->name_count;
}

struct bytes identity_wire_put(const struct tls_identity *identity,
                               char space[static MESSAGE_IDENTITY_BYTES])
{
    struct wire_writer writer;
    size_t count = names_that_fit(identity);
    wire_begin(&writer, IDENTITY_TYPE, space, MESSAGE_IDENTITY_BYTES);
    wire_put_bytes(&writer, bytes_str(identity->subject));
    wire_put_bytes(&writer, bytes_str(identity->issuer));
    wire_put_bytes(&writer, bytes_str(identity->serial));
    wire_put_bytes(&writer, bytes_str(identity->common_name));
    wire_put_bytes(&writer, bytes_of(identity->sha256, TLS_IDENTITY_HASH_BYTES));
    wire_put_bytes(&writer, bytes_of(identity->key_sha256, TLS_IDENTITY_HASH_BYTES));
    wire_put_u8(&writer, identity->names_left_out || count < identity->name_count);
    wire_put_u8(&writer, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_u8(&writer, (uint8_t)identity->names[i].kind);
        wire_put_bytes(&writer, bytes_str(identity->names[i].text));
    }
    struct bytes out = {0};
    enum ferry_error error = wire_end(&writer, &out);
    assert(error == FERRY_OK); /* names_that_fit has seen to it */
    (void)error;
    return out;
}

/* ---- reading ---- */

/* A text for `size_bytes` at `out`, with its NUL. */
static bool take_text(struct wire_reader *reader, char *out, size_t size_bytes)
{
    struct bytes text = wire_get_bytes(reader);
    if (text.len >= size_bytes)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text_is_control(text.ptr[i]))
            return false;
    memcpy(out, text.ptr ? text.ptr : "", text.len);
    out[text.len] = '\0';
    return true;
}

static bool take_hash(struct wire_reader *reader, uint8_t out[TLS_IDENTITY_HASH_BYTES])
{
    struct bytes hash = wire_get_bytes(reader);
    if (hash.len != TLS_IDENTITY_HASH_BYTES)
        return false;
    memcpy(out, hash.ptr, hash.len);
    return true;
}

/* TLS_IDENTITY_URI is the last kind. */
static bool take_name(struct wire_reader *reader, struct tls_identity_name *out)
{
    uint8_t kind = wire_get_u8(reader);
    out->kind = (enum tls_identity_kind)kind;
    return kind <= TLS_IDENTITY_URI && take_text(reader, out->text, sizeof(out->text));
}

static bool take(struct wire_reader *reader, struct tls_identity *out)
{
    if (reader->type != IDENTITY_TYPE || !take_text(reader, out->subject, sizeof(out->subject)) ||
        !take_text(reader, out->issuer, sizeof(out->issuer)) ||
        !take_text(reader, out->serial, sizeof(out->serial)) ||
        !take_text(reader, out->common_name, sizeof(out->common_name)) ||
        !take_hash(reader, out->sha256) || !take_hash(reader, out->key_sha256))
        return false;
    uint8_t left_out = wire_get_u8(reader);
    out->names_left_out = left_out == 1;
    out->name_count = wire_get_u8(reader);
    if (left_out > 1 || out->name_count > TLS_IDENTITY_NAMES_MAX)
        return false;
    for (size_t i = 0; i < out->name_count; i++)
        if (!take_name(reader, &out->names[i]))
            return false;
    return wire_done(reader);
}

enum ferry_error identity_wire_get(struct bytes from, struct tls_identity *out, struct fault *fault)
{
    struct wire_reader reader;
    *out = (struct tls_identity){0};
    wire_open(&reader, from, 0);
    if (take(&reader, out))
        return FERRY_OK;
    *out = (struct tls_identity){0};
    return fault_set(fault, FERRY_E_PROTOCOL, "the facts of a certificate cannot be read");
}
