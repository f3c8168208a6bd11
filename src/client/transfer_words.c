/* Why a transfer failed, in words. */
#include "client/transfer_words.h"

#include <errno.h>

#include "ftp/reply.h"

static const char *deed(enum verb verb)
{
    static const struct {
        enum verb verb;
        const char *words;
    } deeds[] = {
        {VERB_RETR, "download"}, {VERB_STOR, "upload"}, {VERB_APPE, "upload"},
        {VERB_LIST, "list"},     {VERB_MLSD, "list"},   {VERB_NLST, "list"},
    };
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        if (deeds[i].verb == verb)
            return deeds[i].words;
    }
    return "transfer";
}

/* The local file failed first; what came after is a consequence. */
static bool is_local(enum pump_outcome outcome)
{
    return outcome == PUMP_READ_FAILED || outcome == PUMP_WRITE_FAILED;
}

/* Codes that tell of the data connection, not of the file. What is known of it at this end says
 * more. */
static bool is_about_data(int code)
{
    static const int codes[] = {421, 425, 426, 450, 451, 521, 522, 534, 535};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

/* The data connection failed at this end. Where the server refuses the file, that it drops the
 * connection is but a consequence (TLS-63), unless it was dropped here. */
static bool is_own_failure(const struct transfer_story *story, const struct transfer_facts *facts)
{
    enum ferry_error kind = story->data.kind;
    if (kind == FERRY_OK || kind == FERRY_E_CUT)
        return false;
    bool dropped_there = kind == FERRY_E_TLS || kind == FERRY_E_LOST || kind == FERRY_E_CONNECT ||
                         kind == FERRY_E_TIMEOUT;
    return !dropped_there || facts->final_reply < 400 || is_about_data(facts->final_reply);
}

/* TLS-34, DEV-7: the server lets go of a protected data connection before a byte crossed. */
static bool is_tls_refusal(const struct transfer_story *story, const struct transfer_facts *facts)
{
    if (!facts->sealed || facts->bytes > 0)
        return false;
    switch (facts->final_reply) {
    case 521:
    case 522:
    case 534:
    case 535:
        return true;
    case 425:
    case 450:
        return story->opened || story->data.kind == FERRY_E_TLS;
    default:
        return false;
    }
}

static void advise_on_resumption(const struct transfer_story *story, struct fault *fault)
{
    if (story->opened && !story->resumed)
        fault_advise(fault, "the server seems to demand that data connections resume the TLS "
                            "session of the control connection, but gave no session that could be "
                            "resumed");
}

static enum ferry_error set_answer(const struct transfer_story *story,
                                   const struct transfer_facts *facts, struct fault *fault)
{
    const char *words = deed(story->verb);
    if (is_tls_refusal(story, facts)) {
        fault_set(fault, FERRY_E_TLS, "%s %s: the server refused the data connection's TLS", words,
                  story->path);
        advise_on_resumption(story, fault);
    } else if (facts->bytes == 0) {
        fault_set(fault, reply_failure(facts->final_reply), "the server refused to %s %s", words,
                  story->path);
    } else {
        enum ferry_error kind = reply_failure(facts->final_reply);
        fault_set(fault, kind == FERRY_E_SPACE ? kind : FERRY_E_CUT,
                  "%s %s: the server broke off after %llu bytes", words, story->path,
                  (unsigned long long)facts->bytes);
    }
    fault_peer(fault, facts->final_reply, bytes_str(story->answer.peer_said));
    return fault->kind;
}

/* The data connection failed at this end; the server's reply, if there is one, is told beside. */
static enum ferry_error set_data(const struct transfer_story *story, struct fault *fault)
{
    const struct fault *data = &story->data;
    bool alert = data->peer_said[0] != '\0';
    fault_set(fault, data->kind, "%s %s: %s%s%s%s", deed(story->verb), story->path, data->what,
              alert ? " (" : "", data->peer_said, alert ? ")" : "");
    fault_peer(fault, story->answer.reply, bytes_str(story->answer.peer_said));
    if (data->advice[0] != '\0')
        fault_advise(fault, "%s", data->advice);
    return fault->kind;
}

/* The control connection went before there was a data connection. */
static enum ferry_error set_lost(const struct transfer_story *story, struct fault *fault)
{
    *fault = story->answer;
    return fault_set(fault, story->answer.kind, "the control connection was lost");
}

enum ferry_error transfer_words(const struct transfer_story *story,
                                const struct transfer_facts *facts, const struct fault *why,
                                struct fault *fault)
{
    const char *words = deed(story->verb);
    if (story->cancelled)
        return fault_set(fault, FERRY_E_CANCELLED, "%s %s: interrupted", words, story->path);
    if (is_local(story->outcome)) {
        errno = story->os_error;
        return fault_errno(fault, FERRY_E_FILE, "%s %s: %s the local file", words, story->path,
                           story->outcome == PUMP_READ_FAILED ? "read" : "write");
    }
    if (story->outcome == PUMP_STALLED)
        return fault_set(fault, FERRY_E_CUT, "%s %s: nothing crossed for too long", words,
                         story->path);
    if (story->outcome == PUMP_LIMIT)
        return fault_set(fault, FERRY_E_CUT, "%s %s: more came than the %lld bytes expected", words,
                         story->path, (long long)facts->expected_bytes);
    if (is_own_failure(story, facts))
        return set_data(story, fault);
    if (facts->final_reply >= 400)
        return set_answer(story, facts, fault);
    if (facts->control_lost && !story->opened)
        return set_lost(story, fault);
    fault_set(fault, why->kind, "%s %s: %s", words, story->path, why->what);
    fault_peer(fault, story->answer.reply, bytes_str(story->answer.peer_said));
    return fault->kind;
}
