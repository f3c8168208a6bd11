#!/usr/bin/env python3
"""Users of the system, by PAM: the real library and pam_unix, with users, passwords and services of the test's own,
mounted over those of the system."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import manager  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
import topology  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

PAM = SIMPLE + "accounts = { pam }\nworkers = 1\n"
CREW, FIRST = 21050, 21001
# Name: user id, shell, the day since 1970 when the account expires.
USERS = {
    "pia": (FIRST, "/bin/sh", ""),
    "expired": (FIRST + 1, "/bin/sh", "1"),
    "shellless": (FIRST + 2, "/usr/sbin/nologin", ""),
    "many": (FIRST + 3, "/bin/sh", ""),
    "low": (500, "/bin/sh", ""),
}
SERVICE = (manager.DATA / "pam.d" / "ferryd").read_text()


class Site:
    """The users' homes, and what PAM was asked."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "asked"
        self.homes = folder / "homes"
        self.script = folder / "note"
        self.script.write_text(f'#!/bin/sh\necho "$PAM_TYPE $PAM_USER $PAM_RHOST" >> {self.log}\n')
        self.script.chmod(0o755)
        self.log.touch()

    def asked(self):
        return self.log.read_text().splitlines()

    def make_etc(self, service):
        etc = manager.users_tree(self.folder)
        (etc / "pam.d").mkdir()
        (etc / "pam.d" / "ferryd").write_text(service.replace("NOTE", str(self.script)))
        passwd, shadow, group = ((etc / name).read_text() for name in ("passwd", "shadow", "group"))
        secret = daemon.password_hash()
        for name, (uid, shell, expires) in USERS.items():
            passwd += f"{name}:x:{uid}:{uid}::{self.homes / name}:{shell}\n"
            shadow += f"{name}:{secret}:19000:0:99999:7::{expires}:\n"
            (self.homes / name).mkdir(parents=True)
            os.chown(self.homes / name, uid, uid)
        shadow = f"root:{secret}:19000:0:99999:7:::\n" + "".join(
            line + "\n" for line in shadow.splitlines() if not line.startswith("root:"))
        group += f"ferrycrew:x:{CREW}:pia\n" + "".join(f"ferry{i}:x:{CREW + i}:many\n" for i in range(1, 80))
        for name, text in {"passwd": passwd, "shadow": shadow, "group": group, "shells": "/bin/sh\n"}.items():
            (etc / name).write_text(text)
        (etc / "shadow").chmod(0o600)
        return {etc / name: f"/etc/{name}" for name in ("passwd", "shadow", "group", "shells", "pam.d")}


@contextlib.contextmanager
def site(service=SERVICE, text=PAM, words=()):
    """A server, as topology.Processes, that asks such a service, and its Site; `words` run it."""
    with peers.scratch() as folder:
        place = Site(folder)
        mounts = place.make_etc(service)
        programs = folder / "bin"
        topology.copy_programs(programs)
        argv = manager.with_mounts(mounts, *words, str(programs / "ferryd-supervisor"))
        with daemon.running("log_level = debug\n" + text, program=argv) as server:
            yield topology.Processes(server, programs), place


def code_of(all_, user, password=PASSWORD):
    """The reply to a login."""
    raw = Raw(all_.server.port).seal()
    raw.command(f"USER {user}", 331)
    return raw.command(f"PASS {password}")[0]


def why(all_, user):
    return all_.wait_for("login.refused", account=user)["reason"]


@test("a user of the system logs in with the system's password, and has its files by its own ids, with its groups")
def own_ids(_):
    with site() as (all_, place):
        (place.homes / "pia" / "of-the-crew").write_text("for some")
        os.chown(place.homes / "pia" / "of-the-crew", 0, CREW)
        (place.homes / "pia" / "of-the-crew").chmod(0o640)
        (place.homes / "pia" / "of-others").write_text("for none")
        (place.homes / "pia" / "of-others").chmod(0o600)
        words = ["curl", "-sS", "--ssl-reqd", "--cacert", str(all_.server.ca), "--user", f"pia:{PASSWORD}"]
        url = f"ftp://127.0.0.1:{all_.server.port}/"
        subprocess.run([*words, "-T", "-", url + "mine"], input=b"content", check=True, timeout=60)
        made = (place.homes / "pia" / "mine").stat()
        assert (made.st_uid, made.st_gid) == (FIRST, FIRST), made
        assert subprocess.run([*words, url + "of-the-crew"], check=True, capture_output=True,
                              timeout=60).stdout == b"for some"
        assert subprocess.run([*words, url + "of-others"], check=False, capture_output=True, timeout=60).returncode != 0


@test("who may not: a wrong password, expired, root, below pam_uid_min, without a shell, unknown; the log says why")
def refused(_):
    with site() as (all_, _place):
        assert code_of(all_, "pia", "wrong") == 530 and why(all_, "pia") == "wrong password"
        for user, reason in {"expired": "wrong password", "root": "it is root", "low": "pam_uid_min",
                             "shellless": "/etc/shells", "nobodyatall": "no such user"}.items():
            assert code_of(all_, user) == 530, user
            assert reason in why(all_, user), (user, why(all_, user))
        assert code_of(all_, "pia") == 230


@test("with pam_shells = no and a lower pam_uid_min they may")
def less_strict(_):
    with site(text=PAM + "pam_shells = no\npam_uid_min = 500\n") as (all_, _place):
        assert code_of(all_, "shellless") == 230 and code_of(all_, "low") == 230
        assert code_of(all_, "root") == 530


