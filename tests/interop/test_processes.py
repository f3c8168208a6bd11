#!/usr/bin/env python3
"""ferryd as all its processes: each is killed during transfers (issue 4, point 2), reload, drain, who leaves when."""

import contextlib
import os
import pathlib
import signal
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
import topology  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import Skip, test  # noqa: E402

TWO = "workers = 2\n" + SIMPLE
CHUNK = b"0123456789abcdef" * 4096
LOST = (EOFError, ConnectionResetError, BrokenPipeError, ssl.SSLError, TimeoutError)


def session(all_):
    return Raw(all_.server.port).login(USER, PASSWORD)


class Transfer:
    """An upload that has begun, or a download."""

    def __init__(self, raw, command):
        self.raw = raw
        connection = raw.passive()
        raw.send(command + "\r\n")
        self.data = raw.sealed(connection)
        assert raw.reply()[0] == 150

    def end_upload(self):
        """Returns the code of the last reply."""
        with contextlib.suppress(OSError):
            self.data.unwrap()
        self.data.close()
        return self.raw.reply()[0]

    def end_download(self):
        content = b""
        while block := self.data.recv(1 << 16):
            content += block
        with contextlib.suppress(OSError):
            self.data.unwrap()
        self.data.close()
        return content, self.raw.reply()[0]


def fetch(raw, name):
    return Transfer(raw, f"RETR {name}").end_download()


def store(raw, name, content):
    upload = Transfer(raw, f"STOR {name}")
    upload.data.sendall(content)
    return upload.end_upload()


def worker_of(all_, raw):
    """The worker that has this session."""
    if os.getuid() != 0:
        raise Skip("processes that hide their descriptors show them to root alone")
    port = raw.socket.getsockname()[1]
    for pid in all_.pids("worker"):
        inodes = {os.readlink(link)[8:-1] for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()
                  if os.readlink(link).startswith("socket:")}
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes and int(words[2].rpartition(":")[2], 16) == port:
                return pid
    raise AssertionError("no worker has it")


def two_sessions(all_):
    """Sessions on two different workers."""
    first = session(all_)
    for _ in range(64):
        second = session(all_)
        if worker_of(all_, second) != worker_of(all_, first):
            return first, second
        second.close()
    raise AssertionError("all sessions come to one worker")


def whole_files(all_):
    """What a lister of the home sees."""
    return sorted(path.name for path in all_.server.home.iterdir() if not path.name.startswith("."))


# ---- all together ----

@test("curl gets and puts by all processes, over explicit TLS")
def serves(_):
    curl = peers.need("curl")
    with topology.running(TWO) as all_:
        (all_.server.home / "f").write_bytes(CHUNK)
        words = [curl, "-sS", "--cacert", all_.server.ca, "--ssl-reqd", "-u", f"{USER}:{PASSWORD}"]
        url = f"ftp://127.0.0.1:{all_.server.port}"
        got = subprocess.run([*words, f"{url}/f"], capture_output=True, check=False, timeout=60)
        assert got.returncode == 0 and got.stdout == CHUNK, (got.stderr, all_.server.log_text())
        put = subprocess.run([*words, "-T", all_.server.home / "f", f"{url}/g"], capture_output=True, check=False,
                             timeout=60)
        assert put.returncode == 0 and (all_.server.home / "g").read_bytes() == CHUNK, put


@test("a process that serves files is there while somebody needs it, and one is enough for a user")
def files_leave(_):
    with topology.running(TWO) as all_:
        assert not all_.pids("files")
        first, second = two_sessions(all_)
        assert len(all_.pids("files")) == 1
        first.command("QUIT", 221)
        assert store(second, "x", CHUNK) == 226
        second.command("QUIT", 221)
        peers.wait_until(lambda: not all_.pids("files"), "the end of the idle one")
        assert not all_.server.events("role.died"), all_.server.log_text()
        assert fetch(session(all_), "x") == (CHUNK, 226)


