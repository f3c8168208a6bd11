"""Runs test functions and reports them in the Test Anything Protocol, which meson reads."""

import inspect
import os
import signal
import sys
import time
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


class TimedOut(Exception):
    """A test took longer than its limit."""


def _on_alarm(_signal, _frame):
    raise TimedOut


def test(title, limit_s=120):
    """Marks a function as a test. The title names the requirements that it proves."""

    def mark(function):
        function.tap_title = title
        function.tap_limit_s = limit_s
        return function

    return mark


def _diagnose(text):
    for line in text.rstrip().splitlines():
        print("#", line)


def _run_one(number, function, argument):
    started = time.monotonic()
    signal.alarm(function.tap_limit_s)
    try:
        function(argument)
    except Skip as reason:
        print(f"ok {number} {function.tap_title} # SKIP {reason}")
        return True
    except TimedOut:
        print(f"not ok {number} {function.tap_title}")
        _diagnose(f"no end within {function.tap_limit_s} s\n{traceback.format_exc()}")
        return False
    except Exception:  # pylint: disable=broad-except
        signal.alarm(0)
        print(f"not ok {number} {function.tap_title}")
        _diagnose(traceback.format_exc())
        return False
    finally:
        signal.alarm(0)
        _diagnose(f"{time.monotonic() - started:.1f} s")
        sys.stdout.flush()
    print(f"ok {number} {function.tap_title}")
    return True


def main(module, fixture):
    """Runs every marked function of `module`, each with what the context manager `fixture` yields, in the order of the
    source. With words on the command line only those tests whose title or name holds one of them."""
    signal.signal(signal.SIGALRM, _on_alarm)
    os.environ["LC_ALL"] = "C.UTF-8"
    words = sys.argv[1:]
    functions = [f for _, f in inspect.getmembers(module, inspect.isfunction) if hasattr(f, "tap_title")]
    functions.sort(key=lambda f: f.__code__.co_firstlineno)
    if words:
        functions = [f for f in functions if any(w in f.tap_title or w in f.__name__ for w in words)]
    print(f"1..{len(functions)}")
    passed = True
    with fixture() as argument:
        for number, function in enumerate(functions, 1):
            passed = _run_one(number, function, argument) and passed
    sys.exit(0 if passed else 1)
