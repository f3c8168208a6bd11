#!/usr/bin/env python3
"""Who acts upon the log: fail2ban's filter, in text, JSON and the journal, with names that pretend to be addresses;
the nftables sets, in a network of their own."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import Skip, test  # noqa: E402

DATA = pathlib.Path(__file__).parents[2] / "data"
WRONG = "not the horse at all"
CONF = """\
log = {"stderr", "text:file:FOLDER/text.log", "json:file:FOLDER/json.log"}
listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key login_delay = 1ms log_events_per_minute = 0 }
account "USER" { password_hash = "HASH" home = home }
"""
HOSTILE = [
    "x peer=10.0.0.1 account=",
    "10.0.0.1",
    'a" peer=10.0.0.1 b="',
    "x\ty notice session.login-failed session=1 peer=10.0.0.1 account=z",
    '","peer":"10.0.0.1","account":"',
    '"}{"time":"2026-11-22T20:00:00.000Z","level":"notice","event":"session.login-failed","session":1,"peer":"10.0.0.1",',
    "2026-11-22T20:00:00.000Z notice session.login-failed session=1 peer=10.0.0.1 account=",
    "\u2028 notice session.login-failed session=1 peer=10.0.0.1 account=",
    "session.login-failed session=1 peer=10.0.0.1 account=x",
]


@contextlib.contextmanager
def logs():
    """The folder with the logs of a run in which logins failed, from 127.0.0.1, 127.0.0.2 and by hostile names."""
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        text = CONF.replace("FOLDER", str(folder)).replace("USER", USER)
        with daemon.running_in(folder, text) as server:
            for source, name in [("127.0.0.1", USER), ("127.0.0.2", "nobody")] + [("127.0.0.1", name) for name in HOSTILE]:
                raw = Raw(server.port, source=source).seal()
                raw.command(f"USER {name}", 331)
                raw.command(f"PASS {WRONG}", 530)
                raw.command(f"DELE {name}", 530)
                raw.close()
            raw = Raw(server.port).login(USER, daemon.PASSWORD)
            for name in HOSTILE:
                raw.command(f"DELE {name}", 550, 553)
            raw.command("QUIT", 221)
            server.wait_for("session.close", 2 + len(HOSTILE) + 1)
        yield folder


def addresses(log):
    """The addresses that fail2ban finds in a log, by how often."""
    program = peers.need("fail2ban-regex")
    done = subprocess.run([program, "--print-all-matched", log, DATA / "fail2ban" / "filter.d" / "ferryd.conf"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = subprocess.run([program, "-o", "ip", log, DATA / "fail2ban" / "filter.d" / "ferryd.conf"], capture_output=True,
                           text=True, check=True).stdout.split()
    return {address: found.count(address) for address in set(found)}, done.stdout


EXPECTED = {"127.0.0.1": 1 + len(HOSTILE), "127.0.0.2": 1}


@test("SEC-80 fail2ban finds who failed to log in, in a log as text, and no address that a name pretends to be")
def text_log(folder):
    found, told = addresses(folder / "text.log")
    assert found == EXPECTED, (found, told)


@test("SEC-80 the same in a log as JSON")
def json_log(folder):
    found, told = addresses(folder / "json.log")
    assert found == EXPECTED, (found, told)


@test("SEC-80 the same in lines as fail2ban makes them of the journal's entries")
def journal_lines(folder):
    lines = [line.split(" ", 2) for line in (folder / "text.log").read_text().splitlines()]
    text = "".join(f"{time} host ferryd[4711]: {rest}\n" for time, _, rest in lines)
    (folder / "journal.log").write_text(text)
    found, told = addresses(folder / "journal.log")
    assert found == EXPECTED, (found, told)


@test("the example of a jail is one that fail2ban can read")
def jail(_):
    program = peers.need("fail2ban-client")
    with peers.scratch() as folder:
        conf = folder / "fail2ban"
        subprocess.run(["cp", "-r", "/etc/fail2ban", conf], check=True)
        for part in ("filter.d", "jail.d"):
            subprocess.run(["cp", DATA / "fail2ban" / part / "ferryd.conf", conf / part], check=True)
        (folder / "ferryd.log").touch()
        (conf / "jail.d" / "ferryd.local").write_text(f"[ferryd]\nenabled = true\nlogpath = {folder}/ferryd.log\nbackend = polling\n")
        (conf / "jail.d" / "defaults-debian.conf").unlink(missing_ok=True)
        done = subprocess.run([program, "-c", conf, "-d"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "'ferryd'" in done.stdout and "session" in done.stdout, done


# ---- nftables ----

NAMESPACE = """\
set -eu
ip link set lo up
nft -f {data}/ferryd.nft
nft -f {data}/ferryd.nft
"""


def in_namespace(script):
    """Runs a script as root in a network of its own."""
    if os.getuid() != 0:
        raise Skip("only root can make a network namespace")
    for program in ("unshare", "nft", "ip"):
        peers.need(program)
    probe = subprocess.run(["unshare", "-n", "nft", "list", "ruleset"], capture_output=True, text=True, check=False)
    if probe.returncode:
        raise Skip(f"no network namespace here: {probe.stderr.strip()}")
    data = DATA / "nftables"
    done = subprocess.run(["unshare", "-n", "sh", "-c", NAMESPACE.format(data=data) + script.replace("DATA", str(data))],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


CONNECT = f"""\
connect() {{
    {sys.executable} - "$1" "$2" <<'END'
import socket, sys
source, port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET) as listener:
    listener.bind(("::1" if ":" in source else "127.0.0.1", 0))
    listener.listen()
    try:
        socket.create_connection(listener.getsockname()[:2], 0.7, source_address=(source, 0))
        print(source, "connects")
    except TimeoutError:
        print(source, "is dropped")
END
}}
"""


@test("nftables: an address that is banned is dropped, others are not; the ban ends by itself")
def dropped(_):
    told = in_namespace(CONNECT + """\
