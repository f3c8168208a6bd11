#!/usr/bin/env python3
"""SEC-72: what is shipped is position-independent, bound at its start, read-only once relocated,
without an executable stack, with stack protectors, and looks for libraries nowhere of its own. TAP
on stdout.

_FORTIFY_SOURCE is not seen here: it is off under the sanitizers that the tests are built with.
Usage: hardening.py PROGRAM_OR_LIBRARY...
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support" / "python"))
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the path comes first)

# What is wrong, if the pattern is (or is not) in what readelf says.
RULES = [
    ("not position-independent", r"^\s*Type:\s+DYN ", True),
    ("not bound at its start", r"\(FLAGS_1\).*\bNOW\b", True),
    ("no read-only relocations", r"^\s*GNU_RELRO ", True),
    ("an executable stack", r"^\s*GNU_STACK .* RW ", True),
    ("no stack protector", r"\b__stack_chk_fail\b", True),
    ("a path to libraries of its own", r"\((RPATH|RUNPATH)\)", False),
]

SOUND = """\
  Type:                              DYN (Position-Independent Executable file)
  GNU_STACK      0x000000 0x0000000000000000 0x0000000000000000 0x000000 0x000000 RW  0x10
  GNU_RELRO      0x19d658 0x000000000019e658 0x000000000019e658 0x0049a8 0x0049a8 R   0x1
 0x000000006ffffffb (FLAGS_1)            Flags: NOW PIE
    12: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND __stack_chk_fail@GLIBC_2.4 (5)
"""

# A change to what is sound, and what is to be found then.
PLANTED = [
    ("DYN (Position-Independent Executable", "EXEC (Executable", "not position-independent"),
    ("NOW PIE", "PIE", "not bound at its start"),
    ("GNU_RELRO", "NOTE", "no read-only relocations"),
    (" RW  0x10", " RWE 0x10", "an executable stack"),
    ("__stack_chk_fail", "abort", "no stack protector"),
    ("NOW PIE\n", "NOW PIE\n 0x1d (RUNPATH) [/tmp]\n", "a path to libraries of its own"),
]


def wrong_in(headers):
    return [
        what
        for what, pattern, wanted in RULES
        if bool(re.search(pattern, headers, re.MULTILINE)) != wanted
    ]


def cases(programs):
    """Yields (name, [what is wrong])."""
    for program in programs:
        what = ["--file-header", "--program-headers", "--dynamic", "--dyn-syms", "--wide"]
        headers = subprocess.check_output(["readelf", *what, program], text=True)
        yield f"{Path(program).name} is hardened", wrong_in(headers)
    yield "what is sound is sound", wrong_in(SOUND)
    for sound, changed, expected in PLANTED:
        found = wrong_in(SOUND.replace(sound, changed))
        yield f"finds {expected}", [] if found == [expected] else [f"found {found}"]


if __name__ == "__main__":
    sys.exit(report(cases(sys.argv[1:])))
