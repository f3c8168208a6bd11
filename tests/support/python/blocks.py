"""MODE B on the client's side: files as blocks over a data connection that stays open (RFC 959 section 3.4.2)."""

import struct

END_OF_FILE, MARKER = 64, 16
BLOCK_BYTES = 30000


class Blocks:
    """An open data connection, in clear or under TLS."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, content, marks_every=0):
        """One file; with a marker, "at-OFFSET", before every so many bytes."""
        out = bytearray()
        for at in range(0, len(content), marks_every or BLOCK_BYTES):
            data = content[at:at + (marks_every or BLOCK_BYTES)]
            if marks_every:
                text = b"at-%d" % at
                out += struct.pack(">BH", MARKER, len(text)) + text
            out += struct.pack(">BH", 0, len(data)) + data
        self.connection.sendall(out + struct.pack(">BH", END_OF_FILE, 0))

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise EOFError("the data connection ended in the middle of a file")
            data += more
        return data

    def receive(self):
        """One file: its content, and its markers with what came before each."""
        content, marks = bytearray(), []
        while True:
            descriptor, count = struct.unpack(">BH", self._exactly(3))
            assert descriptor in (0, END_OF_FILE, MARKER), f"a block of kind {descriptor}"
            data = self._exactly(count)
            if descriptor == MARKER:
                marks.append((data.decode(), len(content)))
            else:
                content += data
            if descriptor == END_OF_FILE:
                return bytes(content), marks

    def at_end(self):
        """Waits for the end, which must come in order: nothing before it, and no cut."""
        return self.connection.recv(1) == b""
