#!/usr/bin/env python3
"""Says which room calls what it must not: the symbols its archive leaves to others, read with nm.

What tests/imports cannot see by an #include line: the sans-I/O rooms read no clock and open
nothing, sockets belong to net, memory comes from base/alloc. TAP on stdout.
Usage: symbols.py lib<room>.a...
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support" / "python"))
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the path comes first)

CLOCK = {"time", "clock", "clock_gettime", "gettimeofday", "timespec_get", "nanosleep", "usleep"}
FILES = {"open", "openat", "creat", "fopen", "fdopen", "read", "write", "readv", "writev", "stat"}
SOCKETS = {
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "send", "sendto"),
    *("sendmsg", "recv", "recvfrom", "recvmsg", "select", "poll", "epoll_wait", "getaddrinfo"),
}
MEMORY = {"malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "asprintf"}
PROCESSES = {"fork", "vfork", "execve", "execvp", "posix_spawn", "system", "popen", "pthread_create"}

ROOMS = {"base", "account", "store", "ftp", "tls", "net", "server", "embed", "client"}

# What, and which rooms must not.
RULES = [
    ("reads a clock", CLOCK, ROOMS - {"base", "net"}),
    ("touches files", FILES, {"account", "ftp", "tls", "server"}),
    ("touches sockets", SOCKETS, ROOMS - {"net"}),
    ("asks for memory past base/alloc", MEMORY, ROOMS - {"base"}),
    # SEC-92: so no name reaches a shell.
    ("starts a process or thread", PROCESSES, ROOMS - {"net"}),
]


def plain(symbol):
    """The function that is meant: fopen for fopen64, read for __read_chk, open for __open64_2."""
    symbol = symbol.partition("@")[0]
    symbol = re.sub(r"^__(\w+)_(chk|2|alias)$", r"\1", symbol)
    return re.sub(r"(?<=[a-z])64$", "", symbol)


def used_by(archive):
    """The symbols the archive does not define itself."""
    lines = subprocess.check_output(["nm", "--undefined-only", archive], text=True).splitlines()
    return {line.split()[-1] for line in lines if line.lstrip().startswith("U ")}


def violations(room, symbols):
    functions = {plain(symbol) for symbol in symbols}
    return [
        f"{room} {what}: {', '.join(sorted(functions & forbidden))}"
        for what, forbidden, rooms in RULES
        if room in rooms and functions & forbidden
    ]


# Room, symbol as nm gives it, whether it is a violation.
PLANTED = [
    ("ftp", "clock_gettime", True),
    ("ftp", "malloc", True),
    ("ftp", "memcpy", False),
    ("tls", "fopen64", True),
    ("tls", "__read_chk", True),
    ("tls", "__open64_2", True),
    ("tls", "SSL_read", False),
    ("store", "openat64", False),
    ("store", "socket", True),
    ("net", "socket", False),
    ("net", "free", True),
    ("base", "free", False),
    ("server", "recv", True),
    ("embed", "pthread_create", True),
]


def cases(archives):
    """Yields (name, [what is wrong])."""
    for archive in archives:
        room = Path(archive).stem.removeprefix("lib")
        symbols = used_by(archive)
        wrong = violations(room, symbols) if symbols else [f"nm finds nothing in {archive}"]
        yield f"{room} calls what it may", wrong
    for room, symbol, expected in PLANTED:
        right = bool(violations(room, {"strlen", symbol})) == expected
        yield f"{'finds' if expected else 'allows'} {symbol} in {room}", [] if right else ["no"]


if __name__ == "__main__":
    sys.exit(report(cases(sys.argv[1:])))
