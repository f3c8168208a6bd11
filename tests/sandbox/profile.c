/* Roles as ferryd confines them, in little. */
#include "sandbox/profile.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/privs.h"

enum { NOBODY = 65534 };

static const struct privs_limit limits[] = {{RLIMIT_NOFILE, 256}, {RLIMIT_FSIZE, 1 << 20}};

static const struct landlock_ports any[] = {{0, UINT16_MAX}};

/* Root becomes nobody, but for the supervisor and pam; without root everyone stays. */
static enum ferry_error drop(enum role role, struct fault *fault)
{
    bool keeps = role == ROLE_SUPERVISOR || role == ROLE_PAM;
    bool stays = geteuid() != 0 || keeps;
    struct privs privs = {
        .uid = stays ? getuid() : NOBODY,
        .gid = stays ? getgid() : NOBODY,
        .limits = limits,
        .limit_count = ARRAY_LEN(limits),
    };
    if (keeps && geteuid() == 0)
        privs.capabilities = UINT64_C(1) << 6 | UINT64_C(1) << 7; /* CAP_SETGID, CAP_SETUID */
    return privs_enter(&privs, fault);
}

enum ferry_error profile_enter(enum role role, const struct scene *scene,
                               struct landlock_report *report, struct fault *fault)
{
    enum ferry_error error = drop(role, fault);
    if (error != FERRY_OK)
        return error;
    CLEANUP(fd_close) int programs = open("/usr", O_PATH | O_CLOEXEC);
    CLEANUP(fd_close) int settings = open("/etc", O_PATH | O_CLOEXEC);
    const struct landlock_ports known[] = {{scene->known_port, scene->known_port}};
    const struct landlock_path own[] = {
        {scene->own_dir, LANDLOCK_MAY_READ | LANDLOCK_MAY_WRITE},
        {programs, LANDLOCK_MAY_READ | LANDLOCK_MAY_EXECUTE},
        {settings, LANDLOCK_MAY_READ},
    };
    struct landlock_rules rules = {.paths = own};
    switch (role) {
    case ROLE_SUPERVISOR:
    case ROLE_PAM:
        *report = (struct landlock_report){0};
        return FERRY_OK; /* Landlock would bind its children */
    case ROLE_KEYS:
    case ROLE_OPS:
        break;
    case ROLE_FILES:
        rules.path_count = 1;
        break;
    case ROLE_AUTH:
        rules.path_count = 1;
        rules.connect = known;
        rules.connect_count = 1;
        break;
    case ROLE_WORKER:
        rules.connect = any;
        rules.connect_count = 1;
        rules.bind = known;
        rules.bind_count = 1;
        break;
    case ROLE_HOOKS:
        rules.path_count = ARRAY_LEN(own);
        rules.connect = any;
        rules.connect_count = 1;
        break;
    }
    return landlock_enter(&rules, report, fault);
}
