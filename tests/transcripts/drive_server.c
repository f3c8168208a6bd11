/* Plays a transcript to the server-PI. */
#include <stdio.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/text.h"
#include "ftp/server_pi.h"
#include "transcripts/script.h"

enum { ACTION_BYTES = 1024 };

struct play {
    const struct script *script;
    struct script_outcome *outcome;
    struct server_pi *pi;
    uint64_t now_ns;
    size_t chunk;
    bool has_action; /* one came and was not yet expected */
    struct server_action action;
    struct charset *charset;
};

static bool differs(struct play *play, const struct script_line *at, const char *what,
                    struct bytes got)
{
    return script_differs(play->outcome, at, what, got);
}

static struct bytes rest_of(char *out, size_t used)
{
    return bytes_of(out + used, ACTION_BYTES - used);
}

/* Appends words, visible, to a text of ACTION_BYTES. */
static void add(char *out, const char *prefix, struct bytes words)
{
    size_t used = strlen(out);
    struct bytes room = rest_of(out, used);
    snprintf(out + used, room.len, "%s", prefix);
    used = strlen(out);
    text_visible_into(out + used, ACTION_BYTES - used, words);
}

static void add_number(char *out, const char *prefix, int64_t number)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%lld", (long long)number);
    add(out, prefix, bytes_str(digits));
}

static void add_address(char *out, const struct hostport *address)
{
    if (address->port == 0) {
        add_number(out, " family=", (int64_t)address->family);
        return;
    }
    add(out, " to=", (struct bytes){0});
    for (size_t i = 0; i < (address->family == ADDRESS_V6 ? 16 : 4); i++)
        add_number(out, i == 0 ? "" : ".", address->address[i]);
    add_number(out, " ", address->port);
}

static void describe_command(const struct server_action *action, char *out)
{
    const struct verb_row *row = verb_row(action->verb);
    bool has_address = action->address.family != ADDRESS_NONE;
    struct bytes what = action->path.len > 0 ? action->path : action->argument;
    add(out, row->name, (struct bytes){0});
    if (has_address)
        add_address(out, &action->address);
    else if (what.len > 0)
        add(out, " ", what);
    if (action->path_as_sent.len > 0)
        add(out, " as-sent=", action->path_as_sent);
    if (action->rename_from.len > 0)
        add(out, " from=", action->rename_from);
    if (action->announced != VERB_NONE)
        add(out, " announced=", bytes_str(verb_row(action->announced)->name));
    for (struct bytes others = action->others; others.len > 0;)
        add(out, " other=", bytes_cut(&others, '\0'));
    if (action->offset > 0)
        add_number(out, " offset=", (int64_t)action->offset);
    if (action->has_range)
        add_number(out, " end=", (int64_t)action->range_end);
    if (action->list_flags & LIST_ALL)
        add(out, " all", (struct bytes){0});
    if (action->list_flags & LIST_LONG)
        add(out, " long", (struct bytes){0});
    if (action->tls_client)
        add(out, " tls-client", (struct bytes){0});
    if (action->glob)
        add(out, " glob", (struct bytes){0});
    if (action->time.precision != TIMEVAL_NONE)
        add_number(out, " time=", action->time.seconds);
}

static void describe(const struct play *play, const struct server_action *action, char *out)
{
    const struct fault *fault = server_pi_fault(play->pi);
    out[0] = '\0';
    switch (action->kind) {
    case SERVER_ACTION_COMMAND:
        describe_command(action, out);
        break;
    case SERVER_ACTION_ABORT:
        add(out, "abort", (struct bytes){0});
        break;
    case SERVER_ACTION_START_TLS:
        add(out, "start-tls", (struct bytes){0});
        break;
    case SERVER_ACTION_STOP_TLS:
        add(out, "stop-tls", (struct bytes){0});
        break;
    case SERVER_ACTION_CLOSE:
        add(out, "close", (struct bytes){0});
        if (fault_is_set(fault))
            add(out, " ", bytes_str(fault_kind_name(fault->kind)));
        break;
    }
}

/* As the owner's loop: what is due in time, then the next action. */
static void turn(struct play *play)
{
    if (play->now_ns >= server_pi_deadline(play->pi))
        server_pi_feed(play->pi, (struct bytes){0}, play->now_ns);
    if (!play->has_action)
        play->has_action = server_pi_next(play->pi, &play->action);
}

static void feed(struct play *play, struct bytes in)
{
    turn(play);
    while (in.len > 0) {
        server_pi_feed(play->pi, bytes_first(in, play->chunk), play->now_ns);
        in = bytes_skip(in, play->chunk);
        turn(play);
    }
}

static bool expect_output(struct play *play, const struct script_line *line)
{
    turn(play);
    struct bytes output = server_pi_output(play->pi);
    size_t len;
    if (!script_line_matches(line->text, output, &len))
        return differs(play, line, "output", output);
    server_pi_wrote(play->pi, len);
    return true;
}

/* --- deeds --- */

