/* What the roles are given of a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ferryd/given.h"
#include "ferryd/settings.h"
#include "ferryd/supervisor/parcel.h"

static const struct {
    unsigned sessions, workers, share;
} share_cases[] = {
    {10, 1, 10}, {10, 2, 5}, {10, 3, 4}, {2, 4, 1}, {1, 1, 1}, {1000000, 3, 333334},
};

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

static void each_worker_has_its_share_of_sessions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(share_cases); i++) {
        char text[200];
        struct given given;
        snprintf(text, sizeof(text),
                 "sessions_max = %u\nworkers = %u\nlisten \"127.0.0.1:0\" { plaintext = allow }\n",
                 share_cases[i].sessions, share_cases[i].workers);
        struct parcel *parcel = make(text, &given);
        assert_int_equal(sessions_of(parcel, ROLE_WORKER), share_cases[i].share);
        assert_int_equal(sessions_of(parcel, ROLE_KEYS), share_cases[i].sessions);
        parcel_unref(parcel);
        given_fini(&given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_its_share_of_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
