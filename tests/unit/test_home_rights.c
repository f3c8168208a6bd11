/* store/home with rights by folder: each deed with each right alone. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/home.h"
#include "store/home_combine.h"
#include "support/tempdir.h"

static struct tempdir top, other;
static struct home home;
static struct fault told;

static void give(const char *rules)
{
    struct rights rights;
    struct fault fault = {0};
    rights_init(&rights);
    if (rights_add_text(&rights, bytes_str(rules), &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    home_set_rights(&home, &rights);
}

static void open_home(const struct home_rules *rules)
{
    struct root root;
    assert_int_equal(root_init(&root, top.path, ROOT_LINKS_BENEATH, 027, NULL), FERRY_OK);
    assert_int_equal(home_init(&home, &root, BYTES_LIT("anna"), rules), FERRY_OK);
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&top);
    tempdir_make(&other);
    tempdir_mkdir(&top, "in");
    tempdir_mkdir(&top, "in/dir");
    tempdir_write(&top, "in/file", "content");
    tempdir_mkdir(&top, "pub");
    tempdir_write(&top, "pub/file", "public");
    tempdir_mkdir(&top, "work");
    tempdir_write(&other, "file", "shared");
    open_home(&(struct home_rules){0});
    told = (struct fault){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    home_fini(&home);
    tempdir_remove(&other);
    tempdir_remove(&top);
    return 0;
}

/* ---- deeds, each on names in /in ---- */

static enum ferry_error upload(const char *path, enum home_start start, uint64_t offset_bytes)
{
    struct home_upload part;
    told = (struct fault){0};
    enum ferry_error error =
        home_open_part(&home, bytes_str(path), start, offset_bytes, &part, &told);
    if (error != FERRY_OK)
        return error;
    bool done = !part.copying;
    while (!done)
        assert_int_equal(home_copy(&home, &done, &told), FERRY_OK);
    assert_int_equal(pwrite(part.fd, "new", 3, (off_t)part.offset_bytes), 3);
    uint32_t number = part.part;
    home_upload_fini(&part);
    return home_commit(&home, number, &told);
}

static enum ferry_error read_file(void)
{
    int fd;
    uint64_t size;
    enum ferry_error error = home_open_read(&home, BYTES_LIT("/in/file"), &fd, &size, &told);
    if (error == FERRY_OK)
        close(fd);
    return error;
}

static enum ferry_error list(void)
{
    const struct home_list_want want = {0};
    enum ferry_error error = home_list_open(&home, BYTES_LIT("/in"), &want, &told);
    home_list_close(&home);
    return error;
}

static enum ferry_error stat_file(void)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    bool may_change;
    return home_stat(&home, BYTES_LIT("/in/file"), &entry, &may_change, &told);
}

static enum ferry_error size_of(void)
{
    uint64_t size;
    return home_size(&home, BYTES_LIT("/in/file"), &size, &told);
}

static enum ferry_error tree_size(void)
{
    struct subtree *subtree = NULL;
    enum ferry_error error = home_tree_size(&home, BYTES_LIT("/in"), &subtree, &told);
    subtree_free(subtree);
    return error;
}

static enum ferry_error enter(void)
{
    return home_enter(&home, BYTES_LIT("/in/dir"), &told);
}

static enum ferry_error store_new(void)
{
    return upload("/in/new", HOME_REPLACE, 0);
}

static enum ferry_error store_old(void)
{
    return upload("/in/file", HOME_REPLACE, 0);
}

static enum ferry_error store_unique(void)
{
    return upload("/in", HOME_UNIQUE, 0);
}

static enum ferry_error append_new(void)
{
    return upload("/in/new", HOME_APPEND, 0);
}

static enum ferry_error append_old(void)
{
    return upload("/in/file", HOME_APPEND, 0);
}

static enum ferry_error resume_at_end(void)
{
    return upload("/in/file", HOME_RESUME, 7);
}

static enum ferry_error resume_within(void)
{
    return upload("/in/file", HOME_RESUME, 3);
}

static enum ferry_error remove_file(void)
{
    return home_remove_file(&home, BYTES_LIT("/in/file"), &told);
}

static enum ferry_error rename_file(void)
{
    return home_rename(&home, BYTES_LIT("/in/file"), BYTES_LIT("/in/new"), &told);
}

static enum ferry_error make_dir(void)
{
    return home_make_dir(&home, BYTES_LIT("/in/new"), &told);
}

static enum ferry_error remove_dir(void)
{
    return home_remove_dir(&home, BYTES_LIT("/in/dir"), &told);
}

static enum ferry_error remove_tree(void)
{
    struct subtree *subtree = NULL;
    enum ferry_error error = home_remove_tree(&home, BYTES_LIT("/in/dir"), &subtree, &told);
    subtree_free(subtree);
    return error;
}

