/* Why a TLS session failed, in words. */
#include "tls/failure.h"

#include <openssl/err.h>

#include "base/text.h"

enum { RECORD_ALERT = 0x15, RECORD_HANDSHAKE = 0x16 };

/* Names of RFC 8446 section 6 and RFC 5246 section 7.2, and what is behind an alert for the one who
 * receives it. */
static const struct {
    int number;
    const char *name;
    const char *for_client;
    const char *for_server;
} alerts[] = {
    {0, "close_notify", NULL, NULL},
    {10, "unexpected_message", NULL, NULL},
    {20, "bad_record_mac", NULL, NULL},
    {22, "record_overflow", NULL, NULL},
    {40, "handshake_failure",
     "the server accepts none of the ciphers offered, or wants a client certificate; try --legacy, "
     "or --cert and --key",
     "the client accepts none of the ciphers"},
    {42, "bad_certificate", "the server refuses the client certificate; see --cert",
     "the client refuses this server's certificate"},
    {43, "unsupported_certificate", "the server refuses the client certificate; see --cert",
     "the client refuses this server's certificate"},
    {44, "certificate_revoked", "the client certificate is revoked; see --cert",
     "the client takes this server's certificate for revoked"},
    {45, "certificate_expired", "the client certificate has expired; see --cert",
     "the client takes this server's certificate for expired"},
    {46, "certificate_unknown", "the server refuses the client certificate; see --cert",
     "the client refuses this server's certificate"},
    {47, "illegal_parameter", NULL, NULL},
    {48, "unknown_ca", "the server does not know the CA of the client certificate; see --cert",
     "the client does not trust the CA of this server's certificate"},
    {49, "access_denied", "the server refuses the client certificate; see --cert", NULL},
    {50, "decode_error", NULL, NULL},
    {51, "decrypt_error", NULL, NULL},
    {70, "protocol_version",
     "the server does not speak the TLS versions offered; see --tls-min and --legacy",
     "the client does not speak the TLS versions of this server's policy"},
    {71, "insufficient_security", "the server wants stronger ciphers or keys", NULL},
    {80, "internal_error", NULL, NULL},
    {86, "inappropriate_fallback", NULL, NULL},
    {90, "user_canceled", NULL, NULL},
    {100, "no_renegotiation", NULL, NULL},
    {109, "missing_extension", NULL, NULL},
    {110, "unsupported_extension", NULL, NULL},
    {112, "unrecognized_name", "the server knows no host of this name; look at the URL", NULL},
    {113, "bad_certificate_status_response", NULL, NULL},
    {115, "unknown_psk_identity", NULL, NULL},
    {116, "certificate_required", "the server wants a client certificate: use --cert and --key",
     NULL},
    {120, "no_application_protocol", "the server behind this port does not speak FTP", NULL},
};

static void explain_alert(struct tls_connection *connection, int number)
{
    struct fault *fault = &connection->fault;
    const char *name = "unknown alert";
    const char *advice = NULL;
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
        if (alerts[i].number == number) {
            name = alerts[i].name;
            advice = connection->server ? alerts[i].for_server : alerts[i].for_client;
        }
    }
    fault_set(fault, FERRY_E_TLS, "the %s ended TLS with an alert",
              connection->server ? "client" : "server");
    char said[64];
    snprintf(said, sizeof(said), "%s (TLS alert %d)", name, number);
    fault_peer(fault, 0, bytes_str(said));
    if (advice)
        fault_advise(fault, "%s", advice);
}

/* What other protocols begin with. */
static const struct {
    struct bytes start;
    const char *words;
    const char *advice;
} foreigners[] = {
    {BYTES_LIT("HTTP/"), "a web server answers on this port, not FTP", NULL},
    {BYTES_LIT("<"), "a web server answers on this port, not FTP", NULL},
    {BYTES_LIT("SSH-"), "SSH is spoken on this port, not FTP over TLS",
     "if files are offered there, it is by SFTP, which is another protocol"},
    {BYTES_LIT("GET "), "the client speaks HTTP, not FTP over TLS", NULL},
    {BYTES_LIT("HEAD "), "the client speaks HTTP, not FTP over TLS", NULL},
    {BYTES_LIT("POST "), "the client speaks HTTP, not FTP over TLS", NULL},
    {BYTES_LIT("USER "), "the client speaks plain FTP where TLS is expected", NULL},
    {BYTES_LIT("AUTH "), "the client speaks plain FTP where TLS is expected", NULL},
};

/* Bytes that begin as an FTP reply does are told with its code and the text of its first line. */
static bool explain_reply(struct tls_connection *connection, struct bytes first)
{
    uint64_t code = 0;
    if (!text_u64(bytes_first(first, 3), 659, &code) || code < 100)
        return false;
    struct bytes line = bytes_first(first, bytes_find(first, '\n'));
    line = bytes_first(line, bytes_find(line, '\r'));
    struct fault *fault = &connection->fault;
    fault_set(fault, FERRY_E_TLS,
              connection->data ? "the server sends plain text where TLS is expected"
                               : "the server speaks plain FTP on this port");
    fault_peer(fault, (int)code, bytes_skip(line, sizeof("220 ") - 1));
    if (code == 220 && !connection->data)
        fault_advise(fault, "try explicit TLS: ftp:// instead of ftps://");
    return true;
}

