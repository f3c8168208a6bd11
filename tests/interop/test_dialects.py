#!/usr/bin/env python3
"""The server under rules for clients and networks that need them: CCC, server-to-server transfers, both kinds of TLS on
one port, and the habits of old programs. Real clients where there are some, else the bytes that they are known to send."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import dialects  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

CONTENT = bytes(range(256)) * 4000
RUN_LIMIT_S = 60
LATER_S = 5  # how long the server waits for the end of TLS


@contextlib.contextmanager
def fixture():
    with peers.scratch() as directory:
        yield directory


def run(argv, **options):
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=RUN_LIMIT_S, check=False, **options)
    return done.returncode, done.stdout + done.stderr


def resumed(server):
    return server.log_text().count("was resumed")


# ---- CCC ----


def ccc_round_trip(argv, server, work):
    """curl up and down after CCC; `argv` begins it."""
    source, back = work / "source", work / "back"
    source.write_bytes(CONTENT)
    back.unlink(missing_ok=True)
    where = f"ftp://127.0.0.1:{server.port}/up"
    for words in (["-T", source, where], ["-o", back, where]):
        code, output = run([*argv, "--ssl-reqd", "--cacert", server.ca, "-u", f"{server.user}:{server.password}", *words])
        assert code == 0, f"{output}\n{server.log_text()}"
    assert (server.files / "up").read_bytes() == CONTENT
    assert back.read_bytes() == CONTENT


def curl_ccc(work, mode, *words):
    for version in ("1.2", "1.3"):
        for transfer in ([], ["--disable-epsv"]):
            with dialects.server("ccc = yes", f"tls_max = {version}", *words) as server:
                argv = [peers.need("curl"), "-sSv", "--ftp-ssl-ccc", "--ftp-ssl-ccc-mode", mode, *transfer]
                ccc_round_trip(argv, server, work)
                assert server.log_text().count("session.ccc") == 2, server.log_text()
                yield server


@test("TLS-154 TLS-155 TLS-156 curl's active CCC: it sends its close_notify; its data connections resume as ever")
def curl_active(work):
    for server in curl_ccc(work, "active"):
        assert resumed(server) == 2, server.log_text()


@test("TLS-155 curl's passive CCC: it sends none, and OpenSSL then forgets its session, so that it cannot resume")
def curl_passive(work):
    for server in curl_ccc(work, "passive", "data_resume = prefer"):
        assert resumed(server) == 0, server.log_text()


@test("TLS-57 TLS-156 curl 7.88 in active mode sends in clear after CCC: refused, and nothing is stored")
def curl_in_clear(work):
    (work / "source").write_bytes(CONTENT)
    with dialects.server("ccc = yes", "data_resume = prefer") as server:
        code, _ = run([peers.need("curl"), "-sS", "--ftp-ssl-ccc", "-P", "-", "--ssl-reqd", "--cacert", server.ca, "-u",
                       f"{server.user}:{server.password}", "-T", work / "source", f"ftp://127.0.0.1:{server.port}/up"])
        if code == 0:
            assert (server.files / "up").read_bytes() == CONTENT  # a curl that does better
        else:
            assert "plain text where TLS is expected" in server.log_text(), server.log_text()
            assert not (server.files / "up").exists()


def cleared(server):
    """A session to where CCC was answered."""
    raw = Raw(server.port).login(server.user, server.password)
    raw.command("CCC", 200)
    return raw


def upload(raw, server, name, session):
    connection = raw.passive()
    raw.send(f"STOR {name}\r\n")
    assert raw.reply()[0] == 150
    data = raw.context.wrap_socket(connection, session=session, suppress_ragged_eofs=False)
    assert data.session_reused
    data.sendall(CONTENT)
    data.unwrap().close()
    assert raw.reply()[0] == 226
    assert (server.files / name).read_bytes() == CONTENT


@test("TLS-155 whoever ends TLS first, waits for the other, or never says so, goes on in clear")
def ways_to_end(_work):
    def unwrapped(raw):  # sends its close_notify and waits for ours
        raw.socket = raw.socket.unwrap()

    def silent(raw):  # waits for ours and sends none
        assert raw.socket.recv(1) == b""
        raw.socket = socket.socket(fileno=os.dup(raw.socket.fileno()))
        raw.socket.settimeout(20)

    for version in ("1.2", "1.3"):
        with dialects.server("ccc = yes", f"tls_max = {version}") as server:
            for end in (unwrapped, silent):
                raw = cleared(server)
                session = raw.socket.session
                end(raw)
                raw.command("PWD", 257)
                raw.command("PROT C", 503)
                raw.command("AUTH TLS", 534)
                upload(raw, server, f"{end.__name__}-{version}", session)
                raw.command("QUIT", 221)


@test("TLS-155 a client that says nothing for a while is taken at its word later, in clear")
def thinks(_work):
    with dialects.server("ccc = yes") as server:
        raw = cleared(server)
        assert raw.socket.recv(1) == b""
        plain = socket.socket(fileno=os.dup(raw.socket.fileno()))
        plain.settimeout(20)
        peers.wait_until(lambda: "session.ccc" in server.log_text(), "the server's patience", LATER_S + 20)
        raw.socket = plain
        raw.command("PWD", 257)


@test("TLS-135 SEC-10 lines in clear in the piece of the CCC, or before its reply, are not run")
def injected(_work):
    with dialects.server("ccc = yes") as server:
        (server.files / "file").write_bytes(b"content")
        raw = Raw(server.port).login(server.user, server.password)
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        raw.send("CCC\r\n")
        os.write(raw.socket.fileno(), b"DELE file\r\n")  # in clear, in one segment with the record
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        raw.at_end()
        assert (server.files / "file").exists()
        raw = Raw(server.port).login(server.user, server.password)
        raw.send("CCC\r\nDELE file\r\n")  # sealed, in one record
        assert raw.reply()[0] == 503
        assert raw.at_end()
        assert (server.files / "file").exists()


@test("TLS-157 CCC is refused where the rules do not name it")
def off(_work):
    with dialects.server() as server:
        raw = Raw(server.port).login(server.user, server.password)
        raw.command("CCC", 534)
        raw.command("PWD", 257)


# ---- server to server ----


def lftp_fxp(first, second, settings):
    program = peers.need("lftp")
    script = (f"set ssl:verify-certificate no; set ftp:ssl-force true; set ftp:ssl-protect-data true; "
              f"set ftp:use-fxp true; set ftp:fxp-force true; set ftp:ssl-protect-fxp true; set net:max-retries 1; "
              f"set net:timeout 10; {settings} "
              f"get {first} -o {second}")
    return run([program, "--norc", "-d", "-c", script])


def there(server, address, name):
    return f"ftp://{server.user}:{server.password}@{address}:{server.port}/{name}"


@test("TLS-62 TLS-165 TLS-167 TLS-168 lftp has one server send to another, with SSCN and CPSV")
def between_ours(work):
    tls = peers.make_certificate(work / "fxp")
    words = ("fxp = yes fxp_ca = CA", "data_resume = prefer", "fxp_networks = {127.0.0.0/8}")
    with dialects.server(*words, tls=tls) as first, dialects.server(*words, tls=tls, address="127.0.0.2") as second:
        (first.files / "file").write_bytes(CONTENT)
        for source in ("yes", "no"):
            for sscn in ("yes", "no"):
                (second.files / "copy").unlink(missing_ok=True)
                code, output = lftp_fxp(there(first, "127.0.0.1", "file"), there(second, "127.0.0.2", "copy"),
                                        f"set ftp:fxp-passive-source {source}; set ftp:fxp-passive-sscn {sscn};")
                assert code == 0, f"{output}\n{first.log_text()}\n{second.log_text()}"
                assert (second.files / "copy").read_bytes() == CONTENT
                assert "SSCN ON" in output or "CPSV" in output, output
        assert "another server" in first.log_text(), first.log_text()
        assert "another server" in second.log_text(), second.log_text()


@test("TLS-168 SEC-9 a server that is not known to the other gets and sends nothing")
def between_strangers(work):
    words = ("fxp = yes fxp_ca = CA", "data_resume = prefer", "fxp_networks = {127.0.0.0/8}")
    with dialects.server(*words) as first, \
            dialects.server(*words, tls=peers.make_certificate(work / "other"), address="127.0.0.2") as second:
        (first.files / "file").write_bytes(CONTENT)
        code, output = lftp_fxp(there(first, "127.0.0.1", "file"), there(second, "127.0.0.2", "copy"), "")
        assert code != 0, output
        assert not (second.files / "copy").exists()


@test("TLS-165 TLS-167 lftp has ferryd and ProFTPD send to each other")
def with_proftpd(work):
    tls = peers.make_certificate(work / "proftpd")
    extra = f"TLSCACertificateFile {tls[0]}\nTLSOptions NoSessionReuseRequired\nAllowForeignAddress on\n"
    with peers.proftpd(extra, tls) as other, dialects.server("fxp = yes fxp_ca = CA", "data_resume = prefer", tls=tls) as ours:
        (ours.files / "file").write_bytes(CONTENT)
        for sscn in ("yes", "no"):
            for source in ("yes", "no"):
                settings = f"set ftp:fxp-passive-source {source}; set ftp:fxp-passive-sscn {sscn};"
                for name in (other.files / "there", ours.files / "back"):
                    name.unlink(missing_ok=True)
                code, output = lftp_fxp(there(ours, "127.0.0.1", "file"), there(other, "127.0.0.1", "there"), settings)
                assert code == 0, f"{output}\n{ours.log_text()}"
                code, output = lftp_fxp(there(other, "127.0.0.1", "there"), there(ours, "127.0.0.1", "back"), settings)
                assert code == 0, f"{output}\n{ours.log_text()}"
                assert (ours.files / "back").read_bytes() == CONTENT


# ---- one port for both kinds of TLS ----


@test("issue 3: explicit and implicit TLS on one port: curl, lftp and ferry, each by either")
def one_port(work):
    (work / "source").write_bytes(CONTENT)
    with dialects.server("data_resume = prefer") as server:
        port = server.either_port
        for scheme in ("ftp", "ftps"):
            login = f"{server.user}:{server.password}"
            url = f"{scheme}://127.0.0.1:{port}"
            (work / "back").unlink(missing_ok=True)
            for words in (["-T", work / "source", f"{url}/by-curl"], ["-o", work / "back", f"{url}/by-curl"]):
                code, output = run([peers.need("curl"), "-sSv", "--ssl-reqd", "--cacert", server.ca, "-u", login, *words])
                assert code == 0, f"{scheme}: {output}\n{server.log_text()}"
            assert (work / "back").read_bytes() == CONTENT
            script = (f"set ssl:ca-file {server.ca}; set ftp:ssl-force true; set ftp:ssl-protect-data true; "
                      f"open -u {server.user},{server.password} {url}; put {work}/source -o by-lftp")
            code, output = run([peers.need("lftp"), "--norc", "-c", script])
            assert code == 0, f"{scheme}: {output}"
            (work / "back").unlink()
            code, output = run([os.environ["FERRY"], "get", "--ca", server.ca, "-o", work / "back",
                                f"{scheme}://{server.user}@127.0.0.1:{port}/by-lftp"],
                               env={**os.environ, "FERRY_PASSWORD": server.password})
            assert code == 0, f"{scheme}: {output}"
            assert (work / "back").read_bytes() == CONTENT


# ---- old programs ----


@test("issue 3: 220 in clear before an implicit handshake, as z/OS clients expect it")
def greeting_first(_work):
    with dialects.server("implicit_greeting = before") as server:
        raw = Raw(server.implicit_port)
        assert raw.reply()[0] == 220
        raw.start_tls()
        raw.command(f"USER {server.user}", 331)
        raw.command(f"PASS {server.password}", 230)
        raw.command("TYPE I", 200)
        upload(raw, server, "up", raw.socket.session)


@test("TLS-2 TLS-4 TLS-29 AUTH words of old clients, 334 to AUTH SSL, PROT without PBSZ")
def old_words(_work):
    with dialects.server("auth_ssl_reply = 334", "prot_without_pbsz = accept") as server:
        for word, code, private in (("AUTH SSL", 334, True), ("auth ssl", 334, True), ("AUTH SSL ", 334, True),
                                    ("AUTH TLS-P", 234, True), ("auth tls-c", 234, False), ("AUTH TLS", 234, False)):
            raw = Raw(server.port)
            assert raw.reply()[0] == 220
            raw.command(word, code)
            raw.start_tls()
            raw.command(f"USER {server.user}", 331)
            raw.command(f"PASS {server.password}", 230)
            raw.command("TYPE I", 200)
            if not private:
                raw.command("PROT P", 200)
            upload(raw, server, word.replace(" ", "-"), raw.socket.session)
            raw.close()


@test("issue 3: curl takes a 334 to AUTH SSL")
def curl_334(work):
    with dialects.server("auth_ssl_reply = 334") as server:
        (work / "source").write_bytes(CONTENT)
        code, output = run([peers.need("curl"), "-sSv", "--ssl-reqd", "--cacert", server.ca, "-u",
                            f"{server.user}:{server.password}", "-T", work / "source",
                            f"ftp://127.0.0.1:{server.port}/up"])
        assert code == 0 and "< 334 AUTH SSL" in output, output
        assert (server.files / "up").read_bytes() == CONTENT


@test("TLS-175 ftp-ssl, which sends no close_notify, may upload where the rules accept that; each time is logged")
def ftp_ssl(work):
    program = peers.need("ftp-ssl")
    (work / "source").write_bytes(CONTENT)
    with dialects.server("upload_without_close_notify = accept", "data_resume = prefer") as server:
        (work / ".netrc").write_text(f"machine localhost login {server.user} password {server.password}\n")
        (work / ".netrc").chmod(0o600)
        commands = "\n".join(["open localhost " + str(server.port), f"user {server.user} {server.password}", "binary",
                              "passive", f"put {work}/source up", f"get up {work}/back", "quit", ""])
        done = subprocess.run([program, "-n", "-v", "-z", "secure", "-z", "verify=1", "-z", f"cacert={server.ca}"],
                              input=commands, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False, cwd=work,
                              env={**os.environ, "HOME": str(work)})
        assert (server.files / "up").exists(), f"{done.stdout}{done.stderr}\n{server.log_text()}"
        assert (server.files / "up").read_bytes() == CONTENT
        assert "transfer.no-close-notify" in server.log_text()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
