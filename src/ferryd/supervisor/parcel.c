/* What the roles are given of a configuration. */
#include "ferryd/supervisor/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "conf/print.h"
#include "ferryd/hosts.h"
#include "ferryd/pem_text.h"
#include "ferryd/settings_directories.h"
#include "ferryd/sources.h"
#include "ferryd/supervisor/share.h"
#include "store/roots.h"

enum { LOAD_STEP_BYTES = 16 * 1024 };

#define BIT_KEYS ROLE_BIT(ROLE_KEYS)
#define BIT_AUTH ROLE_BIT(ROLE_AUTH)
#define BIT_WORKER ROLE_BIT(ROLE_WORKER)
#define BIT_PAM ROLE_BIT(ROLE_PAM)
#define BIT_FILES ROLE_BIT(ROLE_FILES)

/* ---- settings ---- */

/* A file of its own that nobody changes any more; -1 with errno. */
static int sealed(const char *name, struct bytes text)
{
    CLEANUP(fd_close) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    while (text.len > 0) {
        ssize_t written = write(fd, text.ptr, text.len);
        if (written < 0 && errno != EINTR)
            return -1;
        text = bytes_skip(text, written > 0 ? (size_t)written : 0);
    }
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -1 : fd_take(&fd);
}

static enum ferry_error take_settings(struct parcel *parcel, const struct conf *conf,
                                      enum role role, struct fault *fault)
{
    if (role == ROLE_HOOKS && !settings_has_hooks(conf)) /* then there is no such process */
        return FERRY_OK;
    CLEANUP(buf_wipe) struct buf text;
    buf_init(&text, PRINT_MAX_BYTES);
    enum ferry_error error = share_print(conf, role, &text);
    if (error != FERRY_OK)
        return fault_set(fault, error, "memory is short");
    if (buf_len(&text) > 0 && (parcel->settings[role] = sealed("settings", buf_view(&text))) < 0)
        return fault_errno(fault, FERRY_E_LIMIT, "keep the settings of %s", role_name(role));
    return FERRY_OK;
}

/* ---- files ---- */

/* The files of a host. Keys gets the private key and the certificate that it must fit;
 * workers get all but the key: of what a worker is given, PEM is stripped of private keys, since a
 * key may stand in any file. */
enum kind { KIND_PRIVATE, KIND_PEM, KIND_DER };

