/* The settings of a client session. */
#include "client/options.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

enum { READ_BYTES = 64 * 1024 };

void client_options_init(struct client_options *options)
{
    *options = (struct client_options){
        .security = FERRY_EXPLICIT,
        .auth = FERRY_AUTH_TLS,
        .data_mode = FERRY_PASSIVE,
        .files = PROTECTION_PRIVATE,
        .listings = PROTECTION_PRIVATE,
        .connect_ns = 30 * CLOCK_NS_PER_S,
        .reply_ns = 60 * CLOCK_NS_PER_S,
        .stall_ns = 120 * CLOCK_NS_PER_S,
    };
    buf_init(&options->ca_pem, CLIENT_PEM_MAX_BYTES);
    buf_init(&options->certificate_pem, CLIENT_PEM_MAX_BYTES);
    buf_init(&options->key_pem, CLIENT_PEM_MAX_BYTES);
}

void client_options_fini(struct client_options *options)
{
    alloc_free(options->user);
    secret_free(options->password);
    secret_free(options->account);
    secret_free(options->key_passphrase);
    buf_fini(&options->ca_pem);
    buf_fini(&options->certificate_pem);
    buf_wipe(&options->key_pem);
    *options = (struct client_options){0};
}

static enum ferry_error check_line(const char *text, const char *what, struct fault *fault)
{
    struct bytes bytes = bytes_str(text);
    if (bytes_find(bytes, '\r') < bytes.len || bytes_find(bytes, '\n') < bytes.len)
        return fault_set(fault, FERRY_E_ARGUMENT, "the %s holds a line break", what);
    return FERRY_OK;
}

/* A secret made of `text`, in the place of the one in `*slot`; NULL empties it. */
static enum ferry_error set_secret(struct secret **slot, const char *text, const char *what,
                                   struct fault *fault)
{
    enum ferry_error error = check_line(text, what, fault);
    if (error != FERRY_OK)
        return error;
    struct secret *secret = NULL;
    if (text) {
        error = secret_new(bytes_str(text), &secret);
        if (error == FERRY_E_LIMIT)
            return fault_set(fault, error, "the %s is too long", what);
        if (error != FERRY_OK)
            return fault_set(fault, error, "no memory for the %s", what);
    }
    secret_free(*slot);
    *slot = secret;
    return FERRY_OK;
}

enum ferry_error client_options_login(struct client_options *options, const char *user,
                                      const char *password, struct fault *fault)
{
    if (!user || user[0] == '\0')
        return fault_set(fault, FERRY_E_ARGUMENT, "the user name is empty");
    enum ferry_error error = check_line(user, "user name", fault);
    if (error != FERRY_OK)
        return error;
    CLEANUP(alloc_free_str) char *copy = alloc_str(user);
    if (!copy)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the user name");
    error = set_secret(&options->password, password, "password", fault);
    if (error != FERRY_OK)
        return error;

    alloc_free(options->user);
    options->user = copy;
    copy = NULL;
    return FERRY_OK;
}

enum ferry_error client_options_account(struct client_options *options, const char *account,
                                        struct fault *fault)
{
    return set_secret(&options->account, account, "account", fault);
}

/* Reads all of the file into `out`, which is empty. */
static enum ferry_error read_file(const char *path, const char *what, struct buf *out,
                                  struct fault *fault)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fault_errno(fault, FERRY_E_FILE, "open the %s %s", what, path);
    for (;;) {
        char *space = NULL;
        size_t want = buf_room(out) < READ_BYTES ? buf_room(out) : READ_BYTES;
        if (want == 0)
            return fault_set(fault, FERRY_E_LIMIT, "the %s %s is too long", what, path);
        enum ferry_error error = buf_reserve(out, want, &space);
        if (error != FERRY_OK)
            return fault_set(fault, error, "no memory for the %s %s", what, path);
        ssize_t got = read(fd, space, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_errno(fault, FERRY_E_FILE, "read the %s %s", what, path);
        if (got == 0)
            return FERRY_OK;
        buf_commit(out, (size_t)got);
    }
}

