"""Looks for bytes in the memory of a running process, as whoever took it over could."""

import base64
import contextlib
import subprocess

# Larger mappings are the address sanitizer's shadow, which holds no data.
LARGEST = 1 << 28
CHUNK = 1 << 22


def holds(pid, needles):
    """The needles that are found in the writable memory of the process."""
    found, longest = set(), max(map(len, needles))
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            first, last = (int(part, 16) for part in span.split("-"))
            if not rights.startswith("rw") or last - first > LARGEST:
                continue
            for at in range(first, last, CHUNK):
                with contextlib.suppress(OSError, ValueError):
                    memory.seek(at)
                    data = memory.read(min(CHUNK + longest, last - at))
                    found.update(needle for needle in needles if needle in data)
    return found


def forms_of_key(path):
    """The secret number of an EC key as it may lie in memory: as in DER, as OpenSSL keeps numbers, as text."""
    lines = subprocess.run(["openssl", "pkey", "-in", path, "-text", "-noout"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    begin, end = lines.index("priv:"), lines.index("pub:")
    number = bytes.fromhex("".join(lines[begin + 1:end]).replace(":", "").replace(" ", ""))[-32:]
    body = [line for line in path.read_text(encoding="ascii").splitlines() if not line.startswith("-----")]
    assert number in base64.b64decode("".join(body))
    return [number, number[::-1], body[1].encode()]
