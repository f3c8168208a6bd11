"""What systemd is to a service: the socket that it tells its state to, and a tree of its users and folders."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

import peers
from tap import Skip

DATA = pathlib.Path(__file__).resolve().parents[3] / "data"


class Notified:
    """A socket of sd_notify's; `states` are the messages so far, each a dictionary."""

    def __init__(self, path):
        self.path, self.states = str(path), []
        self.end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.end.bind(self.path)
        self.end.setblocking(False)

    def hear(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                lines = self.end.recv(4096).decode().splitlines()
                self.states.append(dict(line.split("=", 1) for line in lines))
        return self.states

    def count(self, name):
        return sum(name in state for state in self.hear())

    def wait_for(self, name, count=1):
        """The last of `count` messages that set that name."""
        peers.wait_until(lambda: self.count(name) >= count, f"{name} ({self.states})")
        return [state for state in self.states if name in state][count - 1]

    def silent_for(self, name, seconds):
        """How many came in that time."""
        before = self.count(name)
        time.sleep(seconds)
        return self.count(name) - before


@contextlib.contextmanager
def environment(**values):
    """The environment of programs that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def users_tree(folder):
    """A root whose /etc has the system's users and those of data/sysusers.d; returns its /etc."""
    peers.need("systemd-sysusers")
    etc = folder / "root" / "etc"
    etc.mkdir(parents=True)
    for name in ("passwd", "group", "shadow", "gshadow"):
        text = pathlib.Path("/etc", name).read_text() if name in ("passwd", "group") else ""
        (etc / name).write_text(text)
        (etc / name).chmod(0o644 if name in ("passwd", "group") else 0o640)
    subprocess.run(["systemd-sysusers", f"--root={folder / 'root'}", DATA / "sysusers.d" / "ferryd.conf"], check=True,
                   capture_output=True)
    return etc


def with_mounts(mounts, *words):
    """The words of a command that sees files of the test's in the place of the system's: {of the test: of the system}."""
    if os.geteuid() != 0:
        raise Skip("only root may mount files of its own over those of the system")
    script = "".join(f'mount --bind "{ours}" "{theirs}" && ' for ours, theirs in mounts.items())
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script + 'exec "$@"', "sh", *words]
