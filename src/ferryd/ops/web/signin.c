/* The login of the page. */
#include "ferryd/ops/web/signin.h"

#include "account/password.h"
#include "base/alloc.h"
#include "base/clock.h"

/* One try, on the pool. Owned by its job, so that it outlives a `signin` that goes away. */
struct attempt {
    struct signin *signin; /* NULL: nobody waits for it any more */
    struct secret *password;
    char *hash; /* NULL: no such user */
    bool right;
    signin_answer_fn *answer;
    void *ctx;
};

struct signin {
    struct loop *loop;
    struct secret *user; /* not that it is secret: it is compared in constant time */
    char *hash;
    struct attempt *attempt; /* under way */
    unsigned failures;
    uint64_t failed_ns, free_ns; /* the last failure; when the next try may come */
};

struct signin *signin_new(struct loop *loop, const char *user, const char *password_hash)
{
    struct signin *signin = alloc_zero(sizeof(*signin));
    if (!signin)
        return NULL;
    signin->loop = loop;
    signin->hash = alloc_str(password_hash);
    if (!signin->hash || secret_new(bytes_str(user), &signin->user) != FERRY_OK) {
        signin_free(signin);
        return NULL;
    }
    return signin;
}

static void free_attempt(struct attempt *attempt)
{
    secret_free(attempt->password);
    alloc_free(attempt->hash);
    alloc_free(attempt);
}

void signin_free(struct signin *signin)
{
    if (!signin)
        return;
    if (signin->attempt)
        signin->attempt->signin = NULL;
    secret_free(signin->user);
    alloc_free(signin->hash);
    alloc_free(signin);
}

/* ---- failures ---- */

static void note_failure(struct signin *signin, uint64_t now_ns)
{
    uint64_t delay_ns = 0;
    if (signin->failures < UINT32_MAX)
        signin->failures++;
    if (signin->failures > SIGNIN_FREE)
        delay_ns = SIGNIN_STEP_NS;
    for (unsigned i = SIGNIN_FREE + 1; i < signin->failures && delay_ns < SIGNIN_MOST_NS; i++)
        delay_ns *= 2;
    signin->failed_ns = now_ns;
    signin->free_ns = now_ns + (delay_ns < SIGNIN_MOST_NS ? delay_ns : SIGNIN_MOST_NS);
}

/* How long the next try has to wait. */
static uint64_t wait_ns(struct signin *signin, uint64_t now_ns)
{
    if (signin->failures > 0 && now_ns - signin->failed_ns >= SIGNIN_KEPT_NS)
        signin->failures = 0;
    return signin->failures > 0 && now_ns < signin->free_ns ? signin->free_ns - now_ns : 0;
}

/* ---- a try ---- */

static void compute(void *ctx)
{
    struct attempt *attempt = ctx;
    attempt->right = password_fits(secret_reveal(attempt->password), attempt->hash);
}

static void computed(void *ctx)
{
    struct attempt *attempt = ctx;
    struct signin *signin = attempt->signin;
    if (signin) {
        signin->attempt = NULL;
        if (attempt->right)
            signin->failures = 0;
        else
            note_failure(signin, loop_now_ns(signin->loop));
        attempt->answer(attempt->ctx, attempt->right);
    }
    free_attempt(attempt);
}

static enum ferry_error begin(struct signin *signin, struct attempt *attempt, bool known)
{
    if (known && !(attempt->hash = alloc_str(signin->hash)))
        return FERRY_E_MEMORY;
    return loop_job(signin->loop, compute, computed, attempt);
}

enum ferry_error signin_try(struct signin *signin, struct bytes user, struct secret *password,
                            signin_answer_fn *answer, void *ctx, uint64_t *wait_s)
{
    CLEANUP(secret_drop) struct secret *owned = password;
    uint64_t left_ns = wait_ns(signin, loop_now_ns(signin->loop));
    *wait_s = 1 + left_ns / CLOCK_NS_PER_S;
    if (signin->attempt || left_ns > 0)
        return FERRY_E_LIMIT;
    struct attempt *attempt = alloc_zero(sizeof(*attempt));
    if (!attempt)
        return FERRY_E_MEMORY;
    *attempt = (struct attempt){.signin = signin, .password = owned, .answer = answer, .ctx = ctx};
    owned = NULL;
    enum ferry_error error = begin(signin, attempt, secret_equal(signin->user, user));
    if (error != FERRY_OK)
        free_attempt(attempt);
    else
        signin->attempt = attempt;
    return error;
}