/* Moves what `from` holds into the place of what `slot` held. */
static void take(struct buf *slot, struct buf *from)
{
    buf_wipe(slot);
    *slot = *from;
    buf_init(from, 0);
}

enum ferry_error client_options_ca_file(struct client_options *options, const char *path,
                                        struct fault *fault)
{
    CLEANUP(buf_fini) struct buf pem;
    buf_init(&pem, CLIENT_PEM_MAX_BYTES);
    enum ferry_error error = read_file(path, "CA file", &pem, fault);
    if (error == FERRY_OK)
        take(&options->ca_pem, &pem);
    return error;
}

enum ferry_error client_options_pin(struct client_options *options, const char *pin,
                                    struct fault *fault)
{
    if (options->pin_count == TLS_PINS_MAX)
        return fault_set(fault, FERRY_E_LIMIT, "more than %d pins", TLS_PINS_MAX);
    enum ferry_error error = tls_pin_parse(bytes_str(pin), &options->pins[options->pin_count]);
    if (error != FERRY_OK)
        return fault_set(fault, error, "\"%s\" is no pin: it is \"sha256//\" and 44 characters",
                         pin);
    options->pin_count++;
    return FERRY_OK;
}

enum ferry_error client_options_certificate(struct client_options *options,
                                            const char *certificate_path, const char *key_path,
                                            const char *passphrase, struct fault *fault)
{
    CLEANUP(buf_fini) struct buf certificate;
    CLEANUP(buf_wipe) struct buf key;
    buf_init(&certificate, CLIENT_PEM_MAX_BYTES);
    buf_init(&key, CLIENT_PEM_MAX_BYTES);

    enum ferry_error error = read_file(certificate_path, "certificate", &certificate, fault);
    if (error == FERRY_OK)
        error = read_file(key_path, "key", &key, fault);
    if (error == FERRY_OK)
        error = set_secret(&options->key_passphrase, passphrase, "passphrase of the key", fault);
    if (error != FERRY_OK)
        return error;
    take(&options->certificate_pem, &certificate);
    take(&options->key_pem, &key);
    return FERRY_OK;
}

enum ferry_error client_options_tls_versions(struct client_options *options,
                                             enum ferry_tls_version min, enum ferry_tls_version max,
                                             struct fault *fault)
{
    static const enum tls_version versions[] = {
        [FERRY_TLS_ANY] = TLS_VERSION_ANY, [FERRY_TLS_1_0] = TLS_VERSION_1_0,
        [FERRY_TLS_1_1] = TLS_VERSION_1_1, [FERRY_TLS_1_2] = TLS_VERSION_1_2,
        [FERRY_TLS_1_3] = TLS_VERSION_1_3,
    };
    if ((size_t)min >= ARRAY_LEN(versions) || (size_t)max >= ARRAY_LEN(versions) ||
        (max != FERRY_TLS_ANY && min > max))
        return fault_set(fault, FERRY_E_ARGUMENT, "no TLS version is within these bounds");
    options->tls_min = versions[min];
    options->tls_max = versions[max];
    return FERRY_OK;
}

static bool is_level(char letter)
{
    return letter == PROTECTION_PRIVATE || letter == PROTECTION_CLEAR;
}

enum ferry_error client_options_protection(struct client_options *options, char files,
                                           char listings, struct fault *fault)
{
    if (!is_level(files) || !is_level(listings))
        return fault_set(fault, FERRY_E_ARGUMENT, "the protection of data is P or C");
    options->files = (enum protection)files;
    options->listings = (enum protection)listings;
    return FERRY_OK;
}

enum ferry_error client_options_tls_context(const struct client_options *options,
                                            struct tls_context **out, struct fault *fault)
{
    const struct tls_client_settings settings = {
        .policy = options->legacy ? TLS_POLICY_LEGACY : TLS_POLICY_DEFAULT,
        .min = options->tls_min,
        .max = options->tls_max,
        .system_trust = true,
        .ca_pem = buf_view(&options->ca_pem),
        .certificate_pem = buf_view(&options->certificate_pem),
        .key_pem = buf_view(&options->key_pem),
        .key_passphrase = options->key_passphrase,
    };
    return tls_context_new_client(&settings, out, fault);
}
