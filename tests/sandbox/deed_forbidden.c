/* What most roles must not do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/deed.h"
#include "sandbox/scene.h"

static bool opens(const char *path)
{
    CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd >= 0;
}

bool deed_open_own_file(struct scene *scene)
{
    return opens(scene->own_file);
}

bool deed_open_other_home(struct scene *scene)
{
    return opens(scene->other_file);
}

bool deed_change_folder(struct scene *scene)
{
    int dir = scene->own_dir;
    return mkdirat(dir, "made", 0700) == 0 && renameat(dir, "made", dir, "moved") == 0 &&
           unlinkat(dir, "moved", AT_REMOVEDIR) == 0;
}

bool deed_make_link(struct scene *scene)
{
    return symlinkat("f", scene->own_dir, "link") == 0 && unlinkat(scene->own_dir, "link", 0) == 0;
}

bool deed_look_at_path(struct scene *scene)
{
    struct stat stat;
    return fstatat(AT_FDCWD, scene->own_file, &stat, 0) == 0;
}

static struct sockaddr_in loopback(uint32_t address, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static bool connects(uint16_t port)
{
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(INADDR_LOOPBACK, port);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* Not where the driver listens. */
static bool binds(uint16_t port)
{
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(INADDR_LOOPBACK + 1, port);
    return fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

bool deed_connect_known(struct scene *scene)
{
    return connects(scene->known_port);
}

bool deed_connect_unknown(struct scene *scene)
{
    return connects(scene->unknown_port);
}

bool deed_bind_known(struct scene *scene)
{
    return binds(scene->known_port);
}

bool deed_bind_unknown(struct scene *scene)
{
    return binds(scene->unknown_port);
}

bool deed_unix_socket(struct scene *scene)
{
    (void)scene;
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0;
}

bool deed_run_program(struct scene *scene)
{
    (void)scene;
    return execl("/bin/true", "true", NULL) == 0;
}

bool deed_make_process(struct scene *scene)
{
    (void)scene;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static void *do_nothing(void *ctx)
{
    return ctx;
}

bool deed_make_thread(struct scene *scene)
{
    pthread_t id;
    errno = pthread_create(&id, NULL, do_nothing, scene);
    return errno == 0 && pthread_join(id, NULL) == 0;
}

bool deed_signal_parent(struct scene *scene)
{
    return kill(scene->parent, 0) == 0;
}

bool deed_signal_parents_thread(struct scene *scene)
{
    return tgkill(scene->parent, scene->parent, 0) == 0;
}

bool deed_trace_parent(struct scene *scene)
{
    return ptrace(PTRACE_SEIZE, scene->parent, NULL, NULL) == 0;
}

bool deed_read_parents_memory(struct scene *scene)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {scene, 1};
    return process_vm_readv(scene->parent, &here, 1, &there, 1, 0) == 1;
}

bool deed_make_namespace(struct scene *scene)
{
    (void)scene;
    return unshare(CLONE_NEWUSER) == 0;
}

bool deed_make_code(struct scene *scene)
{
    (void)scene;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code != MAP_FAILED && munmap(code, 4096) == 0;
}

bool deed_make_data_code(struct scene *scene)
{
    (void)scene;
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data != MAP_FAILED && mprotect(data, 4096, PROT_READ | PROT_EXEC) == 0;
}

bool deed_control_device(struct scene *scene)
{
    (void)scene;
    int waiting;
    return ioctl(SCENE_CHANNEL, SIOCOUTQ, &waiting) == 0;
}

/* The other table of system calls that the same processor has. */
bool deed_call_as_x32(struct scene *scene)
{
    (void)scene;
#ifdef __x86_64__
    return syscall(0x40000000L | SYS_getpid) > 0;
#else
    errno = EPERM;
    return false;
#endif
}

bool deed_become_another(struct scene *scene)
{
    (void)scene;
    return setresuid(getuid() + 1, getuid() + 1, getuid() + 1) == 0;
}

bool deed_raise_limit(struct scene *scene)
{
    (void)scene;
    struct rlimit more = {.rlim_cur = 1 << 19, .rlim_max = 1 << 19};
    return setrlimit(RLIMIT_NOFILE, &more) == 0;
}
