/* The words that a running server is asked by. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ferryctl/command.h"
#include "ferryctl/server.h"
#include "ferryctl/show.h"
#include "ferryctl/tell.h"

const char operate_help[] =
    "Usage: ferryctl status | sessions | accounts\n"
    "       ferryctl kick SESSION|ACCOUNT|ADDRESS\n"
    "       ferryctl reload\n"
    "       ferryctl drain [--grace SECONDS]\n"
    "       ferryctl bans [add ADDRESS [--time SECONDS] | remove ADDRESS]\n"
    "       ferryctl log [-f] [--failures] [-n COUNT]\n"
    "\n"
    "  --json           for programs: the result as JSON, of log one event a line\n"
    "  --control PATH   the server's socket, if it is neither /run/ferryd/control nor\n"
    "                   ferryd.control in this folder\n"
    "  --grace SECONDS  how long transfers may go on, if not drain_grace\n"
    "  --time SECONDS   how long a ban lasts, if not an hour\n"
    "  -f, --follow     goes on with what happens from now on\n"
    "  --failures       only what failed\n"
    "  -n COUNT         how many events of before, if not 50\n";

enum { DEFAULT_BAN_S = 3600 };

struct options {
    bool json, follow, failures, has_grace, has_count;
    const char *control;
    uint64_t grace_s, time_s, count;
    char **rest; /* what is behind the word */
    int rest_count;
};

/* ---- requests ---- */

static json_t *plain(const char *word)
{
    return json_pack("{s:i, s:s}", "v", 1, "word", word);
}

static json_t *drain_request(const struct options *options)
{
    json_t *request = plain("drain");
    if (options->has_grace)
        (void)json_object_set_new(request, "grace", json_integer((json_int_t)options->grace_s));
    return request;
}

static json_t *log_request(const struct options *options)
{
    json_t *request = plain("log");
    (void)json_object_set_new(request, "follow", json_boolean(options->follow));
    (void)json_object_set_new(request, "failures", json_boolean(options->failures));
    if (options->has_count)
        (void)json_object_set_new(request, "count", json_integer((json_int_t)options->count));
    return request;
}

static json_t *kick_request(const struct options *options)
{
    return json_pack("{s:i, s:s, s:s}", "v", 1, "word", "kick", "target", options->rest[0]);
}

static json_t *ban_request(const struct options *options)
{
    const char *address = options->rest[1];
    if (strcmp(options->rest[0], "remove") == 0)
        return json_pack("{s:i, s:s, s:s}", "v", 1, "word", "unban", "target", address);
    return json_pack("{s:i, s:s, s:s, s:I}", "v", 1, "word", "ban", "target", address, "seconds",
                     (json_int_t)options->time_s);
}

/* ---- replies ---- */

/* What the server did not do, and why. */
static int say_refused(const json_t *reply, bool json)
{
    const char *error = json_string_value(json_object_get(reply, "error"));
    const char *advice = json_string_value(json_object_get(reply, "advice"));
    const char *mistakes = json_string_value(json_object_get(reply, "mistakes"));
    if (json)
        (void)show_print_json(json_incref((json_t *)(uintptr_t)reply));
    if (mistakes)
        fputs(mistakes, stderr);
    fprintf(stderr, "ferryctl: %s\n", error ? error : "the server gave no reason");
    if (advice && advice[0])
        fprintf(stderr, "ferryctl: %s\n", advice);
    return EXIT_FAILED;
}

/* Asks, and prints the result as it is wished. */
static int run_request(const struct options *options, json_t *request,
                       void (*tell)(const json_t *result))
{
    CLEANUP(server_close) struct server server = {0};
    struct fault fault = {0};
    json_t *reply = NULL;
    enum ferry_error error = server_open(options->control, &server, &fault);
    if (error == FERRY_OK)
        error = server_ask(&server, request, &reply, &fault);
    else
        json_decref(request);
    if (error != FERRY_OK)
        return say_fault(&fault);
    int status = EXIT_DONE;
    if (!json_is_true(json_object_get(reply, "ok")))
        status = say_refused(reply, options->json);
    else if (options->json)
        status = show_print_json(json_incref(json_object_get(reply, "result")));
    else
        tell(json_object_get(reply, "result"));
    json_decref(reply);
    return status;
}

/* ---- the log ---- */

static void print_event(const json_t *event, bool json)
{
    if (!json) {
        tell_event(event);
    } else if (json_dumpf(event, stdout, JSON_COMPACT) == 0) {
        putchar('\n');
    }
    fflush(stdout);
}

static void follow(struct server *server, const struct options *options, struct fault *fault)
{
    json_t *line = NULL;
    while (!ferror(stdout) && server_next(server, &line, fault) == FERRY_OK) {
        print_event(json_object_get(line, "event"), options->json);
        json_decref(line);
    }
}

