#!/usr/bin/env python3
"""Hosts behind one listener of `ferryd run`, and what a listener says and demands in the TLS handshake."""

import contextlib
import pathlib
import re
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from authority import Authority  # noqa: E402
from daemon import PASSWORD, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

CONTENT = b"the same files behind every name\n" * 100
MAIN, OTHER, ALIAS = "ftp.main.example", "files.other.example", "alias.other.example"

LISTEN = """\
listen "127.0.0.1:0" {{
    certificate = "{main[0]}"
    key = "{main[1]}"
    login_delay = 1ms
    {more}
}}
"""
HOST = f"""\
host "{OTHER}" {{{{
    names = {{{{"{ALIAS}"}}}}
    certificate = "{{other[0]}}"
    key = "{{other[1]}}"
    {{more}}
}}}}
"""
ACCOUNT = f'account "{USER}" {{ password_hash = "HASH" home = home }}\n'


class Hosts:
    """A CA, and what it issued to two hosts."""

    def __init__(self, folder):
        self.authority = Authority(folder, "Hosts")
        self.main = self.authority.issue_host(MAIN)
        self.other = self.authority.issue_host(OTHER, ALIAS)

    def listen(self, more=""):
        return LISTEN.format(main=self.main, more=more)

    def host(self, more=""):
        return HOST.format(other=self.other, more=more)


