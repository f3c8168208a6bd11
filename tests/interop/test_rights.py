#!/usr/bin/env python3
"""What accounts may do in a running ferryd: rights by folder, drop boxes, further roots, groups and templates, quotas;
asked by curl, lftp, ftplib and by a client that looks at every reply."""

import contextlib
import ftplib
import os
import pathlib
import pwd
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
from daemon import NOBODY, PASSWORD  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

LISTEN = 'listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key extras = {rmda, comb, symlink, copy, mdtm-set} }\n'


def own(path):
    """Files are served as NOBODY if root has started the server."""
    if os.getuid() == 0:
        for each in [path, *path.rglob("*")]:
            os.lchown(each, pwd.getpwnam(NOBODY).pw_uid, -1)


@contextlib.contextmanager
def running(blocks, prepare=lambda server, folder: None):
    """A Daemon with these blocks, FOLDER being its folder."""
    with peers.scratch() as folder:
        folder = pathlib.Path(folder)
        peers.make_certificate(folder / "tls")
        text = LISTEN + blocks.replace("FOLDER", str(folder))
        with daemon.running_in(folder, text) as server:
            prepare(server, folder)
            own(server.home)
            yield server


def tree(home):
    """The same files for every test."""
    for name in ("in", "in/sub", "pub", "work"):
        (home / name).mkdir(parents=True)
    (home / "in" / "old").write_bytes(b"of others")
    (home / "pub" / "file").write_bytes(b"public")
    (home / "work" / "file").write_bytes(b"mine")


def session(server, user):
    """Logged in, with TYPE I; for `with`."""
    return contextlib.closing(Raw(server.port).login(user, PASSWORD))


def store(raw, command, content=b"content"):
    """The codes of an upload's replies: (first,) or (150, last)."""
    connection = raw.passive()
    raw.send(command + "\r\n")
    first = raw.reply()[0]
    if first != 150:
        connection.close()
        return (first,)
    data = raw.sealed(connection)
    data.sendall(content)
    with contextlib.suppress(OSError):
        data.unwrap()
    data.close()
    return first, raw.reply()[0]


def fetch(raw, command):
    """The code of the first reply of a download or listing, and what came."""
    connection = raw.passive()
    raw.send(command + "\r\n")
    first, *_ = raw.reply()
    if first != 150:
        connection.close()
        return first, b""
    data, content = raw.sealed(connection), b""
    while block := data.recv(1 << 16):
        content += block
    with contextlib.suppress(OSError):
        data.unwrap()
    data.close()
    raw.reply()
    return first, content


# ---- the table of ferryd.conf(5), command by command ----

