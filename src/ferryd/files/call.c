/* Calls on files, each the deed of store/home.h by its name. */
#include "ferryd/files/call.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"

/* ---- life ---- */

enum ferry_error files_call_new(struct bytes message, struct files_call **out, struct fault *fault)
{
    struct files_call *call = alloc_zero(sizeof(*call));
    char *text = alloc_bytes(message);
    if (!call || !text) {
        alloc_free(call);
        alloc_free(text);
        return fault_set(fault, FERRY_E_MEMORY, "no memory for a call on the files");
    }
    call->text = text;
    call->fd = -1;
    call->upload.fd = -1;
    struct wire_reader reader;
    wire_open(&reader, bytes_of(text, message.len), 0);
    enum ferry_error error = store_wire_get_call(&reader, &call->want, fault);
    if (error != FERRY_OK)
        files_call_free(call);
    else
        *out = call;
    return error;
}

void files_call_free(struct files_call *call)
{
    if (!call)
        return;
    fd_close(&call->fd);
    home_upload_fini(&call->upload);
    subtree_free(call->subtree);
    home_combine_free(call->combine);
    alloc_free(call->entries);
    alloc_free(call->text);
    alloc_free(call);
}

/* ---- names ---- */

static enum ferry_error do_enter(struct files_call *call, struct files_home *at)
{
    return home_enter(&at->home, call->want.path, &call->fault);
}

static enum ferry_error do_make_directory(struct files_call *call, struct files_home *at)
{
    return home_make_dir(&at->home, call->want.path, &call->fault);
}

static enum ferry_error do_remove_directory(struct files_call *call, struct files_home *at)
{
    return home_remove_dir(&at->home, call->want.path, &call->fault);
}

static enum ferry_error do_remove_file(struct files_call *call, struct files_home *at)
{
    return home_remove_file(&at->home, call->want.path, &call->fault);
}

static enum ferry_error do_rename(struct files_call *call, struct files_home *at)
{
    return home_rename(&at->home, call->want.path, call->want.other, &call->fault);
}

static enum ferry_error do_make_link(struct files_call *call, struct files_home *at)
{
    return home_make_link(&at->home, call->want.other, call->want.path, &call->fault);
}

static enum ferry_error do_size(struct files_call *call, struct files_home *at)
{
    return home_size(&at->home, call->want.path, &call->answer.size_bytes, &call->fault);
}

static enum ferry_error do_free_bytes(struct files_call *call, struct files_home *at)
{
    return home_free_bytes(&at->home, call->want.path, &call->answer.size_bytes, &call->fault);
}

static enum ferry_error do_set_facts(struct files_call *call, struct files_home *at)
{
    call->answer.facts = call->want.facts;
    return home_set_facts(&at->home, call->want.path, &call->answer.facts, &call->fault);
}

/* ---- transfers ---- */

static enum ferry_error do_open_read(struct files_call *call, struct files_home *at)
{
    return home_open_read(&at->home, call->want.path, &call->fd, &call->answer.size_bytes,
                          &call->fault);
}

/* How far a part may be written, as far as one can tell now: others may use up what is left. */
static uint64_t end_of(const struct home *home, uint64_t offset_bytes)
{
    uint64_t left = home->rules.quota ? quota_bytes_left(home->rules.quota) : UINT64_MAX;
    return left > UINT64_MAX - offset_bytes ? UINT64_MAX : offset_bytes + left;
}

/* Opens it; then, step by step, copies the beginning of a file that it goes on with. */
static enum ferry_error do_open_part(struct files_call *call, struct files_home *at)
{
    const struct store_call *want = &call->want;
    struct home_upload *upload = &call->upload;
    bool done = true;
    enum ferry_error error = FERRY_OK;
    if (upload->fd >= 0) {
        error = home_copy(&at->home, &done, &call->fault);
    } else {
        error = home_open_part(&at->home, want->path, want->start, want->offset_bytes, upload,
                               &call->fault);
        done = !upload->copying;
    }
    call->again = error == FERRY_OK && !done;
    if (error != FERRY_OK || call->again)
        return error;
    call->fd = fd_take(&upload->fd);
    call->answer.part = upload->part;
    call->answer.offset_bytes = upload->offset_bytes;
    call->answer.in_place = upload->in_place;
    call->answer.end_bytes = end_of(&at->home, upload->offset_bytes);
    call->answer.path = bytes_str(upload->path);
    return FERRY_OK;
}

