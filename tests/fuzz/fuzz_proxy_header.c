/* net/proxy_header (SEC-95): any bytes as a PROXY protocol header. Whole or byte by byte, the same
 * is read, and no byte behind the header is taken. */
#include "fuzz/fuzz.h"
#include "net/proxy_header.h"

struct outcome {
    enum ferry_error error;
    bool done;
    size_t used;
    struct proxy_header header;
};

static struct outcome read_in_steps(struct bytes in, size_t step)
{
    struct proxy_header_parser parser = {0};
    struct outcome out = {0};
    while (out.error == FERRY_OK && !out.done && out.used < in.len) {
        struct bytes piece = bytes_first(bytes_skip(in, out.used), step);
        size_t used = 0;
        struct fault fault = {0};
        out.error = proxy_header_feed(&parser, piece, &used, &out.done, &out.header, &fault);
        must((out.error != FERRY_OK) == fault_is_set(&fault));
        must(used <= piece.len && (out.error != FERRY_OK || out.done || used == piece.len));
        out.used += used;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct outcome whole = read_in_steps(in, size);
    struct outcome bytewise = read_in_steps(in, 1);
    must(whole.error == bytewise.error && whole.done == bytewise.done);
    must(!whole.done || whole.used <= PROXY_HEADER_MAX_BYTES);
    if (!whole.done || whole.error != FERRY_OK)
        return 0;
    must(whole.used == bytewise.used && whole.header.relayed == bytewise.header.relayed);
    must(!whole.header.relayed ||
         (whole.header.source.len > 0 && whole.header.destination.len > 0));
    return 0;
}
