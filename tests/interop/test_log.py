#!/usr/bin/env python3
"""The log of ferryd: what its events say of every kind of failure, and that all of them are in the table."""

import contextlib
import ftplib
import os
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
from daemon import PASSWORD, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

TREE = pathlib.Path(__file__).parents[2]
SIDES = {"client", "server", "network", "peer-config"}
WRONG = "not the horse at all"
NAME = re.compile(r'"((?:[a-z]+(?:-[a-z]+)*)\.[a-z]+(?:-[a-z]+)*)"')
NO_EVENTS = {"ca.pem", "ferryd.conf"}

CONF = f"""\
log_level = debug
listen "127.0.0.1:0" {{
    certificate = tls/server.pem key = tls/server.key
    login_delay = 1ms data_timeout = 1s stall_timeout = 2s log_events_per_minute = 0
}}
account "{USER}" {{ password_hash = "HASH" home = home quota = 100K }}
account "reader" {{ password_hash = "HASH" home = home read_only = yes sessions_max = 1 }}
"""


class AnyTls(ftplib.FTP_TLS):
    """ftplib resumes no session: what a server that demands it does not take."""


@contextlib.contextmanager
def serve():
    with daemon.running(CONF) as server:
        yield server


def connect(server, user=USER):
    return Raw(server.port).login(user, PASSWORD)


def failure(server, name, count=1):
    """The last of `count` events of that name, which must say all that a failure says."""
    event = server.wait_for(name, count)
    assert event["reason"] and event["side"] in SIDES and event["advice"], event
    return event


# ---- the table ----

@test("every event of the sources is in the table, all of the table are in the sources, and the manual has them")
def the_table(_):
    sources = [path for room in ("server", "ferryd", "embed") for path in sorted((TREE / "src" / room).rglob("*.c"))]
    used = {name for path in sources for name in NAME.findall(path.read_text(encoding="utf-8"))} - NO_EVENTS
    table = (TREE / "src" / "base" / "events.def").read_text(encoding="utf-8")
    rows = re.findall(r'^EVENT\("([^"]+)"', table, re.MULTILINE)
    assert len(rows) == len(set(rows)), "an event has two rows"
    assert used - set(rows) == set(), f"not in events.def: {sorted(used - set(rows))}"
    missing = {name for name in rows if not any(f'"{name}"' in path.read_text(encoding="utf-8") for path in sources)}
    assert not missing, f"in events.def alone: {sorted(missing)}"
    printed = subprocess.run([TREE / "scripts" / "manual", "--events"], capture_output=True, text=True, check=True).stdout
    assert printed in (TREE / "docs" / "man" / "ferryd.8").read_text(encoding="utf-8"), "scripts/manual writes it anew"


# ---- failures ----

@test("SEC-81 wrong passwords and unknown names: the log says so, the client is told neither")
def wrong_password(server):
    for name in (USER, "nobody at all"):
        raw = Raw(server.port).seal()
        raw.command(f"USER {name}", 331)
        assert raw.command(f"PASS {WRONG}", 530)[1] == "530 Login incorrect.\r\n"
        raw.close()
    event = failure(server, "session.login-failed", 2)
    assert event["side"] == "client" and event["account"] == "nobody at all" and event["peer"] == "127.0.0.1", event
    assert WRONG not in server.log_text() and PASSWORD not in server.log_text()


def s_client(server, *words):
    """openssl's client, which ends at once."""
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-starttls", "ftp", *words],
                          input=b"QUIT\r\n", capture_output=True, check=False, timeout=30)


