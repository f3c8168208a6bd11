/* Who gets in by an account. */
#include "account/account.h"

const char *account_bar_words(enum account_bar bar)
{
    static const char *const words[] = {
        [ACCOUNT_FREE] = "it may be used",
        [ACCOUNT_IS_DISABLED] = "it is disabled",
        [ACCOUNT_HAS_EXPIRED] = "it has expired",
        [ACCOUNT_BAD_HOUR] = "it is not one of its hours",
        [ACCOUNT_BAD_NETWORK] = "the client's address is in none of its networks",
    };
    return words[bar];
}

enum account_bar account_bar(const struct account *account, const struct account_time *now,
                             const struct address *peer)
{
    if (account->disabled)
        return ACCOUNT_IS_DISABLED;
    if (account->expires_s != 0 && now->unix_s >= account->expires_s)
        return ACCOUNT_HAS_EXPIRED;
    if (!hours_contain(&account->hours, now->weekday, now->minute))
        return ACCOUNT_BAD_HOUR;
    if (account->network_count > 0 &&
        !network_list_contains(account->networks, account->network_count, peer))
        return ACCOUNT_BAD_NETWORK;
    return ACCOUNT_FREE;
}

bool account_certificate_fits(const struct account *account, const struct tls_identity *identity)
{
    for (size_t i = 0; identity && i < account->certificate_count; i++)
        if (tls_identity_rule_matches(&account->certificates[i], identity,
                                      bytes_str(account->name)))
            return true;
    return false;
}
