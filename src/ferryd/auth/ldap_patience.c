/* A deadline for all that libldap reads and writes. */
#include "ferryd/auth/ldap_patience.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "base/clock.h"

/* Between the socket and TLS. */
enum { LEVEL = (LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2 };

/* false: the deadline has passed, or the connection is broken; errno says so, and is not EAGAIN, at
 * which TLS would try again. */
static bool wait_for(Sockbuf_IO_Desc *layer, short events)
{
    const struct ldap_patience *patience = layer->sbiod_pvt;
    struct pollfd fd = {.fd = -1, .events = events};
    ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &fd.fd);
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns(&clock_system);
        uint64_t left_ns = patience->deadline_ns > now_ns ? patience->deadline_ns - now_ns : 0;
        int ready = poll(&fd, 1, (int)((left_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS));
        if (ready > 0)
            return true;
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

static ber_slen_t on_read(Sockbuf_IO_Desc *layer, void *out, ber_len_t len)
{
    return wait_for(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, out, len) : -1;
}

static ber_slen_t on_write(Sockbuf_IO_Desc *layer, void *in, ber_len_t len)
{
    return wait_for(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, in, len) : -1;
}

static int on_control(Sockbuf_IO_Desc *layer, int option, void *argument)
{
    return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

static int on_setup(Sockbuf_IO_Desc *layer, void *patience)
{
    layer->sbiod_pvt = patience;
    return 0;
}

static int nothing(Sockbuf_IO_Desc *layer)
{
    (void)layer;
    return 0;
}

static int on_connected(LDAP *ld, Sockbuf *socket, LDAPURLDesc *url, struct sockaddr *address,
                        struct ldap_conncb *callbacks)
{
    static Sockbuf_IO layer = {
        .sbi_setup = on_setup,
        .sbi_remove = nothing,
        .sbi_ctrl = on_control,
        .sbi_read = on_read,
        .sbi_write = on_write,
        .sbi_close = nothing,
    };
    (void)ld, (void)url, (void)address;
    return ber_sockbuf_add_io(socket, &layer, LEVEL, callbacks->lc_arg);
}

static void on_closed(LDAP *ld, Sockbuf *socket, struct ldap_conncb *callbacks)
{
    (void)ld, (void)socket, (void)callbacks;
}

int ldap_patience_add(LDAP *ld, struct ldap_patience *patience)
{
    patience->callbacks = (struct ldap_conncb){on_connected, on_closed, patience};
    return ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &patience->callbacks);
}
