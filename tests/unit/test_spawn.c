/* proc/spawn (SEC-71): a child has what it was given and nothing else; its end is told in words. */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "proc/spawn.h"
#include "support/in_child.h"
#include "support/tempdir.h"

enum { WAIT_MS = 10000 };

/* Starts a shell with `fds` and waits for nothing. */
static struct spawn_child start_shell(const char *script, const int *fds, size_t fd_count)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct spawn_program program = {
        .path = "/bin/sh", .argv = argv, .fds = fds, .fd_count = fd_count, .error_fd = -1};
    struct spawn_child child;
    struct fault fault = {0};
    if (spawn_start(&program, &child, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    return child;
}

static struct spawn_exit wait_for(struct spawn_child *child)
{
    struct pollfd waits = {.fd = child->pidfd, .events = POLLIN};
    assert_int_equal(poll(&waits, 1, WAIT_MS), 1);
    struct spawn_exit exit;
    assert_true(spawn_reap(child, &exit));
    assert_int_equal(child->pidfd, -1);
    return exit;
}

/* What a shell writes to its descriptor 3. */
static void output_of(const char *script, char *out, size_t size_bytes)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct spawn_child child = start_shell(script, &ends[1], 1);
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], out + len, size_bytes - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    close(ends[0]);
    struct spawn_exit exit = wait_for(&child);
    assert_false(exit.by_signal);
    assert_int_equal(exit.code, 0);
}

/* What a child is like, whatever its parent is like: the shell's script and what it says. */
static const struct {
    const char *script, *says;
} surroundings[] = {
    {"tr '\\0' '\\n' </proc/$$/environ >&3", "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"},
    /* 4 is the folder that ls reads. */
    {"exec ls -x -w 100 /proc/self/fd >&3", "0  1  2  3  4\n"},
    {"x=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$x\" >&3",
     "/dev/null\n/dev/null\n/dev/null\n"},
    {"readlink /proc/$$/cwd >&3", "/\n"},
    {"umask >&3", "0077\n"},
    {"grep -E 'Sig(Blk|Ign)' /proc/$$/status | tr -d '\\t' >&3",
     "SigBlk:0000000000000000\nSigIgn:0000000000000000\n"},
    {"test $(ps -o sid= -p $$) -eq $$ && echo session >&3", "session\n"},
};

static void inherit_nothing(void *ctx)
{
    (void)ctx;
    setenv("LD_PRELOAD_OF_OURS", "x", 1);
    setenv("TZ", "Mars", 1);
    umask(0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    /* As posix_spawn leaves the C library's own signals. */
    const unsigned long ignored[8] = {(unsigned long)SIG_IGN};
    CHILD_CHECK(syscall(SYS_rt_sigaction, 32, ignored, NULL, 8) == 0);
    sigset_t blocked;
    sigfillset(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    int stray = open("/etc/passwd", O_RDONLY); /* not close-on-exec */
    int high = fcntl(stray, F_DUPFD, 200);
    CHILD_CHECK(stray > 0 && high >= 200 && chdir("/tmp") == 0);
    for (size_t i = 0; i < ARRAY_LEN(surroundings); i++) {
        char out[4096];
        output_of(surroundings[i].script, out, sizeof(out));
        if (strcmp(out, surroundings[i].says) != 0)
            fprintf(stderr, "%s:\n%s", surroundings[i].script, out);
        CHILD_CHECK(strcmp(out, surroundings[i].says) == 0);
    }
}

static void sec_71_a_child_inherits_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(inherit_nothing, NULL), 0);
}

static void descriptors_get_their_numbers_whatever_they_were(void **state)
{
    (void)state;
    struct tempdir dir;
    tempdir_make(&dir);
    int fds[SPAWN_FDS];
    /* The numbers that these have here are the numbers that others of them have there. */
    for (int i = 0; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof(name), "f%d", i);
        fds[7 - i] = openat(dir.fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fds[7 - i] >= 0);
    }
    struct spawn_child child =
        start_shell("echo 3 >&3; echo 4 >&4; echo 5 >&5; echo 8 >&8; echo 9 >&9", fds, 8);
    struct spawn_exit exit = wait_for(&child);
    assert_int_equal(exit.code, 0);
    tempdir_assert_text(&dir, "f7", "3\n");
    tempdir_assert_text(&dir, "f6", "4\n");
    tempdir_assert_text(&dir, "f5", "5\n");
    tempdir_assert_text(&dir, "f2", "8\n");
    tempdir_assert_text(&dir, "f1", "9\n");
    tempdir_assert_text(&dir, "f0", "");
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    tempdir_remove(&dir);
}

