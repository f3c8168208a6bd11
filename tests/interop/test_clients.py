#!/usr/bin/env python3
"""ferryd beside the clients that people have: each sends a file, lists it and fetches it again, and what arrives is
compared byte for byte. Those that resume the TLS session of their control connection are served under the default
(`--data-resume require`), the others under `prefer`. curl, lftp, basic-ftp and ftplib are in test_server.py."""

import contextlib
import dataclasses
import itertools
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
import trees  # noqa: E402
from tap import test  # noqa: E402

PROGRAMS = pathlib.Path(__file__).parent / "clients"
NODE_MODULES = pathlib.Path(os.environ.get("FERRY_NODE_MODULES", ""))
COMMONS_NET = pathlib.Path("/usr/share/java/commons-net.jar")
SIZE_BYTES = 1_000_003
RUN_LIMIT_S = 60
RESUMED = "the TLS session of its control connection was resumed"


@contextlib.contextmanager
def fixture():
    """Yields a function that gives the server of a policy and a highest TLS version, started when first asked for."""
    with contextlib.ExitStack() as stack:
        running = {}

        def server(resume, version):
            options = ("--data-resume", resume, "--tls-max", version)
            if options not in running:
                running[options] = stack.enter_context(peers.ferryd(*options))
            return running[options]

        yield server


@dataclasses.dataclass
class Trip:
    """One round trip: to which server in which mode, and with which files."""

    server: peers.Server
    mode: str
    work: pathlib.Path  # the client's directory and home
    remote: str

    @property
    def port(self):
        return str(self.server.implicit_port if self.mode == "implicit" else self.server.port)

    @property
    def source(self):
        return self.work / "source"

    @property
    def back(self):
        return self.work / "back"

    def run(self, argv, script=None, **environment):
        """Runs a client that reads `script`; returns its exit status and all that it printed."""
        done = subprocess.run([str(a) for a in argv], cwd=self.work, input=script or "", text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_LIMIT_S, check=False,
                              env={**os.environ, "HOME": str(self.work), "SSL_CERT_FILE": str(self.server.ca),
                                   **environment})
        return done.returncode, done.stdout

    def login(self):
        return [self.server.user, self.server.password]

    def files(self):
        return [self.source, self.remote, self.back]


# ---- the clients: each goes one trip and returns (exit status, output) ----


def need_part(trip, argv, what):
    """Skips unless the command, which asks for a library, ends well."""
    if trip.run(argv)[0] != 0:
        raise tap.Skip(f"{what} is not installed")


def wget(trip):
    implicit = ["--ftps-implicit"] if trip.mode == "implicit" else []
    url = f"ftps://localhost:{trip.port}/"
    account = [f"--user={trip.server.user}", f"--password={trip.server.password}"]
    # Its own default priorities leave out the extended master secret.
    common = [peers.need("wget"), "--no-config", "-nv", "-S", "-t1", "-T20", "--ciphers=NORMAL", *implicit,
              "--ftps-resume-ssl", f"--ca-certificate={trip.server.ca}", *account]
    status, listing = trip.run([*common, "-O", "listing", url])
    if status != 0:
        return status, listing
    assert trip.remote in (trip.work / "listing").read_text()
    return trip.run([*common, "-O", trip.back, url + trip.remote])


def ftp_ssl_says(trip, commands):
    """Its exit status is always 0."""
    argv = [peers.need("ftp-ssl"), "-n", "-v", "-z", "secure", "-z", "verify=1", "-z", f"cacert={trip.server.ca}"]
    login = f"open localhost {trip.port}\nuser {' '.join(trip.login())}\n"
    return trip.run(argv, f"{login}binary\npassive\n{commands}\nquit\n")


def ftp_ssl(trip):
    return ftp_ssl_says(trip, f"ls\nget {trip.remote} {trip.back}")


def php(trip):
    return trip.run([peers.need("php"), PROGRAMS / "php_ftp_ssl.php", trip.port, *trip.login(), *trip.files()])


def perl(trip, data="passive"):
    program = peers.need("perl")
    need_part(trip, [program, "-MIO::Socket::SSL", "-e", "1"], "IO::Socket::SSL")
    return trip.run([program, PROGRAMS / "net_ftp.pl", trip.port, trip.mode, data, trip.server.ca,
                     *trip.login(), *trip.files()])


def perl_active(trip):
    return perl(trip, "active")


def java(trip):
    if not COMMONS_NET.exists():
        raise tap.Skip("commons-net is not installed")
    return trip.run([peers.need("java"), "-XX:TieredStopAtLevel=1", "-cp", COMMONS_NET, PROGRAMS / "CommonsNet.java",
                     trip.port, trip.mode, trip.server.ca, *trip.login(), *trip.files()])


