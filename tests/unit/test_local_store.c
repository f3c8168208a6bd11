/* A directory as the server's store: support/store_cases.c (FTP-180, FTP-181, FTP-184, LST-83,
 * LST-85).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "embed/local_store.h"
#include "support/store_cases.h"

static void open_local(struct store_rig *rig, bool read_only)
{
    struct root root;
    struct fault fault = {0};
    assert_int_equal(root_init(&root, rig->dir.path, ROOT_LINKS_BENEATH, 027, &fault), FERRY_OK);
    struct home_rules rules = {.read_only = read_only};
    rig->ops = &local_store_ops;
    assert_int_equal(local_store_new(rig->net.loop, &root, BYTES_LIT("anna"), &rules, &rig->store),
                     FERRY_OK);
}

static int setup(void **state)
{
    static struct store_rig rig;
    *state = &rig;
    return store_rig_setup(&rig, open_local, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_CASES(setup, store_rig_teardown)};
    return cmocka_run_group_tests_name("local_store", tests, NULL, NULL);
}
