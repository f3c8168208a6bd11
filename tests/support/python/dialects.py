"""Starts rules_server: the server of ferryd under rules that `ferryd demo` does not offer."""

import contextlib
import json
import os
import subprocess

import peers


@contextlib.contextmanager
def server(*words, tls=None, address="127.0.0.1"):
    """One on free ports; `words` as tests/interop/rules_server.c takes them; `tls`: (ca, certificate, key), else its
    own. Yields a peers.Server with the port of either kind of TLS as `either_port` as well."""
    with peers.scratch() as directory:
        files = directory / "files"
        files.mkdir()
        log = directory / "log"
        ca, certificate, key = tls or peers.make_certificate(directory / "tls")
        argv = [os.environ["FERRY_RULES_SERVER"], ca, certificate, key, files, f"address={address}", *words]
        with peers.process(argv, log, stdout=subprocess.PIPE, text=True) as child:
            line = child.stdout.readline()
            if not line:
                raise RuntimeError(f"rules_server did not start: {log.read_text(errors='replace')}")
            ready = json.loads(line)
            running = peers.Server("rules_server", ready["explicit"], "demo", "secret", ca, files, log,
                                   implicit_port=ready["implicit"], process_id=child.pid)
            running.either_port = ready["either"]
            yield running
            if child.poll() is not None:
                raise RuntimeError(f"rules_server ended by itself: {log.read_text(errors='replace')}")