@test("SEC-69 who is in more groups than can be taken over is not let in with some of them")
def too_many_groups(_):
    with site() as (all_, _place):
        assert code_of(all_, "many") in (421, 430, 450, 451)
        assert "groups" in why(all_, "many")


@test("SEC-70 names that cannot be users never reach PAM; it learns the address of those that do")
def names(_):
    service = "auth optional pam_exec.so quiet NOTE\n" + SERVICE
    with site(service) as (all_, place):
        for name in ("-rf", "a/b", "../x", "x" * 65, "tab\tbed"):
            raw = Raw(all_.server.port).seal()
            raw.send(f"USER {name}\r\n")
            if raw.reply()[0] == 331:
                raw.command(f"PASS {PASSWORD}", 530)
        assert place.asked() == []
        assert code_of(all_, "pia") == 230 and code_of(all_, "nobodyatall") == 530
        assert place.asked() == ["auth pia 127.0.0.1", "auth nobodyatall 127.0.0.1"], place.asked()


@test("a session is opened with the login and closed with its end, also when auth dies or ferryd ends")
def sessions(_):
    service = SERVICE + "session required pam_exec.so quiet NOTE\n"
    with site(service) as (all_, place):
        one = Raw(all_.server.port).login("pia", PASSWORD)
        assert place.asked() == ["open_session pia 127.0.0.1"], place.asked()
        one.command("QUIT", 221)
        peers.wait_until(lambda: place.asked()[1:] == ["close_session pia 127.0.0.1"], "the end of the session")
        assert code_of(all_, "pia", "wrong") == 530
        assert len(place.asked()) == 2
        two = Raw(all_.server.port).login("pia", PASSWORD)
        all_.kill("auth", signal.SIGKILL)
        peers.wait_until(lambda: place.asked()[3:] == ["close_session pia 127.0.0.1"], "the end with auth")
        two.command("PWD", 257)
        three = Raw(all_.server.port).login("pia", PASSWORD)
        os.kill(all_.supervisor, signal.SIGTERM)
        three.socket.close()
        two.socket.close()
        all_.server.child.wait(30)
        assert [line.split()[0] for line in place.asked()] == ["open_session", "close_session"] * 3, place.asked()


@test("a session that PAM refuses is refused")
def session_refused(_):
    with site(SERVICE + "session required pam_deny.so\n") as (all_, _place):
        assert code_of(all_, "pia") in (530, 421, 451)
    with site(SERVICE + "session required pam_deny.so\n", PAM + "pam_session = no\n") as (all_, _place):
        assert code_of(all_, "pia") == 230


@test("a module that hangs is killed after pam_timeout with all that it started; meanwhile others log in")
def hangs(_):
    service = "auth required pam_exec.so quiet /bin/sleep 4711\n" + SERVICE
    with site(service, PAM + "pam_timeout = 2s\n") as (all_, _place):
        waiting = []
        for _ in range(6):
            raw = Raw(all_.server.port).seal()
            raw.command("USER pia", 331)
            raw.send(f"PASS {PASSWORD}\r\n")
            waiting.append(raw)
        began = time.monotonic()
        assert code_of(all_, USER) == 230
        assert time.monotonic() - began < 1.5, "an account of ferryd.conf waits for PAM"
        assert all(raw.reply()[0] in (421, 430, 450, 451) for raw in waiting)
        assert all_.wait_for("pam.hung"), all_.server.log_text()
        left = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if _reads(path) == b"/bin/sleep\x004711\0"]
        assert not left, left


def _reads(path):
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


@test("ferryd-pam is killed: back within moments, logins work again; it is there only if it is asked for")
def killed(_):
    with site() as (all_, _place):
        all_.kill("pam", signal.SIGKILL)
        peers.wait_until(lambda: code_of(all_, "pia") == 230, "a login")
    with topology.running() as all_:
        assert all_.pids("auth") and not all_.pids("pam")


def status_of(pid, name):
    return re.search(rf"^{name}:\t(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]


@test("SEC-66 auth is a user of its own, that cannot read the passwords; pam stays root, and gets nothing new")
def apart(_):
    with site() as (all_, place):
        assert code_of(all_, "pia") == 230
        auth, pam = all_.pids("auth")[0], all_.pids("pam")[0]
        users = (place.folder / "root/etc/passwd").read_text()
        assert f"ferry-auth:x:{status_of(auth, 'Uid')}:" in users and status_of(pam, "Uid") == "0"
        assert status_of(pam, "NoNewPrivs") == "1" and status_of(pam, "Seccomp") == "2"


@test("with the capabilities that the unit and its pam.conf leave, users log in")
def under_the_unit(_):
    kept = []
    for file in ("ferryd.service.in", "pam.conf"):
        kept += re.findall(r"^CapabilityBoundingSet=(.*)$", (manager.DATA / "systemd" / file).read_text(),
                           re.MULTILINE)[0].split()
    bounds = ",".join(["-all", *("+" + one.removeprefix("CAP_").lower() for one in kept)])
    with site(words=["setpriv", f"--bounding-set={bounds}", f"--inh-caps={bounds}", "--no-new-privs",
                     "--"]) as (all_, _place):
        assert code_of(all_, "pia") == 230 and code_of(all_, "expired") == 530


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
