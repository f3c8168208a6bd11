#!/usr/bin/env python3
"""scripts/tally.py: what went wrong must count as failed. TAP on stdout."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent / "scripts"), str(TESTS / "support" / "python")]
sys.dont_write_bytecode = True

from checks import report  # noqa: E402 (the paths come first)
from tally import Tally  # noqa: E402


def listed(name="t", protocol="tap", suite="s"):
    return {"name": name, "protocol": protocol, "suite": [suite], "cmd": [name]}


def logged(stdout, result="OK", returncode=0, name="t"):
    return {"command": [name], "stdout": stdout, "result": result, "returncode": returncode}


# What a program does, its entry in the log, and how many cases passed, failed and were skipped.
TAP = [
    ("all pass", logged("1..2\nok 1 - a\nok 2 - b\n"), (2, 0, 0)),
    ("the plan comes last", logged("ok 1\nok 2\n1..2\n"), (2, 0, 0)),
    ("one fails", logged("1..2\nnot ok 1 - a\nok 2 - b\n", "FAIL"), (1, 1, 0)),
    ("one of two is skipped", logged("1..2\nok 1 - a # SKIP no peer\nok 2\n"), (1, 0, 1)),
    ("cmocka skips one of two", logged("1..2\nnot ok 1 # SKIP a\nok 2 - b\n", "FAIL"), (1, 0, 1)),
    ("cmocka skips and fails", logged("1..1\nnot ok 1 # SKIP a\n", "ERROR", 1), (0, 1, 0)),
    ("cmocka skips and hangs", logged("1..1\nnot ok 1 # SKIP a\n", "TIMEOUT"), (0, 1, 1)),
    ("named as a skip, and fails", logged("1..1\nnot ok 1 - # SKIP a\n", "FAIL"), (0, 1, 0)),
    ("crash after the first", logged("1..3\nok 1 - a\n", "ERROR", -6), (1, 1, 0)),
    ("crash before the plan", logged("", "ERROR", -11), (0, 1, 0)),
    ("hangs", logged("1..2\nok 1\n", "TIMEOUT", -15), (1, 1, 0)),
    ("hangs after the last", logged("1..1\nok 1\n", "TIMEOUT", -15), (1, 1, 0)),
    ("a leak is found at the end", logged("1..1\nok 1\n", "ERROR", 1), (1, 1, 0)),
    ("stops early and says all is well", logged("1..2\nok 1\n", "ERROR"), (1, 1, 0)),
    ("prints nothing", logged("", "SKIP"), (0, 1, 0)),
    ("plans nothing", logged("1..0\n", "SKIP"), (0, 1, 0)),
    ("is not in the log", None, (0, 1, 0)),
]
PLAIN = [
    ("exit status 0", logged("hi\n"), (1, 0, 0)),
    ("exit status 1", logged("", "FAIL", 1), (0, 1, 0)),
    ("exit status 77", logged("no peer\n", "SKIP", 77), (0, 0, 1)),
    ("hangs without TAP", logged("", "TIMEOUT", -15), (0, 1, 0)),
]


def count(tests, log):
    tally = Tally()
    tally.add_all(tests, log)
    return tally


def cases():
    """Yields (name, expected, actual)."""
    # Beside each program one that passes, so that the rule about whole suites stays out of it.
    fine, fine_log = listed("fine", "exitcode"), logged("", name="fine")
    for protocol, rows in (("tap", TAP), ("exitcode", PLAIN)):
        for name, log, (passed, failed, skipped) in rows:
            tally = count([listed(protocol=protocol), fine], [fine_log, *([log] if log else [])])
            expected = f"{passed + 1} passed, {failed} failed, {skipped} skipped"
            yield name, expected, tally.counts()

    whole = logged("1..0 # SKIP no peer\n", "SKIP")
    tally = count([listed(), fine], [whole, fine_log])
    yield "a program skips all with a reason", ["t: no peer"], tally.skipped
    cmocka = logged("1..2\nok 1 - a\n# no right\nnot ok 2 # SKIP b\n", "FAIL")
    yield "cmocka skips with a reason", ["t: b: no right"], count([listed()], [cmocka]).skipped
    tally = count([listed()], [whole])
    yield "a suite skips all", ["suite s: nothing of it ran"], tally.failed
    tally = count([listed(protocol="exitcode")], [logged("first\nno peer\n", "SKIP", 77)])
    yield "the reason of exit status 77", ["t: no peer"], tally.skipped
    yield "no tests at all", ["there are no tests"], count([], []).failed


def results():
    """Yields (name, what is wrong)."""
    for name, expected, actual in cases():
        yield name, [] if expected == actual else [f"expected {expected}, not {actual}"]


if __name__ == "__main__":
    sys.exit(report(results()))
