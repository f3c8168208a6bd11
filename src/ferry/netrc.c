/* ~/.netrc. */
#include "ferry/netrc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "client/path.h"

enum { FILE_MAX_BYTES = 256 * 1024, WORD_MAX_BYTES = 4096 };

void netrc_login_fini(struct netrc_login *login)
{
    alloc_free(login->user);
    secret_free(login->password);
    *login = (struct netrc_login){0};
}

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Skips blanks and comments, which reach from a word that begins with '#' to the end of the line.
 */
static void skip_blanks(struct bytes *text)
{
    while (text->len > 0) {
        if (text->ptr[0] == '#')
            *text = bytes_skip(*text, bytes_find(*text, '\n'));
        else if (is_blank(text->ptr[0]))
            *text = bytes_skip(*text, 1);
        else
            return;
    }
}

/* Takes a word in double quotes, where a backslash keeps the byte behind it. */
static bool take_quoted(struct bytes *text, struct buf *word)
{
    *text = bytes_skip(*text, 1);
    while (text->len > 0 && text->ptr[0] != '"') {
        if (text->ptr[0] == '\\' && text->len > 1)
            *text = bytes_skip(*text, 1);
        if (buf_append(word, bytes_first(*text, 1)) != FERRY_OK)
            return false;
        *text = bytes_skip(*text, 1);
    }
    *text = bytes_skip(*text, 1);
    return true;
}

/* Takes the next word; false: none is left, or it is too long. */
static bool take_word(struct bytes *text, struct buf *word)
{
    buf_wipe(word);
    skip_blanks(text);
    if (text->len == 0)
        return false;
    if (text->ptr[0] == '"')
        return take_quoted(text, word);
    size_t len = 0;
    while (len < text->len && !is_blank(text->ptr[len]))
        len++;
    bool fits = buf_append(word, bytes_first(*text, len)) == FERRY_OK;
    *text = bytes_skip(*text, len);
    return fits;
}

/* A macro's text reaches to the next empty line. */
static void skip_macro(struct bytes *text)
{
    while (text->len > 0) {
        struct bytes line = bytes_cut(text, '\n');
        if (text_trim(line).len == 0)
            return;
    }
}

/* ---- entries ---- */

enum state { STATE_OTHER, STATE_FITS };

static bool is_word(const struct buf *word, const char *name)
{
    return bytes_equal(buf_view(word), bytes_str(name));
}

/* Puts the value of `login` or `password` into `out`. false: memory is short. */
static bool keep(struct netrc_login *out, const char *key, const struct buf *value)
{
    if (bytes_equal(bytes_str(key), BYTES_LIT("login"))) {
        alloc_free(out->user);
        out->user = alloc_bytes(buf_view(value));
        return out->user != NULL;
    }
    secret_free(out->password);
    out->password = NULL;
    return secret_new(buf_view(value), &out->password) == FERRY_OK;
}

/* Whether an entry for the right machine is also for the right user. */
static bool fits_user(const struct netrc_login *entry, const char *user)
{
    return !user || !entry->user || bytes_equal(bytes_str(entry->user), bytes_str(user));
}

bool netrc_find(struct bytes text, const char *host, const char *user, struct netrc_login *out)
{
    CLEANUP(buf_wipe) struct buf word;
    CLEANUP(buf_wipe) struct buf value;
    CLEANUP(netrc_login_fini) struct netrc_login entry = {0};
    buf_init(&word, WORD_MAX_BYTES);
    buf_init(&value, WORD_MAX_BYTES);
    enum state state = STATE_OTHER;
    *out = (struct netrc_login){0};

    while (take_word(&text, &word)) {
        bool machine = is_word(&word, "machine");
        if (machine || is_word(&word, "default")) {
            if (state == STATE_FITS && fits_user(&entry, user))
                break;
            netrc_login_fini(&entry);
            bool named = machine && take_word(&text, &value);
            state = !machine || (named && text_same(buf_view(&value), bytes_str(host)))
                        ? STATE_FITS
                        : STATE_OTHER;
        } else if (is_word(&word, "macdef")) {
            skip_macro(&text);
        } else if (is_word(&word, "login") || is_word(&word, "password")) {
            const char *key = is_word(&word, "login") ? "login" : "password";
            if (!take_word(&text, &value) || !keep(&entry, key, &value))
                return false;
        } else if (is_word(&word, "account")) {
            (void)take_word(&text, &value);
        }
    }
    if (state != STATE_FITS || !fits_user(&entry, user))
        return false;
    *out = entry;
    entry = (struct netrc_login){0};
    return true;
}

/* ---- the file ---- */

static bool read_all(int fd, struct buf *text)
{
    for (;;) {
        char *space = NULL;
        size_t room = buf_room(text) < WORD_MAX_BYTES ? buf_room(text) : WORD_MAX_BYTES;
        if (room == 0 || buf_reserve(text, room, &space) != FERRY_OK)
            return false;
        ssize_t got = read(fd, space, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        buf_commit(text, (size_t)got);
    }
}

bool netrc_look_up(const char *host, const char *user, struct netrc_login *out,
                   bool *open_to_others)
{
    *open_to_others = false;
    const char *home = getenv("HOME");
    CLEANUP(alloc_free_str) char *path = home ? client_path_join(home, ".netrc") : NULL;
    CLEANUP(fd_close) int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    if (status.st_mode & 077) {
        *open_to_others = true;
        return false;
    }
    CLEANUP(buf_wipe) struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    return read_all(fd, &text) && netrc_find(buf_view(&text), host, user, out);
}
