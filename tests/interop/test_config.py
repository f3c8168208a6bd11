#!/usr/bin/env python3
"""ferryd.conf: what `ferryd check` says, what `ferryd run` serves, and what a reload changes and does not."""

import contextlib
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER, ferryd, running  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

MANUAL = pathlib.Path(__file__).parents[2] / "docs" / "man" / "ferryd.conf.5"


def session(server, index=0, **options):
    return Raw(server.port_of(index), **options).login(USER, PASSWORD)


def fetch(raw, name):
    """RETR over a sealed data connection."""
    connection = raw.passive()
    raw.send(f"RETR {name}\r\n")
    with raw.sealed(connection) as data:
        assert raw.reply()[0] == 150
        content = b""
        while block := data.recv(1 << 16):
            content += block
        with contextlib.suppress(OSError):
            data.unwrap()
    assert raw.reply()[0] == 226
    return content


def served_certificate(port):
    """What a new connection is shown, in DER."""
    raw = Raw(port)
    assert raw.reply()[0] == 220
    raw.command("AUTH TLS", 234)
    raw.start_tls()
    der = raw.socket.getpeercert(binary_form=True)
    raw.socket.close()
    return der


def der_of(path):
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def replace_certificate(server, also_key=True):
    """A new certificate and key, renamed over the old ones as certbot and others do. Returns its DER."""
    _, certificate, key = peers.make_certificate(server.folder / "new")
    if also_key:
        os.replace(key, server.key)
    os.replace(certificate, server.certificate)
    return der_of(server.certificate)


# ---- check ----

TEN_MISTAKES = """\
sessions_max = 0
log_levl = notice
log_form = yaml
listen "127.0.0.1:0" {
    certificate = missing.pem
    tls = implict
    idle_timeout = 20
    passive_ports = 6000-5000
    home = /
}
listn "x" {
    tls = explicit
}
listen "127.0.0.1" { plaintext = allow }
account "anna" {
    password_hash = "hunter2"
    home = nowhere
}
account "bert" { home = . }
"""

TEN_ANSWERS = """\
1: sessions_max: 0 is not between 1 and 1000000
2: there is no directive log_levl; did you mean log_level?
3: log_form: "yaml" is none of text, json
5: certificate: FOLDER/missing.pem: it cannot be read: No such file or directory
6: tls: "implict" is none of explicit, implicit, either; did you mean implicit?
7: idle_timeout: "20" is not a duration like 500ms, 20s, 10min, 2h or 7d
8: passive_ports: "6000-5000" is not a range of ports like 50000-50100
9: home belongs into account blocks
11: there is no block listn; did you mean listen?
14: listen: "127.0.0.1" is not an address and port like 192.0.2.1:21 or [::]:21
16: password_hash: it is no hash that this system can check; "ferryd hash" makes one
"""


@test("check tells every mistake of a file at once, each with its line and what would be right")
def ten_mistakes(_):
    with peers.scratch() as folder:
        conf = folder / "ferryd.conf"
        conf.write_text(TEN_MISTAKES)
        checked = ferryd("check", "-c", conf)
        assert checked.returncode == 1, checked
        *said, _count = checked.stdout.splitlines()
        expected = [f"{conf}:{line}" for line in TEN_ANSWERS.replace("FOLDER", str(folder)).splitlines()]
        assert said[:len(expected)] == expected, checked.stdout
        assert f'{conf}:19: account "bert" lacks password_hash' in said, checked.stdout


