/* ftp/hostport (SEC-95): any bytes as addresses. What is taken can be written and is read back the
 * same. */
#include "base/buf.h"
#include "ftp/hostport.h"
#include "fuzz/fuzz.h"

static void check_eprt(const struct hostport *in)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    struct hostport back;
    must(hostport_format_eprt(&out, in) == FERRY_OK);
    must(hostport_parse_eprt(buf_view(&out), &back) == FERRY_OK);
    must(memcmp(in, &back, sizeof(back)) == 0);
}

static void check_port(const struct hostport *in)
{
    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, 256);
    struct hostport back;
    must(hostport_format_port(&out, in) == FERRY_OK);
    must(hostport_parse_port(buf_view(&out), &back) == FERRY_OK);
    must(memcmp(in, &back, sizeof(back)) == 0);
    must(hostport_parse_pasv(buf_view(&out), &back) == FERRY_OK);
    must(memcmp(in, &back, sizeof(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct hostport parsed;
    uint16_t port = 0;
    if (hostport_parse_port(in, &parsed) == FERRY_OK) {
        check_port(&parsed);
        check_eprt(&parsed);
    }
    if (hostport_parse_eprt(in, &parsed) == FERRY_OK)
        check_eprt(&parsed);
    if (hostport_parse_pasv(in, &parsed) == FERRY_OK)
        must(parsed.port != 0 && parsed.family == ADDRESS_V4);
    if (hostport_parse_epsv(in, &port) == FERRY_OK)
        must(port != 0);
    return 0;
}
