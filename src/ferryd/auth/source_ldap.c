/* A directory as a source of accounts. */
#include "ferryd/auth/source_ldap.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/secret.h"
#include "ferryd/auth/ldap_link.h"
#include "ferryd/auth/source_files.h"
#include "ferryd/directory/draft.h"
#include "ferryd/directory/pattern.h"
#include "ferryd/settings_directories.h"

enum { GROUPS_MAX = 1000 };

/* Two connections, since one becomes whom a login claims to be. */
struct ldap_turn {
    struct ldap_link searches, logins;
    uint64_t deadline_ns; /* of the login that has the turn */
};

struct ldap_attribute {
    unsigned target;
    char *name;
};

struct ldap_source {
    struct source source;
    char *label;
    const struct settings_ldap *settings;
    char *ca_path;
    struct secret *password; /* of bind_dn */
    struct ldap_servers servers;
    struct ldap_attribute attributes[DRAFT_TARGETS];
    size_t attribute_count;
    char *names[DRAFT_TARGETS + 1]; /* of the attributes, for the search */
    struct ldap_turn turns[SOURCE_TURNS_MAX];
};

/* ---- asking ---- */

/* Is whom searches are made as. */
static enum ferry_error bind_for_search(struct ldap_source *self, struct ldap_turn *turn,
                                        struct fault *fault)
{
    bool right = false;
    const char *dn = self->settings->bind_dn ? self->settings->bind_dn : "";
    enum ferry_error error = ldap_link_bind(&turn->searches, dn, secret_reveal(self->password),
                                            turn->deadline_ns, &right, fault);
    if (error == FERRY_OK && !right) {
        ldap_link_fini(&turn->searches);
        error = fault_set(fault, FERRY_E_REFUSED, "%s: the directory does not take bind_dn",
                          self->source.name);
    }
    return error;
}

/* Once more by a new connection, if the one that was kept turns out to be broken. */
static enum ferry_error search(struct ldap_source *self, struct ldap_turn *turn,
                               const struct ldap_question *question, LDAPMessage **out,
                               struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    *out = NULL;
    for (int tries = 0; error == FERRY_OK && !*out && tries < 2; tries++) {
        if (!turn->searches.ld)
            error = bind_for_search(self, turn, fault);
        if (error == FERRY_OK)
            error = ldap_link_search(&turn->searches, question, turn->deadline_ns, out, fault);
    }
    if (error == FERRY_OK && !*out)
        error = fault_set(fault, FERRY_E_CONNECT, "%s does not answer", self->source.name);
    return error;
}

/* ---- the entry ---- */

static enum ferry_error put_attribute(LDAP *ld, LDAPMessage *entry,
                                      const struct ldap_attribute *attribute, struct draft *draft,
                                      struct fault *fault)
{
    struct berval **values = ldap_get_values_len(ld, entry, attribute->name);
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; values && values[i] && error == FERRY_OK; i++)
        error = draft_put(draft, attribute->target, bytes_of(values[i]->bv_val, values[i]->bv_len),
                          fault);
    ldap_value_free_len(values);
    return error;
}

static enum ferry_error take_entry(const struct ldap_source *self, LDAP *ld, LDAPMessage *entry,
                                   struct bytes name, struct found *out, struct fault *fault)
{
    const struct draft_rules rules = {
        .defaults = &self->settings->source.defaults,
        .uid_min = self->settings->source.uid_min,
    };
    CLEANUP(draft_fini) struct draft draft;
    enum ferry_error error = draft_init(&draft, name, fault);
    for (size_t i = 0; i < self->attribute_count && error == FERRY_OK; i++)
        error = put_attribute(ld, entry, &self->attributes[i], &draft, fault);
    if (error == FERRY_OK)
        error = draft_finish(&draft, &rules, &out->owned, fault);
    if (error != FERRY_OK || !out->owned)
        return error;
    char *dn = ldap_get_dn(ld, entry);
    out->locator = dn && dn[0] ? alloc_str(dn) : NULL;
    ldap_memfree(dn);
    if (!out->locator)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for an account");
    out->account = out->owned;
    return FERRY_OK;
}