@test("check tells contradictions")
def contradictions(_):
    cases = (
        ('listen "127.0.0.1:0" { tls = implicit }', "1: tls: implicit TLS needs a certificate"),
        ('listen "127.0.0.1:0" { }', '1: listen "127.0.0.1:0" lacks certificate; to serve in clear, write plaintext'),
        ('listen "127.0.0.1:0" {\nplaintext = allow\nkey = k }', "3: key: there is no certificate that it is for"),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/ca.key }', "2: certificate: "),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/server.key\ntls_min = 1.3\ntls_max = 1.2 }',
         "4: tls_min: it is above tls_max"),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/server.key\nclient_certificates = required }',
         "4: client_certificates: client_ca must tell who signs them, or client_pins which are trusted"),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/server.key\nclient_ca = tls/ca.pem }',
         "4: client_ca: nobody is asked"),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/server.key\n'
         'client_certificates = optional\nclient_pins = {"sha256//x"}\nclient_crl = tls/ca.pem }',
         '5: client_pins: "sha256//x" is not sha256// and 44 letters of base64'),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/server.key\nocsp_response = tls/ca.pem }',
         "2: certificate: "),
        ('listen "127.0.0.1:0" {\ncertificate = tls/server.pem\nkey = tls/server.key\nclient_ca = tls/ca.pem\n'
         'client_certificates = optional\nclient_crl = tls/server.key }', "2: certificate: "),
        ('listen "127.0.0.1:0" {\nplaintext = allow\npassive_networks = {"10.0.0.0/8 here", "10.0.0.0"} }',
         '3: passive_networks: "here" is not a numeric address, and not local'),
        ('listen "127.0.0.1:0" {\nplaintext = allow\npassive_address = 192.0.2.1\npassive_name = localhost }',
         "1: the passive address is told by a name and by a number"),
        ("web = 0.0.0.0:8443\nweb_password_hash = x", "1: web: the page has no TLS of its own"),
        ('web = "[::ffff:127.0.0.1]:1"\nweb_password_hash = x', "1: web: the page has no TLS of its own"),
        ("web = 127.0.0.1:8443", '1: web: nobody could log in: web_password_hash is what "ferryd hash" prints'),
        ('web = "[::1]:8443"\nweb_password_hash = plain', "2: web_password_hash: it is no hash of a password"),
        ("web_user = me", "1: web_user: there is no page that it is of: write web = 127.0.0.1:8443"),
        ("log_form = text", "there is no listen block"),
        ('account "a" { password_hash = "HASH" home = nowhere }\nlisten "127.0.0.1:0" { plaintext = allow }', "1: home: "),
    )
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        conf = folder / "ferryd.conf"
        for text, expected in cases:
            conf.write_text(text.replace("HASH", daemon.password_hash()))
            checked = ferryd("check", "-c", conf)
            assert checked.returncode == 1 and expected in checked.stdout, (text, checked)


@test("SEC-91 what a file holds reaches no terminal raw")
def hostile_names(_):
    with peers.scratch() as folder:
        conf = folder / "ferryd.conf"
        conf.write_bytes(b"\x1b]0;owned\x07 = 1\nlog_form = \"\\x1b[2J\xff\"\n")
        checked = ferryd("check", "-c", conf)
        assert checked.returncode == 1
        assert all(c == "\n" or c.isprintable() for c in checked.stdout), checked.stdout


@test("check of a file that is not there, is a folder, or has no mistake")
def whole_files(_):
    with peers.scratch() as folder:
        assert "it cannot be read: No such file" in ferryd("check", "-c", folder / "none").stdout
        assert ferryd("check", "-c", folder).returncode == 1
        (folder / "more").mkdir()
        (folder / "more" / "accounts").write_text(
            f'account "{USER}" {{ password_hash = "{daemon.password_hash()}" home = ".." }}\n')
        (folder / "f").write_text('include = more/accounts\nlisten "127.0.0.1:0" { plaintext = allow }\n')
        checked = ferryd("check", "-c", folder / "f")
        assert checked.returncode == 0, checked


# ---- config ----

@test("config --effective prints what holds, and where it is set")
def effective(_):
    with peers.scratch() as folder:
        conf = folder / "f"
        conf.write_text('sessions_max = 7\nlisten "127.0.0.1:0" {\n plaintext = allow\n}\n'
                        f'account "anna" {{ password_hash = "{daemon.password_hash()}" home = . }}\n'
                        f'account "bert" {{ password_hash = "{daemon.password_hash()}" home = . }}\n')
        said = ferryd("config", "--effective", "-c", conf).stdout
        assert f'sessions_max = "7" # {conf}:1\n' in said, said
        assert f'    plaintext = "allow" # {conf}:3\n' in said, said
        assert '    tls = "explicit" # default\n' in said, said
        assert "$y$" not in said
        said = ferryd("config", "--effective", "-c", conf, "--for", "bert").stdout
        assert "bert" in said and "anna" not in said
        assert ferryd("config", "--effective", "-c", conf, "--for", "carl").returncode == 1


@test("the manual page lists the directives as the table has them")
def manual_page(_):
    printed = ferryd("config", "--manual").stdout
    assert printed and printed in MANUAL.read_text(), "scripts/manual writes it anew"


# ---- run ----

@test("run serves curl by explicit and implicit TLS")
def run_serves(_):
    curl = peers.need("curl")
    text = SIMPLE + 'listen "[::1]:0" { tls = implicit certificate = tls/server.pem key = tls/server.key }\n'
    with running(text) as server:
        (server.home / "f").write_bytes(b"content")
        for url in (f"ftp://127.0.0.1:{server.port_of(0)}/f", f"ftps://[::1]:{server.port_of(1)}/f"):
            got = subprocess.run([curl, "-sS", "--cacert", server.ca, "--ssl-reqd", "-u", f"{USER}:{PASSWORD}", url],
                                 capture_output=True, check=False, timeout=60)
            assert got.returncode == 0 and got.stdout == b"content", (got, server.log_text())


