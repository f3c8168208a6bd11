#!/usr/bin/env python3
"""Certificates of clients at `ferryd run`: listeners, accounts' policies, rules, revocation; with curl, lftp, ferry."""

import contextlib
import os
import pathlib
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from authority import Authority, fingerprint, key_pin, serial  # noqa: E402
from daemon import PASSWORD  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

CONTENT = b"what alice may read\n" * 100

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

LISTEN = """\
listen "127.0.0.1:0" {{
    certificate = tls/server.pem
    key = tls/server.key
    login_delay = 1ms
    client_certificates = {0}
    client_ca = "{1.ca}"
    {2}
}}
"""

ACCOUNT = 'account "{}" {{ home = home {} }}\n'
BY_PASSWORD = 'password_hash = "HASH" '


def listen(authority, certificates="optional", more=""):
    return LISTEN.format(certificates, authority, more)


def account(name, policy="cert", rules=(), more=""):
    listed = ", ".join(f'"{rule}"' for rule in rules)
    words = BY_PASSWORD if policy != "cert" else ""
    words += f"login = {policy} " + (f"certificates = {{{listed}}} " if rules else "") + more
    return ACCOUNT.format(name, words)


@contextlib.contextmanager
def serving(text):
    with daemon.running(text) as server:
        (server.home / "f").write_bytes(CONTENT)
        yield server


def refusal_of(server):
    """The reason that the log gives for the refusal of a login that came last."""
    return server.events("login.refused")[-1]["reason"]