static bool reply(struct play *play, const struct script_line *line, struct bytes words, bool end)
{
    uint64_t code;
    if (!text_u64(bytes_cut(&words, ' '), 699, &code))
        return differs(play, line, "not a reply", words);
    if (end)
        server_pi_transfer_end(play->pi, (int)code, "%.*s", BYTES_FMT(words));
    else
        server_pi_reply(play->pi, (int)code, "%.*s", BYTES_FMT(words));
    return true;
}

static bool reply_user(struct play *play, const struct script_line *line, struct bytes words)
{
    server_pi_user_given(play->pi);
    return reply(play, line, words, false);
}

static bool reply_login(struct play *play, const struct script_line *line, struct bytes words)
{
    server_pi_logged_in(play->pi, bytes_cut(&words, ' '));
    return reply(play, line, words, false);
}

static bool reply_cwd(struct play *play, const struct script_line *line, struct bytes words)
{
    if (server_pi_set_cwd(play->pi, play->action.path) != FERRY_OK) {
        play->outcome->fault = FERRY_E_MEMORY;
        return differs(play, line, "no memory", words);
    }
    return reply(play, line, words, false);
}

static bool reply_as_sent(struct play *play, const struct script_line *line, struct bytes words)
{
    server_pi_take_as_sent(play->pi, &play->action);
    return reply(play, line, words, false);
}

static bool reply_in_charset(struct play *play, const struct script_line *line, struct bytes words)
{
    struct bytes name = bytes_cut(&words, ' ');
    char text[64];
    struct fault fault = {0};
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(name));
    charset_free(play->charset);
    play->charset = NULL;
    if (charset_new(text, &play->charset, &fault) != FERRY_OK) {
        play->outcome->fault = fault.kind;
        return differs(play, line, fault.what, name);
    }
    server_pi_set_charset(play->pi, play->charset);
    return reply_login(play, line, words);
}

static bool reply_end(struct play *play, const struct script_line *line, struct bytes words)
{
    return reply(play, line, words, true);
}

static bool reply_lines(struct play *play, const struct script_line *line, struct bytes words)
{
    uint64_t code;
    char text[256];
    if (!text_u64(bytes_cut(&words, '|'), 699, &code))
        return differs(play, line, "not a reply", words);
    struct bytes first = bytes_cut(&words, '|');
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(first));
    server_pi_reply_begin(play->pi, (int)code, text);
    for (;;) {
        struct bytes inner = bytes_cut(&words, '|');
        if (words.len == 0) {
            snprintf(text, sizeof(text), "%.*s", BYTES_FMT(inner));
            server_pi_reply_end(play->pi, text);
            return true;
        }
        server_pi_reply_line(play->pi, inner);
    }
}

static bool greet(struct play *play, const struct script_line *line, struct bytes words)
{
    (void)line;
    (void)words;
    server_pi_greet(play->pi, play->now_ns);
    return true;
}

static bool refuse(struct play *play, const struct script_line *line, struct bytes words)
{
    (void)line;
    char text[256];
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(words));
    server_pi_refuse(play->pi, text);
    return true;
}

static bool start_tls(struct play *play, const struct script_line *line, struct bytes words)
{
    (void)line;
    (void)words;
    server_pi_tls_started(play->pi, play->now_ns);
    return true;
}

static bool stop_tls(struct play *play, const struct script_line *line, struct bytes words)
{
    (void)line;
    (void)words;
    server_pi_tls_stopped(play->pi, play->now_ns);
    return true;
}

static bool wait_seconds(struct play *play, const struct script_line *line, struct bytes words)
{
    uint64_t seconds;
    if (!text_u64(words, UINT32_MAX, &seconds))
        return differs(play, line, "not a time", words);
    turn(play);
    play->now_ns += seconds * CLOCK_NS_PER_S;
    return true;
}

static bool do_deed(struct play *play, const struct script_line *line, struct bytes words)
{
    typedef bool deed_fn(struct play *, const struct script_line *, struct bytes);
    static const struct {
        const char *name;
        deed_fn *run;
    } deeds[] = {
        {"user", reply_user},
        {"login", reply_login},
        {"cwd", reply_cwd},
        {"end", reply_end},
        {"lines", reply_lines},
        {"greet", greet},
        {"refuse", refuse},
        {"tls", start_tls},
        {"plain", stop_tls},
        {"wait", wait_seconds},
        {"charset", reply_in_charset},
        {"as-sent", reply_as_sent},
    };
    struct bytes rest = words;
    struct bytes name = bytes_cut(&rest, ' ');
    bool done = false;
    bool well = true;
    for (size_t i = 0; i < ARRAY_LEN(deeds) && !done; i++) {
        done = bytes_equal(name, bytes_str(deeds[i].name));
        well = done ? deeds[i].run(play, line, rest) : true;
    }
    if (!done)
        well = reply(play, line, words, false);
    turn(play);
    return well;
}

