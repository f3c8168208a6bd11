#!/usr/bin/env python3
"""ferryd-worker and ferryd-keys as programs, confined; the test plays supervisor, auth and whoever else is missing."""

import contextlib
import ftplib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import memory  # noqa: E402
import peers  # noqa: E402
import roles  # noqa: E402
import tap  # noqa: E402
from roles import text, u8, u16, u32, u64  # noqa: E402
from tap import test  # noqa: E402

GRANTED, REFUSED, UNAVAILABLE = 0, 1, 2
RSA_PSS, ECDSA, SHA256 = 1, 2, 2
VERIFY = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + b"h" * 32


class Site:
    """Certificates, a listener, and the processes of one test."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "log"
        self.ca, self.certificate, self.key = peers.make_certificate(folder / "tls")
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.running = []
        self.worker = self.keys = self.auth = None

    def conf(self, more="", key=True):
        files = f'certificate = "{self.certificate}"' + (f' key = "{self.key}"' if key else "")
        return f'listen "127.0.0.1:0" {{ {files} {more} }}\n'

    def role(self, name, conf, *files):
        """A role's process that has its settings and files, but was not started."""
        made = roles.Role(os.environ[f"FERRYD_{name.upper()}"], self.log)
        self.running.append(made)
        made.settings(conf)
        for file in files:
            made.file(file)
        return made

    def start_keys(self, conf=None):
        self.keys = self.role("keys", conf or self.conf(), self.key)
        self.keys.start()
        self.keys.ready()

    def start_worker(self, more="", files=()):
        self.worker = self.role("worker", self.conf(more), self.certificate, *files)
        self.worker.listener(0, self.listening)
        self.auth = self.worker.connect("auth")
        self.worker.start()
        self.worker.ready()

    def link_keys(self):
        roles.link(self.keys, 0, "keys", self.worker, 0, "worker")

    def start(self, more="", files=()):
        self.start_keys()
        self.start_worker(more, files)
        self.link_keys()

    def answer(self, ask, verdict, grant=0, charset="", by_certificate=0):
        self.auth.send("MESSAGE_LOGIN_ANSWER", u64(ask), u8(verdict), u64(grant), text("/"), u8(0), u8(by_certificate),
                       text(charset), text("the disk is on fire"))

    def grant(self, grant):
        """The supervisor's part; returns the files process's end."""
        files, theirs = roles.pair()
        self.worker.channel.send("MESSAGE_GRANTED", u64(grant), fds=[theirs.fileno()])
        theirs.close()
        return files

    def ask(self):
        """The number of the login that is asked for next."""
        return self.auth.receive("MESSAGE_LOGIN_ASK").u64()

    def connect(self, version=None, certificate=None):
        """A control connection under TLS."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if version:
            context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain(*certificate)
        session = ftplib.FTP_TLS(context=context, timeout=20)
        session.connect("127.0.0.1", self.port)
        session.auth()
        return session

    def log_in(self, grant, session=None, name="anna"):
        """Returns the session and the channel of its files."""
        session = session or self.connect()
        session.putcmd(f"USER {name}")
        self.answer(self.ask(), REFUSED)
        assert session.getresp().startswith("331")
        session.putcmd("PASS x")
        self.answer(self.ask(), GRANTED, grant)
        files = self.grant(grant)
        assert session.getresp().startswith("230")
        return session, files

    def must_fail(self):
        """A handshake that must not succeed, and that the worker survives."""
        try:
            self.connect()
        except (OSError, EOFError):
            assert self.worker.child.poll() is None, "the worker died"
            return
        raise AssertionError("a handshake without keys")

    def end(self):
        for role in self.running:
            if role.child.poll() is None:
                role.kill()
            role.channel.close()
        self.listening.close()


def reply(session, code):
    """The next reply, which must be of that code."""
    try:
        said = session.getresp()
    except ftplib.Error as error:
        said = str(error)
    assert said.startswith(code), f"{said!r}, {code} expected"


@contextlib.contextmanager
def site():
    with peers.scratch() as folder:
        made = Site(folder)
        try:
            yield made
        except Exception:
            for line in made.log.read_text(errors="replace").splitlines():
                print("# log:", line)
            raise
        finally:
            made.end()


@contextlib.contextmanager
def fixture():
    yield None


# ---- keys ----


@test("SEC-62, SEC-64: handshakes of both versions, with the key in another process, everything confined")
def handshakes(_):
    with site() as here:
        here.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            session = here.connect(version)
            assert session.sock.version() == ("TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
            session.quit()
        assert here.worker.end() == 0 and here.keys.end() == 0


def signed(worker, request, data, key=0, scheme=ECDSA, digest=SHA256):
    worker.send("MESSAGE_SIGN", u64(request), u32(key), u8(scheme), u8(digest), text(data))
    answer = worker.receive("MESSAGE_SIGNED")
    assert answer.u64() == request
    return answer.text()


@test("SEC-64: keys signs what a TLS server signs in a handshake, and nothing else")
def only_handshakes(_):
    with site() as here:
        here.start_keys()
        worker = here.keys.connect("worker")
        signature = signed(worker, 1, VERIFY)
        (here.folder / "signature").write_bytes(signature)
        (here.folder / "signed").write_bytes(VERIFY)
        public = subprocess.run(["openssl", "x509", "-in", here.certificate, "-pubkey", "-noout"], check=True,
                                capture_output=True).stdout
        (here.folder / "public").write_bytes(public)
        subprocess.run(["openssl", "dgst", "-sha256", "-verify", here.folder / "public", "-signature",
                        here.folder / "signature", here.folder / "signed"], check=True, capture_output=True)
        assert signed(worker, 2, b"a certificate of my own") == b""
        assert signed(worker, 3, VERIFY, key=1) == b"", "there is no second listener"
        assert signed(worker, 4, VERIFY, scheme=RSA_PSS) == b"", "the key is no RSA key"
        assert signed(worker, 5, VERIFY) != b""


@test("SEC-63: a message that is not permitted ends its sender's channel, and no other")
def not_permitted(_):
    with site() as here:
        here.start_keys()
        other = here.keys.connect("worker", 1)
        for name, fields in (("MESSAGE_SIGNED", [u64(1), text("")]),
                             ("MESSAGE_SIGN", [u64(1), u32(0), u8(ECDSA), u8(SHA256), text(b"x" * 513)]),
                             ("MESSAGE_SIGN", [u64(1), u32(0), u8(200), u8(SHA256), text(VERIFY)]),
                             ("MESSAGE_SIGN", [u64(1), u32(0), u8(ECDSA)])):
            worker = here.keys.connect("worker", 2)
            worker.send(name, *fields)
            assert worker.is_over(), name
        assert signed(other, 1, VERIFY) != b""


@test("SEC-64: requests are answered one after the other; a flood is refused, not kept")
def flood(_):
    with site() as here:
        here.start_keys()
        worker = here.keys.connect("worker")
        answers = []

        def read():
            while len(answers) < 3000:
                message = worker.receive("MESSAGE_SIGNED")
                answers.append((message.u64(), message.text()))

        reader = threading.Thread(target=read)
        reader.start()
        for request in range(3000):
            worker.send("MESSAGE_SIGN", u64(request), u32(0), u8(ECDSA), u8(SHA256), text(VERIFY))
        reader.join(60)
        made = [request for request, signature in answers if signature]
        assert sorted(request for request, _ in answers) == list(range(3000))
        assert made == sorted(made) and made


@test("SEC-64: the worker's memory holds no byte of the private key; that of keys does")
def no_key_in_memory(_):
    if os.geteuid() != 0:
        raise tap.Skip("only root may read the memory of a process that is not dumpable")
    with site() as here:
        here.start()
        here.connect().quit()
        forms = memory.forms_of_key(here.key)
        assert memory.holds(here.worker.child.pid, forms) == set()
        in_keys = memory.holds(here.keys.child.pid, forms)
        assert forms[1] in in_keys, "the search would not have found it"
        assert forms[2] not in in_keys, "the text of the key's file was not wiped"
        status = pathlib.Path(f"/proc/{here.keys.child.pid}/status").read_text(encoding="ascii")
        assert "VmLck:\t       0 kB" not in status, "nothing is kept out of swap"


@test("SEC-64: a worker that is given a private key with its certificate does not start; without, it does")
def key_in_certificate(_):
    with site() as here:
        both = here.certificate.read_bytes() + here.key.read_bytes()
        conf = here.conf(key=False)
        worker = here.role("worker", conf)
        worker.file(here.certificate, both)
        worker.start()
        assert "a private key came with the certificate" in worker.failed()
        assert worker.child.wait(roles.WAIT_S) == 1
        here.keys = here.role("keys", conf)
        here.keys.file(here.certificate, both)
        here.keys.start()
        here.keys.ready()


@test("a key that cannot be read, or was not given, is told; so is a certificate")
def bad_files(_):
    with site() as here:
        for name, path, content, words in (("keys", here.key, b"nonsense", "server.key"),
                                           ("keys", here.folder / "other", b"", "was not given"),
                                           ("worker", here.certificate, b"nonsense", "certificate"),
                                           ("worker", here.folder / "other", b"", "was not given")):
            role = here.role(name, here.conf())
            role.file(path, content)
            role.start()
            said = role.failed()
            assert words in said, said
            assert role.child.wait(roles.WAIT_S) == 1


@test("issue 4: keys is gone in the middle of handshakes: they fail, sessions stay, all is well with the next one")
def keys_die(_):
    with site() as here:
        here.start_worker()
        keys = here.worker.connect("keys")
        raw = socket.create_connection(("127.0.0.1", here.port), 20)
        assert raw.recv(200).startswith(b"220")
        raw.sendall(b"AUTH TLS\r\n")
        assert raw.recv(200).startswith(b"234")
        failed = []

        def shake():
            try:
                ssl.create_default_context(cafile=str(here.ca)).wrap_socket(raw, server_hostname="localhost")
            except OSError as error:
                failed.append(error)

        client = threading.Thread(target=shake)
        client.start()
        keys.receive("MESSAGE_SIGN")
        assert not failed
        keys.close()
        client.join(20)
        assert failed
        here.must_fail()
        here.start_keys()
        here.link_keys()
        session, _files = here.log_in(7)
        here.keys.kill()
        session.voidcmd("NOOP")
        here.must_fail()
        here.start_keys()
        here.link_keys()
        session.voidcmd("NOOP")
        here.connect().quit()
        session.quit()


@test("issue 4: keys is killed under a hundred handshakes: the worker lives, and serves with the next one")
def keys_killed_under_load(_):
    with site() as here:
        here.start()
        outcomes, stop = [], threading.Event()

        def shake():
            while not stop.is_set():
                try:
                    here.connect().close()
                    outcomes.append(True)
                except (OSError, EOFError, ftplib.Error):
                    outcomes.append(False)

        clients = [threading.Thread(target=shake) for _ in range(8)]
        for client in clients:
            client.start()
        for _ in range(3):
            before = len(outcomes)
            peers.wait_until(lambda before=before: len(outcomes) > before + 20, "handshakes")
            here.keys.kill()
            peers.wait_until(lambda: False in outcomes, "a handshake that fails")
            here.start_keys()
            here.link_keys()
        stop.set()
        for client in clients:
            client.join(30)
        assert True in outcomes and here.worker.child.poll() is None
        here.connect().quit()


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
        assert (ask.text(), ask.text(), ask.u16()) == (b"127.0.0.1", b"", 4)
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
        here.auth.close()
        reply(waiting, "421")
        reply(joining, "421")
        late = here.connect()
        late.putcmd("USER anna")
        reply(late, "421")
        session.voidcmd("NOOP")
        here.auth = here.worker.connect("auth")
        again, _ = here.log_in(1)
        session.quit()
        assert files.is_over()
        assert here.auth.is_quiet(), "a grant of the auth before is nothing to this one"
        again.quit()
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
        session = here.connect()
        session.putcmd("USER anna")
        ask = here.ask()
        here.worker.channel.send("MESSAGE_DENIED", u64(4), text("no processes left"))
        here.answer(ask, GRANTED, 4)
        reply(session, "421")
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
            here.auth = here.worker.connect("auth")
        here.log_in(1)[0].quit()


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


@test("passive_name needs look-ups, which a confined worker cannot make: it says so at the start")
def passive_name(_):
    with site() as here:
        worker = here.role("worker", here.conf("passive_name = localhost"), here.certificate)
        worker.start()
        assert "passive_name" in worker.failed()


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
