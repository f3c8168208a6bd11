/* The charsets that names of an account may come in. */
#include "ferryd/worker/charsets.h"

#include "base/alloc.h"
#include "base/text.h"

/* What old clients and servers have used for names. */
static const char *const names[] = {
    "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-15", "windows-1250", "windows-1251", "windows-1252",
    "windows-1253", "windows-1254", "KOI8-R",      "CP437",        "CP850",        "CP866",
    "CP932",        "EUC-JP",       "GBK",         "GB18030",      "BIG5",         "EUC-KR",
};

struct charsets {
    struct charset *made[ARRAY_LEN(names)]; /* NULL: the system has none */
};

enum ferry_error charsets_new(struct charsets **out)
{
    struct charsets *charsets = alloc_zero(sizeof(*charsets));
    enum ferry_error error = charsets ? FERRY_OK : FERRY_E_MEMORY;
    for (size_t i = 0; i < ARRAY_LEN(names) && error != FERRY_E_MEMORY; i++)
        error = charset_new(names[i], &charsets->made[i], NULL);
    if (error == FERRY_E_MEMORY) {
        charsets_free(charsets);
        return error;
    }
    *out = charsets;
    return FERRY_OK;
}

void charsets_free(struct charsets *charsets)
{
    for (size_t i = 0; charsets && i < ARRAY_LEN(names); i++)
        charset_free(charsets->made[i]);
    alloc_free(charsets);
}

struct charset *charsets_find(const struct charsets *charsets, struct bytes name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_same(bytes_str(names[i]), name))
            return charsets->made[i];
    return NULL;
}

struct charset *charsets_of_account(const struct charsets *charsets, struct bytes name,
                                    const struct log *log)
{
    struct charset *found = name.len > 0 ? charsets_find(charsets, name) : NULL;
    if (name.len > 0 && !found)
        log_event(log, LOG_LEVEL_ERROR, "charset.unknown", F_BYTES("charset", name),
                  F_STR("reason", "the account's charset is not known here"),
                  F_STR("side", "server"),
                  F_STR("advice", "correct the account's charset; until then its names are bytes"));
    return found;
}
