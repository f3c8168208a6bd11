/* ftp/server_pi: a client that sends anything, an owner that keeps to the header. The input is a
 * row of steps: a byte that says which, then what it needs. */
#include "base/buf.h"
#include "base/clock.h"
#include "ftp/path.h"
#include "ftp/reply.h"
#include "ftp/server_pi.h"
#include "ftp/telnet.h"
#include "fuzz/fuzz.h"

struct play {
    struct server_pi *pi;
    struct server_pi_settings settings;
    struct bytes in;
    uint64_t now_ns;
    bool has_action; /* `action` waits to be done */
    bool transfer;   /* a 1xx was sent */
    bool closed;
    struct server_action action;
};

static uint8_t take_byte(struct play *play)
{
    uint8_t byte = play->in.len > 0 ? (uint8_t)play->in.ptr[0] : 0;
    play->in = bytes_skip(play->in, 1);
    return byte;
}

static struct bytes take_bytes(struct play *play)
{
    size_t len = take_byte(play);
    struct bytes taken = bytes_first(play->in, len);
    play->in = bytes_skip(play->in, taken.len);
    return taken;
}

static bool was_sealed(const struct play *play)
{
    enum security_state state = server_pi_security(play->pi)->state;
    return state == SECURITY_SEALED || state == SECURITY_CLEARED;
}

static void check_command(const struct play *play, const struct server_action *action)
{
    unsigned allowed = verb_row(action->verb)->allowed;
    must(action->verb != VERB_NONE && !(allowed & ALLOWED_OFF));
    must(!(allowed & ALLOWED_LOGGED_IN) || server_pi_is_logged_in(play->pi));
    must(!(allowed & (ALLOWED_LOGIN | ALLOWED_LOGGED_IN)) || was_sealed(play) ||
         !play->settings.tls_required);
    must(!(allowed & ALLOWED_DATA) || play->settings.dialect.data_tls != DATA_TLS_REQUIRE ||
         server_pi_security(play->pi)->level == PROTECTION_PRIVATE);
    if (action->path.len > 0) {
        CLEANUP(buf_fini) struct buf again;
        buf_init(&again, PATH_MAX_BYTES);
        must(path_resolve(&again, BYTES_LIT("/"), action->path) == FERRY_OK);
        must(bytes_equal(buf_view(&again), action->path));
        must(action->path.ptr[action->path.len] == '\0');
    }
    must(action->others.len == 0 || action->others.ptr[action->others.len - 1] == '\0');
    for (struct bytes others = action->others; others.len > 0;)
        must(bytes_starts(bytes_cut(&others, '\0'), BYTES_LIT("/")));
    bool active = action->verb == VERB_PORT || action->verb == VERB_EPRT;
    must(!active || ((play->settings.dialect.fxp ||
                      hostport_same_address(&action->address, &play->settings.peer)) &&
                     action->address.port >= 1024)); /* SEC-7 */
    must(action->offset == 0 || server_pi_type(play->pi) == REPRESENTATION_IMAGE);
}

/* What is written is replies and Telnet answers, each of them whole. */
static void check_output(const struct play *play)
{
    CLEANUP(buf_fini) struct buf plain;
    buf_init(&plain, 16 * 1024 * 1024);
    struct bytes output = server_pi_output(play->pi);
    struct telnet telnet = {0};
    for (size_t i = 0; i < output.len; i++) {
        char data[2];
        size_t len;
        must(telnet_decode(&telnet, output.ptr[i], data, &len, NULL) == FERRY_OK);
        must(buf_append(&plain, bytes_of(data, len)) == FERRY_OK);
    }
    while (buf_len(&plain) > 0) {
        struct reply reply;
        size_t used;
        must(reply_parse(buf_view(&plain), &reply, &used) == FERRY_OK && used > 0);
        buf_consume(&plain, used);
    }
}

static void drain(struct play *play)
{
    if (play->now_ns >= server_pi_deadline(play->pi))
        server_pi_feed(play->pi, (struct bytes){0}, play->now_ns);
    if (play->has_action || !server_pi_next(play->pi, &play->action))
        return;
    must(!play->closed);
    play->has_action = true;
    if (play->action.kind == SERVER_ACTION_COMMAND)
        check_command(play, &play->action);
}

static void finish_login(struct play *play, bool well)
{
    if (play->action.verb == VERB_USER && well)
        server_pi_user_given(play->pi);
    if (play->action.verb == VERB_PASS && well)
        server_pi_logged_in(play->pi, BYTES_LIT("/home"));
}

