/* Entries and transfers on standard output. */
#include "ferry/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/utf8.h"

enum { TIME_BYTES = 40, MODE_BYTES = 11 };

static const char *type_name(enum ferry_entry_type type)
{
    switch (type) {
    case FERRY_ENTRY_FILE:
        return "file";
    case FERRY_ENTRY_DIRECTORY:
        return "directory";
    case FERRY_ENTRY_LINK:
        return "link";
    case FERRY_ENTRY_OTHER:
        break;
    }
    return "other";
}

/* As ISO 8601, no finer than it is known; with Z if it is UTC. "" if it is not known at all. */
static void time_text(const struct ferry_entry *entry, char separator, char out[static TIME_BYTES])
{
    static const size_t lengths[] = {
        [FERRY_TIME_UNKNOWN] = 0,
        [FERRY_TIME_DAY] = sizeof("2026-03-15") - 1,
        [FERRY_TIME_MINUTE] = sizeof("2026-03-15T12:00") - 1,
        [FERRY_TIME_SECOND] = sizeof("2026-03-15T12:00:00") - 1,
        [FERRY_TIME_FRACTION] = sizeof("2026-03-15T12:00:00") - 1,
    };
    out[0] = '\0';
    time_t seconds = (time_t)entry->modified_s;
    struct tm parts;
    size_t precision = (size_t)entry->time_precision;
    if (precision == FERRY_TIME_UNKNOWN || precision >= ARRAY_LEN(lengths) ||
        !gmtime_r(&seconds, &parts) ||
        strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts) < lengths[precision])
        return;
    size_t len = lengths[precision];
    out[len] = '\0';
    char *middle = strchr(out, 'T');
    if (middle)
        *middle = separator;
    if (precision == FERRY_TIME_FRACTION)
        len += (size_t)snprintf(out + len, TIME_BYTES - len, ".%03" PRIu32,
                                entry->modified_ns / 1000000);
    if (entry->time_is_utc && precision > FERRY_TIME_DAY)
        snprintf(out + len, TIME_BYTES - len, "Z");
}

/* "drwxr-xr-x", with '?' for what the server does not tell. */
static void mode_text(const struct ferry_entry *entry, char out[static MODE_BYTES])
{
    static const char letters[] = "rwxrwxrwx";
    static const char types[] = {
        [FERRY_ENTRY_OTHER] = '?',
        [FERRY_ENTRY_FILE] = '-',
        [FERRY_ENTRY_DIRECTORY] = 'd',
        [FERRY_ENTRY_LINK] = 'l',
    };
    out[0] = types[entry->type];
    for (int i = 0; i < 9; i++) {
        bool set = entry->mode >= 0 && (entry->mode >> (8 - i)) & 1;
        out[i + 1] = entry->mode < 0 ? '?' : set ? letters[i] : '-';
    }
    out[10] = '\0';
}

static void size_text(const struct ferry_entry *entry, char *out, size_t size)
{
    if (entry->size_bytes == FERRY_SIZE_UNKNOWN)
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%" PRId64, entry->size_bytes);
}

/* ---- text ---- */

static bool is_raw(const struct settings *settings)
{
    return settings->raw && !isatty(STDOUT_FILENO);
}

static bool put_name(const struct settings *settings, const char *name)
{
    if (is_raw(settings)) {
        fputs(name, stdout);
        return true;
    }
    CLEANUP(alloc_free_str) char *visible = text_visible_dup(bytes_str(name));
    if (visible)
        fputs(visible, stdout);
    return visible != NULL;
}

static bool put_entry(const struct settings *settings, const struct ferry_entry *entry)
{
    if (settings->long_form) {
        char mode[MODE_BYTES];
        char size[24];
        char time[TIME_BYTES];
        mode_text(entry, mode);
        size_text(entry, size, sizeof(size));
        time_text(entry, ' ', time);
        printf("%s %12s  %-20s  ", mode, size, time);
    }
    bool shown = put_name(settings, entry->name);
    if (settings->long_form && entry->link_target[0]) {
        fputs(" -> ", stdout);
        shown = put_name(settings, entry->link_target) && shown;
    }
    putchar('\n');
    return shown;
}

static bool put_stat(const struct settings *settings, const struct ferry_entry *entry)
{
    char mode[MODE_BYTES];
    char size[24];
    char time[TIME_BYTES];
    mode_text(entry, mode);
    size_text(entry, size, sizeof(size));
    time_text(entry, ' ', time);
    fputs("name      ", stdout);
    bool shown = put_name(settings, entry->name);
    printf("\ntype      %s\nsize      %s\nmodified  %s\nmode      %s\n", type_name(entry->type),
           size, time[0] ? time : "-", mode);
    return shown;
}

