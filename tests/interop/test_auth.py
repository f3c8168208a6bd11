#!/usr/bin/env python3
"""ferryd-auth by itself, and ferryctl account: who is let in, what the supervisor is told, what is held back."""

import contextlib
import json
import os
import pathlib
import pwd
import random
import sqlite3
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import PASSWORD  # noqa: E402
from roles import Role, text, u8, u16, u64  # noqa: E402
from tap import test  # noqa: E402

FERRYD_AUTH = os.environ["FERRYD_AUTH"]
FERRYCTL = os.environ["FERRYCTL"]
GRANTED, REFUSED, UNAVAILABLE = range(3)
MODERN = 3  # what the connection meets: account/demand.h
PEER = "192.0.2.7"

# Whose the files of accounts are: root's they never are.
FILES = pwd.getpwuid(os.getuid() or 1)
FILES_USER = f"files_user = {FILES.pw_name}\n"


def identity(common_name="anna", email="anna@example.org"):
    """The facts of a certificate as src/ferryd/identity_wire.c has them."""
    texts = (f"CN={common_name}", "CN=CA", "1f", common_name, b"\x11" * 32, b"\x22" * 32)
    return u16(1) + b"".join(map(text, texts)) + u8(0) + u8(1) + u8(0) + text(email)


class Auth(Role):
    """ferryd-auth with the accounts of `blocks`, and a worker that asks it."""

    def __init__(self, folder, blocks, files_user=FILES_USER):
        self.log = folder / "auth.log"
        super().__init__(FERRYD_AUTH, self.log)
        settings = (files_user + blocks).replace("HASH", daemon.password_hash()).replace("FOLDER", str(folder))
        self.settings(settings)
        self.worker = self.connect("worker", 7)
        self.asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def started(self):
        self.start("CONFINE_TRY")
        self.ready()
        return self

    def ask(self, name, password=None, peer=PEER, certificate=b""):
        self.asked += 1
        self.worker.send("MESSAGE_LOGIN_ASK", u64(self.asked), text(name), u8(password is not None),
                         text(password or ""), text(peer), text(""), u16(MODERN), text(certificate))
        return self.asked

    def answer(self):
        """(ask, verdict, grant, by certificate) of the next answer."""
        message = self.worker.receive("MESSAGE_LOGIN_ANSWER")
        ask, verdict, grant, start, _ = message.u64(), message.u8(), message.u64(), message.text(), message.u8()
        by_certificate, self.charset = message.u8(), message.text()
        self.rates, self.words = (message.u64(), message.u64()), message.text()
        assert start == b"/"
        return ask, verdict, grant, by_certificate

    def login(self, *args, **options):
        """(verdict, grant, by certificate) of one login."""
        asked = self.ask(*args, **options)
        ask, *rest = self.answer()
        assert ask == asked
        return tuple(rest)

    def granted(self):
        """What the supervisor is told: worker, grant, uid, gid, groups, root, owner, rules."""
        message = self.channel.receive("MESSAGE_GRANT")
        return (message.u32(), message.u64(), message.u32(), message.u32(), message.text(), message.text(),
                message.text(), message.u8())

    def said(self):
        return self.log.read_text(encoding="utf-8")


def ferryctl(folder, *args, password=None, status=0):
    done = subprocess.run([FERRYCTL, "account", "--file", folder / "accounts.db", *args], capture_output=True, text=True,
                          input=f"{password}\n" if password else "", timeout=60)  # fmt: skip
    assert done.returncode == status, (args, done)
    return done.stdout if status == 0 else done.stderr


ANNA = 'account "anna" { password_hash = "HASH" home = "/srv/anna" read_only = yes dotfiles = hide charset = windows-1252 }\n'


