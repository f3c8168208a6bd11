/* What every kind of store must do: outcomes that come later, calls given up at any moment. */
#include "support/store_cases.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"

int store_rig_setup(struct store_rig *rig, store_open_fn *open, store_settle_fn *settle)
{
    *rig = (struct store_rig){.fd = -1, .open = open, .settle = settle};
    net_kit_open(&rig->net);
    tempdir_make(&rig->dir);
    tempdir_write(&rig->dir, "file", "content");
    tempdir_mkdir(&rig->dir, "dir");
    tempdir_write(&rig->dir, "dir/b", "b");
    tempdir_write(&rig->dir, "dir/a", "a");
    open(rig, false);
    return 0;
}

int store_rig_teardown(void **state)
{
    struct store_rig *rig = *state;
    if (rig->store)
        rig->ops->release(rig->store);
    if (rig->settle)
        rig->settle(rig);
    net_kit_close(&rig->net);
    if (rig->fd >= 0)
        close(rig->fd);
    tempdir_remove(&rig->dir);
    return 0;
}

/* ---- answers ---- */

static void answered(struct store_rig *rig, const struct fault *fault)
{
    rig->answers++;
    rig->kind = fault->kind;
}

void store_rig_plain(void *ctx, const struct fault *fault)
{
    answered(ctx, fault);
}

void store_rig_size(void *ctx, const struct fault *fault, uint64_t size_bytes)
{
    struct store_rig *rig = ctx;
    answered(rig, fault);
    rig->number = size_bytes;
}

void store_rig_entry(void *ctx, const struct fault *fault, const struct listing_entry *entry)
{
    struct store_rig *rig = ctx;
    answered(rig, fault);
    assert_int_equal(entry == NULL, fault_is_set(fault));
    if (!entry)
        return;
    rig->type = entry->type;
    rig->number = entry->size;
    snprintf(rig->perms, sizeof(rig->perms), "%.*s", BYTES_FMT(entry->perms));
}

static void take_fd(struct store_rig *rig, int fd)
{
    if (rig->fd >= 0)
        close(rig->fd);
    rig->fd = fd;
}

void store_rig_read(void *ctx, const struct fault *fault, int fd, uint64_t size_bytes)
{
    struct store_rig *rig = ctx;
    answered(rig, fault);
    rig->number = size_bytes;
    take_fd(rig, fd);
}

void store_rig_part(void *ctx, const struct fault *fault, const struct store_part *part)
{
    struct store_rig *rig = ctx;
    answered(rig, fault);
    assert_int_equal(part == NULL, fault_is_set(fault));
    if (!part)
        return;
    rig->part = part->part;
    rig->number = part->offset_bytes;
    snprintf(rig->path, sizeof(rig->path), "%s", part->path);
    take_fd(rig, part->fd);
}

void store_rig_batch(void *ctx, const struct fault *fault, const struct listing_entry *entries,
                     size_t count)
{
    struct store_rig *rig = ctx;
    answered(rig, fault);
    rig->count = count;
    if (count > 0)
        snprintf(rig->path, sizeof(rig->path), "%.*s", BYTES_FMT(entries[0].name));
}

/* Waits for the one answer that is due, which never comes from inside the call. */
enum ferry_error store_rig_answer(struct store_rig *rig)
{
    assert_int_equal(rig->answers, 0);
    NET_UNTIL(&rig->net, rig->answers > 0);
    assert_int_equal(rig->answers, 1);
    rig->answers = 0;
    return rig->kind;
}

void store_rig_write(const struct store_rig *rig, const char *text)
{
    ssize_t len = (ssize_t)strlen(text);
    assert_int_equal(pwrite(rig->fd, text, strlen(text), (off_t)rig->number), len);
}

/* ---- what it does ---- */

