#!/usr/bin/env python3
"""ferryctl at a running ferryd, word by word, with sessions of curl, lftp and our own; and its metrics."""

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
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import Skip, test  # noqa: E402

TWO = "workers = 2\n" + SIMPLE


def ctl(server, *words, check=True):
    """Runs ferryctl against that server."""
    argv = [os.environ["FERRYCTL"], *words, "--control", server.folder / "control"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert not check or done.returncode == 0, (words, done)
    return done


def asked(server, *words):
    return json.loads(ctl(server, *words, "--json").stdout)


def login(server):
    return Raw(server.port).login(USER, PASSWORD)


def sessions(server, count):
    """All sessions, once there are so many."""
    peers.wait_until(lambda: len(asked(server, "sessions")) == count, f"{count} sessions ({server.log_text()})")
    return asked(server, "sessions")


def is_ended(raw):
    """Whether the server ends the session with a 421."""
    with contextlib.suppress(EOFError, OSError):
        return raw.reply()[0] == 421
    return False


@contextlib.contextmanager
def downloading(server, program="curl"):
    """A download by curl or lftp that takes long, as a process."""
    with open(server.home / "big", "wb") as big:
        big.truncate(1 << 30)
    server.give_files()
    peers.need(program)
    argv = {
        "curl": ["curl", "-sS", "--ssl-reqd", "--cacert", str(server.ca), "--limit-rate", "2M", "-o", "/dev/null",
                 "-u", f"{USER}:{PASSWORD}", f"ftp://localhost:{server.port}/big"],
        "lftp": ["lftp", "-c", f"set ssl:ca-file {server.ca}; set ftp:ssl-force true; set ftp:ssl-protect-data true; "
                 f"set net:limit-rate 2000000; set net:max-retries 1; open -u '{USER},{PASSWORD}' "
                 f"ftp://127.0.0.1:{server.port}; get big -o {server.folder}/got"],
    }[program]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


# ---- words that tell ----

@test("status: version, processes with their pids and what is not confined, configuration, certificates")
def status(_):
    with daemon.running(TWO) as server:
        told = asked(server, "status")
        assert told["configuration"] == str(server.conf) and told["sessions"] == 0 and told["uptime"] >= 0, told
        roles = sorted(process["role"] for process in told["processes"])
        assert roles == ["auth", "keys", "ops", "worker", "worker"], roles
        for process in told["processes"]:
            assert process["pid"] in server.pids(process["role"]) and process["phase"] == "serving", process
        assert {row["names"] for row in told["certificates"]} and told["certificates"][0]["key"] == "EC prime256v1"
        text = ctl(server, "status").stdout
        assert text.startswith("ferryd ") and str(server.conf) in text and "worker" in text, text


@test("sessions of two workers: whose, from where, by which TLS, and what a transfer moves")
def rows(_):
    with daemon.running(TWO) as server, downloading(server):
        raws = [login(server) for _ in range(5)]
        peers.wait_until(lambda: any(row["direction"] == "down" and row["bytes"] > 0 for row in
                                     asked(server, "sessions")), server.log_text())
        told = sessions(server, 6)
        assert len({row["session"] for row in told}) == 6 and {row["account"] for row in told} == {USER}
        assert all(row["tls"] == "TLSv1.3" and row["peer"] == "127.0.0.1" and row["auth"] in ("TLS", "SSL") and row["kex"] and
                   row["logged_in"] for row in told), told
        logged = {event["session"] for event in server.events("session.login")}
        assert {row["session"] for row in told} == logged
        moved, = (row for row in told if row["direction"] == "down")
        assert moved["path"] == "/big" and moved["command"] == "RETR", moved
        assert "RETR /big" in ctl(server, "sessions").stdout
        for raw in raws:
            raw.socket.close()


@test("accounts: who exists, by which source, and who is logged in")
def accounts(_):
    with daemon.running(SIMPLE + 'account "berta" { password_hash = "HASH" home = home disabled = yes }\n') as server:
        raw = login(server)
        sessions(server, 1)
        told = {row["account"]: row for row in asked(server, "accounts")}
        assert told[USER]["sessions"] == 1 and not told[USER]["disabled"] and told["berta"]["disabled"], told
        assert told[USER]["source"] == "ferryd.conf" and told[USER]["login"] == "password"
        assert "disabled" in ctl(server, "accounts").stdout
        raw.socket.close()


@test("log: what was, what is, and failures alone with side and advice")
def log(_):
    with daemon.running(SIMPLE) as server:
        raw = Raw(server.port).seal()
        raw.command(f"USER {USER}")
        assert raw.command("PASS wrong")[0] == 530
        argv = [os.environ["FERRYCTL"], "log", "-f", "--json", "-n", "1", "--control", server.folder / "control"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as following:
            peers.wait_until(lambda: ctl(server, "log", "--failures").stdout, "a failure")
            failed = [json.loads(line) for line in ctl(server, "log", "--failures", "--json").stdout.splitlines()]
            assert any(event["event"] == "session.login-failed" and event["side"] == "client" and event["advice"]
                       for event in failed), failed
            assert following.stdout.readline(), "it is there, and shows what was last"
            login(server).socket.close()
            seen = [json.loads(following.stdout.readline())["event"] for _ in range(3)]
            assert seen[0] == "session.open" and "session.tls" in seen, seen
            following.kill()
        assert "session.login-failed" in ctl(server, "log").stdout
        raw.socket.close()


# ---- words that do ----

@test("kick: by id, by account, by address; the client is told 421, others stay")
def kick(_):
    with daemon.running(TWO) as server:
        raws = [login(server) for _ in range(4)]
        first = sessions(server, 4)[0]["session"]
        assert asked(server, "kick", str(first)) == {"ended": 1}
        assert len(sessions(server, 3)) == 3
        why = server.wait_for("session.close")
        assert why["session"] == first and "operator" in why["why"], why
        assert asked(server, "kick", USER) == {"ended": 3} and sessions(server, 0) == []
        assert all(is_ended(raw) for raw in raws)
        raw = login(server)
        sessions(server, 1)
        assert asked(server, "kick", "127.0.0.1") == {"ended": 1}
        assert is_ended(raw)
        done = ctl(server, "kick", "nobody", check=False)
        assert done.returncode == 1 and "no session has the id, account or address nobody" in done.stderr
        assert server.events("operator.kick")


def kick_transfer(server, program):
    with downloading(server, program) as child:
        peers.wait_until(lambda: any(row["path"] for row in asked(server, "sessions")), server.log_text())
        assert asked(server, "kick", USER)["ended"] == 1, server.log_text()
        assert server.wait_for("transfer.failed")["reason"] == "the operator ended the session"
        assert program == "lftp" or child.wait(30) != 0  # lftp tries again
    login(server).socket.close()


@test("kick during a download by curl and by lftp: it fails, and the server goes on")
def kick_transfers(_):
    for program in ("curl", "lftp"):
        with daemon.running(SIMPLE) as server:
            kick_transfer(server, program)


@test("reload: says when it is loaded, drops nobody, or says the mistakes by file and line")
def reload(_):
    with daemon.running(TWO) as server:
        raw = login(server)
        daemon.write_conf(server.folder, "ban_after = 9\n" + TWO)
        assert asked(server, "reload") == {"loaded": True, "configuration": str(server.conf)}
        assert raw.command("NOOP")[0] == 200 and len(sessions(server, 1)) == 1
        phases = {process["phase"] for process in asked(server, "status")["processes"] if process["role"] == "worker"}
        assert phases == {"serving", "draining"}, phases
        daemon.write_conf(server.folder, "bann_after = 9\nworkers = none\n" + TWO)
        done = ctl(server, "reload", check=False)
        assert done.returncode == 1 and f"{server.conf}:2: " in done.stderr and f"{server.conf}:3: " in done.stderr, done
        assert "the configuration was not loaded" in done.stderr and "ban_after" in done.stderr, done
        assert raw.command("NOOP")[0] == 200
        assert "bann_after" in asked(server, "status")["reload_refused"]
        raw.socket.close()


@test("reload that replaces ops: who asked still learns how it went")
def reload_ops(_):
    with daemon.running(SIMPLE) as server:
        before = server.pids("ops")
        daemon.write_conf(server.folder, "log_level = debug\n" + SIMPLE)
        assert asked(server, "reload")["loaded"]
        peers.wait_until(lambda: server.pids("ops") not in (before, []) and len(server.pids("ops")) == 1, "another ops")
        assert "ops" in {process["role"] for process in asked(server, "status")["processes"]}


@test("drain: nobody new, idle sessions end, the server ends")
def drain(_):
    with daemon.running(SIMPLE, ends_with=0) as server:
        raw = login(server)
        assert asked(server, "drain", "--grace", "1") == {"draining": True}
        assert is_ended(raw)
        server.wait_for("server.end")
        assert not (server.folder / "control").exists()
        done = ctl(server, "status", check=False)
        assert done.returncode == 1 and "no server is running" in done.stderr and "start ferryd" in done.stderr, done


@test("bans: add, list, remove")
def bans(_):
    with daemon.running(SIMPLE) as server:
        assert asked(server, "bans") == []
        ctl(server, "bans", "add", "192.0.2.7", "--time", "60")
        row, = asked(server, "bans")
        assert row["address"] == "192.0.2.7" and row["until"] and row["reason"] == "by hand", row
        assert "192.0.2.7" in ctl(server, "bans").stdout
        ctl(server, "bans", "remove", "192.0.2.7")
        assert asked(server, "bans") == []
        assert "that is no numeric address" in ctl(server, "bans", "add", "nonsense", check=False).stderr
        assert ctl(server, "bans", "lift", "1.2.3.4", check=False).returncode == 2


# ---- who may ask, and what may come ----

@test("nobody but root, the starter and the group may ask")
def access(_):
    if os.getuid() != 0:
        raise Skip("needs root")
    with daemon.running("control_group = games\n" + SIMPLE) as server:
        path = server.folder / "control"
        assert path.stat().st_mode & 0o777 == 0o660
        server.folder.chmod(0o755)
        argv = [os.environ["FERRYCTL"], "status", "--json", "--control", path]
        tool = pathlib.Path(os.environ["FERRYCTL"])
        with peers.scratch() as folder:
            folder.chmod(0o755)
            argv[0] = shutil.copy(tool, folder)
            stranger = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv],
                                      capture_output=True, text=True, check=False)
            member = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--groups=60", *argv],
                                    capture_output=True, text=True, check=False)
        assert stranger.returncode == 1 and "control_group" in stranger.stderr, stranger
        assert member.returncode == 0 and json.loads(member.stdout)["version"], member


