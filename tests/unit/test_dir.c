/* store/dir: directories in pieces, in order, parts hidden (SEC-38, FTP-132, LST-85). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/dir.h"
#include "support/alloc_fail.h"
#include "support/tempdir.h"

static struct tempdir top;
static struct root root;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&top);
    tempdir_mkdir(&top, "root");
    char path[PATH_MAX];
    assert_int_equal(
        root_init(&root, tempdir_path(&top, "root", path), ROOT_LINKS_BENEATH, 027, NULL),
        FERRY_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    root_fini(&root);
    tempdir_remove(&top);
    return 0;
}

static const enum dir_order orders[] = {DIR_AS_STORED, DIR_BY_NAME};

static struct dir open_dir(const char *path, enum dir_order order)
{
    struct dir dir;
    assert_int_equal(dir_open(&root, bytes_str(path), order, NULL, &dir, NULL), FERRY_OK);
    return dir;
}

enum { FILES = 3000 };

static void list_all_files(enum dir_order order, size_t batch)
{
    static struct entry entries[FILES + 1];
    static int seen[FILES];
    memset(seen, 0, sizeof(seen));
    CLEANUP(dir_close) struct dir dir = open_dir("/d", order);
    alloc_fail_from(1); /* nothing is kept of what was given out */
    size_t total = 0, count;
    do {
        assert_int_equal(dir_read(&dir, entries, batch, &count, NULL), FERRY_OK);
        for (size_t i = 0; i < count; i++)
            seen[atoi(entries[i].name)]++;
        total += count;
        dir_free_entries(entries, count);
    } while (count > 0);
    alloc_fail_from(0);
    assert_int_equal(total, FILES);
    for (int i = 0; i < FILES; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(dir_read(&dir, entries, 1, &count, NULL), FERRY_OK);
    assert_int_equal(count, 0);
}

static void every_name_comes_once_whatever_the_batch(void **state)
{
    static const size_t batches[] = {1, 7, 256, FILES + 1};
    (void)state;
    tempdir_mkdir(&top, "root/d");
    for (int i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "root/d/%d", i);
        tempdir_write(&top, name, "");
    }
    for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
        for (size_t j = 0; j < ARRAY_LEN(orders); j++)
            list_all_files(orders[j], batches[i]);
    }
}

static const struct {
    const char *name, *link; /* link: NULL for a file, "/" for a directory */
    bool listed;
    mode_t self, what;
} things[] = {
    {"file", NULL, true, S_IFREG, S_IFREG},
    {"sub", "/", true, S_IFDIR, S_IFDIR},
    {"in", "file", true, S_IFLNK, S_IFREG},
    {"to-dir", "../d/sub", true, S_IFLNK, S_IFDIR},
    {"dangling", "nothing", true, S_IFLNK, S_IFLNK},
    {"out", "../../outside", true, S_IFLNK, S_IFLNK},
    {"absolute", "/etc/passwd", true, S_IFLNK, S_IFLNK},
    {".hidden", NULL, true, S_IFREG, S_IFREG},
    {".ferry-0123456789abcdef.part", NULL, false, 0, 0},
    {".ferry-anna=file.part", NULL, false, 0, 0},
    {"line\nfeed", NULL, true, S_IFREG, S_IFREG},
    {"-rf", NULL, true, S_IFREG, S_IFREG},
    {"not\xff\xfeutf-8", NULL, true, S_IFREG, S_IFREG},
    {" ", NULL, true, S_IFREG, S_IFREG},
};

static void make_things(void)
{
    tempdir_mkdir(&top, "root/d");
    tempdir_write(&top, "outside", "secret");
    for (size_t i = 0; i < ARRAY_LEN(things); i++) {
        char name[PATH_MAX];
        snprintf(name, sizeof(name), "root/d/%s", things[i].name);
        if (!things[i].link)
            tempdir_write(&top, name, "");
        else if (things[i].link[0] == '/' && things[i].link[1] == '\0')
            tempdir_mkdir(&top, name);
        else
            tempdir_symlink(&top, things[i].link, name);
    }
}

static const struct entry *find(const struct entry *entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    }
    return NULL;
}

