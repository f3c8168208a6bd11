/* What the roles are given of a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ferryd/given.h"
#include "ferryd/settings.h"
#include "ferryd/supervisor/parcel.h"

/* Takes `fd`. */
static void read_settings(int fd, struct given *out)
{
    struct fault fault = {0};
    given_init(out);
    if (given_settings(out, fd, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
}

/* sessions_max, as a role reads it. */
static uint64_t sessions_of(const struct parcel *parcel, enum role role)
{
    struct given given;
    read_settings(dup(parcel->settings[role]), &given);
    uint64_t sessions = settings_global(given.conf)->sessions_max;
    given_fini(&given);
    return sessions;
}

static struct parcel *make(const char *text, struct given *given)
{
    struct parcel *parcel = NULL;
    struct fault fault = {0};
    int fd = memfd_create("whole", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    read_settings(fd, given);
    assert_int_equal(parcel_make(given->conf, &parcel, &fault), FERRY_OK);
    return parcel;
}

/* How many sessions there may be is for all workers together: auth counts them. */
static void each_role_is_told_of_all_sessions(void **state)
{
    (void)state;
    static const enum role roles[] = {ROLE_WORKER, ROLE_KEYS, ROLE_AUTH};
    struct given given;
    struct parcel *parcel = make(
        "sessions_max = 10\nworkers = 3\nlisten \"127.0.0.1:0\" { plaintext = allow }\n", &given);
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        assert_int_equal(sessions_of(parcel, roles[i]), 10);
    parcel_unref(parcel);
    given_fini(&given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_is_told_of_all_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
