/* Plays a transcript to the user-PI. */
#include <stdio.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/text.h"
#include "ftp/user_pi.h"
#include "transcripts/script.h"

enum { EVENTS_MAX = 256, EVENT_BYTES = 512 };

struct play {
    const struct script *script;
    struct script_outcome *outcome;
    struct user_pi *pi;
    uint64_t now_ns;
    size_t chunk;
    char events[EVENTS_MAX][EVENT_BYTES]; /* not yet expected */
    size_t first, count;
};

static bool differs(struct play *play, const struct script_line *at, const char *what,
                    struct bytes got)
{
    return script_differs(play->outcome, at, what, got);
}

static void describe(const struct user_pi *pi, const struct pi_event *event, char *out)
{
    char text[EVENT_BYTES - 64];
    text_visible_into(text, sizeof(text), event->reply.text);
    int code = event->reply.code;
    switch (event->kind) {
    case PI_GREETING:
        snprintf(out, EVENT_BYTES, "greeting %d %s", code, text);
        break;
    case PI_REPLY:
        snprintf(out, EVENT_BYTES, "reply %s %d %s", verb_row(event->verb)->name, code, text);
        break;
    case PI_START_TLS:
        snprintf(out, EVENT_BYTES, "start-tls");
        break;
    case PI_FAILED:
        snprintf(out, EVENT_BYTES, "failed %s", fault_kind_name(user_pi_fault(pi)->kind));
        break;
    }
}

static void drain(struct play *play)
{
    struct pi_event event;
    while (play->count < EVENTS_MAX && user_pi_next(play->pi, &event))
        describe(play->pi, &event, play->events[play->count++]);
}

static void feed(struct play *play, struct bytes in)
{
    drain(play);
    while (in.len > 0) {
        user_pi_feed(play->pi, bytes_first(in, play->chunk), play->now_ns);
        in = bytes_skip(in, play->chunk);
        drain(play);
    }
}

static bool expect_event(struct play *play, const struct script_line *line)
{
    drain(play);
    if (play->first == play->count)
        return differs(play, line, "no event", BYTES_LIT(""));
    const char *event = play->events[play->first++];
    return script_words_match(line->text, event) || differs(play, line, "event", bytes_str(event));
}

static bool expect_no_event(struct play *play, const struct script_line *line)
{
    drain(play);
    return play->first == play->count ||
           differs(play, line, "before it came", bytes_str(play->events[play->first]));
}

/* What the caller means by a line as it is on the wire: CR NUL is CR, two IACs are one. */
static struct bytes meaning(struct bytes wire, char *space, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < wire.len && len < size; i++) {
        struct bytes pair = bytes_first(bytes_skip(wire, i), 2);
        space[len++] = wire.ptr[i];
        if (bytes_equal(pair, BYTES_LIT("\xff\xff")) || bytes_equal(pair, BYTES_LIT("\r\0")))
            i++;
    }
    return bytes_of(space, len);
}

static bool send_command(struct play *play, const struct script_line *line)
{
    char space[1024];
    struct bytes text = line->text;
    struct bytes argument = meaning(bytes_first(text, text.len - 2), space, sizeof(space));
    enum verb verb = verb_find(bytes_cut(&argument, ' '));
    enum ferry_error error = user_pi_send(play->pi, verb, argument, play->now_ns);
    if (error != FERRY_OK) {
        if (play->outcome->fault == FERRY_OK)
            play->outcome->fault = error;
        return differs(play, line, "not sent", bytes_str(fault_kind_name(error)));
    }
    struct bytes output = user_pi_output(play->pi);
    if (!bytes_equal(output, text))
        return differs(play, line, "sent", output);
    user_pi_wrote(play->pi, output.len);
    return true;
}

