/* Events on their way to ferryd-hooks. */
#include "ferryd/worker/remote_events.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ferryd/settings_hooks.h"

enum { LETTERS_MAX = 20000 }; /* events kept for a process that is away */

enum letter_state {
    LETTER_TO_RECORD,
    LETTER_RECORDING, /* sent */
    LETTER_RECORDED,  /* its outcome is awaited */
    LETTER_TO_SETTLE,
    LETTER_SETTLING, /* sent */
};

/* An event, from when it is known until all of it is on disk. */
struct letter {
    TAILQ_ENTRY(letter) link;
    enum letter_state state;
    uint64_t number;
    struct hook_event event; /* its texts are in `texts` */
    char *texts;
    bool provisional;
    bool was_sent; /* over this channel or another */
    enum hook_outcome outcome;
    hook_fn *done; /* NULL: nobody waits */
    void *ctx;
    uint64_t deadline_ns;    /* of `done` */
    enum ferry_error failed; /* to be told */
};

/* ---- letters ---- */

static struct letters *list_of(struct remote_events *events, const struct letter *letter)
{
    switch (letter->state) {
    case LETTER_TO_RECORD:
    case LETTER_TO_SETTLE:
        break;
    case LETTER_RECORDING:
    case LETTER_SETTLING:
        return &events->sent;
    case LETTER_RECORDED:
        return &events->recorded;
    }
    return &events->to_send;
}

static void move(struct remote_events *events, struct letter *letter, enum letter_state state)
{
    TAILQ_REMOVE(list_of(events, letter), letter, link);
    letter->state = state;
    TAILQ_INSERT_TAIL(list_of(events, letter), letter, link);
}

static void letter_free(struct remote_events *events, struct letter *letter)
{
    TAILQ_REMOVE(list_of(events, letter), letter, link);
    events->letter_count--;
    alloc_free(letter->texts);
    alloc_free(letter);
}

/* Copies the texts of `event` into memory of the letter's own. */
static bool keep_texts(struct letter *letter, const struct hook_event *event)
{
    letter->event = *event;
    struct bytes *const texts[] = {
        &letter->event.account, &letter->event.peer,        &letter->event.host,
        &letter->event.path,    &letter->event.from,        &letter->event.tls_version,
        &letter->event.cipher,  &letter->event.certificate,
    };
    size_t all = 1;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        all += texts[i]->len;
    char *at = letter->texts = alloc_resize(NULL, all, 1);
    if (!at)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i]->len > 0)
            memcpy(at, texts[i]->ptr, texts[i]->len);
        texts[i]->ptr = at;
        at += texts[i]->len;
    }
    return true;
}

static bool send_letter(struct remote_events *events, const struct letter *letter)
{
    struct fault fault = {0};
    bool settles = letter->state == LETTER_TO_SETTLE;
    struct wire_writer *writer = link_begin(events->link, settles ? HOOK_SETTLE : HOOK_RECORD);
    if (settles) {
        wire_put_bytes(writer, bytes_of(letter->event.id, HOOK_ID_BYTES));
        wire_put_u8(writer, (uint8_t)letter->outcome);
    } else {
        wire_put_u8(writer, letter->provisional ? HOOK_PROVISIONAL : 0);
        hook_wire_put_event(writer, &letter->event);
    }
    return link_send(events->link, NULL, 0, &fault) == FERRY_OK;
}

/* What does not fit into the channel now waits for an answer to what did. */
void remote_events_send(struct remote_events *events)
{
    struct letter *letter;
    while (events->link && (letter = TAILQ_FIRST(&events->to_send)) &&
           send_letter(events, letter)) {
        letter->was_sent = true;
        move(events, letter,
             letter->state == LETTER_TO_SETTLE ? LETTER_SETTLING : LETTER_RECORDING);
    }
}

/* Whatever was not answered is sent once more, in the old order; what is recorded, too, so that
 * hooks knows that its outcome will be told. */
