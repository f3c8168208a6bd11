/* Where the log goes: the items of the directive `log`. */
#include "ferryd/destination.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool take_word(const char **text, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*text, word, len) != 0)
        return false;
    *text += len;
    return true;
}

enum ferry_error destination_parse(const char *text, enum log_form form, struct destination *out,
                                   struct fault *fault)
{
    const char *rest = text;
    bool own = true;
    *out = (struct destination){.form = form};
    if (take_word(&rest, "text:"))
        out->form = LOG_FORM_TEXT;
    else if (take_word(&rest, "json:"))
        out->form = LOG_FORM_JSON;
    else
        own = false;
    if (strcmp(rest, "stderr") == 0) {
        out->kind = DESTINATION_STDERR;
        return FERRY_OK;
    }
    if (take_word(&rest, "file:")) {
        out->kind = DESTINATION_FILE;
        out->path = rest;
        return rest[0] == '/'
                   ? FERRY_OK
                   : fault_set(fault, FERRY_E_ARGUMENT, "\"%s\": a path is to begin with /", text);
    }
    if (!own && take_word(&rest, "journald") &&
        (rest[0] == '\0' || (rest[0] == ':' && rest[1] == '/'))) {
        out->kind = DESTINATION_JOURNAL;
        out->form = LOG_FORM_JOURNAL;
        out->path = rest[0] ? rest + 1 : DESTINATION_JOURNAL_SOCKET;
        return FERRY_OK;
    }
    return fault_set(fault, FERRY_E_ARGUMENT,
                     "\"%s\" is none of stderr, file:/PATH and journald, the first two with text: "
                     "or json: before it where that is wanted",
                     text);
}
