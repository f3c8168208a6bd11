/* Parts for tests. */
#include "support/part_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct part_kit part_kit;

const struct bytes part_kit_owner = BYTES_LIT("anna"), part_kit_stranger = BYTES_LIT("bert");

int part_kit_open(void **state)
{
    (void)state;
    tempdir_make(&part_kit.top);
    assert_int_equal(root_init(&part_kit.root, part_kit.top.path, ROOT_LINKS_BENEATH, 027, NULL),
                     FERRY_OK);
    return 0;
}

int part_kit_close(void **state)
{
    (void)state;
    root_fini(&part_kit.root);
    tempdir_remove(&part_kit.top);
    return 0;
}

struct part part_kit_begin(const char *path, const struct part_want *want)
{
    struct part part;
    struct fault fault = {0};
    if (part_begin(&part_kit.root, bytes_str(path), want, &part, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
    return part;
}

struct part part_kit_begin_new(const char *path)
{
    return part_kit_begin(path, &(struct part_want){.owner = part_kit_owner});
}

void part_kit_put(const struct part *part, const char *text)
{
    struct stat status;
    assert_int_equal(fstat(part->fd, &status), 0);
    assert_int_equal(pwrite(part->fd, text, strlen(text), status.st_size), strlen(text));
}

void part_kit_commit(struct part *part)
{
    struct fault fault = {0};
    if (part_commit(part, PART_SYNC_DATA, &fault) != FERRY_OK)
        fail_msg("%s", fault.what);
}

void part_kit_leave_kept(const char *path, const char *text)
{
    struct part part = part_kit_begin_new(path);
    part_kit_put(&part, text);
    part_kit_put(&part, "!"); /* the byte it loses */
    assert_true(part_keep(&part));
}

int64_t part_kit_kept_size(const char *path, struct bytes whose)
{
    uint64_t size;
    enum ferry_error error = part_find_kept(&part_kit.root, bytes_str(path), whose, &size, NULL);
    assert_true(error == FERRY_OK || error == FERRY_E_NOT_FOUND);
    return error == FERRY_OK ? (int64_t)size : -1;
}
