#!/usr/bin/env python3
"""Bad input against a running ferryd: each gets its reply or a clean end, and the next session is served."""

import contextlib
import os
import pathlib
import resource
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402


@contextlib.contextmanager
def fixture():
    with peers.ferryd() as server:
        (server.files / "file").write_bytes(b"content\n")
        yield server


def session(server, **how):
    return Raw(server.port, **how).login(server.user, server.password)


def next_is_served(server):
    raw = session(server)
    raw.command("PWD", 257)
    raw.command("QUIT", 221)


@test("FTP-3 SEC-18 an over-long line is one 500, and its tail no command")
def over_long(server):
    raw = session(server)
    raw.send(b"NOOP " + b"x" * 9000 + b" DELE file\r\n")
    assert raw.reply()[0] == 500
    raw.command("NOOP", 200)
    assert (server.files / "file").exists()
    next_is_served(server)


@test("FTP-1 FTP-4 FTP-5 unknown verb, NUL, bare LF, Telnet IAC")
def odd_lines(server):
    raw = session(server)
    code, text = raw.command("FNORD x", 500)
    assert "FNORD" not in text, "no echo of unknown input (TLS-124)"
    raw.send(b"CWD a\0b\r\n")
    assert raw.reply()[0] == 501
    raw.send(b"PWD\n")
    assert raw.reply()[0] == 257
    raw.send(b"\xff\xf4\xff\xf2NO\xff\xf9OP\r\n")
    assert raw.reply()[0] == 200
    next_is_served(server)


@test("SEC-30 SEC-31 no way out of the root by .. or a link")
def no_way_out(server):
    outside = server.files.parent / "outside"
    outside.write_bytes(b"not for you")
    (server.files / "link").symlink_to(outside)
    (server.files / "up").symlink_to("..")
    raw = session(server)
    for path in ("../outside", "/../outside", "link", "up/outside", "./../outside", "file/../../outside"):
        code, _ = raw.command(f"SIZE {path}")
        assert code == 550, f"{path}: {code}"
    for path in ("..", "/..", "up"):
        raw.command(f"CWD {path}")
        _, where = raw.command("PWD", 257)
        assert '"/"' in where, f"CWD {path} led to {where}"
    assert outside.exists()


@test("FTP-49 SEC-7 PORT and EPRT to a foreign address or a port under 1024 is 504, and nothing connects")
def bounce(server):
    raw = session(server)
    with socket.socket() as victim:
        victim.bind(("127.0.0.9", 0))
        victim.listen()
        victim.settimeout(0.2)
        port = victim.getsockname()[1]
        for line in (f"PORT 127,0,0,9,{port >> 8},{port & 255}", f"EPRT |1|127.0.0.9|{port}|",
                     f"EPRT |2|::ffff:127.0.0.9|{port}|", "PORT 127,0,0,1,0,25", "EPRT |1|127.0.0.1|1023|"):
            code, _ = raw.command(line)
            assert code in (504, 522), f"{line}: {code}"
        raw.command("LIST", 425)
        try:
            victim.accept()
        except TimeoutError:
            return
        raise AssertionError("the server connected to a third address")


@test("TLS-18 TLS-57 SEC-13 plain text where TLS is due")
def plain_text(server):
    raw = Raw(server.port)
    assert raw.reply()[0] == 220
    raw.command(f"USER {server.user}", 530)
    raw.command("AUTH TLS", 234)
    raw.send("USER demo\r\n")
    assert raw.at_end()
    assert b"331" not in raw.received
    implicit = Raw(server.implicit_port)
    implicit.send("USER demo\r\n")
    assert implicit.at_end()
    sealed = session(server)
    data = sealed.passive()
    data.sendall(b"plain bytes on a protected data connection")
    sealed.command("STOR plain", 150)
    code, text = sealed.reply()
    assert code == 522, text
    assert not (server.files / "plain").exists()
    next_is_served(server)


