/* What of the operator's page contradicts itself. */
#include "ferryd/settings_check_web.h"

#include <arpa/inet.h>

#include "ferryd/settings.h"

static bool is_loopback(const char *address)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, address, &four) == 1)
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

void settings_check_web(struct conf *conf)
{
    static const char *const about_it[] = {"web_user", "web_password_hash", "web_hosts"};
    const struct conf_instance *outside = conf_next(conf, NULL, NULL);
    const struct settings_global *global = settings_global(conf);
    bool served = conf_is_given(outside, "web");
    for (size_t i = 0; i < ARRAY_LEN(about_it) && !served; i++)
        if (conf_is_given(outside, about_it[i]))
            conf_mistake(conf, outside, about_it[i],
                         "there is no page that it is of: write web = 127.0.0.1:8443");
    if (served && global->web.address.text[0] && !is_loopback(global->web.address.text))
        conf_mistake(
            conf, outside, "web",
            "the page has no TLS of its own, so that others could read its password there: "
            "write web = 127.0.0.1:%u, and reach it by \"ssh -L\" or a proxy with TLS",
            (unsigned)global->web.port);
    if (served && !global->web_password_hash)
        conf_mistake(conf, outside, "web",
                     "nobody could log in: web_password_hash is what \"ferryd hash\" prints");
}
