#!/usr/bin/env python3
"""Where the log of ferryd goes: files that are rotated, systemd's journal, readers that do not read, full disks; the
xferlog."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import PASSWORD, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import Skip, test  # noqa: E402

TREE = pathlib.Path(__file__).parents[2]
WRONG = "not the horse at all"
LISTEN = ' listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key log_events_per_minute = 0 }\n'
ACCOUNT = f'account "{USER}" {{ password_hash = "HASH" home = home }}\n'


@contextlib.contextmanager
def serving(settings, **options):
    """A server in a folder of its own, which FOLDER in the settings stands for; `first` does something in it before."""
    first = options.pop("first", lambda folder: None)
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        first(folder)
        text = settings.replace("FOLDER", str(folder)) + LISTEN + ACCOUNT
        with daemon.running_in(folder, text, **options) as server:
            yield server


def lines_of(*paths):
    return [line for path in paths for line in path.read_text(errors="replace").splitlines()]


def visit(server):
    """A session without a login: session.open and session.close."""
    raw = Raw(server.port)
    raw.reply()
    raw.command("QUIT", 221)
    raw.close()


# ---- files ----

@test("a file as text, another as JSON, and standard error, at once; 0640, and only the supervisor has them open")
def several(_):
    with serving('log = {"stderr", "text:file:FOLDER/text.log", "json:file:FOLDER/json.log"}\n') as server:
        visit(server)
        server.wait_for("session.close")
        peers.wait_until(lambda: "session.close" in (server.folder / "json.log").read_text(), "the JSON file")
        text, other = lines_of(server.folder / "text.log"), lines_of(server.folder / "json.log")
        assert [json.loads(line)["event"] for line in other] == [line.split(" ")[2] for line in text]
        assert re.fullmatch(r"\S+Z notice session\.close session=\d+ peer=127\.0\.0\.1 account=\"\" .*", text[-1]), text
        assert (server.folder / "text.log").stat().st_mode & 0o777 == 0o640
        users = set()
        for entry in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if os.readlink(entry).startswith(str(server.folder)) and entry.parts[4] != "2":
                    users.add(int(entry.parts[2]))
        assert users == {server.child.pid}, users


@test("no event is lost or told twice while files are renamed, SIGUSR1 and SIGHUP come, and old workers go on")
def rotation(_):
    with serving('log = {"stderr", "json:file:FOLDER/a.log"}\nworkers = 2\n') as server:
        path, done = server.folder / "a.log", threading.Event()
        stayed = Raw(server.port)
        stayed.reply()

        def knock():
            while not done.is_set():
                with contextlib.suppress(OSError, EOFError):
                    visit(server)

        visitors = [threading.Thread(target=knock) for _ in range(2)]
        for visitor in visitors:
            visitor.start()
        try:
            for count in range(8):
                seen = len(server.events("session.close"))
                peers.wait_until(lambda before=seen: len(server.events("session.close")) > before + 3, "visits")
                path.rename(server.folder / f"a.log.{count}")
                if count % 4 == 3:
                    server.reload()
                else:
                    os.kill(server.child.pid, signal.SIGUSR1)
                peers.wait_until(path.exists, "the new file")
        finally:
            done.set()
            for visitor in visitors:
                visitor.join()
        stayed.command("QUIT", 221)  # of a worker that was there before the first rotation
        peers.wait_until(lambda: len(server.events("session.close")) == len(server.events("session.open")), "their ends")
        rotated = lines_of(*(server.folder / f"a.log.{count}" for count in range(8)), path)
        peers.wait_until(lambda: path.read_text().endswith("\n"), "a whole line")
        shown = [line for line in server.log_text().splitlines() if line.startswith("{")]
        assert rotated == shown[-len(rotated):] and len(rotated) > 40, (len(rotated), len(shown))
        assert all(lines_of(server.folder / f"a.log.{count}") for count in range(8)), "a file got nothing"


@test("logrotate with the configuration that is shipped: the old file is whole, the new one goes on")
def logrotate(_):
    program = peers.need("logrotate")
    with serving('log = {"stderr", "json:file:FOLDER/logs/ferryd.log"}\n',
                 first=lambda folder: (folder / "logs").mkdir(mode=0o755)) as server:
        visit(server)
        server.wait_for("session.close")
        rules = (TREE / "data" / "logrotate.d" / "ferryd").read_text()
        assert "SIGUSR1" in rules
        rules = rules.replace("/var/log/ferryd", str(server.folder / "logs")).replace("delaycompress", "nocompress")
        rules = re.sub(r"create .*", "create 0640", re.sub(r"systemctl .*", f"kill -USR1 {server.child.pid}", rules))
        (server.folder / "rules").write_text(rules)
        done = subprocess.run([program, "-f", "-s", server.folder / "state", server.folder / "rules"], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        visit(server)
        server.wait_for("session.close", 2)
        old, new = server.folder / "logs" / "ferryd.log.1", server.folder / "logs" / "ferryd.log"
        peers.wait_until(lambda: "session.close" in new.read_text(), "the new file")
        opens = [line for line in lines_of(old, new) if "session.open" in line]
        assert len(opens) == 2 and "session.open" in old.read_text(), (opens, new.read_text())


@test("what cannot be opened, or is none, is a mistake: the server does not start, a reload is refused")
def mistakes(_):
    with serving('log = {"stderr", "json:file:FOLDER/a.log"}\n') as server:
        conf = "log = {LIST}\n" + LISTEN + ACCOUNT
        for wrong, words in (('"file:/nowhere/at/all.log"', "/nowhere/at/all.log"), ('"file:a.log"', "begin with /"),
                             ('"syslog"', "none of stderr, file:/PATH and journald")):
            server.reload(conf.replace("LIST", wrong))
            reason = server.events("config.mistake")[-1]["reason"]
            assert words in reason, reason
            daemon.write_conf(server.folder, conf.replace("LIST", wrong))
            checked = subprocess.run([os.environ["FERRYD"], "run", "-c", server.conf], capture_output=True, text=True,
                                     check=False, timeout=30)
            assert checked.returncode == 1 and words in checked.stderr, checked
        visit(server)
        server.wait_for("session.close")


# ---- who does not read ----

def flood(server, count):
    """Events of about 4 kB each; returns when the server has answered all."""
    raw = Raw(server.port)
    raw.login(USER, PASSWORD)
    for _ in range(count // 50):
        raw.send(f"DELE /{'x' * 200}{'/y' * 1500}\r\n" * 50)
        for _ in range(50):
            assert raw.reply()[0] in (550, 553)
    return raw


@test("a reader that does not read, by a FIFO: nothing hangs, and how many events were lost is told when it does")
def blocked_reader(_):
    with serving('log = {"stderr", "text:file:FOLDER/pipe"}\n',
                 first=lambda folder: (os.mkfifo(folder / "pipe"),
                                       readers.append(os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)))) as server:
        raw = flood(server, 2000)
        raw.command("NOOP", 200)
        seen = b""
        deadline = time.monotonic() + 60
        while b"log.lost" not in seen and time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                seen += os.read(readers[0], 1 << 20)
            time.sleep(0.001)
        told = re.search(rb"error log\.lost count=(\d+) log=\S+/pipe reason=\"[^\"]+\" side=server advice=\"[^\"]+\"\n", seen)
        assert told and int(told[1]) > 0, seen[-2000:]
        commands = sum(1 for line in server.log_text().splitlines() if "command.failed" in line)
        kept = len(re.findall(rb"^\S+ notice command\.failed .*\n", seen, re.MULTILINE))
        assert commands == 2000 and kept + int(told[1]) >= 2000, (commands, kept, told)
        raw.command("QUIT", 221)
    os.close(readers.pop())


readers = []


@test("a full disk: sessions go on; when there is room again the log does, in whole lines")
def full_disk(_):
    if os.getuid() != 0:
        raise Skip("only root can mount a small disk")

    def small_disk(folder):
        (folder / "disk").mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder / "disk"], check=False)
        if mounted.returncode:
            raise Skip("nothing can be mounted here")
        mounts.append(folder / "disk")
        (folder / "disk" / "filler").write_bytes(b"0" * 200_000)

    mounts = []
    try:
        with serving('log = {"stderr", "text:file:FOLDER/disk/a.log"}\n', first=small_disk) as server:
            raw = flood(server, 200)
            raw.command("NOOP", 200)
            log = server.folder / "disk" / "a.log"
            assert not log.read_bytes().endswith(b"\n") or log.stat().st_size < 100_000
            (server.folder / "disk" / "filler").unlink()
            subprocess.run(["mount", "-o", "remount,size=8m", server.folder / "disk"], check=True)
            peers.wait_until(lambda: log.read_text().count("command.failed") == 200, "what waited")
            assert all(re.match(r"\d{4}-\S+Z \w+ [a-z.-]+( |$)", line) for line in lines_of(log))
            raw.command("QUIT", 221)
    finally:
        for mount in mounts:
            subprocess.run(["umount", mount], check=False)


# ---- systemd ----

@contextlib.contextmanager
def journal_socket(folder):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(folder / "journal"))
        receiver.settimeout(20)
        yield receiver


def entry_of(datagram):
    """A datagram of the native protocol whose fields are all of the simple form."""
    assert datagram.endswith(b"\n")
    pairs = [line.split("=", 1) for line in datagram.decode().splitlines()]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name, _ in pairs), pairs
    return dict(pairs)


@test("journald: an entry for each event with its fields, also after the journal was started again")
def journal(_):
    with peers.scratch() as place, journal_socket(place) as receiver:
        with serving(f'log = {{"stderr", "journald:{place}/journal"}}\n') as server:
            def wait_for(event):
                while True:
                    entry = entry_of(receiver.recv(1 << 17))
                    if entry["FERRY_EVENT"] == event:
                        return entry

            raw = Raw(server.port)
            raw.seal()
            raw.command("USER evil\x1b[2J peer=10.0.0.1", 331)
            raw.command(f"PASS {WRONG}", 530)
            entry = wait_for("session.login-failed")
            assert entry["PRIORITY"] == "5" and entry["SYSLOG_IDENTIFIER"] == "ferryd", entry
            assert entry["FERRY_PEER"] == "127.0.0.1" and entry["FERRY_ACCOUNT"] == "evil\\x1b[2J peer=10.0.0.1", entry
            assert entry["FERRY_SESSION"].isdigit() and entry["FERRY_SIDE"] == "client" and entry["FERRY_ADVICE"], entry
            assert entry["MESSAGE"].startswith(f"session.login-failed session={entry['FERRY_SESSION']} peer=127.0.0.1 "), entry
            receiver.close()
            (place / "journal").unlink()
            visit(server)  # nobody is there
            with journal_socket(place) as receiver:
                assert wait_for("session.open")["FERRY_PEER"] == "127.0.0.1"
                raw.close()


@test("the real systemd-journald takes the entries, and journalctl finds them by a field")
def real_journal(_):
    program, space = "/lib/systemd/systemd-journald", f"ferry{os.getpid()}"
    if os.getuid() != 0 or not os.path.exists(program):
        raise Skip("systemd-journald is not installed, or this is not root")
    peers.need("journalctl")
    place = pathlib.Path(f"/run/systemd/journal.{space}/socket")
    with peers.scratch() as folder:
        machine = pathlib.Path("/etc/machine-id").read_text(encoding="ascii").strip()
        try:
            with peers.process([program, space], folder / "journald.log"):
                try:
                    peers.wait_until(place.exists, "the socket of the journal", 10)
                except TimeoutError as error:
                    raise Skip(f"systemd-journald does not run here: {(folder / 'journald.log').read_text()}") from error
                with serving(f'log = {{"stderr", "journald:{place}"}}\n') as server:
                    visit(server)
                    number = server.wait_for("session.close")["session"]

                    def found():
                        done = subprocess.run(["journalctl", f"--namespace={space}", "-o", "json",
                                               f"FERRY_SESSION={number}"], capture_output=True, text=True, check=False)
                        return [json.loads(line)["FERRY_EVENT"] for line in done.stdout.splitlines()]

                    peers.wait_until(lambda: found() == ["session.open", "session.close"], f"the entries ({found()})")
        finally:
            for kept in ("/var/log/journal", "/run/log/journal"):
                shutil.rmtree(f"{kept}/{machine}.{space}", ignore_errors=True)
            shutil.rmtree(place.parent, ignore_errors=True)


@test("standard error that is the journal's: lines begin with their priority")
def stderr_of_the_journal(_):
    def prepare(folder):
        (folder / "log").touch()
        stat = (folder / "log").stat()
        os.environ["JOURNAL_STREAM"] = f"{stat.st_dev}:{stat.st_ino}"

    try:
        with peers.scratch() as folder:
            peers.make_certificate(folder / "tls")
            prepare(folder)
            log = folder / "log"
            daemon.make_home(folder / "home")
            daemon.write_conf(folder, LISTEN + ACCOUNT)
            with peers.process([os.environ["FERRYD"], "run", "-c", folder / "ferryd.conf"], log):
                peers.wait_until(lambda: "server.start" in log.read_text(), "the start")
            assert all(re.match(r'<[357]>\{"time":', line) for line in lines_of(log)), log.read_text()
    finally:
        del os.environ["JOURNAL_STREAM"]


# ---- xferlog ----

XFERLOG = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d \d{4} "
    r"(?P<seconds>\d+) (?P<host>\S+) (?P<bytes>\d+) (?P<name>\S+) (?P<type>[ab]) (?P<flag>[CUT_]) (?P<direction>[iod]) "
    r"(?P<mode>[agr]) (?P<user>\S+) (?P<service>\S+) (?P<method>[01]) (?P<id>\S+) (?P<status>[ci])")


@test("SEC-80 xferlog: uploads, downloads, cut ones and removed files as xferlog(5) has them; webalizer reads it")
def xferlog(_):
    with serving("xferlog = xfer.log\n") as server:
        raw = Raw(server.port).login(USER, PASSWORD)
        data = raw.passive()
        raw.send("STOR two words\r\n")
        data = raw.sealed(data)
        raw.reply()
        data.sendall(b"x" * 100)
        with contextlib.suppress(OSError):
            data.unwrap()
        data.close()
        assert raw.reply()[0] == 226
        assert raw.fetch("two words")[0] == b"x" * 100
        data = raw.passive()
        raw.send("STOR cut\r\n")
        data = raw.sealed(data)
        raw.reply()
        data.sendall(b"y" * 50)
        os.close(data.detach())
        assert raw.reply()[0] == 426
        raw.command("DELE two words", 250)
        raw.command("DELE missing", 550)
        raw.command("QUIT", 221)
        path = server.folder / "xfer.log"
        peers.wait_until(lambda: len(lines_of(path)) == 4, f"four lines ({path.read_text()})")
        rows = [XFERLOG.fullmatch(line) for line in lines_of(path)]
        assert all(rows), path.read_text()
        assert [(r["name"], r["bytes"], r["direction"], r["service"], r["status"]) for r in rows] == [
            ("/two_words", "100", "i", "ftps", "c"), ("/two_words", "100", "o", "ftps", "c"), ("/cut", "50", "i", "ftps", "i"),
            ("/two_words", "0", "d", "ftps", "c")], path.read_text()
        assert all(r["host"] == "127.0.0.1" and r["user"] == USER and r["mode"] == "r" and int(r["seconds"]) > 0 for r in rows)
        (server.folder / "out").mkdir()
        read = subprocess.run([peers.need("webalizer"), "-F", "ftp", "-o", server.folder / "out", "-n", "test", "-p", path],
                              capture_output=True, text=True, check=False, cwd=server.folder)
        told = read.stdout + read.stderr
        assert re.search(r"(\d+) records", told)[1] == "4" and "bad" not in told, told


# ---- secrets ----

@test("SEC-81 no password of a whole run is in any destination")
def passwords(_):
    places = 'log = {"stderr", "text:file:FOLDER/a.log", "json:file:FOLDER/b.log"}\nlog_level = debug\nxferlog = x.log\n'
    with serving(places) as server:
        raw = Raw(server.port).seal()
        raw.command(f"PASS {WRONG}", 503)
        raw.command(f"USER {USER}", 331)
        raw.command(f"PASS {WRONG}", 530)
        raw.command(f"USER {USER}", 331)
        raw.command(f"PASS {PASSWORD}", 230)
        raw.command(f"ACCT {WRONG}")
        raw.command(f"SITE PSWD {WRONG} {PASSWORD}")
        raw.command("QUIT", 221)
        server.wait_for("session.close")
        for name in ("log", "a.log", "b.log", "x.log"):
            text = (server.folder / name).read_text()
            assert PASSWORD not in text and WRONG not in text, text


@contextlib.contextmanager
def nothing():
    yield None


if __name__ == "__main__":
    tap.main(sys.modules[__name__], nothing)
