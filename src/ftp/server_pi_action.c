/* The server-PI's commands to actions: arguments taken apart and checked. */
#include "ftp/server_pi_private.h"

#include "base/text.h"
#include "ftp/ipaddr.h"

static const struct pi_refusal no_refusal = {0, NULL};

enum {
    FIRST_OPEN_PORT = 1024, /* RFC 2577 section 3 */
    HOST_MAX_BYTES = 253,
};

typedef struct pi_refusal fill_fn(struct server_pi *pi, struct server_action *action);

static struct pi_refusal fill_path(struct server_pi *pi, struct server_action *action)
{
    return server_pi_resolve(pi, action, action->argument);
}

static struct pi_refusal fill_parent(struct server_pi *pi, struct server_action *action)
{
    struct pi_refusal refusal = server_pi_resolve(pi, action, BYTES_LIT(".."));
    action->has_path = false;
    return refusal;
}

/* Words that begin with '-' are options of ls; of those -a and -l mean something (FTP-71). */
static struct pi_refusal fill_list(struct server_pi *pi, struct server_action *action)
{
    struct bytes rest = action->argument;
    while (rest.len > 0 && rest.ptr[0] == '-') {
        struct bytes options = bytes_cut(&rest, ' ');
        if (bytes_find(options, 'a') < options.len)
            action->list_flags |= LIST_ALL;
        if (bytes_find(options, 'l') < options.len)
            action->list_flags |= LIST_LONG;
    }
    action->argument = rest;
    action->glob = server_pi_has_extra(pi, SERVER_EXTRA_GLOB);
    return server_pi_resolve(pi, action, rest);
}

static struct pi_refusal fill_time_path(struct server_pi *pi, struct server_action *action)
{
    struct bytes path;
    if (facts_parse_mfmt(action->argument, &action->time, &path) != FERRY_OK)
        return (struct pi_refusal){501, "Not a time and a path."};
    return server_pi_resolve(pi, action, path);
}

/* XCRC and its kin. */
static struct pi_refusal fill_hash(struct server_pi *pi, struct server_action *action)
{
    struct hash_argument argument;
    if (hash_parse_argument(action->argument, &argument) != FERRY_OK)
        return (struct pi_refusal){501, "Not a path, or not a range."};
    (void)hash_of_verb(action->verb, &action->hash);
    action->has_range = argument.has_range;
    action->offset = argument.start;
    action->range_end = argument.end;
    return server_pi_resolve(pi, action, argument.path);
}

static struct pi_refusal fill_mff(struct server_pi *pi, struct server_action *action)
{
    struct bytes path, unknown;
    if (change_parse_facts(action->argument, &action->change, &path, &unknown) != FERRY_OK)
        return (struct pi_refusal){501, "Not facts and a path."};
    return server_pi_resolve(pi, action, path);
}

/* "n" or "n R m", of which m, the size of a record, means nothing here (FTP-59). */
static struct pi_refusal fill_allo(struct server_pi *pi, struct server_action *action)
{
    struct bytes rest = action->argument;
    uint64_t record;
    bool valid = text_u64(bytes_cut(&rest, ' '), INT64_MAX, &action->size);
    if (rest.len > 0)
        valid = valid && text_same(bytes_cut(&rest, ' '), BYTES_LIT("R")) &&
                text_u64(rest, INT64_MAX, &record);
    return valid ? server_pi_resolve(pi, action, BYTES_LIT(""))
                 : (struct pi_refusal){501, "Not a size."};
}

static bool is_host_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = text_upper(name.ptr[i]);
        if (!(c >= 'A' && c <= 'Z') && !text_is_digit(c) && c != '.' && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= HOST_MAX_BYTES;
}

/* A name or, in brackets, an address of IPv6: without those a colon would be a port's (FTP-156). */
static struct pi_refusal fill_host(struct server_pi *pi, struct server_action *action)
{
    (void)pi;
    uint8_t address[IPADDR_V6_BYTES];
    struct bytes name = action->argument;
    bool bracketed = name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']';
    if (bracketed)
        name = bytes_first(bytes_skip(name, 1), name.len - 2);
    else if (name.ptr[name.len - 1] == '.') /* TLS-146 */
        name = bytes_first(name, name.len - 1);
    if (bracketed ? !ipaddr_parse_v6(name, address) : !is_host_name(name))
        return (struct pi_refusal){501, "Not the name of a host."};
    action->argument = name;
    return no_refusal;
}

static bool is_v6(const struct server_pi *pi)
{
    return pi->settings.local.family == ADDRESS_V6;
}

static struct pi_refusal check_v4(const struct server_pi *pi)
{
    if (is_v6(pi))
        return (struct pi_refusal){500, "Not over IPv6: use EPSV or EPRT."};
    if (pi->epsv_all)
        return (struct pi_refusal){503, "Not after EPSV ALL."};
    return no_refusal;
}

/* RFC 2577: nobody is connected to but the one who asks, and no well-known port (FTP-49, SEC-7).
 * Where fxp is on, the owner knows who else may be (TLS-169). */
static struct pi_refusal check_target(const struct server_pi *pi, const struct hostport *target)
{
    if (!pi->settings.dialect.fxp && !hostport_same_address(target, &pi->settings.peer))
        return (struct pi_refusal){504, "Not to another address than the control connection's."};
    if (target->port < FIRST_OPEN_PORT)
        return (struct pi_refusal){504, "Not to a port under 1024."};
    return no_refusal;
}

