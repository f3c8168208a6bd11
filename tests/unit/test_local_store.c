/* A directory as the server's store: outcomes that come later, calls given up at any moment. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "embed/local_store.h"
#include "support/net_kit.h"
#include "support/tempdir.h"

static const struct store_ops *const ops = &local_store_ops;

struct fixture {
    struct net_kit net;
    struct tempdir dir;
    struct backend_store *store;
    /* What the last call answered. */
    unsigned answers;
    enum ferry_error kind;
    uint64_t number;
    int fd;
    uint32_t part;
    char path[256];
    enum listing_type type;
    char perms[16];
    size_t count;
};

static void open_store(struct fixture *fixture, bool read_only)
{
    struct root root;
    struct fault fault = {0};
    assert_int_equal(root_init(&root, fixture->dir.path, ROOT_LINKS_BENEATH, 027, &fault),
                     FERRY_OK);
    struct home_rules rules = {.read_only = read_only};
    assert_int_equal(
        local_store_new(fixture->net.loop, &root, BYTES_LIT("anna"), &rules, &fixture->store),
        FERRY_OK);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.fd = -1};
    net_kit_open(&fixture.net);
    tempdir_make(&fixture.dir);
    tempdir_write(&fixture.dir, "file", "content");
    tempdir_mkdir(&fixture.dir, "dir");
    tempdir_write(&fixture.dir, "dir/b", "b");
    tempdir_write(&fixture.dir, "dir/a", "a");
    open_store(&fixture, false);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->store)
        ops->release(fixture->store);
    net_kit_close(&fixture->net);
    if (fixture->fd >= 0)
        close(fixture->fd);
    tempdir_remove(&fixture->dir);
    return 0;
}

/* ---- answers ---- */

static void answered(struct fixture *fixture, const struct fault *fault)
{
    fixture->answers++;
    fixture->kind = fault->kind;
}

static void on_plain(void *ctx, const struct fault *fault)
{
    answered(ctx, fault);
}

static void on_size(void *ctx, const struct fault *fault, uint64_t size_bytes)
{
    struct fixture *fixture = ctx;
    answered(fixture, fault);
    fixture->number = size_bytes;
}

static void on_entry(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct fixture *fixture = ctx;
    answered(fixture, fault);
    assert_int_equal(entry == NULL, fault_is_set(fault));
    if (!entry)
        return;
    fixture->type = entry->type;
    fixture->number = entry->size;
    snprintf(fixture->perms, sizeof(fixture->perms), "%.*s", BYTES_FMT(entry->perms));
}

static void take_fd(struct fixture *fixture, int fd)
{
    if (fixture->fd >= 0)
        close(fixture->fd);
    fixture->fd = fd;
}

static void on_read(void *ctx, const struct fault *fault, int fd, uint64_t size_bytes)
{
    struct fixture *fixture = ctx;
    answered(fixture, fault);
    fixture->number = size_bytes;
    take_fd(fixture, fd);
}

static void on_part(void *ctx, const struct fault *fault, const struct store_part *part)
{
    struct fixture *fixture = ctx;
    answered(fixture, fault);
    assert_int_equal(part == NULL, fault_is_set(fault));
    if (!part)
        return;
    fixture->part = part->part;
    fixture->number = part->offset_bytes;
    snprintf(fixture->path, sizeof(fixture->path), "%s", part->path);
    take_fd(fixture, part->fd);
}

static void on_batch(void *ctx, const struct fault *fault, const struct listing_entry *entries,
                     size_t count)
{
    struct fixture *fixture = ctx;
    answered(fixture, fault);
    fixture->count = count;
    if (count > 0)
        snprintf(fixture->path, sizeof(fixture->path), "%.*s", BYTES_FMT(entries[0].name));
}

/* Waits for the one answer that is due, which never comes from inside the call. */
static enum ferry_error answer(struct fixture *fixture)
{
    assert_int_equal(fixture->answers, 0);
    NET_UNTIL(&fixture->net, fixture->answers > 0);
    assert_int_equal(fixture->answers, 1);
    fixture->answers = 0;
    return fixture->kind;
}

static void write_part(const struct fixture *fixture, const char *text)
{
    ssize_t len = (ssize_t)strlen(text);
    assert_int_equal(pwrite(fixture->fd, text, strlen(text), (off_t)fixture->number), len);
}

/* ---- what it does ---- */

