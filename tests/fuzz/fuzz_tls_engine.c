/* tls/engine: any bytes where the peer's ciphertext is due, for both ends of control and data
 * connections. The first byte of an input says which end reads the rest, and how. Whoever does not
 * hold a key never gets a session: every input ends in a failure that has its words. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "fuzz/connection.h"

enum {
    TO_CLIENT = 1 << 0, /* to the client, else to the server */
    OF_DATA = 1 << 1,   /* of a data connection, else of a control connection */
    UP_TO_1_2 = 1 << 2, /* without TLS 1.3 */
    IN_PIECES = 1 << 3, /* of a few bytes, else all at once */
    PIECE_BYTES = 7,
};

/* Becomes the tag of the server's binding, so that an input can hold a ticket or a session id that
 * claims to be the server's own. */
static const struct bytes tag_stand_in = BYTES_LIT("TAG OF A SESSION");

static void put_tag(char *input, size_t len, const struct tls_tag *tag)
{
    char *at = memmem(input, len, tag_stand_in.ptr, tag_stand_in.len);
    if (at)
        memcpy(at, tag->bytes, TLS_TAG_BYTES);
}

static void feed(struct tls_end *end, struct bytes in, size_t piece_bytes)
{
    tls_end_turn(end); /* a client speaks first */
    while (in.len > 0) {
        tls_end_feed(end, bytes_first(in, piece_bytes));
        in = bytes_skip(in, piece_bytes);
        tls_engine_wrote(end->engine, tls_engine_output(end->engine).len);
    }
    tls_engine_eof(end->engine);
    tls_end_turn(end);

    must(end->status == TLS_FAILED && !end->open);
    must(fault_is_set(tls_engine_fault(end->engine)));
    must(tls_engine_room(end->engine) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned how = data[0];
    size_t len = size - 1;
    char *input = malloc(len);
    must(input || len == 0);
    memcpy(input, data + 1, len);

    struct connection connection;
    connection_open(&connection, how & OF_DATA, how & UP_TO_1_2);
    put_tag(input, len, tls_binding_tag(connection.binding));
    feed(how & TO_CLIENT ? &connection.pair->client : &connection.pair->server,
         bytes_of(input, len), how & IN_PIECES ? PIECE_BYTES : len);
    connection_close(&connection);
    free(input);
    return 0;
}
