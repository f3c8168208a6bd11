/* A short list of accounts. */
#include "embed/users.h"

#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/secret.h"
#include "embed/local_store.h"
#include "store/root.h"
#include "store/sweep.h"
#include "tls/digest.h"

enum {
    SALT_BYTES = 16,
    NEW_FILES_MASK = 027, /* SEC-37 */
    LISTINGS_BYTES = 64 * 1024 * 1024,
};

struct user {
    SLIST_ENTRY(user) link;
    char *name; /* NULL: nobody */
    char *root;
    struct home_rules rules;
    char *denied_names;      /* of `rules`, or NULL */
    users_verify_fn *verify; /* NULL: the hash decides */
    char *stored;            /* for `verify` */
    struct charset *charset; /* NULL: none */
    uint64_t sessions_max, rate_up, rate_down;
    uint64_t quota_bytes, quota_files;
    char salt[SALT_BYTES];
    struct secret *hash; /* of salt and password; neither this nor `verify`: there is none */
    struct user_demands demands;
    unsigned refs; /* the list's and those of logins under way */
};

struct users {
    struct loop *loop;
    SLIST_HEAD(, user) list;
    TAILQ_HEAD(, login_job) jobs;
    unsigned count;
    struct dir_budget listings; /* of all sessions together */
    struct user *nobody;        /* whose hash is computed for unknown names (SEC-84) */
};

/* One login, decided on the pool: hashing and opening the root take time. */
struct login_job {
    TAILQ_ENTRY(login_job) link;
    struct users *users;
    struct user *user;       /* held; or nobody */
    struct user *hashed;     /* held; whose password is computed: nobody's for a user without one */
    struct secret *password; /* NULL: the question is whether one is needed */
    struct admission_evidence evidence; /* but for the password */
    login_fn *done;                     /* NULL: cancelled */
    void *ctx;
    enum login_verdict verdict;
    struct fault fault;
    struct root root; /* if granted */
};

/* ---- hashes ---- */

static enum ferry_error hash(const struct user *user, struct bytes password, struct secret **out)
{
    struct digest *digest = digest_new(DIGEST_SHA256);
    if (!digest)
        return FERRY_E_MEMORY;
    uint8_t value[DIGEST_MAX_BYTES];
    size_t len = 0;
    enum ferry_error error = digest_update(digest, bytes_of(user->salt, SALT_BYTES));
    if (error == FERRY_OK)
        error = digest_update(digest, password);
    if (error == FERRY_OK)
        error = digest_final(digest, value, &len);
    digest_free(digest);
    if (error == FERRY_OK)
        error = secret_new(bytes_of(value, len), out);
    secret_wipe(value, sizeof(value));
    return error;
}

static enum ferry_error set_password(struct user *user, struct bytes password)
{
    if (getrandom(user->salt, SALT_BYTES, 0) != SALT_BYTES)
        return FERRY_E_STATE;
    return hash(user, password, &user->hash);
}

/* ---- the list ---- */

/* NULL: no memory. */
static struct user *user_new(void)
{
    struct user *user = alloc_zero(sizeof(*user));
    if (user)
        user->refs = 1;
    return user;
}

static void user_unref(struct user *user)
{
    if (!user || --user->refs > 0)
        return;
    alloc_free(user->name);
    alloc_free(user->root);
    alloc_free(user->stored);
    alloc_free(user->denied_names);
    secret_free(user->hash);
    user_demands_fini(&user->demands);
    charset_free(user->charset);
    quota_unref(user->rules.quota);
    alloc_free(user);
}

struct users *users_new(struct loop *loop)
{
    struct users *users = alloc_zero(sizeof(*users));
    if (!users)
        return NULL;
    users->loop = loop;
    users->listings.max_bytes = LISTINGS_BYTES;
    SLIST_INIT(&users->list);
    TAILQ_INIT(&users->jobs);
    /* No password has this hash: what is hashed is longer than any. */
    char nothing[SECRET_MAX_BYTES + 1] = {0};
    users->nobody = user_new();
    if (!users->nobody ||
        set_password(users->nobody, bytes_of(nothing, sizeof(nothing))) != FERRY_OK) {
        users_free(users);
        return NULL;
    }
    return users;
}