void store_case_names(void **state)
{
    struct store_rig *f = *state;
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->type, LISTING_FILE);
    assert_int_equal(f->number, 7);
    assert_string_equal(f->perms, "adfrw");
    f->ops->stat(f->store, "/dir", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_string_equal(f->perms, "cdeflmp");
    f->ops->stat(f->store, "/", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_string_equal(f->perms, "celmp"); /* the root stays */
    f->ops->stat(f->store, "/nowhere", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_NOT_FOUND);
    f->ops->size(f->store, "/file", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->number, 7);
    f->ops->size(f->store, "/dir", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_DENIED);
    f->ops->enter(f->store, "/dir", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->enter(f->store, "/file", store_rig_plain, f);
    assert_int_not_equal(store_rig_answer(f), FERRY_OK);
    f->ops->make_directory(f->store, "/new", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->rename(f->store, "/new", "/dir", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_EXISTS);
    f->ops->rename(f->store, "/new", "/dir/new", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->remove_directory(f->store, "/dir/new", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->remove_file(f->store, "/dir/a", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(tempdir_count(&f->dir, "dir"), 1);
}

void store_case_read_only_rights(void **state)
{
    struct store_rig *f = *state;
    f->ops->release(f->store);
    f->open(f, true);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_string_equal(f->perms, "r");
    f->ops->stat(f->store, "/dir", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_string_equal(f->perms, "el");
}

void store_case_parts(void **state)
{
    struct store_rig *f = *state;
    f->ops->open_part(f->store, "/up", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    store_rig_write(f, "part");
    assert_false(tempdir_has(&f->dir, "up"));
    f->ops->commit(f->store, f->part + 1, store_rig_plain, f); /* no such part */
    assert_int_equal(store_rig_answer(f), FERRY_E_STATE);
    f->ops->commit(f->store, f->part, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "up", "part");
    f->ops->abandon(f->store, f->part, false, store_rig_plain,
                    f); /* it has ended: nothing happens */
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "up", "part");

    f->ops->open_part(f->store, "/up", PART_RESUME, PART_AT_END, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->number, 4);
    f->ops->abandon(f->store, f->part, false, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->open_part(f->store, "/up", PART_RESUME, 5, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_STATE);

    f->ops->open_part(f->store, "/kept", PART_REPLACE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    store_rig_write(f, "0123456789");
    f->ops->abandon(f->store, f->part, true, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->size(f->store, "/kept", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->number, 9); /* part_keep takes the last byte off */
    f->ops->open_part(f->store, "/kept", PART_RESUME, f->number, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    store_rig_write(f, "9");
    f->ops->commit(f->store, f->part, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    tempdir_assert_text(&f->dir, "kept", "0123456789");
}

void store_case_unique_names(void **state)
{
    struct store_rig *f = *state;
    f->ops->open_part(f->store, "/dir", PART_UNIQUE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(strncmp(f->path, "/dir/", 5), 0);
    f->ops->commit(f->store, f->part, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_true(tempdir_has(&f->dir, f->path + 1));
    f->ops->open_part(f->store, "/file", PART_UNIQUE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(strncmp(f->path, "/file.", 6), 0);
    f->ops->open_part(f->store, "/", PART_UNIQUE, 0, store_rig_part, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->path[0], '/');
    assert_int_not_equal(f->path[1], '/');
}

void store_case_listings(void **state)
{
    struct store_rig *f = *state;
    assert_int_equal(mkfifoat(f->dir.fd, "dir/fifo", 0600), 0); /* LST-83 */
    f->ops->list_open(f->store, "/dir", &(struct store_list_want){0}, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->list_next(f->store, store_rig_batch, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->count, 2);
    assert_string_equal(f->path, "a"); /* LST-85 */
    f->ops->list_next(f->store, store_rig_batch, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->count, 0);
    f->ops->list_close(f->store);
    f->ops->list_next(f->store, store_rig_batch, f);
    assert_int_equal(store_rig_answer(f), FERRY_E_STATE);
    f->ops->list_open(f->store, "/file", &(struct store_list_want){0}, store_rig_plain, f);
    assert_int_not_equal(store_rig_answer(f), FERRY_OK);
}

/* Devices alone do not look like the end. */
void store_case_a_directory_of_hidden_things(void **state)
{
    enum { COUNT = 200 };
    struct store_rig *f = *state;
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "dir/0fifo%d", i);
        assert_int_equal(mkfifoat(f->dir.fd, name, 0600), 0);
    }
    f->ops->list_open(f->store, "/dir", &(struct store_list_want){0}, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->list_next(f->store, store_rig_batch, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->count, 2);
}

/* ---- what takes several jobs ---- */

void store_case_ftp_180_181_directories_with_all_beneath(void **state)
{
    struct store_rig *f = *state;
    f->ops->tree_size(f->store, "/dir", store_rig_size, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(f->number, 2);
    f->ops->remove_tree(f->store, "/dir", store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_false(tempdir_has(&f->dir, "dir"));
    tempdir_assert_text(&f->dir, "file", "content");
}

static void make_large(const struct store_rig *f)
{
    enum { LARGE_BYTES = 160 * 1024 * 1024 };
    int fd = openat(f->dir.fd, "large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, LARGE_BYTES), 0);
    close(fd);
}

/* A copy that nobody waits for any more ends after the piece that is being copied, and nothing of
 * it stays. */
void store_case_ftp_184_a_large_copy_is_given_up_in_the_middle(void **state)
{
    struct store_rig *f = *state;
    const struct store_combine want = {.target = "/copy",
                                       .sources = bytes_of("/large", sizeof("/large"))};
    make_large(f);
    f->ops->combine(f->store, &want, store_rig_plain, f);
    while (tempdir_count(&f->dir, ".") < 4) /* its part is not there */
        net_kit_idle(&f->net);
    assert_int_equal(f->answers, 0);
    f->ops->cancel(f->store);
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_int_equal(tempdir_count(&f->dir, "."), 3);
    f->ops->combine(f->store, &want, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    assert_true(tempdir_has(&f->dir, "copy"));
}

/* ---- given up ---- */

typedef void begin_fn(struct store_rig *f);

static void begin_read(struct store_rig *f)
{
    f->ops->open_read(f->store, "/file", store_rig_read, f);
}

static void begin_part(struct store_rig *f)
{
    f->ops->open_part(f->store, "/given-up", PART_REPLACE, 0, store_rig_part, f);
}

static void begin_stat(struct store_rig *f)
{
    f->ops->stat(f->store, "/file", store_rig_entry, f);
}

static void begin_list(struct store_rig *f)
{
    f->ops->list_open(f->store, "/dir", &(struct store_list_want){0}, store_rig_plain, f);
}

static void begin_next(struct store_rig *f)
{
    f->ops->list_open(f->store, "/dir", &(struct store_list_want){0}, store_rig_plain, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->list_next(f->store, store_rig_batch, f);
}

static void begin_commit(struct store_rig *f)
{
    begin_part(f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    f->ops->commit(f->store, f->part, store_rig_plain, f);
}

static void begin_tree_size(struct store_rig *f)
{
    f->ops->tree_size(f->store, "/dir", store_rig_size, f);
}

static void begin_combine(struct store_rig *f)
{
    const struct store_combine want = {
        .target = "/combined", .sources = bytes_of("/file\0/dir/a", sizeof("/file\0/dir/a"))};
    f->ops->combine(f->store, &want, store_rig_plain, f);
}

static begin_fn *const begins[] = {begin_read, begin_part,   begin_stat,      begin_list,
                                   begin_next, begin_commit, begin_tree_size, begin_combine};

void store_case_cancelled_calls_do_not_answer(void **state)
{
    struct store_rig *f = *state;
    size_t descriptors = net_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        begins[i](f);
        f->ops->cancel(f->store);
        f->ops->list_close(f->store);
        f->answers = 0;
        /* The next call waits for the one that was given up. */
        f->ops->stat(f->store, "/dir", store_rig_entry, f);
        assert_int_equal(store_rig_answer(f), FERRY_OK);
        assert_int_equal(f->type, LISTING_DIR);
        take_fd(f, -1);
    }
    net_kit_idle(&f->net);
    f->ops->release(f->store);
    f->store = NULL;
    NET_UNTIL(&f->net, net_descriptors() < descriptors);
    assert_int_equal(f->answers, 0);
    tempdir_assert_text(&f->dir, "file", "content");
    assert_true(tempdir_count(&f->dir, ".") <= 4); /* no part is left; the deeds may be done */
}

void store_case_waiting_calls_can_be_cancelled_too(void **state)
{
    struct store_rig *f = *state;
    begin_stat(f);
    f->ops->cancel(f->store);
    begin_read(f);
    f->ops->cancel(f->store);
    begin_stat(f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
}

void store_case_released_in_the_middle(void **state)
{
    struct store_rig *f = *state;
    begin_stat(f);
    assert_int_equal(store_rig_answer(f), FERRY_OK); /* now all is open that will be */
    size_t descriptors = net_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        begins[i](f);
        f->ops->release(f->store);
        f->answers = 0;
        net_kit_idle(&f->net);
        f->open(f, false);
    }
    f->ops->stat(f->store, "/file", store_rig_entry, f);
    assert_int_equal(store_rig_answer(f), FERRY_OK);
    take_fd(f, -1);
    NET_UNTIL(&f->net, net_descriptors() <= descriptors);
    assert_true(tempdir_count(&f->dir, ".") <= 4);
}

/* ---- memory ---- */

void store_case_short_memory_is_an_answer(void **state)
{
    static begin_fn *const calls[] = {begin_read, begin_part,      begin_stat,
                                      begin_list, begin_tree_size, begin_combine};
    struct store_rig *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        for (unsigned long nth = 1;; nth++) {
            alloc_fail_from(nth);
            calls[i](f);
            enum ferry_error error = store_rig_answer(f);
            bool enough = alloc_count() < nth;
            alloc_fail_from(0);
            f->ops->list_close(f->store);
            (void)unlinkat(f->dir.fd, "combined", 0);
            if (enough) {
                assert_int_equal(error, FERRY_OK);
                break;
            }
            assert_true(error == FERRY_E_MEMORY);
        }
    }
}
