/* A ferry_session beside a fake server. */
#include "support/client_rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int client_rig_group_setup(void **state)
{
    struct client_rig *rig = calloc(1, sizeof(*rig));
    if (!rig)
        return -1;
    fake_certificates_make(&rig->certificates);
    *state = rig;
    return 0;
}

int client_rig_group_teardown(void **state)
{
    struct client_rig *rig = *state;
    fake_certificates_fini(&rig->certificates);
    free(rig);
    return 0;
}

static void write_pem(const struct tempdir *dir, const char *name, const struct buf *pem)
{
    struct bytes bytes = buf_view(pem);
    int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    close(fd);
}

static void on_trace(void *ctx, char direction, const char *line)
{
    struct client_rig *rig = ctx;
    size_t room = sizeof(rig->trace) - rig->trace_len;
    int len = snprintf(rig->trace + rig->trace_len, room, "%c %s\n", direction, line);
    if (len > 0 && (size_t)len < room)
        rig->trace_len += (size_t)len;
}

int client_rig_setup(void **state)
{
    struct client_rig *rig = *state;
    tempdir_make(&rig->dir);
    write_pem(&rig->dir, "ca.pem", &rig->certificates.ca.certificate_pem);
    rig->session = ferry_session_new();
    assert_non_null(rig->session);
    assert_int_equal(ferry_set_ca_file(rig->session, client_rig_path(rig, "ca.pem")), FERRY_OK);
    assert_int_equal(ferry_set_login(rig->session, "anna", "secret"), FERRY_OK);
    ferry_set_timeout_ms(rig->session, 5000, 5000, 5000);
    ferry_set_trace(rig->session, on_trace, rig);
    return 0;
}

/* A server that failed is not met again by the next test. */
static void stop(struct client_rig *rig)
{
    struct fake_server *server = rig->server;
    rig->server = NULL;
    if (!server)
        return;
    fake_server_stop(server);
    fake_server_free(server);
}

int client_rig_teardown(void **state)
{
    struct client_rig *rig = *state;
    ferry_session_free(rig->session);
    rig->session = NULL;
    tempdir_remove(&rig->dir);
    stop(rig);
    return 0;
}

void client_rig_serve(struct client_rig *rig, const struct fake_settings *settings)
{
    struct fake_settings full = *settings;
    full.certificates = &rig->certificates;
    rig->trace_len = 0;
    rig->trace[0] = '\0';
    stop(rig);
    rig->server = fake_server_start(&full);
}

void client_rig_run(struct client_rig *rig, fake_script_fn *script)
{
    client_rig_serve(rig, &(const struct fake_settings){.script = script});
}

enum ferry_error client_rig_connect(struct client_rig *rig)
{
    return ferry_connect(rig->session, "127.0.0.1", fake_server_port(rig->server));
}

void client_rig_login(struct client_rig *rig, fake_script_fn *script)
{
    client_rig_run(rig, script);
    enum ferry_error error = client_rig_connect(rig);
    if (error != FERRY_OK)
        print_error("%s\n%s", ferry_failure_of(rig->session).what, rig->trace);
    assert_int_equal(error, FERRY_OK);
}

const struct fake *client_rig_end(struct client_rig *rig)
{
    if (ferry_is_connected(rig->session))
        assert_int_equal(ferry_quit(rig->session), FERRY_OK);
    return fake_server_stop(rig->server);
}

const char *client_rig_path(struct client_rig *rig, const char *name)
{
    static char path[PATH_MAX];
    return tempdir_path(&rig->dir, name, path);
}

void client_rig_assert_said(struct client_rig *rig, const char *part)
{
    struct ferry_failure failure = ferry_failure_of(rig->session);
    if (strstr(failure.what, part) || strstr(failure.peer_said, part) ||
        strstr(failure.advice, part))
        return;
    fail_msg("\"%s\" is not in \"%s\", \"%s\", \"%s\"", part, failure.what, failure.peer_said,
             failure.advice);
}

bool client_rig_holds(const struct buf *haystack, const char *needle)
{
    struct bytes bytes = buf_view(haystack);
    return bytes.len > 0 && memmem(bytes.ptr, bytes.len, needle, strlen(needle));
}
