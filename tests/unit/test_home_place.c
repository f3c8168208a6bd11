/* store/home with rights by folder and further roots (SEC-83, SEC-31): folders that tell nothing,
 * links and moves that must lend nothing. */
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

/* ---- what is not told ---- */

typedef enum ferry_error path_fn(struct bytes path);

static enum ferry_error read_path(struct bytes path)
{
    int fd = -1;
    uint64_t size;
    enum ferry_error error = home_open_read(&home, path, &fd, &size, &told);
    if (fd >= 0)
        close(fd);
    return error;
}

static enum ferry_error stat_path(struct bytes path)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    bool may_change;
    return home_stat(&home, path, &entry, &may_change, &told);
}

static enum ferry_error size_path(struct bytes path)
{
    uint64_t size;
    return home_size(&home, path, &size, &told);
}

static enum ferry_error enter_path(struct bytes path)
{
    return home_enter(&home, path, &told);
}

static enum ferry_error list_path(struct bytes path)
{
    const struct home_list_want want = {0};
    return home_list_open(&home, path, &want, &told);
}

static enum ferry_error remove_path(struct bytes path)
{
    return home_remove_file(&home, path, &told);
}

static enum ferry_error remove_dir_path(struct bytes path)
{
    return home_remove_dir(&home, path, &told);
}

static enum ferry_error make_dir_path(struct bytes path)
{
    return home_make_dir(&home, path, &told);
}

static enum ferry_error rename_path(struct bytes path)
{
    return home_rename(&home, path, BYTES_LIT("/in/other"), &told);
}

static enum ferry_error resume_path(struct bytes path)
{
    struct home_upload part;
    return home_open_part(&home, path, HOME_RESUME, 3, &part, &told);
}

/* Names in a folder that may be neither listed nor read: there or not, a file or a link, makes no
 * difference in anything that is said. */
static void sec_83_a_drop_box_tells_nothing(void **state)
{
    static path_fn *const asks[] = {read_path,   stat_path,   size_path,       enter_path,
                                    list_path,   remove_path, remove_dir_path, make_dir_path,
                                    rename_path, resume_path};
    static const char *const names[] = {"/in/file", "/in/dir",       "/in/none",      "/in/dir/x",
                                        "/in/link", "/in/none/deep", "/in/file/deep", "/in/link/x"};
    (void)state;
    tempdir_symlink(&top, "../pub/file", "in/link");
    give("/ = read-only\n/in = drop");
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            told = (struct fault){0};
            enum ferry_error error = asks[i](bytes_str(names[k]));
            if (error != FERRY_E_DENIED || told.os_error != 0 || !strstr(told.what, "no right"))
                fail_msg("ask %zu of %s: %s", i, names[k], told.what);
        }
    assert_int_equal(upload("/in/dir/x", HOME_REPLACE, 0), FERRY_E_DENIED);
    assert_int_equal(upload("/in/none/x", HOME_REPLACE, 0), FERRY_E_DENIED);
    assert_int_equal(upload("/in/new", HOME_REPLACE, 0), FERRY_OK);
    assert_int_equal(upload("/in/new", HOME_REPLACE, 0), FERRY_E_DENIED);
    assert_int_equal(home_enter(&home, BYTES_LIT("/in"), &told), FERRY_OK);
}

static void a_cut_upload_into_a_drop_box_is_not_kept(void **state)
{
    struct home_upload part;
    (void)state;
    give("/ = read-only\n/in = drop");
    assert_int_equal(home_open_part(&home, BYTES_LIT("/in/new"), HOME_REPLACE, 0, &part, &told),
                     FERRY_OK);
    assert_int_equal(pwrite(part.fd, "abc", 3, 0), 3);
    home_upload_fini(&part);
    home_abandon(&home, part.part, true);
    assert_int_equal(tempdir_count(&top, "in"), 2);
}

/* ---- what must lend nothing ---- */

