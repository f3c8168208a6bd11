/* Sample files beneath tests/, read whole. */
#include "support/sample.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

void sample_read(struct buf *out, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", TESTS_DIR, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no sample %s", path);

    char block[4096];
    size_t len;
    while ((len = fread(block, 1, sizeof block, file)) > 0)
        assert_int_equal(buf_append(out, bytes_of(block, len)), FERRY_OK);
    assert_false(ferror(file));
    fclose(file);
}