@test("TLS that does not fit: versions and ciphers by openssl s_client, a CA that the client does not know, by curl")
def tls_mismatch(server):
    s_client(server, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    event = failure(server, "session.tls-failed", 1)
    assert event["side"] == "peer-config" and "versions of TLS" in event["reason"], event
    s_client(server, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
    event = failure(server, "session.tls-failed", 2)
    assert event["side"] == "peer-config" and "cipher" in event["reason"], event
    subprocess.run([peers.need("curl"), "-sS", "--ssl-reqd", f"ftp://127.0.0.1:{server.port}/"], capture_output=True,
                   check=False, timeout=30)
    event = failure(server, "session.tls-failed", 3)
    assert event["alert"] == "unknown_ca (TLS alert 48)" and "CA" in event["advice"], event
    raw = Raw(server.port)
    raw.reply()
    raw.command("AUTH TLS", 234)
    raw.close()
    event = failure(server, "session.tls-failed", 4)
    assert "handshake" in event["reason"], event


@test("TLS-100 ftplib does not resume: 522, and in the log why and what to do; the transfer failed")
def no_resumption(server):
    context = ssl.create_default_context(cafile=server.ca)
    context.check_hostname = False
    with AnyTls(context=context, timeout=20) as client:
        client.connect("127.0.0.1", server.port)
        client.login(USER, PASSWORD)
        client.prot_p()
        try:
            client.retrlines("LIST", lambda _: None)
        except ftplib.all_errors as error:
            assert "522" in str(error) or isinstance(error, (OSError, EOFError)), error
    event = failure(server, "data.refused")
    assert event["side"] == "peer-config" and "reuse" in event["reason"] and "data_resume" in event["advice"], event
    event = failure(server, "transfer.failed")
    assert event["reply"] == 522 and event["verb"] == "LIST", event


@test("a cut upload: reason, side, bytes; a later one that is whole has rate, TLS and how it was the client's")
def cut_upload(server):
    raw = connect(server)
    data = raw.passive()
    raw.send("STOR cut\r\n")
    data = raw.sealed(data)
    assert raw.reply()[0] == 150
    data.sendall(b"x" * 5000)
    os.close(data.detach())  # no close_notify
    assert raw.reply()[0] == 426
    event = [e for e in server.events("transfer.failed") if e["verb"] == "STOR"][-1]
    assert event["bytes"] == 5000 and event["side"] in ("client", "network") and event["path"] == "/cut", event
    assert "close_notify" in event["reason"] or "reset" in event["reason"], event
    raw.command("QUIT", 221)
    done = subprocess.run([peers.need("curl"), "-sS", "-k", "--ssl-reqd", "-u", f"{USER}:{PASSWORD}", "-T", "-",
                           f"ftp://127.0.0.1:{server.port}/whole"], input=b"y" * 4000, check=False, timeout=30)
    assert done.returncode == 0, done
    event = server.wait_for("transfer.end")
    assert event["bytes"] == 4000 and event["rate"] > 0 and event["took"] >= 0 and event["tls"] == "TLSv1.3", event
    assert event["cipher"].startswith("TLS_") and event["proof"] and event["path"] == "/whole", event


@test("a full quota, by lftp: the side is the client's, and the advice names the quota")
def full_quota(server):
    with peers.scratch() as folder:
        (folder / "big").write_bytes(b"q" * 200_000)
        script = (f"set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set net:max-retries 1;"
                  f" open -u {USER},'{PASSWORD}' -p {server.port} 127.0.0.1; put {folder}/big; bye")
        subprocess.run([peers.need("lftp"), "-c", script], capture_output=True, check=False, timeout=60)
    failed = [e for e in server.events("transfer.failed") if e["path"] == "/big"]
    assert failed and failed[-1]["reply"] == 552 and failed[-1]["side"] == "client", server.log_text()[-3000:]
    assert "quota" in failed[-1]["advice"], failed


@test("what is not there, is there already or is forbidden: command.failed with path and reason; deeds have events")
def commands(server):
    raw = connect(server)
    raw.command("MKD new", 257)
    assert server.wait_for("directory.made")["path"] == "/new"
    raw.command("MKD new", 550)
    assert failure(server, "command.failed", 1)["verb"] == "MKD"
    raw.command("DELE \x1b[2Jmissing", 550)
    event = failure(server, "command.failed", 2)
    assert event["path"] == "/\\x1b[2Jmissing" and event["side"] == "client", event
    raw.command("RNFR new", 350)
    raw.command("RNTO old", 250)
    assert (server.wait_for("file.renamed")["from"], server.events("file.renamed")[0]["path"]) == ("/new", "/old")
    raw.command("RMD old", 250)
    assert server.wait_for("directory.removed")["path"] == "/old"
    raw.command("QUIT", 221)


@test("limits: an account's sessions, and time-outs, whose advice names the directive")
def limits(server):
    first = connect(server, "reader")
    second = Raw(server.port).seal()
    second.command("USER reader", 331)
    second.command(f"PASS {PASSWORD}", 421)
    refused = [e for e in server.events("session.limited") + server.events("login.refused") if e["account"] == "reader"]
    assert refused and all(e["reason"] and e["side"] and e["advice"] for e in refused), server.log_text()[-2000:]
    first.command("QUIT", 221)
    with daemon.running(CONF.replace("login_delay = 1ms", "login_timeout = 1s")) as other:
        raw = Raw(other.port)
        assert raw.reply()[0] == 220 and raw.reply()[0] == 421
        event = failure(other, "session.refused")
        assert event["side"] == "client" and "login_timeout" in event["advice"], event
        raw = connect(other)
        raw.command("EPSV", 229)
        raw.command("LIST", 150)  # and nobody comes
        assert raw.reply()[0] == 425
        event = failure(other, "transfer.failed")
        assert event["reply"] == 425 and event["side"] == "network", event


@test("who is no FTP client: told so, and turned away")
def foreigner(server):
    before = len(server.events("session.refused"))
    with socket.create_connection(("127.0.0.1", server.port), 20) as peer:
        peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while peer.recv(4096):
            pass
    assert failure(server, "session.refused", before + 1)["side"] == "client"


# ---- what holds for all ----

@test("a session's events have its number, which no other has; at its end there are totals")
def sessions(server):
    raw = connect(server)
    data = raw.passive()
    raw.send("STOR counted\r\n")
    data = raw.sealed(data)
    raw.reply()
    data.sendall(b"z" * 1234)
    with contextlib.suppress(OSError):
        data.unwrap()
    data.close()
    assert raw.reply()[0] == 226
    assert raw.fetch("counted")[0] == b"z" * 1234
    raw.command("QUIT", 221)
    number = [e for e in server.events("transfer.end") if e["path"] == "/counted"][0]["session"]
    peers.wait_until(lambda: any(e["session"] == number for e in server.events("session.close")), "its end")
    event = [e for e in server.events("session.close") if e["session"] == number][0]
    assert (event["uploads"], event["downloads"], event["received"], event["sent"]) == (1, 1, 1234, 1234), event
    assert event["why"] == "QUIT" and event["account"] == USER, event
    numbers = [e["session"] for e in server.events("session.open")]
    assert len(numbers) == len(set(numbers)) and all(0 < n < 1 << 53 for n in numbers), numbers
    with daemon.running(CONF) as other:
        Raw(other.port).close()
        assert other.wait_for("session.open")["session"] not in numbers
    sealed = [e for e in server.events("session.tls") if e["session"] == number][0]
    assert sealed["tls"] == "TLSv1.3" and sealed["cipher"] and sealed["resumed"] == "no", sealed
    opened = [e for e in server.events("session.open") if e["session"] == number][0]
    assert opened["port"] == server.port and opened["listener"] == "explicit", opened


@test("every event with a reason says whose doing it was and what to do; none has a password")
def all_of_them(server):
    names = re.findall(r'"event":"([^"]+)"', server.log_text())
    assert len(set(names)) > 15, sorted(set(names))
    for name in sorted(set(names)):
        for event in server.events(name):
            assert "reason" not in event or (event["reason"] and event.get("side") in SIDES and event.get("advice")), event
    assert PASSWORD not in server.log_text() and WRONG not in server.log_text()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], serve)
