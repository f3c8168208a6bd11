#!/usr/bin/env python3
"""Bans, and the limits that hold over all workers, in a running ferryd: over a reload and the death of ferryd-auth."""

import contextlib
import ftplib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

WORKERS = 2
OTHER = "127.0.0.2"  # an address that did no harm
ACCOUNT = f'account "{daemon.USER}" {{ password_hash = "HASH" home = home {{}} }}\n'


def conf(globally="", listen="", account="", accounts=True):
    listener = f'listen "127.0.0.1:0" {{ plaintext = allow login_delay = 1ms {listen} }}\n'
    return f"workers = {WORKERS}\n{globally}\n{listener}" + (ACCOUNT.replace("{}", account) if accounts else "")


def connect(server, source="127.0.0.1"):
    """A connection that was greeted."""
    session = ftplib.FTP(timeout=30, source_address=(source, 0))
    session.connect("127.0.0.1", server.port)
    return session


def connect_at_last(server):
    """A connection, once there is room for it."""
    made = []

    def tries():
        with contextlib.suppress(ftplib.error_temp):
            made.append(connect(server))
        return made

    peers.wait_until(tries, "room for one more")
    return made[0]


def log_in(server, source="127.0.0.1", password=daemon.PASSWORD):
    session = connect(server, source)
    session.login(daemon.USER, password)
    return session


def fails(server, password="wrong"):
    """Tries a login in vain; returns what is said."""
    session = connect(server)
    try:
        session.login(daemon.USER, password)
    except ftplib.error_perm as error:
        return str(error)
    finally:
        session.close()
    raise AssertionError("it was let in")


