/* The calls of a session on its files as messages. */
#include "ferryd/store_wire.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "proc/channel.h"

static_assert(STORE_ENTRIES_BYTES + 64 <= CHANNEL_MESSAGE_BYTES, "a batch fits a message");
static_assert(STORE_SOURCES_BYTES + STORE_PATH_BYTES + 64 <= CHANNEL_MESSAGE_BYTES,
              "a combine fits a message");

/* ---- what is permitted ---- */

#define WORKER ROLE_BIT(ROLE_WORKER)
#define FILES ROLE_BIT(ROLE_FILES)
#define IDLE WIRE_STATE(STORE_IDLE)
#define PATH WIRE_TEXT(STORE_PATH_BYTES)
#define FAULT_WORDS WIRE_TEXT(FAULT_TEXT_BYTES)

/* Which facts, the mode, the group, the time's seconds and nanoseconds. */
#define FACTS WIRE_U8, WIRE_U16, WIRE_U32, WIRE_I64, WIRE_U32

/* A call begins with its number. */
#define CALL(type, name, ...)                                                                      \
    {                                                                                              \
        type, name, WORKER, IDLE, 0,                                                               \
        {                                                                                          \
            WIRE_U64, __VA_ARGS__                                                                  \
        }                                                                                          \
    }

static const struct wire_message calls[] = {
    CALL(STORE_OPEN_READ, "open-read", PATH),
    CALL(STORE_STAT, "stat", PATH),
    CALL(STORE_SIZE, "size", PATH),
    CALL(STORE_ENTER, "enter", PATH),
    CALL(STORE_MAKE_DIRECTORY, "make-directory", PATH),
    CALL(STORE_REMOVE_DIRECTORY, "remove-directory", PATH),
    CALL(STORE_REMOVE_FILE, "remove-file", PATH),
    CALL(STORE_TREE_SIZE, "tree-size", PATH),
    CALL(STORE_REMOVE_TREE, "remove-tree", PATH),
    CALL(STORE_FREE_BYTES, "free-bytes", PATH),
    CALL(STORE_RENAME, "rename", PATH, PATH),
    CALL(STORE_MAKE_LINK, "make-link", PATH, PATH),
    CALL(STORE_SET_FACTS, "set-facts", PATH, FACTS),
    CALL(STORE_COMBINE, "combine", PATH, WIRE_BYTES(STORE_SOURCES_BYTES), WIRE_U8, WIRE_U8),
    CALL(STORE_OPEN_PART, "open-part", PATH, WIRE_U8, WIRE_U64),
    CALL(STORE_COMMIT, "commit", WIRE_U32),
    CALL(STORE_READ_PART, "read-part", WIRE_U32),
    CALL(STORE_ABANDON, "abandon", WIRE_U32, WIRE_U8),
    CALL(STORE_LIST_OPEN, "list-open", PATH, WIRE_U8, WIRE_U8, PATH),
    {STORE_LIST_NEXT, "list-next", WORKER, IDLE, 0, {WIRE_U64}},
    {STORE_LIST_CLOSE, "list-close", WORKER, WIRE_ANY_STATE, 0, {{0}}},
    {STORE_CANCEL, "cancel", WORKER, WIRE_ANY_STATE, 0, {WIRE_U64}},
};

static const struct wire_message answers[] = {
    {STORE_FAILED, "failed", FILES, WIRE_ANY_STATE, 0, {WIRE_U64, WIRE_U8, WIRE_U32, FAULT_WORDS}},
    {STORE_DONE, "done", FILES, WIRE_ANY_STATE, 0, {WIRE_U64}},
    {STORE_SIZED, "sized", FILES, WIRE_ANY_STATE, 0, {WIRE_U64, WIRE_U64}},
    {STORE_READING, "reading", FILES, WIRE_ANY_STATE, 1, {WIRE_U64, WIRE_U64}},
    {STORE_WRITING,
     "writing",
     FILES,
     WIRE_ANY_STATE,
     1,
     {WIRE_U64, WIRE_U32, WIRE_U64, WIRE_U8, WIRE_U64, PATH}},
    {STORE_CHANGED, "changed", FILES, WIRE_ANY_STATE, 0, {WIRE_U64, FACTS}},
    {STORE_ENTRIES,
     "entries",
     FILES,
     WIRE_ANY_STATE,
     0,
     {WIRE_U64, WIRE_U8, WIRE_U32, WIRE_BYTES(STORE_ENTRIES_BYTES)}},
};