static void names(void **state)
{
    struct fixture *f = *state;
    ops->stat(f->store, "/file", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->type, LISTING_FILE);
    assert_int_equal(f->number, 7);
    assert_string_equal(f->perms, "adfrw");
    ops->stat(f->store, "/dir", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_string_equal(f->perms, "cdeflmp");
    ops->stat(f->store, "/", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_string_equal(f->perms, "celmp"); /* the root stays */
    ops->stat(f->store, "/nowhere", on_entry, f);
    assert_int_equal(answer(f), FERRY_E_NOT_FOUND);
    ops->size(f->store, "/file", on_size, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->number, 7);
    ops->size(f->store, "/dir", on_size, f);
    assert_int_equal(answer(f), FERRY_E_DENIED);
    ops->enter(f->store, "/dir", on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->enter(f->store, "/file", on_plain, f);
    assert_int_not_equal(answer(f), FERRY_OK);
    ops->make_directory(f->store, "/new", on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->rename(f->store, "/new", "/dir", on_plain, f);
    assert_int_equal(answer(f), FERRY_E_EXISTS);
    ops->rename(f->store, "/new", "/dir/new", on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->remove_directory(f->store, "/dir/new", on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->remove_file(f->store, "/dir/a", on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(tempdir_count(&f->dir, "dir"), 1);
}

static void read_only_rights(void **state)
{
    struct fixture *f = *state;
    ops->release(f->store);
    open_store(f, true);
    ops->stat(f->store, "/file", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_string_equal(f->perms, "r");
    ops->stat(f->store, "/dir", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_string_equal(f->perms, "el");
}

static void parts(void **state)
{
    struct fixture *f = *state;
    ops->open_part(f->store, "/up", PART_REPLACE, 0, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    write_part(f, "part");
    assert_false(tempdir_has(&f->dir, "up"));
    ops->commit(f->store, f->part + 1, on_plain, f); /* no such part */
    assert_int_equal(answer(f), FERRY_E_STATE);
    ops->commit(f->store, f->part, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "up", "part");
    ops->abandon(f->store, f->part, false, on_plain, f); /* it has ended: nothing happens */
    assert_int_equal(answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "up", "part");

    ops->open_part(f->store, "/up", PART_RESUME, PART_AT_END, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->number, 4);
    ops->abandon(f->store, f->part, false, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->open_part(f->store, "/up", PART_RESUME, 5, on_part, f);
    assert_int_equal(answer(f), FERRY_E_STATE);

    ops->open_part(f->store, "/kept", PART_REPLACE, 0, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    write_part(f, "0123456789");
    ops->abandon(f->store, f->part, true, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->size(f->store, "/kept", on_size, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->number, 9); /* part_keep takes the last byte off */
    ops->open_part(f->store, "/kept", PART_RESUME, f->number, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    write_part(f, "9");
    ops->commit(f->store, f->part, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "kept", "0123456789");
}

static void unique_names(void **state)
{
    struct fixture *f = *state;
    ops->open_part(f->store, "/dir", PART_UNIQUE, 0, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(strncmp(f->path, "/dir/", 5), 0);
    ops->commit(f->store, f->part, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_true(tempdir_has(&f->dir, f->path + 1));
    ops->open_part(f->store, "/file", PART_UNIQUE, 0, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(strncmp(f->path, "/file.", 6), 0);
    ops->open_part(f->store, "/", PART_UNIQUE, 0, on_part, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->path[0], '/');
    assert_int_not_equal(f->path[1], '/');
}

static void listings(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkfifoat(f->dir.fd, "dir/fifo", 0600), 0); /* LST-83 */
    ops->list_open(f->store, "/dir", &(struct store_list_want){0}, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->list_next(f->store, on_batch, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->count, 2);
    assert_string_equal(f->path, "a"); /* LST-85 */
    ops->list_next(f->store, on_batch, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->count, 0);
    ops->list_close(f->store);
    ops->list_next(f->store, on_batch, f);
    assert_int_equal(answer(f), FERRY_E_STATE);
    ops->list_open(f->store, "/file", &(struct store_list_want){0}, on_plain, f);
    assert_int_not_equal(answer(f), FERRY_OK);
}

/* Devices alone do not look like the end. */
static void a_directory_of_hidden_things(void **state)
{
    enum { COUNT = 200 };
    struct fixture *f = *state;
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "dir/0fifo%d", i);
        assert_int_equal(mkfifoat(f->dir.fd, name, 0600), 0);
    }
    ops->list_open(f->store, "/dir", &(struct store_list_want){0}, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->list_next(f->store, on_batch, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->count, 2);
}

/* ---- what takes several jobs ---- */

static void ftp_180_181_directories_with_all_beneath(void **state)
{
    struct fixture *f = *state;
    ops->tree_size(f->store, "/dir", on_size, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(f->number, 2);
    ops->remove_tree(f->store, "/dir", on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_false(tempdir_has(&f->dir, "dir"));
    tempdir_assert_text(&f->dir, "file", "content");
}

static void make_large(const struct fixture *f)
{
    enum { LARGE_BYTES = 160 * 1024 * 1024 };
    int fd = openat(f->dir.fd, "large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, LARGE_BYTES), 0);
    close(fd);
}

/* A copy that nobody waits for any more ends after the piece that is being copied, and nothing of
 * it stays. */
static void ftp_184_a_large_copy_is_given_up_in_the_middle(void **state)
{
    struct fixture *f = *state;
    const struct store_combine want = {.target = "/copy",
                                       .sources = bytes_of("/large", sizeof("/large"))};
    make_large(f);
    ops->combine(f->store, &want, on_plain, f);
    NET_UNTIL(&f->net, tempdir_count(&f->dir, ".") == 4); /* its part is there */
    ops->cancel(f->store);
    ops->stat(f->store, "/file", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_int_equal(tempdir_count(&f->dir, "."), 3);
    ops->combine(f->store, &want, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    assert_true(tempdir_has(&f->dir, "copy"));
}

/* ---- given up ---- */

typedef void begin_fn(struct fixture *f);

static void begin_read(struct fixture *f)
{
    ops->open_read(f->store, "/file", on_read, f);
}

static void begin_part(struct fixture *f)
{
    ops->open_part(f->store, "/given-up", PART_REPLACE, 0, on_part, f);
}

static void begin_stat(struct fixture *f)
{
    ops->stat(f->store, "/file", on_entry, f);
}

static void begin_list(struct fixture *f)
{
    ops->list_open(f->store, "/dir", &(struct store_list_want){0}, on_plain, f);
}

static void begin_next(struct fixture *f)
{
    ops->list_open(f->store, "/dir", &(struct store_list_want){0}, on_plain, f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->list_next(f->store, on_batch, f);
}

static void begin_commit(struct fixture *f)
{
    begin_part(f);
    assert_int_equal(answer(f), FERRY_OK);
    ops->commit(f->store, f->part, on_plain, f);
}

static void begin_tree_size(struct fixture *f)
{
    ops->tree_size(f->store, "/dir", on_size, f);
}

static void begin_combine(struct fixture *f)
{
    const struct store_combine want = {
        .target = "/combined", .sources = bytes_of("/file\0/dir/a", sizeof("/file\0/dir/a"))};
    ops->combine(f->store, &want, on_plain, f);
}

static begin_fn *const begins[] = {begin_read, begin_part,   begin_stat,      begin_list,
                                   begin_next, begin_commit, begin_tree_size, begin_combine};

static void cancelled_calls_do_not_answer(void **state)
{
    struct fixture *f = *state;
    size_t descriptors = net_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        begins[i](f);
        ops->cancel(f->store);
        ops->list_close(f->store);
        f->answers = 0;
        /* The next call waits for the one that was given up. */
        ops->stat(f->store, "/dir", on_entry, f);
        assert_int_equal(answer(f), FERRY_OK);
        assert_int_equal(f->type, LISTING_DIR);
        take_fd(f, -1);
    }
    net_kit_idle(&f->net);
    ops->release(f->store);
    f->store = NULL;
    NET_UNTIL(&f->net, net_descriptors() < descriptors);
    assert_int_equal(f->answers, 0);
    tempdir_assert_text(&f->dir, "file", "content");
    assert_true(tempdir_count(&f->dir, ".") <= 4); /* no part is left; the deeds may be done */
}

static void waiting_calls_can_be_cancelled_too(void **state)
{
    struct fixture *f = *state;
    begin_stat(f);
    ops->cancel(f->store);
    begin_read(f);
    ops->cancel(f->store);
    begin_stat(f);
    assert_int_equal(answer(f), FERRY_OK);
}

static void released_in_the_middle(void **state)
{
    struct fixture *f = *state;
    size_t descriptors = net_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        begins[i](f);
        ops->release(f->store);
        f->answers = 0;
        net_kit_idle(&f->net);
        open_store(f, false);
    }
    ops->stat(f->store, "/file", on_entry, f);
    assert_int_equal(answer(f), FERRY_OK);
    take_fd(f, -1);
    NET_UNTIL(&f->net, net_descriptors() <= descriptors);
    assert_true(tempdir_count(&f->dir, ".") <= 4);
}

/* ---- memory ---- */

static void short_memory_is_an_answer(void **state)
{
    static begin_fn *const calls[] = {begin_read, begin_part,      begin_stat,
                                      begin_list, begin_tree_size, begin_combine};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        for (unsigned long nth = 1;; nth++) {
            alloc_fail_from(nth);
            calls[i](f);
            enum ferry_error error = answer(f);
            bool enough = alloc_count() < nth;
            alloc_fail_from(0);
            ops->list_close(f->store);
            (void)unlinkat(f->dir.fd, "combined", 0);
            if (enough) {
                assert_int_equal(error, FERRY_OK);
                break;
            }
            assert_true(error == FERRY_E_MEMORY);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names),
        TEST(read_only_rights),
        TEST(parts),
        TEST(unique_names),
        TEST(listings),
        TEST(a_directory_of_hidden_things),
        TEST(ftp_180_181_directories_with_all_beneath),
        TEST(ftp_184_a_large_copy_is_given_up_in_the_middle),
        TEST(cancelled_calls_do_not_answer),
        TEST(waiting_calls_can_be_cancelled_too),
        TEST(released_in_the_middle),
        TEST(short_memory_is_an_answer),
    };
    return cmocka_run_group_tests_name("local_store", tests, NULL, NULL);
}
