/* store/part, store/partfile: what is uploaded is seen whole or not at all (SEC-38, FTP-64,
 * FTP-92). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "store/part.h"
#include "store/tree.h"
#include "support/alloc_fail.h"
#include "support/tempdir.h"

static struct tempdir top;
static struct root root;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&top);
    assert_int_equal(root_init(&root, top.path, ROOT_LINKS_BENEATH, 027, NULL), FERRY_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    root_fini(&root);
    tempdir_remove(&top);
    return 0;
}

static const struct bytes owner = BYTES_LIT("anna"), stranger = BYTES_LIT("bert");

static struct part begin(const char *path, const struct part_want *want)
{
    struct part part;
    struct fault fault = {0};
    if (part_begin(&root, bytes_str(path), want, &part, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    return part;
}

static struct part begin_new(const char *path)
{
    return begin(path, &(struct part_want){.owner = owner});
}

/* Writes `text` behind what the part has. */
static void put(const struct part *part, const char *text)
{
    struct stat status;
    assert_int_equal(fstat(part->fd, &status), 0);
    assert_int_equal(pwrite(part->fd, text, strlen(text), status.st_size), strlen(text));
}

static void commit(struct part *part)
{
    struct fault fault = {0};
    if (part_commit(part, PART_SYNC_DATA, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
}

/* Leaves a part of `path` with `text`, kept for `owner`. */
static void leave_kept(const char *path, const char *text)
{
    struct part part = begin_new(path);
    put(&part, text);
    put(&part, "!"); /* the byte it loses */
    assert_true(part_keep(&part));
}

/* Size of what is kept, or -1. */
static int64_t kept_size(const char *path, struct bytes whose)
{
    uint64_t size;
    enum ferry_error error = part_find_kept(&root, bytes_str(path), whose, &size, NULL);
    assert_true(error == FERRY_OK || error == FERRY_E_NOT_FOUND);
    return error == FERRY_OK ? (int64_t)size : -1;
}

static void sec_38_readers_see_the_old_file_until_the_commit(void **state)
{
    (void)state;
    tempdir_write(&top, "file", "old");
    int reader = openat(top.fd, "file", O_RDONLY | O_CLOEXEC);
    struct part part = begin_new("/file");
    assert_int_equal(part.offset_bytes, 0);
    put(&part, "new content");
    tempdir_assert_text(&top, "file", "old");
    commit(&part);
    tempdir_assert_text(&top, "file", "new content");
    assert_int_equal(tempdir_count(&top, "."), 1);

    char text[16];
    assert_int_equal(read(reader, text, sizeof(text)), 3);
    assert_memory_equal(text, "old", 3);
    close(reader);
}

static void sec_38_new_name_appears_with_the_commit(void **state)
{
    static const enum part_sync syncs[] = {PART_SYNC_NONE, PART_SYNC_DATA, PART_SYNC_NAME};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(syncs); i++) {
        struct part part = begin_new("/file");
        put(&part, "text");
        assert_false(tempdir_has(&top, "file"));
        assert_int_equal(part_commit(&part, syncs[i], NULL), FERRY_OK);
        part_fini(&part);
        tempdir_assert_text(&top, "file", "text");
        assert_int_equal(tempdir_count(&top, "."), 1);
        assert_int_equal(unlinkat(top.fd, "file", 0), 0);
    }
}

static void empty_file_is_a_file(void **state)
{
    (void)state;
    struct part part = begin_new("/file");
    commit(&part);
    tempdir_assert_text(&top, "file", "");
}

static void abandoned_part_leaves_nothing(void **state)
{
    (void)state;
    tempdir_write(&top, "file", "old");
    struct part part = begin_new("/file");
    put(&part, "new");
    part_abandon(&part);
    part_fini(&part);
    {
        CLEANUP(part_fini) struct part forgotten = begin_new("/file");
        put(&forgotten, "new");
    }
    struct part never_begun = PART_NONE;
    part_fini(&never_begun);
    tempdir_assert_text(&top, "file", "old");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void sec_37_modes(void **state)
{
    static const struct {
        mode_t before, after; /* before 0: the file is new */
    } cases[] = {{0, 0640}, {0600, 0600}, {0755, 0755}, {04755, 0755}, {0666, 0666}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].before != 0) {
            tempdir_write(&top, "file", "old");
            assert_int_equal(fchmodat(top.fd, "file", cases[i].before, 0), 0);
        }
        struct part part = begin_new("/file");
        struct stat status;
        assert_int_equal(fstat(part.fd, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        commit(&part);
        assert_int_equal(fstatat(top.fd, "file", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, cases[i].after);
        assert_int_equal(unlinkat(top.fd, "file", 0), 0);
    }
}

static void cut_upload_is_kept_for_its_owner_and_seen_by_nobody(void **state)
{
    (void)state;
    struct part part = begin_new("/file");
    put(&part, "0123456789");
    assert_true(part_keep(&part));
    part_fini(&part);

    assert_false(tempdir_has(&top, "file"));
    struct entry entry;
    assert_int_equal(tree_stat(&root, BYTES_LIT("/file"), &entry, NULL), FERRY_E_NOT_FOUND);
    assert_int_equal(kept_size("/file", owner), 9);
    assert_int_equal(kept_size("/file", stranger), -1);
    assert_int_equal(kept_size("/file", bytes_str("")), -1);
    assert_int_equal(kept_size("/other", owner), -1);

    part = begin("/file", &(struct part_want){PART_AT_OFFSET, 9, owner, false, false});
    assert_int_equal(kept_size("/file", owner), -1); /* it is being written */
    assert_int_equal(part.offset_bytes, 9);
    put(&part, "9abc");
    commit(&part);
    tempdir_assert_text(&top, "file", "0123456789abc");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void part_is_kept_only_if_something_can_be_gone_on_with(void **state)
{
    char long_name[1 + NAME_MAX + 1] = "/";
    memset(long_name + 1, 'n', NAME_MAX);
    const struct {
        const char *path;
        struct bytes whose;
        const char *text;
        bool kept;
    } cases[] = {
        {"/file", owner, "", false},
        {"/file", owner, "1", false},
        {"/file", owner, "12", true},
        {"/file", bytes_str(""), "12345", false},
        {long_name, owner, "12345", false},
        {"/file", bytes_of(long_name, 200), "12345", true},
        {"/file", bytes_of(long_name, 250), "12345", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct part part = begin(cases[i].path, &(struct part_want){.owner = cases[i].whose});
        put(&part, cases[i].text);
        assert_int_equal(part_keep(&part), cases[i].kept);
        assert_int_equal(kept_size(cases[i].path, cases[i].whose) > 0, cases[i].kept);
        part = begin(cases[i].path, &(struct part_want){.owner = cases[i].whose});
        part_abandon(&part);
        assert_int_equal(tempdir_count(&top, "."), 0); /* a new one removes what was kept */
    }
}

static void name_of_255_bytes_can_be_uploaded(void **state)
{
    (void)state;
    char path[1 + NAME_MAX + 1] = "/";
    memset(path + 1, 'n', NAME_MAX);
    struct part part = begin_new(path);
    put(&part, "text");
    commit(&part);
    tempdir_assert_text(&top, path + 1, "text");
}

static void kept_parts_of_different_owners_and_names_are_different(void **state)
{
    static const struct {
        const char *owner, *name;
    } pairs[] = {
        {"a", "b"},    {"a", "B"},   {"A", "b"},    {"a=b", "c"},  {"a", "b=c"},
        {"a%3D", "b"}, {"a.", "b"},  {"a", ".b"},   {"../x", "b"}, {"a/b", "c"},
        {"%", "b"},    {"%25", "b"}, {"a\nb", "c"}, {"\xff", "b"}, {"a ", "b"},
    };
    (void)state;
    char names[ARRAY_LEN(pairs)][PARTFILE_NAME_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_int_equal(partfile_kept_name(bytes_str(pairs[i].owner), pairs[i].name, names[i]),
                         FERRY_OK);
        assert_true(partfile_is(bytes_str(names[i])));
        assert_null(strchr(names[i], '/'));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void names_of_parts(void **state)
{
    static const struct {
        const char *name;
        bool is_part;
    } cases[] = {
        {".ferry-0123456789abcdef.part", true},
        {".ferry-x.part", true},
        {".ferry-.part", false},
        {".ferry-x", false},
        {"x.part", false},
        {"", false},
        {"ferry-x.part", false},
        {".ferry-x.part.", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(partfile_is(bytes_str(cases[i].name)), cases[i].is_part);
}

/* What a part begins with, for what there is. NULL: there is none. */
static void ftp_92_where_a_part_goes_on(void **state)
{
    static const struct {
        const char *target, *kept;
        enum part_start start;
        uint64_t offset;
        enum ferry_error expected;
        const char *begins_with;
    } cases[] = {
        {NULL, NULL, PART_AT_OFFSET, 0, FERRY_OK, ""},
        {NULL, NULL, PART_AT_OFFSET, 1, FERRY_E_STATE, NULL},
        {"target", NULL, PART_AT_OFFSET, 0, FERRY_OK, ""},
        {"target", NULL, PART_AT_OFFSET, 3, FERRY_OK, "tar"},
        {"target", NULL, PART_AT_OFFSET, 6, FERRY_OK, "target"},
        {"target", NULL, PART_AT_OFFSET, 7, FERRY_E_STATE, NULL},
        {"target", NULL, PART_AT_OFFSET, UINT64_MAX, FERRY_E_STATE, NULL},
        {NULL, "kept", PART_AT_OFFSET, 3, FERRY_OK, "kep"},
        {NULL, "kept", PART_AT_OFFSET, 4, FERRY_OK, "kept"},
        {NULL, "kept", PART_AT_OFFSET, 5, FERRY_E_STATE, NULL},
        {NULL, "kept", PART_NEW, 0, FERRY_OK, ""},
        {"target", "kept", PART_AT_OFFSET, 4, FERRY_OK, "kept"},
        {"target", "kept", PART_AT_OFFSET, 5, FERRY_OK, "targe"},
        {"target", "kept", PART_AT_OFFSET, 9, FERRY_E_STATE, NULL},
        {"target", "kept", PART_NEW, 5, FERRY_OK, ""},
        {NULL, NULL, PART_APPEND, 0, FERRY_OK, ""},
        {"", NULL, PART_APPEND, 0, FERRY_OK, ""},
        {"target", NULL, PART_APPEND, 0, FERRY_OK, "target"},
        {NULL, "kept", PART_APPEND, 0, FERRY_OK, "kept"},
        {"target", "kept", PART_APPEND, 0, FERRY_OK, "target"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].target)
            tempdir_write(&top, "file", cases[i].target);
        if (cases[i].kept)
            leave_kept("/file", cases[i].kept);
        size_t before = tempdir_count(&top, ".");

        struct part part;
        struct part_want want = {cases[i].start, cases[i].offset, owner, false, false};
        enum ferry_error error = part_begin(&root, BYTES_LIT("/file"), &want, &part, NULL);
        if (error != cases[i].expected)
            print_error("case %zu: %s\n", i, fault_kind_name(error));
        assert_int_equal(error, cases[i].expected);
        if (error == FERRY_OK) {
            if (cases[i].target)
                tempdir_assert_text(&top, "file", cases[i].target);
            assert_int_equal(part.offset_bytes, strlen(cases[i].begins_with));
            char expected[32];
            snprintf(expected, sizeof(expected), "%s+more", cases[i].begins_with);
            put(&part, "+more");
            commit(&part);
            tempdir_assert_text(&top, "file", expected);
        } else {
            assert_int_equal(part.fd, -1);
            assert_int_equal(tempdir_count(&top, "."), before);
        }
        (void)unlinkat(top.fd, "file", 0);
        part = begin_new("/file");
        part_abandon(&part);
        assert_int_equal(tempdir_count(&top, "."), 0);
    }
}

static struct timespec changed_at(const char *name)
{
    struct stat status;
    assert_int_equal(fstatat(top.fd, name, &status, 0), 0);
    return status.st_ctim;
}

/* Whatever gave the name another content after the cut (APPE, a rename, another upload) is what
 * REST goes on with, be its time of modification set back or not. */
static void ftp_92_part_older_than_its_target_is_not_gone_on_with(void **state)
{
    (void)state;
    leave_kept("/file", "quarrel");
    struct timespec kept = changed_at(".ferry-anna=file.part"), now = kept;
    while (now.tv_sec == kept.tv_sec && now.tv_nsec == kept.tv_nsec) {
        tempdir_write(&top, "file", "target");
        struct timespec long_ago[2] = {{0}, {0}};
        assert_int_equal(utimensat(top.fd, "file", long_ago, 0), 0);
        now = changed_at("file");
    }
    struct part part = begin("/file", &(struct part_want){PART_AT_OFFSET, 6, owner, false, false});
    put(&part, "+more");
    commit(&part);
    tempdir_assert_text(&top, "file", "target+more");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void part_that_was_continued_is_kept_again(void **state)
{
    (void)state;
    leave_kept("/file", "0123456789");
    struct part part = begin("/file", &(struct part_want){PART_AT_OFFSET, 5, owner, false, false});
    put(&part, "xyz");
    assert_true(part_keep(&part));
    assert_int_equal(kept_size("/file", owner), 7);
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void part_kept_later_takes_the_place_of_an_earlier_one(void **state)
{
    (void)state;
    struct part slow = begin_new("/file");
    put(&slow, "slow!");
    leave_kept("/file", "quick one");
    assert_true(part_keep(&slow));
    assert_int_equal(kept_size("/file", owner), 4);
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void appended_part_is_not_kept(void **state)
{
    (void)state;
    tempdir_write(&top, "file", "old");
    struct part part = begin("/file", &(struct part_want){.start = PART_APPEND, .owner = owner});
    put(&part, "more");
    assert_false(part_keep(&part));
    tempdir_assert_text(&top, "file", "old");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void two_who_append_do_not_undo_each_other(void **state)
{
    (void)state;
    tempdir_write(&top, "log", "0");
    struct part_want append = {.start = PART_APPEND};
    struct part one = begin("/log", &append), two = begin("/log", &append);
    put(&one, "1");
    put(&two, "2");
    commit(&one);
    struct fault fault = {0};
    assert_int_equal(part_commit(&two, PART_SYNC_NONE, &fault), FERRY_E_STATE);
    assert_string_equal(fault.what, "finish log: the file changed meanwhile");
    part_abandon(&two);
    tempdir_assert_text(&top, "log", "01");

    one = begin("/new", &append);
    two = begin("/new", &append);
    put(&one, "1");
    commit(&one);
    assert_int_equal(part_commit(&two, PART_SYNC_NONE, NULL), FERRY_E_EXISTS);
    part_abandon(&two);
    tempdir_assert_text(&top, "new", "1");
    assert_int_equal(tempdir_count(&top, "."), 2);
}

static void of_two_new_ones_the_last_commit_wins(void **state)
{
    (void)state;
    struct part one = begin_new("/file"), two = begin_new("/file");
    put(&one, "one");
    put(&two, "two");
    commit(&two);
    tempdir_assert_text(&top, "file", "two");
    commit(&one);
    tempdir_assert_text(&top, "file", "one");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void ftp_66_no_replace(void **state)
{
    (void)state;
    struct part_want want = {.no_replace = true, .owner = owner};
    struct part part;
    tempdir_write(&top, "taken", "theirs");
    assert_int_equal(part_begin(&root, BYTES_LIT("/taken"), &want, &part, NULL), FERRY_E_EXISTS);
    assert_int_equal(tempdir_count(&top, "."), 1);

    part = begin("/file", &want);
    put(&part, "ours");
    tempdir_write(&top, "file", "theirs");
    assert_int_equal(part_commit(&part, PART_SYNC_NAME, NULL), FERRY_E_EXISTS);
    tempdir_assert_text(&top, "file", "theirs");
    assert_int_equal(unlinkat(top.fd, "file", 0), 0);
    commit(&part); /* a commit that failed may be tried again */
    tempdir_assert_text(&top, "file", "ours");
}

static void target_that_became_a_directory_is_not_replaced(void **state)
{
    (void)state;
    struct part part = begin_new("/file");
    tempdir_mkdir(&top, "file");
    assert_int_equal(part_commit(&part, PART_SYNC_NONE, NULL), FERRY_E_DENIED);
    part_abandon(&part);
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void part_moves_with_its_directory(void **state)
{
    (void)state;
    tempdir_mkdir(&top, "here");
    struct part part = begin_new("/here/file");
    put(&part, "text");
    assert_int_equal(renameat(top.fd, "here", top.fd, "there"), 0);
    commit(&part);
    tempdir_assert_text(&top, "there/file", "text");
}

static void sec_31_link_is_written_through_only_beneath_the_root(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
        const char *written; /* the file that then has the text */
    } cases[] = {
        {"/d/in", FERRY_OK, "d/file"},
        {"/d/dangling", FERRY_OK, "d/nothing"},
        {"/d/up", FERRY_OK, "other"},
        {"/d/out", FERRY_E_DENIED, NULL},
        {"/d/absolute", FERRY_E_DENIED, NULL},
        {"/d/loop", FERRY_E_DENIED, NULL},
        {"/none/file", FERRY_E_NOT_FOUND, NULL},
        {"/d", FERRY_E_DENIED, NULL},
    };
    (void)state;
    tempdir_mkdir(&top, "d");
    tempdir_write(&top, "d/file", "old");
    tempdir_symlink(&top, "file", "d/in");
    tempdir_symlink(&top, "nothing", "d/dangling");
    tempdir_symlink(&top, "../other", "d/up");
    tempdir_symlink(&top, "../../ferry-test-escaped", "d/out");
    tempdir_symlink(&top, "/tmp/ferry-test-escaped", "d/absolute");
    tempdir_symlink(&top, "loop", "d/loop");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes path = bytes_str(cases[i].path);
        struct part part;
        struct part_want want = {0};
        assert_int_equal(part_begin(&root, path, &want, &part, NULL), cases[i].expected);
        if (cases[i].expected != FERRY_OK)
            continue;
        put(&part, "new");
        commit(&part);
        tempdir_assert_text(&top, cases[i].written, "new");
        struct root denying = root;
        denying.links = ROOT_LINKS_DENY;
        assert_int_equal(part_begin(&denying, path, &want, &part, NULL), FERRY_E_DENIED);
    }
    struct stat status;
    assert_int_equal(fstatat(top.fd, "d/in", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(access("/tmp/ferry-test-escaped", F_OK), -1);
}

static void part_being_written_cannot_be_taken_over(void **state)
{
    (void)state;
    struct part_want want = {.owner = owner, .named_at_once = true};
    struct part first = begin("/file", &want);
    put(&first, "0123456789");
    assert_int_equal(kept_size("/file", owner), -1);

    struct part part;
    struct part_want resume = {PART_AT_OFFSET, 5, owner, false, false};
    assert_int_equal(part_begin(&root, BYTES_LIT("/file"), &resume, &part, NULL), FERRY_E_STATE);

    struct part second = begin("/file", &want);
    put(&second, "second");
    assert_false(part_keep(&second)); /* the first has the name */
    commit(&first);
    tempdir_assert_text(&top, "file", "0123456789");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void part_named_at_once_outlives_its_writer(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct part part;
        struct part_want want = {.owner = owner, .named_at_once = true};
        bool ready = part_begin(&root, BYTES_LIT("/file"), &want, &part, NULL) == FERRY_OK &&
                     pwrite(part.fd, "01234", 5, 0) == 5;
        _exit(ready ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(kept_size("/file", owner), 5);
    struct part part = begin("/file", &(struct part_want){PART_AT_OFFSET, 5, owner, false, true});
    put(&part, "56789");
    commit(&part);
    tempdir_assert_text(&top, "file", "0123456789");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

static void copies_of_the_descriptor_do_not_keep_the_lock(void **state)
{
    (void)state;
    struct part part = begin_new("/file");
    put(&part, "0123456789");
    int copy = dup(part.fd);
    assert_true(part_keep(&part));
    assert_int_equal(kept_size("/file", owner), 9);
    close(copy);
}

static void foreign_things_by_the_name_of_a_part_are_not_used(void **state)
{
    (void)state;
    char name[PARTFILE_NAME_BYTES];
    assert_int_equal(partfile_kept_name(owner, "file", name), FERRY_OK);
    tempdir_write(&top, "victim", "0123456789");
    for (int kind = 0; kind < 4; kind++) {
        if (kind == 0)
            tempdir_symlink(&top, "victim", name);
        else if (kind == 1)
            assert_int_equal(linkat(top.fd, "victim", top.fd, name, 0), 0);
        else if (kind == 2)
            assert_int_equal(mkfifoat(top.fd, name, 0666), 0);
        else
            tempdir_mkdir(&top, name);
        assert_int_equal(kept_size("/file", owner), -1);
        struct part part;
        struct part_want resume = {PART_AT_OFFSET, 5, owner, false, false};
        assert_int_equal(part_begin(&root, BYTES_LIT("/file"), &resume, &part, NULL),
                         FERRY_E_STATE);
        part = begin_new("/file");
        put(&part, "text");
        assert_false(part_keep(&part));
        assert_int_equal(unlinkat(top.fd, name, kind == 3 ? AT_REMOVEDIR : 0), 0);
    }
    tempdir_assert_text(&top, "victim", "0123456789");
    assert_int_equal(tempdir_count(&top, "."), 1);
}

enum { CLAIMS = 200 };

struct claimer {
    pthread_barrier_t *start;
    int won;
};

static void *claim(void *ctx)
{
    struct claimer *claimer = ctx;
    pthread_barrier_wait(claimer->start);
    char name[PARTFILE_NAME_BYTES];
    int fd = partfile_claim(top.fd, ".ferry-anna=file.part", name);
    claimer->won = fd >= 0;
    pthread_barrier_wait(claimer->start);
    if (fd >= 0)
        unlinkat(top.fd, name, 0);
    fd_close(&fd);
    return NULL;
}

static void only_one_takes_over_a_kept_part(void **state)
{
    (void)state;
    for (int i = 0; i < CLAIMS; i++) {
        leave_kept("/file", "text");
        pthread_barrier_t start;
        pthread_barrier_init(&start, NULL, 2);
        struct claimer claimers[2] = {{.start = &start}, {.start = &start}};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, claim, &claimers[0]), 0);
        claim(&claimers[1]);
        pthread_join(thread, NULL);
        pthread_barrier_destroy(&start);
        assert_int_equal(claimers[0].won + claimers[1].won, 1);
        assert_int_equal(tempdir_count(&top, "."), 0);
    }
}

static void mtime_of_the_part_is_that_of_the_file(void **state)
{
    (void)state;
    struct part part = begin_new("/file");
    put(&part, "text");
    assert_int_equal(part_set_mtime(&part, (struct timespec){1234567890, 987654321}, NULL),
                     FERRY_OK);
    commit(&part);
    struct stat status;
    assert_int_equal(fstatat(top.fd, "file", &status, 0), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1234567890);
    assert_int_equal(status.st_mtim.tv_nsec, 987654321);
}

static enum ferry_error begin_and_abandon(void *ctx)
{
    struct part part;
    enum ferry_error error = part_begin(&root, BYTES_LIT("/file"), ctx, &part, NULL);
    part_fini(&part);
    assert_int_equal(tempdir_count(&top, "."), 0);
    return error;
}

static enum ferry_error look_for_kept(void *ctx)
{
    (void)ctx;
    uint64_t size;
    enum ferry_error error = part_find_kept(&root, BYTES_LIT("/file"), owner, &size, NULL);
    return error == FERRY_E_NOT_FOUND ? FERRY_OK : error;
}

static void failing_allocations_are_reported_and_leave_nothing(void **state)
{
    (void)state;
    struct part_want want = {.owner = owner};
    assert_true(alloc_fail_each(begin_and_abandon, &want, 10) > 0);
    assert_true(alloc_fail_each(look_for_kept, NULL, 10) > 0);
}

/* The copy of an old beginning meets a limit. */
static void sec_40_no_space_for_the_copy_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    tempdir_write(&top, "file", "");
    int fd = openat(top.fd, "file", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, 200000), 0);
    close(fd);

    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){.rlim_cur = 100000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct part part;
    struct part_want want = {PART_AT_OFFSET, 150000, owner, false, false};
    enum ferry_error error = part_begin(&root, BYTES_LIT("/file"), &want, &part, NULL);
    signal(SIGXFSZ, handler);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(error, FERRY_E_SPACE);
    assert_int_equal(tempdir_count(&top, "."), 1);
}

/* Fills a file system of 1 MiB. Returns what appending to a file of 700 KiB there ends with, and
 * how many names there are then. */
static enum ferry_error append_on_full_disk(const char *path, struct fault *fault, size_t *names)
{
    struct tempdir disk = {.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    CLEANUP(root_fini) struct root small;
    assert_int_equal(root_init(&small, path, ROOT_LINKS_DENY, 0, NULL), FERRY_OK);

    static const char block[700 << 10];
    struct part part;
    assert_int_equal(part_begin(&small, BYTES_LIT("/file"), &(struct part_want){0}, &part, NULL),
                     FERRY_OK);
    assert_int_equal(pwrite(part.fd, block, sizeof(block), 0), sizeof(block));
    commit(&part);

    struct part_want append = {.start = PART_APPEND};
    enum ferry_error error = part_begin(&small, BYTES_LIT("/file"), &append, &part, fault);
    part_fini(&part);
    *names = tempdir_count(&disk, ".");
    close(disk.fd);
    return error;
}

static void sec_40_full_disk(void **state)
{
    (void)state;
    tempdir_mkdir(&top, "small");
    char path[PATH_MAX];
    tempdir_path(&top, "small", path);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", path, "tmpfs", 0, "size=1m") < 0) {
        print_message("# no right to mount a file system: not tested\n");
        skip();
    }
    struct fault fault = {0};
    size_t names;
    enum ferry_error error = append_on_full_disk(path, &fault, &names);
    assert_int_equal(umount(path), 0);
    assert_int_equal(error, FERRY_E_SPACE);
    assert_int_equal(fault.os_error, ENOSPC);
    assert_int_equal(names, 1);
}

/* The rights of the file decide, not only those of its directory. */
static void read_only_file_is_not_replaced(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    tempdir_write(&top, "file", "old");
    tempdir_write(&top, "secret", "old");
    assert_int_equal(fchmodat(top.fd, "secret", 0222, 0), 0);
    assert_int_equal(fchmod(top.fd, 0777), 0);
    assert_int_equal(seteuid(65534), 0);
    struct part part;
    struct part_want want = {0}, append = {.start = PART_APPEND};
    assert_int_equal(part_begin(&root, BYTES_LIT("/file"), &want, &part, NULL), FERRY_E_DENIED);
    assert_int_equal(part_begin(&root, BYTES_LIT("/secret"), &append, &part, NULL), FERRY_E_DENIED);
    assert_int_equal(part_begin(&root, BYTES_LIT("/secret"), &want, &part, NULL), FERRY_OK);
    part_abandon(&part);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(tempdir_count(&top, "."), 2);
}

static void directory_that_may_only_be_written_takes_uploads(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    tempdir_mkdir(&top, "incoming");
    assert_int_equal(fchmodat(top.fd, "incoming", 0333, 0), 0);
    assert_int_equal(fchmod(top.fd, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    struct part part = begin_new("/incoming/file");
    put(&part, "text");
    enum ferry_error error = part_commit(&part, PART_SYNC_NAME, NULL);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(error, FERRY_OK);
    tempdir_assert_text(&top, "incoming/file", "text");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sec_38_readers_see_the_old_file_until_the_commit),
        CASE(sec_38_new_name_appears_with_the_commit),
        CASE(empty_file_is_a_file),
        CASE(abandoned_part_leaves_nothing),
        CASE(sec_37_modes),
        CASE(cut_upload_is_kept_for_its_owner_and_seen_by_nobody),
        CASE(part_is_kept_only_if_something_can_be_gone_on_with),
        CASE(name_of_255_bytes_can_be_uploaded),
        CASE(kept_parts_of_different_owners_and_names_are_different),
        CASE(names_of_parts),
        CASE(ftp_92_where_a_part_goes_on),
        CASE(part_that_was_continued_is_kept_again),
        CASE(ftp_92_part_older_than_its_target_is_not_gone_on_with),
        CASE(part_kept_later_takes_the_place_of_an_earlier_one),
        CASE(appended_part_is_not_kept),
        CASE(two_who_append_do_not_undo_each_other),
        CASE(of_two_new_ones_the_last_commit_wins),
        CASE(ftp_66_no_replace),
        CASE(target_that_became_a_directory_is_not_replaced),
        CASE(part_moves_with_its_directory),
        CASE(sec_31_link_is_written_through_only_beneath_the_root),
        CASE(part_being_written_cannot_be_taken_over),
        CASE(part_named_at_once_outlives_its_writer),
        CASE(copies_of_the_descriptor_do_not_keep_the_lock),
        CASE(foreign_things_by_the_name_of_a_part_are_not_used),
        CASE(only_one_takes_over_a_kept_part),
        CASE(mtime_of_the_part_is_that_of_the_file),
        CASE(failing_allocations_are_reported_and_leave_nothing),
        CASE(sec_40_no_space_for_the_copy_is_told_and_leaves_nothing),
        CASE(sec_40_full_disk),
        CASE(read_only_file_is_not_replaced),
        CASE(directory_that_may_only_be_written_takes_uploads),
    };
    return cmocka_run_group_tests_name("store/part", tests, NULL, NULL);
}