def is_banned(server, source="127.0.0.1"):
    """Whether a connection is closed before a byte was sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30, source_address=(source, 0)) as connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def refusal(server, source="127.0.0.1"):
    """The words of the 421 that greets a connection; None: it is served."""
    try:
        connect(server, source).close()
    except ftplib.error_temp as error:
        assert str(error).startswith("421"), error
        return str(error)
    return None


def kill_auth(server):
    """SIGKILL; returns when another one serves."""
    before = server.pids("auth")
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    peers.wait_until(lambda: len(server.pids("auth")) == 1 and server.pids("auth") != before, "another auth")
    server.wait_for("role.restarted")


def ban(server):
    for _ in range(3):
        fails(server)
    assert is_banned(server)


BANS = "login_failures_kept = 10min\nban_after = 3\nban_time = {}\n"


@test("SEC-50: too many failed logins ban the address, over all workers and before a byte is sent, without a log flood")
def banned(_):
    with daemon.running(conf(BANS.format("5s"))) as server:
        ban(server)
        event = server.wait_for("auth.ban")
        assert event["peer"] == "127.0.0.1" and event["advice"], event
        for _ in range(50):
            assert is_banned(server)
        assert not is_banned(server, OTHER)
        log_in(server, OTHER).close()
        assert 1 <= len(server.events("session.banned")) <= WORKERS, server.events("session.banned")
        peers.wait_until(lambda: not is_banned(server), "the end of the ban")
        log_in(server).close()


@test("SEC-50: a ban outlives the death of ferryd-auth, and a reload")
def outlives(_):
    with daemon.running(conf(BANS.format("10min"))) as server:
        ban(server)
        kill_auth(server)
        assert is_banned(server) and not is_banned(server, OTHER)
        server.reload(conf(BANS.format("10min")))
        assert is_banned(server) and not is_banned(server, OTHER)


@test("SEC-50: with ban_file, a ban outlives ferryd itself")
def file(_):
    with peers.scratch() as folder:
        kept = pathlib.Path(folder) / "bans"
        text = conf(BANS.format("10min") + f'ban_file = "{kept}"\n')
        with daemon.running(text) as server:
            ban(server)
        assert kept.stat().st_mode & 0o777 == 0o600
        with daemon.running(text) as server:
            assert is_banned(server) and not is_banned(server, OTHER)


@test("SEC-50: failures are counted over a reload: the one that bans may come after it")
def counted(_):
    with daemon.running(conf(BANS.format("10min"))) as server:
        fails(server)
        fails(server)
        server.reload(conf(BANS.format("10min"), listen="passive_ports = 0"))
        kill_auth(server)
        assert not is_banned(server)
        fails(server)
        assert is_banned(server)


@test("SEC-50: the refusals of an address come later and later, whichever worker it asks")
def grows(_):
    took = []
    with daemon.running(conf("login_failures_kept = 10min\nban_after = 0\n")) as server:
        for _ in range(6):
            began = time.monotonic()
            fails(server)
            took.append(time.monotonic() - began)
    assert took[3] > 0.5 and took[4] > 1 and took[5] > 2, took


@test("SEC-52: sessions of an address are counted over all workers, a reload and the death of auth")
def addresses(_):
    text = conf(listen="sessions_per_address = 4")
    with daemon.running(text) as server:
        held = [connect(server) for _ in range(4)]
        assert "address" in refusal(server)
        assert refusal(server, OTHER) is None
        server.reload(text + "# changed\n")
        assert "address" in refusal(server)
        kill_auth(server)
        assert "address" in refusal(server)
        held.pop().quit()
        held.append(connect_at_last(server))
        assert "address" in refusal(server)
        for session in held:
            session.quit()


@test("SEC-52: sessions_max is exact over all workers, and half of it is for those who are logged in")
def exact(_):
    with daemon.running(conf("sessions_max = 7\n")) as server:
        held = [log_in(server) for _ in range(3)] + [connect(server) for _ in range(4)]
        assert "Too many" in refusal(server)
        held.pop().quit()
        held.append(connect_at_last(server))
        assert "Too many" in refusal(server)
        for session in held:
            session.close()


@test("SEC-52: sessions of an account are counted over all workers and a reload")
def accounts(_):
    text = conf(account="sessions_max = 2")
    with daemon.running(text) as server:
        held = [log_in(server) for _ in range(2)]
        for _ in range(2):
            with contextlib.suppress(ftplib.error_temp):
                log_in(server)
                raise AssertionError("one more was let in")
            server.reload(text + "# changed\n")
        held.pop().quit()
        held.append(log_in(server))
        for session in held:
            session.voidcmd("NOOP")
            session.quit()


@test("a connection that comes while there is no auth waits for the next one")
def away(_):
    with daemon.running(conf()) as server:
        pid, = server.pids("auth")
        os.kill(pid, signal.SIGKILL)
        connect(server).quit()
        server.wait_for("role.restarted")


def ferryctl(folder, *words, password=""):
    subprocess.run([os.environ["FERRYCTL"], "account", "--file", folder / "accounts.db", *words], check=True,
                   input=password + "\n", text=True, capture_output=True, timeout=60)  # fmt: skip


def is_ended(session):
    """The 421 that ends the session, once it has come."""
    try:
        session.voidcmd("NOOP")
    except ftplib.error_temp as error:
        return str(error)
    except EOFError:
        return "without a word"
    return None


def ends(server, change, words):
    """A session of the account is ended by `change` within seconds, with these words."""
    session = log_in(server)
    change()
    began = time.monotonic()
    session.sock.settimeout(20)
    said = session.getline()
    assert said.startswith("421") and words in said, said
    assert time.monotonic() - began < 10
    server.wait_for("auth.end")
    session.close()


@test("an account that is disabled, gets another password, expires or is removed loses its sessions within seconds", limit_s=120)
def ended(_):
    with peers.scratch() as folder:
        folder = pathlib.Path(folder)
        ferryctl(folder, "add", daemon.USER, f"home={folder}/home", password=daemon.PASSWORD)
        ferryctl(folder, "add", "bert", f"home={folder}/home", password=daemon.PASSWORD)
        with daemon.running_in(folder, conf("accounts = accounts.db", accounts=False)) as server:
            other = connect(server)
            other.login("bert", daemon.PASSWORD)
            ends(server, lambda: ferryctl(folder, "disable", daemon.USER), "may no longer be used")
            ferryctl(folder, "enable", daemon.USER)
            ends(server, lambda: ferryctl(folder, "passwd", daemon.USER, password="another"), "password")
            ferryctl(folder, "passwd", daemon.USER, password=daemon.PASSWORD)
            ends(server, lambda: ferryctl(folder, "set", daemon.USER, "expires=2020-01-01"), "may no longer be used")
            ferryctl(folder, "set", daemon.USER, "expires=")
            ends(server, lambda: ferryctl(folder, "remove", daemon.USER), "may no longer be used")
            other.voidcmd("NOOP")
            other.quit()


@test("an account whose block a reload removes loses its sessions, those in transfers, too")
def removed(_):
    with daemon.running(conf()) as server:
        session = log_in(server)
        (server.home / "big").write_bytes(bytes(64 << 20))
        transfer = session.transfercmd("RETR big")
        server.reload(conf(accounts=False) + ACCOUNT.replace("{}", "").replace(daemon.USER, "bert"))
        said = session.getline(), session.getline()
        assert said[0].startswith("426") and said[1].startswith("421"), said
        transfer.close()
        session.close()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
