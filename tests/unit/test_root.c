/* store/root, store/walk: nothing leads out of the root, by openat2 and by walking (SEC-30 to
 * SEC-33). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "store/root.h"
#include "support/flipper.h"
#include "support/tempdir.h"

/* top/outside/secret is what nobody must reach; top/root is the root. */
struct fixture {
    struct tempdir top;
    struct root root;
};

static int setup(void **state)
{
    static struct fixture fixture;
    tempdir_make(&fixture.top);
    tempdir_mkdir(&fixture.top, "outside");
    tempdir_write(&fixture.top, "outside/secret", "secret");
    tempdir_mkdir(&fixture.top, "root/a/b");
    tempdir_write(&fixture.top, "root/a/b/file", "inside");

    char path[PATH_MAX];
    assert_int_equal(root_init(&fixture.root, tempdir_path(&fixture.top, "root", path),
                               ROOT_LINKS_BENEATH, 022, NULL),
                     FERRY_OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    root_fini(&fixture->root);
    tempdir_remove(&fixture->top);
    return 0;
}

static const enum root_resolver resolvers[] = {ROOT_BY_OPENAT2, ROOT_BY_WALK};

/* Opens for reading by every resolver; all must agree. */
static void assert_open(const struct root *root, struct bytes path, int flags,
                        enum ferry_error expected)
{
    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++) {
        struct root by = *root;
        by.resolver = resolvers[i];
        struct fault fault = {0};
        int fd = -2;
        enum ferry_error error = root_open(&by, path, flags, "open", &fd, &fault);
        if (error != expected)
            print_error("%.*s, resolver %zu: %s, not %s: %s\n", BYTES_FMT(path), i,
                        fault_kind_name(error), fault_kind_name(expected), fault.what);
        assert_int_equal(error, expected);
        assert_int_equal(fault.kind, expected);
        assert_int_equal(fd < 0, expected != FERRY_OK);
        fd_close(&fd);
    }
}

