/* proc/landlock (SEC-67): what is not in the rules is denied, as far as the kernel's version goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "proc/landlock.h"
#include "support/in_child.h"
#include "support/tempdir.h"

/* A folder to read, one to read and write, one that is in no rule; a listening port. */
struct rig {
    struct tempdir dir;
    int read_fd, write_fd, file_fd;
    int listener;
    uint16_t port;
    int abi; /* at most this */
    int kernel_abi;
};

static int make_listener(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void probe_kernel(void *ctx)
{
    (void)ctx;
    struct landlock_report report;
    CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHILD_CHECK(landlock_enter(&(struct landlock_rules){0}, &report, NULL) == FERRY_OK);
    _exit(100 + report.abi);
}

static int setup(void **state)
{
    static struct rig rig;
    rig = (struct rig){.abi = INT_MAX, .kernel_abi = in_child(probe_kernel, NULL) - 100};
    tempdir_make(&rig.dir);
    const char *const folders[] = {"r", "w", "w/sub", "none"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        tempdir_mkdir(&rig.dir, folders[i]);
    const char *const files[] = {"r/f", "w/f", "none/f", "one"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        tempdir_write(&rig.dir, files[i], "text");
    rig.read_fd = openat(rig.dir.fd, "r", O_PATH | O_CLOEXEC);
    rig.write_fd = openat(rig.dir.fd, "w", O_PATH | O_CLOEXEC);
    rig.file_fd = openat(rig.dir.fd, "one", O_PATH | O_CLOEXEC);
    rig.listener = make_listener(&rig.port);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    fd_close(&rig->read_fd);
    fd_close(&rig->write_fd);
    fd_close(&rig->file_fd);
    fd_close(&rig->listener);
    tempdir_remove(&rig->dir);
    return 0;
}

/* Skips unless the kernel has version `abi`. */
static void need(const struct rig *rig, int abi)
{
    if (rig->kernel_abi < abi) {
        print_message("this kernel has Landlock %d, not %d\n", rig->kernel_abi, abi);
        skip();
    }
}

/* Enters rules in a child. */
static void enter(const struct rig *rig, const struct landlock_rules *rules)
{
    struct landlock_report report;
    struct fault fault = {0};
    CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    enum ferry_error error = landlock_enter_abi(rules, rig->abi, &report, &fault);
    in_child_check(error == FERRY_OK, __FILE__, __LINE__, fault.what);
}

static bool opens(const struct rig *rig, const char *name, int flags)
{
    int fd = openat(rig->dir.fd, name, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        CHILD_CHECK(errno == EACCES);
    bool opened = fd >= 0;
    fd_close(&fd);
    return opened;
}

static void with_two_folders(void *ctx)
{
    const struct rig *rig = ctx;
    int before = openat(rig->dir.fd, "none/f", O_RDWR | O_CLOEXEC);
    const struct landlock_path paths[] = {
        {rig->read_fd, LANDLOCK_MAY_READ},
        {rig->write_fd, LANDLOCK_MAY_READ | LANDLOCK_MAY_WRITE},
        {rig->file_fd, LANDLOCK_MAY_READ | LANDLOCK_MAY_WRITE},
    };
    enter(rig, &(struct landlock_rules){.paths = paths, .path_count = ARRAY_LEN(paths)});
    int dir = rig->dir.fd;

    CHILD_CHECK(opens(rig, "r/f", O_RDONLY) && !opens(rig, "r/f", O_WRONLY));
    CHILD_CHECK(!opens(rig, "r/new", O_WRONLY | O_CREAT) && unlinkat(dir, "r/f", 0) < 0);
    CHILD_CHECK(opens(rig, "w/f", O_RDWR) && opens(rig, "w/new", O_WRONLY | O_CREAT));
    CHILD_CHECK(mkdirat(dir, "w/made", 0700) == 0 && unlinkat(dir, "w/made", AT_REMOVEDIR) == 0);
    CHILD_CHECK(symlinkat("f", dir, "w/link") == 0 && symlinkat("f", dir, "r/link") < 0);
    CHILD_CHECK(mkfifoat(dir, "w/fifo", 0600) < 0);
    CHILD_CHECK(opens(rig, "one", O_RDWR) && !opens(rig, "none/f", O_RDONLY));
    CHILD_CHECK(!opens(rig, "none", O_DIRECTORY) && !opens(rig, "/etc/passwd", O_RDONLY));
    CHILD_CHECK(renameat(dir, "w/f", dir, "none/g") < 0);
    if (rig->kernel_abi >= 2)
        CHILD_CHECK(renameat(dir, "w/f", dir, "w/sub/f") == 0);
    if (rig->kernel_abi >= 3)
        CHILD_CHECK(opens(rig, "w/new", O_WRONLY | O_TRUNC));

    /* What was open goes on. */
    char text[4];
    CHILD_CHECK(pread(before, text, 4, 0) == 4 && pwrite(before, "x", 1, 0) == 1);
}

static void sec_67_only_the_given_paths_and_rights_remain(void **state)
{
    need(*state, 1);
    assert_int_equal(in_child(with_two_folders, *state), 0);
}

static void with_nothing(void *ctx)
{
    const struct rig *rig = ctx;
    enter(rig, &(struct landlock_rules){0});
    CHILD_CHECK(!opens(rig, "r/f", O_RDONLY) && !opens(rig, "w/f", O_WRONLY));
    CHILD_CHECK(!opens(rig, "/dev/null", O_RDONLY) && !opens(rig, "/", O_DIRECTORY));
    CHILD_CHECK(execl("/bin/true", "true", NULL) < 0 && errno == EACCES);
}

static void sec_67_no_rule_is_no_path(void **state)
{
    need(*state, 1);
    assert_int_equal(in_child(with_nothing, *state), 0);
}

static bool connects(uint16_t port)
{
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    CHILD_CHECK(connected || errno == EACCES);
    return connected;
}

static bool binds(uint16_t port)
{
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    CHILD_CHECK(bound || errno == EACCES || errno == EADDRINUSE);
    return bound;
}

static void without_tcp(void *ctx)
{
    const struct rig *rig = ctx;
    enter(rig, &(struct landlock_rules){0});
    CHILD_CHECK(!connects(rig->port) && !binds(0) && errno == EACCES);
    CHILD_CHECK(accept(rig->listener, NULL, NULL) < 0 && errno == EAGAIN); /* not its matter */
}

static void with_one_port(void *ctx)
{
    const struct rig *rig = ctx;
    const struct landlock_ports one[] = {{rig->port, rig->port}};
    const struct landlock_ports chosen[] = {{0, 0}};
    enter(rig, &(struct landlock_rules){
                   .connect = one, .connect_count = 1, .bind = chosen, .bind_count = 1});
    CHILD_CHECK(connects(rig->port) && !connects(rig->port ^ 1));
    CHILD_CHECK(binds(0) && !binds(rig->port ^ 1) && errno == EACCES);
}

static void with_any_port(void *ctx)
{
    const struct rig *rig = ctx;
    const struct landlock_ports any[] = {{0, UINT16_MAX}};
    enter(rig, &(struct landlock_rules){.connect = any, .connect_count = 1});
    CHILD_CHECK(connects(rig->port) && !binds(0) && !opens(rig, "r/f", O_RDONLY));
}

static void sec_67_tcp_is_confined_to_the_given_ports(void **state)
{
    struct rig *rig = *state;
    need(rig, 4);
    fcntl(rig->listener, F_SETFL, O_NONBLOCK);
    assert_int_equal(in_child(without_tcp, rig), 0);
    assert_int_equal(in_child(with_one_port, rig), 0);
    assert_int_equal(in_child(with_any_port, rig), 0);
}

static void without_others(void *ctx)
{
    const struct rig *rig = ctx;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, "\0ferry-test", 11);
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 11;
    CLEANUP(fd_close) int server = socket(AF_UNIX, SOCK_STREAM, 0);
    CLEANUP(fd_close) int client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHILD_CHECK(bind(server, (struct sockaddr *)&address, len) == 0 && listen(server, 1) == 0);
    enter(rig, &(struct landlock_rules){0});
    CHILD_CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
    CHILD_CHECK(kill(getpid(), 0) == 0);
    CHILD_CHECK(connect(client, (struct sockaddr *)&address, len) < 0 && errno == EPERM);
}

static void sec_67_signals_and_abstract_sockets_stay_inside(void **state)
{
    need(*state, 6);
    assert_int_equal(in_child(without_others, *state), 0);
}

#define LATE "ioctl on devices, signals and abstract sockets"

/* What each version of the kernel leaves open, in words. */
static const char *const missing[] = {
    [0] = "the kernel has no Landlock",
    [1] = "not confined: renaming between folders, truncation, TCP, " LATE,
    [2] = "not confined: truncation, TCP, " LATE,
    [3] = "not confined: TCP, " LATE,
    [4] = "not confined: " LATE,
    [5] = "not confined: signals and abstract sockets",
    [6] = "",
    [7] = "",
};

static void on_an_older_kernel(void *ctx)
{
    const struct rig *rig = ctx;
    const struct landlock_path paths[] = {{rig->write_fd, LANDLOCK_MAY_READ | LANDLOCK_MAY_WRITE}};
    struct landlock_report report;
    CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHILD_CHECK(landlock_enter_abi(&(struct landlock_rules){.paths = paths, .path_count = 1},
                                   rig->abi, &report, NULL) == FERRY_OK);
    CHILD_CHECK(report.abi == rig->abi);
    CHILD_CHECK(strcmp(report.missing, missing[rig->abi]) == 0);
    CHILD_CHECK(opens(rig, "w/f", O_RDWR));
    CHILD_CHECK(opens(rig, "r/f", O_RDONLY) == (rig->abi < 1));
    CHILD_CHECK(connects(rig->port) == (rig->abi < 4));
    CHILD_CHECK((kill(getppid(), 0) == 0) == (rig->abi < 6));
}

static void sec_67_an_older_kernel_does_what_it_can_and_the_rest_is_told(void **state)
{
    struct rig *rig = *state;
    for (rig->abi = 0; rig->abi < (int)ARRAY_LEN(missing); rig->abi++) {
        if (rig->abi <= rig->kernel_abi)
            assert_int_equal(in_child(on_an_older_kernel, rig), 0);
    }
}

static void mistakes(void *ctx)
{
    (void)ctx;
    struct landlock_report report;
    const struct landlock_path no_path[] = {{-1, LANDLOCK_MAY_READ}};
    struct landlock_rules rules = {.paths = no_path, .path_count = 1};
    CHILD_CHECK(landlock_enter(&rules, &report, NULL) == FERRY_E_ARGUMENT);
    if (geteuid() != 0) /* root may do without */
        CHILD_CHECK(landlock_enter(&(struct landlock_rules){0}, &report, NULL) == FERRY_E_DENIED);
}

static void a_mistake_is_told(void **state)
{
    need(*state, 1);
    assert_int_equal(in_child(mistakes, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sec_67_only_the_given_paths_and_rights_remain, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sec_67_no_rule_is_no_path, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_67_tcp_is_confined_to_the_given_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_67_signals_and_abstract_sockets_stay_inside, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            sec_67_an_older_kernel_does_what_it_can_and_the_rest_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mistake_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
