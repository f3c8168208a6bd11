/* One transfer as both ends must judge it. */
#include "ftp/transfer.h"

#include "ftp/reply.h"

/* Sets the fault and gives the verdict that it explains. */
static enum transfer_verdict cut(struct fault *fault, const char *why)
{
    fault_set(fault, FERRY_E_CUT, "%s", why);
    return TRANSFER_CUT;
}

static enum transfer_verdict judge_refusal(const struct transfer_facts *facts, struct fault *fault)
{
    int code = facts->final_reply;
    if (facts->bytes == 0) {
        fault_set(fault, reply_failure(code), "the transfer was refused with %d", code);
        return TRANSFER_REFUSED;
    }
    fault_set(fault, FERRY_E_CUT, "the transfer ended with %d after %llu bytes", code,
              (unsigned long long)facts->bytes);
    return TRANSFER_CUT;
}

static bool has_expected_size(const struct transfer_facts *facts)
{
    return facts->expected_bytes == TRANSFER_SIZE_UNKNOWN ||
           (facts->expected_bytes >= 0 && facts->bytes == (uint64_t)facts->expected_bytes);
}

/* The data are at their end, and the peer has said that all is well or can say nothing any more. */
static enum transfer_verdict judge_end(const struct transfer_facts *facts, struct fault *fault)
{
    switch (facts->data) {
    case DATA_END_NONE:
        return TRANSFER_RUNNING;
    case DATA_END_CLOSED:
        break;
    case DATA_END_CUT:
        return cut(fault, facts->sealed ? "the data connection ended without close_notify"
                                        : "the data connection was reset");
    case DATA_END_FAILED:
        /* Nothing to be sent: some servers then open no data connection at all (DEV-38). */
        if (facts->download && facts->bytes == 0 && facts->expected_bytes == 0)
            break;
        return cut(fault, "there was no data connection");
    }
    if (!has_expected_size(facts)) {
        fault_set(fault, FERRY_E_CUT, "%llu bytes crossed of %lld",
                  (unsigned long long)facts->bytes, (long long)facts->expected_bytes);
        return TRANSFER_CUT;
    }
    if (facts->control_lost) {
        fault_set(fault, FERRY_E_LOST,
                  "the data came to their end, but the control connection was lost before the "
                  "final reply");
        return TRANSFER_UNCONFIRMED;
    }
    return TRANSFER_WHOLE;
}

enum transfer_verdict transfer_judge(const struct transfer_facts *facts, struct fault *fault)
{
    int code = facts->final_reply;
    if (code == 0 && !facts->control_lost)
        return TRANSFER_RUNNING;
    if (code == 0 || reply_is_ok(code))
        return judge_end(facts, fault);
    if (code / 100 == 4 || code / 100 == 5)
        return judge_refusal(facts, fault);
    fault_set(fault, FERRY_E_PROTOCOL, "the transfer was answered with %d", code);
    return TRANSFER_CUT;
}