@test("TLS-151 passive_name: a confined worker tells PASV the address that auth has looked up for it")
def passive_name(_):
    def conf(sandbox, name):
        return f"workers = 2\nsandbox = {sandbox}\n" + SIMPLE.replace("{", f"{{ passive_name = {name} ", 1)
    # Root's processes need users of their own for "require".
    for sandbox in ("try",) if os.getuid() == 0 else ("require", "try"):
        with topology.running(conf(sandbox, "localhost")) as all_:
            all_.wait_for("passive.address", 2, name="localhost", address="127.0.0.1")
            raw = session(all_)
            assert "(127,0,0,1," in raw.command("PASV", 227)[1]
        with topology.running(conf(sandbox, "no-such-host.invalid")) as all_:
            all_.wait_for("passive.lookup", 2, name="no-such-host.invalid")
            assert not all_.events("role.died"), all_.server.log_text()


# ---- who is killed ----

@test("SIGKILL of a worker during uploads and downloads ends its sessions; the other's go on, nothing looks whole")
def worker_killed(_):
    with topology.running(TWO) as all_:
        (all_.server.home / "big").write_bytes(CHUNK * 64)
        mine, other = two_sessions(all_)
        lost, kept = Transfer(mine, "STOR lost"), Transfer(other, "STOR kept")
        lost.data.sendall(CHUNK)
        kept.data.sendall(CHUNK)
        victim = worker_of(all_, mine)
        all_.kill("worker", signal.SIGKILL, all_.pids("worker").index(victim))
        assert mine.at_end()
        kept.data.sendall(CHUNK)
        assert kept.end_upload() == 226
        assert fetch(other, "big") == (CHUNK * 64, 226)
        assert (all_.server.home / "kept").read_bytes() == CHUNK * 2
        assert whole_files(all_) == ["big", "kept"], whole_files(all_)
        assert fetch(session(all_), "kept") == (CHUNK * 2, 226)


@test("SIGKILL of files during an upload: it fails, nothing looks whole, and a new login works at once")
def files_killed(_):
    with topology.running(TWO) as all_:
        (all_.server.home / "f").write_bytes(CHUNK)
        raw = session(all_)
        upload = Transfer(raw, "STOR lost")
        upload.data.sendall(CHUNK)
        pid = all_.pids("files")[0]
        os.kill(pid, signal.SIGKILL)
        all_.wait_for("role.died", role="files", pid=pid)
        try:
            upload.data.sendall(CHUNK)
            code = upload.end_upload()
        except LOST:
            code = 0
        assert code != 226
        assert raw.at_end(), "its session goes on, though it has no files any more"
        all_.wait_for("session.evicted")
        assert whole_files(all_) == ["f"], whole_files(all_)
        assert fetch(session(all_), "f") == (CHUNK, 226)
        assert len(all_.pids("files")) == 1 and not all_.server.events("role.died", )[1:], all_.server.log_text()


@test("SIGKILL of keys during transfers disturbs no session, and handshakes work again within a second")
def keys_killed(_):
    with topology.running(TWO) as all_:
        raw = session(all_)
        upload = Transfer(raw, "STOR kept")
        upload.data.sendall(CHUNK)
        all_.kill("keys", signal.SIGKILL)
        upload.data.sendall(CHUNK)
        assert upload.end_upload() == 226
        assert fetch(raw, "kept") == (CHUNK * 2, 226)
        assert fetch(session(all_), "kept") == (CHUNK * 2, 226)


@test("SIGKILL of auth during transfers disturbs no session, and logins work again within a second")
def auth_killed(_):
    with topology.running(TWO) as all_:
        raw = session(all_)
        upload = Transfer(raw, "STOR kept")
        upload.data.sendall(CHUNK)
        all_.kill("auth", signal.SIGKILL)
        upload.data.sendall(CHUNK)
        assert upload.end_upload() == 226
        assert fetch(raw, "kept") == (CHUNK * 2, 226)
        assert fetch(session(all_), "kept") == (CHUNK * 2, 226)


def eventually(all_):
    """A session as soon as there are all that it takes."""
    found = []

    def tried():
        with contextlib.suppress(*LOST, ConnectionRefusedError, AssertionError):
            found.append(session(all_))
        return found
    peers.wait_until(tried, "a session")
    return found[0]


