/* ftp/url (SEC-95): any bytes as a URL. What is taken holds no line break or NUL and is read back
 * out of its own text. */
#include "fuzz/fuzz.h"

#include "ftp/path.h"
#include "ftp/url.h"

static void check_string(const char *text, size_t max_bytes)
{
    if (!text)
        return;
    struct bytes bytes = bytes_str(text);
    must(bytes.len <= max_bytes);
    must(bytes_find(bytes, '\r') == bytes.len);
    must(bytes_find(bytes, '\n') == bytes.len);
}

static bool same(const char *a, const char *b)
{
    return bytes_equal(bytes_str(a), bytes_str(b)) && !a == !b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_fini) struct buf text;
    CLEANUP(url_fini) struct url url;
    CLEANUP(url_fini) struct url back = {0};
    buf_init(&text, 4 * URL_MAX_BYTES);
    if (url_parse(bytes_of(data, size), &url, NULL) != FERRY_OK)
        return 0;

    struct bytes password = secret_reveal(url.password);
    must(bytes_find(password, '\r') == password.len && bytes_find(password, '\n') == password.len &&
         bytes_find(password, '\0') == password.len);
    check_string(url.user, URL_USER_MAX_BYTES);
    check_string(url.host, URL_HOST_MAX_BYTES);
    check_string(url.path, PATH_MAX_BYTES);
    must(url.host && url.host[0] != '\0' && url.path && url.port != 0);

    must(url_format(&text, &url) == FERRY_OK);
    must(url_parse(buf_view(&text), &back, NULL) == FERRY_OK);
    must(!back.password && back.implicit == url.implicit && back.port == url.port &&
         back.type == url.type);
    must(same(back.user, url.user) && same(back.host, url.host) && same(back.path, url.path));
    return 0;
}
