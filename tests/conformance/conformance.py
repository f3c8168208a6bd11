#!/usr/bin/env python3
"""docs/conformance.md is what scripts/conformance makes, and no requirement is without a word.

TAP on stdout: one case per rule of the real tree, then one per flaw planted in a made-up tree, so
that a rule that has stopped working is noticed.
"""

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent / "scripts"), str(TESTS / "support" / "python")]
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the paths come first)
from requirements import REASONS, REQUIREMENTS, TABLE, check, read_tree, render  # noqa: E402

NUMBERS = [
    *(f"TLS-{n}" for n in (1, 2, 3, 12, 13)),
    *(f"FTP-{n}" for n in range(1, 9)),
    *("SEC-1", "SEC-2", "DEV-1"),
]

# Each file, and the requirements that are to be found in it, each with its test ("": the file).
CLEAN = {
    "unit/test_a.c": (
        "/* a: all of it (SEC-1 to\n * SEC-2). */\n#include <cmocka.h>\n"
        "static const int table[] = {1}; /* FTP-1 */\n"
        "static void helper(void)\n{\n    /* FTP-2 */\n}\n"
        "static void first_test(void **state)\n{\n    (void)state; /* FTP-3 */\n}\n\n"
        "/* FTP-4 */\n"
        "static void ftp_5_to_7_tls_12_ranges(void **state)\n{\n    (void)state;\n}\n\n"
        "static void tls_1_3_ftp_8_is_no_number(void **state)\n{\n    (void)state;\n}\n"
        "static void five_hundred_tls_1_2(void **state)\n{\n    (void)state;\n}\n",
        {"SEC-1": "", "SEC-2": "", "FTP-8": "tls_1_3_ftp_8_is_no_number"}
        | dict.fromkeys(["FTP-1", "FTP-2", "FTP-3"], "first_test")
        | dict.fromkeys(["FTP-4", "FTP-5", "FTP-6", "FTP-7", "TLS-12"], "ftp_5_to_7_tls_12_ranges"),
    ),
    "interop/test_b.py": (
        '@test("TLS-1 TLS-2 both at once")\ndef f(server):\n    assert server, "TLS-3"\n',
        {"TLS-1": "both at once", "TLS-2": "both at once", "TLS-3": "both at once"}),
    "transcripts/server_c.txt": ("# DEV-1: its ways. TLS-1.2 is none.\nC: NOOP\n", {"DEV-1": ""}),
    "support/kit.c": ("/* FTP-1 */\n", {}),
    "fuzz/corpus/c/SEC-1": ("SEC-1", {}),
}
REASON = "id\treason\nTLS-13\tserver: not built yet\n"

# What is wrong, the file that makes it so and what stands in it then, and a part of what is said.
GONE = "tests/transcripts/server_c.txt"
PLANTED = [
    ("a table by hand", TABLE, "# Requirements\n", "run scripts/conformance"),
    ("no test and no reason", REASONS, "id\treason\n", "TLS-13 has neither"),
    ("no test any more", GONE, "# nothing\n", "DEV-1 has neither"),
    ("a reason for what has a test", REASONS, REASON + "FTP-1\tlater\n", "FTP-1 has a test"),
    ("a part of nothing", REASONS, "id\treason\nTLS-13\tpartly: later\n", "TLS-13 has none"),
    ("a reason for no requirement", REASONS, REASON + "TLS-99\tlater\n", "no TLS-99 in docs"),
    ("no such number in a comment", "tests/unit/d.c", "/* SEC-9 */\n", "no SEC-9 in unit/d.c"),
    (
        "no such number in a name",
        "tests/unit/d.c",
        "static void ftp_9_x(void **state)\n{\n}\n",
        "no FTP-9 in unit/d.c",
    ),
    ("no such end of a range", "tests/sim/d.txt", "# FTP-1 to FTP-9\n", "no FTP-9 in sim/d.txt"),
    ("no such number in a title", "tests/sim/d.py", '@test("DEV-2 x")\n', "no DEV-2 in sim/d.py"),
    ("no such number in a kit", "tests/support/d.py", "# LST-1\n", "no LST-1 in support/d.py"),
]


def made_up_tree(top, changes):
    """Writes the clean tree with its table, then the changes."""
    rows = "".join(f"{number}\tS\twhat {number} asks\n" for number in NUMBERS)
    files = {REQUIREMENTS: f"id\twho\twhat\n{rows}", REASONS: REASON}
    files |= {Path("tests") / name: text for name, (text, _) in CLEAN.items()}
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    changed = {top / name: text for name, text in changes.items()}
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if top / TABLE not in changed:
        (top / TABLE).write_text(render(read_tree(top)), encoding="utf-8")


def found_in_made_up_tree(changes):
    with tempfile.TemporaryDirectory() as name:
        made_up_tree(Path(name), changes)
        return [words for _, found in check(Path(name)) for words in found]


def scanned():
    """What the scanners find in the clean tree and should not, and the reverse."""
    with tempfile.TemporaryDirectory() as name:
        made_up_tree(Path(name), {})
        tree = read_tree(Path(name))
    found = {
        (number, file, test)
        for number, files in tree.tests.items()
        for file, tests in files.items()
        for test in tests
    }
    expected = {
        (number, file, test) for file, (_, ids) in CLEAN.items() for number, test in ids.items()
    }
    return [f"not expected: {item}" for item in sorted(found - expected)] + [
        f"not found: {item}" for item in sorted(expected - found)
    ]


def cases():
    """Yields (name, [what is wrong])."""
    yield from check(TESTS.parent)
    yield "each number is found where it stands", scanned()
    yield "a clean tree is clean", found_in_made_up_tree({})
    for name, file, text, expected in PLANTED:
        found = found_in_made_up_tree({file: text})
        right = len(found) == 1 and expected in found[0]
        yield f"finds {name}", [] if right else [f"expected '{expected}'", *found]


if __name__ == "__main__":
    sys.exit(report(cases()))
