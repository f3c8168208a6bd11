#!/usr/bin/env python3
"""What the rules ask of a running ferryd, seen by a client that looks at every byte and may wait: orders, and
what is not sent."""

import contextlib
import os
import pathlib
import re
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

QUIET_S = 0.5  # how long nothing must come
BIG_BYTES = 64 << 20  # more than all buffers on the way


@contextlib.contextmanager
def fixture():
    with peers.ferryd() as server:
        (server.files / "file").write_bytes(b"content\n")
        (server.files / "empty").write_bytes(b"")
        with open(server.files / "big", "wb") as big:
            big.truncate(BIG_BYTES)
        yield server


def session(server):
    return Raw(server.port).login(server.user, server.password)


def assert_quiet(connection, why):
    """Nothing comes on a socket for a while."""
    before = connection.gettimeout()
    connection.settimeout(QUIET_S)
    try:
        came = connection.recv(1000)
    except TimeoutError:
        return
    finally:
        connection.settimeout(before)
    raise AssertionError(f"{why}: {came!r}")


def read_all(data):
    received = 0
    while block := data.recv(1 << 16):
        received += len(block)
    return received


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


@test("TLS-54 TLS-64 150 comes before the handshake, and not a byte of data")
def handshake_first(server):
    for command in ("RETR file", "RETR empty", "LIST", "NLST", "MLSD"):
        raw = session(server)
        data = raw.passive()
        raw.command(command, 150)
        assert_quiet(data, f"{command}, before the handshake")
        data.close()
        assert raw.reply()[0] == 522
        raw.close()


@test("TLS-100 TLS-192 a data connection that does not resume gets nothing")
def nothing_unproved(server):
    for command in ("RETR file", "LIST"):
        raw = session(server)
        data = raw.passive()
        raw.command(command, 150)
        received = b""
        with contextlib.suppress(ssl.SSLError, ConnectionResetError):
            received = raw.context.wrap_socket(data, suppress_ragged_eofs=False).recv(1000)
        assert received == b"", f"{command}: {received!r}"
        code, text = raw.reply()
        assert code == 522 and "reuse" in text, text
        raw.close()


