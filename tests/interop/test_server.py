#!/usr/bin/env python3
"""ferryd beside other people's clients: curl, lftp, Python's ftplib, basic-ftp. Every file is compared byte for byte."""

import contextlib
import ftplib
import os
import pathlib
import ssl
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
import trees  # noqa: E402
from tap import test  # noqa: E402

VERSIONS = ("1.2", "1.3")
TRANSFERS_IN_ONE_SESSION = 500


@contextlib.contextmanager
def fixture():
    """One server for the tests that take it as it comes."""
    with peers.ferryd() as server, peers.scratch() as work:
        server.work = work
        yield server


def run(argv, **options):
    """Runs a client; its whole output stands in the report if it fails."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv[0]} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def curl(server, *words, version=None, security="--ssl-reqd"):
    limits = ["--tlsv1.2", "--tls-max", "1.2"] if version == "1.2" else ["--tlsv1.3"] if version == "1.3" else []
    return run([peers.need("curl"), "-sS", "-q", security, "--cacert", server.ca, *limits,
                "-u", f"{server.user}:{server.password}", *words])


def quoted(name):
    return urllib.parse.quote(name, safe="")


def lftp(server, script, implicit=False):
    address = f"ftps://127.0.0.1:{server.implicit_port}" if implicit else f"ftp://127.0.0.1:{server.port}"
    settings = (f"set ssl:ca-file {server.ca}; set ftp:ssl-force true; set ftp:ssl-protect-data true; "
                "set ssl:check-hostname true; set cmd:fail-exit true; set net:max-retries 1; set net:timeout 20; ")
    return run([peers.need("lftp"), "-c", f"{settings} open -u {server.user},{server.password} {address}; {script}"],
               env={**os.environ, "HOME": str(server.work)})


class Resuming(ftplib.FTP_TLS):
    """ftplib with the one thing it lacks: data connections that resume the control connection's TLS session."""

    def ntransfercmd(self, cmd, rest=None):
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session), size


def ftplib_session(server, kind=ftplib.FTP_TLS, version=None):
    context = ssl.create_default_context(cafile=str(server.ca))
    if version:
        context.minimum_version = context.maximum_version = version
    session = kind(context=context, timeout=20)
    session.connect("127.0.0.1", server.port)
    session.login(server.user, server.password)
    session.prot_p()
    return session


def logged(server, *words):
    """Whether a line of the server's log holds all the words."""
    return any(all(w in line for w in words) for line in server.log_text().splitlines())


# ---- curl ----


@test("TLS-1 TLS-100 TLS-103 curl: explicit and implicit, TLS 1.2 and 1.3, up, listed and down")
def curl_round_trips(server):
    source = server.work / "source"
    source.write_bytes(os.urandom(3_000_000))
    for version in VERSIONS:
        for implicit in (False, True):
            name = f"curl {version} {'implicit' if implicit else 'explicit'}"
            back = server.work / "back"
            curl(server, "-T", source, server.url(quoted(name), implicit), version=version)
            assert trees.digest(server.files / name) == trees.digest(source), f"{name}: damaged on the way up"
            assert name in curl(server, "--list-only", server.url("", implicit), version=version)
            curl(server, "-o", back, server.url(quoted(name), implicit), version=version)
            assert trees.digest(back) == trees.digest(source), f"{name}: damaged on the way down"


@test("FTP-90 FTP-91 curl: a cut download is resumed")
def curl_resumes_download(server):
    whole, part = server.files / "whole", server.work / "part"
    whole.write_bytes(os.urandom(1_000_000))
    part.write_bytes(whole.read_bytes()[:345_678])
    curl(server, "-C", "-", "-o", part, server.url("whole"))
    assert trees.digest(part) == trees.digest(whole)


@test("FTP-93 curl: an upload goes on behind what is there (APPE)")
def curl_resumes_upload(server):
    source, target = server.work / "to append", server.files / "appended"
    source.write_bytes(os.urandom(1_000_000))
    target.write_bytes(source.read_bytes()[:400_000])
    curl(server, "-C", "-", "-T", source, server.url("appended"))
    assert trees.digest(target) == trees.digest(source)


