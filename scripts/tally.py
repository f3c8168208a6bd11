"""Counts test cases: each of a TAP program's, and each other program as one."""

import re

# A plan (with the reason if all is skipped) and a case of TAP: what failed, its name, why skipped.
PLAN = re.compile(r"^1\.\.(\d+) *(?:# *skip\S* *(.*))?$", re.IGNORECASE | re.MULTILINE)
CASE = re.compile(r"^(not )?ok\b(?: +\d+)?(?: +-)? *([^#\n]*)(?:# *(\S+) *(.*))?$", re.MULTILINE)

# How cmocka reports skip(): as a failure, but one without the " - " of every other. What the test
# printed last is why.
CMOCKA_SKIP = re.compile(r"(?:^# (.*)\n)?^not (ok \d+) # SKIP (\w+)$", re.MULTILINE)

SKIPPED_STATUS = 77


def with_skips_of_cmocka(logged):
    """The entry in meson's log with cmocka's skips as TAP writes them, and the result that follows."""
    if logged["returncode"] != 0:
        return logged  # something failed, and cmocka may then call that a skip, too
    output, skips = CMOCKA_SKIP.subn(r"\2 - \3 # SKIP \1", logged.get("stdout", ""))
    result = "OK" if skips and logged["result"] == "FAIL" else logged["result"]
    return logged | {"stdout": output, "result": result}


class Tally:
    """What every case came to."""

    def __init__(self):
        self.passed = 0
        self.failed = []  # what failed, in words
        self.skipped = []  # what was not run, and why

    def add(self, name, ok, skip_reason=None):
        if not ok:
            self.failed.append(name)
        elif skip_reason is not None:
            self.skipped.append(f"{name}: {skip_reason or 'no reason given'}")
        else:
            self.passed += 1

    def add_tap(self, name, output, ending):
        """Adds the cases in a program's TAP; what its plan promises and is not there has failed.
        `ending` says how the program ended."""
        plan = PLAN.search(output)
        planned, reason = plan.groups() if plan else ("0", None)
        cases = CASE.findall(output)
        for fail, case, directive, why in cases:
            skip = directive.lower().startswith("skip") and not fail
            self.add(f"{name}: {case.strip()}", not fail, why.strip() if skip else None)

        if planned == "0" and reason is not None:
            self.add(name, True, reason)
        elif len(cases) != int(planned) or not cases:
            self.add(f"{name}: ran {len(cases)} of {planned} cases, {ending}", False)

    def add_program(self, listed, logged):
        """Adds one test program: its entry in meson's list of tests, and in meson's log or None."""
        name = listed["name"]
        if logged is None:
            self.add(f"{name}: was not run", False)
            return
        logged = with_skips_of_cmocka(logged)
        output, result = logged.get("stdout", ""), logged["result"]
        ending = f"{result}, exit status {logged['returncode']}"
        if listed["protocol"] == "tap":
            failed_before = len(self.failed)
            self.add_tap(name, output, ending)
            if result not in ("OK", "SKIP") and len(self.failed) == failed_before:
                self.add(f"{name}: {ending}", False)
        elif result == "SKIP" and logged["returncode"] == SKIPPED_STATUS:
            self.add(name, True, output.strip().rpartition("\n")[2])
        else:
            self.add(f"{name}: {ending}", result == "OK")

    def add_all(self, listed, logged):
        """Adds all programs in meson's list of tests, by meson's log: two lists of dictionaries.
        A suite of which nothing ran has failed, and so has an empty list."""
        by_command = {tuple(entry["command"]): entry for entry in logged}
        ran = {}
        for test in listed:
            before = self.passed + len(self.failed)
            self.add_program(test, by_command.get(tuple(test["cmd"])))
            for suite in test["suite"]:
                ran[suite] = ran.get(suite, False) or self.passed + len(self.failed) > before
        for suite, any_ran in ran.items():
            if not any_ran:
                self.add(f"suite {suite}: nothing of it ran", False)
        if not listed:
            self.add("there are no tests", False)

    def counts(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
