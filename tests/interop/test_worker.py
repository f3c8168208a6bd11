#!/usr/bin/env python3
"""ferryd-worker as a program, confined: logins that other processes decide, their files, and its end."""

import contextlib
import ftplib
import io
import itertools
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import roles  # noqa: E402
import tap  # noqa: E402
from role_site import GRANTED, REFUSED, UNAVAILABLE, fixture, reply, site  # noqa: E402
from roles import text, u8, u64  # noqa: E402
from tap import test  # noqa: E402


# ---- auth ----


@test("a login is granted when its answer and its files have come, in either order; both ways it is given back")
def both_orders(_):
    with site() as here:
        here.start()
        first, files = here.log_in(1)
        second = here.connect()
        second.putcmd("USER anna")
        ask = here.ask()
        early = here.grant(2)
        assert early.is_quiet()
        here.answer(ask, GRANTED, 2, charset="KOI8-R", by_certificate=1)
        reply(second, "232")
        for session, channel, grant in ((first, files, 1), (second, early, 2)):
            session.quit()
            assert here.auth.receive("MESSAGE_LOGOUT").u64() == grant
            assert channel.is_over()


@test("what is asked for a login: name, password, address, host, TLS version, and whom the certificate names")
def what_is_asked(_):
    with site() as here:
        here.start('client_certificates = optional client_ca = "%s"' % here.ca, [here.ca])
        request, leaf, key = (here.folder / name for name in ("c.csr", "c.pem", "c.key"))
        for argv in (["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                      request, "-subj", "/CN=anna the client"],
                     ["x509", "-req", "-in", request, "-CA", here.ca, "-CAkey", here.folder / "tls" / "ca.key",
                      "-CAcreateserial", "-days", "2", "-out", leaf]):
            subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True)
        session = here.connect(certificate=(leaf, key))
        session.putcmd("USER anna")
        ask = here.auth.receive("MESSAGE_LOGIN_ASK")
        number = ask.u64()
        assert (ask.text(), ask.u8(), ask.text()) == (b"anna", 0, b"")
        assert (ask.text(), ask.text(), ask.u16()) == (b"127.0.0.1", b"", 3)
        assert b"CN=anna the client" in ask.text()
        here.answer(number, REFUSED)
        reply(session, "331")
        session.putcmd("PASS correct horse")
        ask = here.auth.receive("MESSAGE_LOGIN_ASK")
        here.answer(ask.u64(), REFUSED)
        assert (ask.text(), ask.u8(), ask.text()) == (b"anna", 1, b"correct horse")
        reply(session, "530")


@test("issue 4: auth is gone: logins under way and later ones get 421, sessions stay; all is well with the next one")
def auth_dies(_):
    with site() as here:
        here.start()
        session, files = here.log_in(1)
        waiting = here.connect()
        waiting.putcmd("USER anna")
        here.ask()
        joining = here.connect()
        joining.putcmd("USER anna")
        here.answer(here.ask(), GRANTED, 2)
        late = here.connect()
        here.auth.close()
        reply(waiting, "421")
        late.putcmd("USER anna")
        reply(late, "421")
        others = here.grant(2)  # which that auth had asked for before it answered
        reply(joining, "230")
        session.voidcmd("NOOP")
        here.connect_auth()
        here.auth.deaf_to -= {"MESSAGE_SEATED"}
        assert {here.auth.receive("MESSAGE_SEATED").u64() for _ in range(2)} == {1, 2}
        again, _ = here.log_in(3)
        session.quit()
        assert files.is_over() and not others.is_over(0.1)
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 1
        again.quit()
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 3


