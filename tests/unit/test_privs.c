/* proc/privs (SEC-66, SEC-69): what is given up is given up for good, and a refusal is told. */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#include "proc/privs.h"
#include "proc/sanitized.h"
#include "support/in_child.h"

enum { NOBODY = 65534, ONE_GROUP = 65533, OTHER_GROUP = 65532 };

static const gid_t groups[] = {OTHER_GROUP, ONE_GROUP};
static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 100}, {RLIMIT_NPROC, 50}};
static const struct privs nobody = {
    .uid = NOBODY,
    .gid = NOBODY,
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .limits = limits,
    .limit_count = ARRAY_LEN(limits),
};

static uint64_t capabilities(bool effective)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    CHILD_CHECK(syscall(SYS_capget, &header, data) == 0);
    return effective ? data[0].effective | (uint64_t)data[1].effective << 32
                     : data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static void check_ids(uid_t uid, gid_t gid)
{
    uid_t uids[3];
    gid_t gids[3];
    CHILD_CHECK(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
    CHILD_CHECK(getresgid(&gids[0], &gids[1], &gids[2]) == 0);
    for (size_t i = 0; i < 3; i++)
        CHILD_CHECK(uids[i] == uid && gids[i] == gid);
}

static void check_limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit now;
    CHILD_CHECK(getrlimit(resource, &now) == 0);
    CHILD_CHECK(now.rlim_cur == value && now.rlim_max == value);
}

static void check_locked(void)
{
    CHILD_CHECK(prctl(PR_GET_DUMPABLE) == 0);
    CHILD_CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    check_limit(RLIMIT_CORE, 0);
}

static void enter(const struct privs *privs)
{
    struct fault fault = {0};
    enum ferry_error error = privs_enter(privs, &fault);
    in_child_check(error == FERRY_OK, __FILE__, __LINE__, fault.what);
}

static void become_nobody(void *ctx)
{
    (void)ctx;
    enter(&nobody);
    check_ids(NOBODY, NOBODY);
    gid_t now[8];
    CHILD_CHECK(getgroups(8, now) == 2);
    CHILD_CHECK(now[0] + now[1] == ONE_GROUP + OTHER_GROUP && now[0] != now[1]);
    CHILD_CHECK(capabilities(true) == 0 && capabilities(false) == 0);
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        CHILD_CHECK(prctl(PR_CAPBSET_READ, cap) == 0);
    check_limit(RLIMIT_NOFILE, 100);
    check_limit(RLIMIT_NPROC, 50);
    check_locked();
    CHILD_CHECK(setuid(0) < 0 && errno == EPERM);
    CHILD_CHECK(setgid(0) < 0 && setgroups(0, NULL) < 0);
}

/* Without root a case is skipped: there is nothing to give up. */
static void as_root(in_child_fn *body)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(body, NULL), 0);
}

static void sec_66_root_becomes_another_for_good(void **state)
{
    (void)state;
    as_root(become_nobody);
}

static void no_groups_at_all(void *ctx)
{
    (void)ctx;
    CHILD_CHECK(setgroups(2, groups) == 0);
    enter(&(struct privs){.uid = NOBODY, .gid = NOBODY});
    CHILD_CHECK(getgroups(0, NULL) == 0);
}

static void sec_69_the_former_groups_are_gone(void **state)
{
    (void)state;
    as_root(no_groups_at_all);
}

/* A uid may be changed here, the groups may not: root's would stay. */
static void without_setgid(void *ctx)
{
    (void)ctx;
    struct fault fault = {0};
    CHILD_CHECK(setgroups(2, groups) == 0);
    enter(&(struct privs){.capabilities = UINT64_C(1) << CAP_SETUID,
                          .groups = groups,
                          .group_count = ARRAY_LEN(groups)});
    CHILD_CHECK(privs_enter(&(struct privs){.uid = NOBODY}, &fault) == FERRY_E_DENIED);
    CHILD_CHECK(strstr(fault.what, "set the supplementary groups"));
    check_ids(0, 0);
}

static void sec_69_groups_that_cannot_be_left_are_an_error(void **state)
{
    (void)state;
    as_root(without_setgid);
}

static void keep_one_capability(void *ctx)
{
    (void)ctx;
    const uint64_t one = UINT64_C(1) << CAP_NET_BIND_SERVICE;
    enter(&(struct privs){.uid = 0, .gid = 0, .capabilities = one});
    check_ids(0, 0);
    CHILD_CHECK(capabilities(true) == one && capabilities(false) == one);
    CHILD_CHECK(prctl(PR_CAPBSET_READ, CAP_NET_BIND_SERVICE) == 1);
    CHILD_CHECK(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0);
    CHILD_CHECK(setresuid(NOBODY, NOBODY, NOBODY) < 0); /* CAP_SETUID is gone */
    check_locked();
}

static void root_keeps_what_it_names_only(void **state)
{
    (void)state;
    as_root(keep_one_capability);
}

/* With this bit set, root that becomes another keeps its capabilities. */
static void capabilities_survive_ids(void *ctx)
{
    (void)ctx;
    CHILD_CHECK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0);
    enter(&nobody);
    CHILD_CHECK(capabilities(true) == 0 && capabilities(false) == 0);
    CHILD_CHECK(setuid(0) < 0);
}

