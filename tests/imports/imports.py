#!/usr/bin/env python3
"""Reads the #include lines under src/ and says which of them break the architecture's import rules.

TAP on stdout: one case per rule and room of the real tree, then one per violation planted in a
made-up tree, so that a rule that has stopped working is noticed.
Usage: imports.py SOURCE_ROOT
"""

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support" / "python"))
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the path comes first)

# What each room may import: only what stands below it. A room that is not here may not exist.
LIBRARIES = {"base", "store", "ftp", "tls", "net"}
ROOMS = {
    "base": set(),
    "account": {"base", "tls", "net"},
    "roster": {"base", "account"},
    "store": {"base"},
    "ftp": {"base"},
    "tls": {"base"},
    "net": {"base", "tls"},
    "server": {"base", "ftp", "tls", "net"},
    "embed": LIBRARIES | {"server", "account"},
    "client": LIBRARIES,
    "proc": {"base"},
    "conf": {"base"},
    "ferry": LIBRARIES | {"client"},
    "ferry-mount": LIBRARIES | {"client"},
    "ferryd": LIBRARIES | {"server", "embed", "account", "roster", "proc", "conf"},
    "ferryctl": {"base", "account", "roster"},
    "proxy": {"base", "ftp", "tls", "net", "proc", "conf"},
    "probe": {"base", "ftp", "tls", "net"},
}

# Public headers, included as "ferry/<name>": these by every room, the others by the rooms whose face
# they are, and by programs.
PUBLIC_FOR_ALL = {"error.h"}
PUBLIC_FACES = {"client", "embed", "ftp", "ferry", "ferry-mount", "ferryd"}

# Headers of the system: what begins like this may be included only by these files.
ONLY_IN = [
    ("<openssl/", r"tls/"),
    ("<uv.h>", r"net/"),
    ("<uv/", r"net/"),
    ("<pthread.h>", r"net/|store/quota\.c"),  # what the sessions of an account count together
    ("<threads.h>", r"net/"),
    ("<confuse.h>", r"conf/"),
    ("<seccomp.h>", r"proc/"),
    ("<linux/landlock.h>", r"proc/"),
    ("<linux/capability.h>", r"proc/"),
    ("<sys/prctl.h>", r"proc/"),
    ("<sys/pidfd.h>", r"proc/"),
    ("<zlib.h>", r"ftp/"),
    ("<crypt.h>", r"account/"),
    ("<sqlite3.h>", r"roster/|ferryd/hooks/outbox"),
    ("<curl/", r"ferryd/hooks/http\.c"),
    ("<ldap.h>", r"ferryd/auth/"),
    ("<microhttpd.h>", r"ferryd/ops/"),
    ("<libpq-fe.h>", r"ferryd/auth/"),
]

# The sans-I/O rooms own no socket, open nothing and read no clock. tls needs <time.h> for the types
# of OpenSSL's certificate times.
IO_HEADERS = r"arpa/inet|fcntl|netdb|netinet/.*|poll|sys/(epoll|select|socket|stat|time|un)|unistd"
SANS_IO = [
    ("ftp/", re.compile(rf"<({IO_HEADERS}|time)\.h>")),
    ("tls/", re.compile(rf"<({IO_HEADERS})\.h>")),
]

