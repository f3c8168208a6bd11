"""The requirements, the tests that name them, and the table of both.

A requirement is a row of docs/requirements.tsv. A test names it as `TLS-130` in a comment or a
title, as `FTP-90 to FTP-93` with all that are between, or as `tls_130_...`, `ftp_71_73_135_...`,
`ftp_90_to_93_...` in the name of a cmocka test.
"""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

REQUIREMENTS = Path("docs") / "requirements.tsv"
REASONS = Path("docs") / "conformance-reasons.tsv"
TABLE = Path("docs") / "conformance.md"

FAMILIES = {
    "TLS": "FTP over TLS",
    "FTP": "FTP",
    "LST": "Listings",
    "REP": "Replies",
    "DEV": "Deviations of servers",
    "SEC": "Threats",
}
PARTLY = "partly: "  # how a reason begins that stands beside tests

ANY = "|".join(FAMILIES)
WRITTEN = re.compile(rf"\b({ANY})-(\d+)(?!\.?\d)(?:[\s*]+to[\s*]+(?:\1-)?(\d+)(?!\.?\d))?")
IN_NAME = re.compile(rf"(?:^|_)({ANY.lower()})((?:_(?:to_)?\d+)+)(?=_|$)")
VERSION = re.compile(r"_1_[0123]")  # tls_1_2 is a version of TLS

# What has no tests in it, and what has tests of this very script with made-up numbers.
NO_TESTS = {"support"}
LEFT_OUT = {"conformance", "corpus", "listings"}
READ = {".c", ".h", ".js", ".py", ".txt"}

# A test of cmocka. None is there and not run: the compiler refuses what is static and not used.
CMOCKA = re.compile(r"^static void (\w+)\(void \*\*\w*\)\s*\{", re.MULTILINE)
TITLE = re.compile(rf'@test\(\s*"([^"]*)"|"((?:{ANY})-\d+ [^"]*)"')
IDS_IN_FRONT = re.compile(rf"^(?:(?:{ANY})-\d+ )*")