static const char *const call_states[] = {[STORE_IDLE] = "idle", [STORE_BUSY] = "busy"};
static const char *const answer_states[] = {"attached"};

const struct wire_table store_calls = {calls, ARRAY_LEN(calls), call_states,
                                       ARRAY_LEN(call_states)};
const struct wire_table store_answers = {answers, ARRAY_LEN(answers), answer_states,
                                         ARRAY_LEN(answer_states)};

/* ---- fields, written or read ---- */

/* One of both is set. */
struct carrier {
    struct wire_writer *writer;
    struct wire_reader *reader;
    bool wrong; /* a text too long to be written, or a value that there is none of was read */
};

#define CARRY(name, type)                                                                          \
    static void carry_##name(struct carrier *carrier, type *value)                                 \
    {                                                                                              \
        if (carrier->writer)                                                                       \
            wire_put_##name(carrier->writer, *value);                                              \
        else                                                                                       \
            *value = wire_get_##name(carrier->reader);                                             \
    }
CARRY(u8, uint8_t)
CARRY(u16, uint16_t)
CARRY(u32, uint32_t)
CARRY(u64, uint64_t)
CARRY(i64, int64_t)
CARRY(bytes, struct bytes)

/* A number of 0 to `last`. */
static uint8_t carry_small(struct carrier *carrier, unsigned value, unsigned last)
{
    uint8_t small = (uint8_t)value;
    carry_u8(carrier, &small);
    if (small <= last)
        return small;
    carrier->wrong = true;
    return 0;
}

static void carry_bool(struct carrier *carrier, bool *value)
{
    *value = carry_small(carrier, *value, 1);
}

/* Reading, the table has seen to it. */
static void carry_view(struct carrier *carrier, struct bytes *value, size_t max_bytes)
{
    if (value->len > max_bytes) {
        carrier->wrong = true;
        return;
    }
    carry_bytes(carrier, value);
}

static void carry_path(struct carrier *carrier, struct bytes *path)
{
    carry_view(carrier, path, STORE_PATH_BYTES);
}

static void carry_facts(struct carrier *carrier, struct home_facts *facts)
{
    uint16_t mode = (uint16_t)facts->mode;
    uint32_t group = facts->group;
    int64_t seconds = facts->time.tv_sec;
    uint32_t nanoseconds = (uint32_t)facts->time.tv_nsec;
    unsigned which =
        (facts->has_mode ? 1U : 0) | (facts->has_time ? 2U : 0) | (facts->has_group ? 4U : 0);
    which = carry_small(carrier, which, 7);
    carry_u16(carrier, &mode);
    carry_u32(carrier, &group);
    carry_i64(carrier, &seconds);
    carry_u32(carrier, &nanoseconds);
    if (nanoseconds > 999999999)
        carrier->wrong = true;
    *facts = (struct home_facts){
        .has_mode = which & 1,
        .has_time = which & 2,
        .has_group = which & 4,
        .mode = mode,
        .group = group,
        .time = {.tv_sec = seconds, .tv_nsec = (long)nanoseconds},
    };
}

/* ---- calls ---- */

static void carry_combine(struct carrier *carrier, struct store_call *call)
{
    carry_path(carrier, &call->path);
    carry_view(carrier, &call->other, STORE_SOURCES_BYTES);
    carry_bool(carrier, &call->remove_sources);
    carry_bool(carrier, &call->no_replace);
    /* Nobody has to look for the end of the last one. */
    if (call->other.len == 0 || call->other.ptr[call->other.len - 1] != '\0')
        carrier->wrong = true;
}

static void carry_open_part(struct carrier *carrier, struct store_call *call)
{
    carry_path(carrier, &call->path);
    call->start = (enum home_start)carry_small(carrier, call->start, HOME_APPEND);
    carry_u64(carrier, &call->offset_bytes);
}

static void carry_list_open(struct carrier *carrier, struct store_call *call)
{
    carry_path(carrier, &call->path);
    carry_bool(carrier, &call->all);
    carry_bool(carrier, &call->matching);
    carry_path(carrier, &call->other);
}