@test("nonsense on the socket: an error in JSON or the end; many clients at once; ops lives")
def nonsense(_):
    with daemon.running(SIMPLE) as server:
        before = server.pids("ops")

        def connect():
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(10)
            connection.connect(str(server.folder / "control"))
            return connection

        for line in (b"{}\n", b"x\n", b'{"v":2,"word":"status"}\n', b'{"v":1,"word":"status","x":1}\n',
                     b'{"v":1,"word":"kick"}\n', b'{"v":1,"word":"kick","target":5}\n', b'{"v":1,"word":"\\u0000"}\n'):
            with connect() as connection:
                connection.sendall(line)
                assert json.loads(connection.makefile().readline())["ok"] is False, line
        with connect() as connection, contextlib.suppress(OSError):
            connection.sendall(b"a" * 100000)
            assert connection.recv(1) == b""
        crowd = [connect() for _ in range(40)]
        for connection in crowd:
            connection.sendall(b'{"v":1,"word":"status"}\n{"v":1,"word":"sessions"}\n')
        for connection in crowd:
            lines = connection.makefile()
            assert json.loads(lines.readline())["ok"] and json.loads(lines.readline())["result"] == []
            connection.close()
        assert server.pids("ops") == before


@test("ops killed: sessions and transfers stay, it is back within a second and knows them again")
def killed(_):
    with daemon.running(TWO) as server, downloading(server) as child:
        raw = login(server)
        sessions(server, 2)
        os.kill(server.pids("ops")[0], signal.SIGKILL)
        server.wait_for("role.restarted")
        assert len(sessions(server, 2)) == 2 and raw.command("NOOP")[0] == 200 and child.poll() is None
        assert asked(server, "status")["restarts"] == {"ops": 1}
        raw.socket.close()


