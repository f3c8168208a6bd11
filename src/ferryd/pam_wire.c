/* What is asked of PAM and what it answers. */
#include "ferryd/pam_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/secret.h"

enum { ASK = 1, ANSWER, SERVICE_BYTES = 64 };

static const char *const state_names[] = {"at work"};

static const struct wire_message asks[] = {
    {ASK,
     "pam-ask",
     ROLE_BIT(ROLE_AUTH),
     WIRE_ANY_STATE,
     0,
     {WIRE_U8, WIRE_TEXT(SERVICE_BYTES), WIRE_TEXT(MESSAGE_NAME_BYTES),
      WIRE_TEXT(MESSAGE_PASSWORD_BYTES), WIRE_TEXT(MESSAGE_NAME_BYTES)}},
};
static const struct wire_message answers[] = {
    {ANSWER,
     "pam-answer",
     ROLE_BIT(ROLE_PAM),
     WIRE_ANY_STATE,
     0,
     {WIRE_U8, WIRE_TEXT(MESSAGE_WORDS_BYTES)}},
};
static const struct wire_table ask_table = {asks, 1, state_names, 1};
static const struct wire_table answer_table = {answers, 1, state_names, 1};

static enum ferry_error send_packet(int fd, const struct wire_writer *writer, struct fault *fault)
{
    struct bytes packet;
    if (wire_end(writer, &packet) != FERRY_OK)
        return fault_set(fault, FERRY_E_LIMIT, "PAM is asked with too many words");
    ssize_t sent;
    do {
        sent = send(fd, packet.ptr, packet.len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? fault_errno(fault, FERRY_E_LOST, "the channel to PAM") : FERRY_OK;
}

enum ferry_error pam_wire_send_ask(int fd, const struct pam_ask *ask, struct fault *fault)
{
    char space[PAM_ASK_BYTES];
    struct wire_writer writer;
    wire_begin(&writer, ASK, space, sizeof(space));
    wire_put_u8(&writer, (uint8_t)ask->deed);
    wire_put_bytes(&writer, ask->service);
    wire_put_bytes(&writer, ask->name);
    wire_put_bytes(&writer, ask->password);
    wire_put_bytes(&writer, ask->host);
    enum ferry_error error = send_packet(fd, &writer, fault);
    secret_wipe(space, sizeof(space));
    return error;
}

enum ferry_error pam_wire_send_answer(int fd, enum pam_verdict verdict, const char *words,
                                      struct fault *fault)
{
    char space[MESSAGE_WORDS_BYTES + 64];
    struct wire_writer writer;
    wire_begin(&writer, ANSWER, space, sizeof(space));
    wire_put_u8(&writer, (uint8_t)verdict);
    wire_put_bytes(&writer, bytes_first(bytes_str(words), MESSAGE_WORDS_BYTES));
    return send_packet(fd, &writer, fault);
}

/* The next packet, permitted by `table`, at its first field. */
static enum ferry_error get_packet(int fd, const struct wire_table *table, enum role peer,
                                   char *space, size_t size_bytes, int patience_ms,
                                   struct wire_reader *out, struct fault *fault)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    const struct wire_message *row;
    int polled;
    do {
        polled = poll(&readable, 1, patience_ms);
    } while (polled < 0 && errno == EINTR);
    if (polled == 0)
        return fault_set(fault, FERRY_E_TIMEOUT, "PAM does not answer");
    ssize_t got = recv(fd, space, size_bytes, MSG_TRUNC);
    if (got <= 0)
        return fault_set(fault, FERRY_E_LOST, "PAM ended without an answer");
    if ((size_t)got > size_bytes)
        return fault_set(fault, FERRY_E_PROTOCOL, "a packet of %zd bytes", got);
    wire_open(out, bytes_of(space, (size_t)got), 0);
    return wire_check(table, peer, 0, out, &row, fault);
}

enum ferry_error pam_wire_get_ask(int fd, char space[static PAM_ASK_BYTES], int patience_ms,
                                  struct pam_ask *out, struct fault *fault)
{
    struct wire_reader reader;
    enum ferry_error error =
        get_packet(fd, &ask_table, ROLE_AUTH, space, PAM_ASK_BYTES, patience_ms, &reader, fault);
    if (error != FERRY_OK)
        return error;
    out->deed = (enum pam_deed)wire_get_u8(&reader);
    out->service = wire_get_bytes(&reader);
    out->name = wire_get_bytes(&reader);
    out->password = wire_get_bytes(&reader);
    out->host = wire_get_bytes(&reader);
    return FERRY_OK;
}

enum ferry_error pam_wire_get_answer(int fd, int patience_ms, struct pam_answer *out,
                                     struct fault *fault)
{
    char space[MESSAGE_WORDS_BYTES + 64];
    struct wire_reader reader;
    enum ferry_error error =
        get_packet(fd, &answer_table, ROLE_PAM, space, sizeof(space), patience_ms, &reader, fault);
    if (error != FERRY_OK)
        return error;
    out->verdict = (enum pam_verdict)wire_get_u8(&reader);
    struct bytes words = wire_get_bytes(&reader);
    snprintf(out->words, sizeof(out->words), "%.*s", BYTES_FMT(words));
    return FERRY_OK;
}