@test("TLS-151 SEC-22 rules by network: what PASV tells, and whose connections begin with a PROXY header")
def rules_by_network(_):
    text = SIMPLE.replace("}", """
        passive_address = 192.0.2.9
        passive_networks = {"10.0.0.0/8 local", "127.0.0.0/8 198.51.100.7"}
    }""", 1).replace("127.0.0.1:0", "0.0.0.0:0")
    with running(text) as server:
        _, told = session(server).command("PASV", 227)
        assert "198,51,100,7" in told, told
        server.reload(text.replace("127.0.0.0/8 198", "127.0.0.2/32 198"))
        _, told = session(server).command("PASV", 227)
        assert "192,0,2,9" in told, told
        server.reload(text.replace("passive_address", "proxies = 127.0.0.1\npassive_address"))
        raw = Raw(server.port)
        raw.send("PROXY TCP4 10.1.2.3 127.0.0.1 1000 21\r\n")
        raw.login(USER, PASSWORD)
        peers.wait_until(lambda: "10.1.2.3" in server.log_text(), "the client in the log")


def refuses_handshake(port):
    """Whether a client without a certificate and without ALPN gets nowhere."""
    raw = Raw(port)
    raw.reply()
    raw.command("AUTH TLS", 234)
    try:
        raw.start_tls()
        raw.command("NOOP")
    except (ssl.SSLError, EOFError, ConnectionResetError):
        return True
    return False


@test("TLS-120 rules of the handshake: a client certificate, ALPN, by reload")
def rules_of_handshake(_):
    with running() as server:
        assert not refuses_handshake(server.port)
        for rule in ("client_certificates = required client_ca = tls/ca.pem", "alpn = required"):
            server.reload(SIMPLE.replace("}", rule + " }", 1))
            assert not server.events("reload.refused"), server.log_text()
            assert refuses_handshake(server.port), rule


@test("rules of an account: names denied, dotfiles hidden")
def rules_of_account(_):
    text = SIMPLE.replace("home = home", 'home = home dotfiles = hide denied_names = {"*.exe", "no"}')
    with running(text) as server:
        (server.home / ".hidden").write_bytes(b"")
        (server.home / "shown").write_bytes(b"")
        raw = session(server)
        raw.command("MKD a.exe", 550, 553)
        raw.command("MKD no", 550, 553)
        raw.command("MKD .ssh", 257)
        _, told = raw.command("STAT /", 212, 213)
        assert "shown" in told and "hidden" not in told, told


@test("SEC-35 control bytes in new names are refused unless the account may give them")
def control_bytes(_):
    for rule, codes in (("", (550, 553)), ("control_bytes = allow", (257,))):
        with running(SIMPLE.replace("home = home", f"home = home {rule}")) as server:
            raw = session(server)
            raw.command("MKD a\x01b", *codes)
            raw.command("MKD tab\t", *codes)
            raw.command("MKD plain", 257)


@test("a wrong password and an unknown name are refused alike, and as slowly")
def refused_alike(_):
    with running(SIMPLE.replace("}", "login_delay = 1ms }", 1)) as server:
        took = []
        for user in (USER, "nobody"):
            raw = Raw(server.port)
            raw.reply()
            raw.command("AUTH TLS", 234)
            raw.start_tls()
            raw.command(f"USER {user}", 331)
            began = time.monotonic()
            _, text = raw.command("PASS wrong", 530)
            took.append((time.monotonic() - began, text))
            raw.socket.close()
        assert took[0][1] == took[1][1]
        assert took[1][0] > took[0][0] / 4, took


@test("run refuses a file with mistakes and tells them all")
def run_refuses(_):
    with peers.scratch() as folder:
        conf = folder / "f"
        conf.write_text("a = 1\nb = 2\n")
        ran = ferryd("run", "-c", conf)
        assert ran.returncode == 1 and ":1: " in ran.stderr and ":2: " in ran.stderr, ran


@test("run tells an address that is taken")
def address_taken(_):
    with running() as server, peers.scratch() as folder:
        conf = folder / "f"
        conf.write_text(server.conf.read_text().replace("127.0.0.1:0", f"127.0.0.1:{server.port}")
                        .replace("tls/", f"{server.folder}/tls/").replace("home = home", f"home = {folder}"))
        ran = ferryd("run", "-c", conf)
        assert ran.returncode == 1 and f"{conf}:2: " in ran.stderr and "in use" in ran.stderr, ran


# ---- reload ----

@test("SIGHUP: a new certificate for new connections, a session that runs transfers on")
def reload_certificate(_):
    with running() as server:
        (server.home / "f").write_bytes(b"content")
        raw = session(server)
        assert served_certificate(server.port) == der_of(server.certificate)
        new = replace_certificate(server)
        server.reload()
        assert served_certificate(server.port) == new
        assert fetch(raw, "f") == b"content"
        raw.command("QUIT", 221)


