"""A CA of a test's own, by the openssl program: certificates of clients and hosts, revocation lists, OCSP responses."""

import pathlib
import subprocess

_CONFIGURATION = """\
[ca]
default_ca = here
[here]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
crlnumber = {folder}/crlnumber
default_md = sha256
default_days = 2
default_crl_days = 2
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
organizationName = optional
emailAddress = optional
"""


def openssl(*words, **options):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, check=False, **options)
    assert done.returncode == 0, (words, done.stderr.decode(errors="replace"))
    return done.stdout


class Authority:
    """The CA in a folder; `self.ca` is its certificate."""

    def __init__(self, folder, name="Clients"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        self.configuration = self.folder / "ca.cnf"
        self.configuration.write_text(_CONFIGURATION.format(folder=self.folder))
        (self.folder / "index").write_text("")
        for number in ("serial", "crlnumber"):
            (self.folder / number).write_text("01\n")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-keyout", self.key, "-out", self.ca, "-subj", f"/O=Ferry/CN={name}")

    def issue(self, name, subject=None, names="", usage="clientAuth"):
        """Returns the paths of a certificate and its key; `names` as subjectAltName has them in a configuration."""
        certificate, key, request = (self.folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8", "-keyout", key,
                "-out", request, "-subj", subject or f"/O=Ferry/CN={name}")
        openssl("ca", "-batch", "-notext", "-preserveDN", "-config", self.configuration, "-cert", self.ca, "-keyfile", self.key,
                "-in", request, "-out", certificate, "-extfile", extensions)
        return certificate, key

    def issue_host(self, name, *others):
        """As issue, of a server of these names."""
        return self.issue(name, names=",".join(f"DNS:{n}" for n in (name, *others)), usage="serverAuth")

    def revoke(self, certificate):
        openssl("ca", "-config", self.configuration, "-cert", self.ca, "-keyfile", self.key, "-revoke", certificate)

    def revocation_list(self, out):
        """Writes the list as it is now."""
        openssl("ca", "-gencrl", "-config", self.configuration, "-cert", self.ca, "-keyfile", self.key, "-out", out)

    def ocsp_response(self, certificate, out):
        """Writes the response about a certificate (DER), signed by the CA."""
        request = self.folder / "ocsp.req"
        openssl("ocsp", "-issuer", self.ca, "-cert", certificate, "-no_nonce", "-reqout", request)
        openssl("ocsp", "-index", self.folder / "index", "-CA", self.ca, "-rsigner", self.ca, "-rkey", self.key,
                "-reqin", request, "-respout", out, "-ndays", "1")


def fingerprint(certificate):
    """SHA-256 of the certificate in hexadecimal, with colons."""
    told = openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").decode()
    return told.split("=", 1)[1].strip()


def key_pin(certificate):
    """sha256//BASE64 of its public key."""
    key = openssl("x509", "-in", certificate, "-noout", "-pubkey")
    digest = openssl("dgst", "-sha256", "-binary", input=openssl("pkey", "-pubin", "-outform", "DER", input=key))
    return "sha256//" + openssl("base64", "-A", input=digest).decode().strip()


def serial(certificate):
    return openssl("x509", "-in", certificate, "-noout", "-serial").decode().split("=")[1].strip()
