#!/usr/bin/env python3
"""docs/conformance.md: it is what scripts/conformance makes, and every requirement is tested or excused.

TAP on stdout: one case per rule of the real tree, then one per flaw planted in a made-up tree, so that a rule that
has stopped working is noticed.
"""

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent / "scripts"), str(TESTS / "support" / "python")]
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the paths come first)
from requirements import REASONS, REQUIREMENTS, TABLE, check, read_tree, render  # noqa: E402

NUMBERS = [f"TLS-{n}" for n in (1, 2, 3, 12, 13)] + [f"FTP-{n}" for n in range(1, 9)] + ["SEC-1", "SEC-2", "DEV-1"]

# Each file and the requirements that it is to be found naming, with the test or "" for the whole file.
CLEAN = {
    "unit/test_a.c": (
        "/* a: all of it (SEC-1 to\n * SEC-2). */\n#include <cmocka.h>\n"
        "static const int table[] = {1}; /* FTP-1 */\n"
        "static void helper(void)\n{\n    /* FTP-2 */\n}\n"
        "static void first_test(void **state)\n{\n    (void)state; /* FTP-3 */\n}\n\n"
        "/* FTP-4 */\n"
        "static void ftp_5_to_7_tls_12_ranges(void **state)\n{\n    (void)state;\n}\n\n"
        "static void tls_1_3_ftp_8_is_no_number(void **state)\n{\n    (void)state;\n}\n",
        {"SEC-1": "", "SEC-2": "", "FTP-1": "first_test", "FTP-2": "first_test", "FTP-3": "first_test",
         "FTP-4": "ftp_5_to_7_tls_12_ranges", "FTP-5": "ftp_5_to_7_tls_12_ranges",
         "FTP-6": "ftp_5_to_7_tls_12_ranges", "FTP-7": "ftp_5_to_7_tls_12_ranges",
         "TLS-12": "ftp_5_to_7_tls_12_ranges", "FTP-8": "tls_1_3_ftp_8_is_no_number"}),
    "interop/test_b.py": (
        '@test("TLS-1 TLS-2 both at once")\ndef f(server):\n    assert server, "TLS-3"\n',
        {"TLS-1": "both at once", "TLS-2": "both at once", "TLS-3": "both at once"}),
    "transcripts/server_c.txt": ("# DEV-1: its ways. TLS-1.2 is none.\nC: NOOP\n", {"DEV-1": ""}),
    "support/kit.c": ("/* FTP-1 */\n", {}),
    "fuzz/corpus/c/SEC-1": ("SEC-1", {}),
}
REASON = "TLS-13\tserver: not built yet\n"

# What is wrong, the files that make it so, and a part of what is said of it.
PLANTED = [
    ("a table by hand", {TABLE: "# Requirements\n"}, "run scripts/conformance"),
    ("a requirement without test and reason", {REASONS: "id\treason\n"}, "TLS-13 has neither"),
    ("the same, as its test is gone", {"tests/transcripts/server_c.txt": "# nothing\n"}, "DEV-1 has neither"),
    ("a test in what has no tests", {"tests/transcripts/server_c.txt": "", "tests/support/c.c": "/* DEV-1 */\n"},
     "DEV-1 has neither"),
    ("a reason for what has a test", {REASONS: f"id\treason\n{REASON}FTP-1\tserver: later\n"}, "FTP-1 has a test"),
    ("a part of nothing", {REASONS: "id\treason\nTLS-13\tpartly: later\n"}, "TLS-13 has none"),
    ("a reason for no requirement", {REASONS: f"id\treason\n{REASON}TLS-99\tlater\n"}, "no TLS-99 in docs"),
    ("no such number in a comment", {"tests/unit/test_d.c": "/* SEC-9 */\n"}, "no SEC-9 in unit/test_d.c"),
    ("no such number in a name", {"tests/unit/test_d.c": "static void ftp_9_x(void **state)\n{\n}\n"},
     "no FTP-9 in unit/test_d.c"),
    ("no such number at the end of a range", {"tests/transcripts/d.txt": "# FTP-1 to FTP-9\n"}, "no FTP-9 in"),
    ("no such number in a title", {"tests/interop/d.py": '@test("DEV-2 x")\n'}, "no DEV-2 in interop/d.py"),
    ("no such number in what has no tests", {"tests/support/d.py": "# LST-1\n"}, "no LST-1 in support/d.py"),
]


def made_up_tree(top, changes):
    """Writes the clean tree with its table, then the changes."""
    rows = "".join(f"{number}\tS\twhat {number} asks\n" for number in NUMBERS)
    files = {REQUIREMENTS: f"id\twho\twhat\n{rows}", REASONS: f"id\treason\n{REASON}"}
    files |= {Path("tests") / name: text for name, (text, _) in CLEAN.items()}
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    changed = {top / name: text for name, text in changes.items()}
    for path, text in changed.items():
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
    found = {(number, file, test) for number, files in tree.tests.items() for file, tests in files.items()
             for test in tests}
    expected = {(number, file, test) for file, (_, ids) in CLEAN.items() for number, test in ids.items()}
    return sorted(f"{'not expected' if item in found else 'not found'}: {item}" for item in found ^ expected)


def cases():
    """Yields (name, [what is wrong])."""
    yield from check(TESTS.parent)
    yield "each number is found where it stands", scanned()
    yield "a clean tree is clean", found_in_made_up_tree({})
    for name, changes, expected in PLANTED:
        found = found_in_made_up_tree(changes)
        right = len(found) == 1 and expected in found[0]
        yield f"finds {name}", [] if right else [f"expected '{expected}'", *found]


if __name__ == "__main__":
    sys.exit(report(cases()))
