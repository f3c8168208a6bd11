/* ferryd-files as a process, confined as in ferryd, with the worker's store at the other end of its
 * channel and the test as the supervisor (SEC-62, SEC-67, SEC-68). Usage: test_files_process
 * FERRYD_FILES */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "ferryd/link.h"
#include "ferryd/messages.h"
#include "ferryd/worker/remote_store.h"
#include "proc/spawn.h"
#include "support/store_cases.h"

enum { NOBODY = 65534, WAIT_MS = 20000 };

static char program_path[PATH_MAX];

/* The process, as its supervisor sees it. */
static struct {
    struct spawn_child child;
    struct link *link;
    bool ready, over;
    char missing[MESSAGE_WORDS_BYTES];
    uint64_t grants;
} process;

/* ---- the supervisor ---- */

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)ctx;
    (void)raw;
    (void)fault;
    if (row->type == MESSAGE_DRAINING)
        return FERRY_OK;
    struct bytes words = wire_get_bytes(reader);
    if (row->type != MESSAGE_READY)
        fail_msg("the process says %s: %.*s", row->name, BYTES_FMT(words));
    snprintf(process.missing, sizeof(process.missing), "%.*s", BYTES_FMT(words));
    link_set_state(process.link, MESSAGE_RUNNING);
    process.ready = true;
    return FERRY_OK;
}

static void on_closed(void *ctx, const struct fault *why)
{
    (void)ctx;
    (void)why;
    process.over = true;
}

static void tell(int fd)
{
    struct fault fault = {0};
    assert_int_equal(link_send(process.link, &fd, fd >= 0 ? 1 : 0, &fault), FERRY_OK);
}

static void give_folder(const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    wire_put_bytes(link_begin(process.link, MESSAGE_FILE), bytes_str(path));
    tell(fd);
}

/* Starts it under `uid`, with `folder` left to it by Landlock, or all (NULL). */
static void start(struct store_rig *rig, uid_t uid, const char *folder)
{
    int ends[2];
    struct fault fault = {0};
    assert_int_equal(channel_pair(ends, &fault), FERRY_OK);
    const char *const argv[] = {"ferryd-files", NULL};
    const struct spawn_program program = {
        .path = program_path,
        .argv = argv,
        .fds = &ends[1],
        .fd_count = 1,
        .error_fd = STDERR_FILENO,
    };
    process.ready = process.over = false;
    assert_int_equal(spawn_start(&program, &process.child, &fault), FERRY_OK);
    close(ends[1]);
    const struct link_setup setup = {
        .loop = rig->net.loop,
        .table = &messages_to_supervisor,
        .peer = ROLE_FILES,
        .state = MESSAGE_STARTING,
        .message = on_message,
        .closed = on_closed,
    };
    assert_int_equal(link_new(&setup, ends[0], &process.link), FERRY_OK);
    if (folder)
        give_folder(folder);
    struct wire_writer *writer = link_begin(process.link, MESSAGE_START);
    wire_put_u32(writer, uid);
    wire_put_u32(writer, uid == getuid() ? getgid() : uid);
    wire_put_bytes(writer, (struct bytes){0});
    wire_put_u8(writer, CONFINE_TRY);
    tell(-1);
    NET_UNTIL(&rig->net, process.ready || process.over);
    assert_true(process.ready);
}

/* Waits until it has ended, and says how. */
static struct spawn_exit ended(struct store_rig *rig)
{
    struct spawn_exit how = {0};
    struct pollfd end = {.fd = process.child.pidfd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, WAIT_MS), 1);
    assert_true(spawn_reap(&process.child, &how));
    NET_UNTIL(&rig->net, process.over);
    link_free(process.link);
    process.link = NULL;
    return how;
}

static void attach(struct store_rig *rig, const char *root, bool read_only)
{
    int ends[2];
    struct fault fault = {0};
    assert_int_equal(channel_pair(ends, &fault), FERRY_OK);
    struct wire_writer *writer = link_begin(process.link, MESSAGE_ATTACH);
    wire_put_u64(writer, ++process.grants);
    wire_put_bytes(writer, bytes_str(root));
    wire_put_bytes(writer, BYTES_LIT("anna"));
    wire_put_u8(writer, read_only ? MESSAGE_RULE_READ_ONLY : 0);
    wire_put_bytes(writer, BYTES_LIT(""));
    wire_put_u64(writer, 0);
    wire_put_u64(writer, 0);
    wire_put_bytes(writer, BYTES_LIT(""));
    wire_put_bytes(writer, BYTES_LIT(""));
    tell(ends[0]);
    rig->ops = &remote_store_ops;
    assert_int_equal(
        remote_store_new(rig->net.loop, ends[1], &(struct remote_store_events){0}, &rig->store),
        FERRY_OK);
}

