/* Who gets in by an account. */
#include "account/account.h"

#include "store/rights.h"

/* Nobody knows who it is: it may fetch, or bring, but not what others have brought, and changes
 * nothing that is there. */
static bool is_fit_for_anybody(const struct account *account)
{
    struct rights rights;
    rights_init(&rights);
    struct bytes text = bytes_str(account_text(account, ACCOUNT_RIGHTS));
    bool fit = account->read_only;
    if (!fit && text.len > 0 && rights_add_text(&rights, text, NULL) == FERRY_OK)
        fit = rights_all_within(&rights, RIGHTS_READ_ONLY, RIGHTS_DROP);
    rights_fini(&rights);
    return fit;
}

enum ferry_error account_check(const struct account *account, struct fault *fault)
{
    bool password = account_text(account, ACCOUNT_PASSWORD_HASH)[0] != '\0';
    bool certificate = account->certificate_count > 0;
    bool enough = false;
    if (!account_text(account, ACCOUNT_HOME)[0])
        return fault_set(fault, FERRY_E_ARGUMENT, "account \"%s\" lacks home", account->name);
    switch (account->login) {
    case ADMISSION_PASSWORD:
        enough = password;
        break;
    case ADMISSION_CERTIFICATE:
        enough = certificate;
        break;
    case ADMISSION_CERTIFICATE_OR_PASSWORD:
        enough = certificate || password;
        break;
    case ADMISSION_CERTIFICATE_AND_PASSWORD:
        enough = certificate && password;
        break;
    case ADMISSION_ANONYMOUS:
        if (is_fit_for_anybody(account))
            return FERRY_OK;
        return fault_set(fault, FERRY_E_ARGUMENT,
                         "account \"%s\" is anonymous: write read_only = yes, or rights that are "
                         "none, read, list, read-only or drop in each folder",
                         account->name);
    }
    if (enough)
        return FERRY_OK;
    return fault_set(fault, FERRY_E_ARGUMENT, "account \"%s\" lacks %s", account->name,
                     password || account->login == ADMISSION_CERTIFICATE
                         ? "certificates, which its login demands"
                         : "password_hash");
}

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

/* FNV-1a; what it is taken of is a salted hash already. */
uint64_t account_stamp(const struct account *account, uint64_t seed)
{
    static const uint64_t prime = UINT64_C(0x100000001b3);
    uint64_t stamp = seed;
    for (const char *c = account_text(account, ACCOUNT_PASSWORD_HASH); *c; c++)
        stamp = (stamp ^ (unsigned char)*c) * prime;
    return stamp;
}

bool account_certificate_fits(const struct account *account, const struct tls_identity *identity)
{
    for (size_t i = 0; identity && i < account->certificate_count; i++)
        if (tls_identity_rule_matches(&account->certificates[i], identity,
                                      bytes_str(account->name)))
            return true;
    return false;
}
