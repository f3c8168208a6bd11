/* ftp/transfer: what "whole" means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ftp/transfer.h"

enum { UNKNOWN = TRANSFER_SIZE_UNKNOWN };

static const struct {
    const char *why;
    struct transfer_facts facts;
    enum transfer_verdict verdict;
    enum ferry_error kind;
} cases[] = {
    {"nothing happened yet",
     {true, true, DATA_END_NONE, 0, 0, UNKNOWN, false},
     TRANSFER_RUNNING,
     FERRY_OK},
    {"data at their end, no reply",
     {true, true, DATA_END_CLOSED, 0, 9, 9, false},
     TRANSFER_RUNNING,
     FERRY_OK},
    {"TLS-178: 226 before the data's end",
     {true, true, DATA_END_NONE, 226, 5, 9, false},
     TRANSFER_RUNNING,
     FERRY_OK},
    {"download", {true, true, DATA_END_CLOSED, 226, 9, 9, false}, TRANSFER_WHOLE, FERRY_OK},
    {"FTP-62: 250", {true, true, DATA_END_CLOSED, 250, 9, 9, false}, TRANSFER_WHOLE, FERRY_OK},
    {"size unknown",
     {true, true, DATA_END_CLOSED, 226, 9, UNKNOWN, false},
     TRANSFER_WHOLE,
     FERRY_OK},
    {"in clear", {true, false, DATA_END_CLOSED, 226, 9, 9, false}, TRANSFER_WHOLE, FERRY_OK},
    {"TLS-66: empty", {true, true, DATA_END_CLOSED, 226, 0, 0, false}, TRANSFER_WHOLE, FERRY_OK},
    {"TLS-176: no close_notify, though 226",
     {true, true, DATA_END_CUT, 226, 9, 9, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"reset in clear",
     {true, false, DATA_END_CUT, 226, 9, UNKNOWN, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"short", {true, true, DATA_END_CLOSED, 226, 8, 9, false}, TRANSFER_CUT, FERRY_E_CUT},
    {"long", {true, true, DATA_END_CLOSED, 226, 10, 9, false}, TRANSFER_CUT, FERRY_E_CUT},
    {"DEV-38: empty, no data connection",
     {true, true, DATA_END_FAILED, 226, 0, 0, false},
     TRANSFER_WHOLE,
     FERRY_OK},
    {"no data connection",
     {true, true, DATA_END_FAILED, 226, 0, UNKNOWN, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"no data connection for 9 bytes",
     {true, true, DATA_END_FAILED, 226, 0, 9, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"TLS-179: 550 at once",
     {true, true, DATA_END_NONE, 550, 0, UNKNOWN, false},
     TRANSFER_REFUSED,
     FERRY_E_REFUSED},
    {"522", {true, true, DATA_END_FAILED, 522, 0, UNKNOWN, false}, TRANSFER_REFUSED, FERRY_E_TLS},
    {"425", {false, true, DATA_END_FAILED, 425, 0, 9, false}, TRANSFER_REFUSED, FERRY_E_CONNECT},
    {"426 in the middle", {true, true, DATA_END_CUT, 426, 5, 9, false}, TRANSFER_CUT, FERRY_E_CUT},
    {"426, though all came",
     {true, true, DATA_END_CLOSED, 426, 9, 9, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"TLS-158: the reply was lost",
     {true, true, DATA_END_CLOSED, 0, 9, 9, true},
     TRANSFER_UNCONFIRMED,
     FERRY_E_LOST},
    {"the reply was lost, size unknown",
     {true, true, DATA_END_CLOSED, 0, 9, UNKNOWN, true},
     TRANSFER_UNCONFIRMED,
     FERRY_E_LOST},
    {"the reply was lost, and bytes",
     {true, true, DATA_END_CLOSED, 0, 8, 9, true},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"the reply was lost, data flow on",
     {true, true, DATA_END_NONE, 0, 5, 9, true},
     TRANSFER_RUNNING,
     FERRY_OK},
    {"all was lost", {true, true, DATA_END_CUT, 0, 5, 9, true}, TRANSFER_CUT, FERRY_E_CUT},
    {"lost before anything",
     {true, true, DATA_END_FAILED, 0, 0, UNKNOWN, true},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"upload", {false, true, DATA_END_CLOSED, 226, 9, 9, false}, TRANSFER_WHOLE, FERRY_OK},
    {"upload of unknown size",
     {false, true, DATA_END_CLOSED, 226, 9, UNKNOWN, false},
     TRANSFER_WHOLE,
     FERRY_OK},
    {"226 before all was sent",
     {false, true, DATA_END_NONE, 226, 5, 9, false},
     TRANSFER_RUNNING,
     FERRY_OK},
    {"upload cut", {false, true, DATA_END_CUT, 226, 5, 9, false}, TRANSFER_CUT, FERRY_E_CUT},
    {"nothing uploaded",
     {false, true, DATA_END_FAILED, 226, 0, 0, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"DEV-39: 552 after all bytes",
     {false, true, DATA_END_CLOSED, 552, 9, 9, false},
     TRANSFER_CUT,
     FERRY_E_CUT},
    {"upload refused",
     {false, true, DATA_END_NONE, 553, 0, 9, false},
     TRANSFER_REFUSED,
     FERRY_E_DENIED},
    {"disk full", {false, true, DATA_END_NONE, 452, 0, 9, false}, TRANSFER_REFUSED, FERRY_E_SPACE},
    {"a reply that ends nothing",
     {true, true, DATA_END_CLOSED, 350, 9, 9, false},
     TRANSFER_CUT,
     FERRY_E_PROTOCOL},
};

static void transfers_are_judged_by_their_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = {0};
        enum transfer_verdict verdict = transfer_judge(&cases[i].facts, &fault);
        if (verdict != cases[i].verdict || fault.kind != cases[i].kind)
            fail_msg("%s: verdict %d, %s: %s", cases[i].why, (int)verdict,
                     fault_kind_name(fault.kind), fault.what);
        assert_int_equal(transfer_judge(&cases[i].facts, NULL), cases[i].verdict);
    }
}

/* No combination of facts is whole without a 2xx and a proper end of the data. */
static void nothing_else_is_whole(void **state)
{
    (void)state;
    static const int replies[] = {0, 150, 226, 250, 350, 421, 426, 451, 522, 550, 631};
    static const enum data_end ends[] = {DATA_END_NONE, DATA_END_CLOSED, DATA_END_CUT,
                                         DATA_END_FAILED};
    for (size_t r = 0; r < ARRAY_LEN(replies); r++) {
        for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
            for (unsigned bits = 0; bits < 8; bits++) {
                struct transfer_facts facts = {
                    .download = bits & 1,
                    .sealed = bits & 2,
                    .data = ends[e],
                    .final_reply = replies[r],
                    .bytes = 5,
                    .expected_bytes = 5,
                    .control_lost = bits & 4,
                };
                bool may_be_whole = (replies[r] == 226 || replies[r] == 250) &&
                                    ends[e] == DATA_END_CLOSED && !facts.control_lost;
                assert_int_equal(transfer_judge(&facts, NULL) == TRANSFER_WHOLE, may_be_whole);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfers_are_judged_by_their_facts),
        cmocka_unit_test(nothing_else_is_whole),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
