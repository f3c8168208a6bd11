/* What the event loop waits for besides sockets: jobs on the pool, names, signals. */
#include "net/loop.h"

#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "support/net_kit.h"

/* ---- jobs ---- */

struct job {
    pthread_t loop_thread, work_thread;
    atomic_uint *worked;
    unsigned done;
};

static void job_work(void *ctx)
{
    struct job *job = ctx;
    job->work_thread = pthread_self();
    if (job->worked)
        atomic_fetch_add(job->worked, 1);
}

static void job_done(void *ctx)
{
    struct job *job = ctx;
    assert_true(pthread_equal(pthread_self(), job->loop_thread));
    assert_false(pthread_equal(pthread_self(), job->work_thread));
    job->done++;
}

static void jobs_run_elsewhere_and_come_back_here(void **state)
{
    struct net_kit *kit = *state;
    enum { JOBS = 100 };
    static struct job jobs[JOBS];
    atomic_uint worked = 0;
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.loop_thread = pthread_self(), .worked = &worked};
        assert_int_equal(loop_job(kit->loop, job_work, job_done, &jobs[i]), FERRY_OK);
        assert_int_equal(jobs[i].done, 0);
    }
    NET_UNTIL(kit, atomic_load(&worked) == JOBS);
    for (int i = 0; i < JOBS; i++)
        NET_UNTIL(kit, jobs[i].done == 1);
}

static void freeing_the_loop_waits_for_its_jobs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    struct job job = {.loop_thread = pthread_self()};
    assert_int_equal(loop_job(loop, job_work, job_done, &job), FERRY_OK);
    loop_stop(loop);
    loop_free(loop);
    assert_int_equal(job.done, 1);
    loop_free(NULL);
}

/* ---- names ---- */

struct names {
    struct loop_lookup *lookup;
    unsigned calls, addresses;
    bool failed;
    bool frees_itself;
};

static void names_found(void *ctx, const struct addrinfo *list, const char *error)
{
    struct names *names = ctx;
    names->calls++;
    names->failed = error != NULL;
    for (; list; list = list->ai_next)
        names->addresses++;
    if (names->frees_itself)
        loop_lookup_free(names->lookup);
}

static void a_name_is_looked_up(void **state)
{
    struct net_kit *kit = *state;
    struct names names = {0}, itself = {.frees_itself = true};
    assert_int_equal(loop_lookup_new(kit->loop, "127.0.0.1", names_found, &names, &names.lookup),
                     FERRY_OK);
    assert_int_equal(loop_lookup_new(kit->loop, "::1", names_found, &itself, &itself.lookup),
                     FERRY_OK);
    assert_int_equal(names.calls, 0);
    NET_UNTIL(kit, names.calls == 1 && itself.calls == 1);
    assert_int_equal(names.addresses, 1); /* not one for each kind of socket */
    assert_int_equal(itself.addresses, 1);
    assert_false(names.failed);
    loop_lookup_free(names.lookup);
}

static void what_is_no_name_is_told(void **state)
{
    struct net_kit *kit = *state;
    struct names names = {0};
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(loop_lookup_new(kit->loop, longest, names_found, &names, &names.lookup),
                     FERRY_E_ARGUMENT);
    assert_int_equal(loop_lookup_new(kit->loop, "no such host", names_found, &names, &names.lookup),
                     FERRY_OK);
    NET_UNTIL(kit, names.calls == 1);
    assert_true(names.failed);
    assert_int_equal(names.addresses, 0);
    loop_lookup_free(names.lookup);
}

static void a_lookup_given_up_calls_nobody(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    assert_non_null(loop);
    struct names names[20] = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(
            loop_lookup_new(loop, "127.0.0.1", names_found, &names[i], &names[i].lookup), FERRY_OK);
        loop_lookup_free(names[i].lookup);
    }
    loop_free(loop); /* waits for those that ran already */
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(names[i].calls, 0);
    loop_lookup_free(NULL);
}

/* ---- signals ---- */

static void signalled(void *ctx, int number)
{
    *(int *)ctx = number;
}

static void a_signal_is_told_in_the_loop(void **state)
{
    struct net_kit *kit = *state;
    int number = 0;
    struct loop_signal *signal = loop_signal_new(kit->loop, SIGUSR1, signalled, &number);
    assert_non_null(signal);
    raise(SIGUSR1);
    assert_int_equal(number, 0);
    NET_UNTIL(kit, number == SIGUSR1);
    loop_signal_free(signal);
    assert_null(loop_signal_new(kit->loop, SIGKILL, signalled, &number));
    loop_signal_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs_run_elsewhere_and_come_back_here, net_kit_setup,
                                        net_kit_teardown),
        cmocka_unit_test(freeing_the_loop_waits_for_its_jobs),
        cmocka_unit_test_setup_teardown(a_name_is_looked_up, net_kit_setup, net_kit_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_name_is_told, net_kit_setup, net_kit_teardown),
        cmocka_unit_test(a_lookup_given_up_calls_nobody),
        cmocka_unit_test_setup_teardown(a_signal_is_told_in_the_loop, net_kit_setup,
                                        net_kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
