/* What ferryctl asks. */
#include "ferryd/ops/control_request.h"

#include <string.h>

#include <jansson.h>

enum argument {
    ARGUMENT_TARGET = 1 << 0,
    ARGUMENT_GRACE = 1 << 1,
    ARGUMENT_SECONDS = 1 << 2,
    ARGUMENT_FOLLOW = 1 << 3,
    ARGUMENT_FAILURES = 1 << 4,
    ARGUMENT_COUNT = 1 << 5,
};

enum { DAY_S = 24 * 60 * 60, COUNT_MAX = 100000 };

static const struct {
    const char *word;
    unsigned needs, takes;
} words[CONTROL_WORDS] = {
    [CONTROL_STATUS] = {"status", 0, 0},
    [CONTROL_SESSIONS] = {"sessions", 0, 0},
    [CONTROL_KICK] = {"kick", ARGUMENT_TARGET, 0},
    [CONTROL_RELOAD] = {"reload", 0, 0},
    [CONTROL_DRAIN] = {"drain", 0, ARGUMENT_GRACE},
    [CONTROL_ACCOUNTS] = {"accounts", 0, 0},
    [CONTROL_LOG] = {"log", 0, ARGUMENT_FOLLOW | ARGUMENT_FAILURES | ARGUMENT_COUNT},
    [CONTROL_BANS] = {"bans", 0, 0},
    [CONTROL_BAN] = {"ban", ARGUMENT_TARGET | ARGUMENT_SECONDS, 0},
    [CONTROL_UNBAN] = {"unban", ARGUMENT_TARGET, 0},
};

static bool take_target(const json_t *value, struct control_request *out)
{
    const char *text = json_string_value(value);
    size_t len = text ? json_string_length(value) : 0;
    if (len == 0 || len >= sizeof(out->target) || strlen(text) != len)
        return false;
    memcpy(out->target, text, len + 1);
    return true;
}

static bool take_number(const json_t *value, uint64_t min, uint64_t max, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return *out >= min && *out <= max;
}

static bool take_flag(const json_t *value, bool *out)
{
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static bool take(enum argument argument, const json_t *value, struct control_request *out)
{
    switch (argument) {
    case ARGUMENT_TARGET:
        return take_target(value, out);
    case ARGUMENT_GRACE:
        out->has_grace = true;
        return take_number(value, 0, DAY_S, &out->grace_s);
    case ARGUMENT_SECONDS:
        return take_number(value, 1, 366 * DAY_S, &out->seconds);
    case ARGUMENT_FOLLOW:
        return take_flag(value, &out->follow);
    case ARGUMENT_FAILURES:
        return take_flag(value, &out->failures);
    case ARGUMENT_COUNT:
        return take_number(value, 0, COUNT_MAX, &out->count);
    }
    return false;
}

static const struct {
    const char *name;
    enum argument argument;
} arguments[] = {
    {"target", ARGUMENT_TARGET}, {"grace", ARGUMENT_GRACE},       {"seconds", ARGUMENT_SECONDS},
    {"follow", ARGUMENT_FOLLOW}, {"failures", ARGUMENT_FAILURES}, {"count", ARGUMENT_COUNT},
};

/* One member of the object; `*seen` learns which. */
static enum ferry_error take_member(const char *name, const json_t *value, unsigned *seen,
                                    struct control_request *out, struct fault *fault)
{
    if (strcmp(name, "v") == 0 || strcmp(name, "word") == 0)
        return FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        if (strcmp(name, arguments[i].name) != 0)
            continue;
        *seen |= (unsigned)arguments[i].argument;
        return take(arguments[i].argument, value, out)
                   ? FERRY_OK
                   : fault_set(fault, FERRY_E_ARGUMENT, "%s is not what it can be", name);
    }
    return fault_set(fault, FERRY_E_ARGUMENT, "there is no argument %s", name);
}

static enum ferry_error take_word(const json_t *request, struct control_request *out,
                                  struct fault *fault)
{
    const char *word = json_string_value(json_object_get(request, "word"));
    if (json_integer_value(json_object_get(request, "v")) != CONTROL_VERSION)
        return fault_set(fault, FERRY_E_PROTOCOL, "the server speaks version %d of this",
                         CONTROL_VERSION);
    for (int i = 0; word && i < CONTROL_WORDS; i++) {
        out->word = (enum control_word)i;
        if (strcmp(word, words[i].word) == 0)
            return FERRY_OK;
    }
    return fault_set(fault, FERRY_E_ARGUMENT, "the server knows no word %s", word ? word : "");
}

static enum ferry_error take_all(json_t *request, struct control_request *out, struct fault *fault)
{
    const char *name;
    json_t *value;
    unsigned seen = 0;
    enum ferry_error error = take_word(request, out, fault);
    if (error != FERRY_OK)
        return error;
    json_object_foreach(request, name, value)
    {
        error = take_member(name, value, &seen, out, fault);
        if (error != FERRY_OK)
            return error;
    }
    unsigned needs = words[out->word].needs;
    if ((seen & needs) != needs || (seen & ~(needs | words[out->word].takes)))
        return fault_set(fault, FERRY_E_ARGUMENT, "these are not the arguments of %s",
                         words[out->word].word);
    return FERRY_OK;
}

enum ferry_error control_request_parse(struct bytes line, struct control_request *out,
                                       struct fault *fault)
{
    *out = (struct control_request){.count = 50};
    if (line.len > CONTROL_LINE_BYTES)
        return fault_set(fault, FERRY_E_PROTOCOL, "the request is too long");
    json_t *request = json_loadb(line.ptr ? line.ptr : "", line.len, JSON_REJECT_DUPLICATES, NULL);
    enum ferry_error error = json_is_object(request)
                                 ? take_all(request, out, fault)
                                 : fault_set(fault, FERRY_E_PROTOCOL, "it is no JSON object");
    json_decref(request);
    return error;
}
