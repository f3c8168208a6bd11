/* Where ferryd-ops asks which accounts there are. */
#include "ferryd/auth/account_desk.h"

#include <sys/queue.h>

#include "base/alloc.h"
#include "ferryd/auth/ban_desk.h"
#include "ferryd/messages.h"

struct listed {
    STAILQ_ENTRY(listed) link;
    const char *source; /* the source's */
    char *name, *home, *expires;
    const char *login;
    bool disabled;
};

/* One list: on the pool it is the pool's alone. */
struct account_list {
    struct account_desk *desk;
    struct link *ops; /* NULL: nobody waits for it */
    uint64_t number;
    const struct source *source; /* that is being read */
    STAILQ_HEAD(, listed) rows;
    size_t count;
    struct fault fault;
};

static void listed_free(struct listed *row)
{
    alloc_free(row->name);
    alloc_free(row->home);
    alloc_free(row->expires);
    alloc_free(row);
}

/* FERRY_E_LIMIT: these are enough. */
static enum ferry_error add(void *ctx, const struct account *account, struct fault *fault)
{
    struct account_list *list = ctx;
    struct listed *row = list->count < ACCOUNT_DESK_MAX ? alloc_zero(sizeof(*row)) : NULL;
    if (!row)
        return fault_set(fault, FERRY_E_LIMIT, "there are too many accounts to list");
    row->source = list->source->name;
    row->name = alloc_str(account->name);
    row->home = alloc_str(account_text(account, ACCOUNT_HOME));
    row->expires = alloc_str(account_text(account, ACCOUNT_EXPIRES));
    row->login = admission_policy_words[account->login];
    row->disabled = account->disabled;
    STAILQ_INSERT_TAIL(&list->rows, row, link);
    list->count++;
    return FERRY_OK;
}

static void work(void *ctx)
{
    struct account_list *list = ctx;
    const struct book *book = list->desk->book;
    for (unsigned i = 0; i < book->count && !fault_is_set(&list->fault); i++) {
        list->source = book->sources[i];
        if (list->source->ops->each)
            (void)list->source->ops->each(book->sources[i], add, list, &list->fault);
    }
}

static void send_row(struct link *ops, const struct listed *row)
{
    struct fault fault = {0};
    struct wire_writer *writer = link_begin(ops, MESSAGE_ACCOUNT_ROW);
    wire_put_bytes(writer, bytes_first(bytes_str(row->name), MESSAGE_NAME_BYTES));
    wire_put_bytes(writer, bytes_first(bytes_str(row->source), MESSAGE_NAME_BYTES));
    wire_put_bytes(writer, bytes_first(bytes_str(row->login), MESSAGE_NAME_BYTES));
    wire_put_bytes(writer, bytes_first(bytes_str(row->home), MESSAGE_PATH_BYTES));
    wire_put_bytes(writer, bytes_first(bytes_str(row->expires), MESSAGE_NAME_BYTES));
    wire_put_u8(writer, row->disabled);
    (void)!link_send(ops, NULL, 0, &fault); /* what does not fit is left out */
}

static void done(void *ctx)
{
    struct account_list *list = ctx;
    struct fault fault = {0};
    struct listed *row;
    list->desk->list = NULL;
    while ((row = STAILQ_FIRST(&list->rows))) {
        STAILQ_REMOVE_HEAD(&list->rows, link);
        if (list->ops)
            send_row(list->ops, row);
        listed_free(row);
    }
    if (list->ops) /* if it has gone, its link says so */
        (void)!ban_desk_done(list->ops, list->number,
                             fault_is_set(&list->fault) ? list->fault.what : NULL, &fault);
    alloc_free(list);
}

enum ferry_error account_desk_ask(struct account_desk *desk, struct link *ops, uint64_t number,
                                  struct fault *fault)
{
    if (desk->list)
        return ban_desk_done(ops, number, "a list is being made already", fault);
    struct account_list *list = alloc_zero(sizeof(*list));
    if (!list)
        return ban_desk_done(ops, number, "memory is short", fault);
    *list = (struct account_list){.desk = desk, .ops = ops, .number = number};
    STAILQ_INIT(&list->rows);
    if (loop_job(desk->loop, work, done, list) != FERRY_OK) {
        alloc_free(list);
        return ban_desk_done(ops, number, "memory is short", fault);
    }
    desk->list = list;
    return FERRY_OK;
}

void account_desk_forget(struct account_desk *desk)
{
    if (desk->list)
        desk->list->ops = NULL;
}