@test("a changed certificate is noticed without a signal")
def certificate_noticed(_):
    with running() as server:
        (server.home / "f").write_bytes(b"content")
        raw = session(server)
        new = replace_certificate(server)
        server.wait_for("certificate.renewed")
        assert served_certificate(server.port) == new
        assert fetch(raw, "f") == b"content"


@test("a certificate without its key is not taken, and is when the key comes")
def certificate_without_key(_):
    with running() as server:
        old = der_of(server.certificate)
        new = replace_certificate(server, also_key=False)
        server.wait_for("certificate.kept")
        assert "config.mistake" in server.log_text()
        assert served_certificate(server.port) == old
        os.replace(server.folder / "new" / "server.key", server.key)
        server.wait_for("certificate.renewed")
        assert served_certificate(server.port) == new


@test("a certificate behind a symbolic link that is turned is noticed")
def certificate_link(_):
    with running(SIMPLE.replace("tls/server", "live/server")
                 .replace("live/", "tls/")) as server:
        archive = server.folder / "archive"
        archive.mkdir()
        for name in ("server.pem", "server.key"):
            shutil.move(server.folder / "tls" / name, archive / name)
            (server.folder / "tls" / name).symlink_to(archive / name)
        server.reload()
        _, certificate, key = peers.make_certificate(server.folder / "archive2")
        for path in (key, certificate):
            link = server.folder / "tls" / "link"
            link.symlink_to(path)
            os.replace(link, server.folder / "tls" / path.name)
        server.wait_for("certificate.renewed")
        assert served_certificate(server.port) == der_of(certificate)


@test("a reload with a mistake changes nothing, and the log tells every mistake")
def broken_reload(_):
    with running() as server:
        server.reload("sessions_mx = 3\nlog_level = loud\n" + SIMPLE)
        mistakes = server.events("config.mistake")
        assert [m["line"] for m in mistakes] == [2, 3], mistakes
        assert server.events("reload.refused")
        session(server).command("QUIT", 221)
        server.reload(SIMPLE)
        assert server.events("server.reload")


@test("a reload gives new sessions new rules, and leaves the old ones theirs")
def reload_rules(_):
    with running() as server:
        old = session(server)
        server.reload(SIMPLE.replace("}", "mode_z = yes }", 1))
        old.command("MODE Z", 504)
        session(server).command("MODE Z", 200)


@test("a reload adds and removes listeners and accounts; sessions of both go on")
def reload_listeners(_):
    with running() as server:
        (server.home / "f").write_bytes(b"content")
        old = session(server)
        port = server.port
        changed = SIMPLE.replace('"127.0.0.1:0"', '"127.0.0.2:0"').replace(USER, "bert")
        server.reload(changed)
        assert not peers.accepts(port)
        assert server.events("server.unlisten")
        raw = Raw(server.port_of(1), host="127.0.0.2").login("bert", PASSWORD)
        raw.command("QUIT", 221)
        assert fetch(old, "f") == b"content"
        again = Raw(server.port_of(1), host="127.0.0.2")
        again.reply()
        again.command("AUTH TLS", 234)
        again.start_tls()
        again.command(f"USER {USER}", 331)
        again.command(f"PASS {PASSWORD}", 530)


@test("a file with mistakes, reloaded twenty times, still reloads right at last")
def many_reloads(_):
    with running() as server:
        server.reload(SIMPLE)
        for _i in range(20):
            server.reload('include = more\nx = "open\n' + SIMPLE)
        assert len(server.events("reload.refused")) == 20
        server.reload(SIMPLE)
        assert len(server.events("server.reload")) == 2
        session(server).command("QUIT", 221)


# ---- the end ----

@test("SIGTERM lets a transfer finish; a second one ends at once")
def drain(_):
    with running() as server:
        with open(server.home / "big", "wb") as big:
            big.truncate(64 << 20)
        raw = session(server)
        connection = raw.passive()
        raw.send("RETR big\r\n")
        with raw.sealed(connection) as data:
            assert raw.reply()[0] == 150
            data.recv(1)
            os.kill(server.child.pid, signal.SIGTERM)
            peers.wait_until(lambda: not peers.accepts(server.port), "the listener's end")
            received = 1
            while block := data.recv(1 << 16):
                received += len(block)
        assert received == 64 << 20
        assert raw.reply()[0] == 226
        server.child.wait(20)
    with running() as server:
        raw = session(server)
        connection = raw.passive()
        (server.home / "f").write_bytes(b"")
        raw.send("STOR x\r\n")
        with raw.sealed(connection):
            assert raw.reply()[0] == 150
            os.kill(server.child.pid, signal.SIGTERM)
            server.wait_for("server.drain")
            assert server.child.poll() is None
            os.kill(server.child.pid, signal.SIGTERM)
            server.child.wait(10)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
