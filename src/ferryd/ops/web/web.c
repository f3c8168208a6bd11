/* The operator's page: what a request is answered with. */
#include "ferryd/ops/web/web.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "ferryd/ops/web/form.h"
#include "ferryd/ops/web/host.h"
#include "ferryd/ops/web/page.h"
#include "ferryd/ops/web/signin.h"
#include "ferryd/ops/web/static.h"
#include "ferryd/ops/web/visits.h"

enum { FIELD_BYTES = 1024, COOKIE_BYTES = 256, TOLD_BYTES = 160 };

static const char html_type[] = "text/html; charset=utf-8";

/* No script but the page's own, from nowhere else, and no page around it. */
const struct web_header web_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
     "require-trusted-types-for 'script'"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};
const size_t web_header_count = ARRAY_LEN(web_headers);

struct web {
    struct web_setup setup; /* its texts are not used after web_new; those of `hosts` are ours */
    char **hosts;
    struct signin *signin;
    struct visits visits;
    /* The login whose password is being computed. */
    struct {
        web_answer_fn *answer; /* NULL: there is none */
        void *ctx;
        bool secure; /* the cookie must go by TLS alone */
    } waiting;
};

/* One request on its way to its answer. */
struct turn {
    struct web *web;
    const struct web_request *request;
    web_answer_fn *answer;
    void *ctx;
    const struct visit *visit; /* NULL: has not logged in */
    bool secure;
};

/* ---- answers ---- */

static void answer_words(web_answer_fn *answer, void *ctx, unsigned status, const char *words)
{
    const struct web_answer plain = {
        .status = status,
        .type = "text/plain; charset=utf-8",
        .body = bytes_str(words),
    };
    answer(ctx, &plain);
}

static void answer_location(web_answer_fn *answer, void *ctx, const char *location,
                            const char *cookie)
{
    const struct web_answer there = {
        .status = 303,
        .type = html_type,
        .location = location,
        .cookie = cookie,
    };
    answer(ctx, &there);
}

/* `like` has all but the body. */
static void answer_page(struct web *web, web_answer_fn *answer, void *ctx,
                        const struct page_kind *kind, const struct visit *visit, const char *told,
                        const struct web_answer *like)
{
    CLEANUP(buf_fini) struct buf body;
    struct page page = {
        .state = visit ? web->setup.state : NULL,
        .token = visit ? secret_reveal(visit->token).ptr : "",
        .told = told,
        .now_ns = clock_wall_ns(web->setup.clock),
    };
    struct web_answer whole = *like;
    buf_init(&body, PAGE_MAX_BYTES);
    if (page_render(kind, &page, &body) != FERRY_OK) {
        answer_words(answer, ctx, 500, "The page could not be made.\n");
        return;
    }
    whole.type = html_type;
    whole.body = buf_view(&body);
    answer(ctx, &whole);
}

static void refuse(const struct turn *turn, unsigned status, const char *told)
{
    answer_page(turn->web, turn->answer, turn->ctx, &page_refusal, turn->visit, told,
                &(struct web_answer){.status = status});
}

/* ---- pages ---- */

static bool show_static(const struct turn *turn)
{
    static const struct {
        const char *path, *type;
        const struct bytes *body;
    } files[] = {
        {"/style.css", "text/css; charset=utf-8", &embedded_style_css},
        {"/live.js", "text/javascript; charset=utf-8", &embedded_live_js},
        {"/icon.svg", "image/svg+xml", &embedded_icon_svg},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (strcmp(files[i].path, turn->request->path) != 0)
            continue;
        const struct web_answer file = {
            .status = 200, .type = files[i].type, .body = *files[i].body};
        turn->answer(turn->ctx, &file);
        return true;
    }
    return false;
}

static void get(const struct turn *turn)
{
    const char *path = turn->request->path;
    const struct page_kind *kind = page_find(path);
    if (show_static(turn))
        return;
    if (strcmp(path, page_login.path) == 0 && turn->visit)
        answer_location(turn->answer, turn->ctx, "/", NULL);
    else if (strcmp(path, page_login.path) == 0)
        answer_page(turn->web, turn->answer, turn->ctx, &page_login, NULL, NULL,
                    &(struct web_answer){.status = 200});
    else if (!turn->visit && kind && kind->bare)
        answer_words(turn->answer, turn->ctx, 401, "Log in first.\n");
    else if (!turn->visit)
        answer_location(turn->answer, turn->ctx, "/login", NULL);
    else if (kind)
        answer_page(turn->web, turn->answer, turn->ctx, kind, turn->visit, NULL,
                    &(struct web_answer){.status = 200});
    else
        refuse(turn, 404, "There is no such page.");
}

