"""Where accounts can be kept, for real: slapd and PostgreSQL on free ports with TLS; and servers that never answer."""

import base64
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

import peers
from tap import Skip

BASE = "dc=example,dc=org"
READER, READER_PASSWORD = f"cn=ferryd,{BASE}", "reads (all)*"
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to be root


def _unpacked(path):
    """A program of the system's, or of the peers'."""
    for found in (pathlib.Path("/", path), peers.PEERS / path):
        if found.exists():
            return found.absolute()
    raise Skip(f"{path} is neither installed nor among the unpacked peers")


def _libraries():
    return {**os.environ, "LD_LIBRARY_PATH": f"{peers.PEERS.absolute()}/usr/lib/x86_64-linux-gnu"}


def _children(pid):
    return [int(word) for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for word in task.read_text().split()]


class Restartable:
    """A server that a test can end, start again where it was, and stop in its tracks."""

    def __init__(self, argv, log, ports, **options):
        self.argv, self.log, self.ports, self.options = argv, log, ports, options
        self._life = self.child = None

    def start(self):
        self._life = contextlib.ExitStack()
        self.child = self._life.enter_context(peers.process(self.argv, self.log, **self.options))
        peers.wait_until(lambda: all(map(peers.accepts, self.ports)), f"{self.argv[0]}, see {self.log}")

    def stop(self):
        if self._life:
            self.freeze(False)
            self._life.close()
        self._life = None

    def freeze(self, frozen=True):
        """Whether it does anything at all; connections are taken by the kernel meanwhile."""
        for pid in (self.child.pid, *_children(self.child.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)


def crypt_hash(password):
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, text=True, check=True,
                          capture_output=True).stdout.strip()


# ---- LDAP ----

class Slapd(Restartable):
    """Accounts stand beneath ou=people, groups beneath ou=groups."""

    def __init__(self, folder, authority_folder):
        program = _unpacked("usr/sbin/slapd")
        modules = _unpacked("usr/lib/ldap")
        self.folder, self.plain, self.tls = folder, peers.free_port(), peers.free_port()
        (folder / "db").mkdir(parents=True)
        schema = "/etc/ldap/schema" if program.is_relative_to("/usr") else peers.PEERS.absolute() / "etc/ldap/schema"
        self.configuration = folder / "slapd.conf"
        self.configuration.write_text(f"""\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/nis.schema
include {schema}/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
attributetype ( 1.3.6.1.4.1.55555.1 NAME 'ftpQuota' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.2 NAME 'ftpNetwork' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.3 NAME 'ftpDisabled' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 )
objectclass ( 1.3.6.1.4.1.55555.4 NAME 'ftpAccount' AUXILIARY MAY ( ftpQuota $ ftpNetwork $ ftpDisabled ) )
pidfile {folder}/slapd.pid
TLSCACertificateFile {authority_folder}/ca.pem
TLSCertificateFile {authority_folder}/server.pem
TLSCertificateKeyFile {authority_folder}/server.key
TLSVerifyClient never
database mdb
suffix "{BASE}"
rootdn "cn=root,{BASE}"
rootpw root
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{READER}" read by * none
""")
        super().__init__([program, "-d", "256", "-f", self.configuration, "-h",
                          f"ldap://127.0.0.1:{self.plain}/ ldaps://127.0.0.1:{self.tls}/ ldaps://127.0.0.2:{self.tls}/"],
                         folder / "slapd.log", (self.plain, self.tls), env=_libraries())

    def load(self, ldif):
        done = subprocess.run([self.argv[0], "-T", "add", "-f", self.configuration], input=ldif, text=True, check=False,
                              capture_output=True, env=_libraries())
        assert done.returncode == 0, done.stderr

    def said(self):
        return self.log.read_text(errors="replace")


def _password(value):
    return f"userPassword: {{CRYPT}}{crypt_hash(value)}\n" if value else ""


