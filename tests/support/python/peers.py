"""Starts real FTP servers on free loopback ports, ours and others, and ends them by process id."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from tap import Skip

PEERS = pathlib.Path(os.environ.get("FERRY_PEERS", "build/peers"))
START_LIMIT_S = 20
STOP_LIMIT_S = 20
VSFTPD_USER = "daemon"  # vsftpd enters the user's home before anon_root: it must exist, and nobody's does not


def need(program):
    """The path of a program, or a skip that names it."""
    found = shutil.which(program)
    if not found:
        raise Skip(f"{program} is not installed")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, limit_s=START_LIMIT_S):
    """Waits for a condition; the pause only spaces the tries."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {limit_s} s")
        time.sleep(0.02)


def accepts(port, address="127.0.0.1"):
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


@contextlib.contextmanager
def scratch():
    """A directory that goes away again; readable by the unprivileged user some servers become."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ferry-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def process(argv, log, **options):
    """A child in a session of its own; ended with all its children."""
    with open(log, "ab") as output:
        child = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=options.pop("stdout", output), stderr=output,
            start_new_session=True, **options)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


def make_certificate(directory, kind="ec"):
    """A CA and a server certificate for localhost with a key of that kind; returns (ca, certificate, key)."""
    directory.mkdir(parents=True, exist_ok=True)
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    certificate, key, request = directory / "server.pem", directory / "server.key", directory / "server.csr"
    extensions = directory / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n")
    for argv in (
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
         ca_key, "-out", ca, "-subj", "/CN=Ferry test CA"],
        ["req", "-newkey", *KEYS[kind], "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost"],
        ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-out",
         certificate, "-extfile", extensions],
    ):
        subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True)
    return ca, certificate, key


class Server:
    """A running server: where it listens, how to log in, and the directory that clients see."""

    def __init__(self, name, port, user, password, ca, files, log, implicit_port=None, prefix="", process_id=None):
        self.name, self.port, self.implicit_port = name, port, implicit_port
        self.user, self.password, self.ca, self.files, self.log = user, password, ca, files, log
        self.prefix = prefix  # of the writable folder, in the server's own names
        self.process_id = process_id

    def url(self, path="", implicit=False):
        scheme, port = ("ftps", self.implicit_port) if implicit else ("ftp", self.port)
        return f"{scheme}://{self.user}@127.0.0.1:{port}/{self.prefix}{path}"

    def log_text(self):
        return pathlib.Path(self.log).read_text(errors="replace")


@contextlib.contextmanager
def ferryd(*options, files=None, before=None):
    """Our own server on free ports; `options` are further words for `ferryd demo`; `before` runs in the child first."""
    with scratch() as directory:
        files = files or directory / "files"
        files.mkdir(exist_ok=True)
        log = directory / "log"
        argv = [os.environ["FERRYD"], "demo", "--port", "0", "--implicit-port", "0", "--json", *options, files]
        with process(argv, log, stdout=subprocess.PIPE, text=True, preexec_fn=before) as child:
            line = child.stdout.readline()
            if not line:
                raise RuntimeError(f"ferryd did not start: {log.read_text(errors='replace')}")
            ready = json.loads(line)
            yield Server("ferryd", ready["explicit"], ready["user"], ready["password"], ready["ca"], files, log,
                         implicit_port=ready["implicit"], process_id=child.pid)
            if child.poll() is not None:
                raise RuntimeError(f"ferryd ended by itself with {child.returncode}: {log.read_text(errors='replace')}")
        if child.returncode != 0:
            raise RuntimeError(f"ferryd ended with {child.returncode}: {log.read_text(errors='replace')}")


def _peer_program(name):
    path = (PEERS / "usr/sbin" / name).absolute()
    if not path.exists():
        raise Skip(f"{name} is not among the unpacked peers")
    return path


@contextlib.contextmanager
def vsftpd(implicit=False, extra=""):
    """vsftpd with session reuse required, an anonymous account that may write below /pub."""
    if os.geteuid() != 0:
        raise Skip("vsftpd's anonymous account needs root to switch to its user")
    program = _peer_program("vsftpd")
    with scratch() as directory:
        ca, certificate, key = make_certificate(directory / "tls")
        files = directory / "root" / "pub"
        files.mkdir(parents=True)
        shutil.chown(files, VSFTPD_USER, VSFTPD_USER)
        (directory / "root").chmod(0o555)
        (directory / "empty").mkdir()
        port = free_port()
        configuration = directory / "vsftpd.conf"
        configuration.write_text(f"""\
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
seccomp_sandbox=NO
secure_chroot_dir={directory}/empty
nopriv_user=nobody
ftp_username={VSFTPD_USER}
anonymous_enable=YES
no_anon_password=YES
anon_root={directory}/root
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
write_enable=YES
local_enable=NO
utf8_filesystem=YES
force_dot_files=YES
ssl_enable=YES
allow_anon_ssl=YES
force_anon_data_ssl=YES
force_anon_logins_ssl=YES
require_ssl_reuse=YES
ssl_ciphers=HIGH
implicit_ssl={"YES" if implicit else "NO"}
rsa_cert_file={certificate}
rsa_private_key_file={key}
xferlog_enable=YES
vsftpd_log_file={directory}/log
{extra}
""")
        configuration.chmod(0o600)
        with process([program, configuration], directory / "output"):
            wait_until(lambda: accepts(port), "vsftpd")
            yield Server("vsftpd", port, "anonymous", "x@y", ca, files, directory / "output", prefix="pub/",
                         implicit_port=port if implicit else None)


@contextlib.contextmanager
def proftpd(extra="", tls=None):
    """ProFTPD with mod_tls as it comes: session reuse is demanded. `tls`: (ca, certificate, key), else its own."""
    program = _peer_program("proftpd")
    with scratch() as directory:
        ca, certificate, key = tls or make_certificate(directory / "tls")
        files = directory / "root"
        files.mkdir()
        port = free_port()
        root = os.geteuid() == 0
        owner = ("nobody", 65534, 65534) if root else ("self", os.geteuid(), os.getegid())
        if root:
            os.chown(files, owner[1], owner[2])
        password = subprocess.run(["openssl", "passwd", "-5", "secret"], check=True, capture_output=True,
                                  text=True).stdout.strip()
        users = directory / "users"
        users.write_text(f"demo:{password}:{owner[1]}:{owner[2]}::{files}:/bin/sh\n")
        users.chmod(0o600)
        key.chmod(0o600)
        if root:
            for path in (users,):
                os.chown(path, 0, 0)
        configuration = directory / "proftpd.conf"
        configuration.write_text(f"""\