static struct pi_refusal fill_pasv(struct server_pi *pi, struct server_action *action)
{
    (void)action;
    return check_v4(pi);
}

static struct pi_refusal fill_port(struct server_pi *pi, struct server_action *action)
{
    struct pi_refusal refusal = check_v4(pi);
    if (refusal.code != 0)
        return refusal;
    if (hostport_parse_port(action->argument, &action->address) != FERRY_OK)
        return (struct pi_refusal){501, "Not an address and a port."};
    return check_target(pi, &action->address);
}

static struct pi_refusal fill_eprt(struct server_pi *pi, struct server_action *action)
{
    if (pi->epsv_all)
        return (struct pi_refusal){503, "Not after EPSV ALL."};
    enum ferry_error error = hostport_parse_eprt(action->argument, &action->address);
    if (error == FERRY_E_UNSUPPORTED)
        return (struct pi_refusal){522, "Network protocol not supported, use (1,2)."};
    if (error != FERRY_OK)
        return (struct pi_refusal){501, "Not an address and a port."};
    return check_target(pi, &action->address);
}

static struct pi_refusal fill_epsv(struct server_pi *pi, struct server_action *action)
{
    uint64_t family;
    if (action->argument.len == 0)
        return no_refusal;
    if (!text_u64(action->argument, UINT16_MAX, &family))
        return (struct pi_refusal){501, "Not a network protocol."};
    enum address_family ours = is_v6(pi) ? ADDRESS_V6 : ADDRESS_V4;
    if (family != ours)
        return (struct pi_refusal){522, ours == ADDRESS_V6
                                            ? "Network protocol not supported, use (2)."
                                            : "Network protocol not supported, use (1)."};
    action->address.family = ours;
    return no_refusal;
}

/* What a verb's argument stands for, where its kind does not say. */
static const struct {
    enum verb verb;
    fill_fn *fill;
} fills[] = {
    {VERB_ALLO, fill_allo},           {VERB_CDUP, fill_parent},
    {VERB_EPRT, fill_eprt},           {VERB_EPSV, fill_epsv},
    {VERB_LIST, fill_list},           {VERB_NLST, fill_list},
    {VERB_PASV, fill_pasv},           {VERB_PORT, fill_port},
    {VERB_XCRC, fill_hash},           {VERB_XMD5, fill_hash},
    {VERB_XSHA, fill_hash},           {VERB_XSHA1, fill_hash},
    {VERB_XSHA256, fill_hash},        {VERB_XSHA512, fill_hash},
    {VERB_HOST, fill_host},           {VERB_MFF, fill_mff},
    {VERB_SITE, server_pi_fill_site}, {VERB_COMB, server_pi_fill_comb},
    {VERB_MDTM, server_pi_fill_mdtm}, {VERB_PRET, server_pi_fill_pret},
    {VERB_CPSV, fill_pasv},
};

static struct pi_refusal fill(struct server_pi *pi, struct server_action *action)
{
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        if (fills[i].verb == action->verb)
            return fills[i].fill(pi, action);
    }
    switch (verb_row(action->verb)->argument) {
    case ARGUMENT_PATH:
    case ARGUMENT_OPTIONAL_PATH:
        return fill_path(pi, action);
    case ARGUMENT_TIME_PATH:
        return fill_time_path(pi, action);
    case ARGUMENT_NONE:
    case ARGUMENT_TOKEN:
    case ARGUMENT_NUMBER:
    case ARGUMENT_TEXT:
    case ARGUMENT_OPTIONAL_TEXT:
    case ARGUMENT_SECRET:
        return no_refusal;
    }
    return no_refusal;
}

/* SSCN is for files alone, CPSV for whatever comes. */
static bool is_tls_client(const struct server_pi *pi, enum verb verb)
{
    bool file = verb == VERB_RETR || verb == VERB_STOR || verb == VERB_STOU || verb == VERB_APPE;
    return (verb_row(verb)->allowed & ALLOWED_DATA) && (pi->cpsv || (pi->sscn && file));
}

struct pi_refusal server_pi_fill_action(struct server_pi *pi, const struct pi_request *request,
                                        struct server_action *action)
{
    *action = (struct server_action){
        .kind = SERVER_ACTION_COMMAND,
        .verb = request->command.verb,
        .offset = request->range.offset,
        .has_range = request->range.ends,
        .range_end = request->range.end,
        .hash = pi->hash,
        .tls_client = is_tls_client(pi, request->command.verb),
    };
    if (pi->work == PI_WORK_TRANSFER) { /* ABOR, or STAT alone: the views of the transfer stay */
        action->kind = action->verb == VERB_ABOR ? SERVER_ACTION_ABORT : SERVER_ACTION_COMMAND;
        action->path = server_pi_text(&pi->cwd);
        return no_refusal;
    }
    if (buf_append(&pi->argument, request->command.argument) != FERRY_OK) {
        server_pi_fail(pi, FERRY_E_MEMORY, "no memory for a command");
        return no_refusal;
    }
    action->argument = buf_view(&pi->argument);
    if (action->verb == VERB_RNTO)
        action->rename_from = server_pi_text(&pi->rename_from);
    struct pi_refusal refusal = fill(pi, action);
    if (refusal.code != 0) {
        buf_wipe(&pi->argument);
        server_pi_drop_paths(pi);
    }
    return refusal;
}