static int open_file(const char *path)
{
    /* Non-blocking, lest a FIFO is waited for. */
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int take_public(const char *path, enum kind kind, struct fault *fault)
{
    CLEANUP(buf_wipe) struct buf whole;
    CLEANUP(buf_fini) struct buf shown;
    buf_init(&whole, CONF_FILE_MAX_BYTES);
    buf_init(&shown, CONF_FILE_MAX_BYTES);
    if (conf_load_file(NULL, path, &whole, fault) != FERRY_OK)
        return -1;
    enum ferry_error error = kind == KIND_PEM ? pem_without_keys(buf_view(&whole), &shown)
                                              : buf_append(&shown, buf_view(&whole));
    int fd = error == FERRY_OK ? sealed("file", buf_view(&shown)) : -1;
    if (fd < 0)
        (void)fault_set(fault, FERRY_E_MEMORY, "memory is short");
    return fd;
}

static bool is_taken(const struct parcel *parcel, const char *path, unsigned role)
{
    for (size_t i = 0; i < parcel->file_count; i++)
        if ((parcel->files[i].roles & role) && strcmp(parcel->files[i].path, path) == 0)
            return true;
    return false;
}

static enum ferry_error add_file(struct parcel *parcel, const char *path, int fd, unsigned roles)
{
    CLEANUP(fd_close) int owned = fd;
    struct parcel_file *list =
        alloc_resize(parcel->files, parcel->file_count + 1, sizeof(*parcel->files));
    if (!list)
        return FERRY_E_MEMORY;
    parcel->files = list;
    char *copy = alloc_str(path);
    if (!copy)
        return FERRY_E_MEMORY;
    list[parcel->file_count++] =
        (struct parcel_file){.path = copy, .fd = fd_take(&owned), .roles = roles};
    return FERRY_OK;
}

static enum ferry_error take_file(struct parcel *parcel, struct conf *conf,
                                  const struct conf_instance *block, const char *directive,
                                  const char *path, enum kind kind, unsigned role)
{
    if (!path || is_taken(parcel, path, role))
        return FERRY_OK;
    struct fault fault = {0};
    int fd = kind == KIND_PRIVATE ? open_file(path) : take_public(path, kind, &fault);
    if (fd >= 0)
        return add_file(parcel, path, fd, role);
    if (kind == KIND_PRIVATE)
        (void)fault_errno(&fault, FERRY_E_FILE, "it cannot be read");
    if (fault.kind == FERRY_E_MEMORY)
        return FERRY_E_MEMORY;
    conf_mistake(conf, block, directive, "%s: %s", path, fault.what);
    return FERRY_OK;
}

static enum ferry_error take_key(struct parcel *parcel, struct conf *conf,
                                 const struct conf_instance *block)
{
    const struct settings_host *host = hosts_of(block);
    enum host_file file = host->key ? HOST_KEY : HOST_CERTIFICATE;
    return take_file(parcel, conf, block, hosts_file_directive(file), hosts_file_path(host, file),
                     KIND_PRIVATE, BIT_KEYS);
}

/* After all keys, lest one that stands in its certificate's file is not given. */
static void share_certificate(struct parcel *parcel, const char *path)
{
    if (!path || is_taken(parcel, path, BIT_KEYS))
        return;
    for (size_t i = 0; i < parcel->file_count; i++)
        if (strcmp(parcel->files[i].path, path) == 0)
            parcel->files[i].roles |= BIT_KEYS;
}

static enum ferry_error take_public_files(struct parcel *parcel, struct conf *conf,
                                          const struct conf_instance *block)
{
    static const struct {
        enum host_file file;
        enum kind kind;
    } rows[] = {
        {HOST_CERTIFICATE, KIND_PEM},
        {HOST_CLIENT_CA, KIND_PEM},
        {HOST_CLIENT_CRL, KIND_PEM},
        {HOST_OCSP_RESPONSE, KIND_DER},
    };
    const struct settings_host *host = hosts_of(block);
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(rows) && error == FERRY_OK; i++)
        error = take_file(parcel, conf, block, hosts_file_directive(rows[i].file),
                          hosts_file_path(host, rows[i].file), rows[i].kind, BIT_WORKER);
    share_certificate(parcel, host->certificate);
    return error;
}

static enum ferry_error take_fxp_file(struct parcel *parcel, struct conf *conf,
                                      const struct conf_instance *block)
{
    const struct settings_listen *listen = block->values;
    return take_file(parcel, conf, block, "fxp_ca", listen->fxp_ca, KIND_PEM, BIT_WORKER);
}

/* The CAs and the password that a source of accounts needs. The former as files of their own: auth
 * opens them again when it may open few others. */
static enum ferry_error take_source_files(struct parcel *parcel, struct conf *conf)
{
    enum ferry_error error = FERRY_OK;
    const struct conf_instance *block = NULL;
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_LDAP, block))) {
        const struct settings_ldap *ldap = block->values;
        error = take_file(parcel, conf, block, "ca_file", ldap->source.ca_file, KIND_PEM, BIT_AUTH);
        if (error == FERRY_OK)
            error = take_file(parcel, conf, block, "bind_password_file", ldap->bind_password_file,
                              KIND_PRIVATE, BIT_AUTH);
    }
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_POSTGRESQL, block))) {
        const struct settings_postgresql *database = block->values;
        error =
            take_file(parcel, conf, block, "ca_file", database->source.ca_file, KIND_PEM, BIT_AUTH);
        if (error == FERRY_OK)
            error = take_file(parcel, conf, block, "password_file", database->password_file,
                              KIND_PRIVATE, BIT_AUTH);
    }
    return error;
}

/* ---- homes ---- */

