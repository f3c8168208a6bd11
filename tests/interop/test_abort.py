#!/usr/bin/env python3
"""What a client may say while a transfer runs, byte by byte: ABOR with and without a Telnet Synch, in clear and under
TLS, STAT and NOOP; and in which order the replies come."""

import contextlib
import pathlib
import re
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

BIG_BYTES = 64 << 20  # more than all buffers on the way
IP, DM = b"\xff\xf4", b"\xff\xf2"


@contextlib.contextmanager
def fixture():
    with peers.ferryd("--plaintext") as server:
        with open(server.files / "big", "wb") as big:
            big.truncate(BIG_BYTES)
        yield server


class Clear(Raw):
    """A session without TLS, whose urgent data is TCP's."""

    def enter(self, server):
        assert self.reply()[0] == 220
        self.command(f"USER {server.user}", 331)
        self.command(f"PASS {server.password}", 230)
        self.command("TYPE I", 200)
        return self

    def sealed(self, connection):
        return connection


def sessions(server):
    """One in clear, one under TLS."""
    for raw in (Clear(server.port).enter(server), Raw(server.port).login(server.user, server.password)):
        with contextlib.closing(raw):
            yield raw


def begin(raw, command="RETR big"):
    """Begins a transfer; gives the data connection, of which nothing more is read than a first byte."""
    connection = raw.passive()
    raw.send(command + "\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    if command.startswith("RETR"):
        assert data.recv(1)
    return data


def codes(raw, count):
    return [raw.reply()[0] for _ in range(count)]


def abort_plainly(raw):
    raw.send("ABOR\r\n")


def abort_with_synch(raw):
    """RFC 959 section 4.1.3, as it is written: the DM alone is urgent."""
    raw.send(IP)
    if isinstance(raw, Clear):
        raw.socket.send(DM, socket.MSG_OOB)
    else:
        raw.send(DM)  # TLS-49: nothing is urgent there
    raw.send("ABOR\r\n")


def abort_as_bsd(raw):
    """BSD's ftp: all but the DM is urgent."""
    if isinstance(raw, Clear):
        raw.socket.send(IP + DM[:1], socket.MSG_OOB)
    else:
        raw.send(IP + DM[:1])
    raw.send(DM[1:] + b"ABOR\r\n")


HABITS = (abort_plainly, abort_with_synch, abort_as_bsd)


@test("FTP-7 FTP-67 TLS-49 ABOR stops a download, with or without a Telnet Synch, in clear and under TLS")
def of_a_download(server):
    for raw in sessions(server):
        for abort in HABITS:
            data = begin(raw)
            abort(raw)
            assert codes(raw, 2) == [426, 226], abort.__name__
            data.close()
            raw.command("NOOP", 200)  # nothing was left behind


@test("FTP-7 FTP-67 ABOR stops an upload, of which nothing shows")
def of_an_upload(server):
    for raw in sessions(server):
        for abort in HABITS:
            data = begin(raw, "STOR up")
            data.sendall(b"x" * 10000)
            abort(raw)
            assert codes(raw, 2) == [426, 226], abort.__name__
            data.close()
            assert not (server.files / "up").exists()
            raw.command("NOOP", 200)


@test("FTP-7 FTP-67 ABOR with nothing to abort")
def of_nothing(server):
    for raw in sessions(server):
        for abort in HABITS:
            abort(raw)
            assert codes(raw, 1) == [226], abort.__name__
            raw.command("NOOP", 200)


@test("FTP-23 FTP-12 ABOR overtakes commands that wait, whose replies follow in order")
def overtakes(server):
    for raw in sessions(server):
        for abort in HABITS:
            data = begin(raw)
            raw.send("SYST\r\nNOOP\r\nPWD\r\n")
            abort(raw)
            raw.send("TYPE I\r\n")
            assert codes(raw, 6) == [426, 226, 215, 200, 257, 200], abort.__name__
            data.close()


@test("FTP-23 ABOR while the data connection is still to come")
def before_data(server):
    for raw in sessions(server):
        raw.command("EPSV", 229)
        raw.command("RETR big", 150)
        abort_with_synch(raw)
        assert codes(raw, 2) == [426, 226]


@test("FTP-69 FTP-23 STAT and NOOP while a transfer runs, once with a Telnet Synch")
def stat_meanwhile(server):
    for raw in sessions(server):
        data = begin(raw)
        code, text = raw.command("STAT")
        assert code == 211 and re.search(r"RETR runs, \d+ bytes so far", text), text
        raw.command("NOOP", 200)
        raw.send(IP)
        if isinstance(raw, Clear):
            raw.socket.send(DM, socket.MSG_OOB)
        raw.command("STAT", 211)
        received = 1
        while block := data.recv(1 << 16):
            received += len(block)
        assert received == BIG_BYTES
        assert raw.reply()[0] == 226


@test("FTP-23 FTP-12 STAT of a path, and what comes behind it, wait for the end of the transfer")
def stat_of_a_path(server):
    for raw in sessions(server):
        data = begin(raw)
        raw.send("STAT big\r\nNOOP\r\n")
        while data.recv(1 << 16):
            pass
        assert codes(raw, 3) == [226, 213, 200]


@test("FTP-23 FTP-37 QUIT while a transfer runs: it ends, then 221")
def quit_meanwhile(server):
    for raw in sessions(server):
        data = begin(raw)
        raw.send("QUIT\r\n")
        received = 1
        while block := data.recv(1 << 16):
            received += len(block)
        assert received == BIG_BYTES
        assert codes(raw, 2) == [226, 221]


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