@test("a connection that comes while auth is gone waits for the next one, which is told who is there")
def waits(_):
    with site() as here:
        here.start()
        session, _ = here.log_in(1)
        here.auth.close()
        with socket.create_connection(("127.0.0.1", here.port), timeout=20) as connection:
            connection.settimeout(0.3)
            try:
                raise AssertionError(connection.recv(100))
            except TimeoutError:
                connection.settimeout(20)
            here.connect_auth()
            here.auth.deaf_to = set()
            names = [here.auth.receive().name for _ in range(2)]
            assert names == ["MESSAGE_PRESENT", "MESSAGE_ARRIVED"], names
            assert here.auth.receive("MESSAGE_SEATED").u64() == 1
            here.auth.receive("MESSAGE_TOLD")
            here.auth.send("MESSAGE_ADMITTED", u64(2), u8(0))
            assert connection.recv(4) == b"220 "
        assert here.auth.receive("MESSAGE_LEFT").u64() == 2
        session.close()


@test("a connection that nobody decides of is told 421 after a while, and given back if it is admitted after all")
def undecided(_):
    with site() as here:
        here.start()
        with socket.create_connection(("127.0.0.1", here.port), timeout=20) as connection:
            place = here.auth.receive("MESSAGE_ARRIVED").u64()
            assert connection.recv(4) == b"421 "
            here.auth.deaf_to -= {"MESSAGE_LEFT"}
            here.auth.send("MESSAGE_ADMITTED", u64(place), u8(0))
            assert here.auth.receive("MESSAGE_LEFT").u64() == place


@test("a grant that auth takes back ends its session with the words of auth")
def ended(_):
    with site() as here:
        here.start()
        session, files = here.log_in(1)
        here.auth.send("MESSAGE_END", u64(1), text("This account is no more."))
        reply(session, "421")
        assert files.is_over()
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 1


@test("the supervisor cannot make the files of a grant, or auth cannot decide: 421, and the reason in the log")
def denied(_):
    with site() as here:
        here.start()
        session = here.connect()
        session.putcmd("USER anna")
        here.answer(here.ask(), GRANTED, 3)
        here.worker.channel.send("MESSAGE_DENIED", u64(3), text("no processes left"))
        reply(session, "421")
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 3
        session = here.connect()
        session.putcmd("USER anna")
        ask = here.ask()
        here.worker.channel.send("MESSAGE_DENIED", u64(4), text("no processes left"))
        here.answer(ask, GRANTED, 4)
        reply(session, "421")
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 4
        session = here.connect()
        session.putcmd("USER anna")
        here.answer(here.ask(), UNAVAILABLE)
        reply(session, "421")
        log = here.log.read_text()
        assert "no processes left" in log and "the disk is on fire" in log


@test("a client that leaves during its login: the ask is withdrawn, and what was granted is given back")
def leaves(_):
    with site() as here:
        here.start()
        session = here.connect()
        session.putcmd("USER anna")
        ask = here.ask()
        session.close()
        assert here.auth.receive("MESSAGE_LOGIN_CANCEL").u64() == ask
        here.answer(ask, GRANTED, 5)
        assert here.grant(5).is_over()
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 5
        session = here.connect()
        session.putcmd("USER anna")
        here.answer(here.ask(), GRANTED, 6)
        other = here.connect()
        other.putcmd("USER anna")
        here.answer(here.ask(), REFUSED)
        reply(other, "331")  # so the worker has read the grant, too
        session.close()
        peers.wait_until(lambda: here.log.read_text().count("session.close") >= 2, "the end of the session")
        assert here.grant(6).is_over()
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 6


@test("SEC-63: an auth that answers what was not asked, or says what is not its to say, is no longer heard")
def bad_auth(_):
    with site() as here:
        here.start()
        for send in (lambda: here.answer(99, GRANTED, 1), lambda: here.answer(1, 3),
                     lambda: here.auth.send("MESSAGE_SIGNED", u64(1), text("")),
                     lambda: here.auth.send("MESSAGE_LOGIN_ANSWER", u64(1), u8(0))):
            send()
            assert here.auth.is_over()
            here.connect_auth()
        session, _files = here.log_in(1)
        session.quit()


# ---- files ----