static void ftp_132_parts_are_hidden_and_links_shown_as_they_lead(void **state)
{
    static const struct {
        enum root_resolver resolver;
        enum dir_order order;
    } ways[] = {
        {ROOT_BY_OPENAT2, DIR_AS_STORED},
        {ROOT_BY_OPENAT2, DIR_BY_NAME},
        {ROOT_BY_WALK, DIR_AS_STORED},
        {ROOT_BY_WALK, DIR_BY_NAME},
    };
    (void)state;
    make_things();
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        root.resolver = ways[i].resolver;
        CLEANUP(dir_close) struct dir dir = open_dir("/d", ways[i].order);
        struct entry entries[ARRAY_LEN(things) + 1];
        size_t count;
        assert_int_equal(dir_read(&dir, entries, ARRAY_LEN(entries), &count, NULL), FERRY_OK);
        assert_int_equal(count, ARRAY_LEN(things) - 2);
        for (size_t j = 0; j < ARRAY_LEN(things); j++) {
            const struct entry *entry = find(entries, count, things[j].name);
            assert_int_equal(entry != NULL, things[j].listed);
            if (!entry)
                continue;
            assert_int_equal(entry->self.st_mode & S_IFMT, things[j].self);
            assert_int_equal(entry->what.st_mode & S_IFMT, things[j].what);
            if (S_ISLNK(entry->self.st_mode))
                assert_string_equal(entry->link_text, things[j].link);
            else
                assert_null(entry->link_text);
        }
        dir_free_entries(entries, count);
    }
}

static void denied_links_are_shown_as_links(void **state)
{
    (void)state;
    make_things();
    root.links = ROOT_LINKS_DENY;
    CLEANUP(dir_close) struct dir dir = open_dir("/d", DIR_AS_STORED);
    struct entry entries[ARRAY_LEN(things) + 1];
    size_t count;
    assert_int_equal(dir_read(&dir, entries, ARRAY_LEN(entries), &count, NULL), FERRY_OK);
    assert_true(S_ISLNK(find(entries, count, "in")->what.st_mode));
    dir_free_entries(entries, count);
}

static void root_itself_is_listed(void **state)
{
    (void)state;
    tempdir_write(&top, "root/file", "text");
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        CLEANUP(dir_close) struct dir dir = open_dir("/", orders[i]);
        struct entry entries[2];
        size_t count;
        assert_int_equal(dir_read(&dir, entries, 2, &count, NULL), FERRY_OK);
        assert_int_equal(count, 1);
        assert_string_equal(entries[0].name, "file");
        assert_int_equal(entries[0].self.st_size, 4);
        dir_free_entries(entries, count);
    }
}

static void empty_directory_has_no_names(void **state)
{
    (void)state;
    tempdir_write(&top, "root/.ferry-anna=file.part", "");
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        CLEANUP(dir_close) struct dir dir = open_dir("/", orders[i]);
        struct entry entry;
        size_t count;
        assert_int_equal(dir_read(&dir, &entry, 1, &count, NULL), FERRY_OK);
        assert_int_equal(count, 0);
    }
}

static void names_that_vanish_are_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        for (int j = 0; j < 10; j++) {
            char name[32];
            snprintf(name, sizeof(name), "root/%d", j);
            tempdir_write(&top, name, "");
        }
        CLEANUP(dir_close) struct dir dir = open_dir("/", orders[i]);
        struct entry entries[10];
        size_t count;
        assert_int_equal(dir_read(&dir, entries, 1, &count, NULL), FERRY_OK);
        assert_int_equal(count, 1); /* the names are in the stream's buffer now */
        for (int j = 0; j < 10; j++) {
            char name[32];
            snprintf(name, sizeof(name), "root/%d", j);
            assert_int_equal(unlinkat(top.fd, name, 0), 0);
        }
        assert_int_equal(dir_read(&dir, entries, 10, &count, NULL), FERRY_OK);
        assert_int_equal(count, 0);
    }
}

static void sorted_names_are_those_of_the_opening_with_facts_of_the_reading(void **state)
{
    (void)state;
    tempdir_write(&top, "root/1-vanishes", "");
    tempdir_write(&top, "root/2-grows", "");
    tempdir_write(&top, "root/3-is-replaced", "");
    CLEANUP(dir_close) struct dir dir = open_dir("/", DIR_BY_NAME);
    assert_int_equal(unlinkat(top.fd, "root/1-vanishes", 0), 0);
    tempdir_write(&top, "root/0-is-new", "");
    tempdir_write(&top, "root/2-grows", "text");
    assert_int_equal(unlinkat(top.fd, "root/3-is-replaced", 0), 0);
    tempdir_mkdir(&top, "root/3-is-replaced");
    tempdir_write(&top, "root/4-is-new", "");

    struct entry entries[4];
    size_t count;
    assert_int_equal(dir_read(&dir, entries, ARRAY_LEN(entries), &count, NULL), FERRY_OK);
    assert_int_equal(count, 2);
    assert_string_equal(entries[0].name, "2-grows");
    assert_int_equal(entries[0].what.st_size, 4);
    assert_string_equal(entries[1].name, "3-is-replaced");
    assert_true(S_ISDIR(entries[1].what.st_mode));
    dir_free_entries(entries, count);
}

