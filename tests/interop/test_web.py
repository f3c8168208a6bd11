#!/usr/bin/env python3
"""The operator's page in headless Chromium (issue 4, point 7)."""

import contextlib
import http.client
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import tap  # noqa: E402
import topology  # noqa: E402
from browser import browser  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

USER, PASSWORD = "operator", "open sesame"
COOKIE = "ferry-visit"


class Site:
    """A page of the operator that is served at `port`."""

    def __init__(self, port, lines=None):
        self.port, self.lines = port, lines
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, method, path, headers=None, **fields):
        """(status, headers, text) of one request; fields are posted."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = urllib.parse.urlencode(fields) if method == "POST" else None
        given = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        with contextlib.closing(connection):
            connection.request(method, path, body, given | (headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()

    def log_in(self):
        """The headers of somebody who has logged in."""
        status, headers, _ = self.ask("POST", "/login", user=USER, password=PASSWORD)
        assert status == 303 and headers["Location"] == "/", (status, headers)
        return {"Cookie": headers["Set-Cookie"].partition(";")[0]}

    def token(self, visit):
        return re.search(r'name="token" value="([0-9a-f]{64})"', self.ask("GET", "/accounts", visit)[2])[1]


@contextlib.contextmanager
def sample():
    """The page of a server that is made up, with hostile names in all places (tests/web/web_sample.c)."""
    words = [os.environ["FERRY_WEB_SAMPLE"], daemon.password_hash(PASSWORD)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield Site(int(child.stdout.readline().split()[1]), child.stdout)
        finally:
            child.stdin.close()
            assert child.wait(20) == 0


@contextlib.contextmanager
def opened(site):
    """A browser that has logged in."""
    with peers.scratch() as folder, browser(folder) as page:
        page.go(site.base + "/")
        page.wait_for("location.pathname === '/login'")
        page.run(f"document.querySelector('[name=user]').value = '{USER}';"
                 f"document.querySelector('[name=password]').value = '{PASSWORD}';"
                 "document.querySelector('form.login button').click()")
        page.wait_for("location.pathname === '/'")
        yield page


def colours(path):
    """How many different colours a PNG of 8-bit RGB or RGBA has."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed = 8, b""
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
            assert depth == 8 and colour in (2, 6)
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    step = 3 if colour == 2 else 4
    raw, row, found = zlib.decompress(packed), bytearray(width * step), set()
    for line in range(height):
        begin = line * (width * step + 1)
        kind, new = raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step])
        for i, byte in enumerate(new):
            left = new[i - step] if i >= step else 0
            up, corner = row[i], row[i - step] if i >= step else 0
            guess = (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]
            new[i] = (byte + guess) & 255
        row = new
        found.update(bytes(row[i:i + 3]) for i in range(0, len(row), step * 7))
    return len(found)


def paeth(left, up, corner):
    """The filter of that name (PNG, section 9.4)."""
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def shoot(page, name, width, height, dark=False):
    """Leaves a picture in the build folder, and tells where."""
    folder = pathlib.Path(os.environ.get("FERRY_SCREENSHOTS", "."))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    page.screenshot(path, width, height, dark=dark)
    print(f"# screenshot: {path}")
    assert colours(path) > 20, "the picture is as good as blank"


# ---- without a browser: what is refused ----

@test("without a login there is nothing but the login; a name of somebody else's is not answered")
def closed(site):
    for path in ("/", "/accounts", "/certificates", "/failures", "/policy"):
        status, headers, text = site.ask("GET", path)
        assert status == 303 and headers["Location"] == "/login" and "studio" not in text, (path, text)
    status, _, text = site.ask("GET", "/live")
    assert status == 401 and "studio" not in text
    for cookie in (f"{COOKIE}=", f"{COOKIE}={'0' * 64}", "x"):
        assert site.ask("GET", "/", {"Cookie": cookie})[0] == 303
    for path in ("/kick", "/unban", "/logout"):
        assert site.ask("POST", path, session=4711, address="192.0.2.66")[1]["Location"] == "/login"
    visit = site.log_in()
    assert site.ask("GET", "/", visit)[0] == 200
    assert site.ask("GET", "/", visit | {"Host": "evil.example"})[0] == 421
    assert site.ask("GET", "/nowhere", visit)[0] == 404
    assert site.ask("DELETE", "/", visit)[0] == 405