static void the_way_back_is_found(void *ctx)
{
    (void)ctx;
    CHILD_CHECK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0);
    struct privs privs = nobody;
    struct fault fault = {0};
    privs.capabilities = UINT64_C(1) << CAP_SETUID;
    CHILD_CHECK(privs_enter(&privs, &fault) == FERRY_E_DENIED);
    CHILD_CHECK(strcmp(fault.what, "user id 0 can be had back") == 0);
}

static void the_way_back_of_the_group_is_found(void *ctx)
{
    (void)ctx;
    CHILD_CHECK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0);
    struct privs privs = nobody;
    struct fault fault = {0};
    privs.capabilities = UINT64_C(1) << CAP_SETGID;
    CHILD_CHECK(privs_enter(&privs, &fault) == FERRY_E_DENIED);
    CHILD_CHECK(strcmp(fault.what, "group id 0 can be had back") == 0);
}

static void sec_66_it_is_tried_whether_there_is_a_way_back(void **state)
{
    (void)state;
    as_root(capabilities_survive_ids);
    as_root(the_way_back_is_found);
    as_root(the_way_back_of_the_group_is_found);
}

static void death_signal_is_kept(void *ctx)
{
    (void)ctx;
    int number = 0;
    CHILD_CHECK(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0);
    enter(&nobody);
    CHILD_CHECK(prctl(PR_GET_PDEATHSIG, &number) == 0 && number == SIGTERM);
}

static void it_still_dies_with_its_parent(void **state)
{
    (void)state;
    as_root(death_signal_is_kept);
}

static void no_id_is_refused(void *ctx)
{
    (void)ctx;
    struct privs no_uid = {.uid = (uid_t)-1, .gid = getgid()};
    struct privs no_gid = {.uid = getuid(), .gid = (gid_t)-1};
    CHILD_CHECK(privs_enter(&no_uid, NULL) == FERRY_E_ARGUMENT);
    CHILD_CHECK(privs_enter(&no_gid, NULL) == FERRY_E_ARGUMENT);
    CHILD_CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

static void sec_69_an_id_of_minus_one_is_refused(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_id_is_refused, NULL), 0);
}

/* From here on there is no root, whoever runs the test. */
static void without_root(void)
{
    if (geteuid() == 0) {
        CHILD_CHECK(setgroups(2, groups) == 0);
        CHILD_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
        CHILD_CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    }
}

static void same_ids_stay(void *ctx)
{
    (void)ctx;
    without_root();
    int group_count = getgroups(0, NULL);
    enter(&(struct privs){.uid = getuid(), .gid = getgid()});
    CHILD_CHECK(getgroups(0, NULL) == group_count);
    CHILD_CHECK(capabilities(false) == 0);
    check_locked();
}

static void other_ids_are_refused(void *ctx)
{
    (void)ctx;
    without_root();
    struct fault fault = {0};
    struct privs other_uid = {.uid = getuid() + 1, .gid = getgid()};
    CHILD_CHECK(privs_enter(&other_uid, &fault) == FERRY_E_DENIED);
    CHILD_CHECK(fault.os_error == EPERM);
    struct privs other_gid = {.uid = getuid(), .gid = getgid() + 1};
    CHILD_CHECK(privs_enter(&other_gid, NULL) == FERRY_E_DENIED);
}

static void sec_66_without_root_the_ids_must_be_the_same(void **state)
{
    (void)state;
    assert_int_equal(in_child(same_ids_stay, NULL), 0);
    assert_int_equal(in_child(other_ids_are_refused, NULL), 0);
}

static void limits_are_cut_to_what_is_allowed(void *ctx)
{
    (void)ctx;
    without_root();
    struct rlimit small = {.rlim_cur = 60, .rlim_max = 80};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &small) == 0);
    const struct privs_limit wanted[] = {
        {RLIMIT_NOFILE, 1000}, {RLIMIT_FSIZE, 4096}, {RLIMIT_AS, 1 << 30}};
    enter(&(struct privs){
        .uid = getuid(), .gid = getgid(), .limits = wanted, .limit_count = ARRAY_LEN(wanted)});
    check_limit(RLIMIT_NOFILE, 80);
    check_limit(RLIMIT_FSIZE, 4096);
    if (!SANITIZED)
        check_limit(RLIMIT_AS, 1 << 30);
}

static void a_limit_that_may_not_be_raised_is_the_hard_one(void **state)
{
    (void)state;
    assert_int_equal(in_child(limits_are_cut_to_what_is_allowed, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_66_root_becomes_another_for_good),
        cmocka_unit_test(sec_69_the_former_groups_are_gone),
        cmocka_unit_test(sec_69_groups_that_cannot_be_left_are_an_error),
        cmocka_unit_test(root_keeps_what_it_names_only),
        cmocka_unit_test(sec_66_it_is_tried_whether_there_is_a_way_back),
        cmocka_unit_test(it_still_dies_with_its_parent),
        cmocka_unit_test(sec_69_an_id_of_minus_one_is_refused),
        cmocka_unit_test(sec_66_without_root_the_ids_must_be_the_same),
        cmocka_unit_test(a_limit_that_may_not_be_raised_is_the_hard_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