@test("a password decides, and the supervisor is told of the grant before the session begins (SEC-62)")
def password(_):
    with peers.scratch() as folder, Auth(folder, ANNA) as auth:
        auth.started()
        assert auth.login("anna") == (REFUSED, 0, 0)  # TLS-73: a password is needed
        assert auth.login("anna", "wrong") == (REFUSED, 0, 0)
        assert auth.login("nobody", PASSWORD) == (REFUSED, 0, 0)
        verdict, grant, by_certificate = auth.login("anna", PASSWORD)
        assert verdict == GRANTED and grant and not by_certificate
        assert auth.charset == b"windows-1252"
        *who, groups, root, owner, rules = auth.granted()
        assert who == [7, grant, FILES.pw_uid, FILES.pw_gid], who
        assert set(struct.unpack(f"<{len(groups) // 4}I", groups)) == set(
            os.getgrouplist(FILES.pw_name, FILES.pw_gid))  # SEC-69
        assert (root, owner, rules) == (b"/srv/anna", b"anna", 5)
        log = auth.said()
        assert "there is no such account" in log and PASSWORD not in log and "wrong password" in log


@test("TLS-71, TLS-72, TLS-84: certificates by policy, and never for another name")
def certificates(_):
    blocks = """
        account "anna" { login = cert certificates = {"cn-is-user"} home = /srv }
        account "bert" { login = cert-or-password certificates = {"email:anna@example.org"} password_hash = "HASH" home = /srv }
        account "carl" { login = cert-and-password certificates = {"cn:anna"} password_hash = "HASH" home = /srv }
        account "dora" { password_hash = "HASH" certificates = {"cn:anna"} home = /srv }
    """
    hers, his = identity(), identity("bob", "bob@example.org")
    cases = (
        ("anna", None, hers, GRANTED), ("anna", None, his, REFUSED), ("anna", None, b"", REFUSED),
        ("anna", PASSWORD, b"", REFUSED), ("anna", "any", hers, GRANTED),
        ("bert", None, hers, GRANTED), ("bert", None, his, REFUSED), ("bert", PASSWORD, his, GRANTED),
        ("carl", None, hers, REFUSED), ("carl", PASSWORD, hers, GRANTED), ("carl", PASSWORD, his, REFUSED),
        ("carl", "wrong", hers, REFUSED), ("carl", PASSWORD, b"", REFUSED),
        ("dora", None, hers, REFUSED), ("dora", PASSWORD, b"", GRANTED), ("bob", None, his, REFUSED),
    )  # fmt: skip
    with peers.scratch() as folder, Auth(folder, blocks) as auth:
        auth.started()
        for name, word, certificate, expected in cases:
            verdict, _, by_certificate = auth.login(name, word, certificate=certificate)
            assert verdict == expected, (name, word, certificate, verdict)
            assert by_certificate == (verdict == GRANTED and word is None), (name, word)


@test("an account that is disabled, has expired, at a bad hour or from a bad network is refused like an unknown one")
def barred(_):
    hour = time.localtime().tm_hour
    away = f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00"
    near = f"{(hour + 23) % 24:02}:00-{(hour + 2) % 24:02}:00"
    blocks = f"""
        account "disabled" {{ password_hash = "HASH" home = /srv disabled = yes }}
        account "expired" {{ password_hash = "HASH" home = /srv expires = "2020-02-29" }}
        account "hours" {{ password_hash = "HASH" home = /srv hours = "{away}" }}
        account "network" {{ password_hash = "HASH" home = /srv networks = {{"198.51.100.0/24", "2001:db8::/32"}} }}
        account "free" {{ password_hash = "HASH" home = /srv hours = "{near}" expires = "2999-12-31"
                          networks = {{"192.0.2.0/24"}} }}
    """
    with peers.scratch() as folder, Auth(folder, blocks) as auth:
        auth.started()
        for name, why in (("disabled", "disabled"), ("expired", "expired"), ("hours", "hours"), ("network", "networks")):
            assert auth.login(name, PASSWORD, peer=f"192.0.2.{10 + len(name)}") == (REFUSED, 0, 0), name
            assert auth.words == b""  # SEC-84: nobody but the log learns why
            assert f"account={name}" in auth.said().splitlines()[-1] and why in auth.said().splitlines()[-1]
        assert auth.login("network", PASSWORD, peer="2001:db8::7")[0] == GRANTED
        assert auth.login("free", PASSWORD)[0] == GRANTED