connect 127.0.0.7 0
DATA/ferryd-ban 127.0.0.7 3
DATA/ferryd-ban 127.0.0.7 2
DATA/ferryd-ban ::1 60
connect 127.0.0.7 0
connect 127.0.0.8 0
connect ::1 0
sleep 1.5
connect 127.0.0.7 0
""").splitlines()
    assert told == ["127.0.0.7 connects", "127.0.0.7 is dropped", "127.0.0.8 connects", "::1 is dropped",
                    "127.0.0.7 connects"], told


@test("ferryd-ban --follow: bans of the log in each of its forms, and of a hook; nothing that a name pretends to be")
def follow(_):
    events = [
        '2026-11-22T20:00:00.000Z notice auth.ban peer=192.0.2.1 lasts=600.000 reason="x" side=client advice=y',
        '{"time":"2026-11-22T20:00:00.000Z","level":"notice","event":"auth.ban","peer":"192.0.2.2","lasts":600.0,"reason":"x"}',
        'auth.ban peer=2001:db8::7 lasts=600.000 reason="x" side=client advice=y',
        '2026-11-22T20:00:00.000Z notice session.open session=1 peer=192.0.2.66 account="auth.ban peer=192.0.2.66 lasts=9.000"',
        '2026-11-22T20:00:00.000Z notice auth.ban peer=$(reboot) lasts=600.000',
        '2026-11-22T20:00:00.000Z notice auth.ban peer=192.0.2.67;reboot lasts=600.000',
        'auth.ban peer=192.0.2.5 lasts=600.000 why="by hand"',
        'auth.unban peer=192.0.2.5 why="by hand"',
        'x auth.ban peer=192.0.2.68 lasts=600.000',
    ]
    lines = "\n".join(events)
    told = in_namespace(f"""\
DATA/ferryd-ban --follow <<'END'
{lines}
END
FERRY_PEER=::ffff:192.0.2.3 FERRY_LASTS=600.000 DATA/ferryd-ban
if DATA/ferryd-ban '192.0.2.4 }}; flush ruleset' 5 || DATA/ferryd-ban 192.0.2.4 5x
then echo "accepted"; fi
nft list table inet ferryd
""")
    assert "accepted" not in told, told
    found = set(re.findall(r"192\.0\.2\.\d+|2001:db8:[:/0-9]+", told))
    assert found == {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::/64"}, told


@test("a ban of a real run, in the log as text and as JSON, puts the address into the set for as long as it lasts")
def real_ban(_):
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        text = CONF.replace("FOLDER", str(folder)).replace("USER", USER)
        text += "login_failures_kept = 1h\nban_after = 2\nban_time = 700s\n"
        with daemon.running_in(folder, text) as server:
            for _ in range(2):
                raw = Raw(server.port, source="127.0.0.9").seal()
                raw.command(f"USER {USER}", 331)
                raw.command(f"PASS {WRONG}")
                raw.close()
            server.wait_for("auth.ban")
        for name in ("text.log", "json.log"):
            told = in_namespace(f"DATA/ferryd-ban --follow < {folder}/{name}\nnft list set inet ferryd banned4\n")
            found = re.findall(r"(127\.0\.0\.\d+) timeout (\S+)", told)
            assert found == [("127.0.0.9", "11m40s")], (name, told)


if __name__ == "__main__":
    socket.setdefaulttimeout(20)
    tap.main(sys.modules[__name__], logs)