static void sweep(const struct store_rig *rig)
{
    struct wire_writer *writer = link_begin(process.link, MESSAGE_SWEEP);
    wire_put_bytes(writer, bytes_str(rig->dir.path));
    wire_put_i64(writer, time(NULL) + 60);
    tell(-1);
}

static void drain(uint64_t grace_ns)
{
    wire_put_u64(link_begin(process.link, MESSAGE_DRAIN), grace_ns);
    tell(-1);
}

/* ---- for each test ---- */

static void open_granted(struct store_rig *rig, bool read_only)
{
    if (!process.link)
        start(rig, getuid(), rig->dir.path);
    attach(rig, rig->dir.path, read_only);
}

/* It has not died of a system call meanwhile, and ends when its supervisor does. */
static void settle(struct store_rig *rig)
{
    if (!process.link)
        return;
    link_free(process.link);
    process.over = true;
    process.link = NULL;
    struct pollfd end = {.fd = process.child.pidfd, .events = POLLIN};
    struct spawn_exit how = {0};
    char words[SPAWN_WORDS_BYTES];
    assert_int_equal(poll(&end, 1, WAIT_MS), 1);
    assert_true(spawn_reap(&process.child, &how));
    spawn_describe(&how, words);
    assert_string_equal(words, "ended with status 0");
    (void)rig;
}

static int setup(void **state)
{
    static struct store_rig rig;
    *state = &rig;
    return store_rig_setup(&rig, open_granted, settle);
}

/* ---- what only a process has ---- */

