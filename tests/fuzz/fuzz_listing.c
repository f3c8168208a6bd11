/* ftp/listing (SEC-95, LST-15): any bytes as the answer to LIST, MLSD and NLST. What comes out must
 * not depend on how the bytes are cut, names must be safe, and what the server would write of an
 * entry must be one line. */
#include "fuzz/fuzz.h"

#include "ftp/facts.h"
#include "ftp/listing.h"
#include "ftp/listing_write.h"

enum { NOW = 1773576000, OUT_BYTES = 1 << 20 };

/* FNV-1a */
static void mix(uint64_t *hash, struct bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        *hash = (*hash ^ (unsigned char)in.ptr[i]) * UINT64_C(0x100000001b3);
    *hash = (*hash ^ in.len) * UINT64_C(0x100000001b3);
}

static void mix_entry(uint64_t *hash, const struct listing_entry *entry)
{
    uint64_t numbers[] = {
        entry->item,
        entry->flaw,
        entry->format,
        entry->type,
        entry->size_kind,
        entry->size,
        entry->line,
        entry->mode,
        (uint64_t)entry->modified.seconds,
        entry->modified.precision,
    };
    mix(hash, bytes_of(numbers, sizeof numbers));
    const struct bytes views[] = {
        entry->raw,   entry->name,     entry->target,   entry->perms,  entry->owner,
        entry->group, entry->owner_id, entry->group_id, entry->unique,
    };
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        mix(hash, views[i]);
    for (size_t i = 0; i < entry->extra_count; i++)
        mix(hash, entry->extra[i].value);
}

static size_t count_lines(struct bytes in)
{
    size_t count = 0;
    for (size_t i = 0; i < in.len; i++)
        count += in.ptr[i] == '\n' ? 1 : 0;
    return count;
}

static void check_entry(const struct listing_entry *entry)
{
    if (entry->item != LISTING_ENTRY)
        return;
    bool named = entry->type != LISTING_CDIR && entry->type != LISTING_PDIR;
    bool member = entry->format == LISTING_FORMAT_OS400 && entry->type == LISTING_MEMBER;
    must(!named || member || path_check_name(entry->name) == PATH_FLAW_NONE);

    CLEANUP(buf_fini) struct buf out;
    buf_init(&out, OUT_BYTES);
    if (listing_write_list(&out, entry, NOW) == FERRY_OK)
        must(count_lines(buf_view(&out)) == 1);
    buf_consume(&out, buf_len(&out));
    if (listing_write_mlsd(&out, entry, FACTS_ALL) == FERRY_OK)
        must(count_lines(buf_view(&out)) == 1);
}

static uint64_t run(enum listing_asked asked, struct bytes in, size_t step)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    CLEANUP(listing_fini) struct listing listing;
    listing_init(&listing, asked, BYTES_LIT("pub"), NOW);
    for (bool ended = false; !ended;) {
        ended = in.len == 0;
        if (ended)
            listing_end(&listing);
        else
            listing_feed(&listing, bytes_first(in, step));
        in = bytes_skip(in, step);

        struct listing_entry entry = {0};
        do {
            enum ferry_error error = listing_next(&listing, &entry, NULL);
            if (error != FERRY_OK)
                return hash ^ (uint64_t)error;
            if (entry.item != LISTING_MORE)
                mix_entry(&hash, &entry);
            check_entry(&entry);
        } while (entry.item != LISTING_MORE);
    }
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum listing_asked asked[] = {
        LISTING_ASKED_LIST,
        LISTING_ASKED_MLSD,
        LISTING_ASKED_NLST,
    };
    struct bytes in = bytes_of(data, size);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        uint64_t whole = run(asked[i], in, size + 1);
        must(run(asked[i], in, 1) == whole);
        must(run(asked[i], in, 13) == whole);
    }
    return 0;
}