/* Does the command that is due, well or not. */
static void do_command(struct play *play, uint8_t how)
{
    static const int good[] = {200, 220, 331, 226, 250, 350};
    bool well = how % 4 != 0;
    enum verb verb = play->action.verb;
    finish_login(play, well);
    if (well && verb_row(verb)->allowed & ALLOWED_DATA && !play->transfer) {
        server_pi_reply(play->pi, 150, "%.*s", BYTES_FMT(play->action.argument));
        play->transfer = true;
    } else if (well && (verb == VERB_CWD || verb == VERB_CDUP)) {
        must(server_pi_set_cwd(play->pi, play->action.path) == FERRY_OK);
        server_pi_reply(play->pi, 250, "%.*s", BYTES_FMT(server_pi_cwd(play->pi)));
    } else if (well && (verb == VERB_MLST || verb == VERB_STAT)) {
        server_pi_reply_begin(play->pi, verb == VERB_MLST ? 250 : 213, "Listing");
        server_pi_reply_line(play->pi, play->action.path);
        server_pi_reply_end(play->pi, "End");
    } else {
        int code = verb == VERB_REIN ? 220 : verb == VERB_RNFR ? 350 : good[how % ARRAY_LEN(good)];
        server_pi_reply(play->pi, well ? code : 550, "%.*s", BYTES_FMT(play->action.path));
    }
}

/* Nothing crosses a change to or from TLS (SEC-11); bytes that came in between have ended the
 * session. */
static void check_switch(const struct play *play, enum security_state state)
{
    must(!server_pi_is_logged_in(play->pi));
    must(server_pi_security(play->pi)->state == state ||
         server_pi_fault(play->pi)->kind == FERRY_E_INJECTION);
}

static void do_action(struct play *play, uint8_t how)
{
    if (!play->has_action)
        return;
    play->has_action = false;
    switch (play->action.kind) {
    case SERVER_ACTION_COMMAND:
        do_command(play, how);
        break;
    case SERVER_ACTION_ABORT:
        must(play->transfer);
        server_pi_transfer_end(play->pi, how & 1 ? 426 : 226, "Ended.");
        play->transfer = false;
        break;
    case SERVER_ACTION_START_TLS:
        server_pi_tls_started(play->pi, play->now_ns);
        check_switch(play, SECURITY_SEALED);
        break;
    case SERVER_ACTION_STOP_TLS:
        server_pi_tls_stopped(play->pi, play->now_ns);
        check_switch(play, SECURITY_PLAIN);
        break;
    case SERVER_ACTION_CLOSE:
        play->closed = true;
        break;
    }
}

static void end_transfer(struct play *play)
{
    bool aborting = play->has_action && play->action.kind == SERVER_ACTION_ABORT;
    if (!play->transfer || aborting)
        return;
    play->transfer = false;
    server_pi_transfer_end(play->pi, 226, "Done.");
}

static void step(struct play *play)
{
    switch (take_byte(play) % 8) {
    case 0:
    case 1:
    case 2:
        server_pi_feed(play->pi, take_bytes(play), play->now_ns);
        break;
    case 3:
    case 4:
        do_action(play, take_byte(play));
        break;
    case 5:
        end_transfer(play);
        break;
    case 6:
        play->now_ns += take_byte(play) * CLOCK_NS_PER_S;
        break;
    case 7:
        check_output(play);
        server_pi_wrote(play->pi, server_pi_output(play->pi).len);
        break;
    }
    drain(play);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.in = bytes_of(data, size), .now_ns = CLOCK_NS_PER_S};
    uint8_t options = take_byte(&play);
    play.settings = (struct server_pi_settings){
        .tls_available = !(options & 1),
        .implicit = options & 2,
        .tls_required = options & 4,
        .dialect = {.data_tls = options & 8 ? DATA_TLS_REQUIRE : DATA_TLS_ALLOW,
                    .ccc = options & 128,
                    .fxp = options & 128,
                    .prot_before_pbsz = options & 128},
        .auth_legacy_words = options & 16,
        .extras = options & 64 ? ~0U : 0,
        .local = {.family = options & 32 ? ADDRESS_V6 : ADDRESS_V4, .address = {192, 0, 2, 1}},
        .peer = {.family = options & 32 ? ADDRESS_V6 : ADDRESS_V4, .address = {192, 0, 2, 7}},
        .line_max_bytes = options & 64 ? 40 : 0,
    };
    play.pi = server_pi_new(&play.settings, play.now_ns);
    must(play.pi);
    server_pi_greet(play.pi, play.now_ns);
    if (play.settings.implicit)
        server_pi_tls_started(play.pi, play.now_ns);
    while (play.in.len > 0)
        step(&play);
    check_output(&play);
    server_pi_free(play.pi);
    return 0;
}
