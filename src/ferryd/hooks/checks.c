/* Uploads that are checked before they take their name. */
#include "ferryd/hooks/checks.h"

#include <stdio.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ferryd/hooks/event_json.h"
#include "ferryd/hooks/target.h"
#include "ferryd/settings.h"

enum { BODY_MAX_BYTES = 64 * 1024 };

/* A check block. */
struct place {
    const struct settings_check *settings;
    uint64_t running;
    TAILQ_HEAD(, upload) waiting;
};

/* An upload. */
struct upload {
    TAILQ_ENTRY(upload) link;    /* of all */
    TAILQ_ENTRY(upload) in_line; /* of those that wait at a place */
    struct checks *checks;
    void *owner;
    uint64_t number;
    int fd;
    char *account;
    char id[HOOK_ID_TEXT_BYTES];
    struct buf body;
    size_t at;    /* which place */
    bool waiting; /* there */
    uint64_t until_ns;
    struct loop_timer *timer; /* its patience; or, at once, the next step */
    struct target_run *run;
};

struct checks {
    struct checks_setup setup;
    struct place *places;
    size_t count;
    TAILQ_HEAD(, upload) all;
};

/* ---- ends ---- */

static void start_waiting(struct place *place);

static void leave_place(struct upload *check)
{
    struct place *place = &check->checks->places[check->at];
    if (check->waiting)
        TAILQ_REMOVE(&place->waiting, check, in_line);
    else if (check->run)
        place->running--;
    check->waiting = false;
    target_free(check->run);
    check->run = NULL;
}

static void check_free(struct upload *check)
{
    struct checks *checks = check->checks;
    struct place *place = check->at < checks->count ? &checks->places[check->at] : NULL;
    if (place)
        leave_place(check);
    TAILQ_REMOVE(&checks->all, check, link);
    loop_timer_free(check->timer);
    fd_close(&check->fd);
    buf_fini(&check->body);
    alloc_free(check->account);
    alloc_free(check);
    if (place)
        start_waiting(place);
}

static void tell(struct upload *check, enum hook_verdict verdict, const char *words,
                 const char *why)
{
    checks_fn *done = check->checks->setup.done;
    void *owner = check->owner;
    uint64_t number = check->number;
    check_free(check);
    done(owner, number, verdict, words, why);
}

/* ---- one place after the other ---- */

static void go_on(struct upload *check);

static void log_outcome(const struct upload *check, enum log_level level, const char *event,
                        const char *why)
{
    log_event(check->checks->setup.log, level, event,
              F_STR("check", check->checks->places[check->at].settings->name),
              F_STR("id", check->id), F_STR("account", check->account), F_VISIBLE("reason", why),
              F_STR("side", level == LOG_LEVEL_ERROR ? "server" : "client"),
              F_STR("advice", level == LOG_LEVEL_ERROR
                                  ? "look at the program or address of the check"
                                  : "the client is to look at what it sends"));
}

/* It has passed this place. */
static void pass(struct upload *check)
{
    struct place *place = &check->checks->places[check->at];
    leave_place(check);
    check->at++;
    start_waiting(place);
    go_on(check);
}

static void failed(struct upload *check, const char *why)
{
    const struct place *place = &check->checks->places[check->at];
    bool passes = place->settings->on_failure == HOOK_GO_ON;
    char words[FAULT_TEXT_BYTES + 64];
    log_outcome(check, LOG_LEVEL_ERROR, passes ? "check.skipped" : "check.failed", why);
    snprintf(words, sizeof(words), "check \"%s\": %s", place->settings->name, why);
    if (passes)
        pass(check);
    else
        tell(check, HOOK_FAILED, "", words);
}

static void asked(void *ctx, const struct target_outcome *outcome)
{
    struct upload *check = ctx;
    struct target_outcome copy = *outcome; /* it goes with the run */
    const struct place *place = &check->checks->places[check->at];
    char words[FAULT_TEXT_BYTES + 64];
    switch (copy.verdict) {
    case TARGET_TAKEN:
        pass(check);
        break;
    case TARGET_REFUSED:
        log_outcome(check, LOG_LEVEL_NOTICE, "check.refused", copy.why);
        snprintf(words, sizeof(words), "check \"%s\": %s", place->settings->name, copy.why);
        tell(check, HOOK_REFUSED, copy.words, words);
        break;
    case TARGET_FAILED:
        failed(check, copy.why);
        break;
    }
}