@test("every page says that it runs no script but its own, is framed by nobody and stored nowhere")
def headers_of_pages(site):
    visit = site.log_in()
    for path in ("/", "/live", "/accounts", "/certificates", "/failures", "/policy", "/login", "/style.css", "/live.js"):
        _, headers, text = site.ask("GET", path, visit)
        policy = headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy, (path, policy)
        assert "unsafe" not in policy and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store" and headers["X-Frame-Options"] == "DENY"
        assert not re.search(r"<script(?! src=\"/live.js\" defer=\"\"></script>)|<[^>]* (style|on\w+)=", text), path


@test("the cookie of a login is for HTTP alone and the same site, other at each login; by a proxy's name for TLS alone")
def cookies(site):
    def made(headers=None):
        return site.ask("POST", "/login", headers, user=USER, password=PASSWORD)[1]["Set-Cookie"]
    first, second = made(), made()
    assert first != second
    assert re.fullmatch(COOKIE + r"=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict", first), first
    assert made({"Host": "ops.example.net"}).endswith("; Secure")


@test("a deed needs the token of its login, and a page of this site")
def forged(site):
    visit, other = site.log_in(), site.log_in()
    token = site.token(visit)
    for wrong in ("", "0" * 64, site.token(other)):
        assert site.ask("POST", "/kick", visit, session=4711, token=wrong)[0] == 403
        assert site.ask("POST", "/unban", visit, address="192.0.2.66", token=wrong)[0] == 403
        assert site.ask("POST", "/logout", visit, token=wrong)[0] == 403
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert site.ask("POST", "/kick", visit | {"Origin": origin}, session=4711, token=token)[0] == 403
    assert "studio-north" in site.ask("GET", "/", visit)[2]
    for wrong in ("", "x", "-1", "99999999999999999999999", "1"):
        assert site.ask("POST", "/kick", visit, session=wrong, token=token)[0] in (400, 404)
    assert site.ask("POST", "/unban", visit | {"Origin": site.base}, address="192.0.2.66", token=token)[0] == 303
    assert site.lines.readline() == "unban 192.0.2.66\n"
    assert site.ask("POST", "/logout", visit, token=token)[0] == 303
    assert site.ask("GET", "/", visit)[0] == 303 and site.ask("GET", "/", other)[0] == 200


@test("a wrong password and a wrong name are refused alike; who guesses waits; forms that are none, and too long ones")
def guesses(_):
    with sample() as site:
        def tries(user, password):
            return site.ask("POST", "/login", user=user, password=password)
        status, _, text = tries(USER, "wrong")
        assert status == 403 and "The name or the password is wrong." in text
        assert tries("somebody", PASSWORD)[::2] == (403, text)
        assert tries("<b>", "&")[::2] == (403, text)
        tries(USER, "wrong")
        status, headers, text = tries(USER, PASSWORD)
        assert status == 429 and int(headers["Retry-After"]) >= 1 and "wait" in text, (status, text)
        assert site.ask("POST", "/login", user=USER)[0] == 400
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("POST", "/login", b"user=" + b"a" * (1 << 20))
            assert connection.getresponse().status in (400, 413)
        assert site.ask("GET", "/login")[0] == 200


# ---- in the browser ----

