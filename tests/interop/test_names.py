#!/usr/bin/env python3
"""Names that are no UTF-8 or mean something to somebody, through real clients; and a directory with very many."""

import contextlib
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

GERMAN = ("Grüße.txt", "Straße", "ÿ Maß", "plain")
ABSENT = "日本語"  # of no Western charset
MANY = 100_000
GROWTH_MIB = 12


@contextlib.contextmanager
def fixture():
    """A server whose account takes Western names beside UTF-8, for the tests that want one."""
    with peers.ferryd("--charset", "windows-1252") as server, peers.scratch() as work:
        server.work = work
        yield server


def run(argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, stdin=subprocess.DEVNULL, check=False, **options)
    assert done.returncode == 0, f"{argv[0]} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout.decode("utf-8", "surrogateescape")


def lftp(server, commands, charset=None):
    settings = [f"set ssl:ca-file {server.ca}", "set ftp:ssl-force true", "set ftp:ssl-protect-data true",
                "set cmd:fail-exit true", "set net:max-retries 1", "set file:charset UTF-8"]
    if charset:
        settings += ["set ftp:use-utf8 false", f"set ftp:charset {charset}"]
    return run([peers.need("lftp"), "--norc", "-u", f"{server.user},{server.password}", "-e",
                "; ".join([*settings, commands, "quit"]), f"ftp://localhost:{server.port}"])


def curl(server, *words):
    return run([peers.need("curl"), "-q", "-sS", "--ssl-reqd", "--cacert", server.ca, "-u",
                f"{server.user}:{server.password}", *words])


def session(server):
    return Raw(server.port).login(server.user, server.password)


def listed(raw, command):
    connection = raw.passive()
    raw.send(command if isinstance(command, bytes) else command + "\r\n")
    data = raw.sealed(connection)
    code, text = raw.reply()
    assert code == 150, text
    blocks = []
    while block := data.recv(1 << 16):
        blocks.append(block)
    assert raw.reply()[0] == 226
    return b"".join(blocks)


@test("FTP-15 lftp: a tree up and down in windows-1252, UTF-8 on disk")
def western(server):
    source, back = server.work / "western", server.work / "western back"
    (source / "Ordner für alles").mkdir(parents=True)
    for name in GERMAN:
        (source / name).write_text(name)
        (source / "Ordner für alles" / name).write_text(name)
    lftp(server, f"mirror -R '{source}' Größe", "windows-1252")
    target = server.files / "Größe"
    assert sorted(p.name for p in target.rglob("*")) == sorted(p.name for p in source.rglob("*"))
    lftp(server, f"mirror Größe '{back}'", "windows-1252")
    for path in source.rglob("*"):
        other = back / path.relative_to(source)
        assert other.is_dir() if path.is_dir() else other.read_bytes() == path.read_bytes(), other
    utf8 = lftp(server, "cls -1 Größe").split("\n")
    assert {f"Größe/{name}" for name in GERMAN} <= set(utf8), utf8


@test("FTP-15 what the charset lacks is sent as it is, never with '?', and found when it comes back")
def absent(server):
    folder = server.files / "absent"
    folder.mkdir()
    for name in (ABSENT, "Ä", b"raw\x80\xff".decode("utf-8", "surrogateescape")):
        (folder / name).write_bytes(b"content")
    raw = session(server)
    raw.command("OPTS UTF8 OFF", 200)
    names = listed(raw, "NLST absent").split(b"\r\n")[:-1]
    assert sorted(names) == sorted([b"absent/" + ABSENT.encode(), b"absent/\xc4", b"absent/raw\x80\xff"]), names
    for name in names:
        raw.send(b"SIZE " + name.replace(b"\xff", b"\xff\xff") + b"\r\n")
        code, text = raw.reply()
        assert (code, text) == (213, "213 7\r\n"), (name, text)
    raw.close()