static bool expect_action(struct play *play, const struct script_line *line)
{
    turn(play);
    if (!play->has_action)
        return differs(play, line, "no action, but", server_pi_output(play->pi));
    char got[ACTION_BYTES];
    describe(play, &play->action, got);
    play->has_action = false;

    struct bytes expected = line->text;
    struct bytes deed = {0};
    for (size_t i = 0; i + 4 <= line->text.len; i++) {
        if (bytes_starts(bytes_skip(line->text, i), BYTES_LIT(" => "))) {
            expected = bytes_first(line->text, i);
            deed = bytes_skip(line->text, i + 4);
            break;
        }
    }
    if (!bytes_equal(expected, bytes_str(got)))
        return differs(play, line, "action", bytes_str(got));
    return deed.len == 0 || do_deed(play, line, deed);
}

/* --- the play --- */

static bool play_line(struct play *play, size_t *at)
{
    const struct script_line *line = &play->script->lines[*at];
    size_t next = *at + 1;
    bool well = true;
    switch (line->kind) {
    case 'C':
        feed(play, script_piece(play->script, *at, &next));
        break;
    case 'S':
        well = expect_output(play, line);
        break;
    case 'E':
        well = expect_action(play, line);
        break;
    case 'D':
        well = do_deed(play, line, line->text);
        break;
    default:
        break;
    }
    *at = next;
    return well;
}

static void play_all(struct play *play)
{
    for (size_t at = 0; at < play->script->count;) {
        if (!play_line(play, &at))
            return;
    }
    char got[ACTION_BYTES];
    turn(play);
    if (play->has_action) {
        describe(play, &play->action, got);
        differs(play, NULL, "unexpected action", bytes_str(got));
    } else if (server_pi_output(play->pi).len > 0) {
        differs(play, NULL, "unexpected output", server_pi_output(play->pi));
    }
}

static struct dialect dialect_of(const struct script *script)
{
    struct dialect dialect = {
        .data_tls = DATA_TLS_ALLOW,
        .data_refused_521 = script_has_option(script, "refused-521"),
        .prot_before_pbsz = script_has_option(script, "prot-before-pbsz"),
        .auth_ssl_334 = script_has_option(script, "auth-ssl-334"),
        .greet_before_tls = script_has_option(script, "greet-before-tls"),
        .ccc = script_has_option(script, "ccc"),
        .fxp = script_has_option(script, "fxp"),
    };
    static const struct {
        const char *option;
        enum data_tls data_tls;
    } rows[] = {
        {"data-tls-off", DATA_TLS_OFF},
        {"data-tls-required", DATA_TLS_REQUIRE},
        {"data-tls-uploads", DATA_TLS_UPLOADS},
        {"data-tls-downloads", DATA_TLS_DOWNLOADS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (script_has_option(script, rows[i].option))
            dialect.data_tls = rows[i].data_tls;
    return dialect;
}

static struct server_pi_settings settings_of(const struct script *script)
{
    struct server_pi_settings settings = {
        .tls_available = !script_has_option(script, "no-tls"),
        .implicit = script_has_option(script, "implicit"),
        .tls_required = script_has_option(script, "tls-required"),
        .dialect = dialect_of(script),
        .mode_z = script_has_option(script, "mode-z"),
        .mode_b = script_has_option(script, "mode-b"),
        .extras = script_has_option(script, "extras") ? ~0U : 0,
        .auth_legacy_words = script_has_option(script, "legacy-words"),
        .local = {.family = ADDRESS_V4, .address = {192, 0, 2, 1}, .port = 21},
        .peer = {.family = ADDRESS_V4, .address = {192, 0, 2, 7}, .port = 40000},
        .login_timeout_ns = 60 * CLOCK_NS_PER_S,
        .idle_timeout_ns = 600 * CLOCK_NS_PER_S,
        .line_max_bytes = (size_t)script_number_option(script, "line-max", 0),
    };
    if (script_has_option(script, "ipv6")) {
        static const uint8_t network[] = {0x20, 0x01, 0x0d, 0xb8};
        settings.local.family = settings.peer.family = ADDRESS_V6;
        memcpy(settings.local.address, network, sizeof(network));
        memcpy(settings.peer.address, network, sizeof(network));
        settings.local.address[15] = 1;
        settings.peer.address[15] = 7;
    }
    return settings;
}

void drive_server(const struct script *script, size_t chunk, struct script_outcome *outcome)
{
    *outcome = (struct script_outcome){.as_written = true};
    struct play play = {
        .script = script,
        .outcome = outcome,
        .now_ns = 1000 * CLOCK_NS_PER_S,
        .chunk = chunk,
    };
    struct server_pi_settings settings = settings_of(script);
    play.pi = server_pi_new(&settings, play.now_ns);
    if (!play.pi) {
        *outcome = (struct script_outcome){.fault = FERRY_E_MEMORY};
        return;
    }
    play_all(&play);
    if (outcome->fault == FERRY_OK)
        outcome->fault = server_pi_fault(play.pi)->kind;
    server_pi_free(play.pi);
    charset_free(play.charset);
}