/* Puts the name, and the DN that was found, into a text of the settings. */
static enum ferry_error fill(const char *text, bool is_dn, struct bytes name, const char *found,
                             struct buf *out, struct fault *fault)
{
    buf_init(out, PATTERN_MAX_BYTES);
    enum ferry_error error = is_dn ? pattern_dn(bytes_str(text), name, out)
                                   : pattern_filter(bytes_str(text), name, bytes_str(found), out);
    if (error == FERRY_OK)
        error = buf_append(out, bytes_of("", 1));
    return error == FERRY_OK ? FERRY_OK : fault_set(fault, error, "no memory for a search");
}

/* The same message for all of an account: `question` has its base and filter filled in. */
static enum ferry_error look_up(struct ldap_source *self, struct ldap_turn *turn, struct bytes name,
                                struct found *out, struct fault *fault)
{
    LDAPMessage *answer = NULL;
    CLEANUP(buf_fini) struct buf base;
    CLEANUP(buf_fini) struct buf filter;
    enum ferry_error error = fill(self->settings->base, true, name, NULL, &base, fault);
    enum ferry_error other = fill(self->settings->filter, false, name, NULL, &filter, fault);
    const struct ldap_question question = {
        .base = buf_view(&base).ptr,
        .filter = buf_view(&filter).ptr,
        .scope = self->settings->scope,
        .attributes = self->names,
        .most = 1,
    };
    if (error == FERRY_OK)
        error = other;
    if (error == FERRY_OK)
        error = search(self, turn, &question, &answer, fault);
    LDAPMessage *entry = error == FERRY_OK ? ldap_first_entry(turn->searches.ld, answer) : NULL;
    if (entry)
        error = take_entry(self, turn->searches.ld, entry, name, out, fault);
    ldap_msgfree(answer);
    return error;
}

/* Whether group_filter finds anything. */
static enum ferry_error is_member(struct ldap_source *self, struct ldap_turn *turn,
                                  struct bytes name, const char *dn, bool *out, struct fault *fault)
{
    static char none[] = LDAP_NO_ATTRS;
    static char *nothing[] = {none, NULL};
    LDAPMessage *answer = NULL;
    CLEANUP(buf_fini) struct buf base;
    CLEANUP(buf_fini) struct buf filter;
    const struct settings_ldap *settings = self->settings;
    const char *where = settings->group_base ? settings->group_base : settings->base;
    enum ferry_error error = fill(where, true, name, NULL, &base, fault);
    enum ferry_error other = fill(settings->group_filter, false, name, dn, &filter, fault);
    const struct ldap_question question = {
        .base = buf_view(&base).ptr,
        .filter = buf_view(&filter).ptr,
        .scope = LDAP_SCOPE_SUBTREE,
        .attributes = nothing,
        .most = GROUPS_MAX,
    };
    if (error == FERRY_OK)
        error = other;
    if (error == FERRY_OK)
        error = search(self, turn, &question, &answer, fault);
    *out = error == FERRY_OK && ldap_count_entries(turn->searches.ld, answer) > 0;
    ldap_msgfree(answer);
    return error;
}

/* ---- the source ---- */

static enum ferry_error source_ldap_find(struct source *source, unsigned number, struct bytes name,
                                         struct found *out, struct fault *fault)
{
    struct ldap_source *self = (struct ldap_source *)source;
    struct ldap_turn *turn = &self->turns[number];
    bool counts = true;
    turn->deadline_ns = clock_monotonic_ns(&clock_system) + self->settings->source.timeout_ns;
    if (!draft_name_is_usable(name))
        return FERRY_OK;
    enum ferry_error error = look_up(self, turn, name, out, fault);
    if (error == FERRY_OK && self->settings->group_filter)
        error = is_member(self, turn, name, out->locator ? out->locator : "", &counts, fault);
    if (error != FERRY_OK || !counts)
        found_fini(out);
    return error;
}

/* As whom the password is tried for a name that is not there: an entry that has none, so that the
 * way to the directory and back is the same. */