static void sec_31_links_lend_no_right(void **state)
{
    (void)state;
    tempdir_symlink(&top, "../in/file", "work/to-file");
    tempdir_symlink(&top, "../in", "work/to-dir");
    tempdir_symlink(&top, "../in/new", "work/to-new");
    tempdir_symlink(&top, "../../etc/passwd", "work/out");
    give("/ = read-only\n/in = drop\n/work = all");
    assert_int_equal(read_path(BYTES_LIT("/work/to-file")), FERRY_E_DENIED);
    assert_int_equal(read_path(BYTES_LIT("/work/to-dir/file")), FERRY_E_DENIED);
    assert_int_equal(read_path(BYTES_LIT("/work/out")), FERRY_E_DENIED);
    assert_int_equal(list_path(BYTES_LIT("/work/to-dir")), FERRY_E_DENIED);
    assert_int_equal(remove_path(BYTES_LIT("/work/to-dir/file")), FERRY_E_DENIED);
    assert_int_equal(upload("/work/to-file", HOME_REPLACE, 0), FERRY_E_DENIED);
    assert_int_equal(upload("/work/to-new", HOME_REPLACE, 0), FERRY_OK); /* create is allowed */
    assert_int_equal(home_make_link(&home, BYTES_LIT("/in/file"), BYTES_LIT("/work/l"), &told),
                     FERRY_E_DENIED);
    assert_int_equal(remove_path(BYTES_LIT("/work/to-file")), FERRY_OK); /* the link itself */
    tempdir_assert_text(&top, "in/file", "content");

    /* The other way round: a weak link to what is allowed. */
    tempdir_symlink(&top, "../work", "pub/way");
    tempdir_write(&top, "work/mine", "mine");
    assert_int_equal(upload("/pub/way/mine", HOME_REPLACE, 0), FERRY_OK);
    assert_int_equal(remove_path(BYTES_LIT("/pub/way")), FERRY_E_DENIED);
}

static void what_a_link_leads_to_is_not_told(void **state)
{
    CLEANUP(entry_fini) struct entry secret = {0};
    CLEANUP(entry_fini) struct entry known = {0};
    bool may_change;
    (void)state;
    tempdir_symlink(&top, "../in/file", "pub/secret");
    tempdir_symlink(&top, "file", "pub/known");
    give("/ = read-only\n/in = drop");
    assert_int_equal(home_stat(&home, BYTES_LIT("/pub/secret"), &secret, &may_change, &told),
                     FERRY_OK);
    assert_true(S_ISLNK(secret.what.st_mode));
    assert_int_equal(home_stat(&home, BYTES_LIT("/pub/known"), &known, &may_change, &told),
                     FERRY_OK);
    assert_true(S_ISREG(known.what.st_mode));
    assert_int_equal(known.what.st_mode & 0222, 0); /* it may not be written */
    assert_int_equal(known.allowed, RIGHTS_READ_ONLY);
}

static void moves_lend_no_right(void **state)
{
    (void)state;
    give("/ = all\n/in = rename create delete mkdir rmdir\n/work/deep = none");
    assert_int_equal(home_rename(&home, BYTES_LIT("/in/file"), BYTES_LIT("/pub/got"), &told),
                     FERRY_E_DENIED);
    assert_int_equal(home_rename(&home, BYTES_LIT("/in/dir"), BYTES_LIT("/pub/got"), &told),
                     FERRY_E_DENIED);
    assert_int_equal(home_rename(&home, BYTES_LIT("/pub/file"), BYTES_LIT("/in/gone"), &told),
                     FERRY_OK);
    /* Folders that rules are for stay where they are. */
    assert_int_equal(home_rename(&home, BYTES_LIT("/work"), BYTES_LIT("/free"), &told),
                     FERRY_E_DENIED);
    assert_int_equal(home_rename(&home, BYTES_LIT("/in"), BYTES_LIT("/free"), &told),
                     FERRY_E_DENIED);
    assert_int_equal(home_remove_dir(&home, BYTES_LIT("/work"), &told), FERRY_E_DENIED);
    struct subtree *subtree = NULL;
    assert_int_equal(home_remove_tree(&home, BYTES_LIT("/work"), &subtree, &told), FERRY_E_DENIED);
    assert_int_equal(home_tree_size(&home, BYTES_LIT("/"), &subtree, &told), FERRY_E_DENIED);
}

/* ---- further roots ---- */

static void add_root(const char *at, const char *directory)
{
    struct root root;
    assert_int_equal(root_init(&root, directory, ROOT_LINKS_BENEATH, 027, NULL), FERRY_OK);
    assert_int_equal(home_add_root(&home, bytes_str(at), &root, &told), FERRY_OK);
}

