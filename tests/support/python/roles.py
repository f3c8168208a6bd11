"""Plays ferryd's supervisor, and whichever roles a test leaves out, over the channels of src/ferryd/messages.h."""

import array
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[3] / "src"
SUPERVISOR_FD = 3
MESSAGE_BYTES = 32 * 1024
WAIT_S = 20


def _enum(file, name):
    """The values of a C enum without initialisers, by name."""
    text = re.sub(r"/\*.*?\*/", "", (SOURCE / file).read_text(encoding="utf-8"), flags=re.DOTALL)
    body = re.search(rf"enum {name} {{(.*?)}}", text, re.DOTALL).group(1)
    return {word.strip(): number for number, word in enumerate(body.split(",")) if word.strip()}


MESSAGE = _enum("ferryd/messages.h", "message")
ROLE = _enum("proc/role.h", "role")
CONFINE = _enum("ferryd/messages.h", "confinement")
NAMES = {number: name for name, number in MESSAGE.items()}


class Gone(Exception):
    """The other end of a channel has closed it."""


def u8(value):
    return struct.pack("<B", value)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return u32(len(value)) + value


class Message:
    """A message that has come; its fields are taken in order."""

    def __init__(self, data, fds):
        self.name, self._rest, self.fds = NAMES[struct.unpack_from("<H", data)[0]], data[2:], fds

    def _take(self, form):
        value, = struct.unpack_from(form, self._rest)
        self._rest = self._rest[struct.calcsize(form):]
        return value

    def u8(self):
        return self._take("<B")

    def u16(self):
        return self._take("<H")

    def u32(self):
        return self._take("<I")

    def u64(self):
        return self._take("<Q")

    def text(self):
        length = self.u32()
        value, self._rest = self._rest[:length], self._rest[length:]
        return value


class Channel:
    """One end of a channel."""

    def __init__(self, end):
        self.end = end
        self.deaf_to = set()  # names of messages that are passed by

    def send(self, name, *fields, fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.end.sendmsg([u16(MESSAGE[name]) + b"".join(fields)], ancillary)

    def receive(self, name=None, wait_s=WAIT_S):
        """The next message, which must be `name` if that is given."""
        if not select.select([self.end], [], [], wait_s)[0]:
            raise TimeoutError(f"no message within {wait_s} s, {name or 'any'} expected")
        try:
            data, fds, _, _ = socket.recv_fds(self.end, MESSAGE_BYTES, 4)
        except ConnectionResetError as error:
            raise Gone from error
        if not data:
            raise Gone
        message = Message(data, fds)
        if message.name in self.deaf_to:
            return self.receive(name, wait_s)
        assert name in (None, message.name), f"{message.name} came, {name} expected"
        return message

    def is_quiet(self, wait_s=0.2):
        return not select.select([self.end], [], [], wait_s)[0]

    def is_over(self, wait_s=WAIT_S):
        """Whether the other side ends it; what still comes is passed by."""
        try:
            while True:
                self.receive(wait_s=wait_s)
        except (Gone, TimeoutError) as end:
            return isinstance(end, Gone)

    def close(self):
        self.end.close()


def pair():
    """The two ends of a channel: ours, and a socket to give away."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Channel(ours), theirs


class Role:
    """A role's process, as the supervisor sees it."""

    def __init__(self, program, log):
        self.channel, theirs = pair()
        number = theirs.fileno()

        def at_three():
            os.dup2(number, SUPERVISOR_FD)
            os.set_inheritable(SUPERVISOR_FD, True)

        with open(log, "ab") as output:
            self.child = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          close_fds=False, preexec_fn=at_three)  # descriptors are close-on-exec
        theirs.close()

    def settings(self, conf):
        made = os.memfd_create("settings")
        os.write(made, conf.encode())
        self.channel.send("MESSAGE_SETTINGS", fds=[made])
        os.close(made)

    def file(self, path, content=None):
        """Gives what is at the path, or other content by its name."""
        opened = os.open(path, os.O_RDONLY) if content is None else os.memfd_create("file")
        if content is not None:
            os.write(opened, content)
        self.channel.send("MESSAGE_FILE", text(str(path)), fds=[opened])
        os.close(opened)

    def listener(self, number, listening):
        self.channel.send("MESSAGE_LISTENER", u32(number), fds=[listening.fileno()])

    def connect(self, peer, number=0):
        """A new channel to a role of that name; returns the end that is that role's."""
        theirs, ours = pair()
        self.give(peer, number, ours)
        return theirs

    def give(self, peer, number, end):
        self.channel.send("MESSAGE_CHANNEL", u8(ROLE[f"ROLE_{peer.upper()}"]), u32(number), fds=[end.fileno()])
        end.close()

    def start(self, confinement="CONFINE_REQUIRE", uid=None, gid=None):
        self.channel.send("MESSAGE_START", u32(os.getuid() if uid is None else uid),
                          u32(os.getgid() if gid is None else gid), text(""), u8(CONFINE[confinement]))

    def ready(self):
        """Waits until it serves."""
        answer = self.channel.receive()
        if answer.name != "MESSAGE_READY":
            raise AssertionError(f"{answer.name}: {answer.text().decode()}")

    def failed(self):
        """Waits until it says why it cannot start; returns the words."""
        return self.channel.receive("MESSAGE_FAILED").text().decode()

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(WAIT_S)

    def end(self):
        """The supervisor goes: the role must, too. Returns its status."""
        self.channel.close()
        return self.child.wait(WAIT_S)


def link(one, number_of_one, name_of_one, other, number_of_other, name_of_other):
    """A channel between two roles that run."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.give(name_of_other, number_of_other, left)
    other.give(name_of_one, number_of_one, right)