/* Whether the quota has room for what the worker has written, of which only here is heard. */
static bool is_within(struct files_home *at, uint32_t number)
{
    struct stat status;
    const struct part *part = at->home.part;
    return !at->home.rules.quota || !part || fstat(part->fd, &status) != 0 ||
           home_reserve(&at->home, number, (uint64_t)status.st_size);
}

static enum ferry_error do_read_part(struct files_call *call, struct files_home *at)
{
    return home_read_part(&at->home, call->want.part, &call->fd, &call->answer.size_bytes,
                          &call->fault);
}

static enum ferry_error do_commit(struct files_call *call, struct files_home *at)
{
    if (!is_within(at, call->want.part)) {
        errno = EDQUOT;
        return fault_errno(&call->fault, FERRY_E_FILE, "the account's quota is used up");
    }
    return home_commit(&at->home, call->want.part, &call->fault);
}

static enum ferry_error do_abandon(struct files_call *call, struct files_home *at)
{
    home_abandon(&at->home, call->want.part, call->want.keep && is_within(at, call->want.part));
    return FERRY_OK;
}

/* ---- what takes several pieces ---- */

static enum ferry_error step_subtree(struct files_call *call, enum ferry_error begun)
{
    bool done = false;
    enum ferry_error error = begun;
    if (error == FERRY_OK)
        error = subtree_step(call->subtree, &done, &call->fault);
    call->again = error == FERRY_OK && !done;
    if (done)
        call->answer.size_bytes = subtree_bytes(call->subtree);
    return error;
}

static enum ferry_error do_tree_size(struct files_call *call, struct files_home *at)
{
    enum ferry_error begun = FERRY_OK;
    if (!call->subtree)
        begun = home_tree_size(&at->home, call->want.path, &call->subtree, &call->fault);
    return step_subtree(call, begun);
}

static enum ferry_error do_remove_tree(struct files_call *call, struct files_home *at)
{
    enum ferry_error begun = FERRY_OK;
    uint64_t bytes = call->subtree ? subtree_bytes(call->subtree) : 0;
    uint64_t names = call->subtree ? subtree_names(call->subtree) : 0;
    if (!call->subtree)
        begun = home_remove_tree(&at->home, call->want.path, &call->subtree, &call->fault);
    enum ferry_error error = step_subtree(call, begun);
    if (call->subtree)
        home_give(&at->home, subtree_bytes(call->subtree) - bytes,
                  subtree_names(call->subtree) - names);
    return error;
}

static enum ferry_error begin_combine(struct files_call *call, const struct home *home)
{
    const struct combine_want want = {
        .target = call->want.path,
        .sources = call->want.other,
        .remove_sources = call->want.remove_sources,
        .no_replace = call->want.no_replace,
    };
    return home_combine_new(home, &want, &call->combine, &call->fault);
}

static enum ferry_error do_combine(struct files_call *call, struct files_home *at)
{
    bool done = false;
    enum ferry_error error = call->combine ? FERRY_OK : begin_combine(call, &at->home);
    if (error == FERRY_OK)
        error = home_combine_step(call->combine, &done, &call->fault);
    call->again = error == FERRY_OK && !done;
    if (call->again)
        return FERRY_OK;
    home_combine_free(call->combine);
    call->combine = NULL;
    return error;
}

/* ---- entries ---- */

/* The answer takes as many as fit, at least one. */
static enum ferry_error answer_entries(struct files_call *call, const struct entry *entries,
                                       size_t count)
{
    call->entries = alloc_zero(STORE_ENTRIES_BYTES);
    if (!call->entries)
        return fault_set(&call->fault, FERRY_E_MEMORY, "no memory for a listing");
    call->answer.entries =
        store_wire_put_entries(call->entries, entries, count, &call->answer.count);
    return FERRY_OK;
}

