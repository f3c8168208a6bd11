#!/usr/bin/env python3
"""ferryd as a service: socket activation, what systemd is told, processes that hang."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import manager  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
import topology  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

TWO = "workers = 2\n" + SIMPLE
ACTIVATED = pathlib.Path(__file__).parents[1] / "support" / "python" / "activated.py"


def at_port(text, port):
    return text.replace("127.0.0.1:0", f"127.0.0.1:{port}")


def logs_in(port):
    Raw(port).login(USER, PASSWORD).command("PWD", 257)


# ---- sockets that were made for it ----

def activated(*sockets):
    return [sys.executable, ACTIVATED, *map(str, sockets), "--", os.environ["FERRYD"], "run"]


@test("a listen block uses the inherited socket of its address; all workers accept from it; no block's is told of")
def inherits(_):
    port, other = peers.free_port(), peers.free_port()
    with daemon.running(at_port(TWO, port), program=activated(port, other)) as server:
        assert server.port == port
        for _ in range(8):
            logs_in(port)
        unused = server.wait_for("socket.unused")
        assert unused["port"] == other and "ferryd.socket" in unused["advice"], unused


@test("a reload with other workers keeps the inherited socket, and drops nobody")
def inherits_reload(_):
    port = peers.free_port()
    with daemon.running(at_port(TWO, port), program=activated(port)) as server:
        raw = Raw(port).login(USER, PASSWORD)
        for workers in (1, 3, 2):
            server.reload(at_port(f"workers = {workers}\n" + SIMPLE, port))
            logs_in(port)
        raw.command("PWD", 257)


@test("who connects while ferryd is started again waits in the socket, and is served then")
def inherits_restart(_):
    with peers.scratch() as folder, socket.create_server(("127.0.0.1", 0)) as kept:
        port = kept.getsockname()[1]
        peers.make_certificate(folder / "tls")
        daemon.make_home(folder / "home")
        daemon.write_conf(folder, at_port(TWO, port))
        argv = [*activated(f"fd:{kept.fileno()}"), "-c", folder / "ferryd.conf"]
        for _ in range(2):
            waiting = Raw(port)  # nobody accepts yet
            with peers.process(argv, folder / "log", pass_fds=[kept.fileno()]) as child:
                waiting.login(USER, PASSWORD)
                logs_in(port)
            assert child.returncode == 0, (folder / "log").read_text()


@test("systemd-socket-activate starts it by the first connection")
def by_systemd(_):
    program = peers.need("systemd-socket-activate")
    port = peers.free_port()
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        daemon.make_home(folder / "home")
        daemon.write_conf(folder, at_port(TWO, port))
        argv = [program, "-l", f"127.0.0.1:{port}", os.environ["FERRYD"], "run", "-c", folder / "ferryd.conf"]
        with peers.process([*argv], folder / "log"):
            # Its first connection is the one that starts the server, which then serves it.
            peers.wait_until(lambda: "Listening on" in (folder / "log").read_text(), "systemd-socket-activate")
            logs_in(port)


# ---- what systemd is told ----

@contextlib.contextmanager
def watched(text=TWO, watchdog_s=None, **options):
    """Processes, and the socket that they notify."""
    with peers.scratch() as folder:
        notified = manager.Notified(folder / "notify")
        values = {"NOTIFY_SOCKET": notified.path}
        if watchdog_s:
            values["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        with manager.environment(**values):
            with topology.running(text, **options) as all_:
                yield all_, notified


@test("READY when it serves, RELOADING with the time and READY again, STOPPING at the end")
def states(_):
    with watched() as (all_, notified):
        assert "2 workers" in notified.wait_for("READY")["STATUS"]
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        all_.server.reload()
        told = notified.wait_for("RELOADING")
        assert before <= int(told["MONOTONIC_USEC"]) / 1e6 <= time.clock_gettime(time.CLOCK_MONOTONIC), told
        notified.wait_for("READY", 2)
        all_.server.reload(TWO + "nonsense = 1\n")
        notified.wait_for("RELOADING", 2)
        assert "mistakes" in notified.wait_for("READY", 3)["STATUS"]
        os.kill(all_.supervisor, signal.SIGTERM)
        notified.wait_for("STOPPING")
        all_.server.child.wait(20)
        assert [next(iter(state)) for state in notified.states] == [
            "READY", "RELOADING", "READY", "RELOADING", "READY", "STOPPING"], notified.states


@test("what does not start is never READY")
def not_ready(_):
    with peers.scratch() as folder:
        notified = manager.Notified(folder / "notify")
        daemon.write_conf(folder, "nonsense = 1\n")
        with manager.environment(NOTIFY_SOCKET=notified.path):
            assert daemon.ferryd("run", "-c", folder / "ferryd.conf").returncode == 1
        assert notified.hear() == []


@test("the environment of the service reaches no role")
def environment_ends(_):
    with watched(watchdog_s=60) as (all_, _notified):
        for pid in [*all_.pids("worker"), *all_.pids("auth")]:
            assert b"NOTIFY_SOCKET" not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()


# ---- who hangs ----

@test("a process that stands still is killed after hung_after and followed by another; the watchdog stays content")
def hung(_):
    with watched(TWO + "hung_after = 2s\n", watchdog_s=6) as (all_, notified):
        for role in ("worker", "keys", "auth"):
            pid = all_.pids(role)[0]
            ready = len(all_.events("role.ready", role=role))
            os.kill(pid, signal.SIGSTOP)
            died = all_.wait_for("role.died", role=role, pid=pid)
            assert "did not answer for 2 s" in died["reason"], died
            all_.wait_for("role.ready", ready + 1, role=role)
        logs_in(all_.server.port)
        assert notified.silent_for("WATCHDOG", 2.5) >= 1


@test("a process that serves files and stands still is killed, too")
def hung_files(_):
    with topology.running(TWO + "hung_after = 2s\n") as all_:
        raw = Raw(all_.server.port).login(USER, PASSWORD)
        pid = all_.pids("files")[0]
        os.kill(pid, signal.SIGSTOP)
        assert "did not answer" in all_.wait_for("role.died", role="files", pid=pid)["reason"]
        raw.command("SIZE none", 421)
        logs_in(all_.server.port)


@test("without hung_after a hung process makes the watchdog unhappy: systemd hears nothing more")
def watchdog_starves(_):
    with watched(TWO + "hung_after = 0s\n", watchdog_s=0.6) as (_all, notified):
        assert notified.silent_for("WATCHDOG", 1) >= 2
    text = TWO + "hung_after = 60s\n"
    with watched(text, watchdog_s=3, does=None) as (all_, notified):
        assert notified.silent_for("WATCHDOG", 2.5) >= 1
        keys = all_.pids("keys")[0]
        (all_.bin / "ferryd-keys").unlink()  # so that no other can start
        os.kill(keys, signal.SIGKILL)
        all_.wait_for("role.died", role="keys")
        peers.wait_until(lambda: notified.silent_for("WATCHDOG", 2) == 0, "silence")


@test("a supervisor that stood still itself blames nobody")
def supervisor_stood_still(_):
    with topology.running(TWO + "hung_after = 1s\n") as all_:
        os.kill(all_.supervisor, signal.SIGSTOP)
        time.sleep(2.5)
        os.kill(all_.supervisor, signal.SIGCONT)
        time.sleep(1)
        assert not all_.events("role.died"), all_.server.log_text()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
