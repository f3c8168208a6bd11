#!/usr/bin/env python3
"""ferryd-keys beside ferryd-worker, as programs, confined: who has the private key, who has not, and who dies."""

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
from role_site import fixture, site  # noqa: E402
from roles import text, u8, u32, u64  # noqa: E402
from tap import test  # noqa: E402

RSA_PSS, ECDSA, SHA256 = 1, 2, 2
VERIFY = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + b"h" * 32


@test("SEC-62, SEC-64: handshakes of both versions, with the key in another process, everything confined")
def handshakes(_):
    for kind in ("ec", "rsa"):
        shake_hands(kind)


def shake_hands(kind):
    with site(kind) as here:
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
                             ("MESSAGE_SIGN", [u64(1), u32(0), u8(ECDSA), u8(SHA256), text(b"x" * (16 * 1024 + 1))]),
                             ("MESSAGE_SIGN", [u64(1), u32(0), u8(200), u8(SHA256), text(VERIFY)]),
                             ("MESSAGE_SIGN", [u64(1), u32(0), u8(ECDSA)])):
            worker = here.keys.connect("worker", 2)
            worker.send(name, *fields)
            assert worker.is_over(), name
        assert signed(other, 1, VERIFY) != b""


@test("SEC-64: requests are answered one after the other; a flood is refused, not kept")
def flood(_):
    with site("rsa") as here:
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
            worker.send("MESSAGE_SIGN", u64(request), u32(0), u8(RSA_PSS), u8(SHA256), text(VERIFY))
        reader.join(60)
        made = [request for request, signature in answers if signature]
        assert sorted(request for request, _ in answers) == list(range(3000))
        assert made == sorted(made) and 256 <= len(made) < 3000, len(made)


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
        here.begin(here.keys)


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
        here.admit()
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


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