static void forget_all(struct users *users)
{
    struct user *user;
    while ((user = SLIST_FIRST(&users->list))) {
        SLIST_REMOVE_HEAD(&users->list, link);
        user_unref(user);
    }
    user_unref(users->nobody);
    users->nobody = NULL;
    users->count = 0;
}

void users_free(struct users *users)
{
    if (!users)
        return;
    forget_all(users);
    alloc_free(users);
}

/* The quota of an account outlives a reload, for sessions of the old one go on. */
static void keep_quota(const struct users *users, struct user *user)
{
    struct user *old;
    SLIST_FOREACH (old, &users->list, link) {
        if (!old->rules.quota || !user->rules.quota || strcmp(old->name, user->name) != 0 ||
            strcmp(old->root, user->root) != 0)
            continue;
        quota_unref(user->rules.quota);
        user->rules.quota = quota_ref(old->rules.quota);
        quota_set(user->rules.quota, user->quota_bytes, user->quota_files);
    }
}

void users_take(struct users *users, struct users *from)
{
    struct user *user;
    SLIST_FOREACH (user, &from->list, link)
        keep_quota(users, user);
    forget_all(users);
    users->list.slh_first = from->list.slh_first;
    SLIST_INIT(&from->list);
    users->nobody = from->nobody;
    users->count = from->count;
    from->nobody = NULL;
    from->count = 0;
}

/* The account of that name, or nobody. Looks at all of them, found or not. */
static struct user *users_find(const struct users *users, struct bytes name)
{
    struct user *found = users->nobody;
    struct user *user;
    SLIST_FOREACH (user, &users->list, link)
        if (bytes_equal(bytes_str(user->name), name))
            found = user;
    return found;
}

static enum ferry_error check_new(struct users *users, const struct user_settings *settings,
                                  struct fault *fault)
{
    struct bytes view = bytes_str(settings->name);
    if (view.len == 0 || view.len > LOGIN_NAME_MAX_BYTES)
        return fault_set(fault, FERRY_E_ARGUMENT, "an account's name has 1 to %d bytes",
                         LOGIN_NAME_MAX_BYTES);
    if (users_find(users, view) != users->nobody)
        return fault_set(fault, FERRY_E_ARGUMENT, "there is an account %s already", settings->name);
    bool has_password = settings->password || settings->stored;
    if (!has_password && (settings->login == ADMISSION_PASSWORD ||
                          settings->login == ADMISSION_CERTIFICATE_AND_PASSWORD))
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "the account %s needs a password, and there is none", settings->name);
    struct root opened;
    if (root_init(&opened, settings->root, ROOT_LINKS_BENEATH, NEW_FILES_MASK, fault) != FERRY_OK)
        return FERRY_E_ARGUMENT;
    root_fini(&opened);
    return FERRY_OK;
}

/* What decides of the account's password: hash, or stored and verify, or nothing. */
static enum ferry_error keep_password(struct user *user, const struct user_settings *settings)
{
    if (settings->password)
        return set_password(user, bytes_str(settings->password));
    if (!settings->stored)
        return FERRY_OK;
    user->stored = alloc_str(settings->stored);
    user->verify = user->stored ? settings->verify : NULL;
    return user->stored ? FERRY_OK : FERRY_E_MEMORY;
}

/* false: no memory. */
static bool set_quota(struct user *user, const struct user_settings *settings)
{
    user->quota_bytes = settings->quota_bytes;
    user->quota_files = settings->quota_files;
    if (settings->read_only || (settings->quota_bytes == 0 && settings->quota_files == 0))
        return true;
    user->rules.quota = quota_new();
    if (user->rules.quota)
        quota_set(user->rules.quota, user->quota_bytes, user->quota_files);
    return user->rules.quota != NULL;
}

