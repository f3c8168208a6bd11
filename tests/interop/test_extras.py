#!/usr/bin/env python3
"""Commands that are offered on wish, and accounts that store in place or speak another charset: by ferryd.conf."""

import contextlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

CONF = """\
listen "127.0.0.1:0" {
    certificate = tls/server.pem key = tls/server.key
    extras = {rmda, comb, copy, symlink, pret, mdtm-set, glob}
}
account "anna" { password_hash = "HASH" home = home }
account "tail" { password_hash = "HASH" home = home uploads = in-place }
account "west" { password_hash = "HASH" home = home charset = windows-1252 }
"""


@contextlib.contextmanager
def fixture():
    with daemon.running(CONF) as server:
        yield server


def session(server, user="anna"):
    return Raw(server.port).login(user, daemon.PASSWORD)


def listed(raw, command):
    connection = raw.passive()
    raw.send(command + "\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    lines = b""
    while block := data.recv(1 << 16):
        lines += block
    assert raw.reply()[0] == 226
    return lines


def begin_upload(raw, name):
    connection = raw.passive()
    raw.send(name if isinstance(name, bytes) else f"STOR {name}\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    return data


@test("FTP-152 FTP-184 FEAT and SITE HELP list what is on")
def features(server):
    raw = session(server)
    feat = raw.command("FEAT", 211)[1]
    for line in ("RMDA", "COMB", "PRET", "SITE SYMLINK", "SITE CPFR", "SITE CPTO"):
        assert f" {line}" in feat, feat
    assert "SYMLINK" in raw.command("SITE HELP", 214)[1]
    raw.close()


@test("FTP-182 COMB joins files and takes the parts away")
def comb(server):
    (server.home / "part 1").write_bytes(b"first ")
    (server.home / "part 2").write_bytes(b"second")
    raw = session(server)
    raw.command('COMB whole "part 1" "part 2"', 250)
    assert (server.home / "whole").read_bytes() == b"first second"
    assert not (server.home / "part 1").exists()
    raw.command("COMB whole2 nowhere", 550)
    raw.close()


@test("FTP-184 SITE CPFR and CPTO copy, SITE SYMLINK links, neither out of the root")
def copies(server):
    content = os.urandom(40 << 20)  # more than is copied in one step
    (server.home / "source").write_bytes(content)
    server.give_files()
    raw = session(server)
    raw.command("SITE CPTO copy", 503)
    raw.command("SITE CPFR source", 350)
    raw.command("SITE CPTO copy", 250)
    assert (server.home / "copy").read_bytes() == content
    raw.command("SITE SYMLINK source way", 200)
    assert (server.home / "way").is_symlink() and (server.home / "way").read_bytes() == content
    raw.command("SITE SYMLINK /etc/passwd out", 550)
    raw.command("SITE CPFR /../../etc/passwd", 550)
    raw.close()


@test("FTP-181 RMDA removes a directory with all beneath it, but nothing that links lead to")
def rmda(server):
    (server.home / "kept").write_bytes(b"kept")
    (server.home / "tree" / "sub").mkdir(parents=True)
    (server.home / "tree" / "sub" / "file").write_bytes(b"x")
    (server.home / "tree" / "link").symlink_to(server.home / "kept")
    server.give_files()
    raw = session(server)
    raw.command("RMD tree", 550)
    raw.command("RMDA tree", 250)
    assert not (server.home / "tree").exists() and (server.home / "kept").read_bytes() == b"kept"
    raw.close()


@test("FTP-75 FTP-187 FTP-71 MDTM sets a time, PRET announces, LIST takes a pattern")
def small_ones(server):
    for name in ("a.txt", "b.txt", "c.dat"):
        (server.home / name).write_bytes(b"")
    server.give_files()
    raw = session(server)
    raw.command("MDTM 20200102030405 a.txt", 213)
    assert raw.command("MDTM a.txt", 213)[1].startswith("213 20200102030405")
    raw.command("PRET RETR a.txt", 200)
    raw.command("PRET RETR nowhere", 550)
    assert listed(raw, "NLST *.txt") == b"a.txt\r\nb.txt\r\n"
    raw.close()


@test("FTP-64 an upload in place is seen as it comes; an atomic one is not")
def in_place(server):
    for user, seen in (("tail", True), ("anna", False)):
        name = f"log of {user}"
        raw = session(server, user)
        data = begin_upload(raw, name)
        data.sendall(b"a line\n" * 1000)
        path = server.home / name
        if seen:
            peers.wait_until(lambda at=path: at.exists() and at.stat().st_size == 7000, "what was sent so far")
        else:
            raw.command("STAT", 211)
            assert not path.exists()
        data.unwrap().close()
        assert raw.reply()[0] == 226
        assert path.read_bytes() == b"a line\n" * 1000
        raw.close()


@test("issue 3: names in an account's charset are UTF-8 on disk, and come back as they were sent")
def charset(server):
    name = "Grüße.txt"
    raw = session(server, "west")
    data = begin_upload(raw, b"STOR " + name.encode("cp1252") + b"\r\n")
    data.sendall(b"hello")
    data.unwrap().close()
    assert raw.reply()[0] == 226
    assert (server.home / name).read_bytes() == b"hello"
    assert name.encode("cp1252") + b"\r\n" in listed(raw, "NLST")
    raw.close()
    assert name.encode() + b"\r\n" in listed(session(server), "NLST")


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