# ---- metrics ----

LINE = re.compile(r'^([a-z_:][a-z0-9_:]*)((?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (-?[0-9.e+]+)$')


def scrape(port):
    """The samples by name and labels; strict about the format (text 0.0.4)."""
    done = subprocess.run(["curl", "-sSf", "-i", f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True,
                          check=True, timeout=30)
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    assert "Content-Type: text/plain; version=0.0.4" in head and body.endswith("\n"), head
    types, samples, closed, last = {}, {}, set(), None
    for line in body.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in closed and len(line.split(None, 3)) == 4, line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("counter", "gauge") and (kind == "gauge") != name.endswith("_total")
            types[name] = kind
            closed.add(last)
            last = name
        else:
            name, labels, value = LINE.match(line).groups()
            assert name == last and name + labels not in samples, line
            samples[name + labels] = float(value)
    if shutil.which("promtool"):
        checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True,
                                 check=False, timeout=30)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    return samples


@test("metrics: numbers of sessions, logins, transfers, bytes, handshakes, failures, restarts, certificates")
def metrics(_):
    port = peers.free_port()
    with daemon.running(f'metrics = "127.0.0.1:{port}"\n' + TWO) as server:
        (server.home / "file").write_bytes(b"y" * 10000)
        server.give_files()
        url = f"ftp://localhost:{server.port}/"
        curl = ["curl", "-sS", "--ssl-reqd", "--cacert", str(server.ca), "-u", f"{USER}:{PASSWORD}"]
        subprocess.run([*curl, "-o", "/dev/null", url + "file"], check=True, timeout=60)
        subprocess.run([*curl, "-T", str(server.home / "file"), url + "copy"], check=True, timeout=60)
        assert subprocess.run([*curl, url + "none"], check=False, timeout=60, stderr=subprocess.DEVNULL).returncode
        raw = login(server)
        os.kill(server.pids("keys")[0], signal.SIGKILL)
        server.wait_for("role.restarted")
        sessions(server, 1)
        seen = scrape(port)
        assert seen["ferry_sessions"] == 1 and seen['ferry_logins_total{outcome="granted"}'] == 4
        assert seen['ferry_transfers_total{direction="down",outcome="done"}'] == 1
        assert seen['ferry_transfers_total{direction="up",outcome="done"}'] == 1
        assert seen['ferry_transfer_bytes_total{direction="down"}'] == 10000
        assert seen['ferry_transfer_bytes_total{direction="up"}'] == 10000
        assert seen['ferry_tls_handshakes_total{version="TLSv1.3"}'] == 4
        assert seen['ferry_failures_total{class="not-found"}'] >= 1
        assert seen['ferry_process_restarts_total{role="keys"}'] == 1 and seen["ferry_bans"] == 0
        expiry, = (value for name, value in seen.items() if name.startswith("ferry_certificate_expiry_seconds"))
        assert time.time() < expiry < time.time() + 40 * 86400
        raw.socket.close()
        # What workers counted that are gone by now is still counted.
        server.reload("ban_after = 9\n" + f'metrics = "127.0.0.1:{port}"\n' + TWO)
        assert scrape(port)['ferry_logins_total{outcome="granted"}'] == 4
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/other", timeout=10)
            raise AssertionError("there is nothing but /metrics")


@test("metrics on a port that is taken: a mistake with its line")
def metrics_taken(_):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        try:
            with daemon.running(f'metrics = "127.0.0.1:{taken.getsockname()[1]}"\n' + SIMPLE):
                raise AssertionError("it started")
        except RuntimeError as error:
            assert "ferryd.conf:2: metrics: " in str(error) and "already in use" in str(error), error


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