@test("FTP-48 FTP-54 curl: active mode, EPRT and PORT, data in clear where the server allows it")
def curl_active(_server):
    with peers.ferryd("--plaintext") as server, peers.scratch() as work:
        source, back = work / "source", work / "back"
        source.write_bytes(os.urandom(500_000))
        for more in ([], ["--disable-eprt"]):
            curl(server, "-P", "-", *more, "-T", source, server.url("active"), security="--ftp-ssl-control")
            assert trees.digest(server.files / "active") == trees.digest(source)
            curl(server, "-P", "-", *more, "-o", back, server.url("active"), security="--ftp-ssl-control")
            assert trees.digest(back) == trees.digest(source)


@test("TLS-57 TLS-60 curl: active mode under TLS, or its plain bytes are refused")
def curl_active_sealed(server):
    """curl 7.87 and 7.88 (Debian 12) forget TLS on data connections that they accept (curl issue 10666): the file
    leaves in clear. Such a client must be refused."""
    source = server.work / "active source"
    source.write_bytes(os.urandom(500_000))
    for version in VERSIONS:
        try:
            curl(server, "-P", "-", "-T", source, server.url("sealed"), version=version)
        except AssertionError as failed:
            assert "522" in curl_reply(server, source, version), str(failed)
            assert not (server.files / "sealed").exists(), "plain bytes were stored"
            # "plain text where TLS is expected", or, where curl was quicker to leave, that it left.
            peers.wait_until(lambda: logged(server, "data.refused", "TLS"), "the refusal in the log")
            continue
        assert trees.digest(server.files / "sealed") == trees.digest(source)


def curl_reply(server, source, version):
    """What the server says to an active upload."""
    argv = [peers.need("curl"), "-v", "-q", "--ssl-reqd", "--cacert", server.ca, "--tls-max", version, "-u",
            f"{server.user}:{server.password}", "-P", "-", "-T", source, server.url("sealed")]
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False).stderr


@test("TLS-60 TLS-61 lftp and ftplib: active mode under TLS, resumed")
def active_sealed(server):
    source, back = server.work / "lftp active", server.work / "lftp active back"
    source.write_bytes(os.urandom(500_000))
    lftp(server, f"set ftp:passive-mode off; put '{source}' -o active; get active -o '{back}'")
    assert trees.digest(server.files / "active") == trees.digest(source)
    assert trees.digest(back) == trees.digest(source)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        session = ftplib_session(server, Resuming, version)
        session.set_pasv(False)
        received = bytearray()
        session.retrbinary("RETR active", received.extend)
        assert bytes(received) == source.read_bytes()
        session.quit()


@test("FTP-114 FTP-110 curl: every hard name up and down, one session")
def curl_hard_names(server):
    source = trees.make(server.work / "names")
    files = [f for f in sorted(source.rglob("*")) if f.is_file()]
    upload, download = server.work / "upload", server.work / "download"

    def quote_for_config(text):
        return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'

    def remote(file):
        path = "/".join(quoted(p) for p in file.relative_to(source).parts)
        return quote_for_config(server.url("hard/" + path))

    upload.write_text("".join(f"upload-file = {quote_for_config(f)}\nurl = {remote(f)}\n" for f in files))
    curl(server, "-g", "--ftp-create-dirs", "-K", upload)
    (server.files / "hard" / "empty folder").mkdir()
    assert not trees.differences(source, server.files / "hard")
    back = server.work / "names back"
    download.write_text("".join(
        f"output = {quote_for_config(back / f.relative_to(source))}\nurl = {remote(f)}\n" for f in files))
    (back / "empty folder").mkdir(parents=True)
    curl(server, "-g", "--create-dirs", "-K", download)
    assert not trees.differences(source, back)


def many_transfers(server, version):
    small = server.files / "small"
    small.write_bytes(os.urandom(4096))
    back = server.work / f"many {version}"
    back.mkdir()
    config = server.work / "many.config"
    config.write_text("".join(f'url = "{server.url("small")}"\noutput = "{back}/{i}"\n'
                              for i in range(TRANSFERS_IN_ONE_SESSION)))
    verbose = curl(server, "-K", config, "-w", "%{num_connects}\\n", version=version)
    expected = small.read_bytes()
    assert all((back / str(i)).read_bytes() == expected for i in range(TRANSFERS_IN_ONE_SESSION))
    new_control_connections = sum(int(line) > 1 for line in verbose.split())
    assert new_control_connections <= 1, f"{new_control_connections} control connections, not one"


