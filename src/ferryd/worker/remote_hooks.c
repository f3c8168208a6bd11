/* Who is told of what happened, in another process. */
#include "ferryd/worker/remote_hooks.h"

#include <assert.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/hook_wire.h"
#include "ferryd/link.h"
#include "ferryd/settings.h"

static_assert((int)DEED_LOGIN == (int)HOOK_LOGIN && (int)DEED_UPLOAD == (int)HOOK_UPLOAD &&
                  (int)DEED_DELETE == (int)HOOK_DELETE && (int)DEED_CHANGE == (int)HOOK_CHANGE,
              "deeds are the kinds of events");
static_assert((int)HOOK_DONE == (int)HOOK_SETTLED_DONE &&
                  (int)HOOK_NOT_DONE == (int)HOOK_SETTLED_NOT_DONE &&
                  (int)HOOK_UNKNOWN == (int)HOOK_SETTLED_UNKNOWN,
              "outcomes are the server's");

enum {
    LETTERS_MAX = 20000, /* events kept for a process that is away */
    SLACK_S = 5,         /* what a check may take beyond its limit */
};

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
    enum hook_outcome outcome;
    hook_fn *done; /* NULL: nobody waits */
    void *ctx;
    uint64_t deadline_ns; /* of `done` */
    enum ferry_error failed; /* to be told */
};
TAILQ_HEAD(letters, letter);

/* A check that is under way. */
struct ask {
    TAILQ_ENTRY(ask) link;
    uint64_t number;
    bool lenient; /* the upload is taken if it cannot be checked */
    hook_fn *done;
    void *ctx;
    uint64_t deadline_ns;
};

struct remote_hooks {
    struct loop *loop;
    const struct log *log;
    const struct conf *conf;
    struct link *link;                           /* NULL: that process is not there */
    struct letters to_send, sent, recorded;      /* in order */
    unsigned letter_count;
    uint64_t last_number;
    uint64_t lost;                               /* events since the channel was made */
    TAILQ_HEAD(, ask) asks;
    struct loop_timer *timer;
};

/* ---- what is wanted ---- */

static bool remote_wants(void *ctx, struct bytes account, enum deed_kind kind)
{
    const struct remote_hooks *hooks = ctx;
    const struct conf_instance *block = NULL;
    while ((block = conf_next(hooks->conf, SETTINGS_HOOK, block))) {
        const struct settings_hook *hook = block->values;
        if ((hook->events & (UINT32_C(1) << kind)) && settings_target_matches(&hook->to, account))
            return true;
    }
    return false;
}

/* How long the checks of the account may take, and whether all of them may fail. false: there are
 * none. */
static bool checks_of(const struct remote_hooks *hooks, struct bytes account, uint64_t *most_ns,
                      bool *lenient)
{
    bool any = false;
    const struct conf_instance *block = NULL;
    *most_ns = SLACK_S * CLOCK_NS_PER_S;
    *lenient = true;
    while ((block = conf_next(hooks->conf, SETTINGS_CHECK, block))) {
        const struct settings_check *check = block->values;
        if (!settings_target_matches(&check->to, account))
            continue;
        any = true;
        *most_ns += check->max_wait_ns;
        *lenient = *lenient && check->on_failure == HOOK_GO_ON;
    }
    return any;
}

static bool remote_checks(void *ctx, struct bytes account)
{
    uint64_t most_ns;
    bool lenient;
    return checks_of(ctx, account, &most_ns, &lenient);
}

/* ---- deadlines ---- */

static void arm(struct remote_hooks *hooks)
{
    uint64_t first_ns = CLOCK_NEVER;
    const struct letters *lists[] = {&hooks->to_send, &hooks->sent};
    const struct letter *letter;
    const struct ask *ask;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->done && letter->deadline_ns < first_ns)
                first_ns = letter->deadline_ns;
    TAILQ_FOREACH (ask, &hooks->asks, link)
        if (ask->deadline_ns < first_ns)
            first_ns = ask->deadline_ns;
    loop_timer_at(hooks->timer, first_ns);
}

/* ---- letters ---- */

static struct letters *list_of(struct remote_hooks *hooks, const struct letter *letter)
{
    switch (letter->state) {
    case LETTER_TO_RECORD:
    case LETTER_TO_SETTLE:
        break;
    case LETTER_RECORDING:
    case LETTER_SETTLING:
        return &hooks->sent;
    case LETTER_RECORDED:
        return &hooks->recorded;
    }
    return &hooks->to_send;
}

