/* Host names as DNS and TLS know them. */
#include "client/host.h"

#include <idn2.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

static bool is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

/* A copy of `host` without a dot at its end. */
static enum ferry_error copy(const char *host, char **out, struct fault *fault)
{
    struct bytes name = bytes_str(host);
    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    *out = alloc_bytes(name);
    return *out ? FERRY_OK : fault_set(fault, FERRY_E_MEMORY, "no memory for the host name");
}

enum ferry_error client_host_ascii(const char *host, char **out, struct fault *fault)
{
    *out = NULL;
    if (host[0] == '\0')
        return fault_set(fault, FERRY_E_ARGUMENT, "the host name is empty");
    if (is_ascii(host))
        return copy(host, out, fault);

    char *ascii = NULL;
    int status = idn2_to_ascii_8z(host, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (status == IDN2_MALLOC)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the host name");
    if (status != IDN2_OK)
        return fault_set(fault, FERRY_E_ARGUMENT, "\"%s\" is not a host name: %s", host,
                         idn2_strerror(status));
    enum ferry_error error = copy(ascii, out, fault);
    idn2_free(ascii);
    return error;
}