@test("sessions of an account are counted, until they end or their worker does")
def sessions(_):
    blocks = 'account "anna" { password_hash = "HASH" home = /srv sessions_max = 2 }'
    with peers.scratch() as folder, Auth(folder, blocks) as auth:
        auth.started()
        _, first, _ = auth.login("anna", PASSWORD)
        assert auth.login("anna", PASSWORD)[0] == GRANTED
        assert auth.login("anna", PASSWORD)[0] == UNAVAILABLE
        assert b"2 sessions" in auth.words
        auth.worker.send("MESSAGE_LOGOUT", u64(first))
        assert auth.login("anna", PASSWORD)[0] == GRANTED
        assert auth.login("anna", PASSWORD)[0] == UNAVAILABLE
        auth.worker.close()
        auth.worker = auth.connect("worker", 8)
        assert auth.login("anna", PASSWORD)[0] == GRANTED


@test("SEC-50: failed logins make refusals slower, then ban the address for a while; others are not concerned")
def bans(_):
    blocks = ANNA + "ban_after = 5\nban_time = 3s\n"
    with peers.scratch() as folder, Auth(folder, blocks) as auth:
        auth.started()
        took = []
        for _ in range(5):
            began = time.monotonic()
            assert auth.login("anna", "wrong") == (REFUSED, 0, 0)
            took.append(time.monotonic() - began)
        assert took[3] > 0.5 and took[4] > 1.0, took
        assert auth.login("anna", PASSWORD) == (UNAVAILABLE, 0, 0)
        assert b"banned for" in auth.words and "banned" in auth.said()
        assert auth.login("anna", PASSWORD, peer="192.0.2.8")[0] == GRANTED
        peers.wait_until(lambda: auth.login("anna", PASSWORD)[0] == GRANTED, "the end of the ban")


def asked_by_ops(ops, number, name, *fields):
    """The rows (address, seconds from now, failures, by hand) and the outcome: (done, why not)."""
    ops.send(name, u64(number), *fields)
    rows = []
    while (message := ops.receive()).name == "MESSAGE_BAN_ROW":
        assert message.u64() == number
        rows.append((message.text().decode(), round(message.u64() - time.time()), message.u64(), message.u8()))
    assert message.name == "MESSAGE_BAN_DONE" and message.u64() == number
    return rows, (message.u8(), message.text().decode())


@test("an operator lists bans, bans by hand for a time, and lifts bans; the log has it")
def bans_by_hand(_):
    with peers.scratch() as folder, Auth(folder, ANNA + "ban_after = 2\nban_time = 10min\n") as auth:
        ops = auth.connect("ops")  # before it serves
        auth.started()
        assert asked_by_ops(ops, 1, "MESSAGE_BANS_ASK") == ([], (1, ""))
        for _ in range(2):
            auth.login("anna", "wrong")
        assert asked_by_ops(ops, 2, "MESSAGE_BAN", text("2001:db8::7"), u64(60)) == ([], (1, ""))
        rows, _ = asked_by_ops(ops, 3, "MESSAGE_BANS_ASK")
        assert {(peer, failures, by_hand) for peer, _, failures, by_hand in rows} == {(PEER, 2, 0), ("2001:db8::", 0, 1)}
        assert all(abs(left - 60 if by_hand else left - 600) < 10 for _, left, _, by_hand in rows), rows
        assert auth.login("anna", PASSWORD, peer="2001:db8::abcd") == (UNAVAILABLE, 0, 0)  # of the same /64
        for number, peer in ((4, PEER), (5, "2001:db8::1")):
            assert asked_by_ops(ops, number, "MESSAGE_UNBAN", text(peer)) == ([], (1, ""))
            assert auth.login("anna", PASSWORD, peer=peer)[0] == GRANTED
        wrong = (("MESSAGE_UNBAN", text(PEER)), ("MESSAGE_UNBAN", text("all")), ("MESSAGE_BAN", text(PEER), u64(0)))
        for number, (name, *fields) in enumerate(wrong):
            rows, (done, why_not) = asked_by_ops(ops, number, name, *fields)
            assert not rows and not done and why_not, (name, fields)
        assert auth.said().count("auth.ban ") == 2 and auth.said().count("auth.unban ") == 2
        again = auth.connect("ops")  # another ops
        assert asked_by_ops(again, 9, "MESSAGE_BANS_ASK") == ([], (1, ""))
        again.send("MESSAGE_BAN", u64(1))
        assert again.is_over()
        assert auth.login("anna", PASSWORD)[0] == GRANTED


