/* Numeric TCP addresses. */
#ifndef FERRY_NET_ADDRESS_H
#define FERRY_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "ferry/error.h"

/* IPv4-mapped IPv6 is turned into IPv4 wherever one is made. */
struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* "127.0.0.1" or "::1" and a port; `text` numeric. FERRY_E_ARGUMENT. */
NODISCARD enum ferry_error address_parse(const char *text, uint16_t port, struct address *out);

/* A copy of what a system call gave. */
void address_from_system(const struct sockaddr *in, socklen_t len, struct address *out);

/* From / to the raw form that ftp/hostport uses: family 1 (IPv4) or 2 (IPv6), network-order
 * bytes. An address of another family becomes family 0. */
void address_from_raw(int family, const uint8_t bytes[16], uint16_t port, struct address *out);
void address_to_raw(const struct address *in, int *family, uint8_t bytes[16], uint16_t *port);

uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* The same host, whatever the ports. Link-local addresses of two interfaces are two hosts. */
bool address_same_host(const struct address *a, const struct address *b);

/* "1.2.3.4" / "fe80::1"; NUL-terminated; "" for an address of another family. */
enum { ADDRESS_TEXT_BYTES = 64 };
void address_text(const struct address *in, char out[ADDRESS_TEXT_BYTES]);

#endif
