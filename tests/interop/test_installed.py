#!/usr/bin/env python3
"""What `meson install` puts into place: units, users, folders, the example; the installed tree runs, as a service of
systemd's would and as a container's only process."""

import contextlib
import ctypes
import errno
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import manager  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER  # noqa: E402
from tap import Skip, test  # noqa: E402

BUILD = pathlib.Path(os.environ["FERRYD"]).parents[2]
TREE = pathlib.Path(__file__).resolve().parents[2]
EXPOSURE_MAX = 26  # tenths of systemd's measure, of 0 to 100
CONTAINER_UID = 10001


def run(*words, **options):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, timeout=100, **options)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@contextlib.contextmanager
def staged():
    """A folder that all was installed into; yields what stands for the prefix."""
    with peers.scratch() as folder:
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder / "staged")
        (bin_,) = (folder / "staged").rglob("bin/ferryd")
        yield bin_.parents[1]


def unit_directives(text, name):
    """The values of a directive, in order."""
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


# ---- what is shipped ----

@test("systemd finds no mistake in the units, and little that they leave open")
def units(prefix):
    analyze = peers.need("systemd-analyze")
    with peers.scratch() as folder:
        for unit in (prefix / "lib/systemd/system").iterdir():
            text = re.sub(r"ExecStart=\S+", f"ExecStart={prefix}/bin/ferryd", unit.read_text())
            (folder / unit.name).write_text(text)
        assert {path.name for path in folder.iterdir()} == {"ferryd.service", "ferryd.socket"}
        wrong = subprocess.run([analyze, "verify", "--man=no", folder / "ferryd.service", folder / "ferryd.socket"],
                               capture_output=True, text=True, check=False)
        assert wrong.returncode == 0 and str(folder) not in wrong.stderr, wrong.stderr
        run(analyze, "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", folder / "ferryd.service")


@test("SEC-62 systemd-sysusers makes a user for each role, systemd-tmpfiles the folders, each its owner's")
def users_and_folders(_):
    tmpfiles = peers.need("systemd-tmpfiles")
    if os.geteuid() != 0:
        raise Skip("only root can give folders to others")
    with peers.scratch() as folder:
        etc = manager.users_tree(folder)
        uids = {line.split(":")[0]: int(line.split(":")[2]) for line in (etc / "passwd").read_text().splitlines()}
        roles = [f"ferry-{role}" for role in ("worker", "auth", "keys", "files", "ops", "hooks")]
        assert len({uids[role] for role in roles}) == len(roles) and all(0 < uids[role] < 1000 for role in roles), uids
        run(tmpfiles, "--create", f"--root={folder / 'root'}", manager.DATA / "tmpfiles.d" / "ferryd.conf")
        kept = folder / "root" / "var/lib/ferry"
        assert (kept / "accounts").stat().st_uid == uids["ferry-auth"]
        assert (kept / "accounts").stat().st_mode & 0o777 == 0o700
        assert (folder / "root/etc/ferry/tls").stat().st_mode & 0o777 == 0o700


@test("ferryd check finds no mistake in the example")
def example(prefix):
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        (folder / "anna").mkdir()
        (made,) = prefix.rglob("examples/ferryd.conf")
        text = made.read_text()
        shutil.copy(made, folder)
        run(prefix / "bin/ferryd", "check", "-c", folder / "ferryd.conf")
        # So it is when what is a comment is taken up, but for the account's hash.
        text = re.sub(r"^# ?(?=(listen| +tls| +certificate| +key| +passive_ports =|account| +[phu]|\}))", "", text,
                      flags=re.MULTILINE).replace("$y$j9T$...", daemon.password_hash()).replace("/srv/ftp/anna", "anna")
        (folder / "ferryd.conf").write_text(text)
        run(prefix / "bin/ferryd", "check", "-c", folder / "ferryd.conf")
        assert text.count("\nlisten") == 2 and "\naccount" in text, text


# ---- as systemd runs it ----

def fetch(server, name, port=None):
    return run("curl", "-sS", "--ssl-reqd", "--cacert", server.ca, "--user", f"{USER}:{PASSWORD}",
               f"ftp://127.0.0.1:{port or server.port}/{name}")


def store(server, name, content, port=None):
    run("curl", "-sS", "--ssl-reqd", "--cacert", server.ca, "--user", f"{USER}:{PASSWORD}", "-T", "-",
        f"ftp://127.0.0.1:{port or server.port}/{name}", input=content)