static void send_again(struct remote_events *events)
{
    struct letters again = TAILQ_HEAD_INITIALIZER(again);
    struct letter *letter;
    TAILQ_CONCAT(&again, &events->recorded, link);
    TAILQ_CONCAT(&again, &events->sent, link);
    TAILQ_CONCAT(&again, &events->to_send, link);
    TAILQ_FOREACH (letter, &again, link)
        letter->state = letter->state == LETTER_SETTLING || letter->state == LETTER_TO_SETTLE
                            ? LETTER_TO_SETTLE
                            : LETTER_TO_RECORD;
    TAILQ_CONCAT(&events->to_send, &again, link);
    remote_events_send(events);
}

/* ---- recording ---- */

void remote_event_of(const struct deed *deed, char peer[static ADDRESS_TEXT_BYTES],
                     struct hook_event *out)
{
    address_text(deed->peer, peer);
    *out = (struct hook_event){
        .kind = (uint8_t)deed->kind,
        .time_ns = clock_wall_ns(&clock_system),
        .session = deed->session,
        .account = deed->account,
        .peer = bytes_str(peer),
        .host = deed->host,
        .path = deed->path,
        .from = deed->from,
        .bytes = deed->bytes,
        .offset_bytes = deed->offset_bytes,
        .took_ns = deed->took_ns,
    };
    if (deed->tls) {
        out->tls_version = bytes_str(deed->tls->version_name);
        out->cipher = bytes_str(deed->tls->cipher);
        out->certificate = bytes_str(deed->tls->peer_subject);
    }
    hook_id_new(out->time_ns, out->id);
}

static struct letter *letter_new(struct remote_events *events, const struct deed *deed)
{
    char peer[ADDRESS_TEXT_BYTES];
    struct hook_event event;
    remote_event_of(deed, peer, &event);
    struct letter *letter = alloc_zero(sizeof(*letter));
    if (!letter || !keep_texts(letter, &event)) {
        alloc_free(letter);
        return NULL;
    }
    letter->number = ++events->last_number;
    letter->deadline_ns = CLOCK_NEVER;
    TAILQ_INSERT_TAIL(&events->to_send, letter, link);
    events->letter_count++;
    return letter;
}

enum ferry_error remote_events_record(struct remote_events *events, const struct deed *deed,
                                      uint64_t deadline_ns, hook_fn *done, void *ctx,
                                      uint64_t *record)
{
    struct letter *letter = letter_new(events, deed);
    if (!letter)
        return FERRY_E_MEMORY;
    bool full = events->letter_count > LETTERS_MAX;
    letter->provisional = true;
    letter->done = done;
    letter->ctx = ctx;
    letter->failed = full ? FERRY_E_SPACE : FERRY_E_TEMPORARY;
    letter->deadline_ns = full ? 0 : deadline_ns;
    *record = letter->number;
    if (!full)
        remote_events_send(events);
    return FERRY_OK;
}

void remote_events_note(struct remote_events *events, const struct deed *deed)
{
    if (events->letter_count < LETTERS_MAX && letter_new(events, deed)) {
        remote_events_send(events);
        return;
    }
    if (events->lost++ == 0)
        log_event(events->log, LOG_LEVEL_ERROR, "hook.lost",
                  F_STR("kind", settings_hook_kind_name((enum hook_kind)deed->kind)),
                  F_STR("reason", "too many events wait for the process of hooks"),
                  F_STR("side", "server"), F_STR("advice", "see why the process of hooks is away"));
}

static struct letter *find_number(struct remote_events *events, uint64_t number)
{
    struct letters *const lists[] = {&events->recorded, &events->sent, &events->to_send};
    struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->number == number)
                return letter;
    return NULL;
}

void remote_events_settle(struct remote_events *events, uint64_t record, enum hook_outcome outcome)
{
    struct letter *letter = find_number(events, record);
    if (!letter) /* it was not taken */
        return;
    letter->done = NULL;
    letter->outcome = outcome;
    if (outcome == HOOK_NOT_DONE && !letter->was_sent) {
        letter_free(events, letter);
        return;
    }
    move(events, letter, LETTER_TO_SETTLE);
    remote_events_send(events);
}

void remote_events_cancel(struct remote_events *events, const void *ctx)
{
    const struct letters *lists[] = {&events->to_send, &events->sent};
    struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->ctx == ctx)
                letter->done = NULL;
}

/* ---- time is up ---- */

