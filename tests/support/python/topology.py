"""ferryd's processes, some of them replaced by tests/support/python/fake_role.py."""

import contextlib
import os
import pathlib
import shutil

import daemon
import peers

ROLES = ("keys", "auth", "worker", "files", "ops", "hooks")
FAKE = pathlib.Path(__file__).resolve().parent / "fake_role.py"


class Processes:
    """A running supervisor and those it started. `bin` is the folder of the programs."""

    def __init__(self, server, folder):
        self.server, self.bin = server, folder

    @property
    def supervisor(self):
        return self.server.child.pid

    def pids(self, role):
        """The processes of that role, oldest first."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words = (entry / "cmdline").read_bytes()
                if parent == self.supervisor and f"ferryd-{role}\0".encode() in words:
                    found.append(int(entry.name))
        return sorted(found)

    def events(self, name, /, **fields):
        return [event for event in self.server.events(name) if fields.items() <= event.items()]

    def wait_for(self, name, /, count=1, **fields):
        """The last of `count` events of that name with those fields."""
        peers.wait_until(lambda: len(self.events(name, **fields)) >= count,
                         f"event {name} {fields} ({self.server.log_text()})")
        return self.events(name, **fields)[count - 1]

    def kill(self, role, number, which=0):
        """Ends one process of that role by a signal; returns when another serves in its place."""
        ready = len(self.events("role.ready", role=role))
        pid = self.pids(role)[which]
        os.kill(pid, number)
        self.wait_for("role.died", role=role, pid=pid)
        self.wait_for("role.ready", ready + 1, role=role)


def copy_programs(folder, fakes=()):
    """The programs of all roles in one folder, as they are installed, with links to fake ones."""
    built = pathlib.Path(os.environ["FERRYD"]).parent
    folder.mkdir()
    shutil.copy(built / "supervisor" / "ferryd-supervisor", folder)
    for role in ROLES:
        target = FAKE if role in fakes else built / role / f"ferryd-{role}"
        (folder / f"ferryd-{role}").symlink_to(target)


@contextlib.contextmanager
def running(text=daemon.SIMPLE, fakes=(), does=None, **options):
    """Processes with that configuration; `does`: what fakes do instead of what they should."""
    with peers.scratch() as folder:
        programs = folder / "bin"
        copy_programs(programs, fakes)
        for role, deed in (does or {}).items():
            (programs / f"{role}.does").write_text(deed)
        with daemon.running("log_level = debug\n" + text, program=[programs / "ferryd-supervisor"], **options) as server:
            (programs / "home").write_text(str(server.home))
            yield Processes(server, programs)
