/* One file that the client downloads from a fake server. */
#include "support/download_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

const char download_content[] = "what the file holds";
const struct bytes download_body = {download_content, DOWNLOAD_BYTES};

void download_login(struct fake *fake)
{
    fake_login(fake, "SIZE\nMDTM");
    fake_answer(fake, "TYPE I", "200 binary");
    fake_answer(fake, "SIZE f", "213 19");
    fake_answer(fake, "MDTM f", "213 20260102030405");
}

enum ferry_error download_get(struct client_rig *rig)
{
    return ferry_get(rig->session, "f", client_rig_path(rig, "f"), 0);
}

void download_assert_got(struct client_rig *rig)
{
    enum ferry_error error = download_get(rig);
    if (error != FERRY_OK)
        print_error("%s\n%s", ferry_failure_of(rig->session).what, rig->trace);
    assert_int_equal(error, FERRY_OK);
    tempdir_assert_text(&rig->dir, "f", download_content);
}

void download_assert_not(struct client_rig *rig, enum ferry_error error)
{
    enum ferry_error got = download_get(rig);
    if (got != error)
        print_error("%s\n%s", ferry_failure_of(rig->session).what, rig->trace);
    assert_int_equal(got, error);
    assert_string_not_equal(ferry_failure_of(rig->session).what, "");
    assert_false(tempdir_has(&rig->dir, "f"));
}

void download_seal(struct fake *fake)
{
    fake_accept(fake);
    if (!fake_seal_data(fake))
        fake_fail(fake, "no handshake on the data connection");
}

void download_usual(struct fake *fake)
{
    download_login(fake);
    fake_download(fake, "RETR f", download_body, FAKE_CLOSED);
    fake_quit(fake);
}