static int open_home(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Returns FERRY_E_NOT_FOUND, with errno, if there is no such directory. */
static enum ferry_error take_home(struct parcel *parcel, const char *path)
{
    if (is_taken(parcel, path, BIT_FILES))
        return FERRY_OK;
    int fd = open_home(path);
    return fd < 0 ? FERRY_E_NOT_FOUND : add_file(parcel, path, fd, BIT_FILES);
}

static enum ferry_error take_named_homes(struct parcel *parcel, struct conf *conf)
{
    const struct conf_texts *homes = &settings_global(conf)->homes;
    if (homes->count > PARCEL_HOMES_MAX)
        conf_mistake(conf, conf_next(conf, NULL, NULL), "homes", "more than %d", PARCEL_HOMES_MAX);
    for (size_t i = 0; i < homes->count && i < PARCEL_HOMES_MAX; i++) {
        const char *path = homes->list[i];
        enum ferry_error error = path[0] == '/' ? take_home(parcel, path) : FERRY_E_ARGUMENT;
        if (error == FERRY_E_MEMORY)
            return error;
        if (error != FERRY_OK)
            conf_mistake(conf, conf_next(conf, NULL, NULL), "homes", "%s: %s", path,
                         error == FERRY_E_ARGUMENT ? "it must be an absolute path"
                                                   : strerror(errno));
    }
    return FERRY_OK;
}

static void drop_homes(struct parcel *parcel)
{
    size_t kept = 0;
    for (size_t i = 0; i < parcel->file_count; i++) {
        struct parcel_file *file = &parcel->files[i];
        if (file->roles != BIT_FILES) {
            parcel->files[kept++] = *file;
            continue;
        }
        fd_close(&file->fd);
        alloc_free(file->path);
    }
    parcel->file_count = kept;
}

/* The home and the further roots of an account, a group or a template. A root that is none is told
 * of by whoever checks accounts. */
static enum ferry_error take_block_homes(struct parcel *parcel,
                                         const struct settings_account *block, size_t *count)
{
    enum ferry_error error = FERRY_OK;
    if (block->home)
        error = ++*count > PARCEL_HOMES_MAX ? FERRY_E_NOT_FOUND : take_home(parcel, block->home);
    for (size_t i = 0; i < block->roots.count && error == FERRY_OK; i++) {
        struct bytes text = bytes_str(block->roots.list[i]);
        struct fault ignored = {0};
        struct roots_line line;
        bool got = false;
        if (roots_next(&text, &line, &got, &ignored) != FERRY_OK || !got)
            continue;
        CLEANUP(alloc_free_str) char *path = alloc_bytes(line.directory);
        if (!path)
            return FERRY_E_MEMORY;
        error = ++*count > PARCEL_HOMES_MAX ? FERRY_E_NOT_FOUND : take_home(parcel, path);
    }
    return error;
}

/* Those of the blocks, if that can be all: one that is not there yet may come. */
static enum ferry_error take_blocks_homes(struct parcel *parcel, struct conf *conf)
{
    static const char *const kinds[] = {SETTINGS_ACCOUNT, SETTINGS_GROUP, SETTINGS_TEMPLATE};
    size_t count = 0;
    bool others = settings_global(conf)->accounts.count > 0;
    enum ferry_error error = others ? FERRY_E_NOT_FOUND : FERRY_OK;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct conf_instance *block = NULL;
        while (error == FERRY_OK && (block = conf_next(conf, kinds[i], block)))
            error = take_block_homes(parcel, block->values, &count);
    }
    if (error != FERRY_E_NOT_FOUND)
        return error;
    drop_homes(parcel);
    return FERRY_OK;
}

bool parcel_same_homes(const struct parcel *a, const struct parcel *b)
{
    size_t of_a = 0;
    size_t of_b = 0;
    for (size_t i = 0; i < b->file_count; i++)
        of_b += b->files[i].roles == BIT_FILES;
    for (size_t i = 0; i < a->file_count; i++) {
        if (a->files[i].roles != BIT_FILES)
            continue;
        of_a++;
        if (!is_taken(b, a->files[i].path, BIT_FILES))
            return false;
    }
    return of_a == of_b;
}

/* ---- the whole ---- */

static enum ferry_error take_label(struct parcel *parcel, const struct conf_instance *block)
{
    char **list = alloc_resize(parcel->listens, parcel->listen_count + 1, sizeof(*list));
    if (!list)
        return FERRY_E_MEMORY;
    parcel->listens = list;
    list[parcel->listen_count] = alloc_str(block->label);
    if (!list[parcel->listen_count])
        return FERRY_E_MEMORY;
    parcel->listen_count++;
    return FERRY_OK;
}

/* All keys before anything else: share_certificate. */
static enum ferry_error take_files(struct parcel *parcel, struct conf *conf)
{
    enum ferry_error error = FERRY_OK;
    const struct conf_instance *block = NULL;
    while (error == FERRY_OK && (block = hosts_next(conf, block)))
        error = take_key(parcel, conf, block);
    while (error == FERRY_OK && (block = hosts_next(conf, block)))
        error = take_public_files(parcel, conf, block);
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_LISTEN, block)))
        error = take_fxp_file(parcel, conf, block);
    if (error == FERRY_OK)
        error = take_source_files(parcel, conf);
    if (error == FERRY_OK)
        error = settings_global(conf)->homes.count > 0 ? take_named_homes(parcel, conf)
                                                       : take_blocks_homes(parcel, conf);
    return error;
}