@test("TLS-100 TLS-105 500 downloads in one session under TLS 1.2", limit_s=300)
def many_under_1_2(server):
    many_transfers(server, "1.2")


@test("TLS-108 TLS-110 TLS-111 500 downloads in one session under TLS 1.3", limit_s=300)
def many_under_1_3(server):
    many_transfers(server, "1.3")


@test("TLS-175 SEC-12 a killed curl leaves no file that looks whole")
def killed_upload(server):
    source = server.work / "endless"
    os.mkfifo(source)
    argv = [peers.need("curl"), "-sS", "-q", "--ssl-reqd", "--cacert", server.ca, "-u",
            f"{server.user}:{server.password}", "-T", "-", server.url("killed")]
    with open(source, "r+b", buffering=0) as pipe:
        client = subprocess.Popen([str(a) for a in argv], stdin=pipe, stderr=subprocess.DEVNULL)
        pipe.write(b"x" * 60_000)
        peers.wait_until(lambda: logged(server, "killed") or _has_part(server), "the upload to begin")
        client.kill()
        client.wait()
    peers.wait_until(lambda: logged(server, "transfer", "killed"), "the end of the upload in the log")
    assert not (server.files / "killed").exists()
    assert "killed" not in curl(server, "--list-only", server.url()).split("\n")


def _has_part(server):
    return any(f.name.startswith(".") and f.is_file() for f in server.files.iterdir())


@test("TLS-101 curl -Z: several logins on one TLS session cache get their own files", limit_s=240)
def curl_parallel(_server):
    """Such logins offer each other's sessions: scope `user` takes them. Under TLS 1.3 curl uses a ticket once, and its logins
    share one, so that some come with none: they need `prefer`."""
    for version, options in (("1.2", ("--data-scope", "user")), ("1.3", ("--data-resume", "prefer"))):
        with peers.ferryd(*options) as server, peers.scratch() as work:
            names = [f"file {i}" for i in range(12)]
            words = []
            for name in names:
                (server.files / name).write_bytes(os.urandom(200_000))
                words += ["-o", work / name, server.url(quoted(name))]
            curl(server, "-Z", "--parallel-max", "4", "--parallel-immediate", *words, version=version)
            for name in names:
                assert trees.digest(work / name) == trees.digest(server.files / name), f"{version}: {name}"


@test("TLS-100 curl and ftplib under `off`: served, and nothing is resumed")
def resumption_off(_server):
    with peers.ferryd("--data-resume", "off") as server, peers.scratch() as work:
        (server.files / "file").write_bytes(os.urandom(50_000))
        for version in VERSIONS:
            curl(server, "-o", work / "back", server.url("file"), version=version)
            assert trees.digest(work / "back") == trees.digest(server.files / "file")
        session = ftplib_session(server)
        received = bytearray()
        session.retrbinary("RETR file", received.extend)
        assert bytes(received) == (server.files / "file").read_bytes()
        session.quit()
        assert not logged(server, "transfer.end", "was resumed")


@test("FTP-52 FTP-54 curl: IPv6, passive")
def curl_ipv6(_server):
    if not os.path.exists("/proc/net/if_inet6") or not open("/proc/net/if_inet6").read().strip():
        raise tap.Skip("this machine has no IPv6 address, not even ::1")
    with peers.ferryd("--listen", "::1") as server, peers.scratch() as work:
        source, back = work / "source", work / "back"
        source.write_bytes(os.urandom(300_000))
        url = f"ftp://[::1]:{server.port}/file"
        curl(server, "-T", source, url)
        curl(server, "-o", back, url)
        assert trees.digest(back) == trees.digest(source)


# ---- lftp ----


@test("TLS-100 lftp: mirror up and down of a tree with hard names, explicit and implicit", limit_s=240)
def lftp_mirrors(server):
    source = trees.make(server.work / "lftp source")
    for implicit in (False, True):
        name, back = f"lftp-{implicit}", server.work / f"lftp back {implicit}"
        lftp(server, f"mirror -R '{source}' {name}", implicit)
        assert not trees.differences(source, server.files / name)
        lftp(server, f"mirror {name} '{back}'", implicit)
        assert not trees.differences(source, back)