def erlang(trip):
    loads = "{module, _} = code:ensure_loaded(ftp), {module, _} = code:ensure_loaded(ssl), halt(0)."
    need_part(trip, [peers.need("erl"), "-noinput", "-eval", loads], "Erlang's ftp")
    return trip.run([peers.need("escript"), PROGRAMS / "erlang_ftp.escript", trip.port, trip.mode, trip.server.ca,
                     *trip.login(), *trip.files()])


def promise_ftp(trip):
    if not (NODE_MODULES / "promise-ftp").is_dir():
        raise tap.Skip("promise-ftp is not installed")
    return trip.run([peers.need("node"), PROGRAMS / "promise_ftp.js", trip.port, trip.mode, trip.server.ca,
                     *trip.login(), *trip.files()], NODE_PATH=str(NODE_MODULES))


def rclone(trip):
    program = peers.need("rclone")
    _, hidden = trip.run([program, "obscure", trip.server.password])
    kind = "TLS" if trip.mode == "implicit" else "EXPLICIT_TLS"
    settings = {"RCLONE_CONFIG": "", "RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1",
                "RCLONE_FTP_HOST": "localhost", "RCLONE_FTP_PORT": trip.port, "RCLONE_FTP_USER": trip.server.user,
                "RCLONE_FTP_PASS": hidden.strip(), f"RCLONE_FTP_{kind}": "true"}
    printed = ""
    for words in (["copyto", trip.source, f":ftp:{trip.remote}"], ["ls", ":ftp:"],
                  ["copyto", f":ftp:{trip.remote}", trip.back]):
        status, output = trip.run([program, *words], **settings)
        printed += output
        if status != 0:
            return status, printed
    assert f"{SIZE_BYTES} {trip.remote}" in printed, printed
    return 0, printed


def c_kermit(trip):
    return trip.run([peers.need("kermit"), "+", PROGRAMS / "c_kermit.ksc", trip.port, trip.server.ca, *trip.login(),
                     *trip.files()])


def gftp(trip):
    """What it sends and fetches has one name at both ends: hence the folders. It lists once: hence the two runs."""
    home, up, down = trip.work / ".gftp", trip.work / "up", trip.work / "down"
    for folder in (home, up, down):
        folder.mkdir()
    (home / "gftprc").write_text(
        "verify_ssl_peer=1\nretries=1\nnetwork_timeout=20\npassive_transfer=1\ncache_ttl=0\n")
    (home / "bookmarks").write_text("")
    (up / trip.remote).write_bytes(trip.source.read_bytes())
    scheme = "ftpsi" if trip.mode == "implicit" else "ftps"
    printed = ""
    for words in (f"lcd {up}\nput {trip.remote}", f"lcd {down}\nls\nget {trip.remote}"):
        status, output = trip.run([peers.need("gftp-text")],
                                  f"open {scheme}://{':'.join(trip.login())}@localhost:{trip.port}/\n{words}\nquit\n")
        printed += output
        if status != 0:
            return status, printed
    with contextlib.suppress(FileNotFoundError):
        (down / trip.remote).rename(trip.back)
    return 0, printed


@dataclasses.dataclass(frozen=True)
class Client:
    """What a client can do. The reasons are why it cannot do the rest."""

    name: str
    go: Callable
    modes: tuple = ("explicit", "implicit")
    versions: tuple = ("1.2", "1.3")
    resumes: bool = True
    uploads: bool = True
    hears: bool = True  # it reads the reply to a transfer however its data connection ends


CLIENTS = (
    Client("wget", wget, uploads=False),  # it only fetches
    Client("ftp-ssl", ftp_ssl, modes=("explicit",), uploads=False),  # see ftp_ssl_upload below
    Client("PHP ftp_ssl_connect", php, modes=("explicit",)),
    Client("Perl Net::FTP, active", perl_active),
    Client("promise-ftp", promise_ftp, modes=("explicit",)),  # implicit: its data connections are in clear
    Client("rclone", rclone, versions=("1.3",)),  # see without_ems below
    Client("gFTP", gftp),
    Client("C-Kermit", c_kermit, modes=("explicit",)),
    Client("Perl Net::FTP", perl, resumes=False),  # as Java's: its cache is by port
    Client("Java commons-net", java, resumes=False),  # JSSE's cache is by port, and each data port is new
    Client("Erlang ftp", erlang, versions=("1.3",), resumes=False,
           hears=False),  # offers no session; see without_ems below
)