static void sec_30_traversal(void **state)
{
    static const struct {
        struct bytes path;
        enum ferry_error expected;
    } cases[] = {
        {BYTES_LIT("/a/b/file"), FERRY_OK},
        {BYTES_LIT("/"), FERRY_OK},
        {BYTES_LIT("/a"), FERRY_OK},
        {BYTES_LIT("/.."), FERRY_E_ARGUMENT},
        {BYTES_LIT("/../outside/secret"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a/../../outside/secret"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a/.."), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a/../a"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/."), FERRY_E_ARGUMENT},
        {BYTES_LIT("/./a"), FERRY_E_ARGUMENT},
        {BYTES_LIT("//"), FERRY_E_ARGUMENT},
        {BYTES_LIT("//a"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a//b"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a/"), FERRY_E_ARGUMENT},
        {BYTES_LIT(""), FERRY_E_ARGUMENT},
        {BYTES_LIT("a"), FERRY_E_ARGUMENT},
        {BYTES_LIT("../outside/secret"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a\0/../../outside/secret"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/a/b/file\0"), FERRY_E_ARGUMENT},
        {BYTES_LIT("/%2e%2e/outside/secret"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/\xc0\xae\xc0\xae/outside/secret"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/..."), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/.. /outside/secret"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/~root"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/proc/self/root"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/a\\..\\..\\outside"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/a/b/file/x"), FERRY_E_NOT_FOUND},
        {BYTES_LIT("/.ferry-0123456789abcdef.part"), FERRY_E_DENIED},
        {BYTES_LIT("/.ferry-x.part/y"), FERRY_E_DENIED},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_open(&fixture->root, cases[i].path, O_RDONLY, cases[i].expected);
}

static void sec_30_long_paths_and_names(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_MAX + 1];
    memset(path, 'n', sizeof(path));
    path[0] = '/';
    assert_open(&fixture->root, bytes_of(path, 1 + NAME_MAX), O_RDONLY, FERRY_E_NOT_FOUND);
    assert_open(&fixture->root, bytes_of(path, 2 + NAME_MAX), O_RDONLY, FERRY_E_LIMIT);

    char file[NAME_MAX + 1 + sizeof("root/")];
    snprintf(file, sizeof(file), "root/%.*s", NAME_MAX, path + 1);
    tempdir_write(&fixture->top, file, "");
    assert_open(&fixture->root, bytes_of(path, 1 + NAME_MAX), O_RDONLY, FERRY_OK);

    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 2 == 0 ? '/' : 'd';
    assert_open(&fixture->root, bytes_of(path, PATH_MAX), O_RDONLY, FERRY_E_LIMIT);
    assert_open(&fixture->root, bytes_of(path, PATH_MAX - 2), O_RDONLY, FERRY_E_NOT_FOUND);
}

static void sec_31_links(void **state)
{
    static const struct {
        const char *name, *target; /* beneath the root; the link is made first */
        const char *path;          /* is then opened */
        enum ferry_error beneath;  /* the outcome where links are followed; else always denied */
    } cases[] = {
        {"in", "a/b/file", "/in", FERRY_OK},
        {"dir", "a/b", "/dir/file", FERRY_OK},
        {"slash", "a/b/", "/slash/file", FERRY_OK},
        {"to-link", "dir/file", "/to-link", FERRY_OK},
        {"a/up", "../a/b/file", "/a/up", FERRY_OK},
        {"a/b/top", "../..", "/a/b/top/a/b/file", FERRY_OK},
        {"winding", "a/./b/../b//file", "/winding", FERRY_OK},
        {"here", ".", "/here/a/b/file", FERRY_OK},
        {"dangling", "nothing", "/dangling", FERRY_E_NOT_FOUND},
        {"through-file", "a/b/file/../file", "/through-file", FERRY_E_NOT_FOUND},
        {"file-slash", "a/b/file/", "/file-slash", FERRY_E_NOT_FOUND},
        {"absolute", "/etc/passwd", "/absolute", FERRY_E_DENIED},
        {"etc", "/etc", "/etc/passwd", FERRY_E_DENIED},
        {"slash-root", "/", "/slash-root", FERRY_E_DENIED},
        {"up", "..", "/up", FERRY_E_DENIED},
        {"up-and-in", "../root/a/b/file", "/up-and-in", FERRY_E_DENIED},
        {"out", "../outside/secret", "/out", FERRY_E_DENIED},
        {"out-dir", "../outside", "/out-dir/secret", FERRY_E_DENIED},
        {"a/out", "../../outside/secret", "/a/out", FERRY_E_DENIED},
        {"a/b/far", "../../../../../../../../../../etc/passwd", "/a/b/far", FERRY_E_DENIED},
        {"by-link", "a/b/top/../outside/secret", "/by-link", FERRY_E_DENIED},
        {"loop", "loop", "/loop", FERRY_E_DENIED},
        {"ping", "pong", "/ping", FERRY_E_NOT_FOUND},
        {"pong", "ping", "/ping", FERRY_E_DENIED},
    };
    struct fixture *fixture = *state;
    struct root denying = fixture->root;
    denying.links = ROOT_LINKS_DENY;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[PATH_MAX];
        snprintf(name, sizeof(name), "root/%s", cases[i].name);
        tempdir_symlink(&fixture->top, cases[i].target, name);
        assert_open(&fixture->root, bytes_str(cases[i].path), O_RDONLY, cases[i].beneath);
        assert_open(&denying, bytes_str(cases[i].path), O_RDONLY, FERRY_E_DENIED);
        assert_open(&denying, bytes_str(cases[i].path), O_PATH, FERRY_E_DENIED);
    }
}

static void sec_31_absolute_link_into_the_root_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_MAX];
    tempdir_symlink(&fixture->top, tempdir_path(&fixture->top, "root/a/b/file", path), "root/abs");
    assert_open(&fixture->root, BYTES_LIT("/abs"), O_RDONLY, FERRY_E_DENIED);
}

static void sec_31_forty_links_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    tempdir_symlink(&fixture->top, "a/b/file", "root/l1");
    for (int i = 2; i <= 41; i++) {
        char name[32], target[32];
        snprintf(name, sizeof(name), "root/l%d", i);
        snprintf(target, sizeof(target), "l%d", i - 1);
        tempdir_symlink(&fixture->top, target, name);
    }
    assert_open(&fixture->root, BYTES_LIT("/l40"), O_RDONLY, FERRY_OK);
    assert_open(&fixture->root, BYTES_LIT("/l41"), O_RDONLY, FERRY_E_DENIED);
}

static void sec_30_magic_links_are_not_followed(void **state)
{
    (void)state;
    static const char *const paths[] = {"/self/root", "/self/cwd", "/self/exe", "/self/fd/0",
                                        "/self/root/etc/passwd"};
    struct root proc;
    assert_int_equal(root_init(&proc, "/proc", ROOT_LINKS_BENEATH, 0, NULL), FERRY_OK);
    assert_open(&proc, BYTES_LIT("/self/status"), O_RDONLY, FERRY_OK);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        for (size_t j = 0; j < ARRAY_LEN(resolvers); j++) {
            proc.resolver = resolvers[j];
            int fd;
            /* Denied, or not found: walking takes "pipe:[1]" for a name. */
            assert_int_not_equal(root_open(&proc, bytes_str(paths[i]), O_RDONLY, "open", &fd, NULL),
                                 FERRY_OK);
        }
    }
    root_fini(&proc);
}

