/* An event as JSON. */
#include "ferryd/hooks/event_json.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "ferryd/settings_hooks.h"

/* false: memory is short. What is empty is left out. */
static bool put(json_t *object, const char *name, struct bytes text)
{
    return text.len == 0 ||
           json_object_set_new(object, name, json_stringn(text.ptr, text.len)) == 0;
}

static bool put_number(json_t *object, const char *name, uint64_t number)
{
    return json_object_set_new(object, name, json_integer((json_int_t)number)) == 0;
}

static bool put_path(json_t *object, const char *name, const char *bytes_name, struct bytes path)
{
    json_t *text = json_stringn(path.ptr ? path.ptr : "", path.len);
    if (text) {
        json_decref(text);
        return put(object, name, path);
    }
    CLEANUP(buf_fini) struct buf visible;
    CLEANUP(buf_fini) struct buf hex;
    buf_init(&visible, 5 * path.len);
    buf_init(&hex, 2 * path.len);
    return text_visible(&visible, path) == FERRY_OK && text_hex(&hex, path) == FERRY_OK &&
           put(object, name, buf_view(&visible)) && put(object, bytes_name, buf_view(&hex));
}

static bool put_time(json_t *object, int64_t time_ns)
{
    char text[64];
    struct tm parts;
    time_t seconds = (time_t)(time_ns / (int64_t)CLOCK_NS_PER_S);
    int ms = (int)(time_ns % (int64_t)CLOCK_NS_PER_S / (int64_t)CLOCK_NS_PER_MS);
    if (!gmtime_r(&seconds, &parts))
        return true;
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + len, sizeof(text) - len, ".%03dZ", ms);
    return put(object, "time", bytes_str(text));
}

/* Of an upload or a download. */
static bool put_transfer(json_t *object, const struct hook_event *event)
{
    return put_number(object, "bytes", event->bytes) &&
           put_number(object, "offset", event->offset_bytes) &&
           put_number(object, "took_ms", event->took_ns / CLOCK_NS_PER_MS);
}

static bool fill(json_t *object, const struct hook_event *event)
{
    char id[HOOK_ID_TEXT_BYTES];
    bool transfer = event->kind == HOOK_UPLOAD || event->kind == HOOK_DOWNLOAD;
    hook_id_text(event->id, id);
    return put(object, "id", bytes_str(id)) &&
           put(object, "event", bytes_str(settings_hook_kind_name((enum hook_kind)event->kind))) &&
           put_time(object, event->time_ns) && put_number(object, "session", event->session) &&
           put_path(object, "account", "account_hex", event->account) &&
           put(object, "peer", event->peer) && put(object, "host", event->host) &&
           put_path(object, "path", "path_hex", event->path) &&
           put_path(object, "from", "from_hex", event->from) &&
           (!transfer || put_transfer(object, event)) && put(object, "tls", event->tls_version) &&
           put(object, "cipher", event->cipher) && put(object, "certificate", event->certificate);
}

static int append(const char *text, size_t len, void *ctx)
{
    return buf_append(ctx, bytes_of(text, len)) == FERRY_OK ? 0 : -1;
}

enum ferry_error event_json(const struct hook_event *event, struct buf *out)
{
    json_t *object = json_object();
    bool made = object && fill(object, event) &&
                json_dump_callback(object, append, out, JSON_COMPACT | JSON_ENSURE_ASCII) == 0;
    json_decref(object);
    return made ? FERRY_OK : FERRY_E_MEMORY;
}

enum ferry_error event_json_certain(struct bytes body, bool certain, struct buf *out)
{
    return buf_printf(out, "{\"certain\":%s,%.*s", certain ? "true" : "false",
                      BYTES_FMT(bytes_skip(body, 1)));
}
