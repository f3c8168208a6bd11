/* A program that takes on a role's profile and then tries one deed. Built without sanitizers: they
 * make system calls of their own, and the filter that is tried is the one that is shipped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "proc/seccomp.h"
#include "sandbox/profile.h"
#include "sandbox/scene.h"

static const struct {
    const char *name;
    deed_fn *fn;
} deeds[] = {
#define DEED(name, roles, abi) {#name, deed_##name},
#include "sandbox/deeds.def"
#undef DEED
};

deed_fn *deed_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
        if (strcmp(deeds[i].name, name) == 0)
            return deeds[i].fn;
    }
    return NULL;
}

static _Noreturn void broken(const char *what, const char *why)
{
    dprintf(STDERR_FILENO, "sandbox probe: %s: %s\n", what, why);
    _exit(SCENE_BROKEN);
}

static enum role role_of(const char *name)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (strcmp(role_name((enum role)role), name) == 0)
            return (enum role)role;
    }
    broken("no such role", name);
}

static uint16_t port_of(const char *text)
{
    uint64_t port;
    if (!text_u64(bytes_str(text), UINT16_MAX, &port))
        broken("no port", text);
    return (uint16_t)port;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* Starts every thread of the pool, after Landlock and before seccomp. */
static struct loop *make_loop(void)
{
    struct loop *loop = loop_new();
    if (!loop || loop_job(loop, nothing, nothing, NULL) != FERRY_OK)
        broken("make a loop", strerror(errno));
    loop_run(loop);
    return loop;
}

int main(int argc, char **argv)
{
    static char own_file[4096], other_file[4096];
    static struct tls_kit kit;
    if (argc != ARG_COUNT)
        broken("arguments", "too few or too many");
    enum role role = role_of(argv[ARG_ROLE]);
    bool reports = strcmp(argv[ARG_DEED], "report") == 0;
    deed_fn *deed = reports ? NULL : deed_find(argv[ARG_DEED]);
    if (!reports && !deed)
        broken("no such deed", argv[ARG_DEED]);
    snprintf(own_file, sizeof(own_file), "%s/own/f", argv[ARG_FOLDER]);
    snprintf(other_file, sizeof(other_file), "%s/other/f", argv[ARG_FOLDER]);
    struct scene scene = {
        .own_file = own_file,
        .other_file = other_file,
        .known_port = port_of(argv[ARG_KNOWN_PORT]),
        .unknown_port = port_of(argv[ARG_UNKNOWN_PORT]),
        .parent = getppid(),
        .tls = &kit,
    };
    int top = open(argv[ARG_FOLDER], O_PATH | O_CLOEXEC);
    scene.own_dir = openat(top, "own", O_PATH | O_CLOEXEC);
    if (scene.own_dir < 0)
        broken("open the folder", strerror(errno));
    if (deed == deed_shake_hands)
        tls_kit_open(&kit, &(struct tls_kit_options){0});

    struct fault fault = {0};
    struct landlock_report report;
    if (profile_enter(role, &scene, &report, &fault) != FERRY_OK)
        broken(argv[ARG_ROLE], fault.what);
    scene.loop = make_loop();
    if (seccomp_enter(role, SECCOMP_KILLS, &fault) != FERRY_OK)
        broken(argv[ARG_ROLE], fault.what);

    if (reports)
        _exit(SCENE_ABI + report.abi);
    errno = 0;
    if (deed(&scene))
        _exit(SCENE_DONE);
    if (errno == EPERM || errno == EACCES)
        _exit(SCENE_REFUSED);
    broken(argv[ARG_DEED], strerror(errno));
}