def der_of(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


@contextlib.contextmanager
def serving(text):
    with daemon.running(text + ACCOUNT) as server:
        (server.home / "f").write_bytes(CONTENT)
        yield server


def shown(raw):
    return raw.socket.getpeercert(binary_form=True)


def alert_of(action):
    """The words of the TLS failure that it ends with."""
    try:
        action()
    except ssl.SSLError as alert:
        return str(alert).lower()
    raise AssertionError("no TLS failure")


def s_client(server, *words):
    """What `openssl s_client` says of AUTH TLS."""
    argv = [peers.need("openssl"), "s_client", "-connect", f"127.0.0.1:{server.port}", "-starttls", "ftp", *words]
    done = subprocess.run(list(map(str, argv)), input=b"", capture_output=True, check=False, timeout=30)
    return (done.stdout + done.stderr).decode(errors="replace")


# ---- hosts ----

@test("TLS-123 SNI chooses the certificate; without SNI the listener's own is shown")
def by_sni(hosts):
    with serving(hosts.listen() + hosts.host()) as server:
        for name, expected in ((OTHER, hosts.other), (ALIAS, hosts.other), (OTHER.upper(), hosts.other),
                               (None, hosts.main)):
            raw = Raw(server.port, name=name).login(USER, PASSWORD)
            assert shown(raw) == der_of(expected[0]), name
            assert raw.fetch("f") == (CONTENT, True), name
            raw.command("QUIT", 221)
        told = s_client(server, "-servername", ALIAS, "-CAfile", hosts.authority.ca, "-verify_hostname", ALIAS)
        assert "Verify return code: 0" in told, told


@test("TLS-123 an SNI that names no host: refused with 112 where there are several, or as sni_unknown says")
def unknown_sni(hosts):
    # listener's rules, host block, SNI, refused
    rows = (
        ("", True, "unknown.example", True),
        ("sni_unknown = default-cert", True, "unknown.example", False),
        ("sni_unknown = reject", True, "unknown.example", True),
        ("", False, "unknown.example", False),
        (f'names = {{"{MAIN}"}}', False, "unknown.example", False),
        (f'names = {{"{MAIN}"}} sni_unknown = reject', False, "unknown.example", True),
        (f'names = {{"{MAIN}"}} sni_unknown = reject', False, MAIN, False),
        (f'names = {{"{MAIN}"}} sni_unknown = reject', False, None, False),
    )
    for more, block, name, refused in rows:
        with serving(hosts.listen(more) + (hosts.host() if block else "")) as server:
            raw = Raw(server.port, name=name)
            if refused:
                assert "unrecognized" in alert_of(raw.seal), (more, name)
            else:
                raw.login(USER, PASSWORD)
                assert shown(raw) == der_of(hosts.main[0])
                assert raw.fetch("f") == (CONTENT, True), (more, name)


@test("check: strict SNI needs names; names that come twice or are none")
def checked(hosts):
    cases = (
        (hosts.listen("sni_unknown = reject"), "sni_unknown: no host has a name"),
        (hosts.listen(f'names = {{"{OTHER}"}}') + hosts.host(), "is there twice"),
        (hosts.listen('names = {"a b"}'), 'is not the name of a host'),
        (hosts.listen() + 'host "x.example" { }\n', 'host "x.example" lacks certificate'),
        (hosts.listen() + hosts.host().replace(".key", ".none"), "it cannot be read"),
        (hosts.listen() + hosts.host("client_ca = nowhere"), "client_ca: nobody is asked"),
    )
    with peers.scratch() as folder:
        (folder / "home").mkdir()
        for text, expected in cases:
            daemon.write_conf(folder, text + ACCOUNT)
            done = daemon.ferryd("check", "-c", folder / "ferryd.conf")
            assert done.returncode == 1 and expected in done.stdout, (text, done)
        # A file of a host is read for each listener; what is wrong with it is told once.
        broken = hosts.listen() + hosts.listen().replace("127.0.0.1", "127.0.0.2") + hosts.host().replace(".key", ".no")
        daemon.write_conf(folder, broken + ACCOUNT)
        assert daemon.ferryd("check", "-c", folder / "ferryd.conf").stdout.count("it cannot be read") == 1


@test("TLS-44 TLS-141 HOST before AUTH chooses the certificate, for data connections, too; REIN forgets it")
def host_before_auth(hosts):
    with serving(hosts.listen() + hosts.host()) as server:
        raw = Raw(server.port)
        assert raw.reply()[0] == 220
        assert "HOST" in raw.command("FEAT", 211)[1]
        raw.command("HOST unknown.example", 504)
        raw.command(f"HOST {ALIAS}", 220)
        raw.command("AUTH TLS", 234)
        raw.start_tls()
        assert shown(raw) == der_of(hosts.other[0])
        raw.command(f"USER {USER}", 331)
        raw.command(f"PASS {PASSWORD}", 230)
        raw.command("PBSZ 0", 200)
        raw.command("PROT P", 200)
        raw.command("TYPE I", 200)
        assert raw.fetch("f") == (CONTENT, True)
        raw.command("REIN", 220)
        raw.socket = raw.socket.unwrap()
        raw.command("AUTH TLS", 234)
        raw.start_tls()
        assert shown(raw) == der_of(hosts.main[0])


@test("TLS-143 a later HOST replaces an earlier one and the USER behind it; under TLS another host is 504")
def host_again(hosts):
    with serving(hosts.listen(f'plaintext = allow names = {{"{MAIN}"}}') + hosts.host()) as server:
        raw = Raw(server.port)
        assert raw.reply()[0] == 220
        raw.command(f"HOST {OTHER}", 220)
        raw.command(f"USER {USER}", 331)
        raw.command(f"HOST {MAIN}", 220)
        raw.command(f"PASS {PASSWORD}", 503)
        raw.command("AUTH TLS", 234)
        raw.start_tls()
        assert shown(raw) == der_of(hosts.main[0])
        raw.command(f"HOST {OTHER}", 504)
        raw.command(f"HOST {MAIN}", 220)
        raw.command(f"USER {USER}", 331)
        raw.command(f"PASS {PASSWORD}", 230)


@test("TLS-141 TLS-146 HOST under TLS must be what SNI said; an SNI against the HOST before AUTH is refused")
def host_against_sni(hosts):
    with serving(hosts.listen(f'names = {{"{MAIN}"}}') + hosts.host()) as server:
        raw = Raw(server.port, name=OTHER).seal()
        for name, code in ((OTHER, 220), (OTHER.upper() + ".", 220), (ALIAS, 504), (MAIN, 504), ("x.example", 504)):
            raw.command(f"HOST {name}", code)
        raw.command(f"USER {USER}", 331)
        raw.command(f"PASS {PASSWORD}", 230)
        raw.command(f"HOST {OTHER}", 503)
        raw = Raw(server.port, name=MAIN)
        assert raw.reply()[0] == 220
        raw.command(f"HOST {OTHER}", 220)
        raw.command("AUTH TLS", 234)
        assert "unrecognized" in alert_of(raw.start_tls)
    with serving(hosts.listen() + hosts.host()) as server:  # HOST by the certificate of a host without a name
        raw = Raw(server.port, name=OTHER)
        assert raw.reply()[0] == 220
        raw.command(f"HOST {MAIN}", 220)
        raw.command("AUTH TLS", 234)
        raw.start_tls()
        raw.send("NOOP\r\n")
        assert raw.at_end() and not raw.received, raw.received
        assert server.wait_for("session.close")["why"] == "SNI names another host than HOST did"


@test("TLS-145 a data connection cannot resume the session of one host at another")
def sessions_apart(hosts):
    with serving(hosts.listen(f'names = {{"{MAIN}"}}') + hosts.host()) as server:
        raw = Raw(server.port, name=OTHER).login(USER, PASSWORD)
        connection = raw.passive()
        raw.send("RETR f\r\n")
        raw.name = MAIN
        with contextlib.suppress(OSError):
            with raw.sealed(connection) as data:
                assert data.recv(1) == b"", "the data connection of another host was served"
        assert raw.reply()[0] == 150
        assert raw.reply()[0] == 522
        raw.name = OTHER
        assert raw.fetch("f") == (CONTENT, True)


@test("curl at each host by name")
def with_curl(hosts):
    with serving(hosts.listen(f'names = {{"{MAIN}"}}') + hosts.host()) as server:
        for name in (MAIN, OTHER, ALIAS):
            argv = [peers.need("curl"), "-s", "--ssl-reqd", "--cacert", hosts.authority.ca, "--user",
                    f"{USER}:{PASSWORD}", "--resolve", f"{name}:{server.port}:127.0.0.1",
                    f"ftp://{name}:{server.port}/f"]
            done = subprocess.run(list(map(str, argv)), capture_output=True, check=False, timeout=60)
            assert done.stdout == CONTENT, (name, done)
            assert server.events("session.tls")[-1]["server_name"] == name


@test("a host's own rule for certificates of clients")
def host_asks(hosts):
    alice = hosts.authority.issue("alice")
    block = hosts.host(f'client_certificates = required client_ca = "{hosts.authority.ca}"')
    account = f'account "alice" {{ login = cert certificates = {{"cn:alice"}} home = home }}\n'
    with serving(hosts.listen() + block + account) as server:
        Raw(server.port, name=OTHER, certificate=alice).login("alice").command("QUIT", 221)
        Raw(server.port, certificate=alice).seal().command("USER alice", 331)


# ---- what the handshake says ----

@test("TLS-208 an OCSP response is stapled where it is asked for, and a renewed one taken without a signal")
def stapled(hosts):
    with peers.scratch() as folder:
        staple = folder / "staple.der"
        hosts.authority.ocsp_response(hosts.main[0], staple)
        with serving(hosts.listen(f'ocsp_response = "{staple}"')) as server:
            told = s_client(server, "-status", "-CAfile", hosts.authority.ca)
            assert "OCSP Response Status: successful" in told and "Cert Status: good" in told, told
            assert "OCSP Response Status" not in s_client(server)
            raw = Raw(server.port).login(USER, PASSWORD)
            hosts.authority.ocsp_response(hosts.main[0], folder / "next.der")
            (folder / "next.der").rename(staple)
            server.wait_for("certificate.renewed")
            assert "Cert Status: good" in s_client(server, "-status")
            assert raw.fetch("f") == (CONTENT, True)


@test("TLS-120 ALPN: ftp is taken, another is refused, none is refused on wish")
def alpn(hosts):
    with serving(hosts.listen() + hosts.listen("alpn = required").replace("127.0.0.1", "127.0.0.2")) as server:
        for index, host in enumerate(("127.0.0.1", "127.0.0.2")):
            raw = Raw(server.port_of(index), host=host, alpn=["http/1.1", "ftp"]).seal()
            assert raw.socket.selected_alpn_protocol() == "ftp"
            raw = Raw(server.port_of(index), host=host, alpn=["http/1.1"])
            assert "no application protocol" in alert_of(raw.seal)
        Raw(server.port_of(0)).seal().command("QUIT", 221)
        raw = Raw(server.port_of(1), host="127.0.0.2")
        assert "no application protocol" in alert_of(raw.seal)
        raw = Raw(server.port_of(1), host="127.0.0.2", alpn=["ftp"]).login(USER, PASSWORD)
        assert raw.fetch("f") == (CONTENT, True)


@test("policies of listeners: modern, default, legacy; TLS 1.0 and 1.1 only where legacy says so")
def policies(hosts):
    text = "".join(hosts.listen(f"policy = {policy}").replace("127.0.0.1", f"127.0.0.{i}")
                   for i, policy in enumerate(("modern", "default", "legacy"), 1))
    expected = {"modern": {"tls1_3"}, "default": {"tls1_2", "tls1_3"}, "legacy": {"tls1", "tls1_1", "tls1_2", "tls1_3"}}
    with serving(text) as server:
        for i, policy in enumerate(expected):
            taken = set()
            for version in ("tls1", "tls1_1", "tls1_2", "tls1_3"):
                argv = ["openssl", "s_client", "-connect", f"127.0.0.{i + 1}:{server.port_of(i)}", "-starttls", "ftp",
                        f"-{version}", "-cipher", "ALL:@SECLEVEL=0"]
                done = subprocess.run(argv, input=b"", capture_output=True, check=False, timeout=30)
                if re.search(rb"Cipher is (?!\(NONE\))", done.stdout):
                    taken.add(version)
            assert taken == expected[policy], (policy, taken)


# ---- what is told of it ----

@test("TLS-210 STAT and the log tell of both connections: version, suite, resumption, ALPN, SNI, the client's subject")
def told(hosts):
    alice = hosts.authority.issue("alice")
    text = hosts.listen(f'names = {{"{MAIN}"}} client_certificates = optional client_ca = "{hosts.authority.ca}"')
    with serving(text) as server:
        for tls, version in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            raw = Raw(server.port, name=MAIN, alpn=["ftp"], certificate=alice, tls=tls).login(USER, PASSWORD)
            _, before = raw.command("STAT", 211)
            assert "Last data connection" not in before
            assert raw.fetch("f") == (CONTENT, True)
            _, said = raw.command("STAT", 211)
            for which, resumed in (("Control connection", ""), ("Last data connection", ", resumed")):
                for words in (rf"{which} under {version}, TLS_\w+{resumed}\r", f"{which} for {MAIN} by SNI",
                              f"{which} for ftp by ALPN", f"{which} with the certificate of .*CN *= *alice"):
                    assert re.search(words, said), (words, said)
            control, data = server.events("session.tls")[-1], server.wait_for("transfer.end")
            data = server.events("transfer.end")[-1]
            for event in (control, data):
                assert event["tls"] == version and event["cipher"].startswith("TLS_"), event
                assert event["alpn"] == "ftp" and event["server_name"] == MAIN and "alice" in event["client"], event
            assert control["resumed"] == "no" and "resumed" in data["proof"], (control, data)


@contextlib.contextmanager
def fixture():
    with peers.scratch() as folder:
        yield Hosts(folder)


if __name__ == "__main__":
    socket.setdefaulttimeout(20)
    tap.main(sys.modules[__name__], fixture)