/* "refused KIND VERB ARGUMENT" */
static bool try_refused(struct play *play, const struct script_line *line, struct bytes words)
{
    char copy[1024];
    bool open;
    struct bytes kind = bytes_cut(&words, ' ');
    enum verb verb = verb_find(bytes_cut(&words, ' '));
    snprintf(copy, sizeof(copy), "%.*s", BYTES_FMT(words));
    struct bytes argument = script_unescape(copy, &open);
    enum ferry_error error = user_pi_send(play->pi, verb, argument, play->now_ns);
    if (!bytes_equal(kind, bytes_str(fault_kind_name(error))))
        return differs(play, line, "sending it gave", bytes_str(fault_kind_name(error)));
    struct bytes output = user_pi_output(play->pi);
    return output.len == 0 || differs(play, line, "sent", output);
}

static bool wait_seconds(struct play *play, const struct script_line *line, struct bytes words)
{
    uint64_t seconds;
    if (!text_u64(words, UINT32_MAX, &seconds))
        return differs(play, line, "not a time", words);
    play->now_ns += seconds * CLOCK_NS_PER_S;
    if (play->now_ns >= user_pi_deadline(play->pi))
        user_pi_feed(play->pi, (struct bytes){0}, play->now_ns);
    return true;
}

static bool do_deed(struct play *play, const struct script_line *line)
{
    struct bytes words = line->text;
    struct bytes deed = bytes_cut(&words, ' ');
    if (bytes_equal(deed, BYTES_LIT("tls")))
        user_pi_tls_started(play->pi, play->now_ns);
    else if (bytes_equal(deed, BYTES_LIT("end")))
        user_pi_end(play->pi, true);
    else if (bytes_equal(deed, BYTES_LIT("cut")))
        user_pi_end(play->pi, false);
    else if (bytes_equal(deed, BYTES_LIT("hold")))
        user_pi_hold_deadline(play->pi, bytes_equal(words, BYTES_LIT("on")), play->now_ns);
    else if (bytes_equal(deed, BYTES_LIT("wait")))
        return wait_seconds(play, line, words);
    else if (bytes_equal(deed, BYTES_LIT("refused")))
        return try_refused(play, line, words);
    else
        return differs(play, line, "unknown deed", deed);
    return true;
}

static bool play_line(struct play *play, size_t *at)
{
    const struct script_line *line = &play->script->lines[*at];
    size_t next = *at + 1;
    bool well = true;
    switch (line->kind) {
    case 'S':
        feed(play, script_piece(play->script, *at, &next));
        break;
    case 'C':
        well = expect_no_event(play, line) && send_command(play, line);
        break;
    case 'E':
        well = expect_event(play, line);
        break;
    case 'D':
        well = expect_no_event(play, line) && do_deed(play, line);
        break;
    default:
        break;
    }
    *at = next;
    return well;
}

static bool play_all(struct play *play)
{
    for (size_t at = 0; at < play->script->count;) {
        if (!play_line(play, &at))
            return false;
    }
    return expect_no_event(play, NULL) &&
           (user_pi_output(play->pi).len == 0 ||
            differs(play, NULL, "unexpected output", user_pi_output(play->pi)));
}

void drive_user(const struct script *script, size_t chunk, struct script_outcome *outcome)
{
    static struct play play; /* too large for the stack */
    *outcome = (struct script_outcome){.as_written = true};
    play = (struct play){
        .script = script,
        .outcome = outcome,
        .now_ns = 1000 * CLOCK_NS_PER_S,
        .chunk = chunk,
    };
    struct user_pi_settings settings = {
        .implicit = script_has_option(script, "implicit"),
        .accept_334 = script_has_option(script, "accept-334"),
        .reply_timeout_ns = script_number_option(script, "timeout", 0) * CLOCK_NS_PER_S,
    };
    play.pi = user_pi_new(&settings, play.now_ns);
    if (!play.pi) {
        *outcome = (struct script_outcome){.fault = FERRY_E_MEMORY};
        return;
    }
    play_all(&play);
    if (outcome->fault == FERRY_OK)
        outcome->fault = user_pi_fault(play.pi)->kind;
    user_pi_free(play.pi);
}
