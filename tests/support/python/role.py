"""One process of ferryd by itself, between a supervisor and workers that are this test (src/ferryd/messages.h)."""

import array
import os
import socket
import struct
import subprocess

ROLES = {"supervisor": 0, "keys": 1, "auth": 2, "worker": 3, "files": 4, "ops": 5, "hooks": 6}
CONFINE_TRY, CONFINE_REQUIRE, CONFINE_OFF = range(3)

# enum message, in its order.
NAMES = """settings file channel listener start drain ready failed grant revoke attach granted denied
    login_ask login_cancel logout login_answer sign signed""".split()
TYPES = {name: number + 1 for number, name in enumerate(NAMES)}

# The fields of what is sent and received here: u8 B, u16 H, u32 I, u64 Q, bytes and text s.
FIELDS = {
    "settings": "", "channel": "BI", "start": "IIsB", "drain": "Q", "ready": "s", "failed": "ss",
    "grant": "IQIIsssB", "revoke": "Q", "login_ask": "QsBsssHs", "login_cancel": "Q", "logout": "Q",
    "login_answer": "QBQsBBss",
}  # fmt: skip


def pack(kinds, values):
    out = b""
    for kind, value in zip(kinds, values, strict=True):
        if kind == "s":
            value = value.encode() if isinstance(value, str) else value
            out += struct.pack("<I", len(value)) + value
        else:
            out += struct.pack("<" + kind, value)
    return out


def unpack(kinds, data):
    values = []
    for kind in kinds:
        if kind == "s":
            (size,) = struct.unpack_from("<I", data)
            values.append(data[4 : 4 + size])
            data = data[4 + size :]
        else:
            values += struct.unpack_from("<" + kind, data)
            data = data[struct.calcsize("<" + kind) :]
    assert not data, data
    return values


class Channel:
    """This test's end of a channel."""

    def __init__(self):
        self.socket, self.other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(60)

    def send(self, name, *values, fd=None):
        data = struct.pack("<H", TYPES[name]) + pack(FIELDS[name], values)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
        self.socket.sendmsg([data], ancillary)

    def receive(self):
        """(name, values); (None, []) at the end."""
        data = self.socket.recv(65536)
        if not data:
            return None, []
        (number,) = struct.unpack_from("<H", data)
        name = NAMES[number - 1]
        return name, unpack(FIELDS[name], data[2:])

    def expect(self, name):
        got, values = self.receive()
        assert got == name, (got, values)
        return values

    def close(self):
        self.socket.close()


class Role:
    """A role's process: given its settings, started, confined."""

    def __init__(self, program, settings, stderr, confinement=CONFINE_TRY):
        self.supervisor = Channel()
        inner = self.supervisor.other.fileno()
        self.process = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
                                        pass_fds=(3,), preexec_fn=lambda: os.dup2(inner, 3))  # fmt: skip
        self.supervisor.other.close()
        self.confinement = confinement
        memory = os.memfd_create("settings")
        os.write(memory, settings.encode())
        self.supervisor.send("settings", fd=memory)
        os.close(memory)

    def channel(self, peer, number):
        """Gives the role a channel to `peer`, which is this test."""
        channel = Channel()
        self.supervisor.send("channel", ROLES[peer], number, fd=channel.other.fileno())
        channel.other.close()
        return channel

    def start(self):
        """START; returns what the role says to it: ("ready", …) or ("failed", …)."""
        self.supervisor.send("start", os.getuid(), os.getgid(), b"", self.confinement)
        return self.supervisor.receive()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.supervisor.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
