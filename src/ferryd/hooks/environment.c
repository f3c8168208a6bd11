/* The environment of a program that is told of an event. */
#include "ferryd/hooks/environment.h"

#include <jansson.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"

enum { VARIABLE_MAX_BYTES = 16 * 1024 };

static enum ferry_error add(struct environment *environment, struct buf *text)
{
    char *variable = alloc_bytes(buf_view(text));
    if (!variable || environment->count == ENVIRONMENT_MAX) {
        alloc_free(variable);
        return variable ? FERRY_OK : FERRY_E_MEMORY;
    }
    environment->list[environment->count++] = variable;
    return FERRY_OK;
}

static enum ferry_error set(struct environment *environment, const char *name, const char *value)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, VARIABLE_MAX_BYTES);
    enum ferry_error error = buf_printf(&text, "%s=%s", name, value);
    return error == FERRY_OK ? add(environment, &text) : error;
}

static enum ferry_error put_value(struct buf *text, const json_t *value)
{
    if (json_is_string(value))
        return buf_append(text, bytes_str(json_string_value(value)));
    if (json_is_integer(value))
        return buf_printf(text, "%lld", (long long)json_integer_value(value));
    return buf_append(text, json_is_true(value) ? BYTES_LIT("true") : BYTES_LIT("false"));
}

static enum ferry_error set_field(struct environment *environment, const char *name,
                                  const json_t *value)
{
    CLEANUP(buf_fini) struct buf text;
    buf_init(&text, VARIABLE_MAX_BYTES);
    enum ferry_error error = buf_append(&text, BYTES_LIT("FERRY_"));
    for (; *name && error == FERRY_OK; name++) {
        char upper = text_upper(*name);
        error = buf_append(&text, bytes_of(&upper, 1));
    }
    if (error == FERRY_OK)
        error = buf_append(&text, BYTES_LIT("="));
    if (error == FERRY_OK)
        error = put_value(&text, value);
    return error == FERRY_OK ? add(environment, &text) : error;
}

enum ferry_error environment_init(struct environment *environment, const struct target_order *order)
{
    char tries[16];
    *environment = (struct environment){.count = 0};
    snprintf(tries, sizeof(tries), "%u", order->tries + 1);
    json_t *event = json_loadb(order->event.ptr, order->event.len, 0, NULL);
    enum ferry_error error = json_is_object(event) ? FERRY_OK : FERRY_E_ARGUMENT;
    if (error == FERRY_OK)
        error = set(environment, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    if (error == FERRY_OK)
        error = set(environment, "TMPDIR", order->temporary);
    if (error == FERRY_OK)
        error = set(environment, "FERRY_HOOK", order->name);
    if (error == FERRY_OK)
        error = set(environment, "FERRY_TRY", tries);
    const char *name;
    json_t *value;
    json_object_foreach(event, name, value) if (error == FERRY_OK) error =
        set_field(environment, name, value);
    json_decref(event);
    return error;
}

void environment_fini(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        alloc_free(environment->list[i]);
    environment->count = 0;
}
