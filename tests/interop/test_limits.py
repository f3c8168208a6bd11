#!/usr/bin/env python3
"""The limits of ferryd.conf in a running ferryd: of sessions, logins, rates, quotas, the log and the process."""

import contextlib
import os
import pathlib
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

CONNECTS = 10_000
TRIES = 60
PLAIN = 'listen "127.0.0.1:0" {{ plaintext = allow {} }}\n'
ACCOUNT = f'account "{daemon.USER}" {{{{ password_hash = "HASH" home = home {{}} }}}}\n'


def conf(listen="", account="", globally="", workers=2):
    return f"workers = {workers}\n" + globally + PLAIN.format(listen) + ACCOUNT.format(account)


class Control:
    """A control connection in clear."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self.file = self.socket.makefile("rb")

    def reply(self):
        line = self.file.readline().decode()
        assert line[3:4] != "-", line
        return line.strip()

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self.reply()

    def expect(self, code, command):
        said = self.ask(command)
        assert said.startswith(str(code)), f"{command}: {said}"
        return said

    def log_in(self, password=daemon.PASSWORD):
        self.reply()
        self.expect(331, f"USER {daemon.USER}")
        return self.ask(f"PASS {password}")

    def put(self, command, content):
        """The final reply to an upload."""
        port = int(self.expect(229, "EPSV").split("|")[3])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as data:
            said = self.ask(command)
            if said.startswith("150"):
                with contextlib.suppress(ConnectionError):
                    data.sendall(content)
                data.close()
                said = self.reply()
        return said

    def close(self):
        self.file.close()
        self.socket.close()


# AddressSanitizer keeps freed memory, and the processes inherit no option that would change that.
SANITIZED = b"__asan_init" in pathlib.Path(os.environ["FERRYD"]).read_bytes()
MEMORY_KIB = (64 + (256 if SANITIZED else 0)) * 1024


def memory_kib(server):
    """Of all workers."""
    return sum(int(pathlib.Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
               for pid in server.pids("worker"))


@test(f"SEC-52: {CONNECTS} connections of one address: memory is bounded, and sessions that run go on", limit_s=400)
def connects(_):
    with daemon.running(conf("sessions_per_address = 5 log_events_per_minute = 100 login_timeout = 10min")) as server:
        session = Control(server)
        assert session.log_in().startswith("230")
        held = [Control(server) for _ in range(4)]
        for control in held:
            assert control.reply().startswith("220")
        before = memory_kib(server)
        for i in range(CONNECTS):
            control = Control(server)
            said = control.reply()
            assert said.startswith("421"), said
            control.close()
            if i % 1000 == 0:
                session.expect(200, "NOOP")
        session.expect(257, "PWD")
        assert memory_kib(server) - before < MEMORY_KIB, memory_kib(server) - before
        # SEC-60: the log does not grow with them.
        assert len(server.events("session.limited")) < 1000


@test("SEC-60: what the log leaves out is counted in it")
def floods(_):
    with peers.scratch() as folder:
        folder = pathlib.Path(folder)
        with daemon.running_in(folder, conf("log_events_per_minute = 3", workers=1)) as server:
            for _ in range(10):
                control = Control(server)
                control.reply()
                control.expect(221, "QUIT")
                control.close()
            assert len(server.events("session.open")) == 3
        counts = {event["name"]: event["count"] for event in server.events("log.suppressed")}
        assert counts.get("session.open") == 7, counts


def may_log_in(server):
    control = Control(server)
    try:
        return control.log_in().startswith("230")
    finally:
        control.close()


@test("SEC-50: failed logins lock the address and account, for a time, and are logged with advice")
def lockout(_):
    with daemon.running(conf("login_delay = 1ms", globally="login_failures = 2\nlogin_failures_time = 6s\n")) as server:
        for _ in range(2):
            control = Control(server)
            assert control.log_in("wrong").startswith("530")
            control.close()
        control = Control(server)
        assert control.log_in().startswith("421")
        control.close()
        assert "failed" in server.wait_for("login.refused", 3)["why"]
        peers.wait_until(lambda: may_log_in(server), "the end of the lock")


@test("SEC-84: an unknown name takes as long as a wrong password")
def times(_):
    with daemon.running(conf("login_delay = 1ms", globally="login_failures = 0\n")) as server:
        took = {daemon.USER: [], "nobody-at-all": []}
        for _ in range(TRIES):
            for name, list_of in took.items():
                control = Control(server)
                control.reply()
                control.expect(331, f"USER {name}")
                began = time.monotonic()
                control.expect(530, "PASS wrong")
                list_of.append(time.monotonic() - began)
                control.close()
        known, unknown = (statistics.median(list_of) for list_of in took.values())
        assert 0.8 < known / unknown < 1.25, (known, unknown)


@test("SEC-39: a quota is enforced and counted again after a restart")
def quota(_):
    with peers.scratch() as folder:
        folder = pathlib.Path(folder)
        with daemon.running_in(folder, conf(account="quota = 100K quota_files = 3")) as server:
            control = Control(server)
            assert control.log_in().startswith("230")
            control.expect(200, "TYPE I")
            assert control.put("STOR a", b"x" * 60000).startswith("226")
            assert control.put("STOR b", b"x" * 60000).startswith("552")
            left = int(control.expect(213, "AVBL").split()[1])
            control.close()
            server.reload()
            control = Control(server)
            assert control.log_in().startswith("230")
            assert int(control.expect(213, "AVBL").split()[1]) == left
            control.close()
        with peers.scratch() as other:
            again = conf(account="quota = 100K").replace("home = home", f'home = "{folder}/home"')
            with daemon.running_in(pathlib.Path(other), again) as server:
                control = Control(server)
                assert control.log_in().startswith("230")
                assert int(control.expect(213, "AVBL").split()[1]) == left
                control.close()


@test("rate_up holds an account's uploads back; sessions_max its sessions")
def account_limits(_):
    with daemon.running(conf(account="rate_up = 100K sessions_max = 1")) as server:
        control = Control(server)
        assert control.log_in().startswith("230")
        other = Control(server)
        assert other.log_in().startswith("421")
        other.close()
        began = time.monotonic()
        assert control.put("STOR a", b"x" * 250000).startswith("226")
        assert 0.8 < time.monotonic() - began < 10
        control.close()


@test("SEC-53: the process has limits of its own")
def process(_):
    with daemon.running(conf(globally="memory_max = 64T\n")) as server:
        limits = pathlib.Path(f"/proc/{server.child.pid}/limits").read_text()
        rows = {line[:26].strip(): line[26:].split() for line in limits.splitlines()}
        assert rows["Max core file size"][0] == "0", limits
        assert rows["Max data size"][0] == str(64 << 40), limits
        assert rows["Max open files"][0] == rows["Max open files"][1], limits


@test("TLS-126: the manual wants a certificate for the FTP server alone")
def manual(_):
    printed = daemon.ferryd("config", "--manual").stdout
    assert "for the name of the FTP server alone" in " ".join(printed.split()), printed


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
