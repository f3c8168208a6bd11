#!/usr/bin/env python3
"""`make install` into an empty folder: what lies there, how it is hardened, and whether a program
can be built and run against it. TAP on stdout.

Builds what is shipped, without sanitizers, in a folder of its own. Usage: install.py SOURCE BUILD
VERSION
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support" / "python"))
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the path comes first)

PREFIX = "/opt/ferry"
ROLES = ["auth", "files", "hooks", "keys", "ops", "pam", "supervisor", "worker"]
PROGRAMS = ["bin/ferry", "bin/ferryctl", "bin/ferryd", *(f"libexec/ferry/ferryd-{role}" for role in ROLES)]
OPERATING = [
    "etc/fail2ban/filter.d/ferryd.conf",
    "etc/fail2ban/jail.d/ferryd.conf",
    "etc/logrotate.d/ferryd",
    "etc/pam.d/ferryd",
    "lib/systemd/system/ferryd.service",
    "lib/systemd/system/ferryd.socket",
    "lib/sysusers.d/ferryd.conf",
    "lib/tmpfiles.d/ferryd.conf",
    "share/doc/ferry/examples/ferryd.conf",
    "share/doc/ferry/examples/pam.conf",
    "share/ferry/nftables/ferryd-ban",
    "share/ferry/nftables/ferryd-ban.service",
    "share/ferry/nftables/ferryd.nft",
]
HEADERS = ["error.h", "ferry.h", "listing.h", "server.h", "version.h"]


def run(command, **environment):
    """Runs a command; returns its output, or what is wrong in a list."""
    done = subprocess.run(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wrong = [f"{' '.join(map(str, command))}: exit status {done.returncode}", done.stdout]
    return done.stdout, wrong if done.returncode else []


def make_install(source, build, destination):
    options = [f"BUILD={build}", f"PREFIX={PREFIX}", f"DESTDIR={destination}"]
    return run(["make", "-C", source, "install", *options], MAKEFLAGS="")[1]


class Installed:
    """What lies below the prefix."""

    def __init__(self, source, destination, version):
        self.source = source
        self.destination = destination
        self.version = version
        self.root = destination / PREFIX.lstrip("/")
        found = sorted(self.root.rglob("ferry.pc"))
        self.libraries = found[0].parents[1] if found else self.root / "lib"

    def files(self):
        return {
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if not path.is_dir()
        }

    def expected_files(self):
        libraries = self.libraries.relative_to(self.root)
        major = self.version.partition(".")[0]
        pages = (self.source / "docs" / "man").glob("*.[1-8]")
        return {
            *PROGRAMS,
            *OPERATING,
            *(f"include/ferry/{name}" for name in HEADERS),
            *(f"{libraries}/libferry.so{end}" for end in ("", f".{major}", f".{self.version}")),
            f"{libraries}/pkgconfig/ferry.pc",
            *(f"share/man/man{page.suffix[1:]}/{page.name}" for page in pages),
        }

    def pkg_config(self, *options):
        return run(
            ["pkg-config", *options, "ferry"],
            PKG_CONFIG_LIBDIR=str(self.libraries / "pkgconfig"),
            PKG_CONFIG_SYSROOT_DIR=str(self.destination),
        )


def check_files(installed):
    files, expected = installed.files(), installed.expected_files()
    return [
        *(f"missing: {name}" for name in sorted(expected - files)),
        *(f"unexpected: {name}" for name in sorted(files - expected)),
    ]


def check_use(installed, program):
    """Compiles a program by what pkg-config says, and runs it."""
    said, wrong = installed.pkg_config("--cflags", "--libs")
    if wrong:
        return wrong
    source = Path(__file__).with_name("use.c")
    _, wrong = run(["gcc", "-Wall", "-Werror", "-o", program, source, *said.split()])
    if wrong:
        return wrong
    output, wrong = run([program], LD_LIBRARY_PATH=str(installed.libraries))
    expected = f"{installed.version} not-found\n"
    return wrong or ([] if output == expected else [f"printed {output!r}, not {expected!r}"])


# What readelf must say of a file that is hardened.
HARDENING = {
    "position-independent": r"Type:\s+DYN",
    "read-only relocations": r"GNU_RELRO",
    "all symbols bound at the start": r"\bNOW\b",
    "no executable stack": r"GNU_STACK(\s+0x\w+){5}\s+RW\s",
    "stack protector": r"UND __stack_chk_fail",
    "fortified calls": r"UND __\w+_chk\b",
}


def check_hardening(path):
    command = ["readelf", "--file-header", "--segments", "--dynamic", "--dyn-syms", "--wide", path]
    output, wrong = run(command)
    return wrong or [what for what, said in HARDENING.items() if not re.search(said, output)]


def results(source, build, version, scratch):
    """Yields (name, what is wrong)."""
    destination = scratch / "destination"
    wrong = make_install(source, build, destination)
    yield "make install", wrong
    if wrong:
        return
    installed = Installed(source, destination, version)
    yield "what is installed, and nothing else", check_files(installed)
    said, wrong = installed.pkg_config("--modversion")
    yield "pkg-config tells the version", wrong or ([] if said.strip() == version else [said])
    yield "a program is built against it and runs", check_use(installed, scratch / "use")
    for name in [*PROGRAMS, (installed.libraries / "libferry.so").relative_to(installed.root)]:
        yield f"{Path(name).name} is hardened", check_hardening(installed.root / name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(report(results(*map(Path, sys.argv[1:3]), sys.argv[3], Path(folder))))