static unsigned workers_of(const struct settings_global *settings)
{
    if (settings->workers > 0)
        return (unsigned)settings->workers;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 1                      ? 1
           : processors < SETTINGS_WORKERS_MAX ? (unsigned)processors
                                               : SETTINGS_WORKERS_MAX;
}

enum ferry_error parcel_make(struct conf *conf, struct parcel **out, struct fault *fault)
{
    struct parcel *parcel = alloc_zero(sizeof(*parcel));
    if (!parcel)
        return fault_set(fault, FERRY_E_MEMORY, "memory is short");
    parcel->refs = 1;
    parcel->workers = workers_of(settings_global(conf));
    parcel->pam = sources_have(conf, SOURCES_PAM);
    parcel->parts_kept_ns = settings_global(conf)->parts_kept_ns;
    parcel->hung_after_ns = settings_global(conf)->hung_after_ns;
    parcel->confinement = settings_global(conf)->sandbox;
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        parcel->settings[role] = -1;
    enum ferry_error error = FERRY_OK;
    for (unsigned role = 0; role < ROLE_COUNT && error == FERRY_OK; role++)
        error = take_settings(parcel, conf, (enum role)role, fault);
    const struct conf_instance *block = NULL;
    while (error == FERRY_OK && (block = conf_next(conf, SETTINGS_LISTEN, block)))
        error = take_label(parcel, block);
    if (error == FERRY_OK)
        error = take_files(parcel, conf);
    if (error == FERRY_OK)
        *out = parcel;
    else
        parcel_unref(parcel);
    return error == FERRY_OK ? FERRY_OK : fault_set(fault, error, "memory is short");
}

struct parcel *parcel_ref(struct parcel *parcel)
{
    parcel->refs++;
    return parcel;
}

void parcel_unref(struct parcel *parcel)
{
    if (!parcel || --parcel->refs > 0)
        return;
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        fd_close(&parcel->settings[role]);
    for (size_t i = 0; i < parcel->file_count; i++) {
        fd_close(&parcel->files[i].fd);
        alloc_free(parcel->files[i].path);
    }
    for (size_t i = 0; i < parcel->listen_count; i++)
        alloc_free(parcel->listens[i]);
    alloc_free(parcel->files);
    alloc_free(parcel->listens);
    alloc_free(parcel);
}

/* The same file with a position of its own, at its beginning. */
static int again(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags | O_CLOEXEC);
}

/* The whole of a settings memfd; they are small. */
static enum ferry_error load(int fd, struct buf *out)
{
    char *space;
    CLEANUP(fd_close) int own = fd >= 0 ? again(fd, O_RDONLY) : -1;
    ssize_t got = own >= 0 ? 1 : 0;
    enum ferry_error error = FERRY_OK;
    while (got > 0 && error == FERRY_OK) {
        error = buf_reserve(out, LOAD_STEP_BYTES, &space);
        got = error == FERRY_OK ? read(own, space, LOAD_STEP_BYTES) : 0;
        if (got > 0)
            buf_commit(out, (size_t)got);
    }
    return error;
}

bool parcel_same(const struct parcel *a, const struct parcel *b, enum role role)
{
    CLEANUP(buf_wipe) struct buf one;
    CLEANUP(buf_wipe) struct buf other;
    buf_init(&one, PRINT_MAX_BYTES);
    buf_init(&other, PRINT_MAX_BYTES);
    if ((a->settings[role] < 0) != (b->settings[role] < 0))
        return false;
    return load(a->settings[role], &one) == FERRY_OK &&
           load(b->settings[role], &other) == FERRY_OK &&
           bytes_equal(buf_view(&one), buf_view(&other));
}

void parcel_give(const struct parcel *parcel, enum role role, struct child *child)
{
    if (parcel->settings[role] >= 0)
        child_settings(child, again(parcel->settings[role], O_RDONLY));
    for (size_t i = 0; i < parcel->file_count; i++)
        if (parcel->files[i].roles & ROLE_BIT(role))
            child_file(child, parcel->files[i].path,
                       again(parcel->files[i].fd, role == ROLE_FILES ? O_PATH : O_RDONLY));
}
