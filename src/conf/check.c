/* Mistakes in a configuration. */
#include "conf/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

enum {
    TEXT_MAX_BYTES = 1024,
    WORD_MAX_BYTES = 40, /* of what is compared */
};

void check_init(struct check *check)
{
    *check = (struct check){0};
    TAILQ_INIT(&check->list);
}

static void mistake_free(struct check_mistake *mistake)
{
    alloc_free(mistake->file);
    alloc_free(mistake->text);
    alloc_free(mistake);
}

void check_fini(struct check *check)
{
    struct check_mistake *mistake;
    while ((mistake = TAILQ_FIRST(&check->list))) {
        TAILQ_REMOVE(&check->list, mistake, link);
        mistake_free(mistake);
    }
    check->count = 0;
}

/* Behind those of the same file that stand before it. */
static void insert(struct check *check, struct check_mistake *mistake)
{
    struct check_mistake *other;
    struct check_mistake *last_of_file = NULL;
    TAILQ_FOREACH (other, &check->list, link) {
        if (strcmp(other->file, mistake->file) != 0)
            continue;
        if (other->line > mistake->line) {
            TAILQ_INSERT_BEFORE(other, mistake, link);
            return;
        }
        last_of_file = other;
    }
    if (last_of_file)
        TAILQ_INSERT_AFTER(&check->list, last_of_file, mistake, link);
    else
        TAILQ_INSERT_TAIL(&check->list, mistake, link);
}

/* Several listeners may read the same files. */
static bool is_known(const struct check *check, const struct check_mistake *mistake)
{
    const struct check_mistake *other;
    TAILQ_FOREACH (other, &check->list, link) {
        if (other->line == mistake->line && strcmp(other->file, mistake->file) == 0 &&
            strcmp(other->text, mistake->text) == 0)
            return true;
    }
    return false;
}

void check_add(struct check *check, const char *file, unsigned line, const char *format, ...)
{
    if (check->count >= CHECK_MISTAKES_MAX) {
        check->count++;
        return;
    }
    char text[TEXT_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct check_mistake *mistake = alloc_zero(sizeof(*mistake));
    if (mistake) {
        mistake->file = alloc_str(file);
        mistake->text = len < 0 ? NULL : text_visible_dup(bytes_str(text));
        mistake->line = line;
    }
    bool whole = mistake && mistake->file && mistake->text;
    if (whole && !is_known(check, mistake)) {
        check->count++;
        insert(check, mistake);
        return;
    }
    if (!whole) {
        check->count++;
        check->memory_short = true;
    }
    if (mistake)
        mistake_free(mistake);
}

static enum ferry_error print_one(const struct check_mistake *mistake, struct buf *out)
{
    enum ferry_error error = text_visible(out, bytes_str(mistake->file));
    if (error == FERRY_OK && mistake->line > 0)
        error = buf_printf(out, ":%u", mistake->line);
    return error == FERRY_OK ? buf_printf(out, ": %s\n", mistake->text) : error;
}

enum ferry_error check_print(const struct check *check, struct buf *out)
{
    enum ferry_error error = FERRY_OK;
    const struct check_mistake *mistake;
    TAILQ_FOREACH (mistake, &check->list, link)
        if (error == FERRY_OK)
            error = print_one(mistake, out);
    if (error == FERRY_OK && check->count > CHECK_MISTAKES_MAX)
        error = buf_printf(out, "and %u more\n", check->count - CHECK_MISTAKES_MAX);
    return check->memory_short && error == FERRY_OK ? FERRY_E_MEMORY : error;
}

/* ---- what was meant ---- */

static char fold(char c)
{
    return c == '-' ? '_' : text_upper(c);
}

/* Letters put in, left out, changed or swapped with a neighbour, to make one of the other (optimal
 * string alignment). Both are at most WORD_MAX_BYTES long. */
static unsigned distance(struct bytes a, struct bytes b)
{
    unsigned rows[3][WORD_MAX_BYTES + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = fold(a.ptr[i - 1]);
            char y = fold(b.ptr[j - 1]);
            unsigned best = above[j - 1] + (x != y);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && x == fold(b.ptr[j - 2]) && y == fold(a.ptr[i - 2]);
            if (swapped && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a.len % 3][b.len];
}

/* A third of the letters may be wrong, and one that is cut short may be completed. */
static unsigned cost(struct bytes word, struct bytes candidate)
{
    unsigned slips = distance(word, candidate);
    bool begins = word.len >= 3 && candidate.len > word.len &&
                  text_same(word, bytes_first(candidate, word.len));
    unsigned allowed = (unsigned)(candidate.len > 6 ? candidate.len / 3 : 2);
    if (candidate.len <= 3)
        allowed = 1;
    if (slips <= allowed)
        return slips;
    return begins ? allowed + 1 : UINT32_MAX;
}

size_t check_nearest(struct bytes word, const char *const *words, size_t count)
{
    size_t found = count;
    unsigned least = UINT32_MAX;
    if (word.len > WORD_MAX_BYTES)
        return count;
    for (size_t i = 0; i < count; i++) {
        struct bytes candidate = bytes_str(words[i]);
        unsigned slips = candidate.len > WORD_MAX_BYTES ? UINT32_MAX : cost(word, candidate);
        if (slips < least) {
            least = slips;
            found = i;
        }
    }
    return found;
}