static void flags_are_heeded(void **state)
{
    struct fixture *fixture = *state;
    tempdir_symlink(&fixture->top, "a/b", "root/dir");
    tempdir_symlink(&fixture->top, "a/b/file", "root/in");
    assert_open(&fixture->root, BYTES_LIT("/dir"), O_RDONLY | O_DIRECTORY, FERRY_OK);
    assert_open(&fixture->root, BYTES_LIT("/dir"), O_PATH | O_DIRECTORY, FERRY_OK);
    assert_open(&fixture->root, BYTES_LIT("/in"), O_PATH | O_DIRECTORY, FERRY_E_NOT_FOUND);
    assert_open(&fixture->root, BYTES_LIT("/a/b/file"), O_RDONLY | O_DIRECTORY, FERRY_E_NOT_FOUND);
    assert_open(&fixture->root, BYTES_LIT("/a"), O_WRONLY, FERRY_E_DENIED);
    assert_open(&fixture->root, BYTES_LIT("/"), O_WRONLY, FERRY_E_DENIED);
}

static void descriptors_are_closed_on_exec(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++) {
        fixture->root.resolver = resolvers[i];
        int fd;
        assert_int_equal(
            root_open(&fixture->root, BYTES_LIT("/a/b/file"), O_RDONLY, "open", &fd, NULL),
            FERRY_OK);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        fd_close(&fd);
    }
}

static void place_is_the_last_name_or_where_it_leads(void **state)
{
    static const struct {
        const char *path;
        enum root_last last;
        enum ferry_error expected;
        const char *name;
    } cases[] = {
        {"/a/b/file", ROOT_LAST_AS_IS, FERRY_OK, "file"},
        {"/a/b/new", ROOT_LAST_FOLLOWED, FERRY_OK, "new"},
        {"/new", ROOT_LAST_AS_IS, FERRY_OK, "new"},
        {"/in", ROOT_LAST_AS_IS, FERRY_OK, "in"},
        {"/in", ROOT_LAST_FOLLOWED, FERRY_OK, "file"},
        {"/twice", ROOT_LAST_FOLLOWED, FERRY_OK, "file"},
        {"/dangling", ROOT_LAST_FOLLOWED, FERRY_OK, "nothing"},
        {"/out", ROOT_LAST_AS_IS, FERRY_OK, "out"},
        {"/out", ROOT_LAST_FOLLOWED, FERRY_E_DENIED, NULL},
        {"/absolute", ROOT_LAST_FOLLOWED, FERRY_E_DENIED, NULL},
        {"/loop", ROOT_LAST_FOLLOWED, FERRY_E_DENIED, NULL},
        {"/to-dot", ROOT_LAST_FOLLOWED, FERRY_E_DENIED, NULL},
        {"/to-slash", ROOT_LAST_FOLLOWED, FERRY_E_DENIED, NULL},
        {"/nowhere/new", ROOT_LAST_AS_IS, FERRY_E_NOT_FOUND, NULL},
        {"/a/b/file/new", ROOT_LAST_AS_IS, FERRY_E_NOT_FOUND, NULL},
        {"/", ROOT_LAST_AS_IS, FERRY_E_DENIED, NULL},
    };
    static const char *const links[][2] = {
        {"root/in", "a/b/file"},
        {"root/twice", "a/again"},
        {"root/a/again", "../in"},
        {"root/dangling", "a/nothing"},
        {"root/out", "../outside/secret"},
        {"root/absolute", "/tmp/x"},
        {"root/loop", "loop"},
        {"root/to-dot", "a/."},
        {"root/to-slash", "a/"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        tempdir_symlink(&fixture->top, links[i][1], links[i][0]);
    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(resolvers); i++) {
        size_t at = i / ARRAY_LEN(resolvers);
        fixture->root.resolver = resolvers[i % ARRAY_LEN(resolvers)];
        struct root_place place;
        struct fault fault = {0};
        enum ferry_error error = root_open_place(&fixture->root, bytes_str(cases[at].path),
                                                 cases[at].last, "write", &place, &fault);
        if (error != cases[at].expected)
            print_error("%s: %s\n", cases[at].path, fault.what);
        assert_int_equal(error, cases[at].expected);
        assert_int_equal(place.dir_fd >= 0, error == FERRY_OK);
        if (error == FERRY_OK)
            assert_string_equal(place.name, cases[at].name);
        root_place_fini(&place);
    }
}

static void place_denies_a_link_where_links_are_denied(void **state)
{
    struct fixture *fixture = *state;
    tempdir_symlink(&fixture->top, "a/b/file", "root/in");
    fixture->root.links = ROOT_LINKS_DENY;
    struct root_place place;
    assert_int_equal(root_open_place(&fixture->root, BYTES_LIT("/in"), ROOT_LAST_FOLLOWED, "write",
                                     &place, NULL),
                     FERRY_E_DENIED);
}

static void faults_name_the_virtual_path_only(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault = {0};
    int fd;
    assert_int_equal(root_open(&fixture->root, BYTES_LIT("/a/none"), O_RDONLY, "open", &fd, &fault),
                     FERRY_E_NOT_FOUND);
    assert_string_equal(fault.what, "open /a/none: No such file or directory");
    assert_int_equal(fault.os_error, ENOENT);
}

static void root_must_be_a_directory(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_MAX];
    struct root root;
    assert_int_equal(root_init(&root, tempdir_path(&fixture->top, "outside/secret", path),
                               ROOT_LINKS_DENY, 0, NULL),
                     FERRY_E_NOT_FOUND);
    root_fini(&root);
    assert_int_equal(
        root_init(&root, tempdir_path(&fixture->top, "none", path), ROOT_LINKS_DENY, 0, NULL),
        FERRY_E_NOT_FOUND);
}

