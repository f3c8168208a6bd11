#!/usr/bin/env python3
"""A role of ferryd's as a supervisor meets it: put it beside a ferryd-supervisor as ferryd-ROLE.

What it is given goes to standard error, an event a line. A file ROLE.does beside it makes it misbehave: see `deeds`.
As auth it lets everybody in: the home is what is in the file `home` beside it.
"""

import json
import os
import pathlib
import select
import socket
import sys
import time

HERE = pathlib.Path(sys.argv[0]).parent
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import roles  # noqa: E402
from roles import Channel, Gone, text, u8, u16, u32, u64  # noqa: E402

ROLE = pathlib.Path(sys.argv[0]).name.removeprefix("ferryd-")
GRANTED, REFUSED = 0, 1


def tell(event, **fields):
    os.write(2, (json.dumps({"event": event, "role": ROLE, "pid": os.getpid(), **fields}) + "\n").encode())


def fail(channel):
    channel.send("MESSAGE_FAILED", text("it does not like that"), text("give it something else"))
    sys.exit(1)


def babble(channel):
    channel.send("MESSAGE_GRANTED", u64(1))
    time.sleep(60)


def hang(_):
    time.sleep(600)


def die(_):
    os.abort()


deeds = {"fail": fail, "babble": babble, "hang": hang, "die": die}


class Fake:
    def __init__(self):
        self.supervisor = Channel(socket.socket(fileno=roles.SUPERVISOR_FD))
        self.peers = {}  # Channel: (role, number)
        self.listeners = []
        self.grants = 0

    def misbehave(self):
        file = HERE / f"{ROLE}.does"
        if file.exists():
            deeds[file.read_text().strip()](self.supervisor)

    def from_supervisor(self, message):
        name = message.name.removeprefix("MESSAGE_").lower()
        if name == "settings":
            tell("fake.settings", text=os.pread(message.fds[0], 1 << 20, 0).decode())
        elif name == "file":
            tell("fake.file", name=message.text().decode(), text=os.read(message.fds[0], 1 << 20).decode())
        elif name == "listener":
            number = message.u32()
            self.listeners.append(socket.socket(fileno=message.fds[0]))
            tell("fake.listener", number=number, port=self.listeners[-1].getsockname()[1])
        elif name == "channel":
            role, number = message.u8(), message.u32()
            peer = [key for key, value in roles.ROLE.items() if value == role][0].removeprefix("ROLE_").lower()
            self.peers[Channel(socket.socket(fileno=message.fds[0]))] = (peer, number)
            tell("fake.channel", peer=peer, number=number)
        elif name == "start":
            tell("fake.start", uid=message.u32(), gid=message.u32())
            self.misbehave()
            self.supervisor.send("MESSAGE_READY", text(""))
        elif name == "drain":
            grace = message.u64()
            tell("fake.drain", grace=grace)
            for listener in self.listeners:
                listener.close()
            self.supervisor.send("MESSAGE_DRAINING")
            if not (HERE / f"{ROLE}.stays").exists() or grace < 1 << 62:
                sys.exit(0)
        elif name == "ping":
            self.supervisor.send("MESSAGE_PONG")
        elif name in ("granted", "denied"):
            tell(f"fake.{name}", grant=message.u64())
            if name == "granted":
                self.peers[Channel(socket.socket(fileno=message.fds[0]))] = ("files", 0)
        elif name == "attach":
            tell("fake.attach", grant=message.u64(), root=message.text().decode(), owner=message.text().decode())
            self.peers[Channel(socket.socket(fileno=message.fds[0]))] = ("worker", 0)

    def login(self, worker, channel, message):
        """Everybody may come in who has a password, whatever it is."""
        ask, name, has_password = message.u64(), message.text(), message.u8()
        if not has_password:
            channel.send("MESSAGE_LOGIN_ANSWER", u64(ask), u8(REFUSED), u64(0), text(""), u8(0), u8(0), text(""),
                         u64(0), u64(0), text(""), u64(0))
            return
        self.grants += 1
        grant = os.getpid() << 20 | self.grants
        home = (HERE / "home").read_text().strip()
        owner = os.stat(home)
        uid = (HERE / "uid").read_text() if (HERE / "uid").exists() else owner.st_uid
        self.supervisor.send("MESSAGE_GRANT", u32(worker), u64(grant), u32(int(uid)), u32(owner.st_gid), text(""),
                             text(home), text(name), u8(0), text(""), u64(0), u64(0), text(""), text(""))
        channel.send("MESSAGE_LOGIN_ANSWER", u64(ask), u8(GRANTED), u64(grant), text("/"), u8(0), u8(0), text(""),
                     u64(0), u64(0), text(""), u64(0))

    def from_peer(self, channel, message):
        role, number = self.peers[channel]
        tell("fake.message", peer=role, name=message.name)
        if message.name == "MESSAGE_LOGIN_ASK":
            self.login(number, channel, message)
        elif message.name == "MESSAGE_ARRIVED":
            channel.send("MESSAGE_ADMITTED", u64(message.u64()), u8(0))
        elif message.name == "MESSAGE_LOGOUT":
            self.supervisor.send("MESSAGE_REVOKE", u64(message.u64()))

    def run(self):
        while True:
            readable, _, _ = select.select([self.supervisor.end, *(peer.end for peer in self.peers)], [], [])
            if self.supervisor.end in readable:
                self.from_supervisor(self.supervisor.receive())
            for channel in [peer for peer in self.peers if peer.end in readable]:
                try:
                    self.from_peer(channel, channel.receive())
                except Gone:
                    role, number = self.peers.pop(channel)
                    tell("fake.gone", peer=role, number=number)


if __name__ == "__main__":
    try:
        Fake().run()
    except Gone:
        sys.exit(0)
