/* The resumption binding of one control connection, shared by all whose engines use it. */
#include "server/binding.h"

#include "base/alloc.h"

struct server_binding {
    struct tls_binding *tls;
    unsigned holders;
};

struct server_binding *server_binding_new(struct tls_master *master)
{
    struct server_binding *binding = alloc_zero(sizeof(*binding));
    if (!binding)
        return NULL;
    binding->holders = 1;
    binding->tls = tls_binding_new(master);
    if (binding->tls)
        return binding;
    alloc_free(binding);
    return NULL;
}

struct server_binding *server_binding_ref(struct server_binding *binding)
{
    if (binding)
        binding->holders++;
    return binding;
}

void server_binding_unref(struct server_binding *binding)
{
    if (!binding || --binding->holders > 0)
        return;
    tls_binding_free(binding->tls);
    alloc_free(binding);
}

struct tls_binding *server_binding_tls(struct server_binding *binding)
{
    return binding ? binding->tls : NULL;
}