@test("the installed tree serves")
def serves(prefix):
    with daemon.running(program=[prefix / "bin" / "ferryd", "run"]) as server:
        store(server, "one", "content")
        assert fetch(server, "one") == "content"


def expand(words, analyze):
    """The system calls of words of SystemCallFilter."""
    found = set()
    for word in words.split():
        if word.startswith("@"):
            listed = run(analyze, "syscall-filter", word).split("\n", 1)[1]
            lines = [line.strip() for line in listed.splitlines() if line.strip() and not line.strip().startswith("#")]
            found |= expand(" ".join(lines), analyze)
        else:
            found.add(word)
    return found


def permitted(text):
    """The system calls that the unit leaves."""
    analyze = peers.need("systemd-analyze")
    calls = expand("@default", analyze)
    for words in unit_directives(text, "SystemCallFilter"):
        calls = calls - expand(words[1:], analyze) if words.startswith("~") else calls | expand(words, analyze)
    return calls


def filter_calls(calls):
    """All but these fail with EPERM from now on, as the unit has it."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(0x00050000 | errno.EPERM))
    for name in calls:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != -1:
            library.seccomp_rule_add(context, 0x7fff0000, number, 0)
    assert library.seccomp_load(context) == 0


CONFINED = """
import os, sys
sys.path.insert(0, {support!r})
sys.path.insert(0, {tests!r})
import test_installed
test_installed.filter_calls({calls!r})
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextlib.contextmanager
def as_unit(prefix, text, capabilities=None, calls=None):
    """The server with its own users, the capabilities and the system calls that the unit leaves; yields it and them."""
    unit = (prefix / "lib/systemd/system/ferryd.service").read_text()
    (kept,) = unit_directives(unit, "CapabilityBoundingSet")
    capabilities = kept.split() if capabilities is None else capabilities
    calls = permitted(unit) if calls is None else calls
    with peers.scratch() as folder, contextlib.ExitStack() as stack:
        etc = manager.users_tree(folder)
        source = CONFINED.format(support=str(TREE / "tests/support/python"), tests=str(TREE / "tests/interop"),
                                 calls=sorted(calls))
        (folder / "confined.py").write_text(source)
        bounds = ",".join(["-all", *("+" + one.removeprefix("CAP_").lower() for one in capabilities)])
        program = manager.with_mounts(
            {etc / "passwd": "/etc/passwd", etc / "group": "/etc/group"},
            "setpriv", f"--bounding-set={bounds}", f"--inh-caps={bounds}", "--no-new-privs", "--",
            sys.executable, folder / "confined.py", prefix / "bin" / "ferryd", "run")
        # Its search for leaks traces the process, which the unit forbids.
        stack.enter_context(manager.environment(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"))
        yield stack.enter_context(daemon.running(text, program=[*map(str, program)])), etc


def children(pid):
    """Those that it has started or taken over, dead ones as well."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return sorted(found)


def roles(server):
    """The processes of each role."""
    found = {}
    for pid in children(server.child.pid):
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found.setdefault(words[0].decode().rpartition("ferryd-")[2], []).append(pid)
    return found


def uid_of(pid):
    return int(re.search(r"^Uid:\t(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


@test("SEC-62 SEC-66 it serves with the unit's capabilities and system calls, each role its own user; a killed role "
      "and a reload included")
def under_the_unit(prefix):
    port = 990
    text = "sandbox = require\n" + SIMPLE.replace("127.0.0.1:0", f"127.0.0.1:{port}")
    if peers.accepts(port):
        raise Skip(f"port {port} is taken")
    with as_unit(prefix, text) as (server, etc):
        users = {line.split(":")[0]: int(line.split(":")[2]) for line in (etc / "passwd").read_text().splitlines()}
        store(server, "one", "content")
        uids = {role: {uid_of(pid) for pid in pids} for role, pids in roles(server).items()}
        for role in ("worker", "auth", "keys"):
            assert uids[role] == {users[f"ferry-{role}"]}, uids
        assert uids["files"] == {users[daemon.NOBODY]}, uids
        assert (server.home / "one").stat().st_uid == users[daemon.NOBODY]
        assert not server.events("server.root"), server.log_text()
        for pid in roles(server)["worker"]:
            os.kill(pid, signal.SIGKILL)
        server.wait_for("role.restarted")
        server.reload()
        peers.wait_until(lambda: fetch(server, "one") == "content", "a session")


@test("without any one of the unit's capabilities something fails", limit_s=240)
def least_capabilities(prefix):
    unit = (prefix / "lib/systemd/system/ferryd.service").read_text()
    kept = unit_directives(unit, "CapabilityBoundingSet")[0].split()
    text = "sandbox = require\nhung_after = 1s\ncontrol_group = daemon\n" + SIMPLE.replace("127.0.0.1:0", "127.0.0.1:989")
    for left_out in [None, *kept]:
        rest = [one for one in kept if one != left_out]
        failed = stopped = None
        try:
            with as_unit(prefix, text, rest) as (server, _etc):
                store(server, "one", "content")
                stopped = roles(server)["worker"][0]
                os.kill(stopped, signal.SIGSTOP)
                peers.wait_until(lambda: server.events("role.died"), "the end of who hangs", 6)
        except (RuntimeError, AssertionError, TimeoutError) as error:
            failed = error
        if left_out == "CAP_KILL":  # not even the kernel may end it for a supervisor that dies
            os.kill(stopped, signal.SIGKILL)
        assert (failed is None) == (left_out is None), f"without {left_out}: {failed}"


# ---- as a container's only process ----

def in_container(folder, *words):
    """The words of a command as process 1 of namespaces of its own, as a user id without any right in a tree that it
    cannot write, but for `folder`."""
    script = (f'mount --bind "{folder}" "{folder}" && mount -o remount,bind,ro / && '
              'mount -t proc proc /proc && mount --bind /proc/sys /proc/sys && '
              'mount -o remount,bind,ro /proc/sys && '
              f'exec unshare --user --map-user={CONTAINER_UID} --map-group={CONTAINER_UID} -- "$@"')
    return ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script,
            "sh", *map(str, words)]


@contextlib.contextmanager
def container(prefix):
    """A server in a container, its process 1 as seen from here, its log and its folder."""
    port = peers.free_port()
    text = (SIMPLE.replace("127.0.0.1:0", f"127.0.0.1:{port}") + "workers = 2\nlog_form = json\n").replace(
        "HASH", daemon.password_hash())
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        (folder / "home").mkdir()
        (folder / "ferryd.conf").write_text(text)
        tried = subprocess.run(in_container(folder, "true"), capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            raise Skip(f"no namespaces of users here: {tried.stderr.strip()}")
        argv = in_container(folder, prefix / "bin" / "ferryd", "run", "-c", folder / "ferryd.conf")
        with peers.process(argv, folder / "log") as outer:
            server = daemon.Daemon(folder, outer, folder / "log")
            server.wait_for("server.listen")
            (first,) = children(outer.pid)
            yield server, first, outer


@test("as a container's only process, without root, in a tree that it cannot write: serves, as one user")
def in_a_container(prefix):
    with container(prefix) as (server, first, _outer):
        store(server, "one", "content")
        assert fetch(server, "one") == "content"
        status = pathlib.Path(f"/proc/{first}/status").read_text()
        assert re.search(r"^NSpid:.*\t1$", status, re.MULTILINE), status
        assert not int(re.search(r"^CapEff:\t(\w+)", status, re.MULTILINE)[1], 16), status


@test("process 1 collects those who lost their parent, and ends with 0 for SIGTERM")
def container_ends(prefix):
    with container(prefix) as (server, first, outer):
        # Somebody who enters the container leaves a process behind, which ends later.
        run("nsenter", f"--target={first}", "--user", "--pid", "--mount", "--preserve-credentials", "--", "setpriv",
            "--no-new-privs", "--", "sh", "-c", "sh -c 'sleep 0.3' & exit 0")
        peers.wait_until(lambda: len(children(first)) == 1, "the end of the orphan")
        os.kill(first, signal.SIGTERM)
        assert outer.wait(20) == 0, server.log_text()
        assert server.events("server.end"), server.log_text()


@test("process 1 ends with what its supervisor ended with, and passes SIGHUP on")
def container_reloads(prefix):
    with container(prefix) as (server, first, outer):
        os.kill(first, signal.SIGHUP)
        server.wait_for("server.reload")
        (supervisor,) = children(first)
        os.kill(supervisor, signal.SIGKILL)
        assert outer.wait(20) == 128 + signal.SIGKILL


if __name__ == "__main__":
    tap.main(sys.modules[__name__], staged)
