#!/usr/bin/env python3
"""Each public header compiles alone and twice, as C17 and as C++17, without a warning. TAP on stdout.

Usage: headers.py HEADER... ; each is included as <ferry/NAME> from the folder above its own.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support" / "python"))
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the path comes first)

COMPILERS = [
    ["gcc", "-std=c17", "-Wstrict-prototypes"],
    ["clang", "-std=c17", "-Wstrict-prototypes"],
    ["g++", "-std=c++17"],
    ["clang++", "-std=c++17"],
]
WARNINGS = ["-Wall", "-Wextra", "-Wundef", "-pedantic", "-Werror"]


def complaints(compiler, header, folders):
    """What the compiler says to a program that includes nothing but the header, twice."""
    language = "c++" if "++" in compiler[0] else "c"
    include = f"#include <ferry/{header.name}>\n"
    command = [*compiler, *WARNINGS, "-fsyntax-only", *(f"-I{folder}" for folder in folders)]
    done = subprocess.run(
        [*command, "-x", language, "-"],
        input=f"{include}{include}int main(void);\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return [done.stderr or f"exit status {done.returncode}"] if done.returncode else []


def results(headers):
    """Yields (name, what is wrong)."""
    folders = sorted({header.parents[1] for header in headers})
    for header in headers:
        for compiler in COMPILERS:
            name = f"{header.name} with {compiler[0]} {compiler[1]}"
            yield name, complaints(compiler, header, folders)


if __name__ == "__main__":
    sys.exit(report(results([Path(name) for name in sys.argv[1:]])))
