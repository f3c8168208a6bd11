/* proc/channel (SEC-62, SEC-63): messages and descriptors arrive whole, in order, or the channel
 * ends; nothing leaks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "proc/channel.h"

enum { QUEUE_BYTES = 256 * 1024 };

struct rig {
    struct channel here, there;
    int open_before;
    char space[CHANNEL_MESSAGE_BYTES];
    struct channel_message message;
    enum channel_got got;
    struct fault fault;
};

static int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    int count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static int null_fd(void)
{
    int fd = open("/dev/null", O_RDONLY);
    assert_true(fd >= 0);
    return fd;
}

static int setup(void **state)
{
    struct rig *rig = alloc_zero(sizeof(*rig));
    assert_non_null(rig);
    rig->open_before = open_fds();
    int ends[2];
    assert_int_equal(channel_pair(ends, &rig->fault), FERRY_OK);
    channel_init(&rig->here, ends[0], QUEUE_BYTES);
    channel_init(&rig->there, ends[1], QUEUE_BYTES);
    *state = rig;
    return 0;
}

/* Every descriptor that came or was sent must be closed again. */
static int teardown(void **state)
{
    struct rig *rig = *state;
    channel_fini(&rig->here);
    channel_fini(&rig->there);
    bool leaks = open_fds() != rig->open_before;
    alloc_free(rig);
    return leaks;
}

static enum ferry_error receive(struct rig *rig)
{
    fault_clear(&rig->fault);
    return channel_receive(&rig->there, rig->space, &rig->message, &rig->got, &rig->fault);
}

static void expect(struct rig *rig, struct bytes data, size_t fd_count)
{
    assert_int_equal(receive(rig), FERRY_OK);
    assert_int_equal(rig->got, CHANNEL_MESSAGE);
    assert_true(bytes_equal(rig->message.data, data));
    assert_int_equal(rig->message.fd_count, fd_count);
    channel_message_fini(&rig->message);
}

static void expect_end(struct rig *rig)
{
    assert_int_equal(receive(rig), FERRY_OK);
    assert_int_equal(rig->got, CHANNEL_END);
}

/* What no channel_send would send. */
static void raw_send(struct rig *rig, size_t len, size_t fd_count)
{
    char *data = alloc_zero(len + 1);
    struct iovec part = {.iov_base = data, .iov_len = len};
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * 16)];
    } control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    int fds[16];
    for (size_t i = 0; i < fd_count; i++)
        fds[i] = null_fd();
    if (fd_count > 0) {
        header.msg_control = control.space;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
    }
    assert_int_equal(sendmsg(channel_fd(&rig->here), &header, 0), len);
    for (size_t i = 0; i < fd_count; i++)
        fd_close(&fds[i]);
    alloc_free(data);
}

static void messages_keep_their_borders(void **state)
{
    struct rig *rig = *state;
    char longest[CHANNEL_MESSAGE_BYTES];
    memset(longest, 'x', sizeof(longest));
    struct bytes sent[] = {BYTES_LIT("a"), bytes_of(longest, sizeof(longest)), BYTES_LIT("bcd")};
    for (size_t i = 0; i < ARRAY_LEN(sent); i++)
        assert_int_equal(channel_send(&rig->here, sent[i], NULL, 0, &rig->fault), FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(sent); i++)
        expect(rig, sent[i], 0);
    assert_int_equal(receive(rig), FERRY_OK);
    assert_int_equal(rig->got, CHANNEL_NOTHING);
}