/* Whether it was told of. */
static bool show_log(const struct options *options, int *status, struct fault *fault)
{
    CLEANUP(server_close) struct server server = {0};
    json_t *reply = NULL;
    size_t i;
    json_t *event;
    if (server_open(options->control, &server, fault) != FERRY_OK ||
        server_ask(&server, log_request(options), &reply, fault) != FERRY_OK)
        return false;
    bool done = json_is_true(json_object_get(reply, "ok"));
    *status = done ? EXIT_DONE : say_refused(reply, options->json);
    json_array_foreach(json_object_get(reply, "result"), i, event)
        print_event(event, options->json);
    json_decref(reply);
    if (done && options->follow)
        follow(&server, options, fault);
    return done;
}

/* ops may be replaced while its log is followed; the server goes on. */
static int run_log(struct options *options)
{
    int status = EXIT_FAILED;
    struct fault fault = {0};
    bool told = show_log(options, &status, &fault);
    for (int tries = 0; told && options->follow && !ferror(stdout) && tries < 20; tries++) {
        struct fault again = {0};
        usleep(250 * 1000);
        options->has_count = true;
        options->count = 0;
        if (show_log(options, &status, &again))
            tries = 0;
    }
    return fault_is_set(&fault) && !ferror(stdout) ? say_fault(&fault) : status;
}

/* ---- the command line ---- */

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "ferryctl: %s%s\n", why, what);
    fputs(operate_help, stderr);
    return EXIT_USAGE;
}

static int run_bans(const struct options *options)
{
    const char *deed = options->rest_count > 0 ? options->rest[0] : "";
    if (options->rest_count == 0)
        return run_request(options, plain("bans"), tell_bans);
    if (options->rest_count != 2 || (strcmp(deed, "add") != 0 && strcmp(deed, "remove") != 0))
        return usage("it is bans, bans add ADDRESS or bans remove ADDRESS", "");
    return run_request(options, ban_request(options), tell_banned);
}

static int run_word(const char *word, struct options *options)
{
    static const struct {
        const char *word;
        void (*tell)(const json_t *result);
    } tellers[] = {
        {"status", tell_status},
        {"sessions", tell_sessions},
        {"accounts", tell_accounts},
        {"reload", tell_reloaded},
    };
    if (strcmp(word, "bans") == 0)
        return run_bans(options);
    bool kick = strcmp(word, "kick") == 0;
    if (options->rest_count != kick)
        return usage(kick ? "whom? kick SESSION, ACCOUNT or ADDRESS" : "too much behind ",
                     kick ? "" : word);
    if (kick)
        return run_request(options, kick_request(options), tell_kicked);
    if (strcmp(word, "drain") == 0)
        return run_request(options, drain_request(options), tell_draining);
    if (strcmp(word, "log") == 0)
        return run_log(options);
    for (size_t i = 0; i < ARRAY_LEN(tellers); i++)
        if (strcmp(word, tellers[i].word) == 0)
            return run_request(options, plain(word), tellers[i].tell);
    return usage("there is no word ", word);
}

static bool take_number(const char *text, uint64_t *out)
{
    return text_u64(bytes_str(text), 366 * 24 * 3600, out);
}

/* EXIT_DONE: go on. */
static int take_options(int argc, char **argv, struct options *out)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},        {"control", required_argument, NULL, 'c'},
        {"grace", required_argument, NULL, 'g'}, {"time", required_argument, NULL, 't'},
        {"follow", no_argument, NULL, 'f'},      {"failures", no_argument, NULL, 'F'},
        {"count", required_argument, NULL, 'n'}, {0}};
    bool good = true;
    int option;
    while ((option = getopt_long(argc, argv, "fn:", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            out->json = true;
            break;
        case 'c':
            out->control = optarg;
            break;
        case 'g':
            out->has_grace = true;
            good &= take_number(optarg, &out->grace_s);
            break;
        case 't':
            good &= take_number(optarg, &out->time_s);
            break;
        case 'f':
            out->follow = true;
            break;
        case 'F':
            out->failures = true;
            break;
        case 'n':
            out->has_count = true;
            good &= take_number(optarg, &out->count);
            break;
        default:
            return EXIT_USAGE;
        }
    }
    return good ? EXIT_DONE : usage("that is no number that can be meant", "");
}

int operate_run(int argc, char **argv)
{
    struct options options = {.time_s = DEFAULT_BAN_S};
    int status = take_options(argc, argv, &options);
    options.rest = argv + optind;
    options.rest_count = argc - optind;
    return status == EXIT_DONE ? run_word(argv[0], &options) : status;
}
