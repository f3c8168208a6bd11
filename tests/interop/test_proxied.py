#!/usr/bin/env python3
"""ferryd behind HAProxy, control and data connections, with curl as the client; and those who only say that they are
a proxy."""

import contextlib
import pathlib
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

CLIENT, PROXY, STRANGER = "127.0.0.9", "127.0.0.2", "127.0.0.3"
PASSIVE_PORTS = (20300, 20331)
LINE = f"PROXY TCP4 {CLIENT} 198.51.100.1 40000 21\r\n"


@contextlib.contextmanager
def fixture():
    """A server that takes 127.0.0.1 for a proxy: that is where HAProxy's connections come from."""
    with peers.ferryd("--proxy", "127.0.0.1", "--passive-ports", "%u-%u" % PASSIVE_PORTS) as server:
        (server.files / "file").write_bytes(b"content\n" * 100_000)
        yield server


def curl(server, path, *words, implicit=False):
    """curl at an address of its own, towards the proxy under the server's name."""
    scheme, port = ("ftps", server.implicit_port) if implicit else ("ftp", server.port)
    done = subprocess.run(
        [peers.need("curl"), "-sS", "-q", "--ssl-reqd", "--cacert", server.ca, "--max-time", "30", "--interface",
         CLIENT, "--resolve", f"localhost:{port}:{PROXY}", "-u", f"{server.user}:{server.password}", *words,
         f"{scheme}://localhost:{port}/{path}"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr.decode()}\n{server.log_text()[-4000:]}"
    return done.stdout, done.stderr.decode()


def round_trip(server, content, implicit):
    local = server.files.parent / "local"
    local.write_bytes(content.encode() * 1000)
    for mode in ((), ("--disable-epsv", "--no-ftp-skip-pasv-ip")):
        came, _ = curl(server, "file", *mode, implicit=implicit)
        assert came == b"content\n" * 100_000, f"{len(came)} bytes came"
        curl(server, "sent", *mode, "-T", local, implicit=implicit)
        assert (server.files / "sent").read_bytes() == local.read_bytes()
        (server.files / "sent").unlink()


def logged(server, *words):
    return any(all(w in line for w in words) for line in server.log_text().splitlines())


def through_haproxy(server, words):
    with peers.haproxy(server, PROXY, PASSIVE_PORTS, words):
        for implicit in (False, True):
            round_trip(server, words, implicit)
        assert logged(server, "session.open", f"peer={CLIENT}"), server.log_text()[-2000:]


@test("SEC-22 a round trip through HAProxy, version 1")
def version_1(server):
    through_haproxy(server, "send-proxy")


@test("SEC-22 a round trip through HAProxy, version 2")
def version_2(server):
    through_haproxy(server, "send-proxy-v2")


@test("SEC-22 a round trip through HAProxy, version 2 with fields and a checksum")
def version_2_fields(server):
    through_haproxy(server, "send-proxy-v2 proxy-v2-options crc32c,unique-id")


@test("TLS-151 behind HAProxy PASV tells the address that the client connected to")
def told(server):
    with peers.haproxy(server, PROXY, PASSIVE_PORTS, "send-proxy-v2"):
        _, said = curl(server, "file", "--disable-epsv", "-v")
        assert re.search(r"227 .*\(127,0,0,2,", said), said


@test("SEC-22 the checks of HAProxy are its own connections")
def checks(server):
    with peers.haproxy(server, PROXY, PASSIVE_PORTS,
                       f"check port {server.port} inter 100ms send-proxy-v2 check-send-proxy"):
        refusals = server.log_text().count("proxy.refused")
        before = server.log_text().count("session.open")
        peers.wait_until(lambda: server.log_text().count("session.open") >= before + 3, "checks")
        assert server.log_text().count("proxy.refused") == refusals, server.log_text()[-2000:]


@test("SEC-22 a proxy without a header, or with a wrong one, is closed without a word")
def wrong_headers(server):
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    for said in (b"", b"USER demo\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY UNKNOWN\n",
                 signature + b"\x21\x11\x00\x0c" + bytes(11), signature + b"\x2f\x11\x00\x00",
                 signature + b"\x21\x11\xff\xff" + bytes(4000), b"P" * 4000):
        for port in (server.port, server.implicit_port):
            raw = Raw(port)
            raw.send(said)
            with contextlib.suppress(OSError):  # it may be closed already
                raw.socket.shutdown(socket.SHUT_WR)
            assert raw.at_end() and raw.received == b"", f"{said!r}: {raw.received!r}"
    peers.wait_until(lambda: logged(server, "proxy.refused", "peer=127.0.0.1", "take it out of proxies"), "the log")


@test("SEC-22 a proxy that says nothing is given up after 5 s", limit_s=60)
def silent(server):
    raw = Raw(server.port)
    raw.send("PROXY TCP4 ")
    assert raw.at_end() and raw.received == b""
    peers.wait_until(lambda: logged(server, "proxy.refused", "in time"), "the log")


@test("SEC-22 the header of somebody else is a wrong command")
def not_a_proxy(server):
    raw = Raw(server.port, source=STRANGER)
    raw.send(LINE)
    assert raw.reply()[0] == 220
    assert raw.reply()[0] == 500
    assert logged(server, "session.open", f"peer={STRANGER}")


@test("SEC-22 a header and the first commands in one packet: nothing of it is lost, nothing crosses")
def one_packet(server):
    raw = Raw(server.port)
    raw.send(LINE + "NOOP\r\nAUTH TLS\r\n")
    assert raw.reply()[0] == 220
    assert raw.reply()[0] == 200
    assert raw.reply()[0] == 234
    raw.start_tls()
    raw.command(f"USER {server.user}", 331)
    raw.command(f"PASS {server.password}", 230)
    raw.close()


@test("SEC-22 SEC-5 a data connection through the proxy that is another client's gets nothing")
def foreign_data(server):
    raw = Raw(server.port)
    raw.send(LINE)
    raw.login(server.user, server.password)
    data = raw.passive()
    data.sendall(LINE.replace(CLIENT, "127.0.0.10").encode())
    assert data.recv(100) == b""
    peers.wait_until(lambda: logged(server, "data.refused", "from=127.0.0.10"), "the log")
    raw.close()


@test("TLS-151 --passive-address: an address, a name")
def passive_address(_):
    for told, expected in (("192.0.2.1", "(192,0,2,1,"), ("localhost", "(127,0,0,1,")):
        with peers.ferryd("--passive-address", told) as server:
            if told == "localhost":
                peers.wait_until(lambda: logged(server, "passive.address", "name=localhost"), "the name")
            raw = Raw(server.port).login(server.user, server.password)
            _, text = raw.command("PASV", 227)
            assert expected in text, text
            raw.close()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
