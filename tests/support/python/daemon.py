"""`ferryd run` with a configuration of the test's own, its log read as events."""

import contextlib
import functools
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess

import peers

USER, PASSWORD = "anna", "correct horse"
NOBODY = "nobody"  # of the system


def ferryd(*words, **options):
    """Runs a command of ferryd's to its end; output as text."""
    return subprocess.run([os.environ["FERRYD"], *map(str, words)], capture_output=True, text=True, check=False,
                          timeout=60, **options)


@functools.cache
def password_hash(password=PASSWORD):
    made = ferryd("hash", input=password + "\n")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


class Daemon:
    """A running `ferryd run`. Its folder holds ferryd.conf, tls/server.pem, tls/server.key, tls/ca.pem and home/."""

    def __init__(self, folder, child, log):
        self.folder, self.child, self._log = folder, child, log
        self.conf = folder / "ferryd.conf"
        self.home = folder / "home"
        self._ports = {}
        self.certificate, self.key, self.ca = (folder / "tls" / name for name in ("server.pem", "server.key", "ca.pem"))

    def give_files(self):
        """Makes what the test has put into the home the property of the user whom files are served as."""
        if os.getuid() == 0:
            for path in self.home.rglob("*"):
                os.lchown(path, pwd.getpwnam(NOBODY).pw_uid, -1)

    def _has_written(self):
        """Whether the supervisor, who writes the log, sleeps: then all that the others had sent it is in the log. They
        send an event before the client hears of what it tells."""
        try:
            state = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state not in "RD"

    def log_text(self):
        with contextlib.suppress(TimeoutError):
            peers.wait_until(self._has_written, "the log", 2)
        return self._log.read_text(errors="replace")

    def pids(self, role):
        """Of its processes of that role."""
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        found = []
        for pid in children:
            with contextlib.suppress(FileNotFoundError):  # it has just ended
                if os.readlink(f"/proc/{pid}/exe").endswith(f"ferryd-{role}"):
                    found.append(int(pid))
        return found

    def events(self, name):
        """All events of that name so far."""
        found = []
        for line in self.log_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                event = json.loads(line)
                if event["event"] == name:
                    found.append(event)
        return found

    def wait_for(self, name, count=1):
        """The last of `count` events of that name."""
        peers.wait_until(lambda: len(self.events(name)) >= count, f"event {name} ({self.log_text()})")
        return self.events(name)[count - 1]

    @property
    def port(self):
        return self.port_of(0)

    def port_of(self, index):
        """The port of the n-th listener that was opened."""
        if index not in self._ports:  # the log may be long by now
            self._ports[index] = self.wait_for("server.listen", index + 1)["port"]
        return self._ports[index]

    def reload(self, text=None):
        """SIGHUP, after the file was changed; returns when it is done, refused or not."""
        if text is not None:
            write_conf(self.folder, text)
        before = len(self.events("server.reload")) + len(self.events("reload.refused"))
        os.kill(self.child.pid, signal.SIGHUP)
        peers.wait_until(
            lambda: len(self.events("server.reload")) + len(self.events("reload.refused")) > before, "the reload")


def write_conf(folder, text):
    """Writes ferryd.conf; in `text`, HASH is a hash of PASSWORD. Started by root, files are NOBODY's."""
    text = "log_form = json\n" + text.replace("HASH", password_hash())
    if "control =" not in text:  # several servers run at once
        text += "control = control\n"
    if "login_failures_kept" not in text:  # all clients of a test have one address
        text += "login_failures_kept = 0s\n"
    if "control =" not in text:  # the default is one for the whole machine
        text += "control = control\n"
    (folder / "ferryd.conf").write_text(text + (f"files_user = {NOBODY}\n" if os.getuid() == 0 else ""))


def make_home(folder):
    """A home that the server can serve."""
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, NOBODY)


# One listener on a free port, and one account.
SIMPLE = f"""\
listen "127.0.0.1:0" {{ certificate = tls/server.pem key = tls/server.key }}
account "{USER}" {{ password_hash = "HASH" home = home }}
"""


@contextlib.contextmanager
def running_in(folder, text, home="home", ends_with=0, program=None):
    """A Daemon with that configuration, in a folder that holds what it names but for `home`; `program`: the words
    that start it, if not `ferryd run`."""
    make_home(folder / home)
    write_conf(folder, text)
    log = folder / "log"
    ready, told = os.pipe()
    argv = [*(program or [os.environ["FERRYD"], "run"]), "-c", folder / "ferryd.conf", "--ready-fd", str(told)]
    with peers.process(argv, log, pass_fds=[told]) as child:
        os.close(told)
        with open(ready, "rb") as pipe:
            if pipe.read() != b"\n":
                raise RuntimeError(f"ferryd did not start: {log.read_text(errors='replace')}")
        yield Daemon(folder, child, log)
    if child.returncode != ends_with:
        raise RuntimeError(f"ferryd ended with {child.returncode}: {log.read_text(errors='replace')}")


@contextlib.contextmanager
def running(text=SIMPLE, ends_with=0, program=None):
    """A Daemon with that configuration, and a certificate in tls/."""
    with peers.scratch() as folder:
        peers.make_certificate(folder / "tls")
        with running_in(pathlib.Path(folder), text, ends_with=ends_with, program=program) as daemon:
            yield daemon