# What each command of a session takes at /in; "a|b" is one of the two, "a b" both.
COMMANDS = (
    ("RETR old", "read", lambda r: fetch(r, "RETR old")[0] == 150),
    ("HASH old", "read", lambda r: r.command("HASH old")[0] == 213),
    ("LIST", "list", lambda r: fetch(r, "LIST")[0] == 150),
    ("NLST", "list", lambda r: fetch(r, "NLST")[0] == 150),
    ("MLSD", "list", lambda r: fetch(r, "MLSD")[0] == 150),
    ("STAT .", "list", lambda r: r.command("STAT .")[0] == 212),
    ("MLST old", "read|list|rename", lambda r: r.command("MLST old")[0] == 250),
    ("MDTM old", "read|list|rename", lambda r: r.command("MDTM old")[0] == 213),
    ("RNFR old", "read|list|rename", lambda r: r.command("RNFR old")[0] == 350),
    ("SIZE old", "read|list|append", lambda r: r.command("SIZE old")[0] == 213),
    ("DSIZ /in", "list", lambda r: r.command("DSIZ /in")[0] == 213),
    ("CWD sub", "read|list|mkdir", lambda r: r.command("CWD sub")[0] == 250 and r.command("CWD /in")),
    ("STOR new", "create", lambda r: store(r, "STOR new")[-1] == 226),
    ("STOR old", "overwrite", lambda r: store(r, "STOR old")[-1] == 226),
    ("STOU", "create", lambda r: store(r, "STOU")[-1] in (226, 250)),
    ("APPE another", "create", lambda r: store(r, "APPE another")[-1] == 226),
    ("APPE old", "append", lambda r: store(r, "APPE old")[-1] == 226),
    ("REST 0 STOR old", "overwrite", lambda r: r.command("REST 0") and store(r, "STOR old")[-1] == 226),
    ("REST 3 STOR old", "append overwrite", lambda r: r.command("REST 3") and store(r, "STOR old")[-1] == 226),
    ("MFMT old", "times", lambda r: r.command("MFMT 20260101000000 old")[0] == 213),
    ("MDTM 20260101000000 old", "times read|list|rename", lambda r: r.command("MDTM 20260101000000 old")[0] == 213),
    ("MFF Modify", "times", lambda r: r.command("MFF Modify=20260101000000; old")[0] == 213),
    ("MFF UNIX.mode", "chmod", lambda r: r.command("MFF UNIX.mode=0640; old")[0] == 213),
    ("SITE UTIME", "times", lambda r: r.command("SITE UTIME 202601010000 old")[0] == 200),
    ("SITE CHMOD", "chmod", lambda r: r.command("SITE CHMOD 640 old")[0] == 200),
    ("SITE SYMLINK", "create read|list", lambda r: r.command("SITE SYMLINK old link")[0] == 200),
    ("SITE CPFR, CPTO", "create read overwrite", lambda r: r.command("SITE CPFR old")[0] == 350 and r.command("SITE CPTO copy")[0] == 250),
    ("COMB", "create read delete", lambda r: r.command("COMB one old")[0] == 250),
    ("MKD dir", "mkdir", lambda r: r.command("MKD dir")[0] == 257),
    ("RMD sub", "rmdir", lambda r: r.command("RMD sub")[0] == 250),
    ("RMDA tree", "rmdir delete", lambda r: r.command("RMDA tree")[0] == 250),
    ("RNFR old RNTO other", "rename", lambda r: r.command("RNFR old")[0] == 350 and r.command("RNTO other")[0] == 250),
    ("DELE old", "delete", lambda r: r.command("DELE old")[0] == 250),
)  # fmt: skip
RIGHTS = ("read", "list", "create", "overwrite", "append", "delete", "rename", "mkdir", "rmdir", "times", "chmod")
WORDS = {**{right: {right} for right in RIGHTS}, "all": set(RIGHTS), "none": set(), "read-only": {"read", "list"},
         "write": {"create", "overwrite", "append"}, "drop": {"create"}, "create read overwrite": {"create", "read", "overwrite"},
         "create read delete": {"create", "read", "delete"}}  # fmt: skip


def is_enough(needed, given):
    return all(set(word.split("|")) & given for word in needed.split())


def fresh(folder):
    """What COMMANDS work on."""
    for name in ("sub", "tree"):
        (folder / name).mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.name not in ("sub", "tree"):
            path.rmdir()
    (folder / "old").write_bytes(b"of others")
    own(folder)


@test("every command with each right alone, and with what they are called together", limit_s=600)
def each_right(_):
    blocks = "".join(f"""account "{word}" {{ password_hash = "HASH" home = home
                         rights = {{"/ = none", "/in = {word}"}} }}\n""" for word in WORDS)
    wrong = []
    with running(blocks, lambda server, _: tree(server.home)) as server:
        for word, given in WORDS.items():
            with session(server, word) as raw:
                assert raw.command("CWD /in")[0] == (550 if word == "none" else 250)
                for name, needed, run in COMMANDS if given else ():
                    fresh(server.home / "in")
                    if bool(run(raw)) != is_enough(needed, given):
                        wrong.append(f"{name} with {word}")
    assert not wrong, wrong


# ---- two accounts and a drop box ----

TWO = """
account "boss" { password_hash = "HASH" home = home }
account "guest" { password_hash = "HASH" home = home rights = {"/ = read-only", "/in = drop", "/work/** = all"} }
"""


def curl(server, user, *words):
    return subprocess.run(["curl", "-sS", "--ftp-ssl-reqd", "--cacert", server.ca, "-u", f"{user}:{PASSWORD}", *words],
                          capture_output=True, check=False, timeout=60)  # fmt: skip


def url(server, path):
    return f"ftp://localhost:{server.port}/{path}"