ModulePath {(PEERS / "usr/lib/proftpd").absolute()}
LoadModule mod_tls.c
ServerName test
ServerType standalone
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
UseReverseDNS off
WtmpLog off
TransferLog none
SystemLog {directory}/log
ScoreboardFile {directory}/scoreboard
PidFile {directory}/pid
DelayTable none
{"User nobody" if root else ""}
{"Group nogroup" if root else ""}
AuthOrder mod_auth_file.c
AuthUserFile {users}
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
TLSEngine on
TLSRequired on
TLSProtocol TLSv1.2 TLSv1.3
TLSECCertificateFile {certificate}
TLSECCertificateKeyFile {key}
TLSVerifyClient off
TLSRenegotiate none
TLSLog {directory}/tls.log
{extra}
""")
        with process([program, "-n", "-q", "-c", configuration], directory / "output"):
            wait_until(lambda: accepts(port), "proftpd")
            yield Server("proftpd", port, "demo", "secret", ca, files, directory / "output")


@contextlib.contextmanager
def haproxy(server, address, ports, words):
    """HAProxy on an address of its own before a server on 127.0.0.1: its listeners and the passive ports, with the
    same numbers; `words` say how the header is sent."""
    program = _peer_program("haproxy")
    with scratch() as directory:
        low, high = ports
        configuration = directory / "haproxy.cfg"
        configuration.write_text(f"""\
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    unique-id-format %pid-%rt
listen all
    bind {address}:{server.port}
    bind {address}:{server.implicit_port}
    bind {address}:{low}-{high}
    server ferryd 127.0.0.1 {words}
""")
        with process([program, "-db", "-f", configuration], directory / "output"):
            wait_until(lambda: accepts(low, address), "haproxy")
            yield
