/* A table that outlives the process. */
#include "ferryd/auth/shelf.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* Changes with the layout of what follows: an older file is begun anew. */
static const char magic[16] = "ferry shelf 1";

struct shelf_body {
    char magic[16];
    uint64_t slot_bytes, seed;
    struct shelf_slot slots[SHELF_SLOTS];
};

static bool is_shelf(int fd)
{
    struct stat status;
    struct shelf_body *head = NULL;
    if (fstat(fd, &status) != 0 || status.st_size != sizeof(*head))
        return false;
    head = mmap(NULL, sizeof(*head), PROT_READ, MAP_SHARED, fd, 0);
    if (head == MAP_FAILED)
        return false;
    bool same = memcmp(head->magic, magic, sizeof(magic)) == 0 &&
                head->slot_bytes == sizeof(struct shelf_slot);
    munmap(head, sizeof(*head));
    return same;
}

static bool begin_anew(struct shelf_body *body)
{
    body->slot_bytes = sizeof(struct shelf_slot);
    if (getrandom(&body->seed, sizeof(body->seed), 0) != sizeof(body->seed))
        return false;
    memcpy(body->magic, magic, sizeof(magic)); /* last: now it is one */
    return true;
}

enum ferry_error shelf_open(struct shelf *shelf, int fd, struct fault *fault)
{
    CLEANUP(fd_close) int owned = fd;
    bool old = fd >= 0 && is_shelf(fd);
    *shelf = (struct shelf){.fd = -1};
    if (fd >= 0 && !old && (ftruncate(fd, 0) != 0 || ftruncate(fd, sizeof(*shelf->body)) != 0))
        return fault_errno(fault, FERRY_E_FILE, "the list of bans cannot be made");
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    struct shelf_body *body =
        mmap(NULL, sizeof(*body), PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, fd, 0);
    if (body == MAP_FAILED)
        return fault_errno(fault, FERRY_E_MEMORY, "no memory for the list of bans");
    shelf->body = body;
    shelf->fd = fd_take(&owned);
    if (!old && !begin_anew(body))
        return fault_errno(fault, FERRY_E_FILE, "the system gives no random numbers");
    return FERRY_OK;
}

void shelf_close(struct shelf *shelf)
{
    if (shelf->body)
        munmap(shelf->body, sizeof(*shelf->body));
    fd_close(&shelf->fd);
    *shelf = (struct shelf){.fd = -1};
}

uint64_t shelf_seed(const struct shelf *shelf)
{
    return shelf->body->seed;
}

/* ---- keys ---- */

struct shelf_key shelf_key(enum shelf_kind kind, const struct address *address, struct bytes name)
{
    struct shelf_key key;
    memset(&key, 0, sizeof(key)); /* compared as bytes */
    key.kind = (uint8_t)kind;
    if (address) {
        uint8_t bytes[16] = {0};
        uint16_t port;
        int family = 0;
        address_to_raw(address, &family, bytes, &port);
        key.family = (uint8_t)family;
        memcpy(key.address, bytes, family == 1 ? 4 : 8);
    }
    name = bytes_first(name, SHELF_NAME_BYTES);
    key.name_len = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(key.name, name.ptr, name.len);
    return key;
}

/* FNV-1a from a start that is secret: nobody can choose keys that fall together. */
static struct shelf_slot *bucket_of(const struct shelf *shelf, const struct shelf_key *key)
{
    static const uint64_t prime = UINT64_C(0x100000001b3);
    unsigned char bytes[sizeof(*key)];
    uint64_t hash = shelf->body->seed;
    memcpy(bytes, key, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        hash = (hash ^ bytes[i]) * prime;
    size_t bucket = (size_t)(hash >> 32 ^ hash) % SHELF_BUCKETS;
    return &shelf->body->slots[bucket * SHELF_WAYS];
}

/* ---- slots ---- */

/* Locks of a file hold between processes, whoever it was that opened it. */
static void lock(const struct shelf *shelf, short type)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    if (shelf->fd >= 0)
        (void)!fcntl(shelf->fd, F_SETLKW, &whole);
}

void shelf_lock(const struct shelf *shelf)
{
    lock(shelf, F_WRLCK);
}

void shelf_unlock(const struct shelf *shelf)
{
    lock(shelf, F_UNLCK);
}

struct shelf_slot *shelf_find(const struct shelf *shelf, const struct shelf_key *key)
{
    struct shelf_slot *bucket = bucket_of(shelf, key);
    for (size_t i = 0; i < SHELF_WAYS; i++)
        if (memcmp(&bucket[i].key, key, sizeof(*key)) == 0)
            return &bucket[i];
    return NULL;
}

/* How much it is worth keeping: nothing, by its last failure, as a known one, as a ban. */
static int rank(const struct shelf_slot *slot, uint64_t now_ns)
{
    if (slot->key.kind == SHELF_NONE)
        return 0;
    return slot->until_ns > now_ns ? 3 : slot->known ? 2 : 1;
}

static bool goes_first(const struct shelf_slot *a, const struct shelf_slot *b, uint64_t now_ns)
{
    int rank_a = rank(a, now_ns);
    int rank_b = rank(b, now_ns);
    if (rank_a != rank_b)
        return rank_a < rank_b;
    return rank_a == 3 ? a->until_ns < b->until_ns : a->last_ns < b->last_ns;
}

struct shelf_slot *shelf_get(struct shelf *shelf, const struct shelf_key *key, uint64_t now_ns)
{
    struct shelf_slot *slot = shelf_find(shelf, key);
    if (slot)
        return slot;
    struct shelf_slot *bucket = bucket_of(shelf, key);
    slot = bucket;
    for (size_t i = 1; i < SHELF_WAYS; i++)
        if (goes_first(&bucket[i], slot, now_ns))
            slot = &bucket[i];
    /* Who reads meanwhile sees nobody's slot, never another's ban. */
    slot->key.kind = SHELF_NONE;
    slot->until_ns = 0;
    *slot = (struct shelf_slot){.last_ns = now_ns};
    slot->key = *key;
    return slot;
}

void shelf_each(struct shelf *shelf, void (*each)(void *ctx, struct shelf_slot *slot), void *ctx)
{
    for (size_t i = 0; i < SHELF_SLOTS; i++)
        if (shelf->body->slots[i].key.kind != SHELF_NONE)
            each(ctx, &shelf->body->slots[i]);
}
