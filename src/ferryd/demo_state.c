/* What `ferryd demo` makes up: a folder, a password, a CA and a certificate. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "ferryd/demo.h"

enum { RANDOM_PASSWORD_LETTERS = 20, VALID_DAYS = 30, DAY_S = 24 * 60 * 60, HOUR_S = 60 * 60 };

static enum ferry_error path_of(char out[PATH_MAX], const char *folder, const char *name,
                                struct fault *fault)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    if (len < 0 || len >= PATH_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "the path of %s is too long", name);
    return FERRY_OK;
}

static enum ferry_error make_folder(struct demo_state *state, struct fault *fault)
{
    const char *parent = getenv("TMPDIR");
    enum ferry_error error =
        path_of(state->folder, parent && *parent ? parent : "/tmp", "ferryd-demo.XXXXXX", fault);
    if (error == FERRY_OK && !mkdtemp(state->folder)) {
        error = fault_errno(fault, FERRY_E_FILE, "make the folder %s", state->folder);
        state->folder[0] = '\0';
    }
    return error;
}

static enum ferry_error make_root(const struct demo_options *options, struct demo_state *state,
                                  struct fault *fault)
{
    state->own_root = !options->directory;
    if (options->directory) {
        if (!realpath(options->directory, state->root))
            return fault_errno(fault, FERRY_E_FILE, "find the directory %s", options->directory);
        return FERRY_OK;
    }
    enum ferry_error error = path_of(state->root, state->folder, "files", fault);
    if (error == FERRY_OK && mkdir(state->root, 0700) < 0)
        error = fault_errno(fault, FERRY_E_FILE, "make the folder %s", state->root);
    return error;
}

/* ---- password ---- */

static enum ferry_error read_password(const char *path, struct demo_state *state,
                                      struct fault *fault)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fault_errno(fault, FERRY_E_FILE, "read the password in %s", path);
    bool got = fgets(state->password, sizeof(state->password), file);
    fclose(file);
    state->password[strcspn(state->password, "\r\n")] = '\0';
    if (!got || !state->password[0])
        return fault_set(fault, FERRY_E_ARGUMENT, "%s holds no password", path);
    return FERRY_OK;
}

static enum ferry_error make_password(struct demo_state *state, struct fault *fault)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32, none alike */
    unsigned char random[RANDOM_PASSWORD_LETTERS];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return fault_errno(fault, FERRY_E_FILE, "get random bytes");
    for (size_t i = 0; i < sizeof(random); i++)
        state->password[i] = letters[random[i] % 32];
    state->password[sizeof(random)] = '\0';
    secret_wipe(random, sizeof(random));
    return FERRY_OK;
}

/* ---- certificates ---- */

static enum ferry_error write_file(const char *path, struct bytes text, struct fault *fault)
{
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len)
        return fault_errno(fault, FERRY_E_FILE, "write %s", path);
    return FERRY_OK;
}

/* The CA's own key is thrown away: nobody will sign another certificate with it. */
static enum ferry_error make_certificate(const struct demo_options *options,
                                         struct demo_state *state, struct fault *fault)
{
    char host[HOST_NAME_MAX + 1] = "";
    (void)gethostname(host, sizeof(host) - 1);
    const char *names[] = {"localhost", host[0] ? host : NULL, NULL};
    const char *addresses[] = {"127.0.0.1", "::1", options->address, NULL};
    int64_t now_s = time(NULL);
    int64_t end_s = now_s + (int64_t)VALID_DAYS * DAY_S;
    struct tls_mint_request request = {
        .common_name = "localhost",
        .dns_names = names,
        .ip_addresses = addresses,
        .not_before_s = now_s - HOUR_S,
        .not_after_s = end_s,
    };
    struct tls_minted ca;
    enum ferry_error error = tls_mint_ca("ferryd demo CA", now_s - HOUR_S, end_s, &ca, fault);
    if (error != FERRY_OK)
        return error;
    error = tls_mint_leaf(&ca, &request, &state->leaf, fault);
    if (error == FERRY_OK)
        error = path_of(state->ca_file, state->folder, "ca.pem", fault);
    if (error == FERRY_OK)
        error = write_file(state->ca_file, buf_view(&ca.certificate_pem), fault);
    tls_minted_fini(&ca);
    return error;
}

/* ---- all of it ---- */

enum ferry_error demo_state_make(const struct demo_options *options, struct demo_state *out,
                                 struct fault *fault)
{
    *out = (struct demo_state){0};
    enum ferry_error error = make_folder(out, fault);
    if (error == FERRY_OK)
        error = make_root(options, out, fault);
    if (error == FERRY_OK)
        error = options->password_file ? read_password(options->password_file, out, fault)
                                       : make_password(out, fault);
    if (error == FERRY_OK)
        error = make_certificate(options, out, fault);
    if (error != FERRY_OK)
        demo_state_remove(out);
    return error;
}

void demo_state_remove(struct demo_state *state)
{
    tls_minted_fini(&state->leaf);
    secret_wipe(state->password, sizeof(state->password));
    if (state->ca_file[0])
        unlink(state->ca_file);
    if (state->own_root && state->root[0] && rmdir(state->root) < 0 && errno == ENOTEMPTY)
        fprintf(stderr, "ferryd demo: what was stored stays in %s\n", state->root);
    else if (state->folder[0])
        rmdir(state->folder);
}
