/* One deed of PAM's. */
#include "ferryd/pam/conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_appl.h>

#include "base/secret.h"
#include "proc/privs.h"

enum { ASK_FD = 3, ASK_MS = 5000, TEXT_BYTES = MESSAGE_PASSWORD_BYTES + 1 };

/* PAM wants text that ends with NUL. */
struct texts {
    char service[MESSAGE_NAME_BYTES + 1], name[MESSAGE_NAME_BYTES + 1],
        host[MESSAGE_NAME_BYTES + 1];
    char password[TEXT_BYTES];
};

static void text_of(struct bytes from, char *out, size_t size_bytes)
{
    snprintf(out, size_bytes, "%.*s", BYTES_FMT(from));
}

/* ---- what modules ask ---- */

/* A question whose answer is not shown is for the password; to any other there is no answer. What
 * they have to say nobody reads. */
static int answer_one(const struct pam_message *message, const char *password, char **out)
{
    switch (message->msg_style) {
    case PAM_PROMPT_ECHO_OFF:
        *out = strdup(password); /* PAM frees it */
        return *out ? PAM_SUCCESS : PAM_BUF_ERR;
    case PAM_TEXT_INFO:
    case PAM_ERROR_MSG:
        return PAM_SUCCESS;
    default:
        return PAM_CONV_ERR;
    }
}

static void drop(struct pam_response *list, int count)
{
    for (int i = 0; i < count; i++) {
        if (list[i].resp)
            secret_wipe(list[i].resp, strlen(list[i].resp));
        free(list[i].resp);
    }
    free(list);
}

static int converse(int count, const struct pam_message **messages, struct pam_response **out,
                    void *ctx)
{
    const char *password = ctx;
    if (count <= 0 || count > PAM_MAX_NUM_MSG || !password[0])
        return PAM_CONV_ERR;
    struct pam_response *list = calloc((size_t)count, sizeof(*list));
    int status = list ? PAM_SUCCESS : PAM_BUF_ERR;
    for (int i = 0; i < count && status == PAM_SUCCESS; i++)
        status = answer_one(messages[i], password, &list[i].resp);
    if (status == PAM_SUCCESS)
        *out = list;
    else if (list)
        drop(list, count);
    return status;
}

/* Refusals are held back by ferryd-auth, without a process for each. */
static void no_delay(int status, unsigned usec, void *ctx)
{
    (void)status;
    (void)usec;
    (void)ctx;
}

/* ---- the deed ---- */

/* Those that tell something of the account or the password; all others, of the system. */
static enum pam_verdict verdict_of(int status)
{
    switch (status) {
    case PAM_SUCCESS:
        return PAM_VERDICT_YES;
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_PERM_DENIED:
    case PAM_CRED_INSUFFICIENT:
    case PAM_ACCT_EXPIRED:
    case PAM_CRED_EXPIRED:
    case PAM_AUTHTOK_EXPIRED:
    case PAM_NEW_AUTHTOK_REQD: /* FTP has no way to set another */
    case PAM_CONV_ERR:         /* a question that we have no answer to, a second factor, say */
        return PAM_VERDICT_NO;
    default:
        return PAM_VERDICT_UNAVAILABLE;
    }
}

/* A module may put another user in the place of the one who was asked for, whose files would then
 * be served for the wrong reason. */
static int is_same_user(pam_handle_t *handle, const char *name)
{
    const void *now = NULL;
    int status = pam_get_item(handle, PAM_USER, &now);
    if (status != PAM_SUCCESS)
        return status;
    return now && strcmp(now, name) == 0 ? PAM_SUCCESS : PAM_PERM_DENIED;
}

static int check(pam_handle_t *handle, const char *name)
{
    int status = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (status == PAM_SUCCESS)
        status = pam_acct_mgmt(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    return status == PAM_SUCCESS ? is_same_user(handle, name) : status;
}

static int do_deed(pam_handle_t *handle, enum pam_deed deed, const struct texts *texts)
{
    const union {
        void (*fn)(int, unsigned, void *);
        const void *item;
    } delay = {no_delay};
    int status = pam_set_item(handle, PAM_RHOST, texts->host);
    if (status == PAM_SUCCESS)
        status = pam_set_item(handle, PAM_TTY, "ftp");
    if (status == PAM_SUCCESS)
        status = pam_set_item(handle, PAM_FAIL_DELAY, delay.item);
    if (status != PAM_SUCCESS)
        return status;
    switch (deed) {
    case PAM_DEED_CHECK:
        return texts->password[0] ? check(handle, texts->name) : PAM_AUTH_ERR;
    case PAM_DEED_OPEN:
        return pam_open_session(handle, PAM_SILENT);
    case PAM_DEED_CLOSE:
        return pam_close_session(handle, PAM_SILENT);
    }
    return PAM_SYSTEM_ERR;
}

void conversation_hold(const struct pam_ask *ask, struct pam_answer *out)
{
    struct texts texts;
    text_of(ask->service, texts.service, sizeof(texts.service));
    text_of(ask->name, texts.name, sizeof(texts.name));
    text_of(ask->host, texts.host, sizeof(texts.host));
    text_of(ask->password, texts.password, sizeof(texts.password));
    const struct pam_conv conversation = {.conv = converse, .appdata_ptr = texts.password};
    pam_handle_t *handle = NULL;
    int status = pam_start(texts.service, texts.name, &conversation, &handle);
    if (status == PAM_SUCCESS)
        status = do_deed(handle, ask->deed, &texts);
    out->verdict = verdict_of(status);
    snprintf(out->words, sizeof(out->words), "PAM: %s",
             status == PAM_SUCCESS ? "" : pam_strerror(handle, status));
    if (handle)
        (void)pam_end(handle, status);
    secret_wipe(&texts, sizeof(texts));
}

int conversation_main(void)
{
    char space[PAM_ASK_BYTES];
    struct fault fault = {0};
    struct pam_ask ask;
    struct pam_answer answer;
    privs_hide();
    if (pam_wire_get_ask(ASK_FD, space, ASK_MS, &ask, &fault) != FERRY_OK)
        return 1;
    conversation_hold(&ask, &answer);
    secret_wipe(space, sizeof(space));
    /* If nobody waits any more, it was too late. */
    bool sent = pam_wire_send_answer(ASK_FD, answer.verdict, answer.words, &fault) == FERRY_OK;
    return answer.verdict == PAM_VERDICT_YES && (sent || ask.deed == PAM_DEED_CLOSE) ? 0 : 1;
}