/* Every call there is, under the filter of system calls. */
static void sec_68_every_call_is_permitted(void **state)
{
    struct store_rig *f = *state;
    const struct store_ops *ops = f->ops;
    ops->make_link(f->store, "/dir/a", "/link", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    ops->free_bytes(f->store, "/", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    ops->rename(f->store, "/link", "/dir/link", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    ops->make_directory(f->store, "/made", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    struct stat status;
    assert_int_equal(fstatat(f->dir.fd, "made", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0750); /* SEC-37; whatever umask it was started with */
    const struct store_combine want = {
        .target = "/both", .sources = bytes_of("/file\0/dir/a", sizeof("/file\0/dir/a"))};
    ops->combine(f->store, &want, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "both", "contenta");
    ops->open_read(f->store, "/both", store_rig_read, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    char text[16] = "";
    assert_int_equal(read(f->fd, text, sizeof(text)), 8);
    ops->open_part(f->store, "/both", PART_RESUME, 3, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    store_rig_write(f, "!");
    ops->commit(f->store, f->part, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "both", "con!");
}

static void on_change(void *ctx, const struct fault *fault, const struct change *made)
{
    struct store_rig *rig = ctx;
    rig->answers++;
    rig->kind = fault->kind;
    rig->number = made ? made->mode : 0;
}

static void sec_68_facts_are_set(void **state)
{
    struct store_rig *f = *state;
    const struct change want = {
        .has_mode = true, .mode = 0604, .has_time = true, .time = {.seconds = 1000000000}};
    f->ops->set_facts(f->store, "/file", &want, on_change, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->number, 0604);
    struct stat status;
    assert_int_equal(fstatat(f->dir.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    assert_int_equal(status.st_mtime, 1000000000);
}

/* A grant of a folder that was not named before the start cannot be used: what Landlock has left
 * is not widened. */
static void sec_67_folders_are_named_before_the_start(void **state)
{
    struct store_rig *f = *state;
    struct tempdir other;
    if (strstr(process.missing, "no Landlock"))
        skip();
    tempdir_make(&other);
    tempdir_write(&other, "secret", "s");
    f->ops->release(f->store);
    attach(f, other.path, false);
    f->ops->open_read(f->store, "/secret", store_rig_read, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_DENIED);
    f->ops->open_part(f->store, "/new", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_DENIED);
    f->ops->list_open(f->store, "/", &(struct store_list_want){0}, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_DENIED);
    tempdir_remove(&other);
}

/* Without folders, any that the user id can reach; what it cannot is not reached. */
static void sec_62_the_user_id_is_the_wall(void **state)
{
    struct store_rig *f = *state;
    if (getuid() != 0)
        skip();
    f->ops->release(f->store);
    settle(f);
    start(f, NOBODY, NULL);
    assert_int_equal(fchmod(f->dir.fd, 0755), 0);
    assert_int_equal(fchmodat(f->dir.fd, "file", 0600, 0), 0);
    tempdir_mkdir(&f->dir, "nobody's");
    assert_int_equal(fchownat(f->dir.fd, "nobody's", NOBODY, NOBODY, 0), 0);
    attach(f, f->dir.path, false);
    f->ops->open_read(f->store, "/file", store_rig_read, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_DENIED);
    f->ops->open_part(f->store, "/new", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_DENIED);
    f->ops->open_part(f->store, "/nobody's/new", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->commit(f->store, f->part, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    struct stat status;
    assert_int_equal(fstatat(f->dir.fd, "nobody's/new", &status, 0), 0);
    assert_int_equal(status.st_uid, NOBODY);
    const struct change want = {.has_mode = true, .mode = 0600}; /* its own /proc, as another id */
    f->ops->set_facts(f->store, "/nobody's/new", &want, on_change, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->stat(f->store, "/nobody's", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_string_equal(f->perms, "celmp");
}

/* Killed during an upload: nothing whole-looking appears, what comes after fails for now, and the
 * part goes with the next process' sweep, once nobody writes it any more. */
static void sec_38_killed_during_an_upload(void **state)
{
    struct store_rig *f = *state;
    size_t before = tempdir_count(&f->dir, ".");
    f->ops->open_part(f->store, "/up", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    store_rig_write(f, "half");
    spawn_signal(&process.child, SIGKILL);
    struct spawn_exit how = ended(f);
    assert_true(how.by_signal && how.code == SIGKILL);
    store_rig_write(f, "half"); /* still open here */
    f->ops->commit(f->store, f->part, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
    assert_false(tempdir_has(&f->dir, "up"));
    f->ops->release(f->store);

    open_granted(f, false);
    sweep(f);
    f->ops->stat(f->store, "/file", store_rig_entry, f); /* the new one serves */
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(tempdir_count(&f->dir, "."), before + 1);
    close(fd_take(&f->fd));
    sweep(f);
    drain(UINT64_MAX);
    f->ops->release(f->store);
    f->store = NULL;
    how = ended(f);
    assert_false(how.by_signal);
    assert_int_equal(how.code, 0);
    assert_int_equal(tempdir_count(&f->dir, "."), before);
}

/* It waits for its sessions, for as long as it is told. */
static void drained(void **state)
{
    struct store_rig *f = *state;
    drain(UINT64_MAX);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    drain(0);
    struct spawn_exit how = ended(f);
    assert_false(how.by_signal);
    assert_int_equal(how.code, 0);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_TEMPORARY);
}

/* SEC-63: what a supervisor does not say to this role. */
static void sec_63_another_roles_message_ends_it(void **state)
{
    struct store_rig *f = *state;
    wire_put_u64(link_begin(process.link, MESSAGE_GRANTED), 1);
    tell(open("/dev/null", O_RDONLY | O_CLOEXEC));
    struct spawn_exit how = ended(f);
    assert_false(how.by_signal);
    assert_int_equal(how.code, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, store_rig_teardown)

int main(int argc, char **argv)
{
    if (argc != 2 || !realpath(argv[1], program_path)) /* the child's folder is / */
        return 2;
    const struct CMUnitTest tests[] = {
        STORE_CASES(setup, store_rig_teardown),
        TEST(sec_68_every_call_is_permitted),
        TEST(sec_68_facts_are_set),
        TEST(sec_67_folders_are_named_before_the_start),
        TEST(sec_62_the_user_id_is_the_wall),
        TEST(sec_38_killed_during_an_upload),
        TEST(drained),
        TEST(sec_63_another_roles_message_ends_it),
    };
    return cmocka_run_group_tests_name("files_process", tests, NULL, NULL);
}