# ferryd is one executable per role: what a role must not see, though ferryd as a whole may.
ROLES = [
    (r"ferryd/supervisor/", r"(ftp|tls|server|client|embed|account|roster)/|net/stream\.h"),
    (r"ferryd/(auth|keys|files|ops|hooks)_?.*", r"(server|client)/"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")', re.MULTILINE)


def includes(root):
    """Yields (file, included) for every #include under root/src; file is relative to src/."""
    for path in sorted((root / "src").rglob("*")):
        if path.suffix in {".c", ".h", ".def"}:
            for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
                yield path.relative_to(root / "src").as_posix(), included


def check_own(root, file, name):
    """The violation in `#include "name"`, or None."""
    room = file.split("/")[0]
    if name.startswith("ferry/") and (root / "include" / name).exists():
        public = name.removeprefix("ferry/")
        if public in PUBLIC_FOR_ALL or room in PUBLIC_FACES:
            return None
        return f"room {room} must not include the public {name}"
    target = name.split("/")[0]
    if "/" not in name or target not in ROOMS:
        return f'"{name}" is not written from src/ as "room/file.h"'
    if target != room and target not in ROOMS[room]:
        return f"room {room} must not import {target}"
    for role, forbidden in ROLES:
        if re.match(role, file) and re.match(forbidden, name):
            return f"this role must not import {name}"
    return None


def check_system(file, included):
    """The violation in `#include <...>`, or None."""
    for begins, allowed in ONLY_IN:
        if included.startswith(begins) and not re.match(allowed, file):
            return f"{included} belongs to {allowed} alone"
    for room, headers in SANS_IO:
        if file.startswith(room) and headers.match(included):
            return f"{included} in a room without I/O"
    return None


def violations(root):
    """All violations in the tree, by room: {room: [text]}; rooms without any have an empty list."""
    found = {path.name: [] for path in (root / "src").iterdir() if path.is_dir()}
    for room, texts in found.items():
        if room not in ROOMS:
            texts.append(f"src/{room}: no rule for this room in {Path(__file__).name}")
    for file, included in includes(root):
        room = file.split("/")[0]
        if room not in ROOMS:
            continue
        own = included.startswith('"')
        text = check_own(root, file, included.strip('"')) if own else check_system(file, included)
        if text:
            found[room].append(f"src/{file}: {text}")
    return found


# Planted, one at a time, in an otherwise clean tree: file, line, what the finding must say.
PLANTED = [
    ("base/x.c", '#include "ftp/a.h"', "room base must not import ftp"),
    ("base/x.c", '#include "store/a.h"', "room base must not import store"),
    ("base/x.c", '#include "ferry/ferry.h"', "must not include the public"),
    ("store/x.c", '#include "net/a.h"', "room store must not import net"),
    ("store/x.c", '#include "ftp/a.h"', "room store must not import ftp"),
    ("ftp/x.c", '#include "tls/a.h"', "room ftp must not import tls"),
    ("ftp/x.h", '#include "net/a.h"', "room ftp must not import net"),
    ("ftp/x.c", "#include <sys/socket.h>", "without I/O"),
    ("ftp/x.c", "#include <time.h>", "without I/O"),
    ("ftp/x.c", "#  include <netinet/in.h>", "without I/O"),
    ("ftp/x.c", "#include <openssl/ssl.h>", "alone"),
    ("tls/x.c", '#include "ftp/a.h"', "room tls must not import ftp"),
    ("tls/x.c", '#include "net/a.h"', "room tls must not import net"),
    ("tls/x.c", "#include <sys/socket.h>", "without I/O"),
    ("net/x.c", '#include "ftp/a.h"', "room net must not import ftp"),
    ("net/x.c", '#include "server/a.h"', "room net must not import server"),
    ("net/x.c", '#include "client/a.h"', "room net must not import client"),
    ("net/x.c", "#include <openssl/evp.h>", "alone"),
    ("client/x.c", '#include "server/a.h"', "room client must not import server"),
    ("client/x.c", '#include "ferryd/a.h"', "room client must not import ferryd"),
    ("client/x.c", "#include <uv.h>", "alone"),
    ("server/x.c", '#include "client/a.h"', "room server must not import client"),
    ("server/x.c", '#include "store/a.h"', "room server must not import store"),
    ("server/x.c", '#include "embed/a.h"', "room server must not import embed"),
    ("server/x.c", "#include <uv.h>", "alone"),
    ("embed/x.c", '#include "client/a.h"', "room embed must not import client"),
    ("embed/x.c", '#include "proc/a.h"', "room embed must not import proc"),
    ("proc/x.c", '#include "net/a.h"', "room proc must not import net"),
    ("proc/x.c", '#include "ferryd/a.h"', "room proc must not import ferryd"),
    ("base/x.c", "#include <sys/prctl.h>", "alone"),
    ("ferryd/x.c", "#include <seccomp.h>", "alone"),
    ("ferry/x.c", '#include "ferryd/a.h"', "room ferry must not import ferryd"),
    ("ferryd/x.c", '#include "client/a.h"', "room ferryd must not import client"),
    ("ferryd/x.c", '#include "ferry/a.h"', "room ferryd must not import ferry"),
    ("ferryd/supervisor/x.c", '#include "tls/a.h"', "this role must not import tls/a.h"),
    ("ferryd/supervisor/x.c", '#include "net/stream.h"', "this role must not import net/stream.h"),
    ("ferryd/auth_main.c", '#include "server/a.h"', "this role must not import server/a.h"),
    ("ferryd/x.c", "#include <confuse.h>", "alone"),
    ("ferryd/auth/x.c", "#include <sqlite3.h>", "alone"),
    ("ferryctl/x.c", '#include "ferryd/a.h"', "room ferryctl must not import ferryd"),
    ("roster/x.c", '#include "net/a.h"', "room roster must not import net"),
    ("conf/x.c", '#include "net/a.h"', "room conf must not import net"),
    ("server/x.c", '#include "conf/a.h"', "room server must not import conf"),
    ("probe/x.c", '#include "client/a.h"', "room probe must not import client"),
    ("ftp/x.c", '#include "x.h"', "not written from src/"),
    ("ftp/x.c", '#include "../base/a.h"', "not written from src/"),
    ("extra/x.c", '#include "base/a.h"', "no rule for this room"),
    ("ftp/verbs.def", '#include "tls/a.h"', "room ftp must not import tls"),
]

# Imports that are right and must not be found fault with.
CLEAN = {
    "base/a.c": '#include "base/a.h"\n#include "ferry/error.h"\n#include <sys/uio.h>\n',
    "tls/a.c": '#include "base/a.h"\n#include <openssl/ssl.h>\n',
    "net/a.c": '#include "tls/a.h"\n#include <uv.h>\n#include <sys/socket.h>\n',
    "client/a.c": '#include "ferry/ferry.h"\n#include "store/a.h"\n#include "net/a.h"\n',
    "embed/a.c": '#include "server/a.h"\n#include "store/a.h"\n',
    "proc/a.c": '#include "base/a.h"\n#include <seccomp.h>\n#include <sys/socket.h>\n',
    "ferry/a.c": '#include "ferry/a.h"\n#include "client/a.h"\n',
    "ferryd/supervisor/x.c": '#include "net/loop.h"\n',
    "conf/a.c": '#include "base/a.h"\n#include <confuse.h>\n',
    "ferryd/settings.c": '#include "conf/a.h"\n',
}


def found_in_made_up_tree(file=None, line=None):
    """All violations in the clean tree with `line` as the one content of `file`, as one text."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tree = {f"src/{path}": text for path, text in CLEAN.items()}
        tree |= {"include/ferry/error.h": "", "include/ferry/ferry.h": ""}
        if file:
            tree[f"src/{file}"] = f"/* planted */\n{line}\n"
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return [text for texts in violations(root).values() for text in texts]


def cases(root):
    """Yields (name, [what is wrong])."""
    read = list(includes(root))
    yield "there are imports to check", [] if len(read) > 20 else ["src/ holds next to nothing"]
    for room, texts in sorted(violations(root).items()):
        yield f"{room} imports what it may", texts

    yield "a clean tree is clean", found_in_made_up_tree()
    for file, line, expected in PLANTED:
        found = found_in_made_up_tree(file, line)
        right = len(found) == 1 and found[0].startswith("src/") and expected in found[0]
        yield f"finds {line} in {file}", [] if right else [f"expected '{expected}'", *found]


if __name__ == "__main__":
    sys.exit(report(cases(Path(sys.argv[1]))))