static void descriptors_arrive_close_on_exec(void **state)
{
    struct rig *rig = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("pipe"), ends, 2, &rig->fault), FERRY_OK);
    assert_int_equal(fcntl(ends[0], F_GETFD), -1); /* taken */

    assert_int_equal(receive(rig), FERRY_OK);
    assert_int_equal(rig->message.fd_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(fcntl(rig->message.fds[i], F_GETFD), FD_CLOEXEC);
    assert_int_equal(rig->message.fds[2], -1);
    assert_int_equal(write(rig->message.fds[1], "z", 1), 1);
    CLEANUP(fd_close) int mine = fd_take(&rig->message.fds[0]);
    channel_message_fini(&rig->message);
    char byte = 0;
    assert_int_equal(read(mine, &byte, 1), 1);
    assert_int_equal(byte, 'z');
}

static void an_end_is_no_error_and_stays(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("last"), NULL, 0, &rig->fault), FERRY_OK);
    channel_end(&rig->here);
    expect(rig, BYTES_LIT("last"), 0);
    expect_end(rig);
    expect_end(rig);
    int fd = null_fd();
    assert_int_equal(channel_send(&rig->there, BYTES_LIT("x"), &fd, 1, &rig->fault), FERRY_E_LOST);
    assert_int_equal(channel_flush(&rig->there, NULL), FERRY_E_LOST);
}

static void a_peer_that_left_messages_unread_is_heard_out(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(channel_send(&rig->there, BYTES_LIT("unread"), NULL, 0, NULL), FERRY_OK);
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("one"), NULL, 0, NULL), FERRY_OK);
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("two"), NULL, 0, NULL), FERRY_OK);
    fd_close(&rig->here.fd);
    expect(rig, BYTES_LIT("one"), 0);
    expect(rig, BYTES_LIT("two"), 0);
    expect_end(rig);
}

/* What a hostile process sends, and what becomes of it. */
static const struct {
    const char *name;
    size_t len, fd_count;
    enum ferry_error error;
} hostile[] = {
    {"one byte too long", CHANNEL_MESSAGE_BYTES + 1, 0, FERRY_E_PROTOCOL},
    {"too long, with descriptors", CHANNEL_MESSAGE_BYTES + 1, CHANNEL_FDS, FERRY_E_PROTOCOL},
    {"one descriptor too many", 5, CHANNEL_FDS + 1, FERRY_E_PROTOCOL},
    {"many descriptors", 5, 16, FERRY_E_PROTOCOL},
    {"only descriptors", 0, 2, FERRY_E_PROTOCOL},
};

static void sec_63_a_truncated_message_ends_the_channel(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        assert_int_equal(setup(state), 0);
        struct rig *rig = *state;
        int open_now = open_fds();
        raw_send(rig, hostile[i].len, hostile[i].fd_count);
        raw_send(rig, 1, 1); /* not read any more */
        if (receive(rig) != hostile[i].error || open_fds() != open_now)
            fail_msg("%s", hostile[i].name);
        assert_true(fault_is_set(&rig->fault));
        expect_end(rig);
        assert_int_equal(channel_send(&rig->here, BYTES_LIT("x"), NULL, 0, NULL), FERRY_E_LOST);
        assert_int_equal(teardown(state), 0);
    }
}

static void sec_63_no_descriptor_left_is_told(void **state)
{
    struct rig *rig = *state;
    int fds[] = {null_fd(), null_fd()};
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("two"), fds, 2, NULL), FERRY_OK);
    int open_now = open_fds();
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    CLEANUP(fd_close) int next = null_fd(); /* the lowest free one; one descriptor fits after it */
    struct rlimit tight = {.rlim_cur = (rlim_t)next + 2, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    enum ferry_error error = receive(rig);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(error, FERRY_E_LIMIT);
    assert_int_equal(open_fds(), open_now + 1);
    expect_end(rig);
}

/* Fills the socket until messages are queued; returns how many were sent. */
static size_t fill(struct rig *rig, struct bytes data)
{
    size_t count = 0;
    while (!channel_wants_write(&rig->here)) {
        assert_int_equal(channel_send(&rig->here, data, NULL, 0, &rig->fault), FERRY_OK);
        assert_true(++count < 10000);
    }
    return count;
}