bool failure_is_foreign(struct tls_connection *connection, struct bytes first)
{
    unsigned char type = (unsigned char)first.ptr[0];
    if (type == RECORD_HANDSHAKE || type == RECORD_ALERT)
        return false;
    if (!connection->server && explain_reply(connection, first))
        return true;

    struct fault *fault = &connection->fault;
    for (size_t i = 0; i < ARRAY_LEN(foreigners); i++) {
        if (bytes_starts(first, foreigners[i].start)) {
            fault_set(fault, FERRY_E_TLS, "%s", foreigners[i].words);
            if (foreigners[i].advice)
                fault_advise(fault, "%s", foreigners[i].advice);
            return true;
        }
    }
    fault_set(fault, FERRY_E_TLS, "the %s sends plain text where TLS is expected",
              connection->server ? "client" : "server");
    return true;
}

/* Reasons of OpenSSL that people meet, in words of ours. */
static const struct {
    int reason;
    enum ferry_error kind;
    const char *words;
    const char *for_client;
} reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, FERRY_E_TLS, "the peer sent something that is not TLS", NULL},
    {SSL_R_UNSUPPORTED_PROTOCOL, FERRY_E_TLS,
     "the peer speaks only versions of TLS that the policy forbids",
     "use --legacy for this server"},
    {SSL_R_VERSION_TOO_LOW, FERRY_E_TLS,
     "the peer speaks only versions of TLS that the policy forbids",
     "use --legacy for this server"},
    {SSL_R_NO_SHARED_CIPHER, FERRY_E_TLS, "there is no cipher that both ends accept", NULL},
    {SSL_R_NO_SUITABLE_KEY_SHARE, FERRY_E_TLS, "there is no group that both ends accept", NULL},
    {SSL_R_NO_SHARED_GROUPS, FERRY_E_TLS, "there is no group that both ends accept", NULL},
    {SSL_R_DH_KEY_TOO_SMALL, FERRY_E_TLS, "the peer's Diffie-Hellman key is too short",
     "if the server cannot be updated, use --legacy"},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, FERRY_E_TLS,
     "the peer lacks secure renegotiation (RFC 5746)",
     "if the server cannot be updated, use --legacy"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, FERRY_E_TLS, "the client shows no certificate", NULL},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, FERRY_E_TLS, "a record arrived damaged or forged",
     NULL},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, FERRY_E_LIMIT,
     "the peer's handshake message, most likely its certificates, is too large", NULL},
    {SSL_R_RECORD_TOO_SMALL, FERRY_E_LIMIT, "the peer sends empty records without end", NULL},
    {SSL_R_TOO_MANY_WARN_ALERTS, FERRY_E_LIMIT, "the peer sends warnings without end", NULL},
};

static void explain_reason(struct tls_connection *connection, unsigned long error)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && reasons[i].reason == ERR_GET_REASON(error)) {
            fault_set(&connection->fault, reasons[i].kind, "%s", reasons[i].words);
            if (reasons[i].for_client && !connection->server)
                fault_advise(&connection->fault, "%s", reasons[i].for_client);
            return;
        }
    }
    const char *text = ERR_reason_error_string(error);
    fault_set(&connection->fault, FERRY_E_TLS, "TLS failed: %s", text ? text : "no reason given");
}

static void explain_eof(struct tls_connection *connection, bool handshaking)
{
    const char *peer = connection->server ? "client" : "server";
    if (handshaking)
        fault_set(&connection->fault, FERRY_E_TLS,
                  "the %s closed the connection during the TLS handshake", peer);
    else
        fault_set(&connection->fault, FERRY_E_CUT,
                  "the %s closed the connection without ending TLS (no close_notify)", peer);
}

/* How much an error says: of those queued, the first of the highest rank is the cause. */
static int rank(unsigned long error)
{
    if (error == 0)
        return 0;
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return 3;
    return ERR_GET_LIB(error) == ERR_LIB_SSL ? 2 : 1;
}

static unsigned long take_cause(void)
{
    unsigned long cause = 0;
    for (unsigned long next = ERR_get_error(); next != 0; next = ERR_get_error()) {
        if (rank(next) > rank(cause))
            cause = next;
    }
    return cause;
}

void failure_explain(struct tls_connection *connection, bool handshaking)
{
    unsigned long cause = take_cause();
    int reason = ERR_GET_REASON(cause);
    bool of_ssl = ERR_GET_LIB(cause) == ERR_LIB_SSL;
    if (fault_is_set(&connection->fault))
        return;
    if (connection->wire.memory_short || reason == ERR_R_MALLOC_FAILURE)
        fault_set(&connection->fault, FERRY_E_MEMORY, "out of memory");
    else if (of_ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        explain_eof(connection, handshaking);
    else if (of_ssl && reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        explain_alert(connection, reason - SSL_AD_REASON_OFFSET);
    else
        explain_reason(connection, cause);
}
