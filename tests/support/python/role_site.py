"""ferryd-worker, ferryd-keys and ferryd-files under a test that plays supervisor and auth."""

import contextlib
import ftplib
import os
import pathlib
import socket
import ssl
import subprocess
import threading

import peers
import roles
from roles import text, u8, u64

GRANTED, REFUSED, UNAVAILABLE = 0, 1, 2
NOBODY = 65534  # whom root lets the roles be


class Client(ftplib.FTP_TLS):
    """ftplib whose data connections resume the control connection's TLS session."""

    def ntransfercmd(self, cmd, rest=None):
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session), size


class Site:
    """Certificates, a listener, and the processes of one test."""

    def __init__(self, folder, kind):
        self.folder, self.log = folder, folder / "log"
        self.ca, self.certificate, self.key = peers.make_certificate(folder / "tls", kind)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.running = []
        self.worker = self.keys = self.auth = self.files = None

    def conf(self, more="", key=True):
        files = f'certificate = "{self.certificate}"' + (f' key = "{self.key}"' if key else "")
        return f'listen "127.0.0.1:0" {{ {files} {more} }}\n'

    @staticmethod
    def begin(role, confinement="CONFINE_REQUIRE"):
        """Starts a role, as nobody if that is possible, and waits until it serves."""
        ids = {"uid": NOBODY, "gid": NOBODY} if os.geteuid() == 0 else {}
        role.start(confinement, **ids)
        role.ready()

    def role(self, name, conf, *files):
        """A role's process that has its settings and files, but was not started."""
        made = roles.Role(os.environ[f"FERRYD_{name.upper()}"], self.log)
        self.running.append(made)
        made.settings(conf)
        for file in files:
            made.file(file)
        return made

    def start_keys(self, conf=None):
        self.keys = self.role("keys", conf or self.conf(), self.key, self.certificate)
        self.begin(self.keys)

    def start_worker(self, more="", files=()):
        self.worker = self.role("worker", self.conf(more), self.certificate, *files)
        self.worker.listener(0, self.listening)
        self.connect_auth()
        self.begin(self.worker)

    def connect_auth(self):
        """Another auth, which hears what sessions there are."""
        self.auth = self.worker.connect("auth")
        self.auth.deaf_to = {"MESSAGE_PRESENT", "MESSAGE_SEATED", "MESSAGE_TOLD", "MESSAGE_LEFT"}

    def admit(self):
        self.auth.send("MESSAGE_ADMITTED", u64(self.auth.receive("MESSAGE_ARRIVED").u64()), u8(0))

    def link_keys(self):
        roles.link(self.keys, 0, "keys", self.worker, 0, "worker")

    def start(self, more="", files=()):
        self.start_keys()
        self.start_worker(more, files)
        self.link_keys()

    def start_files(self):
        """A files process with a home, which is returned."""
        home = self.folder / "home"
        home.mkdir()
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
        self.files = roles.Role(os.environ["FERRYD_FILES"], self.log)
        self.running.append(self.files)
        self.files.file(home)
        self.begin(self.files)
        return home

    def attach(self, grant, files):
        """The supervisor's part: the files of a grant, and its channel."""
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.files.channel.send("MESSAGE_ATTACH", u64(grant), text(str(files)), text("anna"), u8(0), text(""), u64(0), u64(0),
                                text(""), text(""), fds=[theirs.fileno()])
        self.worker.channel.send("MESSAGE_GRANTED", u64(grant), fds=[ours.fileno()])
        theirs.close()
        ours.close()

    def answer(self, ask, verdict, grant=0, charset="", by_certificate=0):
        self.auth.send("MESSAGE_LOGIN_ANSWER", u64(ask), u8(verdict), u64(grant), text("/"), u8(0), u8(by_certificate),
                       text(charset), u64(0), u64(0), text("the disk is on fire"), u64(0))

    def grant(self, grant):
        """The supervisor's part; returns the files process's end."""
        files, theirs = roles.pair()
        self.worker.channel.send("MESSAGE_GRANTED", u64(grant), fds=[theirs.fileno()])
        theirs.close()
        return files

    def ask(self):
        """The number of the login that is asked for next."""
        return self.auth.receive("MESSAGE_LOGIN_ASK").u64()

    def connect(self, version=None, certificate=None):
        """A control connection under TLS."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if version:
            context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain(*certificate)
        session = Client(context=context, timeout=20)
        admits = threading.Thread(target=self.admit)
        admits.start()
        session.connect("127.0.0.1", self.port)
        admits.join()
        session.auth()
        return session

    def log_in(self, grant, session=None, name="anna", home=None):
        """Returns the session and, without a home, the channel of its files."""
        session = session or self.connect()
        session.putcmd(f"USER {name}")
        self.answer(self.ask(), REFUSED)
        assert session.getresp().startswith("331")
        session.putcmd("PASS x")
        self.answer(self.ask(), GRANTED, grant)
        files = self.attach(grant, home) if home else self.grant(grant)
        assert session.getresp().startswith("230")
        return session, files

    def must_fail(self):
        """A handshake that must not succeed, and that the worker survives."""
        try:
            self.connect()
        except (OSError, EOFError):
            assert self.worker.child.poll() is None, "the worker died"
            return
        raise AssertionError("a handshake without keys")

    def end(self):
        for role in self.running:
            if role.child.poll() is None:
                role.kill()
            role.channel.close()
        self.listening.close()


def reply(session, code):
    """The next reply, which must be of that code."""
    try:
        said = session.getresp()
    except ftplib.Error as error:
        said = str(error)
    assert said.startswith(code), f"{said!r}, {code} expected"


@contextlib.contextmanager
def site(kind="ec"):
    """A site whose server has a key of that kind."""
    with peers.scratch() as folder:
        made = Site(folder, kind)
        try:
            yield made
        except Exception:
            for line in made.log.read_text(errors="replace").splitlines():
                print("# log:", line)
            raise
        finally:
            made.end()


@contextlib.contextmanager
def fixture():
    """Each test makes its own site."""
    yield None