static enum ferry_error do_stat(struct files_call *call, struct files_home *at)
{
    CLEANUP(entry_fini) struct entry entry = {0};
    enum ferry_error error =
        home_stat(&at->home, call->want.path, &entry, &call->answer.may_change, &call->fault);
    return error == FERRY_OK ? answer_entries(call, &entry, 1) : error;
}

void files_list_close(struct files_home *at)
{
    home_list_close(&at->home);
    at->left_count = 0;
}

static enum ferry_error do_list_open(struct files_call *call, struct files_home *at)
{
    CLEANUP(alloc_free_str) char *pattern = NULL;
    files_list_close(at);
    if (call->want.matching && !(pattern = alloc_bytes(call->want.other)))
        return fault_set(&call->fault, FERRY_E_MEMORY, "no memory for a listing");
    const struct home_list_want want = {.all = call->want.all, .pattern = pattern};
    return home_list_open(&at->home, call->want.path, &want, &call->fault);
}

static enum ferry_error do_list_next(struct files_call *call, struct files_home *at)
{
    enum ferry_error error = FERRY_OK;
    if (at->left_count == 0)
        error =
            home_list_next(&at->home, &at->left, &at->left_count, &at->may_change, &call->fault);
    if (error == FERRY_OK)
        error = answer_entries(call, at->left, at->left_count);
    if (error != FERRY_OK)
        return error;
    call->answer.may_change = at->may_change;
    at->left += call->answer.count;
    at->left_count -= call->answer.count;
    return FERRY_OK;
}

/* ---- the table ---- */

static const struct deed {
    enum store_message answer;
    enum ferry_error (*work)(struct files_call *call, struct files_home *at);
} deeds[] = {
    [STORE_OPEN_READ] = {STORE_READING, do_open_read},
    [STORE_STAT] = {STORE_ENTRIES, do_stat},
    [STORE_SIZE] = {STORE_SIZED, do_size},
    [STORE_ENTER] = {STORE_DONE, do_enter},
    [STORE_MAKE_DIRECTORY] = {STORE_DONE, do_make_directory},
    [STORE_REMOVE_DIRECTORY] = {STORE_DONE, do_remove_directory},
    [STORE_REMOVE_FILE] = {STORE_DONE, do_remove_file},
    [STORE_TREE_SIZE] = {STORE_SIZED, do_tree_size},
    [STORE_REMOVE_TREE] = {STORE_DONE, do_remove_tree},
    [STORE_FREE_BYTES] = {STORE_SIZED, do_free_bytes},
    [STORE_RENAME] = {STORE_DONE, do_rename},
    [STORE_MAKE_LINK] = {STORE_DONE, do_make_link},
    [STORE_SET_FACTS] = {STORE_CHANGED, do_set_facts},
    [STORE_COMBINE] = {STORE_DONE, do_combine},
    [STORE_OPEN_PART] = {STORE_WRITING, do_open_part},
    [STORE_COMMIT] = {STORE_DONE, do_commit},
    [STORE_READ_PART] = {STORE_READING, do_read_part},
    [STORE_ABANDON] = {STORE_DONE, do_abandon},
    [STORE_LIST_OPEN] = {STORE_DONE, do_list_open},
    [STORE_LIST_NEXT] = {STORE_ENTRIES, do_list_next},
};

static void answer_failed(struct files_call *call)
{
    call->again = false;
    call->answer = (struct store_answer){
        .message = STORE_FAILED,
        .kind = call->fault.kind,
        .os_error = call->fault.os_error,
        .what = bytes_str(call->fault.what),
    };
}

void files_call_work(struct files_call *call, struct files_home *at)
{
    const struct deed *deed = &deeds[call->want.message];
    call->answer.message = deed->answer;
    call->fault = at->none;
    if (fault_is_set(&at->none) || deed->work(call, at) != FERRY_OK)
        answer_failed(call);
}

void files_call_no_memory(struct files_call *call)
{
    fault_set(&call->fault, FERRY_E_MEMORY, "no memory for a call on the files");
    answer_failed(call);
}