static enum ferry_error ask(struct upload *check, struct fault *fault)
{
    const struct checks *checks = check->checks;
    const struct place *place = &checks->places[check->at];
    uint64_t now_ns = loop_now_ns(checks->setup.loop);
    const struct target_order order = {
        .loop = checks->setup.loop,
        .to = &place->settings->to,
        .name = place->settings->name,
        .temporary = checks->setup.temporary,
        .timeout_ns = check->until_ns > now_ns ? check->until_ns - now_ns : 1,
        .event = buf_view(&check->body),
        .id = bytes_str(check->id),
        .kind = BYTES_LIT("upload"),
        .file = check->fd,
        .done = asked,
        .ctx = check,
    };
    return target_start(&order, &check->run, fault);
}

static void start_waiting(struct place *place)
{
    struct upload *check;
    while (place->running < place->settings->to.jobs && (check = TAILQ_FIRST(&place->waiting))) {
        struct fault fault = {0};
        TAILQ_REMOVE(&place->waiting, check, in_line);
        check->waiting = false;
        loop_timer_at(check->timer, CLOCK_NEVER);
        if (ask(check, &fault) == FERRY_OK)
            place->running++;
        else
            failed(check, fault.what);
    }
}

static void on_time(void *ctx)
{
    struct upload *check = ctx;
    if (check->waiting)
        failed(check, "too many others are being checked");
    else
        go_on(check);
}

/* Waits at the next place that is for the account. */
static void go_on(struct upload *check)
{
    struct checks *checks = check->checks;
    while (check->at < checks->count &&
           !settings_target_matches(&checks->places[check->at].settings->to,
                                    bytes_str(check->account)))
        check->at++;
    if (check->at == checks->count) {
        tell(check, HOOK_ALLOWED, "", "");
        return;
    }
    struct place *place = &checks->places[check->at];
    check->until_ns = loop_now_ns(checks->setup.loop) + place->settings->max_wait_ns;
    check->waiting = true;
    loop_timer_at(check->timer, check->until_ns);
    TAILQ_INSERT_TAIL(&place->waiting, check, in_line);
    start_waiting(place);
}

enum ferry_error checks_ask(struct checks *checks, void *owner, uint64_t number,
                            const struct hook_event *event, int fd)
{
    CLEANUP(fd_close) int owned = fd;
    struct upload *check = alloc_zero(sizeof(*check));
    if (!check)
        return FERRY_E_MEMORY;
    *check = (struct upload){
        .checks = checks, .owner = owner, .number = number, .fd = -1, .at = checks->count};
    TAILQ_INSERT_TAIL(&checks->all, check, link);
    buf_init(&check->body, BODY_MAX_BYTES);
    hook_id_text(event->id, check->id);
    check->account = alloc_bytes(event->account);
    check->timer = loop_timer_new(checks->setup.loop, on_time, check);
    if (!check->account || !check->timer || event_json(event, &check->body) != FERRY_OK) {
        check_free(check);
        return FERRY_E_MEMORY;
    }
    check->fd = fd_take(&owned);
    check->at = 0;
    loop_timer_at(check->timer, loop_now_ns(checks->setup.loop)); /* not from inside this call */
    return FERRY_OK;
}

void checks_cancel(struct checks *checks, const void *owner, uint64_t number)
{
    struct upload *check;
    TAILQ_FOREACH (check, &checks->all, link)
        if (check->owner == owner && check->number == number)
            break;
    if (check)
        check_free(check);
}

static struct upload *first_of(const struct checks *checks, const void *owner)
{
    struct upload *check;
    TAILQ_FOREACH (check, &checks->all, link)
        if (check->owner == owner)
            break;
    return check;
}

/* Each time from the beginning: what waited for its place may end meanwhile, too. */
void checks_forget(struct checks *checks, const void *owner)
{
    struct upload *check;
    while ((check = first_of(checks, owner)))
        check_free(check);
}

struct checks *checks_new(const struct checks_setup *setup)
{
    struct checks *checks = alloc_zero(sizeof(*checks));
    const struct conf_instance *block = NULL;
    if (!checks)
        return NULL;
    checks->setup = *setup;
    TAILQ_INIT(&checks->all);
    while ((block = conf_next(setup->conf, SETTINGS_CHECK, block)))
        checks->count++;
    checks->places = alloc_zero((checks->count + 1) * sizeof(*checks->places));
    if (!checks->places) {
        alloc_free(checks);
        return NULL;
    }
    for (size_t i = 0; (block = conf_next(setup->conf, SETTINGS_CHECK, block)); i++) {
        checks->places[i].settings = block->values;
        TAILQ_INIT(&checks->places[i].waiting);
    }
    return checks;
}
