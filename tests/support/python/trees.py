"""Trees of files to send: names that break programs, and a comparison byte for byte."""

import filecmp
import hashlib
import os
import random

# What real people have called files, and what breaks quoting, globbing, URLs and listing parsers.
HARD_NAMES = [
    "plain.txt", "two words", "  leading blanks", "trailing blank ", "-leading-dash", "--help", "quote\"d", "apos'trophe",
    "back\\slash", "br[ack]et", "cur{ly}", "ast*risk", "que?tion", "dollar$HOME", "per%41cent", "ha#sh", "semi;type=a",
    "amp&ersand", "pi|pe", "<angle>", "ti~lde", "~", "ex!clam", "co:lon", "comma,", "at@sign", "equals=", "plus+plus",
    "Grüße", "日本語", "e\u0301 decomposed", "русский", "emoji-🚢", "a -> b", ".hidden", "..two-dots", "...", "x" * 200,
    "2026-03-14 12:00", "drwxr-xr-x", "type=dir; x",
]


def make(root, names=None, seed=1):
    """Fills `root` with a small tree; contents are random but always the same."""
    source = random.Random(seed)
    names = HARD_NAMES if names is None else names
    folders = [root, root / "sub folder", root / "sub folder" / "dëëp", root / "empty folder"]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        (folders[index % 3] / name).write_bytes(source.randbytes(source.choice([0, 1, 17, 4096, 70_000])))
    (root / "one mebibyte").write_bytes(source.randbytes(1 << 20))
    return root


def differences(left, right):
    """What is not the same in two trees, as a list of words; empty when they are."""
    found = []

    def walk(comparison, where):
        found.extend(f"only here: {where}{n!r}" for n in comparison.left_only)
        found.extend(f"only there: {where}{n!r}" for n in comparison.right_only)
        found.extend(f"of another kind: {where}{n!r}" for n in comparison.common_funny)
        _, mismatch, errors = filecmp.cmpfiles(comparison.left, comparison.right, comparison.common_files, shallow=False)
        found.extend(f"another content: {where}{n!r}" for n in mismatch + errors)
        for name, inner in comparison.subdirs.items():
            walk(inner, f"{where}{name}/")

    walk(filecmp.dircmp(left, right, ignore=[], hide=[os.curdir, os.pardir]), "")
    return found


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