static void move(struct remote_hooks *hooks, struct letter *letter, enum letter_state state)
{
    TAILQ_REMOVE(list_of(hooks, letter), letter, link);
    letter->state = state;
    TAILQ_INSERT_TAIL(list_of(hooks, letter), letter, link);
}

static void letter_free(struct remote_hooks *hooks, struct letter *letter)
{
    TAILQ_REMOVE(list_of(hooks, letter), letter, link);
    hooks->letter_count--;
    alloc_free(letter->texts);
    alloc_free(letter);
}

/* Copies the texts of `event` into memory of the letter's own. */
static bool keep_texts(struct letter *letter, const struct hook_event *event)
{
    letter->event = *event;
    struct bytes *const texts[] = {
        &letter->event.account,     &letter->event.peer,   &letter->event.host,
        &letter->event.path,        &letter->event.from,   &letter->event.tls_version,
        &letter->event.cipher,      &letter->event.certificate,
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

static bool send_letter(struct remote_hooks *hooks, const struct letter *letter)
{
    struct fault fault = {0};
    bool settles = letter->state == LETTER_TO_SETTLE;
    struct wire_writer *writer = link_begin(hooks->link, settles ? HOOK_SETTLE : HOOK_RECORD);
    if (settles) {
        wire_put_bytes(writer, bytes_of(letter->event.id, HOOK_ID_BYTES));
        wire_put_u8(writer, (uint8_t)letter->outcome);
    } else {
        wire_put_u8(writer, letter->provisional ? HOOK_PROVISIONAL : 0);
        hook_wire_put_event(writer, &letter->event);
    }
    return link_send(hooks->link, NULL, 0, &fault) == FERRY_OK;
}

/* What does not fit into the channel now waits for an answer to what did. */
static void send_letters(struct remote_hooks *hooks)
{
    struct letter *letter;
    while (hooks->link && (letter = TAILQ_FIRST(&hooks->to_send)) && send_letter(hooks, letter))
        move(hooks, letter,
             letter->state == LETTER_TO_SETTLE ? LETTER_SETTLING : LETTER_RECORDING);
}

/* Whatever was not answered is sent once more, in the old order; what is recorded, too, so that
 * hooks knows that its outcome will be told. */
static void send_again(struct remote_hooks *hooks)
{
    struct letters again = TAILQ_HEAD_INITIALIZER(again);
    struct letter *letter;
    TAILQ_CONCAT(&again, &hooks->recorded, link);
    TAILQ_CONCAT(&again, &hooks->sent, link);
    TAILQ_CONCAT(&again, &hooks->to_send, link);
    TAILQ_FOREACH (letter, &again, link)
        letter->state = letter->state == LETTER_SETTLING || letter->state == LETTER_TO_SETTLE
                            ? LETTER_TO_SETTLE
                            : LETTER_TO_RECORD;
    TAILQ_CONCAT(&hooks->to_send, &again, link);
    send_letters(hooks);
}

/* ---- recording ---- */

static void event_of(const struct deed *deed, char peer[static ADDRESS_TEXT_BYTES],
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

static struct letter *letter_new(struct remote_hooks *hooks, const struct deed *deed)
{
    char peer[ADDRESS_TEXT_BYTES];
    struct hook_event event;
    event_of(deed, peer, &event);
    struct letter *letter = alloc_zero(sizeof(*letter));
    if (!letter || !keep_texts(letter, &event)) {
        alloc_free(letter);
        return NULL;
    }
    letter->number = ++hooks->last_number;
    letter->deadline_ns = CLOCK_NEVER;
    TAILQ_INSERT_TAIL(&hooks->to_send, letter, link);
    hooks->letter_count++;
    return letter;
}

static enum ferry_error remote_record(void *ctx, const struct deed *deed, hook_fn *done,
                                      void *done_ctx, uint64_t *record)
{
    struct remote_hooks *hooks = ctx;
    struct letter *letter = letter_new(hooks, deed);
    if (!letter)
        return FERRY_E_MEMORY;
    uint64_t now_ns = loop_now_ns(hooks->loop);
    bool full = hooks->letter_count > LETTERS_MAX;
    letter->provisional = true;
    letter->done = done;
    letter->ctx = done_ctx;
    letter->failed = full ? FERRY_E_SPACE : FERRY_E_TEMPORARY;
    letter->deadline_ns = full ? now_ns : now_ns + settings_global(hooks->conf)->hooks.wait_ns;
    *record = letter->number;
    if (!full)
        send_letters(hooks);
    arm(hooks);
    return FERRY_OK;
}

static void remote_note(void *ctx, const struct deed *deed)
{
    struct remote_hooks *hooks = ctx;
    if (hooks->letter_count < LETTERS_MAX && letter_new(hooks, deed)) {
        send_letters(hooks);
        return;
    }
    if (hooks->lost++ == 0)
        log_event(hooks->log, LOG_LEVEL_ERROR, "hook.lost",
                  F_STR("kind", settings_hook_kind_name((enum hook_kind)deed->kind)),
                  F_STR("reason", "too many events wait for the process of hooks"),
                  F_STR("side", "server"));
}

static struct letter *find_number(struct remote_hooks *hooks, uint64_t number)
{
    struct letters *const lists[] = {&hooks->recorded, &hooks->sent, &hooks->to_send};
    struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->number == number)
                return letter;
    return NULL;
}

static void remote_settle(void *ctx, uint64_t record, enum hook_outcome outcome)
{
    struct remote_hooks *hooks = ctx;
    struct letter *letter = find_number(hooks, record);
    if (!letter) /* it was not taken */
        return;
    letter->done = NULL;
    letter->outcome = outcome;
    if (letter->state == LETTER_TO_RECORD && outcome == HOOK_NOT_DONE) {
        /* It may have been sent over the channel before this one. */
        letter->provisional = true;
    }
    move(hooks, letter, LETTER_TO_SETTLE);
    send_letters(hooks);
}

/* ---- checks ---- */

static void ask_end(struct remote_hooks *hooks, struct ask *ask, const struct fault *why)
{
    hook_fn *done = ask->done;
    void *ctx = ask->ctx;
    static const struct fault none;
    bool taken = ask->lenient && why->kind == FERRY_E_TEMPORARY;
    if (taken)
        log_event(hooks->log, LOG_LEVEL_ERROR, "check.skipped", F_VISIBLE("reason", why->what),
                  F_STR("side", "server"));
    TAILQ_REMOVE(&hooks->asks, ask, link);
    alloc_free(ask);
    done(ctx, taken ? &none : why);
}

/* Asks whose time was up when they were made are told so later. */
static bool send_check(struct remote_hooks *hooks, const struct deed *deed, uint64_t number, int fd)
{
    char peer[ADDRESS_TEXT_BYTES];
    struct hook_event event;
    struct fault fault = {0};
    event_of(deed, peer, &event);
    if (!hooks->link) {
        fd_close(&fd);
        return false;
    }
    struct wire_writer *writer = link_begin(hooks->link, HOOK_CHECK);
    wire_put_u64(writer, number);
    hook_wire_put_event(writer, &event);
    return link_send(hooks->link, &fd, 1, &fault) == FERRY_OK;
}

static void remote_check(void *ctx, const struct deed *deed, int fd, hook_fn *done, void *done_ctx)
{
    struct remote_hooks *hooks = ctx;
    CLEANUP(fd_close) int owned = fd;
    uint64_t most_ns;
    bool lenient;
    (void)checks_of(hooks, deed->account, &most_ns, &lenient);
    struct ask *ask = alloc_zero(sizeof(*ask));
    if (!ask) {
        struct fault fault = {0};
        fault_set(&fault, FERRY_E_MEMORY, "no memory for a check");
        done(done_ctx, &fault);
        return;
    }
    *ask = (struct ask){
        .number = ++hooks->last_number, .lenient = lenient, .done = done, .ctx = done_ctx};
    TAILQ_INSERT_TAIL(&hooks->asks, ask, link);
    uint64_t now_ns = loop_now_ns(hooks->loop);
    bool sent = send_check(hooks, deed, ask->number, fd_take(&owned));
    ask->deadline_ns = sent ? now_ns + most_ns : now_ns;
    arm(hooks);
}

static void remote_cancel(void *ctx, void *whose)
{
    struct remote_hooks *hooks = ctx;
    struct fault fault = {0};
    struct letter *letter;
    struct ask *ask;
    TAILQ_FOREACH (letter, &hooks->to_send, link)
        if (letter->done && letter->ctx == whose)
            letter->done = NULL;
    TAILQ_FOREACH (letter, &hooks->sent, link)
        if (letter->done && letter->ctx == whose)
            letter->done = NULL;
    TAILQ_FOREACH (ask, &hooks->asks, link) {
        if (ask->ctx != whose)
            continue;
        if (hooks->link) {
            wire_put_u64(link_begin(hooks->link, HOOK_CANCEL), ask->number);
            (void)!link_send(hooks->link, NULL, 0, &fault); /* then it has gone */
        }
        TAILQ_REMOVE(&hooks->asks, ask, link);
        alloc_free(ask);
        break; /* a session has one */
    }
}

const struct hook_ops remote_hooks_ops = {
    .wants = remote_wants,
    .checks = remote_checks,
    .check = remote_check,
    .record = remote_record,
    .settle = remote_settle,
    .note = remote_note,
    .cancel = remote_cancel,
};

/* ---- time is up ---- */

static void tell(struct letter *letter, const struct fault *fault)
{
    hook_fn *done = letter->done;
    letter->done = NULL;
    if (done)
        done(letter->ctx, fault);
}

static struct letter *late_letter(struct remote_hooks *hooks, uint64_t now_ns)
{
    const struct letters *lists[] = {&hooks->to_send, &hooks->sent};
    struct letter *letter;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        TAILQ_FOREACH (letter, lists[i], link)
            if (letter->done && letter->deadline_ns <= now_ns)
                return letter;
    return NULL;
}

static struct ask *late_ask(const struct remote_hooks *hooks, uint64_t now_ns)
{
    struct ask *ask;
    TAILQ_FOREACH (ask, &hooks->asks, link)
        if (ask->deadline_ns <= now_ns)
            return ask;
    return NULL;
}

static void on_time(void *ctx)
{
    struct remote_hooks *hooks = ctx;
    uint64_t now_ns = loop_now_ns(hooks->loop);
    struct letter *letter;
    struct ask *ask;
    while ((letter = late_letter(hooks, now_ns))) {
        struct fault fault = {0};
        fault_set(&fault, letter->failed,
                  letter->failed == FERRY_E_SPACE ? "too many events wait for the process of hooks"
                                                  : "the event could not be recorded in time");
        tell(letter, &fault); /* which settles it */
    }
    while ((ask = late_ask(hooks, now_ns))) {
        struct fault fault = {0};
        fault_set(&fault, FERRY_E_TEMPORARY,
                  hooks->link ? "the check took too long" : "the process of hooks is not there");
        ask_end(hooks, ask, &fault);
    }
    arm(hooks);
}

/* ---- answers ---- */

static enum ferry_error take_recorded(struct remote_hooks *hooks, struct wire_reader *reader,
                                      struct fault *fault)
{
    static const struct fault none;
    uint8_t id[HOOK_ID_BYTES];
    enum ferry_error error = hook_wire_get_id(reader, id, fault);
    uint8_t answer = wire_get_u8(reader);
    struct letter *letter;
    if (error != FERRY_OK)
        return error;
    TAILQ_FOREACH (letter, &hooks->sent, link)
        if (letter->state == LETTER_RECORDING && memcmp(letter->event.id, id, sizeof(id)) == 0)
            break;
    if (!letter) /* its upload was given up meanwhile */
        return FERRY_OK;
    if (answer == HOOK_ON_DISK && letter->provisional) {
        move(hooks, letter, LETTER_RECORDED);
        tell(letter, &none);
        return FERRY_OK;
    }
    if (answer != HOOK_ON_DISK) {
        struct fault why = {0};
        fault_set(&why, answer == HOOK_IS_FULL ? FERRY_E_SPACE : FERRY_E_TEMPORARY,
                  answer == HOOK_IS_FULL ? "hooks_queue events wait to be told"
                                         : "the event could not be written");
        struct letter taken = *letter;
        letter_free(hooks, letter);
        if (taken.done)
            taken.done(taken.ctx, &why);
        return FERRY_OK;
    }
    letter_free(hooks, letter);
    return FERRY_OK;
}

static enum ferry_error take_settled(struct remote_hooks *hooks, struct wire_reader *reader,
                                     struct fault *fault)
{
    uint8_t id[HOOK_ID_BYTES];
    enum ferry_error error = hook_wire_get_id(reader, id, fault);
    struct letter *letter;
    if (error != FERRY_OK)
        return error;
    TAILQ_FOREACH (letter, &hooks->sent, link)
        if (letter->state == LETTER_SETTLING && memcmp(letter->event.id, id, sizeof(id)) == 0)
            break;
    if (letter)
        letter_free(hooks, letter);
    return FERRY_OK;
}

static void take_checked(struct remote_hooks *hooks, struct wire_reader *reader)
{
    uint64_t number = wire_get_u64(reader);
    uint8_t verdict = wire_get_u8(reader);
    struct bytes words = wire_get_bytes(reader);
    struct bytes why = wire_get_bytes(reader);
    struct fault fault = {0};
    struct ask *ask;
    if (verdict == HOOK_REFUSED) {
        fault_set(&fault, FERRY_E_REFUSED, "%.*s", BYTES_FMT(why));
        fault_peer(&fault, 0, words);
    } else if (verdict != HOOK_ALLOWED) {
        fault_set(&fault, FERRY_E_TEMPORARY, "%.*s", BYTES_FMT(why));
    }
    TAILQ_FOREACH (ask, &hooks->asks, link)
        if (ask->number == number)
            break;
    if (!ask) /* cancelled meanwhile */
        return;
    ask->lenient = false; /* hooks has gone by that already */
    ask_end(hooks, ask, &fault);
}

static enum ferry_error on_message(void *ctx, const struct wire_message *row,
                                   struct wire_reader *reader, struct channel_message *raw,
                                   struct fault *fault)
{
    (void)raw;
    struct remote_hooks *hooks = ctx;
    enum ferry_error error = FERRY_OK;
    if (row->type == HOOK_RECORDED)
        error = take_recorded(hooks, reader, fault);
    else if (row->type == HOOK_SETTLED)
        error = take_settled(hooks, reader, fault);
    else
        take_checked(hooks, reader);
    send_letters(hooks);
    return error;
}

/* ---- the channel ---- */

/* Checks that were under way fail; events wait. */
static void disconnect(struct remote_hooks *hooks)
{
    struct ask *ask;
    link_free(hooks->link);
    hooks->link = NULL;
    while ((ask = TAILQ_FIRST(&hooks->asks))) {
        struct fault fault = {0};
        fault_set(&fault, FERRY_E_TEMPORARY, "the process of hooks ended");
        ask_end(hooks, ask, &fault);
    }
}

static void on_closed(void *ctx, const struct fault *why)
{
    struct remote_hooks *hooks = ctx;
    log_event(hooks->log, LOG_LEVEL_ERROR, "channel.ended", F_STR("peer", "hooks"),
              F_VISIBLE("reason", fault_is_set(why) ? why->what : "that process has ended"),
              F_U64("events", hooks->letter_count));
    disconnect(hooks);
}

enum ferry_error remote_hooks_connect(struct remote_hooks *hooks, int fd)
{
    const struct link_setup setup = {
        .loop = hooks->loop,
        .table = &hook_messages_to_worker,
        .peer = ROLE_HOOKS,
        .message = on_message,
        .closed = on_closed,
        .ctx = hooks,
    };
    disconnect(hooks);
    enum ferry_error error = link_new(&setup, fd, &hooks->link);
    if (error != FERRY_OK)
        return error;
    if (hooks->lost > 0)
        log_event(hooks->log, LOG_LEVEL_ERROR, "hook.lost", F_U64("events", hooks->lost),
                  F_STR("reason", "the process of hooks was not there"), F_STR("side", "server"));
    hooks->lost = 0;
    send_again(hooks);
    return FERRY_OK;
}

/* ---- life ---- */

struct remote_hooks *remote_hooks_new(struct loop *loop, const struct log *log)
{
    struct remote_hooks *hooks = alloc_zero(sizeof(*hooks));
    if (!hooks)
        return NULL;
    *hooks = (struct remote_hooks){.loop = loop, .log = log};
    TAILQ_INIT(&hooks->to_send);
    TAILQ_INIT(&hooks->sent);
    TAILQ_INIT(&hooks->recorded);
    TAILQ_INIT(&hooks->asks);
    hooks->timer = loop_timer_new(loop, on_time, hooks);
    if (hooks->timer)
        return hooks;
    remote_hooks_free(hooks);
    return NULL;
}

void remote_hooks_free(struct remote_hooks *hooks)
{
    if (!hooks)
        return;
    struct letters *const lists[] = {&hooks->to_send, &hooks->sent, &hooks->recorded};
    struct letter *letter;
    struct ask *ask;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        while ((letter = TAILQ_FIRST(lists[i])))
            letter_free(hooks, letter);
    while ((ask = TAILQ_FIRST(&hooks->asks))) {
        TAILQ_REMOVE(&hooks->asks, ask, link);
        alloc_free(ask);
    }
    loop_timer_free(hooks->timer);
    link_free(hooks->link);
    alloc_free(hooks);
}

void remote_hooks_open(struct remote_hooks *hooks, const struct conf *conf)
{
    hooks->conf = conf;
}
