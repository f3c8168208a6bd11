#!/usr/bin/env python3
"""ferryd as testssl.sh and sslscan see it: no finding of HIGH or above, explicit and implicit, on loopback only."""

import contextlib
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import peers  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

# What must have been tried and found good: a scan that could not connect has no findings either.
MUST_BE_GOOD = ("SSLv2", "SSLv3", "cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW",
                "cipherlist_3DES_IDEA", "cipherlist_STRONG", "TLS1_3", "heartbleed", "CCS", "secure_client_renego",
                "POODLE_SSL", "FREAK", "DROWN", "LOGJAM", "BEAST", "RC4")
GOOD = ("OK", "INFO")
SERIOUS = ("HIGH", "CRITICAL", "FATAL")


@contextlib.contextmanager
def fixture():
    with peers.ferryd() as server, peers.scratch() as work:
        server.work = work
        yield server


def run(argv, work):
    """Runs a scanner, whose exit status counts findings of any kind; returns what it printed."""
    done = subprocess.run([str(a) for a in argv], cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def testssl(server, explicit):
    """The checks of protocols, ciphers and vulnerabilities. Not `--server-defaults`, which takes as long as all others:
    it is about the certificate, and finds fault with that of a demo (thirty days, no revocation list)."""
    found = server.work / f"testssl-{explicit}.json"
    where = ["--starttls", "ftp", f"127.0.0.1:{server.port}"] if explicit else [f"127.0.0.1:{server.implicit_port}"]
    printed = run([peers.need("testssl"), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
                   "--openssl", peers.need("openssl"), "--jsonfile", found,
                   "--protocols", "--std", "--vulnerable", *where], server.work)
    assert found.exists(), f"testssl.sh did not run: {printed[-4000:]}"
    findings = json.loads(found.read_text())
    said = {f["id"]: f["severity"] for f in findings}
    serious = [f"{f['id']}: {f['severity']}, {f['finding']}" for f in findings if f["severity"] in SERIOUS]
    assert not serious, "\n".join(serious)
    not_good = {name: said.get(name, "not tried") for name in MUST_BE_GOOD if said.get(name) not in GOOD}
    assert not not_good, f"{not_good}\n{printed[-4000:]}"
    assert "scanTime" in said, "the scan did not come to its end"


@test("testssl.sh: no finding of HIGH or above, explicit", limit_s=240)
def testssl_explicit(server):
    testssl(server, True)


@test("testssl.sh: no finding of HIGH or above, implicit", limit_s=240)
def testssl_implicit(server):
    testssl(server, False)


@test("sslscan: nothing below TLS 1.2, no weak cipher, no renegotiation, compression or Heartbleed")
def sslscan(server):
    for where in (["--starttls-ftp", f"127.0.0.1:{server.port}"], [f"127.0.0.1:{server.implicit_port}"]):
        found = server.work / "sslscan.xml"
        printed = run([peers.need("sslscan"), "--no-colour", f"--xml={found}", *where], server.work)
        scan = xml.etree.ElementTree.parse(found).getroot().find("ssltest")
        assert scan is not None, printed
        enabled = {(p.get("type"), p.get("version")) for p in scan.iter("protocol") if p.get("enabled") == "1"}
        assert ("tls", "1.3") in enabled and enabled <= {("tls", "1.2"), ("tls", "1.3")}, f"{enabled}\n{printed}"
        ciphers = list(scan.iter("cipher"))
        weak = [c.get("cipher") for c in ciphers if c.get("strength") not in ("strong", "acceptable")]
        assert ciphers and not weak, f"{weak}\n{printed}"
        assert all(r.get("supported") == "0" or r.get("secure") == "1" for r in scan.iter("renegotiation")), printed
        assert all(c.get("supported") == "0" for c in scan.iter("compression")), printed
        assert all(h.get("vulnerable") == "0" for h in scan.iter("heartbleed")), printed
        algorithms = [a.text for a in scan.iter("signature-algorithm")]
        assert algorithms and all(a.endswith("SHA256") for a in algorithms), f"{algorithms}\n{printed}"


if __name__ == "__main__":
    tap.main(sys.modules[__name__], fixture)
