#!/usr/bin/env python3
"""What a running ferryd makes of files: sums, names it does not give, links that lead out, cut uploads that are
removed, and commands that nobody switched on."""

import contextlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402


@contextlib.contextmanager
def fixture():
    with peers.ferryd() as server:
        (server.files / "dir" / "sub").mkdir(parents=True)
        (server.files / "dir" / "one").write_bytes(b"1" * 1000)
        (server.files / "dir" / "sub" / "two").write_bytes(b"2" * 234)
        (server.files / "dir" / "out").symlink_to("/etc")
        (server.files / "dir" / "in").symlink_to("sub/two")
        yield server


def session(server):
    return Raw(server.port).login(server.user, server.password)


def listed(raw, command):
    connection = raw.passive()
    raw.send(command + "\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    lines = b""
    while block := data.recv(1 << 16):
        lines += block
    assert raw.reply()[0] == 226
    return lines.decode()


def cut_upload(raw, name, content):
    """STOR, and away without close_notify."""
    connection = raw.passive()
    raw.send(f"STOR {name}\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    data.sendall(content)
    data.close()
    assert raw.reply()[0] == 426


@test("FTP-180 DSIZ adds up what is beneath, links not")
def sums(server):
    raw = session(server)
    assert raw.command("DSIZ dir", 213)[1] == "213 1234\r\n"
    assert raw.command("DSIZ dir/sub", 213)[1] == "213 234\r\n"
    raw.command("DSIZ dir/one", 550)
    raw.command("DSIZ dir/out", 550)


@test("FTP-132 LIST says where a link leads only if that is beneath the root")
def links(server):
    lines = listed(session(server), "LIST dir").splitlines()
    assert any(line.endswith(" in -> sub/two") for line in lines), lines
    assert any(line.endswith(" out") for line in lines), lines


@test("SEC-35 names that are not given to anything")
def denied(server):
    raw = session(server)
    raw.command("MKD .ssh", 550)
    raw.command("RNFR dir", 350)
    raw.command("RNTO .ssh", 553)
    raw.passive().close()
    raw.command("STOR .forward", 553)
    assert not (server.files / ".ssh").exists()


@test("FTP-116 FTP-64 DELE removes what a cut upload left")
def cut_uploads(server):
    raw = session(server)
    before = set(os.listdir(server.files))
    cut_upload(raw, "cut", b"x" * 100_000)
    assert int(raw.command("SIZE cut", 213)[1].split()[1]) > 0
    raw.command("DELE cut", 250)
    raw.command("SIZE cut", 550)
    raw.command("DELE cut", 550)
    assert set(os.listdir(server.files)) == before


@test("FTP-115 a directory does not move into itself")
def into_itself(server):
    raw = session(server)
    raw.command("RNFR dir", 350)
    raw.command("RNTO dir/sub/dir", 553)


@test("FTP-152 FTP-181 FTP-182 FTP-184 FTP-187 SEC-41 what is off by default is nowhere")
def off(server):
    raw = session(server)
    features = raw.command("FEAT", 211)[1]
    help_text = raw.command("HELP", 214)[1] + raw.command("SITE HELP", 214)[1]
    for name in ("RMDA", "COMB", "PRET", "CPFR", "CPTO", "SYMLINK"):
        assert name not in features and name not in help_text, name
    for command in ("RMDA dir", "COMB all dir/one", "PRET RETR dir/one"):
        raw.command(command, 502)
    for command in ("SITE CPFR dir/one", "SITE CPTO copy", "SITE SYMLINK dir/one link"):
        raw.command(command, 504)
    assert (server.files / "dir" / "one").exists()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
