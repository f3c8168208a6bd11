/* Landlock by system call: there is no library. */
#include "proc/landlock.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "base/fd.h"

/* What <linux/landlock.h> of Linux 6.1 does not have yet: numbers of the kernel's interface. */
enum {
    FS_TRUNCATE = 1 << 14,  /* LANDLOCK_ACCESS_FS_TRUNCATE, version 3 */
    FS_IOCTL_DEV = 1 << 15, /* LANDLOCK_ACCESS_FS_IOCTL_DEV, version 5 */
    NET_BIND_TCP = 1 << 0,
    NET_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_UNIX = 1 << 0,
    SCOPE_SIGNAL = 1 << 1,
    RULE_NET_PORT = 2, /* an enum landlock_rule_type of version 4 */
};
struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct net_port_attr {
    uint64_t allowed_access, port;
};

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
#define FS_EXECUTE LANDLOCK_ACCESS_FS_EXECUTE
/* Denied to all: devices, sockets and FIFOs are never made. */
#define FS_NEVER                                                                                   \
    (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |  \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | FS_IOCTL_DEV)
/* What a rule on a file that is no folder may name. */
#define FS_OF_FILES                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     FS_TRUNCATE)

/* What each version of the kernel's interface added, and how we say that it is missing. */
static const struct {
    int abi;
    struct ruleset_attr added;
    const char *words;
} versions[] = {
    {2, {.fs = LANDLOCK_ACCESS_FS_REFER}, "renaming between folders"},
    {3, {.fs = FS_TRUNCATE}, "truncation"},
    {4, {.net = NET_BIND_TCP | NET_CONNECT_TCP}, "TCP"},
    {5, {.fs = FS_IOCTL_DEV}, "ioctl on devices"},
    {6, {.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL}, "signals and abstract sockets"},
};

static bool is_any(struct landlock_ports ports)
{
    return ports.first == 0 && ports.last == UINT16_MAX;
}

static bool allows_any(const struct landlock_ports *ports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_any(ports[i]))
            return true;
    }
    return false;
}

/* All that the rules want handled, of which the kernel of version `abi` can do `*handled`; what it
 * cannot is said in the report. */
static void choose(const struct landlock_rules *rules, int abi, struct ruleset_attr *handled,
                   struct landlock_report *report)
{
    *handled = (struct ruleset_attr){
        .fs = FS_READ | FS_WRITE | FS_EXECUTE | FS_NEVER,
        .net = NET_BIND_TCP | NET_CONNECT_TCP,
        .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL,
    };
    size_t said = 0;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        if (abi >= versions[i].abi)
            continue;
        handled->fs &= ~versions[i].added.fs;
        handled->net &= ~versions[i].added.net;
        handled->scoped &= ~versions[i].added.scoped;
        said += (size_t)snprintf(report->missing + said, sizeof(report->missing) - said, "%s%s",
                                 said > 0 ? ", " : "not confined: ", versions[i].words);
    }
    if (allows_any(rules->connect, rules->connect_count))
        handled->net &= ~(uint64_t)NET_CONNECT_TCP;
    if (allows_any(rules->bind, rules->bind_count))
        handled->net &= ~(uint64_t)NET_BIND_TCP;
}

static enum ferry_error add_path(int ruleset, const struct landlock_path *path,
                                 const struct ruleset_attr *handled, struct fault *fault)
{
    uint64_t access = 0;
    if (path->rights & LANDLOCK_MAY_READ)
        access |= FS_READ;
    if (path->rights & LANDLOCK_MAY_WRITE)
        access |= FS_WRITE;
    if (path->rights & LANDLOCK_MAY_EXECUTE)
        access |= FS_EXECUTE;
    struct stat stat;
    if (fstat(path->fd, &stat) < 0)
        return fault_errno(fault, FERRY_E_ARGUMENT, "Landlock: look at descriptor %d", path->fd);
    if (!S_ISDIR(stat.st_mode))
        access &= FS_OF_FILES;
    access &= handled->fs;
    if (access == 0)
        return FERRY_OK;
    struct landlock_path_beneath_attr attr = {.allowed_access = access, .parent_fd = path->fd};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
        return fault_errno(fault, FERRY_E_DENIED, "Landlock: allow a path");
    return FERRY_OK;
}

/* The kernel has rules for single ports only. */
static enum ferry_error add_ports(int ruleset, const struct landlock_ports *ports, size_t count,
                                  uint64_t access, struct fault *fault)
{
    if (access == 0)
        return FERRY_OK;
    for (size_t i = 0; i < count; i++) {
        for (unsigned port = ports[i].first; port <= ports[i].last; port++) {
            struct net_port_attr attr = {.allowed_access = access, .port = port};
            if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0) < 0)
                return fault_errno(fault, FERRY_E_DENIED, "Landlock: allow port %u", port);
        }
    }
    return FERRY_OK;
}

static enum ferry_error add_all(int ruleset, const struct landlock_rules *rules,
                                const struct ruleset_attr *handled, struct fault *fault)
{
    enum ferry_error error = FERRY_OK;
    for (size_t i = 0; i < rules->path_count && error == FERRY_OK; i++)
        error = add_path(ruleset, &rules->paths[i], handled, fault);
    if (error == FERRY_OK)
        error = add_ports(ruleset, rules->connect, rules->connect_count,
                          handled->net & NET_CONNECT_TCP, fault);
    if (error == FERRY_OK)
        error =
            add_ports(ruleset, rules->bind, rules->bind_count, handled->net & NET_BIND_TCP, fault);
    return error;
}

enum ferry_error landlock_enter_abi(const struct landlock_rules *rules, int abi,
                                    struct landlock_report *report, struct fault *fault)
{
    *report = (struct landlock_report){0};
    long known = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    report->abi = known <= 0 ? 0 : known < abi ? (int)known : abi;
    if (report->abi == 0) {
        snprintf(report->missing, sizeof(report->missing), "the kernel has no Landlock");
        return FERRY_OK;
    }
    struct ruleset_attr handled;
    choose(rules, report->abi, &handled, report);
    /* An older kernel accepts the longer struct as long as what it does not know is zero. */
    CLEANUP(fd_close)
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
    if (ruleset < 0)
        return fault_errno(fault, FERRY_E_DENIED, "Landlock: make the rules");
    enum ferry_error error = add_all(ruleset, rules, &handled, fault);
    if (error != FERRY_OK)
        return error;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return fault_errno(fault, FERRY_E_DENIED, "Landlock: enter the rules");
    return FERRY_OK;
}

enum ferry_error landlock_enter(const struct landlock_rules *rules, struct landlock_report *report,
                                struct fault *fault)
{
    return landlock_enter_abi(rules, INT_MAX, report, fault);
}
