/* ferryd/store_wire (SEC-63): any bytes as a call on files, or as an answer. What is taken is the
 * very message that writing it again makes, and so are the entries in it. */
#include "ferryd/store_wire.h"
#include "fuzz/fuzz.h"
#include "proc/channel.h"

static char space[CHANNEL_MESSAGE_BYTES], entry_space[STORE_ENTRIES_BYTES];

static void must_be(const struct wire_writer *writer, struct bytes message)
{
    struct bytes again;
    must(wire_end(writer, &again) == FERRY_OK);
    must(bytes_equal(again, message));
}

static void try_call(struct wire_reader *reader, struct wire_writer *writer, struct bytes message)
{
    struct store_call call;
    struct fault fault = {0};
    if (store_wire_get_call(reader, &call, &fault) != FERRY_OK) {
        must(fault.kind == FERRY_E_PROTOCOL);
        return;
    }
    must(call.message != STORE_COMBINE || call.other.ptr[call.other.len - 1] == '\0');
    must(call.start <= HOME_APPEND);
    must(store_wire_put_call(writer, &call) == FERRY_OK);
    must_be(writer, message);
}

static void try_entries(const struct store_answer *answer)
{
    static struct entry entries[HOME_BATCH];
    struct fault fault = {0};
    uint32_t put = 0;
    if (store_wire_get_entries(answer->entries, answer->count, entries, &fault) != FERRY_OK) {
        must(fault_is_set(&fault));
        return;
    }
    for (uint32_t i = 0; i < answer->count; i++)
        must(memchr(entries[i].name, '/', strlen(entries[i].name)) == NULL);
    must(bytes_equal(store_wire_put_entries(entry_space, entries, answer->count, &put),
                     answer->entries));
    must(put == answer->count);
    for (uint32_t i = 0; i < answer->count; i++)
        entry_fini(&entries[i]);
}

static void try_answer(struct wire_reader *reader, struct wire_writer *writer, struct bytes message)
{
    struct store_answer answer;
    struct fault fault = {0};
    if (store_wire_get_answer(reader, &answer, &fault) != FERRY_OK) {
        must(fault.kind == FERRY_E_PROTOCOL);
        return;
    }
    must((answer.message == STORE_FAILED) == (answer.kind != FERRY_OK));
    must(store_wire_put_answer(writer, &answer) == FERRY_OK);
    must_be(writer, message);
    if (answer.message == STORE_ENTRIES)
        try_entries(&answer);
}

/* The first byte: which way it goes, and whether the files are busy; the second: how many
 * descriptors came with it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool is_call = data[0] & 1;
    unsigned state = is_call ? (data[0] >> 1) & 1 : 0;
    struct bytes message = bytes_of(data + 2, size - 2);
    struct wire_reader reader;
    struct wire_writer writer;
    const struct wire_message *row;
    struct fault fault = {0};
    wire_open(&reader, message, data[1] % 3);
    enum role sender = is_call ? ROLE_WORKER : ROLE_FILES;
    if (wire_check(is_call ? &store_calls : &store_answers, sender, state, &reader, &row, &fault) !=
        FERRY_OK)
        return 0;
    must(state == STORE_IDLE || row->type == STORE_CANCEL || row->type == STORE_LIST_CLOSE);
    wire_begin(&writer, row->type, space, sizeof(space));
    if (is_call)
        try_call(&reader, &writer, message);
    else
        try_answer(&reader, &writer, message);
    return 0;
}
