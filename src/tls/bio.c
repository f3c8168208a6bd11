/* The BIO between an SSL and its engine. */
#include "tls/bio.h"

static int read_wire(BIO *bio, char *out, size_t size, size_t *got)
{
    struct tls_bio *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (wire->stopped)
        return 0;
    if (wire->in.len == 0) {
        if (!wire->eof)
            BIO_set_retry_read(bio);
        return 0;
    }
    struct bytes part = bytes_first(wire->in, size);
    memcpy(out, part.ptr, part.len);
    wire->in = bytes_skip(wire->in, part.len);
    *got = part.len;
    return 1;
}

static int write_wire(BIO *bio, const char *in, size_t len, size_t *taken)
{
    struct tls_bio *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *taken = 0;
    struct bytes part = bytes_first(bytes_of(in, len), buf_room(&wire->out));
    if (part.len == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    if (buf_append(&wire->out, part) != FERRY_OK) {
        wire->memory_short = true;
        return 0;
    }
    *taken = part.len;
    return 1;
}

/* 0 for whatever is not known here: 1 would promise kernel TLS, for one. */
static long control_wire(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    const struct tls_bio *wire = BIO_get_data(bio);
    if (command == BIO_CTRL_FLUSH)
        return 1;
    if (command == BIO_CTRL_EOF)
        return wire->eof && wire->in.len == 0;
    return 0;
}

BIO_METHOD *tls_bio_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ferry engine");
    if (!method)
        return NULL;
    if (BIO_meth_set_read_ex(method, read_wire) == 1 &&
        BIO_meth_set_write_ex(method, write_wire) == 1 &&
        BIO_meth_set_ctrl(method, control_wire) == 1)
        return method;
    BIO_meth_free(method);
    return NULL;
}

BIO *tls_bio_new(const BIO_METHOD *method, struct tls_bio *wire)
{
    BIO *bio = BIO_new(method);
    if (!bio)
        return NULL;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}
