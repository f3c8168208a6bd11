#!/usr/bin/env python3
"""What leaves libferry.so: the functions in the file `symbols` here, no more and no fewer, and the
public headers declare the same. TAP on stdout.

Whoever adds a function to the library adds a line to `symbols`; a line never goes while the soname
stays. Usage: exports.py LIBRARY INCLUDE_DIRECTORY MAJOR_VERSION
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support" / "python"))
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the path comes first)

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARED = re.compile(r"^FERRY_API [^;(]*\b(\w+)\(", re.MULTILINE)


def declared_in(headers):
    """The functions that the headers mark as visible."""
    return {
        name
        for header in headers
        for name in DECLARED.findall(COMMENT.sub("", header.read_text(encoding="utf-8")))
    }


def exported_by(library):
    """Yields (kind, name) of each symbol that the library defines for others, as nm has them."""
    command = ["nm", "--dynamic", "--defined-only", library]
    for line in subprocess.check_output(command, text=True).splitlines():
        _, kind, name = line.split()
        yield kind, name


def soname_of(library):
    dynamic = subprocess.check_output(["readelf", "--dynamic", "--wide", library], text=True)
    return re.findall(r"Library soname: \[(.*)\]", dynamic)


def differences(expected, actual):
    return [
        *(f"missing: {name}" for name in sorted(expected - actual)),
        *(f"not in tests/abi/symbols: {name}" for name in sorted(actual - expected)),
    ]


def results(library, include, major):
    """Yields (name, what is wrong)."""
    lines = (HERE / "symbols").read_text(encoding="utf-8").splitlines()
    symbols = set(lines)
    exported = list(exported_by(library))
    soname = soname_of(library)

    in_order = lines == sorted(symbols)
    yield "symbols are sorted, each once", [] if in_order else ["sort -u tests/abi/symbols"]
    yield "names begin with ferry_", [name for name in lines if not name.startswith("ferry_")]
    yield "headers declare the symbols", differences(symbols, declared_in(include.glob("*.h")))
    yield "the library exports them", differences(symbols, {name for _, name in exported})
    yield "all are functions", [f"{name} is {kind}" for kind, name in exported if kind != "T"]
    yield "soname by major version", [] if soname == [f"libferry.so.{major}"] else soname or ["none"]


if __name__ == "__main__":
    sys.exit(report(results(sys.argv[1], Path(sys.argv[2]) / "ferry", sys.argv[3])))
