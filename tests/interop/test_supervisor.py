#!/usr/bin/env python3
"""The supervisor of ferryd's processes: what it gives them, what it does when one fails, reload and end; with fakes."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
import topology  # noqa: E402
from daemon import SIMPLE  # noqa: E402
from tap import test  # noqa: E402

ALL = topology.ROLES
TWO = "workers = 2\n" + SIMPLE


def refused(text=SIMPLE, does=None):
    """What the supervisor says of a start that fails."""
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        daemon.make_home(folder / "home")
        daemon.write_conf(folder, text)
        topology.copy_programs(folder / "bin", ALL)
        for role, deed in (does or {}).items():
            (folder / "bin" / f"{role}.does").write_text(deed)
        ran = subprocess.run([folder / "bin" / "ferryd-supervisor", "-c", folder / "ferryd.conf"], capture_output=True,
                             text=True, check=False, timeout=60)
        assert ran.returncode == 1, ran
        return ran.stderr.replace(str(folder), "FOLDER")


# ---- what it gives ----

@test("SEC-62 SEC-64 each role is given what is its business, and nothing else")
def shares(_):
    with topology.running(TWO, ALL) as all_:
        settings = {role: all_.wait_for("fake.settings", role=role)["text"] for role in ("keys", "auth", "worker")}
        assert "listen" in settings["keys"] and "listen" in settings["worker"] and 'listen "' not in settings["auth"]
        assert "$y$" in settings["auth"].replace("\\", "") and 'account "' in settings["auth"]
        assert not any('account "' in settings[role] for role in ("keys", "worker")), settings
        assert {pathlib.Path(file["name"]).name: "PRIVATE KEY" in file["text"]
                for file in all_.events("fake.file", role="keys")} == {"server.key": True, "server.pem": False}
        files = all_.events("fake.file", role="worker")
        assert files and all("PRIVATE KEY" not in file["text"] for file in files)
        assert [file["name"] for file in all_.events("fake.file", role="auth")] == ["bans"]


@test("SEC-64 a key in the certificate's file reaches no worker")
def key_in_certificate(_):
    text = SIMPLE.replace(" key = tls/server.key", "")
    with peers.scratch() as _folder, topology.running(TWO, ALL) as all_:
        server = all_.server
        whole = server.certificate.read_text() + server.key.read_text()
        server.certificate.write_text(whole)
        server.reload("log_level = debug\n" + text)
        assert server.events("server.reload"), server.log_text()
        given = all_.events("fake.file", role="worker")[-1]["text"]
        assert given.count("BEGIN CERTIFICATE") == 1 and "PRIVATE KEY" not in given, given
        assert "PRIVATE KEY" in all_.events("fake.file", role="keys")[-1]["text"]


@test("every worker has a listener of its own on the same port, and a channel to keys and to auth")
def channels(_):
    with topology.running(TWO, ALL) as all_:
        listeners = all_.events("fake.listener", role="worker")
        assert len({event["pid"] for event in listeners}) == 2 and len({event["port"] for event in listeners}) == 1
        for pid in all_.pids("worker"):
            assert {e["peer"] for e in all_.events("fake.channel", pid=pid)} == {"keys", "auth", "ops"}
        assert sorted(e["peer"] for e in all_.events("fake.channel", role="ops")) == ["auth", "worker", "worker"]
        for role in ("keys", "auth"):
            numbers = [event["number"] for event in all_.events("fake.channel", role=role, peer="worker")]
            assert len(numbers) == 2 and len(set(numbers)) == 2, numbers


# ---- who stands by ----

@test("ops outlives a reload, meets the new crew, and is replaced when its own settings are others")
def stands_by(_):
    with topology.running(TWO, ALL) as all_:
        ops = all_.pids("ops")
        all_.server.reload("log_level = debug\n# a line more\nban_after = 7\n" + TWO)
        assert all_.wait_for("server.reload") and all_.pids("ops") == ops
        assert [e["peer"] for e in all_.events("fake.channel", role="ops")].count("worker") == 4
        all_.server.reload("log_level = notice\n" + TWO)
        peers.wait_until(lambda: all_.pids("ops") not in (ops, []) and len(all_.pids("ops")) == 1,
                         all_.server.log_text())
        assert all_.events("fake.drain", role="ops", pid=ops[0])
        new = all_.pids("ops")[0]
        peers.wait_until(lambda: [e["peer"] for e in all_.events("fake.channel", pid=new)].count("worker") >= 2,
                         all_.server.log_text())


@test("a standing role that cannot start is no reason not to serve, and is tried again")
def stands_by_in_vain(_):
    with topology.running(TWO, ALL, does={"ops": "fail"}) as all_:
        assert "it does not like that" in all_.wait_for("role.died", 2, role="ops")["reason"]
        assert peers.accepts(all_.server.port)
        (all_.bin / "ops.does").unlink()
        all_.wait_for("role.ready", role="ops")


# ---- what does not start ----

@test("a role that cannot start: its words, and nothing is served")
def cannot_start(_):
    said = refused(does={"worker": "fail"})
    assert "FOLDER/ferryd.conf: worker: it does not like that" in said and "give it something else" in said, said
    said = refused(does={"keys": "die"})
    assert "keys: it was killed by SIGABRT" in said, said


@test("SEC-63 a role that says what it may not is ended")
def babbles(_):
    assert "auth: " in refused(does={"auth": "babble"})


@test("a file that a listen block names and that is not there is a mistake with its line")
def missing_file(_):
    said = refused(SIMPLE.replace("tls/server.key", "tls/none.key"))
    assert "FOLDER/ferryd.conf:2: key: FOLDER/tls/none.key: it cannot be read" in said, said


# ---- who dies ----

@test("who dies is back within a second, is logged with the reason, and all channels to it are new")
def restarts(_):
    with topology.running(TWO, ALL) as all_:
        # Two ends for each worker that keys or auth meets anew; a worker meets both; ops meets auth and all workers.
        for role, ends in {"keys": 4, "auth": 6, "worker": 6, "ops": 6}.items():
            before = len(all_.events("fake.channel"))
            began = time.monotonic()
            all_.kill(role, signal.SIGSEGV)
            assert time.monotonic() - began < 5, "sanitizers and Python are slow, but not that slow"
            assert all_.events("role.died", role=role)[-1]["reason"].startswith("it was killed by SIGSEGV")
            assert all_.wait_for("role.restarted", role=role)
            peers.wait_until(lambda before=before, ends=ends: len(all_.events("fake.channel")) == before + ends,
                             all_.server.log_text())
        assert len(all_.pids("worker")) == 2 and peers.accepts(all_.server.port)


@test("one that keeps dying is started later and later, and the others stay")
def backs_off(_):
    with topology.running(TWO, ALL) as all_:
        keys = all_.pids("keys")
        (all_.bin / "auth.does").write_text("die")
        os.kill(all_.pids("auth")[0], signal.SIGKILL)
        all_.wait_for("role.died", 5, role="auth")
        began = time.monotonic()
        all_.wait_for("role.died", 6, role="auth")
        assert time.monotonic() - began > 0.2
        (all_.bin / "auth.does").unlink()
        all_.wait_for("role.ready", 2, role="auth")
        assert all_.pids("keys") == keys and len(all_.pids("worker")) == 2


# ---- reload ----

@test("a reload makes new processes; the old ones stay with their sessions, and leave with them")
def reload(_):
    with topology.running(TWO, ALL) as all_:
        (all_.bin / "worker.stays").touch()
        old = {role: all_.pids(role) for role in ("keys", "auth", "worker")}
        all_.server.reload()
        assert all_.server.events("server.reload")
        assert all(set(pids) < set(all_.pids(role)) for role, pids in old.items())
        for pid in old["worker"]:
            assert all_.events("fake.drain", pid=pid)[0]["grace"] == 2 ** 64 - 1
            os.kill(pid, signal.SIGTERM)
        peers.wait_until(lambda: not any(set(pids) & set(all_.pids(role)) for role, pids in old.items()),
                         "the end of the old ones")
        assert [len(all_.pids(role)) for role in old] == [1, 1, 2]


@test("a reload whose processes do not start changes nothing")
def reload_fails(_):
    with topology.running(TWO, ALL) as all_:
        before = {role: all_.pids(role) for role in ("keys", "auth", "worker")}
        for role, deed in (("worker", "fail"), ("auth", "die"), ("keys", "babble")):
            (all_.bin / f"{role}.does").write_text(deed)
            all_.server.reload()
            (all_.bin / f"{role}.does").unlink()
            assert {role: all_.pids(role) for role in before} == before
        assert len(all_.server.events("reload.refused")) == 3 and not all_.server.events("server.reload")
        assert peers.accepts(all_.server.port)
        all_.server.reload()
        assert len(all_.server.events("server.reload")) == 1


@test("a reload changes the number of workers")
def reload_workers(_):
    with topology.running(TWO, ALL) as all_:
        for count in (4, 1):
            all_.server.reload("log_level = debug\n" + TWO.replace("2", str(count), 1))
            peers.wait_until(lambda n=count: len(all_.pids("worker")) == n, f"{count} workers")
            assert peers.accepts(all_.server.port)


@test("many reloads with sessions that never end keep a bounded number of processes")
def many_reloads(_):
    with topology.running(SIMPLE.replace("listen", "workers = 1 drain_grace = 0s\nlisten", 1), ALL) as all_:
        (all_.bin / "worker.stays").touch()
        for _i in range(12):
            all_.server.reload()
        assert len(all_.server.events("server.reload")) == 12
        peers.wait_until(lambda: len(all_.pids("worker")) <= 9, "the end of the oldest")


# ---- the end ----

@test("SIGTERM: all leave and are reaped, and nothing is listened on; a second one does not wait")
def ends(_):
    with topology.running(TWO, ALL) as all_:
        port = all_.server.port
        os.kill(all_.supervisor, signal.SIGTERM)
        all_.server.child.wait(20)
        assert not peers.accepts(port) and all_.server.events("server.end")
        assert not all_.server.events("role.died"), all_.server.log_text()
        assert {event["role"] for event in all_.server.events("fake.drain")} == {"keys", "auth", "worker", "ops"}


@test("if the supervisor is killed, so are all others")
def killed(_):
    with topology.running(TWO, ALL, ends_with=-signal.SIGKILL) as all_:
        pids = [pid for role in ALL for pid in all_.pids(role)]
        os.kill(all_.supervisor, signal.SIGKILL)
        peers.wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "the end of all")


@test("SEC-62 the supervisor links no TLS library")
def no_tls(_):
    program = pathlib.Path(os.environ["FERRYD"]).parent / "supervisor" / "ferryd-supervisor"
    needed = subprocess.run([peers.need("readelf"), "-d", program], capture_output=True, text=True, check=True).stdout
    assert "libuv" in needed and "libssl" not in needed and "libcrypto" not in needed, needed


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