static enum ferry_error try_nobody(struct ldap_source *self, struct ldap_turn *turn,
                                   struct bytes name, struct bytes password, struct fault *fault)
{
    bool right = false;
    CLEANUP(buf_fini) struct buf base;
    enum ferry_error error = fill(self->settings->base, true, name, NULL, &base, fault);
    return error == FERRY_OK ? ldap_link_bind(&turn->logins, buf_view(&base).ptr, password,
                                              turn->deadline_ns, &right, fault)
                             : error;
}

static enum ferry_error source_ldap_check(struct source *source, unsigned number, struct bytes name,
                                          const struct found *found, struct bytes password,
                                          bool *right, struct fault *fault)
{
    struct ldap_source *self = (struct ldap_source *)source;
    struct ldap_turn *turn = &self->turns[number];
    *right = false;
    if (!found->locator)
        return try_nobody(self, turn, name, password, fault);
    return ldap_link_bind(&turn->logins, found->locator, password, turn->deadline_ns, right, fault);
}

static void source_ldap_close(struct source *source)
{
    struct ldap_source *self = (struct ldap_source *)source;
    for (unsigned i = 0; i < source->turns; i++) {
        ldap_link_fini(&self->turns[i].searches);
        ldap_link_fini(&self->turns[i].logins);
    }
    for (size_t i = 0; i < self->attribute_count; i++)
        alloc_free(self->attributes[i].name);
    secret_free(self->password);
    alloc_free(self->ca_path);
    alloc_free(self->label);
    alloc_free(self);
}

/* ---- opening ---- */

static enum ferry_error read_attributes(struct ldap_source *self, struct fault *fault)
{
    const struct conf_texts *texts = &self->settings->attributes;
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < texts->count && i < DRAFT_TARGETS && error == FERRY_OK; i++) {
        struct ldap_attribute *out = &self->attributes[i];
        struct bytes name;
        error = draft_pair(bytes_str(texts->list[i]), &out->target, &name, fault);
        out->name = error == FERRY_OK ? alloc_bytes(name) : NULL;
        if (error == FERRY_OK && !out->name)
            error = fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
        self->names[i] = out->name;
        self->attribute_count++;
    }
    return error;
}

static enum ferry_error open_all(struct ldap_source *self, struct given *given, struct fault *fault)
{
    const struct settings_ldap *settings = self->settings;
    enum ferry_error error =
        source_files_ca(given, settings->source.ca_file, &self->ca_path, fault);
    if (error == FERRY_OK && settings->bind_password_file)
        error = source_files_secret(given, settings->bind_password_file, &self->password, fault);
    if (error == FERRY_OK)
        error = read_attributes(self, fault);
    self->servers = (struct ldap_servers){
        .urls = &settings->url,
        .starttls = settings->starttls,
        .ca_path = self->ca_path,
    };
    for (unsigned i = 0; i < self->source.turns; i++) {
        ldap_link_init(&self->turns[i].searches, &self->servers);
        ldap_link_init(&self->turns[i].logins, &self->servers);
    }
    return error;
}

enum ferry_error source_ldap_open(const struct conf_instance *block, struct given *given,
                                  struct source **out, struct fault *fault)
{
    static const struct source_ops ops = {
        .find = source_ldap_find,
        .check_password = source_ldap_check,
        .close = source_ldap_close,
    };
    struct ldap_source *self = alloc_zero(sizeof(*self));
    if (!self)
        return fault_set(fault, FERRY_E_MEMORY, "no memory for the accounts");
    self->settings = block->values;
    self->label = source_files_label(block);
    self->source = (struct source){
        .ops = &ops,
        .name = self->label,
        .turns = (unsigned)self->settings->source.connections,
        .patience_ns = self->settings->source.timeout_ns,
    };
    enum ferry_error error = self->label ? open_all(self, given, fault)
                                         : fault_set(fault, FERRY_E_MEMORY, "memory is short");
    if (error == FERRY_OK)
        *out = &self->source;
    else
        source_ldap_close(&self->source);
    return error;
}