def ldap_person(name, password, home, uid=None, classes=(), more=""):
    """An entry; `more`: lines of LDIF."""
    uid = uid or pwd.getpwnam(UNPRIVILEGED).pw_uid
    gid = pwd.getpwnam(UNPRIVILEGED).pw_gid
    coded = base64.b64encode(name.encode()).decode()
    dn = base64.b64encode(f"cn={ldap_escaped(name)},ou=people,{BASE}".encode()).decode()
    return (f"dn:: {dn}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: shadowAccount\n"
            "objectClass: ftpAccount\n"
            + "".join(f"objectClass: {c}\n" for c in classes)
            + f"cn:: {coded}\nsn:: {coded}\nuid:: {coded}\nuidNumber: {uid}\ngidNumber: {gid}\nhomeDirectory: {home}\n"
            + _password(password) + more + "\n")


def ldap_escaped(value):
    """A value within a DN (RFC 4514)."""
    return "".join(c if c.isalnum() else "".join(f"\\{b:02x}" for b in c.encode()) for c in value)


def ldap_tree():
    return (f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
            f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: ferryd\n"
            + _password(READER_PASSWORD)
            + f"\ndn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n"
            f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n\n")


@contextlib.contextmanager
def slapd(folder, authority_folder, ldif):
    """A Slapd that holds the tree and `ldif`."""
    server = Slapd(folder, authority_folder)
    server.load(ldap_tree() + ldif)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# ---- PostgreSQL ----

class Postgres(Restartable):
    """Over TCP whoever comes needs TLS and a password."""

    def __init__(self, folder, authority_folder):
        programs = _unpacked("usr/lib/postgresql/15/bin")
        self.folder, self.port = folder, peers.free_port()
        self.data = folder / "data"
        self._as = {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid,
                    "extra_groups": []} if os.getuid() == 0 else {}
        folder.mkdir()
        self._own(folder)
        done = subprocess.run([programs / "initdb", "-D", self.data, "-A", "trust", "-U", "root", "--no-sync", "-E", "UTF8",
                               "--locale=C"], text=True, check=False, capture_output=True, **self._as, cwd=folder)
        assert done.returncode == 0, done.stderr
        for name in ("server.pem", "server.key"):
            shutil.copy(authority_folder / name, folder / name)
            self._own(folder / name)
        (folder / "server.key").chmod(0o600)
        (self.data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "ssl": "on",
                    "ssl_cert_file": folder / "server.pem", "ssl_key_file": folder / "server.key", "fsync": "off",
                    "jit": "off", "shared_buffers": "8MB", "max_connections": "20", "log_connections": "on",
                    "log_statement": "all", "log_line_prefix": "%u@%d "}
        argv = [programs / "postgres", "-D", self.data]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        super().__init__(argv, folder / "postgres.log", (self.port,), cwd=folder, **self._as)

    @staticmethod
    def _own(path):
        if os.getuid() == 0:
            shutil.chown(path, UNPRIVILEGED)

    def _psql(self, text, database):
        return subprocess.run([_unpacked("usr/lib/postgresql/15/bin/psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h",
                               self.folder, "-p", str(self.port), "-U", "root", "-d", database], input=text, text=True,
                              check=False, capture_output=True)

    def sql(self, text, database="postgres"):
        done = self._psql(text, database)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        super().start()  # connections are taken before it has started up
        peers.wait_until(lambda: self._psql("SELECT 1;", "postgres").returncode == 0, "PostgreSQL")

    def stop(self):
        if self.child and self._life:
            self.freeze(False)
            self.child.send_signal(signal.SIGINT)  # fast: SIGTERM waits for those who are connected
        super().stop()

    def said(self):
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def postgres(folder, authority_folder, sql):
    """A Postgres with `sql` done in its database ftp."""
    server = Postgres(folder, authority_folder)
    server.start()
    try:
        server.sql("CREATE DATABASE ftp;")
        server.sql(sql, "ftp")
        yield server
    finally:
        server.stop()


# ---- none ----

@contextlib.contextmanager
def stuck():
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)  # the kernel takes them
        yield listener.getsockname()[1]
