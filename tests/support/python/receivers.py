"""Who is told by ferryd-hooks: programs and an HTTP server that write down what they get."""

import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import threading

# Appends what it gets to a file, a line each; fails while there is the file "fail" beside it.
PROGRAM = """\
#!/bin/sh
[ -e FOLDER/fail ] && {{ echo "not now"; exit 7; }}
body=$(cat)
printf '%s\\t%s\\t%s\\n' "$FERRY_EVENT" "$FERRY_PATH" "$body" >> FOLDER/told
env > FOLDER/environment
"""


def make_program(folder, text=PROGRAM, name="program"):
    """An executable in a folder of its own that anybody may write files into."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)
    (folder / "told").touch()
    (folder / "told").chmod(0o666)
    path = folder / name
    path.write_text(text.replace("{{", "{").replace("}}", "}").replace("FOLDER", str(folder)))
    path.chmod(0o755)
    return path


def told(folder):
    """The events that the program was told of."""
    return [json.loads(line.split("\t", 2)[2]) for line in (pathlib.Path(folder) / "told").read_text().splitlines()]


class Receiver:
    """An HTTP server on a free port; `fails` requests are answered with 503 first."""

    def __init__(self, fails=0, replies=None):
        self.fails, self.replies, self.requests = fails, replies, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                code, text = 200, b"taken\n"
                if receiver.fails > 0:
                    receiver.fails -= 1
                    code, text = 503, b"come again\n"
                elif receiver.replies:
                    code, text = receiver.replies(body)
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def events(self):
        return [json.loads(body) for _headers, body in self.requests]


@contextlib.contextmanager
def receiving(**options):
    receiver = Receiver(**options)
    receiver.thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.thread.join()
        receiver.server.server_close()


def signature(secret, text):
    return "sha256=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