@test("TLS-130 SEC-1 bytes behind AUTH are never run, in one segment or two")
def starttls_injection(server):
    for pause in (False, True):
        raw = Raw(server.port)
        assert raw.reply()[0] == 220
        injected = f"USER {server.user}\r\nPASS {server.password}\r\nDELE file\r\n".encode()
        if pause:
            raw.command("AUTH TLS", 234)
            raw.send(injected)
        else:
            raw.send(b"AUTH TLS\r\n" + injected)
        try:
            if not pause:
                assert raw.reply()[0] == 503
            raw.start_tls()
            raw.send("NOOP\r\n")
            raise AssertionError(f"the session went on: {raw.reply()}")
        except (ssl.SSLError, OSError, EOFError):
            pass
        raw.close()
    assert (server.files / "file").exists()
    next_is_served(server)


@test("TLS-175 SEC-12 an upload cut without close_notify is 426 and leaves no file")
def cut_upload(server):
    for reset in (False, True):
        raw = session(server)
        connection = raw.passive()
        raw.send("STOR cut\r\n")
        data = raw.sealed(connection)
        assert raw.reply()[0] == 150
        data.sendall(b"half of it")
        if reset:
            data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        data.close()
        code, text = raw.reply()
        assert code == 426, text
        assert not (server.files / "cut").exists()
        raw.command("SIZE cut", 550, 213)
        raw.command("RETR cut", 550, 425)
        raw.close()
    next_is_served(server)


@test("SEC-5 SEC-15 another session's TLS session does not open this one's data connection")
def stolen_data_connection(server):
    victim, thief = session(server), session(server)
    victim.command("NOOP", 200)
    thief.command("NOOP", 200)
    connection = victim.passive()
    stolen = thief.sealed(connection)
    victim.command("RETR file", 150)
    received = b""
    with contextlib.suppress(ssl.SSLError, ConnectionResetError):
        received = stolen.recv(1000)
    assert received == b"", "the thief was served"
    code, text = victim.reply()
    assert code == 522, text
    data = victim.passive()
    victim.send("RETR file\r\n")
    own = victim.sealed(data)
    assert victim.reply()[0] == 150
    assert own.recv(1000) == b"content\n"
    assert victim.reply()[0] == 226


@test("FTP-57 TLS-65 a client that leaves at any point, then the next is served", limit_s=180)
def dropped(server):
    steps = (
        lambda raw: raw.reply(),
        lambda raw: raw.command("AUTH TLS", 234),
        lambda raw: raw.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00"),
    )
    for count in range(len(steps) + 1):
        raw = Raw(server.port)
        for step in steps[:count]:
            step(raw)
        raw.close()
    lines = ("EPSV", "STOR dropped", "RETR file", "LIST", "QUIT")
    for count in range(len(lines) + 1):
        raw = session(server)
        for line in lines[:count]:
            raw.send(line + "\r\n")
        raw.close()
    for line in ("STOR dropped", "RETR file", "LIST", "MLSD"):
        raw = session(server)
        data = raw.passive()
        raw.send(line + "\r\n")
        raw.close()
        data.close()
    next_is_served(server)
    assert not (server.files / "dropped").exists()


@test("SEC-4 TLS-124 a browser is sent away without an echo")
def http(server):
    raw = Raw(server.port)
    assert raw.reply()[0] == 220
    raw.send(b"POST /<script> HTTP/1.1\r\nHost: x\r\n\r\n")
    assert raw.at_end()
    assert b"script" not in raw.received
    next_is_served(server)


@test("FTP-63 SEC-40 a file larger than the system allows is 552 and leaves no file")
def too_large(_server):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    with peers.scratch() as directory, peers.ferryd(files=directory / "files", before=limit) as server:
        _upload_is_refused(server, (552, 452))


@test("FTP-63 SEC-40 a full disk is 452 or 552 and leaves no file")
def full_disk(_server):
    with peers.scratch() as directory:
        files = directory / "files"
        files.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", files], capture_output=True, text=True,
                                 check=False)
        if mounted.returncode != 0:
            raise tap.Skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
        try:
            with peers.ferryd(files=files) as server:
                _upload_is_refused(server, (452, 552))
        finally:
            subprocess.run(["umount", files], check=True)


def _upload_is_refused(server, codes):
    raw = session(server)
    connection = raw.passive()
    raw.send("STOR big\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    with contextlib.suppress(OSError):
        for _ in range(64):
            data.sendall(os.urandom(1 << 16))
        data.unwrap()
    code, text = raw.reply()
    assert code in codes, text
    assert not (server.files / "big").exists()
    raw.command("NOOP", 200)
    raw.close()
    next_is_served(server)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
