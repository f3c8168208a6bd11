#!/usr/bin/env python3
"""A 5 GiB sparse file crosses both ways, and neither end grows with it."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

SIZE_BYTES = 5 << 30
MARK_BYTES = 1 << 20
MOST_MIB = 200


@contextlib.contextmanager
def fixture():
    # AddressSanitizer keeps 256 MiB of freed memory unless told otherwise: that is not the programs' own.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16"
    with peers.ferryd() as server, peers.scratch() as work:
        free = shutil.disk_usage(work).free
        server.work = work
        server.too_small = f"{free >> 30} GiB free, {SIZE_BYTES >> 30} GiB needed" if free < SIZE_BYTES * 1.2 else None
        yield server


def make_sparse(path):
    """Random bytes at the start, across the 4 GiB border and at the end; holes between."""
    with open(path, "wb") as file:
        for offset in (0, (4 << 30) - MARK_BYTES // 2, SIZE_BYTES - MARK_BYTES):
            file.seek(offset)
            file.write(os.urandom(MARK_BYTES))


def ferry(server, *words):
    """Runs ferry; returns its peak resident memory in MiB."""
    child = subprocess.Popen([os.environ["FERRY"], words[0], "--ca", str(server.ca), *map(str, words[1:])],
                             stdin=subprocess.DEVNULL, env={**os.environ, "FERRY_PASSWORD": server.password})
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"ferry ended with {child.returncode}"
    return usage.ru_maxrss / 1024


def server_peak_mib(server):
    for line in pathlib.Path(f"/proc/{server.process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def crosses(server, *words, source, target):
    if server.too_small:
        raise tap.Skip(server.too_small)
    try:
        client_mib = ferry(server, *words)
        server_mib = server_peak_mib(server)
        subprocess.run(["cmp", source, target], check=True)
    finally:
        source.unlink()
        target.unlink(missing_ok=True)
    print(f"# peak resident memory: ferry {client_mib:.0f} MiB, ferryd {server_mib:.0f} MiB, "
          f"file {SIZE_BYTES >> 20} MiB")
    assert client_mib < MOST_MIB and server_mib < MOST_MIB


@test("FTP-90 SEC-53 5 GiB up in bounded memory", limit_s=600)
def up(server):
    source, target = server.work / "sparse", server.files / "sparse"
    make_sparse(source)
    crosses(server, "put", source, server.url("sparse"), source=source, target=target)


@test("FTP-90 SEC-53 5 GiB down in bounded memory", limit_s=600)
def down(server):
    source, target = server.files / "sparse", server.work / "sparse"
    make_sparse(source)
    crosses(server, "get", "-o", target, server.url("sparse"), source=source, target=target)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
