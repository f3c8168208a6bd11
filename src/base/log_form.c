/* One event in each form of a log. */
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/text.h"

enum {
    VALUE_BYTES = 4096, /* of one field, as shown; the rest is left out */
    TIME_BYTES = 64,
};

static const struct {
    const char *name;
    int priority; /* of syslog(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_NOTICE] = {"notice", 5},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

int log_priority(enum log_level level)
{
    return levels[level].priority;
}

/* RFC 3339, UTC, milliseconds. */
static void format_time(int64_t wall_ns, char text[static TIME_BYTES])
{
    time_t seconds = (time_t)(wall_ns / (int64_t)CLOCK_NS_PER_S);
    int64_t rest_ns = wall_ns % (int64_t)CLOCK_NS_PER_S;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + used, TIME_BYTES - used, ".%03dZ", (int)(rest_ns / (int64_t)CLOCK_NS_PER_MS));
}

/* The value as it is written, before any quotes; returns its length. */
static size_t format_value(const struct log_field *field, char text[static VALUE_BYTES])
{
    switch (field->type) {
    case LOG_FIELD_STR:
        return text_visible_into(text, VALUE_BYTES, field->str);
    case LOG_FIELD_VISIBLE:
        return (size_t)snprintf(text, VALUE_BYTES, "%.*s",
                                BYTES_FMT(bytes_first(field->str, VALUE_BYTES - 1)));
    case LOG_FIELD_U64:
        return (size_t)snprintf(text, VALUE_BYTES, "%" PRIu64, field->number);
    case LOG_FIELD_DURATION:
        return (size_t)snprintf(text, VALUE_BYTES, "%" PRIu64 ".%03" PRIu64,
                                field->number / CLOCK_NS_PER_S,
                                field->number % CLOCK_NS_PER_S / CLOCK_NS_PER_MS);
    }
    return 0;
}

/* name=value, in quotes where a reader could not see the end of the value otherwise. */
static enum ferry_error append_text_field(struct buf *line, const struct log_field *field)
{
    char text[VALUE_BYTES];
    struct bytes value = bytes_of(text, format_value(field, text));
    bool plain = value.len > 0 && !strpbrk(text, " \"=");

    enum ferry_error error = buf_printf(line, " %s=%s", field->name, plain ? text : "\"");
    if (plain || error != FERRY_OK)
        return error;
    while (error == FERRY_OK && value.len > 0) {
        bool quote = value.ptr[0] == '"';
        error = buf_append(line, quote ? BYTES_LIT("\\x22") : bytes_first(value, 1));
        value = bytes_skip(value, 1);
    }
    return error == FERRY_OK ? buf_append(line, BYTES_LIT("\"")) : error;
}

/* Name and fields. */
static enum ferry_error append_words(struct buf *line, const struct log_event *event)
{
    enum ferry_error error = buf_append(line, bytes_str(event->name));
    for (size_t i = 0; i < event->count && error == FERRY_OK; i++)
        error = append_text_field(line, &event->fields[i]);
    return error;
}

static enum ferry_error append_text(struct buf *line, const struct log_event *event)
{
    char time[TIME_BYTES];
    format_time(event->wall_ns, time);
    enum ferry_error error = buf_printf(line, "%s %s ", time, levels[event->level].name);
    return error == FERRY_OK ? append_words(line, event) : error;
}

static json_t *json_value(const struct log_field *field)
{
    char text[VALUE_BYTES];
    size_t len = format_value(field, text);
    switch (field->type) {
    case LOG_FIELD_STR:
    case LOG_FIELD_VISIBLE:
        break;
    case LOG_FIELD_U64:
        if (field->number <= INT64_MAX)
            return json_integer((json_int_t)field->number);
        break; /* jansson has no such integer: its digits as a string */
    case LOG_FIELD_DURATION:
        return json_real((double)(field->number / CLOCK_NS_PER_MS) / 1000);
    }
    return json_stringn(text, len);
}

static int append_chunk(const char *text, size_t len, void *line)
{
    return buf_append(line, bytes_of(text, len)) == FERRY_OK ? 0 : -1;
}

static enum ferry_error append_json(struct buf *line, const struct log_event *event)
{
    char time[TIME_BYTES];
    format_time(event->wall_ns, time);
    json_t *object = json_pack("{s:s, s:s, s:s}", "time", time, "level", levels[event->level].name,
                               "event", event->name);
    bool whole = object != NULL;
    for (size_t i = 0; i < event->count && whole; i++) {
        const struct log_field *field = &event->fields[i];
        whole = json_object_set_new(object, field->name, json_value(field)) == 0;
    }
    /* 15 digits: what a double always holds, so that 0.1 is not 0.10000000000000001. */
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);
    whole = whole && json_dump_callback(object, append_chunk, line, flags) == 0;
    json_decref(object);
    return whole ? FERRY_OK : FERRY_E_MEMORY;
}

/* The journal's name for a field: FERRY_ and the name in capitals. */
static enum ferry_error append_journal_field(struct buf *line, const struct log_field *field)
{
    char text[VALUE_BYTES];
    size_t len = format_value(field, text);
    enum ferry_error error = buf_append(line, BYTES_LIT("FERRY_"));
    for (const char *at = field->name; *at && error == FERRY_OK; at++)
        error = buf_append(line, bytes_of((char[]){*at == '-' ? '_' : text_upper(*at)}, 1));
    if (error == FERRY_OK)
        error = buf_printf(line, "=%.*s\n", BYTES_FMT(bytes_of(text, len)));
    return error;
}

/* Values hold no line ends, so that none needs the protocol's form with a length. */
static enum ferry_error append_journal(struct buf *line, const struct log_event *event)
{
    enum ferry_error error = buf_append(line, BYTES_LIT("MESSAGE="));
    if (error == FERRY_OK)
        error = append_words(line, event);
    if (error == FERRY_OK)
        error = buf_printf(line, "\nPRIORITY=%d\nSYSLOG_IDENTIFIER=ferryd\nFERRY_EVENT=%s\n",
                           levels[event->level].priority, event->name);
    for (size_t i = 0; i < event->count && error == FERRY_OK; i++)
        error = append_journal_field(line, &event->fields[i]);
    return error;
}

enum ferry_error log_format(enum log_form form, const struct log_event *event, struct buf *line)
{
    switch (form) {
    case LOG_FORM_TEXT:
        return append_text(line, event);
    case LOG_FORM_JSON:
        return append_json(line, event);
    case LOG_FORM_JOURNAL:
        return append_journal(line, event);
    }
    return FERRY_E_ARGUMENT;
}

void log_format_name(enum log_form form, const char *name, char line[static LOG_NAME_LINE_BYTES])
{
    static const struct {
        const char *before, *after;
    } forms[] = {
        [LOG_FORM_TEXT] = {"", ""},
        [LOG_FORM_JSON] = {"{\"event\":\"", "\"}"},
        [LOG_FORM_JOURNAL] = {"MESSAGE=", "\nSYSLOG_IDENTIFIER=ferryd\n"},
    };
    snprintf(line, LOG_NAME_LINE_BYTES, "%s%s%s", forms[form].before, name, forms[form].after);
}