def transfer(session, name, content):
    """Brings a file, looks at it in every way, and fetches it."""
    session.storbinary(f"STOR {name}", io.BytesIO(content))
    assert session.size(name) == len(content)
    assert name in session.nlst() and name in [entry for entry, _ in session.mlsd()]
    fetched = io.BytesIO()
    session.retrbinary(f"RETR {name}", fetched.write)
    assert fetched.getvalue() == content


@test("SEC-62, SEC-67, SEC-68: uploads, downloads and all that goes with them, every process confined")
def transfers(_):
    with site() as here:
        here.start("mode_z = yes")
        home = here.start_files()
        content = os.urandom(3_000_000)
        for version, passive in itertools.product((ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), (True, False)):
            session, _ = here.log_in(1, here.connect(version), home=home)
            session.prot_p()
            session.set_pasv(passive)
            transfer(session, "data", content)
            session.mkd("folder")
            session.cwd("folder")
            session.rename("/data", "/folder/other")
            for command in ("HASH other", "MDTM other", "MFMT 20240102030405 other", "MLST other", "STAT other",
                            "AVBL", "OPTS UTF8 ON", "FEAT", "SITE HELP"):
                with contextlib.suppress(ftplib.error_perm):
                    session.sendcmd(command)
            session.storbinary("APPE other", io.BytesIO(b"more"))
            assert (home / "folder" / "other").read_bytes() == content + b"more"
            session.storlines("STOR lines", io.BytesIO(b"one\ntwo\n"))
            session.delete("lines")
            session.delete("other")
            session.cwd("/")
            session.rmd("folder")
            session.quit()
            assert here.auth.receive("MESSAGE_LOGOUT").u64() == 1
        assert list(home.iterdir()) == []
        for role in (here.worker, here.files, here.keys):
            assert role.child.poll() is None


@test("issue 4: files is killed under an upload: it fails, nothing half is seen, its session ends, others go on")
def files_die(_):
    with site() as here:
        here.start()
        home = here.start_files()
        other, _files = here.log_in(1)
        session, _ = here.log_in(2, home=home)
        session.prot_p()
        data = session.transfercmd("STOR half")
        data.sendall(b"x" * 500_000)
        here.files.kill()
        data.unwrap()
        data.close()
        reply(session, "4")
        assert not (home / "half").exists()
        reply(session, "421")
        other.voidcmd("NOOP")
        assert here.auth.receive("MESSAGE_LOGOUT").u64() == 2


# ---- the worker's life ----


@test("a patient drain: no new connections, sessions go on, and with the last the worker ends; another grace ends them")
def drains(_):
    with site() as here:
        here.start()
        session, _files = here.log_in(1)
        here.worker.channel.send("MESSAGE_DRAIN", u64(2**64 - 1))
        time.sleep(0.2)
        session.voidcmd("NOOP")
        session.quit()
        assert here.worker.child.wait(roles.WAIT_S) == 0
        here.start_worker()
        here.link_keys()
        session, _files = here.log_in(2)
        here.worker.channel.send("MESSAGE_DRAIN", u64(2**64 - 1))
        here.worker.channel.send("MESSAGE_DRAIN", u64(1_000_000_000))
        reply(session, "421")
        session.close()
        assert here.worker.child.wait(roles.WAIT_S) == 0


@test("SEC-67: passive ports of the range can be bound by the confined worker")
def passive(_):
    with site() as here:
        port = peers.free_port()
        here.start(f"passive_ports = {port}-{port} data_resume = off")
        session, _files = here.log_in(1)
        session.prot_p()
        assert session.sendcmd("EPSV").endswith(f"(|||{port}|)")
        session.quit()


@test("the supervisor is gone: its roles end; what it may not say ends them, too")
def no_supervisor(_):
    with site() as here:
        here.start()
        assert here.worker.end() == 0 and here.keys.end() == 0
        for name in ("keys", "worker"):
            role = here.role(name, here.conf())
            role.channel.send("MESSAGE_GRANTED", u64(1), fds=[here.listening.fileno()])
            assert role.child.wait(roles.WAIT_S) == 1


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