enum { TURNS_MAX = 1000000, OUTCOMES_WANTED = 5000 };

/* Opens `path` while `a` and `b` change places, until both outcomes were seen often; what is opened
 * is never the secret. */
static void assert_never_leads_out(const struct root *root, int dir_fd, const char *a,
                                   const char *b, const char *path)
{
    struct flipper flipper;
    flipper_start(&flipper, dir_fd, a, b);
    int opened = 0, refused = 0;
    for (int turn = 0; turn < TURNS_MAX && (opened < OUTCOMES_WANTED || refused < OUTCOMES_WANTED);
         turn++) {
        int fd;
        if (root_open(root, bytes_str(path), O_RDONLY, "open", &fd, NULL) != FERRY_OK) {
            refused++;
            continue;
        }
        opened++;
        char text[16];
        assert_int_equal(read(fd, text, sizeof(text)), strlen("inside"));
        assert_memory_equal(text, "inside", strlen("inside"));
        fd_close(&fd);
    }
    flipper_stop(&flipper);
    assert_true(opened >= OUTCOMES_WANTED && refused >= OUTCOMES_WANTED);
}

static void sec_33_flipped_links_never_lead_out(void **state)
{
    struct fixture *fixture = *state;
    tempdir_mkdir(&fixture->top, "root/flip/deep");
    tempdir_write(&fixture->top, "root/flip/secret", "inside");
    tempdir_mkdir(&fixture->top, "outside/deep");
    tempdir_symlink(&fixture->top, "../outside", "root/link");
    tempdir_symlink(&fixture->top, "flip/deep/../secret", "root/by-dots");
    tempdir_write(&fixture->top, "root/flip-file", "inside");
    tempdir_symlink(&fixture->top, "../outside/secret", "root/link-file");
    int dir_fd = openat(fixture->top.fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < ARRAY_LEN(resolvers); i++) {
        fixture->root.resolver = resolvers[i];
        assert_never_leads_out(&fixture->root, dir_fd, "flip", "link", "/flip/secret");
        assert_never_leads_out(&fixture->root, dir_fd, "flip", "link", "/by-dots");
        assert_never_leads_out(&fixture->root, dir_fd, "flip-file", "link-file", "/flip-file");
    }
    close(dir_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sec_30_traversal, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_30_long_paths_and_names, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_31_links, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_31_absolute_link_into_the_root_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sec_31_forty_links_and_no_more, setup, teardown),
        cmocka_unit_test(sec_30_magic_links_are_not_followed),
        cmocka_unit_test_setup_teardown(flags_are_heeded, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_are_closed_on_exec, setup, teardown),
        cmocka_unit_test_setup_teardown(place_is_the_last_name_or_where_it_leads, setup, teardown),
        cmocka_unit_test_setup_teardown(place_denies_a_link_where_links_are_denied, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(faults_name_the_virtual_path_only, setup, teardown),
        cmocka_unit_test_setup_teardown(root_must_be_a_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(sec_33_flipped_links_never_lead_out, setup, teardown),
    };
    return cmocka_run_group_tests_name("store/root", tests, NULL, NULL);
}
