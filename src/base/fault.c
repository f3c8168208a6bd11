/* Why something failed. */
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void fault_clear(struct fault *fault)
{
    *fault = (struct fault){0};
}

/* Writes the formatted words, made visible, into `text` of `size_bytes`; returns their length. */
static size_t say(char *text, size_t size_bytes, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

static size_t say(char *text, size_t size_bytes, const char *format, va_list args)
{
    char raw[FAULT_TEXT_BYTES];
    if (vsnprintf(raw, sizeof(raw), format, args) < 0)
        return 0;
    return text_visible_into(text, size_bytes, bytes_str(raw));
}

static void record(struct fault *fault, enum ferry_error kind, int os_error, const char *format,
                   va_list args) PRINTF_LIKE(4, 0);

static void record(struct fault *fault, enum ferry_error kind, int os_error, const char *format,
                   va_list args)
{
    if (!fault || fault_is_set(fault))
        return;
    fault_clear(fault);
    fault->kind = kind;
    fault->os_error = os_error;

    char reason[80] = "";
    if (os_error != 0) {
        char text[64];
        snprintf(reason, sizeof(reason), ": %s", strerror_r(os_error, text, sizeof(text)));
    }
    /* A long name is cut rather than the reason behind it. */
    size_t used = say(fault->what, sizeof(fault->what) - strlen(reason), format, args);
    memcpy(fault->what + used, reason, strlen(reason) + 1);
}

enum ferry_error fault_set(struct fault *fault, enum ferry_error kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(fault, kind, 0, format, args);
    va_end(args);
    return kind;
}

enum ferry_error fault_errno(struct fault *fault, enum ferry_error kind, const char *format, ...)
{
    int os_error = errno;
    if (kind == FERRY_E_FILE)
        kind = fault_kind_of_errno(os_error);
    va_list args;
    va_start(args, format);
    record(fault, kind, os_error, format, args);
    va_end(args);
    return kind;
}

void fault_peer(struct fault *fault, int reply, struct bytes said)
{
    if (!fault)
        return;
    if (fault->reply == 0)
        fault->reply = reply;
    if (fault->peer_said[0] == '\0')
        text_visible_into(fault->peer_said, sizeof(fault->peer_said), said);
}

void fault_advise(struct fault *fault, const char *format, ...)
{
    if (!fault || fault->advice[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    say(fault->advice, sizeof(fault->advice), format, args);
    va_end(args);
}

const char *fault_kind_name(enum ferry_error kind)
{
    static const char *const names[] = {
        [-FERRY_OK] = "ok",
        [-FERRY_E_MEMORY] = "memory",
        [-FERRY_E_ARGUMENT] = "argument",
        [-FERRY_E_LIMIT] = "limit",
        [-FERRY_E_STATE] = "state",
        [-FERRY_E_PROTOCOL] = "protocol",
        [-FERRY_E_INJECTION] = "injection",
        [-FERRY_E_CONNECT] = "connect",
        [-FERRY_E_TIMEOUT] = "timeout",
        [-FERRY_E_LOST] = "lost",
        [-FERRY_E_TLS] = "tls",
        [-FERRY_E_TRUST] = "trust",
        [-FERRY_E_AUTH] = "auth",
        [-FERRY_E_REFUSED] = "refused",
        [-FERRY_E_TEMPORARY] = "temporary",
        [-FERRY_E_NOT_FOUND] = "not-found",
        [-FERRY_E_EXISTS] = "exists",
        [-FERRY_E_DENIED] = "denied",
        [-FERRY_E_SPACE] = "space",
        [-FERRY_E_FILE] = "file",
        [-FERRY_E_CUT] = "cut",
        [-FERRY_E_DAMAGED] = "damaged",
        [-FERRY_E_UNSUPPORTED] = "unsupported",
        [-FERRY_E_CANCELLED] = "cancelled",
    };
    int index = -(int)kind;
    bool known = index >= 0 && index < (int)ARRAY_LEN(names);
    return known ? names[index] : "unknown";
}

enum ferry_error fault_kind_of_errno(int os_error)
{
    static const struct {
        int os_error;
        enum ferry_error kind;
    } kinds[] = {
        {ENOENT, FERRY_E_NOT_FOUND}, {ENOTDIR, FERRY_E_NOT_FOUND}, {EEXIST, FERRY_E_EXISTS},
        {EACCES, FERRY_E_DENIED},    {EPERM, FERRY_E_DENIED},      {EROFS, FERRY_E_DENIED},
        {ENOSPC, FERRY_E_SPACE},     {EDQUOT, FERRY_E_SPACE},      {EFBIG, FERRY_E_SPACE},
        {ENOMEM, FERRY_E_MEMORY},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].os_error == os_error)
            return kinds[i].kind;
    }
    return FERRY_E_FILE;
}