@test("curl: a guest reads, drops and works where it may, and nowhere else")
def with_curl(_):
    with running(TWO, lambda server, _: tree(server.home)) as server:
        upload = server.folder / "upload"
        upload.write_bytes(b"from curl")
        assert curl(server, "guest", url(server, "pub/file")).stdout == b"public"
        assert curl(server, "guest", "-T", upload, url(server, "pub/new")).returncode != 0
        assert curl(server, "guest", "-T", upload, url(server, "in/new")).returncode == 0
        assert curl(server, "guest", "-T", upload, url(server, "in/old")).returncode != 0
        assert curl(server, "guest", url(server, "in/")).returncode != 0
        assert curl(server, "guest", url(server, "in/old")).returncode != 0
        assert curl(server, "guest", "-T", upload, url(server, "work/file")).returncode == 0
        assert curl(server, "guest", "-T", upload, "-a", url(server, "work/file")).returncode == 0
        assert curl(server, "boss", url(server, "in/new")).stdout == b"from curl"
        assert (server.home / "in" / "old").read_bytes() == b"of others"
        assert (server.home / "work" / "file").read_bytes() == b"from curl" * 2
        assert not (server.home / "pub" / "new").exists()


@test("lftp: what a guest sees of its rights")
def with_lftp(_):
    with running(TWO, lambda server, _: tree(server.home)) as server:
        def lftp(commands):
            setup = f"set ssl:ca-file {server.ca}; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set net:max-retries 1;"
            opened = f"open -u 'guest,{PASSWORD}' -p {server.port} ftp://localhost;"
            return subprocess.run(["lftp", "-c", setup + opened + commands], capture_output=True, text=True, check=False,
                                  timeout=60, env={**os.environ, "HOME": str(server.folder)})  # fmt: skip

        listed = lftp("cls -l /pub /work")
        assert "-r--" in listed.stdout and "-rw-" in listed.stdout, listed
        assert lftp("cls /in").returncode != 0
        (server.folder / "mirror" / "deep").mkdir(parents=True)
        (server.folder / "mirror" / "deep" / "a").write_bytes(b"a")
        assert lftp(f"mirror -R {server.folder}/mirror /work/mirror").returncode == 0
        assert (server.home / "work" / "mirror" / "deep" / "a").read_bytes() == b"a"
        assert lftp("rm -r /work/mirror").returncode == 0
        assert lftp("rm /pub/file").returncode != 0
        assert lftp("mv /pub/file /work/got").returncode != 0
        assert (server.home / "pub" / "file").exists()


class Resuming(ftplib.FTP_TLS):
    """ftplib, but data connections resume the session of the control connection."""

    def ntransfercmd(self, cmd, rest=None):
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return connection, size


@test("ftplib: MLSD's perm and modes tell the rights (FTP-134)")
def with_ftplib(_):
    with running(TWO, lambda server, _: tree(server.home)) as server:
        ftp = Resuming(context=ssl.create_default_context(cafile=str(server.ca)))
        ftp.connect("localhost", server.port)
        ftp.login("guest", PASSWORD)
        ftp.prot_p()
        facts = dict(ftp.mlsd("/"))
        assert facts["in"]["perm"] == "ce" and facts["pub"]["perm"] == "el", facts
        assert set(facts["work"]["perm"]) == set("celmp"), facts  # it can be neither moved nor removed
        assert int(facts["pub"]["unix.mode"], 8) & 0o222 == 0 and int(facts["in"]["unix.mode"], 8) & 0o444 == 0
        work, pub = dict(ftp.mlsd("/work")), dict(ftp.mlsd("/pub"))
        assert set(work["file"]["perm"]) == set("adfrw") and pub["file"]["perm"] == "r"
        ftp.close()


