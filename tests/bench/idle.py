#!/usr/bin/env python3
"""What an idle session costs: logs in many times over TLS to `ferryd run`, and tells the memory of all its processes
(PSS, so that shared pages count once) by role, before and after. FERRYD names a release build's program.
Usage: idle.py [SESSIONS]"""

import collections
import os
import pathlib
import resource
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402

CONF = """\
listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key sessions_per_address = 0 idle_timeout = 1h }
account "anna" { password_hash = "HASH" home = home }
workers = 2
sessions_max = 100000
"""
FIRST = 20  # sessions that are there before the first look: what each process needs once
LOGIN = ("USER anna", f"PASS {daemon.PASSWORD}", "PBSZ 0", "PROT P", "TYPE I")


def processes(root):
    """All processes that `root` has started, and itself."""
    children = collections.defaultdict(list)
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ProcessLookupError):
            continue
        children[parent].append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def memory(root):
    """KiB by the program's name."""
    total = collections.Counter()
    for pid in processes(root):
        proc = pathlib.Path(f"/proc/{pid}")
        rollup = (proc / "smaps_rollup").read_text()
        total[(proc / "comm").read_text().strip()] += int(rollup.partition("\nPss:")[2].split()[0])
    return total


def reply(connection):
    text = b""
    while not text.endswith(b"\r\n"):
        block = connection.recv(4096)
        assert block, text
        text += block
    return text


def session(port, context):
    plain = socket.create_connection(("127.0.0.1", port))
    reply(plain)
    plain.sendall(b"AUTH TLS\r\n")
    assert reply(plain).startswith(b"234")
    sealed = context.wrap_socket(plain, server_hostname="localhost")
    for command in LOGIN:
        sealed.sendall(command.encode() + b"\r\n")
        text = reply(sealed)
        assert text[:1] in b"23", text
    return sealed


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with daemon.running(CONF) as server:
        context = ssl.create_default_context(cafile=server.ca)
        port = server.port
        held = [session(port, context) for _ in range(FIRST)]
        before = memory(server.child.pid)
        held += [session(port, context) for _ in range(count)]
        after = memory(server.child.pid)
        for name in sorted(after):
            print(f"{name:18} {before[name]:8} KiB -> {after[name]:8} KiB  "
                  f"{(after[name] - before[name]) / count:6.2f} KiB a session")
        print(f"{count} idle TLS sessions, {held[0].version()}, {os.cpu_count()} cores: "
              f"{(after.total() - before.total()) / count:.1f} KiB of memory each, over all processes")
        for connection in held:
            connection.sendall(b"NOOP\r\n")
            assert reply(connection).startswith(b"200")
        print(f"all {len(held)} answer NOOP")


if __name__ == "__main__":
    main()
