/* Connections to fuzz. */
#include "fuzz/connection.h"

/* One login for each highest version; its data connections offer its session. */
static struct tls_login *login_of(bool up_to_1_2)
{
    static struct tls_kit kits[2];
    static struct tls_login logins[2];
    struct tls_kit *kit = &kits[up_to_1_2];
    struct tls_login *login = &logins[up_to_1_2];
    if (!login->kit) {
        const struct tls_kit_options options = {
            .max = up_to_1_2 ? TLS_VERSION_1_2 : TLS_VERSION_ANY,
        };
        tls_kit_open(kit, &options);
        tls_login_open(login, kit);
    }
    return login;
}

void connection_open(struct connection *connection, bool data, bool up_to_1_2)
{
    struct tls_login *login = login_of(up_to_1_2);
    *connection = (struct connection){0};
    if (data) {
        tls_login_data(login, login, &connection->of_data);
        connection->pair = &connection->of_data;
        connection->binding = login->binding;
    } else {
        tls_login_init(&connection->fresh, login->kit);
        connection->pair = &connection->fresh.control;
        connection->binding = connection->fresh.binding;
    }
}

void connection_close(struct connection *connection)
{
    if (connection->fresh.kit)
        tls_login_fini(&connection->fresh);
    else
        tls_pair_fini(connection->pair);
}