@test("Chromium logs in, sees the sessions and the transfers, and ends one", limit_s=180)
def kick(_):
    with sample() as site, opened(site) as page:
        assert page.run("document.querySelectorAll('.sessions tbody tr').length") == 6
        assert "Reel 04 – final mix.mxf" in page.run("document.body.innerText")
        page.run("[...document.querySelectorAll('.sessions tr')].find(row => row.innerText.includes('warehouse'))"
                 ".querySelector('summary').click()")
        page.run("document.querySelector('details[open] button').click()")
        assert site.lines.readline() == "kick 4712\n"
        page.wait_for("!document.body.innerText.includes('stock-2026-11-22')")
        page.run("document.querySelector('header button').click()")
        page.wait_for("location.pathname === '/login'")
        page.go(site.base + "/accounts")
        page.wait_for("location.pathname === '/login'")


@test("names that would be markup and script are text, on every page, and in the table that refreshes itself",
      limit_s=180)
def hostile(_):
    with sample() as site, opened(site) as page:
        for path in ("/", "/accounts", "/certificates", "/failures", "/policy"):
            page.go(site.base + path)
            page.wait_for(f"location.pathname === '{path}' && document.querySelector('main')")
            assert "– Ferry" in page.run("document.title"), path
            assert page.run("document.querySelectorAll('script, img').length") == 2, path  # its own
            assert path == "/accounts" or "<script>document.title='run'</script>" in page.run("document.body.innerText")
        assert not page.log("security"), "something tried to run, and the policy alone stopped it"
        page.go(site.base + "/")
        page.wait_for("document.getElementById('live')")
        page.run("document.getElementById('live').dataset.old = 'yes'")
        page.wait_for("!document.getElementById('live').dataset.old", "the refreshed table")
        assert "– Ferry" in page.run("document.title") and not page.log("security")
        assert page.run("document.querySelectorAll('#live img, #live script').length") == 0


@test("SEC-91 were a name not escaped, the policy would stop its script all the same", limit_s=180)
def policy_stops(_):
    escaped_not = ("<title>quiet</title><img src=nowhere onerror=\"document.title='run'\"><a href=/ onclick=\"document.title="
                   "'run'\">a</a><script>document.title='run'</script><script src=data:,document.title='run'></script>")

    def show(page):
        frame = page.do("Page.getFrameTree")["frameTree"]["frame"]["id"]
        page.do("Page.setDocumentContent", frameId=frame, html=escaped_not)
        page.run("document.querySelector('a').dispatchEvent(new Event('click'))")
        return page.run("new Promise(done => setTimeout(() => done(document.title), 500))")

    with sample() as site, opened(site) as page:
        assert show(page) == "quiet"
        refused = page.log("security")
        assert len(refused) >= 4 and all("Content Security Policy" in text for text in refused), refused
    with peers.scratch() as folder, browser(folder) as page:
        assert show(page) == "run", "without the policy it would have run"


@test("a table that refreshes itself shows the login when that has ended", limit_s=180)
def ended(_):
    with sample() as site, opened(site) as page:
        page.do("Network.clearBrowserCookies")
        page.wait_for("location.pathname === '/login'", "the login, by the table that refreshes itself")


@test("screenshots: bright, dark, and as a phone shows it", limit_s=180)
def screenshots(_):
    with sample() as site, opened(site) as page:
        shoot(page, "web-overview.png", 1280, 1000)
        shoot(page, "web-overview-dark.png", 1280, 1000, dark=True)
        shoot(page, "web-overview-phone.png", 390, 1100)
        assert page.run("document.documentElement.scrollWidth") <= 390, "it is wider than the phone"
        for path in ("/accounts", "/certificates", "/failures", "/policy"):
            page.go(site.base + path)
            page.wait_for(f"location.pathname === '{path}'")
            assert page.run("document.documentElement.scrollWidth") <= 390, path
            shoot(page, f"web-{path[1:]}.png", 1280, 1000)
            page.do("Emulation.setDeviceMetricsOverride", width=390, height=1100, deviceScaleFactor=1, mobile=True)


# ---- ferryd itself ----

HOSTILE = "<script>document.title='run'<script>"
PAGE = 'control = control\nweb = 127.0.0.1:0\nweb_password_hash = "HASH"\nworkers = 2\n'