static void carry_call(struct carrier *carrier, struct store_call *call)
{
    if (call->message == STORE_LIST_CLOSE)
        return;
    carry_u64(carrier, &call->number);
    switch ((unsigned)call->message) {
    case STORE_RENAME:
    case STORE_MAKE_LINK:
        carry_path(carrier, &call->path);
        carry_path(carrier, &call->other);
        break;
    case STORE_SET_FACTS:
        carry_path(carrier, &call->path);
        carry_facts(carrier, &call->facts);
        break;
    case STORE_COMBINE:
        carry_combine(carrier, call);
        break;
    case STORE_OPEN_PART:
        carry_open_part(carrier, call);
        break;
    case STORE_COMMIT:
    case STORE_READ_PART:
        carry_u32(carrier, &call->part);
        break;
    case STORE_ABANDON:
        carry_u32(carrier, &call->part);
        carry_bool(carrier, &call->keep);
        break;
    case STORE_LIST_OPEN:
        carry_list_open(carrier, call);
        break;
    case STORE_LIST_NEXT:
    case STORE_CANCEL:
        break;
    default:
        carry_path(carrier, &call->path);
        break;
    }
}

enum ferry_error store_wire_put_call(struct wire_writer *writer, const struct store_call *call)
{
    struct carrier carrier = {.writer = writer};
    struct store_call copy = *call;
    carry_call(&carrier, &copy);
    return carrier.wrong ? FERRY_E_LIMIT : FERRY_OK;
}

enum ferry_error store_wire_get_call(struct wire_reader *reader, struct store_call *out,
                                     struct fault *fault)
{
    struct carrier carrier = {.reader = reader};
    *out = (struct store_call){.message = (enum store_message)reader->type};
    carry_call(&carrier, out);
    return carrier.wrong || !wire_done(reader)
               ? fault_set(fault, FERRY_E_PROTOCOL, "a call on files has a value it may not have")
               : FERRY_OK;
}

/* ---- answers ---- */

static void carry_failed(struct carrier *carrier, struct store_answer *answer)
{
    uint32_t os_error = (uint32_t)answer->os_error;
    int kind = -carry_small(carrier, (unsigned)-answer->kind, -FERRY_E_CANCELLED);
    carry_u32(carrier, &os_error);
    carry_view(carrier, &answer->what, FAULT_TEXT_BYTES);
    answer->kind = (enum ferry_error)kind;
    answer->os_error = (int)os_error;
    if (kind == FERRY_OK || os_error > INT16_MAX)
        carrier->wrong = true;
}

static void carry_writing(struct carrier *carrier, struct store_answer *answer)
{
    carry_u32(carrier, &answer->part);
    carry_u64(carrier, &answer->offset_bytes);
    carry_bool(carrier, &answer->in_place);
    carry_u64(carrier, &answer->end_bytes);
    carry_path(carrier, &answer->path);
}

static void carry_answer(struct carrier *carrier, struct store_answer *answer)
{
    carry_u64(carrier, &answer->number);
    switch ((unsigned)answer->message) {
    case STORE_FAILED:
        carry_failed(carrier, answer);
        break;
    case STORE_SIZED:
    case STORE_READING:
        carry_u64(carrier, &answer->size_bytes);
        break;
    case STORE_WRITING:
        carry_writing(carrier, answer);
        break;
    case STORE_CHANGED:
        carry_facts(carrier, &answer->facts);
        break;
    case STORE_ENTRIES:
        carry_bool(carrier, &answer->may_change);
        carry_u32(carrier, &answer->count);
        carry_view(carrier, &answer->entries, STORE_ENTRIES_BYTES);
        break;
    default:
        break;
    }
}

enum ferry_error store_wire_put_answer(struct wire_writer *writer,
                                       const struct store_answer *answer)
{
    struct carrier carrier = {.writer = writer};
    struct store_answer copy = *answer;
    carry_answer(&carrier, &copy);
    return carrier.wrong ? FERRY_E_LIMIT : FERRY_OK;
}

enum ferry_error store_wire_get_answer(struct wire_reader *reader, struct store_answer *out,
                                       struct fault *fault)
{
    struct carrier carrier = {.reader = reader};
    *out = (struct store_answer){.message = (enum store_message)reader->type};
    carry_answer(&carrier, out);
    return carrier.wrong || !wire_done(reader)
               ? fault_set(fault, FERRY_E_PROTOCOL,
                           "an answer of the files has a value it may not"
                           " have")
               : FERRY_OK;
}

/* ---- entries ---- */

static void carry_time(struct carrier *carrier, struct timespec *time)
{
    int64_t seconds = time->tv_sec;
    uint32_t nanoseconds = (uint32_t)time->tv_nsec;
    carry_i64(carrier, &seconds);
    carry_u32(carrier, &nanoseconds);
    if (nanoseconds > 999999999)
        carrier->wrong = true;
    *time = (struct timespec){.tv_sec = seconds, .tv_nsec = (long)nanoseconds};
}