/* In the order of their bytes; more such names are in test_namelist.c. */
static const char *const hard_names[] = {
    "\n", " ", "-rf", ".hidden", "10", "9", "Z", "a", "a b", "ab", "b", "\xc3\xa4", "\xff",
};

static void lst_85_hard_names_come_in_the_order_of_their_bytes(void **state)
{
    static const size_t batches[] = {1, 4, ARRAY_LEN(hard_names) + 1};
    (void)state;
    tempdir_mkdir(&top, "root/d");
    for (size_t i = ARRAY_LEN(hard_names); i-- > 0;) {
        char name[NAME_MAX];
        snprintf(name, sizeof(name), "root/d/%s", hard_names[i]);
        tempdir_write(&top, name, "");
    }
    for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
        CLEANUP(dir_close) struct dir dir = open_dir("/d", DIR_BY_NAME);
        struct entry entries[ARRAY_LEN(hard_names) + 1];
        size_t total = 0, count;
        do {
            assert_int_equal(dir_read(&dir, entries, batches[i], &count, NULL), FERRY_OK);
            for (size_t j = 0; j < count; j++)
                assert_string_equal(entries[j].name, hard_names[total + j]);
            total += count;
            dir_free_entries(entries, count);
        } while (count > 0);
        assert_int_equal(total, ARRAY_LEN(hard_names));
    }
}

/* Makes the name `number`, in `width` digits, in the directory `dir_fd`. It is a link, as to make
 * 100 000 files takes a minute on some disks; each source gets fewer than ext4 permits. */
static void make_numbered(int dir_fd, int width, size_t number)
{
    char source[32], name[NAME_MAX + 1];
    snprintf(source, sizeof(source), "source-%zu", number / 10000);
    snprintf(name, sizeof(name), "%0*zu", width, number);
    if (!tempdir_has(&top, source))
        tempdir_write(&top, source, "");
    assert_int_equal(linkat(top.fd, source, dir_fd, name, 0), 0);
}

/* Lists `files` numbered files, asserts that each comes once, and tells if they come in order. */
static bool comes_in_order(const char *path, size_t files)
{
    static bool seen[100001];
    memset(seen, 0, sizeof(seen));
    CLEANUP(dir_close) struct dir dir = open_dir(path, DIR_BY_NAME);
    struct entry entries[64];
    size_t total = 0, count;
    bool in_order = true;
    do {
        assert_int_equal(dir_read(&dir, entries, ARRAY_LEN(entries), &count, NULL), FERRY_OK);
        for (size_t i = 0; i < count; i++) {
            size_t number = strtoul(entries[i].name, NULL, 10);
            assert_true(number < files && !seen[number]);
            seen[number] = true;
            in_order = in_order && number == total + i;
        }
        total += count;
        dir_free_entries(entries, count);
    } while (count > 0);
    assert_int_equal(total, files);
    return in_order;
}

static void lst_85_too_many_names_come_unsorted(void **state)
{
    static const struct {
        int width;    /* of a name, in bytes */
        size_t limit; /* as many names are sorted */
    } cases[] = {
        {6, 100000},
        {NAME_MAX, 8 * 1024 * 1024 / (NAME_MAX + 1)},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[16];
        snprintf(path, sizeof(path), "root/%zu", i);
        tempdir_mkdir(&top, path);
        CLEANUP(fd_close) int fd = openat(top.fd, path, O_PATH | O_CLOEXEC);
        /* Each number once, in disorder, for file systems that keep the order of creation. */
        for (size_t j = 0; j < cases[i].limit; j++)
            make_numbered(fd, cases[i].width, j * 7919 % cases[i].limit);
        assert_true(comes_in_order(path + strlen("root"), cases[i].limit));
        make_numbered(fd, cases[i].width, cases[i].limit);
        assert_false(comes_in_order(path + strlen("root"), cases[i].limit + 1));
    }
}