static void names_in(const char *path, char out[static 256])
{
    const struct home_list_want want = {0};
    const struct entry *entries;
    size_t count = 1;
    bool may_change;
    out[0] = '\0';
    assert_int_equal(home_list_open(&home, bytes_str(path), &want, &told), FERRY_OK);
    while (count > 0) {
        assert_int_equal(home_list_next(&home, &entries, &count, &may_change, &told), FERRY_OK);
        for (size_t i = 0; i < count; i++) {
            strcat(out, entries[i].name);
            strcat(out, " ");
        }
    }
    home_list_close(&home);
}

static void further_roots_are_seen_and_used(void **state)
{
    char names[256];
    (void)state;
    tempdir_mkdir(&top, "work/hidden");
    tempdir_symlink(&top, "work/shared", "way");
    tempdir_symlink(&other, "../in/file", "out");
    add_root("/work/shared", other.path);
    add_root("/work/hidden", other.path);
    add_root("/zoo", other.path);
    names_in("/", names);
    assert_string_equal(names, "in pub way work zoo ");
    names_in("/work", names);
    assert_string_equal(names, "hidden shared ");
    names_in("/work/shared", names);
    assert_string_equal(names, "file out ");
    names_in("/way", names);
    assert_string_equal(names, "file out ");
    assert_int_equal(upload("/work/shared/new", HOME_REPLACE, 0), FERRY_OK);
    tempdir_assert_text(&other, "new", "new");
    assert_int_equal(upload("/way/newer", HOME_REPLACE, 0), FERRY_OK);
    tempdir_assert_text(&other, "newer", "new");
    assert_int_equal(read_path(BYTES_LIT("/zoo/out")), FERRY_E_DENIED); /* not out of its root */
    assert_int_equal(stat_path(BYTES_LIT("/zoo")), FERRY_OK);
    static const char *const roots[] = {"/zoo", "/work/shared", "/work", "/"};
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        struct bytes path = bytes_str(roots[i]);
        assert_int_equal(home_remove_dir(&home, path, &told), FERRY_E_DENIED);
        assert_int_equal(home_rename(&home, path, BYTES_LIT("/free"), &told), FERRY_E_DENIED);
        assert_int_equal(home_make_dir(&home, path, &told) == FERRY_OK, false);
    }
    assert_int_equal(home_rename(&home, BYTES_LIT("/zoo/new"), BYTES_LIT("/pub/new"), &told),
                     FERRY_OK);
    tempdir_assert_text(&top, "pub/new", "new");
}

static void further_roots_have_rules_and_a_quota(void **state)
{
    struct quota *quota = quota_new();
    (void)state;
    home_fini(&home);
    quota_set(quota, 20, 0); /* content, public and shared take 19 */
    open_home(&(struct home_rules){.quota = quota});
    add_root("/shared", other.path);
    give("/ = none\n/shared = list create");
    assert_int_equal(home_count(&home, &told), FERRY_OK);
    assert_int_equal(quota_bytes_left(quota), 1);
    assert_int_equal(list_path(BYTES_LIT("/")), FERRY_E_DENIED);
    assert_int_equal(home_enter(&home, BYTES_LIT("/"), &told), FERRY_OK);
    assert_int_equal(list_path(BYTES_LIT("/shared")), FERRY_OK);
    assert_int_equal(read_path(BYTES_LIT("/shared/file")), FERRY_E_DENIED);
    home_fini(&home);
    quota_unref(quota);
    open_home(&(struct home_rules){0});
}

static void two_roots_at_one_path(void **state)
{
    struct root root;
    (void)state;
    add_root("/a", other.path);
    assert_int_equal(root_init(&root, other.path, ROOT_LINKS_BENEATH, 027, NULL), FERRY_OK);
    assert_int_equal(home_add_root(&home, BYTES_LIT("/a"), &root, &told), FERRY_E_EXISTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_83_a_drop_box_tells_nothing),
        TEST(a_cut_upload_into_a_drop_box_is_not_kept),
        TEST(sec_31_links_lend_no_right),
        TEST(what_a_link_leads_to_is_not_told),
        TEST(moves_lend_no_right),
        TEST(further_roots_are_seen_and_used),
        TEST(further_roots_have_rules_and_a_quota),
        TEST(two_roots_at_one_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
