"""A user-PI without manners: sends any bytes at any moment, in clear or under TLS, and can leave without a word."""

import contextlib
import re
import socket
import ssl


class Raw:
    """One control connection. The certificate is not looked at: these tests are about the server."""

    def __init__(self, port, implicit=False, timeout_s=20, source=None, host="127.0.0.1", certificate=None, name=None,
                 alpn=None, tls=None):
        """`certificate`: paths of a certificate and its key to show; `name`: SNI; `alpn`: a list; `tls`: the only
        version, of ssl.TLSVersion."""
        self.socket = socket.create_connection((host, port), timeout_s,
                                               source_address=(source, 0) if source else None)
        self.received = b""
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.name = name
        if certificate:
            self.context.load_cert_chain(*map(str, certificate))
        if alpn:
            self.context.set_alpn_protocols(alpn)
        if tls:
            self.context.minimum_version = self.context.maximum_version = tls
        if implicit:
            self.start_tls()

    def start_tls(self):
        """The TLS handshake, as client."""
        self.socket = self.context.wrap_socket(self.socket, suppress_ragged_eofs=False, server_hostname=self.name)

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def reply(self):
        """The next whole reply: (code, text)."""
        pattern = re.compile(rb"(?:(\d\d\d)-.*?\r\n)?(\d\d\d) [^\r\n]*\r\n", re.DOTALL)
        while True:
            found = re.match(rb"(\d\d\d)([ -])", self.received)
            if found:
                end = re.search(rb"(?:^|\r\n)" + found[1] + rb" [^\n]*\r\n" if found[2] == b"-" else pattern.pattern,
                                self.received, re.DOTALL if found[2] != b"-" else 0)
                if end:
                    whole, self.received = self.received[:end.end()], self.received[end.end():]
                    return int(found[1]), whole.decode("utf-8", "surrogateescape")
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(f"the control connection ended after {self.received!r}")
            self.received += more

    def command(self, line, *expect):
        """Sends one command; checks the code of its reply if codes are given; returns code and text."""
        self.send(line + "\r\n")
        code, text = self.reply()
        assert not expect or code in expect, f"{line}: {text!r}, not {expect}"
        return code, text

    def seal(self):
        """Greeting and AUTH TLS."""
        assert self.reply()[0] == 220
        if not isinstance(self.socket, ssl.SSLSocket):
            self.command("AUTH TLS", 234)
            self.start_tls()
        return self

    def login(self, user, password=None):
        """Greeting, AUTH TLS, login, without a password by the certificate alone; PROT P, TYPE I."""
        self.seal()
        self.command(f"USER {user}", 331 if password else 232)
        if password:
            self.command(f"PASS {password}", 230)
        self.command("PBSZ 0", 200)
        self.command("PROT P", 200)
        self.command("TYPE I", 200)
        return self

    def passive(self):
        """EPSV; returns a connected socket in clear."""
        _, text = self.command("EPSV", 229)
        return socket.create_connection((self.socket.getpeername()[0], int(re.search(r"\|(\d+)\|", text)[1])), 20)

    def sealed(self, connection):
        """The data connection under TLS, resuming the control connection's session."""
        return self.context.wrap_socket(connection, session=self.socket.session, suppress_ragged_eofs=False,
                                        server_hostname=self.name)

    def fetch(self, name, resume=True):
        """RETR over a sealed data connection; returns the content and whether its session was resumed."""
        connection = self.passive()
        self.send(f"RETR {name}\r\n")
        session = self.socket.session if resume else None
        with self.context.wrap_socket(connection, session=session, suppress_ragged_eofs=False,
                                      server_hostname=self.name) as data:
            code, text = self.reply()
            assert code == 150, text
            content = b""
            while block := data.recv(1 << 16):
                content += block
            resumed = data.session_reused
            with contextlib.suppress(OSError):
                data.unwrap()
        code, text = self.reply()
        assert code == 226, text
        return content, resumed

    def at_end(self):
        """Whether the server has closed the connection, in whatever way."""
        try:
            while data := self.socket.recv(65536):
                self.received += data
            return True
        except (ssl.SSLError, ConnectionResetError):
            return True

    def close(self):
        """Leaves without QUIT and without close_notify."""
        self.socket.close()
