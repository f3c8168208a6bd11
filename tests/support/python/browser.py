"""Headless Chromium, driven by its DevTools protocol over a pipe."""

import base64
import contextlib
import json
import os
import select
import subprocess
import time

import peers

LIMIT_S = 60


class Browser:
    """A browser with one page."""

    def __init__(self, to, from_):
        self._to, self._from, self._rest, self._last = to, from_, b"", 0
        self.events = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def _read(self, until):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, until - time.monotonic()))
            assert ready, "the browser says nothing"
            block = os.read(self._from, 1 << 16)
            assert block, "the browser has ended"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _send(self, method, session=None, **params):
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + LIMIT_S
        while True:
            answer = self._read(until)
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def do(self, method, **params):
        """A command of the protocol for the page."""
        return self._send(method, session=self._session, **params)

    def run(self, script):
        """The value of an expression in the page."""
        result = self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, script, what=None):
        """Until the expression is true; the page may be on its way to another meanwhile."""
        def is_so():
            try:
                return self.run(f"document.readyState === 'complete' && !!({script})")
            except AssertionError:
                return False
        peers.wait_until(is_so, what or script)

    def go(self, address):
        self.do("Page.navigate", url=address)
        self.wait_for(f"location.href !== 'about:blank' && document.body")

    def log(self, source):
        """What the browser itself complained about, of that source: "security" for its policy."""
        self.run("0")  # what has come so far is read
        return [event["params"]["entry"]["text"] for event in self.events
                if event["method"] == "Log.entryAdded" and event["params"]["entry"]["source"] == source]

    def screenshot(self, path, width, height, scale=1, dark=False):
        """A picture of the page at that width, of all of its height up to `height`."""
        self.do("Emulation.setEmulatedMedia",
                features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                mobile=width < 600)
        picture = base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(picture)


@contextlib.contextmanager
def browser(folder):
    """Runs one in `folder`, until the end of the block."""
    program = peers.need("chromium")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    words = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--remote-debugging-pipe", f"--user-data-dir={folder}"]
    # The pipes have to be 3 and 4; dash duplicates no descriptor above 9.
    shell = ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{from_write}', "bash", *words]
    with open(folder / "log", "wb") as log, \
         subprocess.Popen(shell, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(to_read, from_write),
                          start_new_session=True) as child:
        os.close(to_read)
        os.close(from_write)
        try:
            yield Browser(to_write, from_read)
        finally:
            os.close(to_write)  # it ends when nobody drives it
            os.close(from_read)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
