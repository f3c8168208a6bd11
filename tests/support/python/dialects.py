"""`ferryd run` with rules that a test writes as they stand in a listen block, on all three kinds of listeners."""

import contextlib
import pathlib

import daemon
import peers

USER, PASSWORD = "demo", "secret"

CONF = """\
log_level = debug
{listeners}
account "{user}" {{ password_hash = "{hash}" home = files }}
"""
LISTENER = 'listen "{address}:{port}" {{ certificate = {certificate} key = {key} tls = {kind} {rules} }}'


@contextlib.contextmanager
def server(*rules, tls=None, address="127.0.0.1"):
    """One on free ports; `rules` are directives, CA stands for the CA's file; `tls`: (ca, certificate, key), else its own.
    Yields a peers.Server with the port of either kind of TLS as `either_port` as well (but with a greeting before
    TLS)."""
    with peers.scratch() as folder:
        ca, certificate, key = tls or peers.make_certificate(folder / "tls")
        kinds = ["explicit", "implicit", "either"]
        if "implicit_greeting = before" in rules:
            kinds.pop()
        text = " ".join(rules).replace("CA", str(ca))
        listeners = [LISTENER.format(address=address, port=peers.free_port(), certificate=certificate, key=key, kind=kind,
                                     rules=text) for kind in kinds]
        conf = CONF.format(listeners="\n".join(listeners), user=USER, hash=daemon.password_hash(PASSWORD))
        with daemon.running_in(pathlib.Path(folder), conf, home="files") as child:
            ports = [child.port_of(index) for index in range(len(kinds))]
            running = peers.Server("ferryd", ports[0], USER, PASSWORD, ca, folder / "files", folder / "log",
                                   implicit_port=ports[1], process_id=child.child.pid)
            running.either_port = ports[2] if len(ports) > 2 else None
            yield running