static void tell(struct letter *letter, const struct fault *fault)
{
    hook_fn *done = letter->done;
    letter->done = NULL;
    if (done)
        done(letter->ctx, fault);
}

static struct letter *late_letter(struct remote_events *events, uint64_t now_ns)
{
    const struct letters *lists[] = {&events->to_send, &events->sent};
    struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->done && letter->deadline_ns <= now_ns)
                return letter;
    return NULL;
}

uint64_t remote_events_deadline(const struct remote_events *events)
{
    uint64_t first_ns = CLOCK_NEVER;
    const struct letters *lists[] = {&events->to_send, &events->sent};
    const struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->done && letter->deadline_ns < first_ns)
                first_ns = letter->deadline_ns;
    return first_ns;
}

void remote_events_tell_late(struct remote_events *events, uint64_t now_ns)
{
    struct letter *letter;
    while ((letter = late_letter(events, now_ns))) {
        struct fault fault = {0};
        fault_set(&fault, letter->failed,
                  letter->failed == FERRY_E_SPACE ? "too many events wait for the process of hooks"
                                                  : "the event could not be recorded in time");
        tell(letter, &fault); /* which settles it */
    }
}

/* ---- answers ---- */

enum ferry_error remote_events_recorded(struct remote_events *events, struct wire_reader *reader,
                                        struct fault *fault)
{
    static const struct fault none;
    uint8_t id[HOOK_ID_BYTES];
    enum ferry_error error = hook_wire_get_id(reader, id, fault);
    uint8_t answer = wire_get_u8(reader);
    struct letter *letter;
    if (error != FERRY_OK)
        return error;
    TAILQ_FOREACH (letter, &events->sent, link)
        if (letter->state == LETTER_RECORDING && memcmp(letter->event.id, id, sizeof(id)) == 0)
            break;
    if (!letter) /* its upload was given up meanwhile */
        return FERRY_OK;
    if (answer == HOOK_ON_DISK && letter->provisional) {
        move(events, letter, LETTER_RECORDED);
        tell(letter, &none);
        return FERRY_OK;
    }
    if (answer != HOOK_ON_DISK) {
        struct fault why = {0};
        fault_set(&why, answer == HOOK_IS_FULL ? FERRY_E_SPACE : FERRY_E_TEMPORARY,
                  answer == HOOK_IS_FULL ? "hooks_queue events wait to be told"
                                         : "the event could not be written");
        struct letter taken = *letter;
        letter_free(events, letter);
        if (taken.done)
            taken.done(taken.ctx, &why);
        return FERRY_OK;
    }
    letter_free(events, letter);
    return FERRY_OK;
}

enum ferry_error remote_events_settled(struct remote_events *events, struct wire_reader *reader,
                                       struct fault *fault)
{
    uint8_t id[HOOK_ID_BYTES];
    enum ferry_error error = hook_wire_get_id(reader, id, fault);
    struct letter *letter;
    if (error != FERRY_OK)
        return error;
    TAILQ_FOREACH (letter, &events->sent, link)
        if (letter->state == LETTER_SETTLING && memcmp(letter->event.id, id, sizeof(id)) == 0)
            break;
    if (letter)
        letter_free(events, letter);
    return FERRY_OK;
}

/* ---- life ---- */

void remote_events_connect(struct remote_events *events, struct link *link)
{
    events->link = link;
    if (!link)
        return;
    if (events->lost > 0)
        log_event(events->log, LOG_LEVEL_ERROR, "hook.lost", F_U64("events", events->lost),
                  F_STR("reason", "the process of hooks was not there"), F_STR("side", "server"),
                  F_STR("advice", "see why the process of hooks is away"));
    events->lost = 0;
    send_again(events);
}

void remote_events_init(struct remote_events *events, const struct log *log)
{
    *events = (struct remote_events){.log = log};
    TAILQ_INIT(&events->to_send);
    TAILQ_INIT(&events->sent);
    TAILQ_INIT(&events->recorded);
}

void remote_events_fini(struct remote_events *events)
{
    struct letters *const lists[] = {&events->to_send, &events->sent, &events->recorded};
    struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        while ((letter = TAILQ_FIRST(lists[i])))
            letter_free(events, letter);
}