@test("FTP-71 options of LIST and NLST, and names that look like some")
def options(server):
    folder = server.files / "options"
    folder.mkdir()
    for name in ("-x", "-la", "plain", ".hidden"):
        (folder / name).write_bytes(b"")
    raw = session(server)
    raw.command("CWD options", 250)
    everything = listed(raw, "LIST")
    for words in ("LIST -l", "LIST -la", "LIST -aF", "LIST -R", "LIST -l -a .", "LIST -C --color ."):
        assert sorted(listed(raw, words).split(b"\r\n")) == sorted(everything.split(b"\r\n")), words
    assert b"-rw-" in listed(raw, "NLST -l")
    for words, names in (("NLST ./-x", [b"./-x"]), ("NLST ./-la", [b"./-la"]), ("NLST -a ./-x", [b"./-x"])):
        assert listed(raw, words).split() == names, words
    # A name that begins with '-' needs no "./" but here.
    raw.command("SIZE -x", 213)
    raw.command("DELE -la", 250)
    raw.close()


@test("FTP-114 brackets and stars in names: curl with its globbing on and off, lftp with patterns")
def brackets(server):
    folder = server.files / "brackets"
    folder.mkdir()
    names = ("a1", "a2", "a3", "[1-3]", "a[1-3]", "*", "a*", "x y [z]", "{a1,a2}")
    for name in names:
        (folder / name).write_text(f"content of {name}")
    url = f"ftp://127.0.0.1:{server.port}/brackets/"
    got = curl(server, url + "a[1-3]", "-o", server.work / "glob#1")
    assert [(server.work / f"glob{i}").read_text() for i in "123"] == [f"content of a{i}" for i in "123"], got
    assert curl(server, "-g", url + "a[1-3]") == "content of a[1-3]"
    assert curl(server, "-g", url + "x%20y%20[z]") == "content of x y [z]"
    assert curl(server, "-g", url + "%7Ba1,a2%7D") == "content of {a1,a2}"
    back = server.work / "globbed"
    back.mkdir()
    lftp(server, f"lcd {back}; cd brackets; mget a[1-3]; get '[1-3]'; get '*'")
    assert sorted(p.name for p in back.iterdir()) == ["*", "[1-3]", "a1", "a2", "a3"]
    for path in back.iterdir():
        assert path.read_text() == f"content of {path.name}"
    # The server takes a pattern for the name that it is.
    raw = session(server)
    raw.command("CWD brackets", 250)
    assert listed(raw, "NLST a*") == b"a*\r\n"
    assert listed(raw, "NLST *") == b"*\r\n"
    raw.close()


def peak_mib(server):
    for line in pathlib.Path(f"/proc/{server.process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


@test("LST-85 SEC-53 100,000 entries stream in bounded memory: only their names are held, to sort them", limit_s=600)
def many(_server):
    # AddressSanitizer keeps what was freed, and stacks of calls that are over, unless told otherwise: that is not the
    # server's own.
    kept = os.environ.get("ASAN_OPTIONS", "")
    os.environ["ASAN_OPTIONS"] = kept + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64:detect_stack_use_after_return=0"
    try:
        with peers.ferryd() as server:
            folder = server.files / "many"
            folder.mkdir()
            names = [f"an entry of some length, number {i:06d}" for i in range(MANY)]
            for name in names:
                os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY, 0o644))
            (server.files / "one").mkdir()
            (server.files / "one" / "entry").write_bytes(b"")
            raw = session(server)
            for command in ("LIST", "MLSD", "NLST"):
                listed(raw, f"{command} one")
            before = peak_mib(server)
            for command in ("LIST", "MLSD"):
                lines = listed(raw, f"{command} many").split(b"\r\n")[:-1]
                found = [line[line.index(b"an entry"):].decode() for line in lines if b"an entry" in line]
                assert found == names, f"{command}: {len(found)} names, or another order"
            grown = peak_mib(server) - before
            print(f"# {grown:.1f} MiB for {MANY} entries")
            assert grown < GROWTH_MIB, f"{grown:.1f} MiB more at the peak"
            raw.close()
            url = f"ftp://127.0.0.1:{server.port}/many/"
            assert len(curl(server, "--list-only", url).splitlines()) == MANY
    finally:
        os.environ["ASAN_OPTIONS"] = kept


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