/* What is told of a status. */
static void carry_status(struct carrier *carrier, struct stat *status)
{
    uint32_t mode = status->st_mode, uid = status->st_uid, gid = status->st_gid;
    uint64_t size = (uint64_t)status->st_size, device = status->st_dev, inode = status->st_ino;
    carry_u32(carrier, &mode);
    carry_u32(carrier, &uid);
    carry_u32(carrier, &gid);
    carry_u64(carrier, &size);
    carry_u64(carrier, &device);
    carry_u64(carrier, &inode);
    status->st_mode = mode;
    status->st_uid = uid;
    status->st_gid = gid;
    status->st_size = (off_t)size;
    status->st_dev = device;
    status->st_ino = inode;
    carry_time(carrier, &status->st_mtim);
}

/* An entry but for its texts, which are views here. */
static void carry_entry(struct carrier *carrier, struct entry *entry, struct bytes *name,
                        struct bytes *link_text)
{
    unsigned rights =
        (entry->may_read ? 1U : 0) | (entry->may_write ? 2U : 0) | (entry->may_enter ? 4U : 0);
    carry_bytes(carrier, name);
    carry_bytes(carrier, link_text);
    rights = carry_small(carrier, rights, 7);
    uint16_t allowed = (uint16_t)entry->allowed, allowed_name = (uint16_t)entry->allowed_name;
    carry_u16(carrier, &allowed);
    carry_u16(carrier, &allowed_name);
    entry->allowed = allowed;
    entry->allowed_name = allowed_name;
    if ((allowed | allowed_name) & ~RIGHTS_ALL)
        carrier->wrong = true;
    carry_status(carrier, &entry->what);
    entry->may_read = rights & 1;
    entry->may_write = rights & 2;
    entry->may_enter = rights & 4;
}

static void put_entry(struct wire_writer *writer, const struct entry *entry)
{
    struct carrier carrier = {.writer = writer};
    struct entry copy = *entry;
    struct bytes name = bytes_str(entry->name), link_text = bytes_str(entry->link_text);
    carry_entry(&carrier, &copy, &name, &link_text);
}

struct bytes store_wire_put_entries(char space[static STORE_ENTRIES_BYTES],
                                    const struct entry *entries, size_t count, uint32_t *put)
{
    struct wire_writer writer;
    struct bytes written = {0};
    uint32_t tried = 0;
    wire_begin(&writer, STORE_ENTRIES, space, STORE_ENTRIES_BYTES);
    while (wire_end(&writer, &written) == FERRY_OK) {
        *put = tried;
        if (tried == count)
            break;
        put_entry(&writer, &entries[tried++]);
    }
    return written;
}

static bool is_name(struct bytes name)
{
    return name.len <= NAME_MAX && bytes_find(name, '/') == name.len &&
           bytes_find(name, '\0') == name.len;
}

static enum ferry_error get_entry(struct wire_reader *reader, struct entry *out,
                                  struct fault *fault)
{
    struct carrier carrier = {.reader = reader};
    struct bytes name = {0}, link_text = {0};
    *out = (struct entry){0};
    carry_entry(&carrier, out, &name, &link_text);
    if (carrier.wrong || reader->failed || !is_name(name) ||
        bytes_find(link_text, '\0') != link_text.len || out->what.st_size < 0)
        return fault_set(fault, FERRY_E_PROTOCOL, "the files sent an entry that is none");
    if (name.len > 0)
        memcpy(out->name, name.ptr, name.len);
    out->self = out->what;
    if (link_text.len > 0 && !(out->link_text = alloc_bytes(link_text)))
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an entry");
    return FERRY_OK;
}

enum ferry_error store_wire_get_entries(struct bytes in, uint32_t count, struct entry *out,
                                        struct fault *fault)
{
    struct wire_reader reader;
    wire_open(&reader, in, 0);
    enum ferry_error error = FERRY_OK;
    if (reader.type != STORE_ENTRIES || count > HOME_BATCH)
        return fault_set(fault, FERRY_E_PROTOCOL, "the files sent no entries");
    uint32_t got = 0;
    while (error == FERRY_OK && got < count) {
        error = get_entry(&reader, &out[got], fault);
        if (error == FERRY_OK)
            got++;
    }
    if (error == FERRY_OK && !wire_done(&reader))
        error = fault_set(fault, FERRY_E_PROTOCOL, "the files sent more than they say");
    for (uint32_t i = 0; error != FERRY_OK && i < got; i++)
        entry_fini(&out[i]);
    return error;
}