static enum ferry_error set_time(void)
{
    struct home_facts facts = {.has_time = true};
    return home_set_facts(&home, BYTES_LIT("/in/file"), &facts, &told);
}

static enum ferry_error set_mode(void)
{
    struct home_facts facts = {.has_mode = true, .mode = 0640};
    return home_set_facts(&home, BYTES_LIT("/in/file"), &facts, &told);
}

static enum ferry_error make_link(void)
{
    return home_make_link(&home, BYTES_LIT("/in/file"), BYTES_LIT("/in/new"), &told);
}

static enum ferry_error copy(void)
{
    const struct combine_want want = {
        .target = BYTES_LIT("/in/new"), .sources = bytes_of("/in/file", 9), .no_replace = true};
    struct home_combine *combine = NULL;
    enum ferry_error error = home_combine_new(&home, &want, &combine, &told);
    home_combine_free(combine);
    return error;
}

enum {
    R = RIGHT_READ,
    L = RIGHT_LIST,
    C = RIGHT_CREATE,
    O = RIGHT_OVERWRITE,
    A = RIGHT_APPEND,
    D = RIGHT_DELETE,
    N = RIGHT_RENAME,
    M = RIGHT_MAKE_DIRECTORY,
    X = RIGHT_REMOVE_DIRECTORY,
    T = RIGHT_TIMES,
    P = RIGHT_MODE,
};

/* The table of ferryd.conf(5). */
static const struct {
    const char *what;
    enum ferry_error (*deed)(void);
    unsigned any; /* one of these is needed, if there are any */
    unsigned all; /* and all of these */
} deeds[] = {
    {"RETR, HASH", read_file, R, 0},
    {"LIST, NLST, MLSD, STAT of a folder", list, L, 0},
    {"MLST, MDTM, STAT, RNFR", stat_file, R | L | N, 0},
    {"SIZE", size_of, R | L | A, 0},
    {"DSIZ", tree_size, L, 0},
    {"CWD", enter, R | L | M, 0},
    {"STOR of a new file", store_new, C, 0},
    {"STOR of an old file", store_old, O, 0},
    {"STOU", store_unique, C, 0},
    {"APPE to a new file", append_new, C, 0},
    {"APPE to an old file", append_old, A, 0},
    {"REST at the end, STOR", resume_at_end, A, 0},
    {"REST within, STOR", resume_within, 0, A | O},
    {"DELE", remove_file, D, 0},
    {"RNTO in the folder", rename_file, N, 0},
    {"MKD", make_dir, M, 0},
    {"RMD", remove_dir, X, 0},
    {"RMDA", remove_tree, 0, X | D},
    {"MFMT, SITE UTIME, MFF Modify", set_time, T, 0},
    {"SITE CHMOD, MFF UNIX.mode, UNIX.group", set_mode, P, 0},
    {"SITE SYMLINK", make_link, R | L, C},
    {"SITE CPTO, COMB", copy, 0, C | R},
};

static void put_back(void)
{
    home_fini(&home);
    tempdir_remove(&top);
    tempdir_remove(&other);
    void *state = NULL;
    setup(&state);
}

static bool is_enough(size_t deed, unsigned rights)
{
    return (!deeds[deed].any || (rights & deeds[deed].any)) &&
           (rights & deeds[deed].all) == deeds[deed].all;
}

static void try_each(unsigned rights, const char *words)
{
    char rules[256];
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        snprintf(rules, sizeof(rules), "/ = none\n/in = %s", words);
        put_back();
        give(rules);
        bool may = is_enough(i, rights);
        enum ferry_error error = deeds[i].deed();
        if (error != (may ? FERRY_OK : FERRY_E_DENIED))
            fail_msg("%s with %s: %d (%s)", deeds[i].what, words, error, told.what);
    }
}

static void every_deed_with_each_right_alone(void **state)
{
    static const char *const words[] = {"read",   "list",   "create", "overwrite",
                                        "append", "delete", "rename", "mkdir",
                                        "rmdir",  "times",  "chmod"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        try_each(1U << i, words[i]);
    try_each(0, "none");
    try_each(RIGHTS_ALL, "all");
    try_each(RIGHTS_READ_ONLY, "read-only");
    try_each(RIGHTS_WRITE, "write");
    try_each(RIGHTS_DROP, "drop");
    try_each(A | O, "append overwrite");
    try_each(X | D, "rmdir delete");
    try_each(C | L, "create list");
    try_each(C | R, "create read");
}

static void a_read_only_account_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        put_back();
        home_fini(&home);
        open_home(&(struct home_rules){.read_only = true});
        bool may = is_enough(i, RIGHTS_READ_ONLY);
        assert_int_equal(deeds[i].deed(), may ? FERRY_OK : FERRY_E_DENIED);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_deed_with_each_right_alone),
        TEST(a_read_only_account_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
