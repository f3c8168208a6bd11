/* ftp/user_pi: a server that says anything, a caller that keeps to the header, and time that
 * passes. The input is a row of steps: a byte that says which, then what it needs. */
#include "base/buf.h"
#include "base/clock.h"
#include "ftp/user_pi.h"
#include "fuzz/fuzz.h"

struct play {
    struct user_pi *pi;
    struct bytes in;
    uint64_t now_ns;
    bool handshake;
    bool over;
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

static void check_event(struct play *play, const struct pi_event *event)
{
    must(!play->over);
    switch (event->kind) {
    case PI_GREETING:
        must(event->reply.code == 220 || event->reply.code / 100 == 4 ||
             event->reply.code / 100 == 5);
        break;
    case PI_REPLY:
        must(event->verb != VERB_NONE && event->reply.code >= 100 && event->reply.code < 600);
        must(event->verb != VERB_AUTH || event->reply.code >= 400);
        break;
    case PI_START_TLS:
        must(!play->handshake);
        play->handshake = true;
        break;
    case PI_FAILED:
        must(fault_is_set(user_pi_fault(play->pi)));
        must(user_pi_output(play->pi).len == 0);
        play->over = true;
        break;
    }
}

static void drain(struct play *play)
{
    struct pi_event event;
    while (user_pi_next(play->pi, &event))
        check_event(play, &event);
}

static void send(struct play *play)
{
    enum verb verb = (enum verb)(1 + take_byte(play) % (VERB_COUNT - 1));
    struct bytes argument = take_bytes(play);
    size_t before = user_pi_output(play->pi).len;
    size_t pending = user_pi_pending(play->pi);
    enum ferry_error error = user_pi_send(play->pi, verb, argument, play->now_ns);
    struct bytes added = bytes_skip(user_pi_output(play->pi), before);
    must((error == FERRY_OK) == (added.len > 0));
    must(user_pi_pending(play->pi) == pending + (error == FERRY_OK ? 1 : 0));
    must(error != FERRY_OK || bytes_find(added, '\n') == added.len - 1); /* SEC-17 */
    must(error == FERRY_E_STATE || !(play->over || play->handshake));
}

static void pass_time(struct play *play)
{
    play->now_ns += take_byte(play) * CLOCK_NS_PER_S / 2;
    if (play->now_ns >= user_pi_deadline(play->pi))
        user_pi_feed(play->pi, (struct bytes){0}, play->now_ns);
}

static void step(struct play *play)
{
    switch (take_byte(play) % 8) {
    case 0:
    case 1:
    case 2:
        user_pi_feed(play->pi, take_bytes(play), play->now_ns);
        break;
    case 3:
        send(play);
        break;
    case 4:
        user_pi_wrote(play->pi, take_byte(play));
        break;
    case 5:
        user_pi_tls_started(play->pi, play->now_ns);
        play->handshake = false;
        break;
    case 6:
        pass_time(play);
        break;
    case 7:
        if (take_byte(play) % 8 == 0)
            user_pi_end(play->pi, take_byte(play) & 1);
        else
            user_pi_hold_deadline(play->pi, take_byte(play) & 1, play->now_ns);
        break;
    }
    drain(play);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = {.in = bytes_of(data, size), .now_ns = CLOCK_NS_PER_S};
    uint8_t options = take_byte(&play);
    struct user_pi_settings settings = {
        .implicit = options & 1,
        .accept_334 = options & 2,
    };
    play.pi = user_pi_new(&settings, play.now_ns);
    must(play.pi);
    drain(&play);
    while (play.in.len > 0)
        step(&play);
    user_pi_free(play.pi);
    return 0;
}