@test("TLS-180 226 waits for the last byte of a download", limit_s=180)
def last_byte(server):
    raw = session(server)
    connection = raw.passive()
    raw.send("RETR big\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    assert_quiet(raw.socket, "a final reply, and nothing was read")
    assert read_all(data) == BIG_BYTES
    assert raw.reply()[0] == 226


@test("TLS-181 226 does not wait for the client's close_notify")
def no_close_notify(server):
    raw = session(server)
    connection = raw.passive()
    raw.send("RETR file\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    assert read_all(data) == len(b"content\n")  # ended by close_notify: another end would raise
    assert raw.reply()[0] == 226
    data.close()


@test("TLS-206 the server's order of suites counts, but for a client that wants ChaCha20 first")
def suites(server):
    chacha, aes128, aes256 = ("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256",
                              "ECDHE-ECDSA-AES256-GCM-SHA384")
    for offered, chosen in (((aes256, aes128), aes128), ((aes256, chacha, aes128), aes128),
                            ((chacha, aes256, aes128), chacha)):
        raw = Raw(server.port)
        raw.context.maximum_version = ssl.TLSVersion.TLSv1_2
        raw.context.set_ciphers(":".join(offered))
        raw.login(server.user, server.password)
        assert raw.socket.cipher()[0] == chosen, f"{offered}: {raw.socket.cipher()}"
        raw.close()


@test("FTP-35 FTP-32 there is no anonymous login")
def anonymous(server):
    for name in ("anonymous", "ftp"):
        raw = Raw(server.implicit_port, implicit=True)
        assert raw.reply()[0] == 220
        _, known = raw.command(f"USER {server.user}", 331)
        _, text = raw.command(f"USER {name}", 331)
        assert text == known
        raw.command("PASS guest@example.org", 530)
        raw.command("PWD", 530)
        raw.close()


@test("SEC-25 FTP-30 nothing before the login tells versions, hosts or accounts")
def no_fingerprint(server):
    raw = Raw(server.implicit_port, implicit=True)
    texts = [raw.reply()[1]]
    texts += [raw.command(line)[1] for line in ("SYST", "HELP", "HELP USER", "STAT", "NOOP", "FEAT", "NONSENSE")]
    said = "".join(texts)
    for word in (socket.gethostname(), "ferry", server.user, str(server.files), str(server.process_id)):
        assert word.lower() not in said.lower(), f"{word} in {said}"
    assert not re.search(r"\d+\.\d+", said), said


@test("FTP-50 an active connection comes from the address that the client speaks to")
def active_from(_server):
    with peers.ferryd("--listen", "0.0.0.0") as server, socket.socket() as listener:
        raw = Raw(server.port, host="127.0.0.2").login(server.user, server.password)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(20)
        raw.command(f"EPRT |1|127.0.0.1|{listener.getsockname()[1]}|", 200)
        raw.command("LIST", 150)
        connection, (address, _) = listener.accept()
        connection.close()
        assert address == "127.0.0.2", address


@test("REP-20 REP-21 habits of clients: commands in one piece, no waiting, a reset behind the last byte")
def habits(server):
    raw = session(server)
    raw.send("EPSV\r\nNLST\r\n")
    connection = socket.create_connection(("127.0.0.1", int(re.search(r"\|(\d+)\|", raw.reply()[1])[1])), 20)
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    assert read_all(data) > 0
    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    data.close()
    assert raw.reply()[0] == 226
    raw.command("PBSZ 8192", 200)
    raw.command("CWD /", 250)
    connection = raw.passive()
    raw.send("LIST \r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    assert read_all(data) > 0
    assert raw.reply()[0] == 226
    raw.send("NOOP\r\nQUIT\r\n")
    raw.close()
    session(server).command("QUIT", 221)


@test("FTP-61 150 names the file and its size")
def words_of_150(server):
    raw = session(server)
    raw.passive()
    _, text = raw.command("RETR file", 150)
    assert text == "150 Opening BINARY mode data connection for file (8 bytes).\r\n", text


@test("TLS-45 AUTH after REIN with the session from before: a new one, no refusal")
def auth_again(server):
    raw = session(server)
    raw.command("NOOP", 200)
    old = raw.socket.session
    raw.command("REIN", 220)
    raw.socket = raw.socket.unwrap()
    raw.command("AUTH TLS", 234)
    raw.socket = raw.context.wrap_socket(raw.socket, session=old, suppress_ragged_eofs=False)
    assert not raw.socket.session_reused
    raw.command("PWD", 530)
    raw.command(f"USER {server.user}", 331)
    raw.command(f"PASS {server.password}", 230)


@test("FTP-64 SEC-38 an upload is seen by nobody before its end, and two to one name leave one, whole")
def invisible(server):
    (server.files / "seen").write_bytes(b"old")
    uploads = []
    for content in (b"a" * 100000, b"b" * 50000):
        raw = session(server)
        connection = raw.passive()
        raw.send("STOR seen\r\n")
        data = raw.sealed(connection)
        assert raw.reply()[0] == 150
        data.sendall(content[:30000])
        uploads.append((raw, data, content))
    other = session(server)
    assert other.command("SIZE seen", 213)[1] == "213 3\r\n"
    names = listed(other, "NLST")
    assert sorted(names.split()) == [b"big", b"empty", b"file", b"seen"], names
    for raw, data, content in uploads:
        data.sendall(content[30000:])
        data.unwrap()
        assert raw.reply()[0] in (226, 450)
    assert (server.files / "seen").read_bytes() in [content for _, _, content in uploads]
    (server.files / "seen").unlink()


@test("LST-83 a listing shows no FIFO and no socket")
def special_files(server):
    os.mkfifo(server.files / "fifo")
    with socket.socket(socket.AF_UNIX) as special:
        special.bind(str(server.files / "sock"))
        raw = session(server)
        for command in ("LIST", "NLST", "MLSD"):
            lines = listed(raw, command)
            assert b"file\r\n" in lines and b"fifo" not in lines and b"sock" not in lines, lines
    (server.files / "fifo").unlink()
    (server.files / "sock").unlink()


@test("SEC-30 SEC-34 paths that lead elsewhere by other spellings, and what is no file")
def odd_paths(server):
    os.mkfifo(server.files / "fifo")
    raw = session(server)
    for path in (b"~root", b"%2e%2e/outside", b"\xc0\xae\xc0\xae/outside", b"/proc/self/root", b"..\\outside", b"....//",
                 b"x/" * 2000, b"/" * 4000 + b"x", b"fifo"):
        raw.send(b"SIZE " + path + b"\r\n")
        assert raw.reply()[0] in (501, 550), path
    for command in ("RETR fifo", "STOR fifo", "APPE fifo"):
        raw.command("EPSV", 229)
        raw.command(command, 550, 553)
    (server.files / "fifo").unlink()


@test("SEC-56 a session holds few descriptors, and gives them back")
def descriptors(server):
    def count():
        return len(os.listdir(f"/proc/{server.process_id}/fd"))

    session(server).command("QUIT", 221)
    before = count()
    raws = [session(server) for _ in range(8)]
    for raw in raws:
        for _ in range(20):
            raw.command("EPSV", 229)
    assert count() - before <= 3 * len(raws), f"{count()} after {before}"  # control, passive port, root
    for raw in raws:
        raw.close()
    peers.wait_until(lambda: count() <= before, "the descriptors of 8 sessions")


@test("SEC-80 SEC-81 FTP-33 the log holds no password and no byte that forges a line or reaches a terminal")
def log(server):
    raw = session(server)
    raw.send(b"RETR \x1b]0;x\x07\xe2\x80\xae\x7f\x9b name=\"x\"\r\n")
    raw.reply()
    raw.command("EPSV", 229)
    raw.send(b"RETR \x1b]0;x\x07\xe2\x80\xae\x7f\x9b name=\"x\"\r\n")
    assert raw.reply()[0] in (501, 550)
    wrong = Raw(server.implicit_port, implicit=True)
    assert wrong.reply()[0] == 220
    wrong.send(b"USER \x1b[2Jevil\xe2\x80\xaename\r\n")
    wrong.reply()
    wrong.command("PASS not-to-be-seen", 530, 503)
    written = pathlib.Path(server.log).read_bytes()
    assert b"evil" in written
    for word in (server.password.encode(), b"not-to-be-seen", "\u202e".encode()):
        assert word not in written, word
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", written)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