static enum ferry_error copy_settings(struct user *user, const struct user_settings *settings)
{
    bool denies = settings->denied_names != NULL;
    user->name = alloc_str(settings->name);
    user->root = alloc_str(settings->root);
    user->denied_names = denies ? alloc_str(settings->denied_names) : NULL;
    user->rules = (struct home_rules){
        .read_only = settings->read_only,
        .upload_in_place = settings->upload_in_place,
        .hide_dotfiles = settings->hide_dotfiles,
        .denied_names = user->denied_names,
        .control_bytes = settings->control_bytes,
    };
    user->sessions_max = settings->sessions_max;
    user->rate_up = settings->rate_up;
    user->rate_down = settings->rate_down;
    if (!set_quota(user, settings))
        return FERRY_E_MEMORY;
    if (!user->name || !user->root || (denies && !user->denied_names))
        return FERRY_E_MEMORY;
    return keep_password(user, settings);
}

enum ferry_error users_add(struct users *users, const struct user_settings *settings,
                           struct fault *fault)
{
    enum ferry_error error = check_new(users, settings, fault);
    if (error != FERRY_OK)
        return error;
    struct user *user = user_new();
    if (!user)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
    error = copy_settings(user, settings);
    if (error == FERRY_OK && settings->stored && !users->nobody->verify)
        error = keep_password(users->nobody, settings);
    if (error != FERRY_OK) {
        user_unref(user);
        return fault_set(fault, error, "no memory or no randomness for an account");
    }
    error = user_demands_init(&user->demands, settings, fault);
    if (error != FERRY_OK) {
        user_unref(user);
        return error;
    }
    SLIST_INSERT_HEAD(&users->list, user, link);
    users->count++;
    return FERRY_OK;
}

enum ferry_error users_set_charset(struct users *users, const char *name, const char *charset,
                                   struct fault *fault)
{
    struct user *user = users_find(users, bytes_str(name));
    if (user == users->nobody)
        return fault_set(fault, FERRY_E_ARGUMENT, "there is no account %s", name);
    struct charset *made = NULL;
    enum ferry_error error = charset_new(charset, &made, fault);
    if (error != FERRY_OK)
        return error;
    charset_free(user->charset);
    user->charset = made;
    return FERRY_OK;
}

unsigned users_count(const struct users *users)
{
    return users->count;
}

/* ---- logins ---- */

static enum ferry_error check_password(const struct user *user, struct bytes password, bool *right)
{
    CLEANUP(secret_drop) struct secret *given = NULL;
    if (user->verify) {
        *right = user->verify(user->stored, password);
        return FERRY_OK;
    }
    enum ferry_error error = hash(user, password, &given);
    *right = error == FERRY_OK && secret_equal(user->hash, secret_reveal(given));
    return error;
}

static void login_work(void *ctx)
{
    struct login_job *job = ctx;
    const struct user *user = job->user;
    struct admission_evidence evidence = job->evidence;
    enum ferry_error error = FERRY_OK;
    job->verdict = LOGIN_REFUSED;
    if (job->password) {
        error = check_password(job->hashed, secret_reveal(job->password), &evidence.password_right);
        evidence.password_right &= job->hashed == user;
    }
    if (error != FERRY_OK) {
        fault_set(&job->fault, error, "a password cannot be hashed");
    } else if (admission_decide(user->demands.policy, &evidence) == ADMISSION_GRANTED) {
        job->verdict = LOGIN_GRANTED;
        error = root_init(&job->root, user->root, ROOT_LINKS_BENEATH, NEW_FILES_MASK, &job->fault);
        /* Once, as long as it takes; the account's other logins wait for it (SEC-39). */
        if (error == FERRY_OK && user->rules.quota)
            error =
                quota_count(user->rules.quota, &(const struct root *){&job->root}, 1, &job->fault);
        if (error != FERRY_OK)
            root_fini(&job->root);
    }
    if (error != FERRY_OK)
        job->verdict = LOGIN_UNAVAILABLE;
}

