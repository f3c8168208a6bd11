/* Whom a client's certificate names, as a field of a message. */
#include "ferryd/identity_wire.h"

#include <string.h>

#include "ferryd/messages.h"

enum { FORM = 1 };

static void put_text(struct wire_writer *writer, const char *text)
{
    wire_put_bytes(writer, bytes_str(text));
}

static struct bytes write_field(const struct tls_identity *identity, size_t names,
                                char space[static MESSAGE_IDENTITY_BYTES])
{
    struct wire_writer writer;
    struct bytes field = {0};
    wire_begin(&writer, FORM, space, MESSAGE_IDENTITY_BYTES);
    put_text(&writer, identity->subject);
    put_text(&writer, identity->issuer);
    put_text(&writer, identity->serial);
    put_text(&writer, identity->common_name);
    wire_put_bytes(&writer, bytes_of(identity->sha256, sizeof(identity->sha256)));
    wire_put_bytes(&writer, bytes_of(identity->key_sha256, sizeof(identity->key_sha256)));
    wire_put_u8(&writer, identity->names_left_out || names < identity->name_count);
    wire_put_u8(&writer, (uint8_t)names);
    for (size_t i = 0; i < names; i++) {
        wire_put_u8(&writer, (uint8_t)identity->names[i].kind);
        put_text(&writer, identity->names[i].text);
    }
    return wire_end(&writer, &field) == FERRY_OK ? field : bytes_str(NULL);
}

void identity_wire_put(struct wire_writer *writer, const struct tls_identity *identity)
{
    char space[MESSAGE_IDENTITY_BYTES];
    struct bytes field = {0};
    /* Without names it always fits. */
    for (size_t names = identity ? identity->name_count : 0; identity && field.len == 0; names--)
        field = write_field(identity, names, space);
    wire_put_bytes(writer, field);
}

/* ---- reading ---- */

static bool get_text(struct wire_reader *reader, char *out, size_t size_bytes)
{
    struct bytes text = wire_get_bytes(reader);
    if (text.len >= size_bytes || bytes_find(text, '\0') < text.len)
        return false;
    memcpy(out, text.ptr ? text.ptr : "", text.len);
    out[text.len] = '\0';
    return true;
}

static bool get_hash(struct wire_reader *reader, uint8_t out[static TLS_IDENTITY_HASH_BYTES])
{
    struct bytes hash = wire_get_bytes(reader);
    if (hash.len != TLS_IDENTITY_HASH_BYTES)
        return false;
    memcpy(out, hash.ptr, hash.len);
    return true;
}

static bool get_names(struct wire_reader *reader, struct tls_identity *out)
{
    out->names_left_out = wire_get_u8(reader) != 0;
    out->name_count = wire_get_u8(reader);
    if (out->name_count > TLS_IDENTITY_NAMES_MAX)
        return false;
    for (size_t i = 0; i < out->name_count; i++) {
        struct tls_identity_name *name = &out->names[i];
        uint8_t kind = wire_get_u8(reader);
        if (kind > TLS_IDENTITY_URI || !get_text(reader, name->text, sizeof(name->text)))
            return false;
        name->kind = (enum tls_identity_kind)kind;
    }
    return true;
}

bool identity_wire_get(struct bytes field, struct tls_identity *out)
{
    struct wire_reader reader;
    *out = (struct tls_identity){0};
    wire_open(&reader, field, 0);
    return reader.type == FORM && get_text(&reader, out->subject, sizeof(out->subject)) &&
           get_text(&reader, out->issuer, sizeof(out->issuer)) &&
           get_text(&reader, out->serial, sizeof(out->serial)) &&
           get_text(&reader, out->common_name, sizeof(out->common_name)) &&
           get_hash(&reader, out->sha256) && get_hash(&reader, out->key_sha256) &&
           get_names(&reader, out) && wire_done(&reader);
}
