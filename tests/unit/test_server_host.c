/* HOST against the certificate and SNI of a whole server. FTP-156, TLS-140, TLS-141, TLS-143,
 * SEC-23. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/server_rig.h"

static void tls_140_141_host(void **state)
{
    (void)state;
    static struct server_rig rig;
    struct rig_client client;
    server_rig_open(&rig, NULL);
    rig_connect(&client, &rig);
    rig_expect_reply(&client, 220);
    rig_expect(&client, 211, "FEAT");
    rig_assert_text(&client, "HOST");
    rig_expect(&client, 504, "HOST other.example");
    rig_expect(&client, 504, "HOST 192.0.2.1");
    rig_expect(&client, 220, "HOST 192.0.2.7");
    rig_expect(&client, 220, "HOST [2001:db8::7]");
    rig_expect(&client, 501, "HOST " TLS_KIT_HOST ":21");
    rig_expect(&client, 220, "HOST " TLS_KIT_HOST);
    rig_expect(&client, 234, "AUTH TLS");
    rig_seal(&client); /* its SNI is TLS_KIT_HOST */
    rig_expect(&client, 220, "HOST " TLS_KIT_HOST ".");
    rig_expect(&client, 504, "HOST other.example");
    rig_expect(&client, 504, "HOST 192.0.2.7"); /* the certificate's, too, but not what SNI said */
    rig_expect(&client, 331, "USER " RIG_USER);
    rig_expect(&client, 230, "PASS " RIG_PASSWORD);
    rig_expect(&client, 503, "HOST " TLS_KIT_HOST);
    rig_close(&client);
    server_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_140_141_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
