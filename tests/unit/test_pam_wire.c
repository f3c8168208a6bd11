/* What is asked of PAM and what it answers, over a channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ferryd/pam_wire.h"

struct ends {
    int asker, asked;
};

static void open_ends(struct ends *ends)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    *ends = (struct ends){pair[0], pair[1]};
}

static void close_ends(struct ends *ends)
{
    close(ends->asker);
    close(ends->asked);
}

static void an_ask_and_its_answer_arrive_as_they_were_sent(void **state)
{
    (void)state;
    struct ends ends;
    struct fault fault = {0};
    char space[PAM_ASK_BYTES];
    const struct pam_ask sent = {
        .deed = PAM_DEED_OPEN,
        .service = BYTES_LIT("ferryd"),
        .name = BYTES_LIT("pia"),
        .password = BYTES_LIT("a b"),
        .host = BYTES_LIT("::1"),
    };
    struct pam_ask got;
    struct pam_answer answer;
    open_ends(&ends);
    assert_int_equal(pam_wire_send_ask(ends.asker, &sent, &fault), FERRY_OK);
    assert_int_equal(pam_wire_get_ask(ends.asked, space, 1000, &got, &fault), FERRY_OK);
    assert_int_equal(got.deed, sent.deed);
    assert_true(bytes_equal(got.service, sent.service) && bytes_equal(got.name, sent.name));
    assert_true(bytes_equal(got.password, sent.password) && bytes_equal(got.host, sent.host));
    assert_int_equal(pam_wire_send_answer(ends.asked, PAM_VERDICT_NO, "PAM: no", &fault), FERRY_OK);
    assert_int_equal(pam_wire_get_answer(ends.asker, 1000, &answer, &fault), FERRY_OK);
    assert_int_equal(answer.verdict, PAM_VERDICT_NO);
    assert_string_equal(answer.words, "PAM: no");
    close_ends(&ends);
}

static void the_end_and_silence_are_told_apart(void **state)
{
    (void)state;
    struct ends ends;
    struct fault fault = {0};
    struct pam_answer answer;
    open_ends(&ends);
    assert_int_equal(pam_wire_get_answer(ends.asker, 1, &answer, &fault), FERRY_E_TIMEOUT);
    close(ends.asked);
    assert_int_equal(pam_wire_get_answer(ends.asker, 1, &answer, &fault), FERRY_E_LOST);
    assert_int_equal(pam_wire_send_answer(ends.asker, PAM_VERDICT_YES, "", &fault), FERRY_E_LOST);
    close(ends.asker);
}

/* SEC-70: no NUL, at most 64 bytes of a name. */
static void sec_70_what_may_not_be_asked(void **state)
{
    (void)state;
    static const char long_name[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const struct pam_ask asks[] = {
        {.service = BYTES_LIT("ferryd"), .name = BYTES_LIT("pia\0root"), .host = BYTES_LIT("")},
        {.service = BYTES_LIT("ferryd"), .name = BYTES_LIT(long_name), .host = BYTES_LIT("")},
        {.service = BYTES_LIT("fer\0ryd"), .name = BYTES_LIT("pia"), .host = BYTES_LIT("")},
    };
    char space[PAM_ASK_BYTES];
    for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
        struct ends ends;
        struct fault fault = {0};
        struct pam_ask got;
        open_ends(&ends);
        assert_int_equal(pam_wire_send_ask(ends.asker, &asks[i], &fault), FERRY_OK);
        assert_int_equal(pam_wire_get_ask(ends.asked, space, 1000, &got, &fault), FERRY_E_PROTOCOL);
        close_ends(&ends);
    }
}

static void what_is_no_ask_is_refused(void **state)
{
    (void)state;
    static char big[PAM_ASK_BYTES + 1];
    struct ends ends;
    struct fault fault = {0};
    char space[PAM_ASK_BYTES];
    struct pam_ask got;
    struct pam_answer answer;
    open_ends(&ends);
    assert_int_equal(send(ends.asker, "\x01\x00\x00", 3, 0), 3);
    assert_int_equal(pam_wire_get_ask(ends.asked, space, 1000, &got, &fault), FERRY_E_PROTOCOL);
    assert_int_equal(send(ends.asker, big, sizeof(big), 0), sizeof(big));
    assert_int_equal(pam_wire_get_ask(ends.asked, space, 1000, &got, &fault), FERRY_E_PROTOCOL);
    assert_int_equal(pam_wire_send_answer(ends.asker, PAM_VERDICT_YES, "", &fault), FERRY_OK);
    assert_int_equal(pam_wire_get_ask(ends.asked, space, 1000, &got, &fault), FERRY_E_PROTOCOL);
    assert_int_equal(send(ends.asked, big, 64, 0), 64);
    assert_int_equal(pam_wire_get_answer(ends.asker, 1000, &answer, &fault), FERRY_E_PROTOCOL);
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ask_and_its_answer_arrive_as_they_were_sent),
        cmocka_unit_test(the_end_and_silence_are_told_apart),
        cmocka_unit_test(sec_70_what_may_not_be_asked),
        cmocka_unit_test(what_is_no_ask_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