/* ---- login ---- */

static void let_in(struct web *web, web_answer_fn *answer, void *ctx, bool secure)
{
    struct visit *visit;
    char cookie[COOKIE_BYTES];
    if (visits_begin(&web->visits, loop_now_ns(web->setup.loop), &visit) != FERRY_OK) {
        answer_words(answer, ctx, 503, "Memory is short.\n");
        return;
    }
    log_event(web->setup.log, LOG_LEVEL_NOTICE, "web.login", F_U64("visit", visit->number));
    snprintf(cookie, sizeof(cookie), VISITS_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s",
             secret_reveal(visit->cookie).ptr, secure ? "; Secure" : "");
    answer_location(answer, ctx, "/", cookie);
    secret_wipe(cookie, sizeof(cookie));
}

static void signed_in(void *ctx, bool right)
{
    struct web *web = ctx;
    web_answer_fn *answer = web->waiting.answer;
    web->waiting.answer = NULL;
    if (right) {
        let_in(web, answer, web->waiting.ctx, web->waiting.secure);
        return;
    }
    log_event(web->setup.log, LOG_LEVEL_NOTICE, "web.refused",
              F_STR("reason", "wrong name or password"), F_STR("side", "client"),
              F_STR("advice", "if it was you: web_user and web_password_hash are in ferryd.conf"));
    answer_page(web, answer, web->waiting.ctx, &page_login, NULL,
                "The name or the password is wrong.", &(struct web_answer){.status = 403});
}

static void try_later(const struct turn *turn, uint64_t wait_s)
{
    char told[TOLD_BYTES];
    snprintf(told, sizeof(told), "Too many tries: wait %llu s before the next.",
             (unsigned long long)wait_s);
    answer_page(turn->web, turn->answer, turn->ctx, &page_login, NULL, told,
                &(struct web_answer){.status = 429, .retry_s = wait_s});
}

static void post_login(const struct turn *turn)
{
    CLEANUP(buf_fini) struct buf user;
    CLEANUP(buf_wipe) struct buf password;
    struct secret *given = NULL;
    uint64_t wait_s = 1;
    buf_init(&user, FIELD_BYTES);
    buf_init(&password, FIELD_BYTES);
    if (form_field(turn->request->body, "user", &user) != FERRY_OK ||
        form_field(turn->request->body, "password", &password) != FERRY_OK) {
        refuse(turn, 400, "The form is not whole.");
        return;
    }
    struct web *web = turn->web;
    enum ferry_error error = secret_new(buf_view(&password), &given);
    if (error == FERRY_OK)
        error = signin_try(web->signin, buf_view(&user), given, signed_in, web, &wait_s);
    if (error != FERRY_OK) {
        try_later(turn, wait_s);
        return;
    }
    web->waiting.answer = turn->answer;
    web->waiting.ctx = turn->ctx;
    web->waiting.secure = turn->secure;
}

/* ---- deeds ---- */