@test("each role is killed in turn, four times over, while somebody uploads: what is told to be stored is")
def all_killed(_):
    with topology.running(TWO) as all_:
        stored = 0
        for i in range(4):
            for role in ("keys", "auth", "files", "ops", "worker"):
                name, told = f"{role}{i}", 0
                upload = Transfer(eventually(all_), f"STOR {name}")
                pid = all_.pids(role)[i % 2 if role == "worker" else 0]
                os.kill(pid, signal.SIGKILL)
                all_.wait_for("role.died", role=role, pid=pid)
                with contextlib.suppress(*LOST):
                    upload.data.sendall(CHUNK)
                    told = upload.end_upload()
                whole = (all_.server.home / name).exists()
                assert whole or told != 226, name
                assert not whole or (all_.server.home / name).read_bytes() == CHUNK, name
                stored += told == 226
        assert stored >= 10, stored
        assert store(eventually(all_), "last", CHUNK) == 226


# ---- what files may reach ----

HOMES = """\
listen "127.0.0.1:0" {{ certificate = tls/server.pem key = tls/server.key }}
account "{user}" {{ password_hash = "HASH" home = home }}
account "outside" {{ password_hash = "HASH" home = {outside} }}
{homes}
"""


@test("SEC-67 files are bound to homes: an account's home outside of them is refused, until a reload names it too")
def homes_bind(_):
    with topology.running(TWO) as all_:
        folder = all_.server.folder
        outside = folder / "outside"
        daemon.make_home(outside)
        (outside / "f").write_bytes(CHUNK)

        def conf(*homes):
            named = ", ".join(f'"{folder / home}"' for home in homes)
            return HOMES.format(user=USER, outside=outside, homes=f"homes = {{{named}}}" if homes else "")
        all_.server.reload(conf("home"))
        old = session(all_)
        raw = Raw(all_.server.port).login("outside", PASSWORD)
        raw.passive()
        raw.command("RETR f", 550)
        raw.passive()
        raw.command("STOR g", 550)
        raw.close()
        all_.server.reload(conf("home", "outside"))
        for user in ("outside", USER):
            raw = Raw(all_.server.port).login(user, PASSWORD)
            assert store(raw, "g", CHUNK) == 226
        assert fetch(old, "g") == (CHUNK, 226)
        all_.server.reload(conf())  # those of the blocks
        assert fetch(Raw(all_.server.port).login("outside", PASSWORD), "g") == (CHUNK, 226)


# ---- reload and end ----

@test("a reload during a transfer lets it end, and the session go on; new sessions are the new processes'")
def reload(_):
    with topology.running(TWO) as all_:
        old_workers = set(all_.pids("worker"))
        raw = session(all_)
        upload = Transfer(raw, "STOR kept")
        upload.data.sendall(CHUNK)
        all_.server.reload()
        assert all_.server.events("server.reload"), all_.server.log_text()
        new = session(all_)
        assert worker_of(all_, new) not in old_workers
        upload.data.sendall(CHUNK)
        assert upload.end_upload() == 226
        assert fetch(raw, "kept") == fetch(new, "kept") == (CHUNK * 2, 226)
        raw.command("QUIT", 221)
        peers.wait_until(lambda: len(all_.pids("worker")) == 2, "the end of the old workers")
        assert not all_.server.events("role.died"), all_.server.log_text()


@test("SIGTERM lets a transfer finish and then ends all processes")
def drain(_):
    with topology.running(TWO) as all_:
        raw = session(all_)
        upload = Transfer(raw, "STOR kept")
        upload.data.sendall(CHUNK)
        os.kill(all_.supervisor, signal.SIGTERM)
        peers.wait_until(lambda: not peers.accepts(all_.server.port), "the listener's end")
        upload.data.sendall(CHUNK)
        assert upload.end_upload() == 226
        all_.server.child.wait(20)
        assert whole_files(all_) == ["kept"]
        assert not all_.server.events("role.died"), all_.server.log_text()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
