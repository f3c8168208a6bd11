#!/usr/bin/env python3
"""ferry beside other people's servers: vsftpd (session reuse required) and ProFTPD (as it comes), and ours."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
import trees  # noqa: E402
from tap import test  # noqa: E402

SERVERS = {
    "vsftpd": peers.vsftpd,
    "vsftpd implicit": lambda: peers.vsftpd(implicit=True),
    "ProFTPD": peers.proftpd,
    "ferryd": peers.ferryd,
}

# vsftpd has no MLSD, and a listing in the form of `ls -l` cannot tell a leading blank from padding.
HAVE_MLSD = ("ProFTPD", "ferryd")


@contextlib.contextmanager
def fixture():
    """Every server, started when a test first asks for it."""
    with contextlib.ExitStack() as stack, peers.scratch() as work:
        running = {}

        def server(name):
            if name not in running:
                running[name] = stack.enter_context(SERVERS[name]())
            return running[name]

        server.work = work
        yield server


def ferry(server, *words, expect=0, dialogue=False):
    """Runs ferry with the login and trust for `server`; returns what it printed, or the dialogue of -v."""
    done = subprocess.run([os.environ["FERRY"], words[0], "--ca", str(server.ca), *map(str, words[1:])],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "FERRY_PASSWORD": server.password})
    if done.returncode != expect:
        raise AssertionError(f"ferry {' '.join(map(str, words))} ended with {done.returncode}, not {expect}\n"
                             f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stderr if dialogue else done.stdout


def url(server, path=""):
    return server.url(path, implicit=server.implicit_port is not None and server.name != "ferryd")


def quoted(name):
    return urllib.parse.quote(name, safe="/")


def for_each(name):
    """Makes a test of each function for the server `name`."""

    def up_list_down(server_for):
        server, work = server_for(name), server_for.work
        source, back = work / f"{name} source", work / f"{name} back"
        source.write_bytes(os.urandom(2_000_000))
        ferry(server, "put", source, url(server, "a file"))
        assert trees.digest(server.files / "a file") == trees.digest(source)
        assert "a file" in ferry(server, "ls", url(server))
        ferry(server, "stat", url(server, "a%20file"))
        ferry(server, "get", "-o", back, url(server, "a%20file"))
        assert trees.digest(back) == trees.digest(source)

    def resumes(server_for):
        server, work = server_for(name), server_for.work
        whole = os.urandom(1_500_000)
        (server.files / "resumed").write_bytes(whole)
        (server.files / "resumed").chmod(0o644)
        target = work / f"{name} resumed"
        target.write_bytes(whole[:600_000])
        os.utime(target, ns=(target.stat().st_atime_ns, (server.files / "resumed").stat().st_mtime_ns))
        dialogue = ferry(server, "get", "-v", "-c", "-o", target, url(server, "resumed"), dialogue=True)
        offset = re.search(r"^> REST (\d+)", dialogue, re.MULTILINE)
        assert offset and 590_000 < int(offset[1]) <= 600_000, dialogue  # the last of what is there is compared
        assert target.read_bytes() == whole

    def resumes_upload(server_for):
        server, work = server_for(name), server_for.work
        source, target = work / f"{name} to resume", server.files / "half"
        source.write_bytes(os.urandom(1_500_000))
        ferry(server, "put", source, url(server, "half"))
        with open(target, "r+b") as file:
            file.truncate(600_000)
        dialogue = ferry(server, "put", "-v", "-c", source, url(server, "half"), dialogue=True)
        assert "> REST 600000" in dialogue or "> APPE" in dialogue, dialogue
        assert trees.digest(target) == trees.digest(source)

    def tree(server_for):
        server, work = server_for(name), server_for.work
        names = [n for n in trees.HARD_NAMES if name in HAVE_MLSD or not n.startswith(" ")]
        source, back = trees.make(work / f"{name} tree", names), work / f"{name} tree back"
        ferry(server, "put", "-r", source, url(server, "tree"))
        assert not (found := trees.differences(source, server.files / "tree")), found
        ferry(server, "get", "-r", "-o", back, url(server, "tree"))
        assert not (found := trees.differences(source, back)), found

    def changes(server_for):
        server, work = server_for(name), server_for.work
        source = work / "changes"
        source.write_bytes(b"to be moved")
        ferry(server, "mkdir", url(server, "new"))
        ferry(server, "put", source, url(server, "new/one"))
        ferry(server, "mv", url(server, "new/one"), f"/{server.prefix}new/two")
        assert ferry(server, "cat", url(server, "new/two")) == "to be moved"
        ferry(server, "rm", url(server, "new/two"))
        ferry(server, "rmdir", url(server, "new"))
        assert not (server.files / "new").exists()
        ferry(server, "get", "-o", work / "nothing", url(server, "new/two"), expect=6)

    def active(server_for):
        server, work = server_for(name), server_for.work
        source, back = work / f"{name} active", work / f"{name} active back"
        source.write_bytes(os.urandom(300_000))
        ferry(server, "put", "--active", source, url(server, "active"))
        ferry(server, "get", "--active", "-o", back, url(server, "active"))
        assert trees.digest(back) == trees.digest(source)

    for title, function in (("TLS-103 up, listed and down", up_list_down), ("FTP-96 a cut download is resumed", resumes),
                            ("FTP-96 a cut upload is resumed", resumes_upload),
                            ("LST-70 a tree with hard names up and down", tree),
                            ("mkdir, mv, cat, rm, rmdir, and a missing file", changes),
                            ("TLS-61 active mode", active)):
        marked = test(f"{name}: {title}")(function)
        globals()[f"{name} {title}"] = marked


for each_name in SERVERS:
    for_each(each_name)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