def curl(server, user, certificate, *words):
    """What curl fetches, or None, and what it said to the server."""
    argv = [peers.need("curl"), "-sv", "--ssl-reqd", "--cacert", server.ca, "--user", user,
            f"ftp://localhost:{server.port}/f", *words]
    if certificate:
        argv += ["--cert", certificate[0], "--key", certificate[1]]
    done = subprocess.run(list(map(str, argv)), capture_output=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else None, done.stderr.decode(errors="replace")


# ---- listeners ----

@test("TLS-71 a listener asks for no certificate, takes one, or demands one")
def listeners(authority):
    alice = authority.issue("alice")
    text = (listen(authority, "optional") + listen(authority, "required").replace(":0", ":0", 1)
            .replace("127.0.0.1", "127.0.0.2")
            + 'listen "127.0.0.3:0" { certificate = tls/server.pem key = tls/server.key }\n'
            + account("alice", "cert-or-password", ["cn:alice"]))
    with serving(text) as server:
        optional, required, none = (server.port_of(i) for i in range(3))
        for tls in VERSIONS:
            Raw(optional, tls=tls).login("alice", PASSWORD).command("QUIT", 221)
            Raw(optional, tls=tls, certificate=alice).login("alice").command("QUIT", 221)
            Raw(required, host="127.0.0.2", tls=tls, certificate=alice).login("alice").command("QUIT", 221)
            Raw(none, host="127.0.0.3", tls=tls, certificate=alice).login("alice", PASSWORD).command("QUIT", 221)
            raw = Raw(required, host="127.0.0.2", tls=tls)
            try:
                raw.seal()
                raw.command("NOOP")
            except (OSError, EOFError) as refused:
                assert "certificate" in str(refused).lower() or "handshake" in str(refused).lower(), refused
            else:
                raise AssertionError("a client without a certificate was served")


@test("TLS-75 a certificate of another CA, and one for servers, are refused in the handshake")
def strangers(authority):
    with peers.scratch() as folder:
        other = Authority(folder, "Others").issue("alice")
        wrong_use = authority.issue("server-use", usage="serverAuth")
        with serving(listen(authority) + account("alice", "cert", ["cn:alice", "cn:server-use"])) as server:
            for certificate in (other, wrong_use):
                raw = Raw(server.port, certificate=certificate)
                try:
                    raw.seal()
                    raw.command("USER alice")
                except (OSError, EOFError):
                    continue
                raise AssertionError(f"{certificate} was taken")
            Raw(server.port, certificate=authority.issue("alice")).login("alice").command("QUIT", 221)


# ---- accounts ----

@test("TLS-70 TLS-71 TLS-72 TLS-73 each policy of an account, with and without certificate and password")
def policies(authority):
    alice, other = authority.issue("alice"), authority.issue("other")
    rule = ["cn:alice"]
    text = listen(authority) + "".join(
        account(policy, policy, rule if policy != "password" else ())
        for policy in ("password", "cert", "cert-or-password", "cert-and-password"))
    # account, certificate, reply to USER, reply to the right PASS, reply to a wrong one
    rows = (
        ("password", alice, 331, 230, 530),
        ("password", None, 331, 230, 530),
        ("cert", alice, 232, 230, 230),
        ("cert", other, 331, 530, 530),
        ("cert", None, 331, 530, 530),
        ("cert-or-password", alice, 232, 230, 230),
        ("cert-or-password", other, 331, 230, 530),
        ("cert-or-password", None, 331, 230, 530),
        ("cert-and-password", alice, 331, 230, 530),
        ("cert-and-password", other, 331, 530, 530),
        ("cert-and-password", None, 331, 530, 530),
        ("nobody", alice, 331, 530, 530),
        ("nobody", None, 331, 530, 530),
    )
    with serving(text) as server:
        for user, certificate, to_user, to_right, to_wrong in rows:
            for password, to_pass in ((PASSWORD, to_right), ("wrong", to_wrong)):
                raw = Raw(server.port, certificate=certificate).seal()
                raw.command("PWD", 530)  # TLS-70: the certificate alone logs nobody in
                code, said = raw.command(f"USER {user}")
                assert code == to_user, (user, certificate, said)
                if code == 331:
                    assert said == "331 Password required.\r\n", said
                code, said = raw.command(f"PASS {password}")
                assert code == to_pass, (user, certificate, password, said)
                if code == 530:
                    assert said == "530 Login incorrect.\r\n", said
                raw.command("PWD", 257 if code == 230 else 530)
                raw.command("QUIT", 221)
        assert {e["by"] for e in server.events("session.login")} == {"certificate", "password"}
        reasons = {e["reason"] for e in server.events("login.refused") if e["account"].startswith("cert")}
        assert {"the client showed no certificate", "the client's certificate is not the account's"} <= reasons


@test("TLS-84 the certificate of alice with USER bob: his password decides, if his policy says so")
def not_anothers(authority):
    alice = authority.issue("alice")
    text = (listen(authority) + account("alice", "cert", ["cn:alice"]) + account("bob", "cert", ["cn:bob"])
            + account("bert", "cert-or-password", ["cn-is-user"]))
    with serving(text) as server:
        raw = Raw(server.port, certificate=alice).seal()
        raw.command("USER bob", 331)
        raw.command(f"PASS {PASSWORD}", 530)
        raw.command("USER bert", 331)
        raw.command(f"PASS {PASSWORD}", 230)
        raw = Raw(server.port, certificate=alice).login("alice")
        raw.command("QUIT", 221)


@test("TLS-80 TLS-82 every rule for certificates maps the one, and not the other")
def rules(authority):
    upn = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:anna@corp.example"
    anna = authority.issue("mapped", "/O=Ferry/CN=anna", f"email:anna@mail.example,DNS:anna,{upn},URI:urn:user:anna")
    other = authority.issue("unmapped", "/O=Ferry/CN=Anna B",
                            "email:anna@mail.example.org,DNS:anna.example,URI:urn:user:annabel")
    rows = (
        f"fingerprint:{fingerprint(anna[0])}",
        f"spki:{key_pin(anna[0])}",
        f"issuer-serial:CN=Clients,O=Ferry#{serial(anna[0])}",
        "subject:CN=anna,O=Ferry",
        "email:anna@MAIL.example",
        "dns:ANNA",
        "upn:anna@corp.example",
        "uri:urn:user:anna",
        "cn:anna",
        "email-local-is-user:mail.example",
        "upn-local-is-user:corp.example",
        "dns-is-user",
        "cn-is-user",
    )
    with serving(listen(authority) + account("anna", "cert", ["cn:nobody"])) as server:
        for rule in rows:
            server.reload(listen(authority) + account("anna", "cert", ["cn:nobody", rule]))
            assert not server.events("reload.refused"), (rule, server.log_text())
            raw = Raw(server.port, certificate=anna).seal()
            code, said = raw.command("USER anna")
            assert code == 232, (rule, said)
            raw.close()
            raw = Raw(server.port, certificate=other).seal()
            raw.command("USER anna", 331)
            raw.command("PASS x", 530)
            assert "not the account's" in refusal_of(server), rule
            raw.close()
    with serving(listen(authority) + account("anna@mail.example", "cert", ["email-is-user", "upn-is-user"])
                 + account("anna@corp.example", "cert", ["upn-is-user"])) as server:
        for user in ("anna@mail.example", "anna@corp.example"):
            Raw(server.port, certificate=anna).seal().command(f"USER {user}", 232)
            Raw(server.port, certificate=other).seal().command(f"USER {user}", 331)


@test("TLS-81 TLS-83 a name with a slash, and one of two common names, are nobody's")
def odd_names(authority):
    slash = authority.issue("slash", "/O=Ferry/CN=x", "email:a/b@mail.example,DNS:anna")
    two = authority.issue("two", "/O=Ferry/CN=other/CN=anna")
    text = (listen(authority) + account("a", "cert", ["email-local-is-user:mail.example"])
            + account("anna", "cert", ["cn:anna", "cn-is-user"]))
    with serving(text) as server:
        for user in ("a/b", "a"):
            Raw(server.port, certificate=slash).seal().command(f"USER {user}", 331)
        Raw(server.port, certificate=two).seal().command("USER anna", 331)


@test("an account demands a TLS of its own; the log alone tells why it is refused")
def account_tls(authority):
    text = (listen(authority, more="plaintext = allow") + account("m", "password", (), "tls = modern")
            + account("d", "password", (), "tls = default") + account("l", "password", (), "tls = legacy")
            + account("a", "password"))
    with serving(text) as server:
        tls12, tls13 = VERSIONS
        for user, version, code in (("m", tls12, 530), ("m", tls13, 230), ("d", tls12, 230), ("l", tls12, 230)):
            raw = Raw(server.port, tls=version).seal()
            raw.command(f"USER {user}", 331)
            _, said = raw.command(f"PASS {PASSWORD}", code)
            assert code == 230 or (said == "530 Login incorrect.\r\n" and "TLS 1.3" in refusal_of(server)), said
        for user, code in (("m", 530), ("d", 530), ("l", 530), ("a", 230)):
            raw = Raw(server.port)
            assert raw.reply()[0] == 220
            raw.command(f"USER {user}", 331)
            raw.command(f"PASS {PASSWORD}", code)
            assert code == 230 or "demands TLS" in refusal_of(server)


@test("check tells what is wrong with accounts that log in by certificate")
def checked(authority):
    cases = (
        (account("a", "cert"), 'account "a" lacks certificates, which its login demands'),
        (account("a", "cert", ["fingerprint:12"]), "certificates: "),
        (account("a", "cert", ["nick:anna"]), "certificates: "),
        (account("a", "password", ["cn:a"]), "certificates: the account logs in by password alone"),
        (account("a", "cert-and-password", ["cn:a"]).replace(BY_PASSWORD, ""), 'account "a" lacks password_hash'),
        (account("a", "cert", ["cn:a"], "tls = good"), 'tls: "good" is none of listener, legacy, default, modern'),
    )
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        (folder / "home").mkdir()
        for text, expected in cases:
            daemon.write_conf(folder, listen(authority) + text)
            done = daemon.ferryd("check", "-c", folder / "ferryd.conf")
            assert done.returncode == 1 and expected in done.stdout, (text, done)
            assert "1 mistake" in done.stdout, done
        daemon.write_conf(folder, daemon.SIMPLE + account("a", "cert", ["cn:a"]))
        done = daemon.ferryd("check", "-c", folder / "ferryd.conf")
        assert done.returncode == 1 and "login: no listener asks for certificates" in done.stdout, done


# ---- data connections ----

@test("TLS-78 data connections resume the session that the certificate was verified in, at both kinds of listener")
def data_connections(authority):
    alice = authority.issue("alice")
    for kind in ("optional", "required"):
        for resume in ("require", "prefer"):
            text = listen(authority, kind, f"data_resume = {resume}") + account("alice", "cert", ["cn:alice"])
            with serving(text) as server:
                for tls in VERSIONS:
                    raw = Raw(server.port, certificate=alice, tls=tls).login("alice")
                    for _ in range(3):
                        assert raw.fetch("f") == (CONTENT, True), (kind, resume, tls)
                    raw.command("QUIT", 221)


@test("TLS-78 a data connection with another certificate than the control connection, or none, is refused")
def data_by_another(authority):
    alice, other = authority.issue("alice"), authority.issue("other")
    text = listen(authority, "optional", "data_resume = prefer") + account("alice", "cert", ["cn:alice"])
    with serving(text) as server:
        for certificate in (other, None):
            raw = Raw(server.port, certificate=alice).login("alice")
            connection = raw.passive()
            raw.send("RETR f\r\n")
            stranger = Raw(server.port, certificate=certificate)  # for its context
            got = b""
            with contextlib.suppress(OSError):
                with stranger.context.wrap_socket(connection, suppress_ragged_eofs=False) as data:
                    got = data.recv(1)
            assert raw.reply()[0] == 150
            code, said = raw.reply()
            assert got == b"" and code == 522, (got, said)
        raw = Raw(server.port, certificate=alice).login("alice")
        assert raw.fetch("f", resume=False) == (CONTENT, False)


# ---- revocation ----

@test("TLS-75 a revoked certificate is refused, from the moment that the list comes; sessions go on")
def revoked(authority):
    with peers.scratch() as folder:
        mine = Authority(folder)
        alice, bob = mine.issue("alice"), mine.issue("bob")
        crl = mine.folder / "crl.pem"
        mine.revocation_list(crl)
        text = listen(mine, "optional", f'client_crl = "{crl}"') + account("alice", "cert", ["cn:alice", "cn:bob"])
        with serving(text) as server:
            old = Raw(server.port, certificate=alice).login("alice")
            mine.revoke(alice[0])
            mine.revocation_list(mine.folder / "new")
            os.replace(mine.folder / "new", crl)
            server.wait_for("certificate.renewed")
            raw = Raw(server.port, certificate=alice)
            try:
                raw.seal()
                raw.command("USER alice")
            except (OSError, EOFError):
                pass
            else:
                raise AssertionError("a revoked certificate was taken")
            peers.wait_until(lambda: any("revoked" in e["reason"] for e in server.events("session.tls-failed")),
                             f"the reason in the log ({server.log_text()})")
            Raw(server.port, certificate=bob).login("alice").command("QUIT", 221)
            old.command("NOOP", 200)
            assert old.fetch("f") == (CONTENT, True)


@test("a transfer that runs through reloads of certificate, list and rules ends whole")
def through_reloads(_):
    with peers.scratch() as folder:
        mine = Authority(folder)
        crl = folder / "crl.pem"
        mine.revocation_list(crl)
        alice = mine.issue("alice")
        text = listen(mine, "optional", f'client_crl = "{crl}"') + account("alice", "cert", ["cn:alice"])
        with serving(text) as server:
            big = os.urandom(1 << 20) * 16
            (server.home / "big").write_bytes(big)
            raw = Raw(server.port, certificate=alice).login("alice")
            connection = raw.passive()
            raw.send("RETR big\r\n")
            with raw.sealed(connection) as data:
                assert raw.reply()[0] == 150
                content = bytearray(data.recv(1000))
                peers.make_certificate(server.folder / "tls")
                mine.revocation_list(crl)
                server.reload(text.replace("cn:alice", "cn:nobody"))
                assert not server.events("reload.refused"), server.log_text()
                Raw(server.port, certificate=alice).seal().command("USER alice", 331)
                while block := data.recv(1 << 16):
                    content += block
                with contextlib.suppress(OSError):
                    data.unwrap()
            assert raw.reply()[0] == 226
            assert content == big
            assert raw.fetch("f") == (CONTENT, True)


# ---- real clients ----

@test("curl --cert: no password is needed, and the blind PASS after 232 is taken")
def with_curl(authority):
    alice = authority.issue("alice")
    with serving(listen(authority) + account("alice", "cert", ["cn:alice"])) as server:
        got, said = curl(server, "alice:wrong", alice)
        assert got == CONTENT and "< 232" in said, said
        got, said = curl(server, "alice:wrong", None)
        assert got is None and "< 530" in said, said


@test("lftp with ssl-cert")
def with_lftp(authority):
    alice = authority.issue("alice")
    lftp = peers.need("lftp")
    with serving(listen(authority, "required") + account("alice", "cert", ["cn:alice"])) as server:
        script = (f"set ssl:ca-file {server.ca}; set ssl:cert-file {alice[0]}; set ssl:key-file {alice[1]}; "
                  "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set net:max-retries 1; "
                  f"open -u alice,x ftp://localhost:{server.port}; cat f; ls")
        done = subprocess.run([lftp, "-c", script], capture_output=True, check=False, timeout=60)
        assert done.returncode == 0 and done.stdout.startswith(CONTENT), done
        assert server.events("session.login")[-1]["by"] == "certificate"


@test("ferry --cert")
def with_ferry(authority):
    alice = authority.issue("alice")
    with serving(listen(authority, "required") + account("alice", "cert", ["cn:alice"])) as server, \
            peers.scratch() as folder:
        argv = [os.environ["FERRY"], "get", "--ca", server.ca, "--cert", alice[0], "--key", alice[1],
                "-o", folder / "f", f"ftp://alice@localhost:{server.port}/f"]
        done = subprocess.run(list(map(str, argv)), input=b"", capture_output=True, check=False, timeout=60)
        assert done.returncode == 0 and (folder / "f").read_bytes() == CONTENT, done
        assert server.events("session.login")[-1]["by"] == "certificate"


@contextlib.contextmanager
def fixture():
    with peers.scratch() as folder:
        yield Authority(folder)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