static void post_logout(const struct turn *turn, struct visit *visit)
{
    visit_end(visit);
    answer_location(turn->answer, turn->ctx, "/login",
                    VISITS_COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}

static void post_kick(const struct turn *turn, struct visit *visit)
{
    CLEANUP(buf_fini) struct buf text;
    const struct web *web = turn->web;
    uint64_t id;
    (void)visit;
    buf_init(&text, FIELD_BYTES);
    if (form_field(turn->request->body, "session", &text) != FERRY_OK ||
        !text_u64(buf_view(&text), UINT64_MAX, &id)) {
        refuse(turn, 400, "The form is not whole.");
        return;
    }
    if (!web->setup.deeds.kick(web->setup.deeds.ctx, id)) {
        refuse(turn, 404, "That session has ended already.");
        return;
    }
    log_event(web->setup.log, LOG_LEVEL_NOTICE, "web.kick", F_U64("session", id));
    answer_location(turn->answer, turn->ctx, "/", NULL);
}

static void post_unban(const struct turn *turn, struct visit *visit)
{
    CLEANUP(buf_fini) struct buf text;
    const struct web *web = turn->web;
    (void)visit;
    buf_init(&text, FIELD_BYTES);
    if (form_field(turn->request->body, "address", &text) != FERRY_OK || buf_len(&text) == 0 ||
        buf_append(&text, bytes_of("", 1)) != FERRY_OK) {
        refuse(turn, 400, "The form is not whole.");
        return;
    }
    const char *address = buf_view(&text).ptr;
    if (!web->setup.deeds.unban(web->setup.deeds.ctx, address)) {
        refuse(turn, 404, "That ban has ended already.");
        return;
    }
    log_event(web->setup.log, LOG_LEVEL_NOTICE, "web.unban", F_STR("address", address));
    answer_location(turn->answer, turn->ctx, "/failures", NULL);
}

static bool has_token(const struct turn *turn)
{
    CLEANUP(buf_wipe) struct buf token;
    buf_init(&token, FIELD_BYTES);
    return form_field(turn->request->body, "token", &token) == FERRY_OK &&
           visit_sent(turn->visit, buf_view(&token));
}

static void post(const struct turn *turn, struct visit *visit)
{
    static const struct {
        const char *path;
        void (*does)(const struct turn *turn, struct visit *visit);
    } deeds[] = {{"/logout", post_logout}, {"/kick", post_kick}, {"/unban", post_unban}};
    if (!host_is_origin(turn->request->host, turn->request->origin)) {
        refuse(turn, 403, "That form was on a page of somebody else.");
        return;
    }
    if (strcmp(turn->request->path, page_login.path) == 0) {
        post_login(turn);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        if (strcmp(deeds[i].path, turn->request->path) != 0)
            continue;
        if (!visit)
            answer_location(turn->answer, turn->ctx, "/login", NULL);
        else if (!has_token(turn))
            refuse(turn, 403, "The form lacks the token of this login. Load its page again.");
        else
            deeds[i].does(turn, visit);
        return;
    }
    refuse(turn, 404, "There is no such page.");
}

/* ---- requests ---- */

/* A page that refreshes itself keeps no visit alive. */
static struct visit *visit_of(struct web *web, const struct web_request *request)
{
    const struct page_kind *kind = page_find(request->path);
    return visits_find(&web->visits, request->cookies, loop_now_ns(web->setup.loop),
                       !kind || !kind->bare);
}

void web_ask(struct web *web, const struct web_request *request, web_answer_fn *answer, void *ctx)
{
    enum host_kind kind = host_kind(request->host, web->hosts, web->setup.host_count);
    if (kind == HOST_FOREIGN) {
        answer_words(answer, ctx, 421,
                     "This page is asked for as localhost; other names are for web_hosts in "
                     "ferryd.conf.\n");
        return;
    }
    struct visit *visit = visit_of(web, request);
    const struct turn turn = {
        .web = web,
        .request = request,
        .answer = answer,
        .ctx = ctx,
        .visit = visit,
        .secure = kind == HOST_NAMED,
    };
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        get(&turn);
    else if (strcmp(request->method, "POST") == 0)
        post(&turn, visit);
    else
        refuse(&turn, 405, "It takes GET and POST.");
}

/* ---- life ---- */

static enum ferry_error copy_hosts(struct web *web)
{
    size_t count = web->setup.host_count;
    web->setup.host_count = 0;
    if (count > 0 && !(web->hosts = alloc_resize(NULL, count, sizeof(*web->hosts))))
        return FERRY_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (!(web->hosts[i] = alloc_str(web->setup.hosts[i])))
            return FERRY_E_MEMORY;
        web->setup.host_count++;
    }
    return FERRY_OK;
}

enum ferry_error web_new(const struct web_setup *setup, struct web **out)
{
    struct web *web = alloc_zero(sizeof(*web));
    if (!web)
        return FERRY_E_MEMORY;
    web->setup = *setup;
    visits_init(&web->visits);
    enum ferry_error error = copy_hosts(web);
    web->signin = signin_new(setup->loop, setup->user, setup->password_hash);
    if (error != FERRY_OK || !web->signin) {
        web_free(web);
        return FERRY_E_MEMORY;
    }
    *out = web;
    return FERRY_OK;
}

void web_free(struct web *web)
{
    if (!web)
        return;
    signin_free(web->signin);
    if (web->waiting.answer)
        answer_words(web->waiting.answer, web->waiting.ctx, 503, "The server is ending.\n");
    visits_fini(&web->visits);
    for (size_t i = 0; i < web->setup.host_count; i++)
        alloc_free(web->hosts[i]);
    alloc_free(web->hosts);
    alloc_free(web);
}