@test("TLS-100 TLS-101 lftp: four sessions at once", limit_s=240)
def lftp_parallel(server):
    source = trees.make(server.work / "parallel source", [f"file {i}" for i in range(100)])
    lftp(server, f"mirror -R --parallel=4 '{source}' parallel")
    assert not trees.differences(source, server.files / "parallel")
    lftp(server, f"mirror --parallel=4 parallel '{server.work}/parallel back'")
    assert not trees.differences(source, server.work / "parallel back")


@test("FTP-46 SEC-58 lftp: MODE Z, mirror up and down of a tree with an empty file, off and on", limit_s=240)
def lftp_mode_z(server):
    source = trees.make(server.work / "mode z source")
    (source / "empty").write_bytes(b"")
    (source / "lines").write_bytes(b"ferry\n" * 1_000_000)
    script = "set ftp:use-mode-z true; mirror -R '{0}' z; ls z; mirror z '{1}'"
    with peers.ferryd("--mode-z") as offering:
        offering.work = server.work
        for to, back in ((offering, server.work / "z back"), (server, server.work / "plain back")):
            lftp(to, script.format(source, back))
            assert not trees.differences(source, to.files / "z")
            assert not trees.differences(source, back)
            peers.wait_until(lambda: logged(to, "transfer.end", "STOR", "/z/lines")
                     and logged(to, "transfer.end", "RETR", "/z/lines"), "both transfers in the log")
            in_full = logged(to, "transfer.end", "/z/lines", "bytes=6000000 ")
            assert in_full == (to is server), "compressed or not, against what was offered"


# ---- Python's ftplib, which does not resume ----


@test("TLS-100 ftplib: refused under `require`, with the reason in the reply")
def ftplib_is_refused(server):
    (server.files / "secret").write_bytes(b"not for those who do not resume")
    session = ftplib_session(server)
    received = []
    try:
        session.retrbinary("RETR secret", received.append)
    except ftplib.error_perm as refusal:
        words = str(refusal)
    except ssl.SSLError:
        words = _final_reply(session)
    else:
        raise AssertionError("served")
    assert words.startswith("522"), words
    assert "session reuse required" in words, words
    assert not received
    assert session.pwd() == "/", "the session goes on"
    session.quit()


def _final_reply(session):
    try:
        return session.getresp()
    except ftplib.error_perm as refusal:
        return str(refusal)


@test("TLS-100 ftplib: served under `prefer`")
def ftplib_is_served(_server):
    with peers.ferryd("--data-resume", "prefer") as server:
        content = os.urandom(200_000)
        (server.files / "plain").write_bytes(content)
        session = ftplib_session(server)
        received = bytearray()
        session.retrbinary("RETR plain", received.extend)
        assert bytes(received) == content
        session.storbinary("STOR up", open(server.files / "plain", "rb"))
        assert (server.files / "up").read_bytes() == content
        assert sorted(session.nlst()) == ["plain", "up"]
        assert {name for name, _ in session.mlsd()} >= {"plain", "up"}
        session.quit()


# ---- basic-ftp ----


@test("TLS-100 basic-ftp: a tree up, listed and down, explicit and implicit")
def basic_ftp(server):
    node = peers.need("node")
    modules = pathlib.Path(os.environ.get("FERRY_NODE_MODULES", ""))
    if not (modules / "basic-ftp").is_dir():
        raise tap.Skip("basic-ftp is not installed")
    source = trees.make(server.work / "node source")
    script = pathlib.Path(__file__).parent / "basic_ftp_round_trip.js"
    for implicit in (False, True):
        name, back = f"node-{implicit}", server.work / f"node back {implicit}"
        run([node, script, server.implicit_port if implicit else server.port, "implicit" if implicit else "explicit",
             server.ca, server.user, server.password, source, name, back],
            env={**os.environ, "NODE_PATH": str(modules)})
        assert not trees.differences(source, server.files / name)
        assert not trees.differences(source, back)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