static void login_tell(struct login_job *job)
{
    struct login_grant grant = {
        .ops = &local_store_ops,
        .start = "/",
        .read_only = job->user->rules.read_only,
        .by_certificate = !job->password,
        .charset = job->user->charset,
        .sessions_max = job->user->sessions_max,
        .rate_up = job->user->rate_up,
        .rate_down = job->user->rate_down,
    };
    struct home_rules rules = job->user->rules;
    rules.listings = &job->users->listings;
    if (job->verdict == LOGIN_GRANTED &&
        local_store_new(job->users->loop, &job->root, bytes_str(job->user->name), &rules,
                        &grant.store) != FERRY_OK) {
        fault_set(&job->fault, FERRY_E_MEMORY, "no memory for a login");
        job->verdict = LOGIN_UNAVAILABLE;
    }
    job->done(job->ctx, job->verdict, job->verdict == LOGIN_GRANTED ? &grant : NULL, &job->fault);
}

static void login_free(struct login_job *job)
{
    user_unref(job->user);
    user_unref(job->hashed);
    secret_free(job->password);
    alloc_free(job);
}

static void login_done(void *ctx)
{
    struct login_job *job = ctx;
    TAILQ_REMOVE(&job->users->jobs, job, link);
    if (job->done)
        login_tell(job);
    else if (job->verdict == LOGIN_GRANTED)
        root_fini(&job->root);
    login_free(job);
}

/* ---- sweeping ---- */

struct sweep_job {
    struct root root;
    struct timespec before;
};

static void sweep_work(void *ctx)
{
    struct sweep_job *job = ctx;
    uint64_t removed;
    (void)!sweep_parts(&job->root, job->before, &removed, NULL);
}

static void sweep_done(void *ctx)
{
    struct sweep_job *job = ctx;
    root_fini(&job->root);
    alloc_free(job);
}

void users_sweep(struct users *users, struct timespec before)
{
    struct user *user;
    SLIST_FOREACH (user, &users->list, link) {
        struct sweep_job *job = user->rules.read_only ? NULL : alloc_zero(sizeof(*job));
        if (!job)
            continue;
        job->before = before;
        if (root_init(&job->root, user->root, ROOT_LINKS_BENEATH, NEW_FILES_MASK, NULL) != FERRY_OK)
            alloc_free(job);
        else if (loop_job(users->loop, sweep_work, sweep_done, job) != FERRY_OK)
            sweep_done(job);
    }
}

/* ---- the calls of account_ops ---- */

/* What is known before the password is looked at; what is missing is for the log alone. */
static void gather_evidence(struct login_job *job, const struct login_request *request)
{
    const struct user *user = job->user;
    job->evidence.password_given = request->password != NULL;
    if (!user->name)
        return;
    const char *lacks = user_demands_tls_lacks(&user->demands, request);
    job->evidence.known = !lacks;
    job->evidence.certificate_fits = user_demands_certificate_fits(&user->demands, request);
    if (!lacks)
        lacks = admission_certificate_lacks(user->demands.policy, request->identity != NULL,
                                            job->evidence.certificate_fits);
    if (lacks)
        fault_set(&job->fault, FERRY_E_DENIED, "%s", lacks);
}

static bool has_password(const struct user *user)
{
    return user->verify || user->hash;
}

static enum ferry_error users_login(void *accounts, const struct login_request *request,
                                    login_fn *done, void *ctx)
{
    struct users *users = accounts;
    struct login_job *job = alloc_zero(sizeof(*job));
    if (!job)
        return FERRY_E_MEMORY;
    *job = (struct login_job){
        .users = users, .user = users_find(users, request->name), .done = done, .ctx = ctx};
    job->user->refs++;
    job->hashed = has_password(job->user) ? job->user : users->nobody;
    job->hashed->refs++;
    gather_evidence(job, request);
    enum ferry_error error = FERRY_OK;
    if (request->password)
        error = secret_new(secret_reveal(request->password), &job->password);
    if (error == FERRY_OK)
        error = loop_job(users->loop, login_work, login_done, job);
    if (error != FERRY_OK) {
        login_free(job);
        return FERRY_E_MEMORY;
    }
    TAILQ_INSERT_TAIL(&users->jobs, job, link);
    return FERRY_OK;
}

static void users_cancel(void *accounts, void *ctx)
{
    struct users *users = accounts;
    struct login_job *job;
    TAILQ_FOREACH (job, &users->jobs, link)
        if (job->ctx == ctx)
            job->done = NULL;
}

const struct account_ops users_ops = {.login = users_login, .cancel = users_cancel};