@contextlib.contextmanager
def trip_of(client, server, mode):
    """A trip with fresh files; the file is on the server already if the client cannot send it."""
    with peers.scratch() as work:
        remote = f"{client.go.__name__}-{mode}"
        trip = Trip(server, mode, work, remote)
        trip.source.write_bytes(os.urandom(SIZE_BYTES))
        if not client.uploads:
            (server.files / remote).write_bytes(trip.source.read_bytes())
        yield trip


def lines_since(server, mark):
    return server.log_text()[mark:].splitlines()


def logged(server, mark, *words):
    """Whether a line of the log since `mark` holds all the words."""
    return any(all(word in line for word in words) for line in lines_since(server, mark))


def goes(client, server, version, mode):
    with trip_of(client, server, mode) as trip:
        what = f"{client.name}, TLS {version}, {mode}"
        mark = len(server.log_text())
        status, output = client.go(trip)
        log = lines_since(server, mark)
        story = "\n".join([what, output[-4000:], *log])
        assert status == 0, f"it ended with {status}: {story}"
        assert trip.back.exists(), f"nothing fetched: {story}"
        sent = trees.digest(trip.source)
        assert trees.digest(server.files / trip.remote) == sent, f"damaged on the way up: {story}"
        assert trees.digest(trip.back) == sent, f"damaged on the way down: {story}"
        ended = [line for line in log if " transfer.end " in line]
        for verbs in [("RETR",), ("LIST", "NLST", "MLSD")] + [("STOR",)] * client.uploads:
            assert any(f" verb={verb} " in line for line in ended for verb in verbs), f"no {verbs}: {story}"
        assert not any(" transfer.failed " in line for line in log), f"a transfer failed: {story}"
        assert all(f" tls=TLSv{version} " in line for line in ended), f"not TLS {version}: {story}"
        if client.resumes:
            assert all(RESUMED in line for line in ended), f"it did not resume: {story}"
        (server.files / trip.remote).unlink()


def is_refused(client, server, version):
    """Under `require` a client that does not resume hears 522, with the reason in words, and so does the log."""
    with trip_of(client, server, "explicit") as trip:
        mark = len(server.log_text())
        status, output = client.go(trip)
        story = "\n".join([f"{client.name}, TLS {version}", output[-4000:], *lines_since(server, mark)])
        assert not client.hears or "522 TLS session reuse required" in output, f"it did not hear why: {story}"
        in_log = logged(server, mark, "data.refused", "TLS session reuse required", "advice=")
        assert in_log, f"no word in the log: {story}"
        assert not trip.back.exists() or trip.back.stat().st_size == 0, f"served: {story}"
        assert status != 0, f"it thinks that all is well: {story}"


def for_each(client):
    """Makes the tests of one client."""

    def round_trips(server_for):
        for version, mode in itertools.product(client.versions, client.modes):
            goes(client, server_for("require" if client.resumes else "prefer", version), version, mode)

    def refused(server_for):
        for version in client.versions:
            is_refused(client, server_for("require", version), version)

    policy = "resumes" if client.resumes else "does not resume, served under `prefer`"
    tests = [(f"TLS-100 {client.name}: up, listed and down, {' and '.join(client.modes)}, TLS "
              f"{' and '.join(client.versions)}; {policy}", round_trips)]
    if not client.resumes:
        tests.append((f"TLS-100 {client.name}: refused under `require`, with the reason", refused))
    for title, function in tests:
        globals()[title] = test(title)(function)


for each_client in CLIENTS:
    for_each(each_client)


# ---- what is refused with reason ----


@test("TLS-104 Go's and Erlang's TLS 1.2, without extended master secret, is refused, and the log says so")
def without_ems(server_for):
    """Debian 12's do not offer it; with TLS 1.3, which they prefer, they are served."""
    server = server_for("prefer", "1.2")
    for client in CLIENTS:
        if client.go not in (rclone, erlang):
            continue
        with trip_of(client, server, "explicit") as trip:
            mark = len(server.log_text())
            status, output = client.go(trip)
            assert status != 0, output
            peers.wait_until(lambda since=mark: logged(server, since, "session.tls-failed", "extended master secret"),
                             "the refusal in the log")
            assert not (server.files / trip.remote).exists()


@test("TLS-175 ftp-ssl ends its uploads without close_notify: 426, and no file of that name")
def ftp_ssl_upload(server_for):
    server = server_for("require", "1.3")
    with peers.scratch() as work:
        trip = Trip(server, "explicit", work, "no-end")
        trip.source.write_bytes(os.urandom(SIZE_BYTES))
        _, output = ftp_ssl_says(trip, f"put source {trip.remote}")
        assert "426" in output and "without close_notify" in output, output
        assert not (server.files / trip.remote).exists()


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
