/* Each role tries each deed of deeds.def (SEC-62, SEC-66, SEC-67, SEC-68): what it needs must go,
 * all else must be refused. Usage: test_sandbox PROBE [unprivileged]. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "proc/channel.h"
#include "proc/role.h"
#include "proc/spawn.h"
#include "sandbox/scene.h"
#include "support/tempdir.h"

enum { WAIT_MS = 20000, NOBODY = 65534 };

#define BIT(role) ROLE_BIT(ROLE_##role)
#define EVERY (~0U)

static const struct deed {
    const char *name;
    unsigned roles;
    int abi;
} deeds[] = {
#define DEED(name, roles, abi) {#name, (roles), (abi)},
#include "sandbox/deeds.def"
#undef DEED
};
enum { DEED_COUNT = ARRAY_LEN(deeds), CASE_COUNT = DEED_COUNT * ROLE_COUNT };

static struct {
    const char *probe;
    struct tempdir dir;
    int known, unknown;
    uint16_t known_port, unknown_port;
    int abi; /* of Landlock */
    bool probe_runs;
} world;

/* One role and one deed. */
struct trial {
    enum role role;
    const struct deed *deed;
    char name[80];
};
static struct trial trials[CASE_COUNT];

static int make_listener(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 100), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* A listener of its own for one trial, with a client that has sent "hi". */
static int make_client(int *client)
{
    uint16_t port;
    int listener = make_listener(&port);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(*client, "hi", 2, 0), 2);
    return listener;
}

/* The driver's end of a channel, with a message waiting at the other, `*theirs`. */
static void make_channel(struct channel *ours, int *theirs)
{
    int ends[2];
    assert_int_equal(channel_pair(ends, NULL), FERRY_OK);
    channel_init(ours, ends[0], CHANNEL_MESSAGE_BYTES);
    *theirs = ends[1];
    int file = openat(world.dir.fd, "passed", O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(channel_send(ours, BYTES_LIT("hello"), &file, 1, NULL), FERRY_OK);
}

static struct spawn_exit run_probe(enum role role, const char *deed)
{
    char known[8], unknown[8];
    snprintf(known, sizeof(known), "%u", world.known_port);
    snprintf(unknown, sizeof(unknown), "%u", world.unknown_port);
    const char *argv[] = {"probe", role_name(role), deed, world.dir.path, known, unknown, NULL};
    struct channel channel;
    CLEANUP(fd_close) int theirs = -1;
    CLEANUP(fd_close) int client = -1;
    CLEANUP(fd_close) int listener = make_client(&client);
    make_channel(&channel, &theirs);
    int fds[] = {theirs, listener};
    struct spawn_program program = {
        .path = world.probe, .argv = argv, .fds = fds, .fd_count = 2, .error_fd = STDERR_FILENO};
    struct spawn_child child;
    struct fault fault = {0};
    if (spawn_start(&program, &child, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    struct pollfd ended = {.fd = child.pidfd, .events = POLLIN};
    if (poll(&ended, 1, WAIT_MS) != 1)
        spawn_signal(&child, SIGKILL);
    struct spawn_exit exit = {0};
    while (!spawn_reap(&child, &exit))
        poll(&ended, 1, WAIT_MS);
    channel_fini(&channel);
    return exit;
}

static bool is_refusal(const struct spawn_exit *exit)
{
    return exit->by_signal ? exit->code == SIGSYS : exit->code == SCENE_REFUSED;
}

static void try_deed(void **state)
{
    const struct trial *trial = *state;
    const struct deed *deed = trial->deed;
    if (!world.probe_runs)
        skip();
    bool may = deed->roles & ROLE_BIT(trial->role);
    if (strcmp(deed->name, "become_another") == 0 && geteuid() != 0)
        may = false; /* not the supervisor either */
    struct spawn_exit exit = run_probe(trial->role, deed->name);
    bool done = !exit.by_signal && exit.code == SCENE_DONE;
    if (!may && done && world.abi < deed->abi) {
        print_message("Landlock is %d here and must be %d\n", world.abi, deed->abi);
        skip();
    }
    char words[SPAWN_WORDS_BYTES];
    spawn_describe(&exit, words);
    if (may ? !done : !is_refusal(&exit))
        fail_msg("%s %s: %s", trial->name, may ? "failed" : "was not refused", words);
}

static void make_world(void)
{
    tempdir_make(&world.dir);
    const char *const folders[] = {"own", "other"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        tempdir_mkdir(&world.dir, folders[i]);
        assert_int_equal(fchmodat(world.dir.fd, folders[i], 0777, 0), 0);
    }
    const char *const files[] = {"own/f", "other/f", "passed"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        tempdir_write(&world.dir, files[i], SCENE_TEXT);
        assert_int_equal(fchmodat(world.dir.fd, files[i], 0666, 0), 0);
    }
    assert_int_equal(fchmod(world.dir.fd, 0777), 0);
    world.known = make_listener(&world.known_port);
    world.unknown = make_listener(&world.unknown_port);
}

/* As if somebody else than root ran the tests. */
static void leave_root(void)
{
    assert_int_equal(setgroups(0, NULL), 0);
    assert_int_equal(setresgid(NOBODY, NOBODY, NOBODY), 0);
    assert_int_equal(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

static int setup(void **state)
{
    (void)state;
    if (access(world.probe, X_OK) != 0) {
        print_message("the build folder is not open to another user\n");
        return 0;
    }
    struct spawn_exit exit = run_probe(ROLE_KEYS, "report");
    world.probe_runs = !exit.by_signal && exit.code >= SCENE_ABI;
    world.abi = exit.code - SCENE_ABI;
    return world.probe_runs ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[CASE_COUNT];
    static char probe[PATH_MAX];
    if (argc < 2 || !realpath(argv[1], probe)) /* the child's folder is / */
        return 2;
    world.probe = probe;
    if (argc > 2 && geteuid() == 0)
        leave_root();
    make_world();
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct trial *trial = &trials[i];
        trial->role = (enum role)(i / DEED_COUNT);
        trial->deed = &deeds[i % DEED_COUNT];
        bool may = trial->deed->roles & ROLE_BIT(trial->role);
        snprintf(trial->name, sizeof(trial->name), "%s_%s_%s", role_name(trial->role),
                 may ? "may" : "must_not", trial->deed->name);
        tests[i] = (struct CMUnitTest){trial->name, try_deed, NULL, NULL, trial};
    }
    int failed = cmocka_run_group_tests_name("sandbox", tests, setup, NULL);
    tempdir_remove(&world.dir);
    return failed;
}
