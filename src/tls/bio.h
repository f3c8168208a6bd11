/* The BIO between an SSL and its engine: reads from a borrowed view, writes to a capped queue.
 * OpenSSL keeps no copy of either. Private to the room. */
#ifndef FERRY_TLS_BIO_H
#define FERRY_TLS_BIO_H

#include <stdbool.h>

#include <openssl/bio.h>

#include "base/buf.h"
#include "base/bytes.h"

/* Both ends of the wire as one SSL sees them. The owner sets and reads the fields between calls. */
struct tls_bio {
    struct bytes in;   /* ciphertext not read yet; borrowed */
    bool eof;          /* nothing will follow `in` */
    bool stopped;      /* reading fails for good from now on */
    bool memory_short; /* a write failed for want of memory */
    struct buf out;    /* ciphertext to be sent */
};

/* The kind of BIO; made once per context. Freed with BIO_meth_free after the last BIO of it.
 * NULL if memory is short. */
BIO_METHOD *tls_bio_method_new(void);

/* A BIO over `wire`, which must outlive it. An empty input asks for a retry, or is the end if
 * `eof`; an output without room asks for a retry; one with too little room takes a part. NULL if
 * memory is short. */
BIO *tls_bio_new(const BIO_METHOD *method, struct tls_bio *wire);

#endif