static void what_waits_is_sent_in_order(void **state)
{
    struct rig *rig = *state;
    char block[8000];
    memset(block, 'b', sizeof(block));
    size_t count = fill(rig, bytes_of(block, sizeof(block)));
    int fd = null_fd();
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("with"), &fd, 1, NULL), FERRY_OK);
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("end"), NULL, 0, NULL), FERRY_OK);
    assert_int_equal(channel_flush(&rig->here, &rig->fault), FERRY_OK);
    assert_true(channel_wants_write(&rig->here));

    for (size_t i = 0; i < count; i++) {
        expect(rig, bytes_of(block, sizeof(block)), 0);
        assert_int_equal(channel_flush(&rig->here, &rig->fault), FERRY_OK);
    }
    assert_false(channel_wants_write(&rig->here));
    expect(rig, BYTES_LIT("with"), 1);
    expect(rig, BYTES_LIT("end"), 0);
}

static void a_full_queue_refuses_and_goes_on(void **state)
{
    struct rig *rig = *state;
    char block[8000];
    memset(block, 'b', sizeof(block));
    struct bytes data = bytes_of(block, sizeof(block));
    size_t count = fill(rig, data);
    enum ferry_error error = FERRY_OK;
    while (error == FERRY_OK) {
        int fd = null_fd();
        error = channel_send(&rig->here, data, &fd, 1, &rig->fault);
        count += error == FERRY_OK;
        assert_true(count < 10000);
    }
    assert_int_equal(error, FERRY_E_LIMIT);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(receive(rig), FERRY_OK);
        assert_int_equal(rig->got, CHANNEL_MESSAGE);
        channel_message_fini(&rig->message);
        assert_int_equal(channel_flush(&rig->here, &rig->fault), FERRY_OK);
    }
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("again"), NULL, 0, NULL), FERRY_OK);
    expect(rig, BYTES_LIT("again"), 0);
}

static void what_cannot_be_sent_is_refused_and_its_descriptors_closed(void **state)
{
    struct rig *rig = *state;
    int open_now = open_fds();
    char long_one[CHANNEL_MESSAGE_BYTES + 1] = {0};
    struct bytes too_long = bytes_of(long_one, sizeof(long_one));
    int fds[CHANNEL_FDS + 1];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = null_fd();
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("x"), fds, 5, NULL), FERRY_E_LIMIT);
    int one = null_fd();
    assert_int_equal(channel_send(&rig->here, too_long, &one, 1, NULL), FERRY_E_LIMIT);
    one = null_fd();
    assert_int_equal(channel_send(&rig->here, BYTES_LIT(""), &one, 1, NULL), FERRY_E_ARGUMENT);
    assert_int_equal(open_fds(), open_now);
    assert_int_equal(channel_send(&rig->here, BYTES_LIT("x"), NULL, 0, NULL), FERRY_OK);
    expect(rig, BYTES_LIT("x"), 0);
}

static void no_memory_for_the_queue_is_told(void **state)
{
    struct rig *rig = *state;
    char block[8000] = {0};
    fill(rig, bytes_of(block, sizeof(block)));
    int open_now = open_fds();
    int fd = null_fd();
    alloc_fail_from(1);
    enum ferry_error error = channel_send(&rig->here, BYTES_LIT("x"), &fd, 1, NULL);
    alloc_fail_from(0);
    assert_int_equal(error, FERRY_E_MEMORY);
    assert_int_equal(open_fds(), open_now);
    assert_false(rig->here.ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_keep_their_borders, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_arrive_close_on_exec, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_is_no_error_and_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_left_messages_unread_is_heard_out, setup,
                                        teardown),
        cmocka_unit_test(sec_63_a_truncated_message_ends_the_channel),
        cmocka_unit_test_setup_teardown(sec_63_no_descriptor_left_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_sent_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_and_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_refused_and_its_descriptors_closed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_for_the_queue_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
