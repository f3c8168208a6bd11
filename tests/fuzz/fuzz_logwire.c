/* ferryd/logwire: any bytes as what a role sends to the log. Whatever is read becomes one line in
 * the forms of text and JSON, and one field a line in the journal's (SEC-80). */
#include "base/buf.h"
#include "base/text.h"
#include "ferryd/logwire.h"
#include "fuzz/fuzz.h"

static void check_line(const struct log_event *event, enum log_form form)
{
    CLEANUP(buf_fini) struct buf line;
    buf_init(&line, 1 << 20);
    must(log_format(form, event, &line) == FERRY_OK);
    if (form != LOG_FORM_JOURNAL)
        must(text_is_visible(buf_view(&line)));
    size_t ends = 0;
    struct bytes rest = buf_view(&line);
    while (rest.len > 0) {
        must(bytes_find(rest, '=') < bytes_find(rest, '\n') || form != LOG_FORM_JOURNAL);
        ends += bytes_find(rest, '\n') < rest.len;
        (void)bytes_cut(&rest, '\n');
    }
    must(form != LOG_FORM_JOURNAL || ends == event->count + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct logwire_got got;
    if (logwire_read(bytes_of(data, size), &got) != FERRY_OK)
        return 0;
    if (got.kind == LOGWIRE_LINE) {
        must(text_is_visible(got.line));
        return 0;
    }
    for (int form = LOG_FORM_TEXT; form <= LOG_FORM_JOURNAL; form++)
        check_line(&got.event, (enum log_form)form);
    return 0;
}
