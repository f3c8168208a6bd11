/* tls/engine: both ends of one connection, and a wire that is in the input's hands. The first byte
 * says which connection, each two after it are a move: what, and how much. Whatever becomes of the
 * wire, an end delivers only what the other one wrote, in order, and all of it where it says that
 * the other one closed. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "fuzz/connection.h"

/* The first byte. */
enum {
    OF_DATA = 1 << 0,   /* a data connection that resumes, else a control connection */
    UP_TO_1_2 = 1 << 1, /* without TLS 1.3 */
    OPENED = 1 << 2,    /* the moves begin after the handshake, else before it */
};

/* A move's first byte: twice one of these, plus 1 if it is the server's. */
enum move {
    CARRY,  /* what it has to send arrives at the peer */
    DAMAGE, /* arrives with a bit turned over */
    REPEAT, /* arrives twice */
    LOSE,   /* never arrives */
    WRITE,  /* it seals plaintext */
    CLOSE,  /* close_notify */
    REFILL, /* a fresh ticket */
    CUT,    /* the transport ends: nothing more arrives at it */
    MOVES,
};

enum {
    ALL = 255, /* as the amount of ciphertext: all there is */
    WRITE_UNIT_BYTES = 256,
    PERIOD = 251, /* of the plaintext; a prime, so that a lost or doubled record is seen */
};

struct side {
    struct tls_end *end;
    struct side *peer;
    uint64_t written, delivered; /* plaintext so far */
    bool closed, cut;
};

static char plaintext[ALL * WRITE_UNIT_BYTES + PERIOD];

static void check(struct side *side)
{
    struct tls_end *end = side->end;
    struct bytes got = buf_view(&end->received);
    while (got.len > 0) {
        struct bytes part = bytes_first(got, ALL * WRITE_UNIT_BYTES);
        must(memcmp(part.ptr, plaintext + side->delivered % PERIOD, part.len) == 0);
        side->delivered += part.len;
        got = bytes_skip(got, part.len);
    }
    buf_consume(&end->received, buf_len(&end->received));

    must(side->delivered <= side->peer->written);
    if (end->status == TLS_CLOSED)
        must(side->peer->closed && side->delivered == side->peer->written);
    if (end->status == TLS_FAILED)
        must(fault_is_set(tls_engine_fault(end->engine)));
}

static void arrive(struct side *side, struct bytes in)
{
    if (side->cut)
        return;
    tls_end_feed(side->end, in);
    check(side);
}

static void carry(struct side *from, enum move move, size_t amount)
{
    struct bytes out = tls_engine_output(from->end->engine);
    if (amount != ALL)
        out = bytes_first(out, amount);
    if (out.len == 0)
        return;
    char *copy = malloc(out.len);
    must(copy != NULL);
    memcpy(copy, out.ptr, out.len);
    tls_engine_wrote(from->end->engine, out.len);

    if (move == DAMAGE)
        copy[amount % out.len] ^= 1;
    if (move != LOSE)
        arrive(from->peer, bytes_of(copy, out.len));
    if (move == REPEAT)
        arrive(from->peer, bytes_of(copy, out.len));
    free(copy);
}

static void write_plaintext(struct side *side, size_t amount)
{
    if (!side->end->open)
        return;
    size_t len = amount * WRITE_UNIT_BYTES;
    size_t taken = 0;
    enum tls_status status = tls_engine_write(
        side->end->engine, bytes_of(plaintext + side->written % PERIOD, len), &taken);
    must(status == TLS_DONE ? taken == len : taken < len || len == 0);
    must(!side->closed || taken == 0);
    side->written += taken;
}

static void make_move(struct side *side, enum move move, size_t amount)
{
    switch (move) {
    case CARRY:
    case DAMAGE:
    case REPEAT:
    case LOSE:
        carry(side, move, amount);
        break;
    case WRITE:
        write_plaintext(side, amount);
        break;
    case CLOSE:
        side->closed = side->end->open; /* before, there is nothing to close */
        tls_engine_close(side->end->engine);
        break;
    case REFILL:
        tls_engine_refill(side->end->engine);
        break;
    case CUT:
        side->cut = true;
        tls_engine_eof(side->end->engine);
        tls_end_turn(side->end);
        check(side);
        break;
    case MOVES:
        break;
    }
}

static void play(struct tls_pair *pair, bool opened, const uint8_t *moves, size_t count)
{
    struct side sides[2] = {{.end = &pair->client}, {.end = &pair->server}};
    sides[0].peer = &sides[1];
    sides[1].peer = &sides[0];
    if (opened)
        tls_pair_handshake(pair);
    else
        tls_end_turn(&pair->client);
    for (size_t i = 0; i < count; i++, moves += 2)
        make_move(&sides[moves[0] & 1], (moves[0] >> 1) % MOVES, moves[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    for (size_t i = 0; i < sizeof plaintext; i++)
        plaintext[i] = (char)(i % PERIOD);
    struct connection connection;
    connection_open(&connection, data[0] & OF_DATA, data[0] & UP_TO_1_2);
    play(connection.pair, data[0] & OPENED, data + 1, (size - 1) / 2);
    connection_close(&connection);
    return 0;
}