/* SEC-53: however many listings are open, their names take no more than this together. */
static void sec_53_sorted_names_have_a_budget(void **state)
{
    enum { NAMES = 10, NAME_BYTES = 6 + 1 + sizeof(char *) };
    struct dir_budget budget = {.max_bytes = 2 * NAMES * NAME_BYTES};
    struct dir dirs[3];
    (void)state;
    tempdir_mkdir(&top, "root/d");
    CLEANUP(fd_close) int fd = openat(top.fd, "root/d", O_PATH | O_CLOEXEC);
    for (size_t i = 0; i < NAMES; i++)
        make_numbered(fd, 6, i);
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        assert_int_equal(dir_open(&root, BYTES_LIT("/d"), DIR_BY_NAME, &budget, &dirs[i], NULL),
                         FERRY_OK);
        size_t sorted = i < 2 ? i + 1 : 2; /* the third comes as it is stored */
        assert_int_equal(atomic_load(&budget.taken_bytes), sorted * NAMES * NAME_BYTES);
    }
    struct entry entries[NAMES + 1];
    size_t count = 0;
    assert_int_equal(dir_read(&dirs[2], entries, ARRAY_LEN(entries), &count, NULL), FERRY_OK);
    assert_int_equal(count, NAMES);
    dir_free_entries(entries, count);
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        dir_close(&dirs[i]);
    assert_int_equal(atomic_load(&budget.taken_bytes), 0);
}

static void what_cannot_be_listed(void **state)
{
    static const struct {
        const char *path;
        enum ferry_error expected;
    } cases[] = {
        {"/file", FERRY_E_NOT_FOUND}, {"/none", FERRY_E_NOT_FOUND}, {"/out", FERRY_E_DENIED},
        {"/..", FERRY_E_ARGUMENT},    {"", FERRY_E_ARGUMENT},
    };
    (void)state;
    tempdir_write(&top, "root/file", "");
    tempdir_symlink(&top, "..", "root/out");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dir dir;
        assert_int_equal(dir_open(&root, bytes_str(cases[i].path), DIR_BY_NAME, NULL, &dir, NULL),
                         cases[i].expected);
        dir_close(&dir);
    }
}

static void directory_that_may_not_be_entered_is_no_empty_one(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    tempdir_mkdir(&top, "root/closed");
    assert_int_equal(fchmodat(top.fd, "root/closed", 0744, 0), 0);
    assert_int_equal(fchmod(top.fd, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    struct dir dir;
    enum ferry_error error = dir_open(&root, BYTES_LIT("/closed"), DIR_BY_NAME, NULL, &dir, NULL);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(error, FERRY_E_DENIED);
}

static enum ferry_error list_all(void *ctx)
{
    const enum dir_order *order = ctx;
    struct dir dir;
    struct fault fault = {0};
    enum ferry_error error = dir_open(&root, BYTES_LIT("/d"), *order, NULL, &dir, &fault);
    struct entry entries[ARRAY_LEN(things)];
    size_t count = 0;
    if (error == FERRY_OK) {
        error = dir_read(&dir, entries, ARRAY_LEN(entries), &count, &fault);
        dir_close(&dir);
    }
    assert_int_equal(fault.kind, error);
    assert_int_equal(count > 0, error == FERRY_OK);
    dir_free_entries(entries, count);
    return error;
}

static void failing_allocations_are_reported(void **state)
{
    enum dir_order order = DIR_AS_STORED;
    (void)state;
    make_things();
    assert_int_equal(alloc_fail_each(list_all, &order, 20), 6); /* the path and five links */
    order = DIR_BY_NAME;
    assert_int_equal(alloc_fail_each(list_all, &order, 20), 6 + 3); /* names, more, their order */
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_name_comes_once_whatever_the_batch),
        CASE(ftp_132_parts_are_hidden_and_links_shown_as_they_lead),
        CASE(denied_links_are_shown_as_links),
        CASE(root_itself_is_listed),
        CASE(empty_directory_has_no_names),
        CASE(names_that_vanish_are_left_out),
        CASE(sorted_names_are_those_of_the_opening_with_facts_of_the_reading),
        CASE(lst_85_hard_names_come_in_the_order_of_their_bytes),
        CASE(lst_85_too_many_names_come_unsorted),
        CASE(sec_53_sorted_names_have_a_budget),
        CASE(what_cannot_be_listed),
        CASE(directory_that_may_not_be_entered_is_no_empty_one),
        CASE(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests_name("store/dir", tests, NULL, NULL);
}