@test("SEC-50: guesses that are sent all at once are no more guesses than the ban allows")
def guesses_at_once(_):
    with peers.scratch() as folder, Auth(folder, ANNA + "ban_after = 5\n") as auth:
        auth.started()
        for word in ["wrong"] * 20 + [PASSWORD]:
            last = auth.ask("anna", word)
        verdicts = dict(auth.answer()[:2] for _ in range(last))
        assert list(verdicts.values()).count(REFUSED) == 5, verdicts
        assert verdicts[last] == UNAVAILABLE, verdicts


@test("SEC-84: an unknown name takes as long as a wrong password")
def timing(_):
    took = {"anna": [], "nobody": []}
    with peers.scratch() as folder, Auth(folder, ANNA + "ban_after = 0\n") as auth:
        auth.started()
        for i in range(40):
            for name in random.sample(sorted(took), 2):
                began = time.monotonic()
                auth.login(name, "wrong", peer=f"198.51.{100 + (name == 'anna')}.{i}")
                took[name].append(time.monotonic() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    print(f"# medians: known {known * 1000:.1f} ms, unknown {unknown * 1000:.1f} ms")
    assert abs(known - unknown) < max(0.005, 0.25 * known), took


@test("SEC-62, SEC-66, SEC-68: it has what the roles have in common, and no file but the roster's stays open")
def confined(_):
    with peers.scratch() as folder, Auth(folder, 'accounts = "FOLDER/accounts.db"\n' + ANNA) as auth:
        auth.started()
        assert auth.login("anna", PASSWORD)[0] == GRANTED
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{auth.child.pid}/status").read_text(encoding="utf-8").splitlines())
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", status
        opened = {os.readlink(entry) for entry in pathlib.Path(f"/proc/{auth.child.pid}/fd").iterdir()}
        files = {path for path in opened if path.startswith("/") and not path.startswith("/dev/")}
        assert all(path.startswith(str(folder)) for path in files), files
        assert any(path.endswith("accounts.db") for path in files), files


@test("many ask at once, one is cancelled: each of the others is answered once")
def at_once(_):
    with peers.scratch() as folder, Auth(folder, ANNA) as auth:
        auth.started()
        asked = [auth.ask("anna", PASSWORD) for _ in range(20)]
        auth.worker.send("MESSAGE_LOGIN_CANCEL", u64(asked[-1]))
        answered = sorted(auth.answer()[0] for _ in asked[:-1])
        assert answered == asked[:-1], answered
        assert auth.login("anna", PASSWORD)[0] == GRANTED


@test("SEC-63: a worker that says what it may not is cut off, others are served")
def hostile(_):
    def ask(name="anna", peer=PEER, certificate=b"", password=u8(0) + text("")):
        return u64(1) + text(name) + password + text(peer) + text("") + u16(0) + text(certificate)

    wrong = (
        ("MESSAGE_REVOKE", u64(1)),  # is not a worker's to say
        ("MESSAGE_LOGIN_ASK", b"\xff" * 40),
        ("MESSAGE_LOGIN_ASK", ask() + b"x"),
        ("MESSAGE_LOGIN_ASK", ask(peer="not an address")),
        ("MESSAGE_LOGIN_ASK", ask(certificate=u16(1) + b"garbage")),
        ("MESSAGE_LOGIN_ASK", ask(name="an\0na")),  # SEC-70
        ("MESSAGE_LOGIN_ASK", ask(name="x" * 65)),
        ("MESSAGE_LOGIN_ASK", ask(password=u8(1) + text("x" * 4097))),
    )
    with peers.scratch() as folder, Auth(folder, ANNA) as auth:
        auth.started()
        for number, (name, fields) in enumerate(wrong):
            other = auth.connect("worker", 100 + number)
            other.send(name, fields)
            assert other.is_over(), (name, fields)
        assert auth.login("anna", PASSWORD)[0] == GRANTED


@test("ferryctl keeps accounts that ferryd-auth knows from the next login on")
def roster(_):
    with peers.scratch() as folder:
        ferryctl(folder, "add", "anna", "home=/srv/anna", "networks=192.0.2.0/24,2001:db8::/32", password=PASSWORD)
        with Auth(folder, 'accounts = "FOLDER/accounts.db"\n' + ANNA.replace("anna", "bert")) as auth:
            auth.started()
            assert auth.login("anna", PASSWORD)[0] == GRANTED
            assert auth.granted()[5:] == (b"/srv/anna", b"anna", 0)
            assert auth.login("bert", PASSWORD)[0] == GRANTED  # of the block
            ferryctl(folder, "passwd", "anna", password="another")
            assert auth.login("anna", PASSWORD)[0] == REFUSED
            assert auth.login("anna", "another")[0] == GRANTED
            ferryctl(folder, "disable", "anna")
            assert auth.login("anna", "another")[0] == REFUSED
            ferryctl(folder, "enable", "anna")
            ferryctl(folder, "cert", "anna", "add", "cn-is-user")
            ferryctl(folder, "set", "anna", "login=cert-or-password", "read_only=yes")
            assert auth.login("anna", certificate=identity())[::2] == (GRANTED, 1)
            ferryctl(folder, "remove", "anna")
            assert auth.login("anna", "another", certificate=identity())[0] == REFUSED


@test("ferryctl shows all of an account but its password, and tells what is wrong")
def shown(_):
    with peers.scratch() as folder:
        ferryctl(folder, "add", "anna", "home=/srv/anna", "sessions_max=3", "expires=2030-01-31", password=PASSWORD)
        ferryctl(folder, "add", "bert", "home=/srv/bert", "login=cert", "certificates=subject:CN=bert,O=x")
        assert (folder / "accounts.db").stat().st_mode & 0o777 == 0o600
        listed = json.loads(ferryctl(folder, "--json", "list"))
        assert [account["name"] for account in listed] == ["anna", "bert"]
        assert json.loads(ferryctl(folder, "show", "anna", "--json")) == listed[0] == {
            "name": "anna", "password": True, "home": "/srv/anna", "user": None, "read_only": False, "uploads": "atomic",
            "dotfiles": "show", "charset": None, "denied_names": [], "control_bytes": "refuse", "tls": "listener", "disabled": False,
            "login": "password", "certificates": [], "networks": [], "hours": None, "expires": "2030-01-31",
            "sessions_max": 3, "rate_up": 0, "rate_down": 0, "quota": 0, "quota_files": 0, "rights": [], "roots": [], "group": [],
            "template": None}  # fmt: skip
        text = ferryctl(folder, "show", "bert")
        assert "certificates: subject:CN=bert,O=x\n" in text and "password: not set\n" in text
        assert "$y$" not in ferryctl(folder, "show", "anna") + ferryctl(folder, "list")
        wrong = (
            (("show", "carl"), 1, "there is no account carl"), (("remove", "carl"), 1, "no account"),
            (("add", "anna", "home=/srv"), 1, "already"), (("add", "x/y", "home=/srv"), 1, "name"),
            (("set", "anna", "homes=/x"), 1, "no field homes"), (("set", "anna", "home"), 1, "FIELD=VALUE"),
            (("set", "anna", "hours=sometimes"), 1, "hours: "), (("set", "anna", "password_hash=secret"), 1, "hash"),
            (("set", "anna", "login=cert"), 1, "certificates"), (("cert", "anna", "remove", "cn:x"), 1, "no such rule"),
            (("cert", "anna", "add", "name:x"), 1, "certificates: "), (("passwd",), 2, "too few"),
            (("sett", "anna"), 2, "no word sett"), ((), 2, "what is to be done"),
        )  # fmt: skip
        for args, status, words in wrong:
            said = ferryctl(folder, *args, password=PASSWORD, status=status)
            assert words in said, (args, said)
        assert json.loads(ferryctl(folder, "--json", "list")) == listed  # nothing has changed


@test("a roster that cannot be read is no reason to let in or to refuse: the login is unavailable")
def damaged(_):
    with peers.scratch() as folder:
        ferryctl(folder, "add", "anna", "home=/srv/anna", password=PASSWORD)
        with Auth(folder, 'accounts = "FOLDER/accounts.db"') as auth:
            auth.started()
            ferryctl(folder, "set", "anna", "hours=Mon-Sun")
            with contextlib.closing(sqlite3.connect(folder / "accounts.db")) as database, database:
                database.execute("UPDATE account SET hours = 'sometimes'")
            assert auth.login("anna", PASSWORD) == (UNAVAILABLE, 0, 0)
            assert b"hours" in auth.words
        (folder / "accounts.db").write_text("no database, but text " * 100)
        with Auth(folder, 'accounts = "FOLDER/accounts.db"') as auth:
            auth.start("CONFINE_TRY")
            assert "not a database" in auth.failed()


@test("settings with a mistake, a root without rights for files: told, not guessed", limit_s=60)
def mistakes(_):
    cases = (
        ('account "anna" { password_hash = "HASH" home = /srv hours = "sometimes" }', "hours"),
        ('account "anna" { home = /srv }', "lacks password_hash"),
        ('account "anna" { password_hash = "HASH" home = /srv login = cert }', "certificates"),
    )
    with peers.scratch() as folder:
        for blocks, words in cases:
            with Auth(folder, blocks) as auth:
                auth.start("CONFINE_TRY")
                assert words in auth.failed(), words
                assert auth.child.wait(20) == 1


@test("SEC-69: files are reached as the account's user, with its groups, and never as root", limit_s=60)
def users(_):
    if os.getuid() != 0:
        raise tap.Skip("takes root")
    blocks = """
        account "daemon" { password_hash = "HASH" home = /srv user = daemon }
        account "root" { password_hash = "HASH" home = /srv user = root }
        account "none" { password_hash = "HASH" home = /srv user = no-such-user }
        account "any" { password_hash = "HASH" home = /srv }
    """
    with peers.scratch() as folder, Auth(folder, blocks, files_user="") as auth:
        auth.started()
        assert auth.login("daemon", PASSWORD)[0] == GRANTED
        _, _, uid, gid, groups, *_ = auth.granted()
        assert (uid, gid) == (1, 1) and struct.unpack("<I", groups) == (1,), (uid, gid, groups)
        for name, words in (("root", b"is root"), ("none", b"no-such-user"), ("any", b"files_user")):
            assert auth.login(name, PASSWORD) == (UNAVAILABLE, 0, 0)
            assert words in auth.words, auth.words


@test("its supervisor's end is its own; SIGKILL in the middle of logins leaves a roster that is whole")
def ends(_):
    with peers.scratch() as folder:
        ferryctl(folder, "add", "anna", "home=/srv/anna", password=PASSWORD)
        with Auth(folder, 'accounts = "FOLDER/accounts.db"') as auth:
            auth.started()
            for _ in range(10):
                auth.ask("anna", PASSWORD)
            auth.kill()
        assert "anna" in ferryctl(folder, "list")
        with Auth(folder, 'accounts = "FOLDER/accounts.db"') as auth:
            auth.started()
            assert auth.login("anna", PASSWORD)[0] == GRANTED
            assert auth.end() == 0


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
