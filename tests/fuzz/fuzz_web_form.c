/* ferryd/ops/web: any bytes as a posted form, as a Host and as a Cookie header, and as text of a
 * page. A field is taken once, has no NUL, and no text is markup. */
#include "fuzz/fuzz.h"

#include "base/compiler.h"
#include "ferryd/ops/web/form.h"
#include "ferryd/ops/web/host.h"
#include "ferryd/ops/web/html.h"
#include "ferryd/ops/web/visits.h"

static void check_field(struct bytes form, const char *name)
{
    CLEANUP(buf_fini) struct buf value;
    buf_init(&value, FORM_MAX_BYTES);
    if (form_field(form, name, &value) != FERRY_OK)
        return;
    struct bytes found = buf_view(&value);
    must(found.len <= form.len);
    must(bytes_find(found, '\0') == found.len);
}

static void check_text(struct bytes text)
{
    static const char markup[] = "<>\"'\n\r";
    CLEANUP(buf_fini) struct buf out;
    struct html html;
    buf_init(&out, 64 * 1024);
    html_init(&html, &out);
    html_text(&html, text);
    must(html_finish(&html) == FERRY_OK);
    for (size_t i = 0; markup[i]; i++)
        must(bytes_find(buf_view(&out), markup[i]) == buf_len(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct visits visits;
    visits_init(&visits);
    check_field(in, "user");
    check_field(in, "");
    check_text(in);
    must(!visits_find(&visits, in, 1, true));
    if (host_kind(in, NULL, 0) != HOST_FOREIGN)
        must(size <= sizeof("localhost:65535") + 16);
    (void)host_is_origin(in, in);
    visits_fini(&visits);
    return 0;
}
