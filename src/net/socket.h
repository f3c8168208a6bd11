/* TCP sockets: non-blocking and close-on-exec throughout. */
#ifndef FERRY_NET_SOCKET_H
#define FERRY_NET_SOCKET_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/fault.h"
#include "net/address.h"

/* A listening socket; port 0 lets the system choose. An IPv6 one on "::" serves IPv4, too. Returns
 * FERRY_OK and sets `*fd`, which the caller closes. FERRY_E_CONNECT: the address or port cannot be
 * had; FERRY_E_LIMIT: no descriptors are left. */
NODISCARD enum ferry_error socket_listen(const struct address *at, int backlog, int *fd,
                                         struct fault *fault);

/* As socket_listen, on a random free port of low..high (FTP-58), which are in order and not 0.
 * FERRY_E_LIMIT: all are taken. */
NODISCARD enum ferry_error socket_listen_range(const struct address *at, uint16_t low,
                                               uint16_t high, int *fd, struct fault *fault);

/* Accepts one connection: FERRY_OK with `*fd`, which the caller closes; FERRY_E_STATE: none is
 * waiting; FERRY_E_LIMIT: no descriptors are left (the connection still waits). */
NODISCARD enum ferry_error socket_accept(int listener, int *fd, struct address *peer);

/* Begins to connect, from `from` (its port may be 0) if it is not NULL. FERRY_OK: under way, the
 * caller closes `*fd`; watch for writability, then socket_connected. Errors: FERRY_E_CONNECT. */
NODISCARD enum ferry_error socket_connect(const struct address *to, const struct address *from,
                                          int *fd, struct fault *fault);

/* What became of it. FERRY_E_CONNECT; FERRY_E_TIMEOUT: the system gave up waiting. */
NODISCARD enum ferry_error socket_connected(int fd, const struct address *to, struct fault *fault);

/* FERRY_E_CONNECT: the socket is not connected any more (or not bound). */
NODISCARD enum ferry_error socket_local(int fd, struct address *out);
NODISCARD enum ferry_error socket_peer(int fd, struct address *out);

/* TCP_NODELAY: for senders that put small writes together by themselves, as streams do. */
void socket_send_at_once(int fd);

/* TCP_NODELAY and keepalive (idle 60 s, TLS-158) for a control connection; what is sent as urgent
 * stays in its place (FTP-7). */
void socket_tune_control(int fd);

#endif