@test("SEC-83: a drop box says the same of what is there and what is not")
def drop_box(_):
    def prepare(server, _):
        tree(server.home)
        (server.home / "in" / "link").symlink_to("../pub/file")

    names = ("old", "none", "sub", "link", "sub/x", "none/x", "old/x", "-rf", "* ", "%2e%2e", "\xc3\xa4")
    asks = ("RETR {}", "SIZE {}", "MDTM {}", "MLST {}", "STAT {}", "CWD {}", "DELE {}", "RMD {}", "RNFR {}", "MKD {}",
            "MFMT 20260101000000 {}", "HASH {}", "SITE CHMOD 777 {}", "SITE CPFR {}", "LIST {}", "NLST {}", "MLSD {}",
            "APPE {}/a", "STOR {}/a")  # fmt: skip
    with running(TWO, prepare) as server, session(server, "guest") as raw:
        raw.command("CWD /in", 250)
        for ask in asks:
            said = set()
            for name in names:
                if ask.split()[0] in ("RETR", "LIST", "NLST", "MLSD", "APPE", "STOR"):
                    raw.passive().close()
                said.add(str(raw.command(ask.format(name))).replace(name, ""))
            assert len(said) == 1 and "55" in said.pop(), (ask, said)
        assert store(raw, "STOR new") == (150, 226)
        assert store(raw, "STOR new")[-1] in (550, 553)
        raw.command("REST 3", 350)
        assert store(raw, "STOR new")[-1] in (550, 553)
        assert (server.home / "in" / "new").read_bytes() == b"content"


@test("links lend no right, inside and from root to root (SEC-31)")
def links(_):
    def prepare(server, folder):
        tree(server.home)
        (folder / "shared").mkdir()
        (folder / "shared" / "theirs").write_bytes(b"theirs")
        (folder / "shared" / "out").symlink_to("../home/in/old")
        (folder / "shared" / "absolute").symlink_to("/etc/passwd")
        own(folder / "shared")
        (server.home / "work" / "old").symlink_to("../in/old")
        (server.home / "work" / "in").symlink_to("../in")
        (server.home / "work" / "shared").symlink_to("../shared")

    blocks = """account "anna" { password_hash = "HASH" home = home rights = {"/ = read-only", "/in = drop",
        "/work = all", "/shared = list"} roots = {"/shared = FOLDER/shared"} }\n"""
    # The root's folder must be there before the first session.
    with running(blocks, prepare) as server, session(server, "anna") as raw:
        for name in ("/work/old", "/work/in/old", "/shared/theirs", "/work/shared/theirs", "/shared/out", "/shared/absolute"):
            assert fetch(raw, f"RETR {name}")[0] == 550, name
        assert store(raw, "STOR /work/old")[-1] in (550, 553)
        assert store(raw, "STOR /work/in/new") == (150, 226)
        raw.command("DELE /work/in/new", 550)
        raw.command("RNFR /work/old", 350)
        raw.command("RNTO /work/older", 250)
        assert fetch(raw, "LIST /work/in")[0] == 550
        code, lines = fetch(raw, "NLST /shared")
        assert code == 150 and b"theirs" in lines
        raw.command("SITE SYMLINK /in/old /work/l", 550, 553)
        assert (server.home / "in" / "old").read_bytes() == b"of others"


@test("further roots: listed where they stand, and neither removed nor renamed; moves between them")
def roots(_):
    def prepare(server, folder):
        tree(server.home)
        (folder / "shared").mkdir()
        (folder / "shared" / "theirs").write_bytes(b"theirs")
        (server.home / "shared").mkdir()
        (server.home / "shared" / "hidden").write_bytes(b"")
        own(folder / "shared")

    other = pathlib.Path("/dev/shm") / f"ferry-rights-{os.getpid()}"  # another file system
    other.mkdir()
    own(other)
    blocks = f"""account "anna" {{ password_hash = "HASH" home = home
        roots = {{"/shared = FOLDER/shared", "/work/other = {other}"}} }}\n"""
    try:
        with running(blocks, prepare) as server, session(server, "anna") as raw:
            assert sorted(fetch(raw, "NLST")[1].split()) == [b"in", b"pub", b"shared", b"work"]
            assert fetch(raw, "NLST /shared")[1] == b"/shared/theirs\r\n"
            assert b" other\r\n" in fetch(raw, "MLSD /work")[1]
            for name in ("/shared", "/work/other", "/work"):
                raw.command(f"RMD {name}", 550)
                raw.command(f"RMDA {name}", 550)
                raw.command(f"RNFR {name}", 350)
                raw.command("RNTO /free", 550, 553)
            raw.command("MKD /shared", 550)
            raw.command("CWD /shared", 250)
            raw.command("CDUP", 250)
            raw.command("RNFR /shared/theirs", 350)
            raw.command("RNTO /pub/theirs", 250)
            assert (server.home / "pub" / "theirs").read_bytes() == b"theirs"
            raw.command("RNFR /pub/theirs", 350)
            raw.command("RNTO /work/other/theirs", 550, 553)
            assert "another file system" in server.log_text()
            assert store(raw, "STOR /work/other/new") == (150, 226)
            assert (other / "new").read_bytes() == b"content"
    finally:
        for path in other.iterdir():
            path.unlink()
        other.rmdir()