/* ---- JSON ---- */

/* A string of bytes that need not be UTF-8: what is not becomes \xNN, and `exact` is then false. */
static json_t *string_of(const char *text, bool *exact)
{
    struct bytes bytes = bytes_str(text);
    *exact = utf8_valid(bytes);
    if (*exact)
        return json_stringn(bytes.ptr, bytes.len);
    CLEANUP(alloc_free_str) char *visible = text_visible_dup(bytes);
    return visible ? json_string(visible) : NULL;
}

/* Sets `key`; where the text is not UTF-8 also `key`_percent, which gives the bytes back. */
static bool set_text(json_t *object, const char *key, const char *text)
{
    bool exact = false;
    if (json_object_set_new(object, key, string_of(text, &exact)) < 0)
        return false;
    if (exact)
        return true;
    char percent_key[32];
    snprintf(percent_key, sizeof(percent_key), "%s_percent", key);
    struct bytes bytes = bytes_str(text);
    CLEANUP(buf_fini) struct buf encoded;
    buf_init(&encoded, 3 * bytes.len + 1);
    if (text_percent_encode(&encoded, bytes, "/") != FERRY_OK)
        return false;
    struct bytes view = buf_view(&encoded);
    return json_object_set_new(object, percent_key, json_stringn(view.ptr, view.len)) == 0;
}

/* Prints `object` and lets go of it, if `made` says that it is complete. */
static bool put_json(json_t *object, bool made)
{
    made = made && json_dumpf(object, stdout, JSON_COMPACT) == 0;
    if (made)
        putchar('\n');
    json_decref(object);
    return made;
}

static bool put_entry_json(const struct ferry_entry *entry)
{
    char time[TIME_BYTES];
    char mode[8];
    time_text(entry, 'T', time);
    snprintf(mode, sizeof(mode), "%04o", (unsigned)entry->mode & 07777U);
    json_t *object = json_object();
    bool made = object && set_text(object, "name", entry->name) &&
                json_object_set_new(object, "type", json_string(type_name(entry->type))) == 0;
    if (made && entry->size_bytes != FERRY_SIZE_UNKNOWN)
        made = json_object_set_new(object, "size", json_integer(entry->size_bytes)) == 0;
    if (made && time[0])
        made = json_object_set_new(object, "modified", json_string(time)) == 0;
    if (made && entry->mode != FERRY_MODE_UNKNOWN)
        made = json_object_set_new(object, "mode", json_string(mode)) == 0;
    if (made && entry->owner[0])
        made = set_text(object, "owner", entry->owner);
    if (made && entry->group[0])
        made = set_text(object, "group", entry->group);
    if (made && entry->link_target[0])
        made = set_text(object, "target", entry->link_target);
    return put_json(object, made);
}

static bool set_failure(json_t *object, const struct ferry_failure *failure)
{
    return json_object_set_new(object, "error", json_string(ferry_error_name(failure->kind))) ==
               0 &&
           json_object_set_new(object, "what", json_string(failure->what)) == 0 &&
           json_object_set_new(object, "reply", json_integer(failure->reply)) == 0 &&
           json_object_set_new(object, "peer_said", json_string(failure->peer_said)) == 0 &&
           json_object_set_new(object, "advice", json_string(failure->advice)) == 0;
}

bool show_transfer(const struct settings *settings, const char *event, const char *remote,
                   const char *local, int64_t bytes, const struct ferry_failure *failure)
{
    if (!settings->json)
        return true;
    json_t *object = json_object();
    bool made = object && json_object_set_new(object, "event", json_string(event)) == 0 &&
                set_text(object, "remote", remote) && set_text(object, "local", local);
    if (made && bytes >= 0)
        made = json_object_set_new(object, "bytes", json_integer(bytes)) == 0;
    if (made && failure)
        made = set_failure(object, failure);
    return put_json(object, made);
}

/* ---- both ---- */

bool show_entry(const struct settings *settings, const struct ferry_entry *entry)
{
    return settings->json ? put_entry_json(entry) : put_entry(settings, entry);
}

bool show_stat(const struct settings *settings, const struct ferry_entry *entry)
{
    return settings->json ? put_entry_json(entry) : put_stat(settings, entry);
}