def text_with_page():
    return PAGE.replace("HASH", daemon.password_hash(PASSWORD)) + daemon.SIMPLE


@contextlib.contextmanager
def serving():
    """A running ferryd with its page."""
    with topology.running(text_with_page()) as all_:
        yield all_, Site(all_.wait_for("web.listen")["port"])


def begin_upload(all_, name):
    """A session whose upload has begun, and its data connection."""
    raw = Raw(all_.server.port).login(daemon.USER, daemon.PASSWORD)
    raw.command("CLNT <img src=x onerror=alert(1)>", 200)
    connection = raw.passive()
    raw.send(f"STOR {name}\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    data.sendall(b"x" * 100_000)
    return raw, data


@test("ferryd: the page shows a session of an upload that runs, with its hostile name, and ends it", limit_s=300)
def real(_):
    with serving() as (all_, site):
        raw, data = begin_upload(all_, HOSTILE)
        with opened(site) as page:
            page.wait_for("document.querySelectorAll('.sessions tbody tr').length === 1")
            page.wait_for("document.body.innerText.includes('100 kB')", "the bytes of the upload")
            shown = page.run("document.body.innerText")
            assert f"/{HOSTILE}" in shown and daemon.USER in shown and "TLSv1.3" in shown, shown
            assert "<img src=x onerror=alert(1)>" in shown and page.run("document.title").endswith("– Ferry")
            shoot(page, "web-ferryd.png", 1280, 800)
            page.run("document.querySelector('details.deed summary').click();"
                     "document.querySelector('details[open] button').click()")
            page.wait_for("document.body.innerText.includes('Nobody is connected.')")
            assert not page.log("security")
        assert raw.reply()[0] in (421, 426)
        data.close()
        assert not (all_.server.home / HOSTILE).exists()
        assert all_.events("web.kick") and not all_.events("role.died")


@test("ferryd: accounts, certificates and failures as they are; what a client used stays known", limit_s=300)
def real_pages(_):
    with serving() as (all_, site):
        visit = site.log_in()
        with contextlib.suppress(AssertionError):
            Raw(all_.server.port).login(daemon.USER, "wrong")
        Raw(all_.server.port).login(daemon.USER, daemon.PASSWORD).command("QUIT", 221)
        pages = {path: site.ask("GET", path, visit)[2] for path in ("/accounts", "/certificates", "/failures")}
        assert daemon.USER in pages["/accounts"] and str(all_.server.home) in pages["/accounts"]
        assert "server.pem" in pages["/certificates"] and "days left" in pages["/certificates"] or \
            "h " in pages["/certificates"], pages["/certificates"]
        assert "wrong password" in pages["/failures"], pages["/failures"]
        peers.wait_until(lambda: re.search(r"TLSv1.3.*[12] sessions?", site.ask("GET", "/policy", visit)[2], re.DOTALL),
                         "the use of the session")
        assert "would break nothing" in site.ask("GET", "/policy", visit)[2]


@test("ferryd: ops that is killed and comes back asks for a new login; a reload keeps it")
def comes_back(_):
    with serving() as (all_, site):
        visit = site.log_in()
        all_.server.reload("log_level = debug\n\n" + text_with_page())
        all_.wait_for("server.reload")
        assert site.ask("GET", "/", visit)[0] == 200
        all_.kill("ops", signal.SIGKILL)
        assert site.ask("GET", "/", visit)[0] == 303
        assert site.ask("GET", "/", site.log_in())[0] == 200


@test("ferryd: without web there is no page, and a hash that is none is told and serves nothing")
def off(_):
    with topology.running("control = control\n" + daemon.SIMPLE) as all_:
        assert all_.wait_for("role.ready", role="ops") and not all_.events("web.listen")
    with topology.running('control = control\nweb = 127.0.0.1:0\nweb_password_hash = "plain"\n' + daemon.SIMPLE) as all_:
        assert "web_password_hash" in all_.wait_for("web.off")["reason"]
        assert not all_.events("web.listen") and not all_.events("role.died")


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__], sample))
