#!/usr/bin/env python3
"""ferryd in MODE B: many files over one data connection, by a client that has Python's TLS."""

import contextlib
import pathlib
import ssl
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import raw  # noqa: E402
import tap  # noqa: E402
from blocks import Blocks  # noqa: E402
from tap import test  # noqa: E402

FILES = 200
MIB = 1024 * 1024


@contextlib.contextmanager
def fixture():
    with peers.ferryd("--mode-b", "--plaintext") as server:
        yield server


def login(server, version=None):
    session = raw.Raw(server.port)
    if version:
        session.context.maximum_version = session.context.minimum_version = version
    session.login(server.user, server.password)
    session.command("MODE B", 200)
    return session


def content_of(number):
    return bytes((number * 7 + i * i) % 251 for i in range(number * 37 % 5000))


def transfer(session, command, first, deed):
    """A transfer over the open connection; what `deed` returns."""
    session.command(command, first)
    result = deed()
    code, text = session.reply()
    assert code == 250, text
    return result


def round_trip(server, session, connection, folder):
    """All files up and down over `connection`."""
    session.command(f"MKD {folder}", 257)
    blocks = Blocks(connection)
    began = time.monotonic()
    for i in range(FILES):
        transfer(session, f"STOR {folder}/{i}", 125 if i else 150, lambda i=i: blocks.send(content_of(i)))
    for i in range(FILES):
        content, _ = transfer(session, f"RETR {folder}/{i}", 125, blocks.receive)
        assert content == content_of(i), f"file {i} is not the same"
        assert (server.files / folder / str(i)).read_bytes() == content
    names, _ = transfer(session, f"NLST {folder}", 125, blocks.receive)
    assert len(names.splitlines()) == FILES
    print(f"# {2 * FILES} files in {time.monotonic() - began:.2f} s")
    session.command("QUIT", 221)
    assert blocks.at_end()


@test("FTP-44: 200 files up and down over one data connection under TLS 1.2")
def tls_1_2(server):
    session = login(server, ssl.TLSVersion.TLSv1_2)
    connection = session.sealed(session.passive())
    round_trip(server, session, connection, "tls12")
    assert connection.version() == "TLSv1.2"


@test("FTP-44: 200 files up and down over one data connection under TLS 1.3")
def tls_1_3(server):
    session = login(server, ssl.TLSVersion.TLSv1_3)
    connection = session.passive()
    session.command("NOOP", 200)  # by now its ticket is read
    connection = session.sealed(connection)
    round_trip(server, session, connection, "tls13")
    assert connection.version() == "TLSv1.3"


@test("FTP-44: 200 files up and down over one data connection in clear")
def in_clear(server):
    session = login(server)
    session.command("PROT C", 200)
    round_trip(server, session, session.passive(), "clear")


@test("FTP-97: a client's markers are answered, and ours can be restarted from")
def markers(server):
    session = login(server, ssl.TLSVersion.TLSv1_2)
    blocks = Blocks(session.sealed(session.passive()))
    content = bytes(i * i % 253 for i in range(MIB)) * 20
    session.command("STOR big", 150)
    blocks.send(content, marks_every=50000)
    answered = []
    while (reply := session.reply())[0] == 110:
        answered.append(reply[1].split()[2:])
    assert reply[0] == 250, reply
    assert answered and all(marker == f"at-{offset}" for marker, _, offset in answered), answered
    got, marks = transfer(session, "RETR big", 125, blocks.receive)
    assert got == content
    assert marks == [("16777216", 16 * MIB)]
    session.command(f"REST {marks[0][0]}", 350)
    got, _ = transfer(session, "RETR big", 125, blocks.receive)
    assert got == content[16 * MIB:]
    session.command("MODE S", 200)
    assert blocks.at_end()


@test("FTP-44: ten thousand small files do not make the server's connections or memory grow", limit_s=300)
def no_growth(server):
    session = login(server, ssl.TLSVersion.TLSv1_3)
    connection = session.passive()
    session.command("NOOP", 200)
    blocks = Blocks(session.sealed(connection))
    status = pathlib.Path(f"/proc/{server.process_id}")
    sizes = []
    for i in range(10000):
        transfer(session, "STOR small", 125 if i else 150, lambda i=i: blocks.send(b"%d" % i))
        if i in (1000, 9999):
            sizes.append((len(list((status / "fd").iterdir())), int((status / "statm").read_text().split()[1])))
    (descriptors, pages), (descriptors_after, pages_after) = sizes
    assert descriptors_after <= descriptors, sizes
    assert pages_after < pages * 1.2 + 500, sizes


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
