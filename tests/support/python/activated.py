#!/usr/bin/env python3
"""Starts a program as systemd does by a socket unit: `activated.py SOCKET... -- PROGRAM WORDS...`, each a port of
127.0.0.1 to listen on, or fd:N, a listening socket. The descriptor of --ready-fd makes room for them."""

import os
import socket
import sys

FIRST = 3


def move(descriptor, to):
    """Makes it another number, that programs inherit."""
    os.dup2(descriptor, to)
    os.close(descriptor)
    return to


def listening(word):
    if word.startswith("fd:"):
        return int(word.removeprefix("fd:"))
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", int(word)))
    made.listen(16)
    return made.detach()


def main():
    split = sys.argv.index("--")
    words, argv = sys.argv[1:split], sys.argv[split + 1:]
    if "--ready-fd" in argv:
        at = argv.index("--ready-fd") + 1
        argv[at] = str(move(int(argv[at]), 50))
    sockets = [move(listening(word), 60 + i) for i, word in enumerate(words)]
    for i, descriptor in enumerate(sockets):
        move(descriptor, FIRST + i)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(words)), LISTEN_FDNAMES="ftp")
    os.execv(argv[0], argv)


main()
