/* ferryd/identity_wire (SEC-63): any bytes as the facts of a certificate. What is read has only
 * bounded texts without control bytes (TLS-81), and writing it makes the very same bytes. */
#include "base/text.h"
#include "ferryd/identity_wire.h"
#include "fuzz/fuzz.h"

static void check_text(const char *text, size_t size_bytes)
{
    size_t len = strnlen(text, size_bytes);
    must(len < size_bytes);
    for (size_t i = 0; i < len; i++)
        must(!text_is_control(text[i]));
}

static void check_identity(const struct tls_identity *identity)
{
    check_text(identity->subject, sizeof(identity->subject));
    check_text(identity->issuer, sizeof(identity->issuer));
    check_text(identity->serial, sizeof(identity->serial));
    check_text(identity->common_name, sizeof(identity->common_name));
    must(identity->name_count <= TLS_IDENTITY_NAMES_MAX);
    for (size_t i = 0; i < identity->name_count; i++) {
        must(identity->names[i].kind <= TLS_IDENTITY_URI);
        check_text(identity->names[i].text, sizeof(identity->names[i].text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_identity identity;
    static char space[MESSAGE_IDENTITY_BYTES];
    struct fault fault = {0};
    struct bytes message = bytes_of(data, size);
    enum ferry_error error = identity_wire_get(message, &identity, &fault);
    must((error == FERRY_OK) == !fault_is_set(&fault));
    check_identity(&identity);
    if (error == FERRY_OK && size <= MESSAGE_IDENTITY_BYTES / 2)
        must(bytes_equal(identity_wire_put(&identity, space), message));
    return 0;
}