# ---- groups and templates ----

@test("groups and templates: the account's own first, then groups in order, then the template; in blocks and rosters")
def groups(_):
    blocks = """
        accounts = accounts.db
        template "default" { home = home rights = {"/ = read-only"} }
        template "open" { home = home }
        group "droppers" { rights = {"/in = drop", "/pub = none"} }
        group "workers" { rights = {"/work = all", "/pub = list"} read_only = no }
        account "anna" { password_hash = "HASH" group = {droppers, workers} rights = {"/pub = read-only"} }
        account "bert" { password_hash = "HASH" group = droppers }
        account "carl" { password_hash = "HASH" template = open }
    """

    def ferryctl(folder, *words):
        done = subprocess.run([os.environ["FERRYCTL"], words[0], "--file", folder / "accounts.db", *words[1:]],
                              capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
        assert done.returncode == 0, done
        return done.stdout

    def may(server, user, path):
        with session(server, user) as raw:
            return store(raw, f"STOR {path}/new")[-1] == 226, fetch(raw, f"LIST {path}")[0] == 150

    with running(blocks, lambda server, _: tree(server.home)) as server:
        assert [may(server, "anna", path) for path in ("/in", "/work", "/pub")] == [(True, False), (True, True), (False, True)]
        assert [may(server, "bert", path) for path in ("/work", "/pub")] == [(False, True), (False, False)]
        assert may(server, "carl", "/pub") == (True, True)
        ferryctl(server.folder, "group", "add", "partners", "rights=/ = list\n/work = all")
        ferryctl(server.folder, "account", "add", "dora", "group=partners", f"password_hash={daemon.password_hash()}")
        if os.getuid() == 0:
            for path in server.folder.glob("accounts.db*"):
                path.chmod(0o666)
        assert may(server, "dora", "/pub") == (False, True)
        assert may(server, "dora", "/work") == (True, True)
        ferryctl(server.folder, "group", "set", "partners", "rights=/ = none\n/in = drop")
        assert may(server, "dora", "/in") == (False, False)  # "new" is there
        assert may(server, "dora", "/work") == (False, False)
        assert "partners" in ferryctl(server.folder, "group", "list")
        assert "/in = drop" in ferryctl(server.folder, "group", "show", "partners")
        ferryctl(server.folder, "group", "remove", "partners")
        try:
            Raw(server.port).login("dora", PASSWORD)
            raise AssertionError("it names a group that there is not")
        except (AssertionError, EOFError) as refused:
            assert "421" in str(refused) or "closed" in str(refused) or isinstance(refused, EOFError), refused
        assert "there is no group partners" in server.log_text()


@test("config --effective --for: every value with where it comes from, of accounts in files, too")
def effective(_):
    conf = """accounts = accounts.db
listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key }
template "default" {
    home = home
    quota = 1G
}
group "staff" {
    rights = {"/in = drop", "/pub = read"}
    networks = "192.0.2.0/24"
}
account "anna" {
    password_hash = "HASH"
    group = staff
    rights = "/work = all"
    quota = 2G
}
"""
    with peers.scratch() as folder:
        folder = pathlib.Path(folder)
        peers.make_certificate(folder / "tls")
        daemon.make_home(folder / "home")
        daemon.write_conf(folder, conf)
        path = folder / "ferryd.conf"

        def said(*words):
            done = daemon.ferryd("config", "--effective", "-c", path, "--for", *words)
            return done.stdout if done.returncode == 0 else done.stderr

        text = said("anna", "--from", "192.0.2.7")
        for line in (f'rights = "/work = all" # account "anna", {path}:15', f'rights = "/in = drop" # group "staff", {path}:9',
                     f'quota = "2G" # account "anna", {path}:16', f'home = "{folder}/home" # template "default", {path}:5',
                     'read_only = "no" # default', "# charset is not set", 'password_hash = "not shown"',
                     "# a login from 192.0.2.7 now: it may be used"):  # fmt: skip
            assert line in text, (line, text)
        assert daemon.password_hash() not in text and "listen" in text
        assert "in none of its networks" in said("anna", "--from", "198.51.100.1")
        assert "is no address" in said("anna", "--from", "there")
        assert "there is no such account" in said("dora")
        assert not (folder / "accounts.db").exists()
        subprocess.run([os.environ["FERRYCTL"], "account", "--file", folder / "accounts.db", "add", "dora", "group=staff",
                        f"password_hash={daemon.password_hash()}"], check=True, timeout=60)  # fmt: skip
        text = said("dora")
        assert f'rights = "/in = drop" # group "staff", {path}:9' in text, text
        assert 'group = "staff" # account "dora", of a file of accounts' in text, text


@test("mistakes of accounts are told where they stand, by check and by run")
def mistakes(_):
    conf = """listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key }
account "anna" {
    password_hash = "HASH"
    home = home
    rights = {"/ = read", "/in = droop"}
}
group "staff" {
    password_hash = "HASH"
}
account "bert" {
    password_hash = "HASH"
    home = home
    group = nobody
}
account "carl" {
    login = anonymous
    home = home
}
account "dora" {
    password_hash = "HASH"
}
"""
    with peers.scratch() as folder:
        folder = pathlib.Path(folder)
        peers.make_certificate(folder / "tls")
        daemon.make_home(folder / "home")
        daemon.write_conf(folder, conf)
        path = folder / "ferryd.conf"
        checked = daemon.ferryd("check", "-c", path).stdout
        for line in (f"{path}:6: rights: droop is no right", f"{path}:9: password_hash: only an account",
                     f"{path}:14: group: there is no group nobody", f'{path}:16: account "carl" is anonymous',
                     f'{path}:20: account "dora" lacks home'):  # fmt: skip
            assert line in checked, (line, checked)
        run = daemon.ferryd("run", "-c", path)
        assert run.returncode != 0 and f"{path}:6: rights: droop is no right" in run.stderr + run.stdout, run


@test("FTP-35: an anonymous account: any password, which nobody logs; it reads and drops")
def anonymous(_):
    blocks = """template "anybody" { login = anonymous home = home rights = {"/ = read-only", "/in = drop"} }
        account "anonymous" { template = anybody } account "ftp" { template = anybody }
        account "anna" { password_hash = "HASH" home = home }\n"""
    secret = "me-and-my-secret@example.org"
    with running(blocks, lambda server, _: tree(server.home)) as server:
        for user in ("anonymous", "ftp"):
            with contextlib.closing(Raw(server.port).login(user, secret)) as raw:
                assert fetch(raw, "RETR /pub/file") == (150, b"public")
                assert store(raw, f"STOR /in/{user}") == (150, 226)
                assert fetch(raw, f"RETR /in/{user}")[0] == 550
                assert store(raw, "STOR /pub/new")[-1] in (550, 553)
        with contextlib.closing(Raw(server.port).seal()) as raw:
            raw.command("USER anna", 331)
            raw.command(f"PASS {secret}", 530)
        assert secret not in server.log_text()


# ---- quotas ----

@test("three sessions of an account at once do not pass its quota together, in place or not (SEC-39)")
def quota(_):
    for uploads in ("atomic", "in-place"):
        quota_with(uploads, 400_000)


def quota_with(uploads, limit):
    blocks = f"""account "anna" {{ password_hash = "HASH" home = home quota = {limit} uploads = {uploads} }}\n"""
    with running(blocks) as server:
        codes = []

        def upload(name):
            with contextlib.suppress(OSError, EOFError), session(server, "anna") as raw:
                connection = raw.passive()
                raw.send(f"STOR {name}\r\n")
                raw.reply()
                data = raw.sealed(connection)
                together.wait()
                with contextlib.suppress(OSError):
                    data.sendall(b"x" * (limit * 3 // 4))
                    data.unwrap()
                data.close()
                codes.append(raw.reply()[0])

        together = threading.Barrier(3)
        threads = [threading.Thread(target=upload, args=(f"file{i}",)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stored = sum(path.stat().st_size for path in server.home.iterdir())
        assert stored <= limit, (uploads, stored, codes)
        assert codes.count(226) == 1 and codes.count(552) == 2, (uploads, codes)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