@dataclass
class Tree:
    """What a source tree says about the requirements."""

    requirements: dict  # id: (who, what), in the file's order
    reasons: dict  # id: why there is no test, or what is missing
    tests: dict = field(  # id: file: names of tests, "" for the whole file
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    unknown: dict = field(default_factory=lambda: defaultdict(set))  # id: files


def expand(family, first, last, known):
    """The ids of a range: its ends, and what is known of those between."""
    between = (f"{family}-{n}" for n in range(first + 1, last))
    ends = {f"{family}-{first}", f"{family}-{last}"}
    return ends | {requirement for requirement in between if requirement in known}


def written_ids(text, known):
    """Yields (id, where) for each requirement in a text."""
    for found in WRITTEN.finditer(text):
        first = int(found[2])
        for requirement in expand(found[1], first, int(found[3] or first), known):
            yield requirement, found.start()


def ids_in_name(name, known):
    """The requirements in the name of a C function."""
    ids = set()
    for found in IN_NAME.finditer(name):
        if found[1] == "tls" and VERSION.match(found[2]):
            continue
        last = None
        for word in found[2].strip("_").split("_"):
            if word == "to":
                continue
            ranged = f"_to_{word}" in found[2] and last is not None
            ids |= expand(found[1].upper(), last if ranged else int(word), int(word), known)
            last = int(word)
    return ids


def scan_c(text, known):
    """Yields (id, test) for a C file. What is said outside a test belongs to the next one, since
    tables stand before the code that reads them; what is said above the first #include belongs to
    the whole file: the test is "" then."""
    tests = [(text.find("\n}", found.end()), found[1]) for found in CMOCKA.finditer(text)]
    for _, name in tests:
        for requirement in ids_in_name(name, known):
            yield requirement, name
    head = text.find("#include")
    for requirement, where in written_ids(text, known):
        after = [name for end, name in tests if end >= where and where > head]
        yield requirement, after[0] if after else ""


def scan_python(text, known):
    """Yields (id, test): a test is the title that the id stands in, or the last one above."""
    titles = [(found.start(), found[1] or found[2]) for found in TITLE.finditer(text)]
    for requirement, where in written_ids(text, known):
        above = [title for start, title in titles if start <= where]
        yield requirement, IDS_IN_FRONT.sub("", above[-1]) if above else ""


def scan_plain(text, known):
    for requirement, _ in written_ids(text, known):
        yield requirement, ""


SCANNERS = {".c": scan_c, ".py": scan_python}


def read_table(path, columns):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if rows[:1] != [columns] or any(len(row) != len(columns) for row in rows):
        raise ValueError(f"{path}: not a table of {', '.join(columns)}")
    table = {row[0]: row[1:] for row in rows[1:]}
    if len(table) != len(rows) - 1:
        raise ValueError(f"{path}: a number stands there twice")
    return table


def read_tree(top):
    """Reads the requirements and reasons of a source tree, and scans its tests."""
    requirements = read_table(top / REQUIREMENTS, ["id", "who", "what"])
    reasons = {key: row[0] for key, row in read_table(top / REASONS, ["id", "reason"]).items()}
    tree = Tree(requirements, reasons)
    tests = top / "tests"
    for path in sorted(tests.rglob("*")):
        relative = path.relative_to(tests)
        if path.suffix not in READ or LEFT_OUT & set(relative.parts) or not path.is_file():
            continue
        scan = SCANNERS.get(path.suffix, scan_plain)
        for requirement, name in scan(path.read_text(encoding="utf-8"), requirements):
            if requirement not in requirements:
                tree.unknown[requirement].add(str(relative))
            elif relative.parts[0] not in NO_TESTS:
                tree.tests[requirement][str(relative)].add(name)
    return tree


def is_partly(reason):
    return reason.startswith(PARTLY)


def in_words(tree, requirement):
    """The last column: the tests, and the reason if there is one."""
    words = []
    for file, names in sorted(tree.tests.get(requirement, {}).items()):
        named = ", ".join(sorted(name.replace("|", "\\|") for name in names - {""}))
        words.append(f"`{file}`" + (f": {named}" if named else ""))
    if requirement in tree.reasons:
        words.append(f"*{tree.reasons[requirement]}*")
    return "; ".join(words)


def render(tree):
    """The table as a page of Markdown."""
    tested = sum(1 for requirement in tree.requirements if tree.tests.get(requirement))
    lines = [
        "# Requirements and their tests",
        "",
        "Made by `scripts/conformance` from `requirements.tsv` and `conformance-reasons.tsv` here and",
        "from the tests, of which each names what it proves. Do not edit it: `tests/conformance`",
        "refuses it when it is old. S is the server, C the client, P the proxies, X the probe.",
        "What is slanted says why there is no test, or what of it none shows.",
        "",
        f"{len(tree.requirements)} requirements; {tested} are named by tests.",
    ]
    for family, title in FAMILIES.items():
        lines += ["", f"## {title}", "", "| id | for | what | tests |", "| --- | --- | --- | --- |"]
        for requirement, (who, what) in tree.requirements.items():
            if requirement.startswith(f"{family}-"):
                lines.append(f"| {requirement} | {who} | {what} | {in_words(tree, requirement)} |")
    return "\n".join(lines) + "\n"


def check(top):
    """Yields (rule, what breaks it), the latter a list of words."""
    tree = read_tree(top)
    tested, reasons = set(tree.tests), tree.reasons

    page = top / TABLE
    made = page.exists() and page.read_text(encoding="utf-8") == render(tree)
    yield "the table is what the script makes now", [] if made else ["run scripts/conformance"]

    bare = [r for r in tree.requirements if r not in tested and r not in reasons]
    yield "each requirement has a test or a reason", [f"{r} has neither" for r in bare]

    stale = [r for r, why in reasons.items() if r in tested and not is_partly(why)]
    advice = f'take out its reason, or write "{PARTLY}..."'
    yield "no reason stands for what has a test", [f"{r} has a test: {advice}" for r in stale]

    alone = [r for r, why in reasons.items() if r not in tested and is_partly(why)]
    yield "what is tested partly has a test", [f"{r} has none" for r in alone]

    strange = [f"{r} in {REASONS}" for r in reasons if r not in tree.requirements]
    strange += [f"{r} in {', '.join(sorted(files))}" for r, files in sorted(tree.unknown.items())]
    yield "every number that is named exists", [f"there is no {words}" for words in strange]
