/* Who tries for the data connection beside its owner: thieves, and those who say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/server_rig.h"

static const char content[] = "what only its owner may have";

static int setup(void **state)
{
    static struct server_rig rig;
    server_rig_open(&rig, NULL);
    tempdir_write(&rig.dir, "file", content);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    server_rig_close(*state);
    return 0;
}

static bool has_content(const struct rig_data *data)
{
    return bytes_equal(buf_view(&data->end.received), bytes_str(content));
}

/* ---- theft (SEC-5) ---- */

static void sec_5_a_thief_who_comes_first_gets_nothing(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client victim, thief;
    struct rig_data stolen, data;
    rig_login(&victim, rig);
    rig_login(&thief, rig);
    rig_passive(&victim, &stolen);
    rig_data_start_tls(&stolen, &thief);
    assert_int_equal(rig_data_end(&stolen), STREAM_END_CLOSED);
    assert_int_equal(buf_len(&stolen.end.received), 0);

    /* The victim's own connection is served all the same. */
    rig_data_connect(&victim, &data, NULL);
    rig_expect(&victim, 150, "RETR file");
    rig_data_seal(&data, &victim);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&victim, 226);
    assert_true(has_content(&data));
    assert_true(server_rig_logged(rig, "data.refused", "session reuse", NULL));
    rig_data_close(&data);
    rig_data_close(&stolen);
    rig_close(&thief);
    rig_close(&victim);
}

static void sec_5_a_thief_cannot_upload_either(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client victim, thief;
    struct rig_data stolen;
    rig_login(&victim, rig);
    rig_login(&thief, rig);
    rig_passive(&victim, &stolen);
    rig_expect(&victim, 150, "STOR mine");
    rig_data_seal(&stolen, &thief);
    rig_data_send(&stolen, BYTES_LIT("not yours"));
    rig_data_finish(&stolen);
    rig_expect_reply(&victim, 522);
    assert_false(tempdir_has(&rig->dir, "mine"));
    rig_data_close(&stolen);
    rig_close(&thief);
    rig_close(&victim);
}

/* However many they are: the longest silent one makes way (SEC-5). */
static void sec_5_silent_candidates_do_not_stop_the_rightful_one(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data silent[12], data;
    rig_login(&client, rig);
    rig_passive(&client, &silent[0]);
    for (size_t i = 1; i < ARRAY_LEN(silent); i++) {
        net_kit_idle(&rig->net);
        rig_data_connect(&client, &silent[i], NULL);
    }
    rig_data_connect(&client, &data, NULL);
    rig_expect(&client, 150, "RETR file");
    rig_data_seal(&data, &client);
    assert_int_equal(rig_data_end(&data), STREAM_END_CLOSED);
    rig_expect_reply(&client, 226);
    assert_true(has_content(&data));
    rig_data_close(&data);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        rig_data_close(&silent[i]);
    rig_close(&client);
}

/* One whose handshake has begun is not pushed out, neither by silence nor by number. */
static void sec_5_one_who_speaks_keeps_its_place(void **state)
{
    struct server_rig *rig = *state;
    struct rig_client client;
    struct rig_data data, silent[8];
    rig_login(&client, rig);
    rig_passive(&client, &data);
    rig_data_send(&data, BYTES_LIT("\x16")); /* of a ClientHello that is slow to come */
    net_kit_idle(&rig->net);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
        rig_data_connect(&client, &silent[i], NULL);
        net_kit_idle(&rig->net);
    }
    assert_int_equal(stream_end(data.end.stream), STREAM_OPEN);
    assert_int_equal(rig_data_end(&silent[0]), STREAM_END_CLOSED);
    assert_int_equal(stream_end(silent[7].end.stream), STREAM_OPEN);
    assert_true(server_rig_logged(rig, "data.refused", "made way", NULL));
    rig_data_close(&data);
    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        rig_data_close(&silent[i]);
    rig_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sec_5_a_thief_who_comes_first_gets_nothing),
        TEST(sec_5_a_thief_cannot_upload_either),
        TEST(sec_5_silent_candidates_do_not_stop_the_rightful_one),
        TEST(sec_5_one_who_speaks_keeps_its_place),
    };
    return cmocka_run_group_tests_name("server_candidates", tests, NULL, NULL);
}