static void standard_error_may_be_given(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const char *argv[] = {"sh", "-c", "echo oh >&2", NULL};
    struct spawn_program program = {.path = "/bin/sh", .argv = argv, .error_fd = ends[1]};
    struct spawn_child child;
    assert_int_equal(spawn_start(&program, &child, NULL), FERRY_OK);
    wait_for(&child);
    char out[4] = "";
    assert_int_equal(read(ends[0], out, 3), 3);
    assert_string_equal(out, "oh\n");
    close(ends[0]);
    close(ends[1]);
}

static void an_end_is_told_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *script, *words;
    } ends[] = {
        {"exit 0", "ended with status 0"},
        {"exit 255", "ended with status 255"},
        {"kill -SEGV $$", "was killed by SIGSEGV (Segmentation fault)"},
        {"kill -SYS $$", "was killed by SIGSYS (a system call it may not make)"},
        {"kill -40 $$", "was killed by signal 40"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct spawn_child child = start_shell(ends[i].script, NULL, 0);
        struct spawn_exit exit = wait_for(&child);
        char words[SPAWN_WORDS_BYTES];
        spawn_describe(&exit, words);
        assert_string_equal(words, ends[i].words);
    }
}

static void a_signal_reaches_the_child_and_only_it(void **state)
{
    (void)state;
    struct spawn_child child = start_shell("while :; do sleep 1; done", NULL, 0);
    struct spawn_exit exit;
    spawn_signal(&child, 0);
    spawn_signal(&child, SIGKILL);
    exit = wait_for(&child);
    assert_true(exit.by_signal);
    assert_int_equal(exit.code, SIGKILL);
    spawn_signal(&child, SIGKILL);
    assert_false(spawn_reap(&child, &exit));
}

static void one_that_runs_is_not_reaped(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct spawn_child child = start_shell("read x <&3; exit 4", ends, 1);
    struct spawn_exit exit;
    assert_false(spawn_reap(&child, &exit));
    assert_int_equal(write(ends[1], "\n", 1), 1);
    exit = wait_for(&child);
    assert_int_equal(exit.code, 4);
    close(ends[0]);
    close(ends[1]);
}

static enum ferry_error start_error(const char *path, size_t fd_count, struct fault *fault)
{
    const char *argv[] = {"x", NULL};
    int fds[SPAWN_FDS + 1] = {0};
    struct spawn_program program = {
        .path = path, .argv = argv, .fds = fds, .fd_count = fd_count, .error_fd = -1};
    struct spawn_child child;
    fault_clear(fault);
    int before = dup(0);
    close(before);
    enum ferry_error error = spawn_start(&program, &child, fault);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    return error;
}

static void what_cannot_be_started_is_told(void **state)
{
    (void)state;
    struct fault fault;
    assert_int_equal(start_error("/none/such", 0, &fault), FERRY_E_NOT_FOUND);
    assert_string_equal(fault.what, "start /none/such: run the program: No such file or directory");
    assert_int_equal(start_error("/etc/passwd", 0, &fault), FERRY_E_DENIED);
    assert_int_equal(start_error("/bin/sh", SPAWN_FDS + 1, &fault), FERRY_E_ARGUMENT);
}

static void start_without_descriptors(void *ctx)
{
    (void)ctx;
    int next = dup(0);
    close(next);
    struct spawn_program program = {
        .path = "/bin/sh", .argv = (const char *[]){"sh", NULL}, .error_fd = -1};
    struct spawn_child child;
    for (rlim_t left = 0; left < 4; left++) {
        struct rlimit limit = {(rlim_t)next + left, (rlim_t)next + 10};
        struct fault fault = {0};
        CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        if (spawn_start(&program, &child, &fault) == FERRY_OK) {
            CHILD_CHECK(left >= 3);
            return;
        }
        CHILD_CHECK(fault_is_set(&fault) && fault.os_error == EMFILE);
        CHILD_CHECK(waitpid(-1, NULL, WNOHANG) == -1);
    }
}

static void no_descriptors_left_is_told(void **state)
{
    (void)state;
    assert_int_equal(in_child(start_without_descriptors, NULL), 0);
}

static void start_and_die(void *ctx)
{
    start_shell("while :; do sleep 1; done", ctx, 1);
}

static void a_child_dies_with_its_parent(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(in_child(start_and_die, &ends[1]), 0);
    close(ends[1]);
    /* `sleep` holds the pipe a second longer than its shell. */
    struct pollfd ended = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&ended, 1, WAIT_MS), 1);
    assert_true(ended.revents & POLLHUP);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_71_a_child_inherits_nothing),
        cmocka_unit_test(descriptors_get_their_numbers_whatever_they_were),
        cmocka_unit_test(standard_error_may_be_given),
        cmocka_unit_test(an_end_is_told_in_words),
        cmocka_unit_test(a_signal_reaches_the_child_and_only_it),
        cmocka_unit_test(one_that_runs_is_not_reaped),
        cmocka_unit_test(what_cannot_be_started_is_told),
        cmocka_unit_test(no_descriptors_left_is_told),
        cmocka_unit_test(a_child_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
