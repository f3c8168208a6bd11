/* The directives of hook and check blocks. */
#include "ferryd/settings_hooks.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "store/match.h"

#define SECONDS(n) ((n)*CLOCK_NS_PER_S)
#define HOURS(n) SECONDS(UINT64_C(3600) * (n))
#define HOOK(field) CONF_AT(settings_hook, field)
#define CHECK(field) CONF_AT(settings_check, field)

const struct conf_word settings_words_lenience[] = {
    {"refuse", HOOK_REFUSE}, {"allow", HOOK_GO_ON}, {NULL, 0}};

#define KIND(word, kind)                                                                           \
    {                                                                                              \
        word, 1 << (kind)                                                                          \
    }

const struct conf_word settings_words_hook_events[] = {
    KIND("login", HOOK_LOGIN),   KIND("logout", HOOK_LOGOUT),
    KIND("upload", HOOK_UPLOAD), KIND("download", HOOK_DOWNLOAD),
    KIND("delete", HOOK_DELETE), KIND("rename", HOOK_RENAME),
    KIND("mkdir", HOOK_MKDIR),   KIND("rmdir", HOOK_RMDIR),
    KIND("change", HOOK_CHANGE), {NULL, 0},
};

/* What hooks and checks have in common. */
#define TARGET_ROWS(AT, what)                                                                      \
    {.name = "accounts",                                                                           \
     .type = CONF_TEXTS,                                                                           \
     AT(to.accounts),                                                                              \
     .help = "Patterns of the accounts that it is for, with * and ?; all if there are none."},     \
        {.name = "exec", .type = CONF_TEXTS, AT(to.exec), .help = what},                           \
        {.name = "header",                                                                         \
         .type = CONF_TEXTS,                                                                       \
         AT(to.headers),                                                                           \
         .secret = true,                                                                           \
         .help = "Headers for the requests to url, each \"Name: value\"."},                        \
        {.name = "secret",                                                                         \
         .type = CONF_TEXT,                                                                        \
         AT(to.secret),                                                                            \
         .secret = true,                                                                           \
         .help =                                                                                   \
             "Key of the signature of the requests to url: Ferry-Signature is \"sha256=\" and "    \
             "the HMAC-SHA256 of the body, hexadecimal; of a check, of the header "                \
             "Ferry-Event."},                                                                      \
        {.name = "ca",                                                                             \
         .type = CONF_PATH,                                                                        \
         AT(to.ca),                                                                                \
         .help = "PEM file of those who may sign the certificate of url; those that the system "   \
                 "trusts if it is not set."},                                                      \
    {                                                                                              \
        .name = "jobs", .type = CONF_UNSIGNED, AT(to.jobs), .min = 1, .max = 64, .fallback = "4",  \
        .help = "How many may run at once."                                                        \
    }

const struct conf_directive settings_hook_rows[SETTINGS_HOOK_ROWS] = {
    {.name = "events",
     .type = CONF_WORDS,
     HOOK(events),
     .words = settings_words_hook_events,
     .required = true,
     .help = "What is told."},
    TARGET_ROWS(HOOK, "Program that is told, with its arguments, as a list: it gets the event as "
                      "JSON on its standard input, and in variables of its environment that begin "
                      "with FERRY_. It runs without a shell. Status 0: it has taken the event."),
    {.name = "url",
     .type = CONF_TEXT,
     HOOK(to.url),
     .help =
         "Where the event is told by a POST of JSON over HTTP, instead of to a program. A reply "
         "of 200 to 299: it was taken. Redirects are not followed."},
    {.name = "timeout",
     .type = CONF_DURATION,
     HOOK(timeout_ns),
     .min = SECONDS(1),
     .max = HOURS(1),
     .fallback = "30s",
     .help = "After how long it is ended and has failed."},
    {.name = "retry",
     .type = CONF_DURATION,
     HOOK(retry_first_ns),
     .min = CLOCK_NS_PER_MS * 10,
     .max = HOURS(1),
     .fallback = "5s",
     .help = "How long after a failure the event is told again; twice as long after each further "
             "one."},
    {.name = "retry_max",
     .type = CONF_DURATION,
     HOOK(retry_most_ns),
     .min = CLOCK_NS_PER_MS * 10,
     .max = HOURS(24),
     .fallback = "15min",
     .help = "The longest wait between two tries."},
    {.name = "give_up",
     .type = CONF_DURATION,
     HOOK(give_up_ns),
     .min = SECONDS(1),
     .max = HOURS(24 * 365),
     .fallback = "7d",
     .help =
         "After how long an event that could not be told is put aside, which is logged. It stays "
         "in the outbox as dead."},
};

const struct conf_directive settings_check_rows[SETTINGS_CHECK_ROWS] = {
    TARGET_ROWS(CHECK,
                "Program that is asked, with its arguments, as a list: the upload is its "
                "standard input, and its descriptor 3. It runs without a shell. Status 0: "
                "the upload is taken; 1: refused (550), with the first line that the program "
                "writes; else it has failed."),
    {.name = "url",
     .type = CONF_TEXT,
     CHECK(to.url),
     .help =
         "Where the upload is sent by a POST over HTTP, instead of to a program. A reply of 200 "
         "to 299: it is taken; 403, 406 or 422: refused, with the first line of the reply; else "
         "it has failed."},
    {.name = "max_wait",
     .type = CONF_DURATION,
     CHECK(max_wait_ns),
     .min = SECONDS(1),
     .max = HOURS(24),
     .fallback = "2min",
     .help = "After how long it is ended and has failed."},
    {.name = "on_failure",
     .type = CONF_WORD,
     CHECK(on_failure),
     .words = settings_words_lenience,
     .fallback = "refuse",
     .help = "What becomes of an upload that cannot be checked: it is refused (451), or taken."},
};

const char *settings_hook_kind_name(enum hook_kind kind)
{
    for (size_t i = 0; settings_words_hook_events[i].word; i++)
        if (settings_words_hook_events[i].value == 1 << kind)
            return settings_words_hook_events[i].word;
    return "";
}

bool settings_target_matches(const struct settings_target *target, struct bytes account)
{
    for (size_t i = 0; i < target->accounts.count; i++)
        if (match_name(bytes_str(target->accounts.list[i]), account))
            return true;
    return target->accounts.count == 0;
}

bool settings_has_hooks(const struct conf *conf)
{
    return conf_next(conf, SETTINGS_HOOK, NULL) || conf_next(conf, SETTINGS_CHECK, NULL);
}
