#!/usr/bin/env python3
"""Hooks and checks of ferryd (issue 4, point 6): who is told, when nobody takes it, and who may refuse an upload."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import receivers  # noqa: E402
import tap  # noqa: E402
import topology  # noqa: E402
from daemon import PASSWORD, SIMPLE, USER  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
EVENTS = "{login, logout, upload, download, delete, rename, mkdir, rmdir, change}"

# As a scanner: it reads the upload from its standard input.
SCANNER = """\
#!/bin/sh
if grep -q 'EICAR-STANDARD' -; then
    echo 'stream: Eicar-Test-Signature\\033[1m FOUND'
    exit 1
fi
[ "$FERRY_PATH" = /broken ] && { echo 'database is missing'; exit 2; }
[ "$FERRY_PATH" = /slow ] && sleep 60
exit 0
"""


@contextlib.contextmanager
def running(blocks, text=SIMPLE, programs=None, **options):
    """Processes with hooks; `blocks` may name FOLDER, where programs are and which anybody may write into."""
    with peers.scratch() as folder:
        pathlib.Path(folder).chmod(0o755)
        work = pathlib.Path(folder) / "work"
        receivers.make_program(work)
        for name, script in ({"scanner": SCANNER} | (programs or {})).items():
            receivers.make_program(work, script, name)
        own = 'workers = 2\nhooks_writes = {"FOLDER"}\n' + ("" if "state =" in text else "state = state\n")
        whole = (own + text + blocks).replace("FOLDER", str(work))
        with topology.running(whole, **options) as all_:
            all_.work = work
            yield all_


def session(all_):
    return Raw(all_.server.port, timeout_s=60).login(USER, PASSWORD)


def begin(raw, command):
    connection = raw.passive()
    raw.send(command + "\r\n")
    data = raw.sealed(connection)
    assert raw.reply()[0] == 150
    return data


def store(raw, name, content=b"content"):
    """Returns the whole last reply."""
    data = begin(raw, f"STOR {name}")
    data.sendall(content)
    with contextlib.suppress(OSError):
        data.unwrap()
    data.close()
    return raw.reply()


def until_told(all_, count, limit_s=20):
    peers.wait_until(lambda: len(receivers.told(all_.work)) >= count,
                     f"{count} events ({all_.server.log_text()})", limit_s)
    return receivers.told(all_.work)


# ---- who is told ----

PROGRAM = 'hook "told" { events = ' + EVENTS + ' exec = {"FOLDER/program", "one word"} retry = 100ms }\n'


@test("a program is told of all that a session did, in its order, as JSON and in its environment")
def told_program(_):
    with running(PROGRAM) as all_:
        raw = session(all_)
        assert store(raw, "f")[0] == 226
        data = begin(raw, "RETR f")
        assert data.recv(100) == b"content"
        data.close()
        assert raw.reply()[0] in (226, 426)
        raw.command("MKD d", 257)
        raw.command("RNFR f", 350)
        raw.command("RNTO d/g", 250)
        raw.command("DELE d/g", 250)
        raw.command("RMD d", 250)
        raw.command("QUIT", 221)
        events = until_told(all_, 8)
        assert [event["event"] for event in events] == [
            "login", "upload", "download", "mkdir", "rename", "delete", "rmdir", "logout"], events
        assert all(event["account"] == USER and event["peer"] == "127.0.0.1" and event["certain"] for event in events)
        assert len({event["id"] for event in events}) == 8 and len({event["session"] for event in events}) == 1
        upload = events[1]
        assert upload["path"] == "/f" and upload["bytes"] == 7 and upload["tls"].startswith("TLSv1"), upload
        assert events[4]["from"] == "/f" and events[4]["path"] == "/d/g"
        variables = dict(line.split("=", 1) for line in (all_.work / "environment").read_text().splitlines())
        assert variables["FERRY_EVENT"] == "logout" and variables["FERRY_ACCOUNT"] == USER
        assert not {"HOME", "USER", "FERRYD"} & set(variables), variables
        assert "state/hooks/tmp" in variables["TMPDIR"]


@test("a name that is no UTF-8 is told, too, with its bytes")
def told_bytes(_):
    with running(PROGRAM) as all_:
        raw = session(all_)
        connection = raw.passive()
        raw.send(b"STOR \xe4\r\n")
        data = raw.sealed(connection)
        assert raw.reply()[0] == 150
        data.unwrap()
        assert raw.reply()[0] == 226
        upload = until_told(all_, 2)[1]
        assert upload["path_hex"] == "2fe4" and upload["path"] == "/\\xe4", upload


@test("HTTP: an event is sent again until it is taken, with the same id and a signature")
def told_http(_):
    with receivers.receiving(fails=2) as receiver:
        block = ('hook "http" { events = {upload} url = "%s" secret = "s3cret" header = {"X-Own: yes"} '
                 'retry = 50ms }\n' % receiver.url)
        with running(block) as all_:
            assert store(session(all_), "f")[0] == 226
            peers.wait_until(lambda: len(receiver.requests) >= 3, all_.server.log_text())
            ids = [headers["Ferry-Event-Id"] for headers, _ in receiver.requests]
            assert len(set(ids)) == 1, ids
            headers, body = receiver.requests[2]
            assert store(session(all_), "g")[0] == 226
            peers.wait_until(lambda: len(receiver.requests) >= 4, all_.server.log_text())
            assert [h["Ferry-Event-Id"] == ids[0] for h, _ in receiver.requests] == [True] * 3 + [False], \
                "one that was taken is told again"
            assert headers["Ferry-Signature"] == receivers.signature("s3cret", body)
            assert headers["X-Own"] == "yes" and headers["Content-Type"] == "application/json"
            assert headers["Ferry-Event-Kind"] == "upload"
            event = receiver.events()[2]
            assert event["id"] == headers["Ferry-Event-Id"] and event["path"] == "/f"
            assert len(all_.server.events("hook.failed")) == 2
            assert "come again" in all_.server.events("hook.failed")[0]["reason"]
            assert "s3cret" not in all_.server.log_text()


@test("only hooks whose events and accounts fit are told")
def told_patterns(_):
    blocks = ('hook "a" { events = {mkdir} accounts = {"an*"} exec = {"FOLDER/program"} }\n'
              'hook "b" { events = {mkdir} accounts = {"bert", "?ar?"} exec = {"FOLDER/program"} }\n')
    with running(blocks) as all_:
        raw = session(all_)
        store(raw, "f")
        raw.command("MKD d", 257)
        store(raw, "g")
        raw.command("MKD e", 257)
        until_told(all_, 2)
        assert [event["path"] for event in receivers.told(all_.work)] == ["/d", "/e"]


@test("a program that takes too long is killed with all that it started, and told again")
def told_slow(_):
    with running('hook "slow" { events = {mkdir} exec = {"FOLDER/program"} timeout = 1s retry = 50ms }\n') as all_:
        receivers.make_program(all_.work, "#!/bin/sh\necho $$ > FOLDER/pid; sleep 1000 & echo $! > FOLDER/child; wait\n")
        session(all_).command("MKD d", 257)
        failed = all_.wait_for("hook.failed")
        assert "too long" in failed["reason"], failed
        child = int((all_.work / "child").read_text())
        receivers.make_program(all_.work)
        until_told(all_, 1)
        peers.wait_until(lambda: not pathlib.Path(f"/proc/{child}").exists(), "the end of what it started")


@test("an event that nobody takes for too long is dead: logged, and the next ones go on")
def told_dead(_):
    block = PROGRAM.replace(EVENTS, "{mkdir}").replace("100ms", "100ms give_up = 1s")
    with running(block) as all_:
        (all_.work / "fail").touch()
        raw = session(all_)
        raw.command("MKD d", 257)
        dead = all_.wait_for("hook.dead")
        assert dead["tries"] >= 2 and "not now" in dead["reason"], dead
        (all_.work / "fail").unlink()
        raw.command("MKD e", 257)
        assert [event["path"] for event in until_told(all_, 1)] == ["/e"]


# ---- at least once ----

@test("when hooks and workers are killed during many small uploads, each one that got its 226 is told of")
def killed(_):
    with running(PROGRAM.replace(EVENTS, "{upload}")) as all_:
        stored, stop = set(), time.monotonic() + 12
        number = kills = 0
        next_kill = time.monotonic() + 1
        raw = None
        while time.monotonic() < stop:
            if time.monotonic() > next_kill:
                role = ("hooks", "worker")[kills % 2]
                with contextlib.suppress(ProcessLookupError, IndexError):
                    os.kill(all_.pids(role)[0], signal.SIGKILL)
                kills += 1
                next_kill = time.monotonic() + 1
            number += 1
            name = f"f{number}"
            try:
                raw = raw or session(all_)
                if store(raw, name)[0] == 226:
                    stored.add("/" + name)
            except (OSError, EOFError, AssertionError):
                raw = None
        assert kills >= 8 and len(stored) > 20, (kills, len(stored))
        peers.wait_until(lambda: stored <= {event["path"] for event in receivers.told(all_.work)},
                         f"{len(stored)} uploads ({all_.server.log_text()})", 60)

        def files():
            return {"/" + path.name for path in all_.server.home.iterdir() if not path.name.startswith(".")}
        # Those that are uncertain come later.
        peers.wait_until(lambda: files() <= {event["path"] for event in receivers.told(all_.work)},
                         "an event for each file", 60)
        events = receivers.told(all_.work)
        for event in events:
            there = (all_.server.home / event["path"][1:]).exists()
            assert there or not event["certain"], event
        uncertain = {event["path"] for event in events if not event["certain"]}
        print(f"# {len(stored)} stored, {len(events)} told, {len(uncertain)} uncertain, {kills} kills")


@test("a worker dies while an upload takes its name: the event is told, as one that is not certain")
def uncertain(_):
    with running(PROGRAM.replace(EVENTS, "{upload}")) as all_:
        raw = session(all_)
        data = begin(raw, "STOR f")
        files = all_.pids("files")[0]
        os.kill(files, signal.SIGSTOP)  # so that it cannot be given its name
        data.sendall(b"content")
        data.unwrap()
        time.sleep(2)
        for pid in all_.pids("worker"):
            os.kill(pid, signal.SIGKILL)
        os.kill(files, signal.SIGCONT)
        told = until_told(all_, 1, 40)
        assert [(event["path"], event["certain"]) for event in told] == [("/f", False)], told
        assert all_.server.events("hook.uncertain")


def lftp_upload(all_, folder, count):
    for i in range(count):
        (folder / f"s{i}").write_bytes(b"x" * 1000)
    script = (f"set ssl:verify-certificate no; open -u {USER},'{PASSWORD}' ftp://127.0.0.1:{all_.server.port}; "
              f"mirror -R -P 8 {folder} many")
    began = time.monotonic()
    ran = subprocess.run([peers.need("lftp"), "-c", script], capture_output=True, text=True, check=False, timeout=120,
                         env=os.environ | {"HOME": str(folder.parent)})
    assert ran.returncode == 0, ran.stderr
    return count / (time.monotonic() - began)


@test("many small files by lftp, eight at a time: all are told of once, and it is not much slower than without hooks")
def many(_):
    rates = []
    for block in ("", PROGRAM.replace(EVENTS, "{upload}").replace("retry", "jobs = 1 retry")):
        with running(block) as all_, peers.scratch() as folder:
            source = pathlib.Path(folder) / "source"
            source.mkdir()
            rates.append(lftp_upload(all_, source, 300))
            if block:
                events = until_told(all_, 300, 60)
                assert len({event["id"] for event in events}) == len({event["path"] for event in events}) == 300
    print(f"# {rates[0]:.0f} files/s without a hook, {rates[1]:.0f} with one: {rates[1] / rates[0]:.2f}")
    assert rates[1] > rates[0] / 4, rates


@test("while hooks is away uploads wait, and are refused in the end: nothing appears under the name")
def away(_):
    with running("hooks_wait = 2s\n" + PROGRAM) as all_:
        raw = session(all_)
        os.kill(all_.pids("hooks")[0], signal.SIGSTOP)
        code, text = store(raw, "f")
        assert code == 451 and "recorded" in text, text
        assert not (all_.server.home / "f").exists()
        raw.command("NOOP", 200)
        os.kill(all_.pids("hooks")[0], signal.SIGCONT)
        assert store(raw, "g")[0] == 226
        assert store(raw, "h")[0] == 226
        events = until_told(all_, 3)
        assert [e["path"] for e in receivers.told(all_.work) if e["event"] == "upload"] == ["/g", "/h"], events


@test("a full queue refuses uploads, or lets them pass and says so")
def full(_):
    for word, code in (("refuse", 452), ("allow", 226)):
        block = f"hooks_queue = 2 hooks_full = {word}\n" + PROGRAM.replace(EVENTS, "{upload}")
        with running(block) as all_:
            (all_.work / "fail").touch()
            raw = session(all_)
            codes = [store(raw, f"f{i}")[0] for i in range(3)]
            assert codes == [226, 226, code], codes
            assert (all_.server.home / "f2").exists() == (code == 226)
            if code == 226:
                assert all_.wait_for("hook.lost")["path"] == "/f2"
            else:
                assert not all_.server.events("hook.lost")
            (all_.work / "fail").unlink()
            until_told(all_, 2)
            assert store(raw, "f4")[0] == 226


@test("events outlive the server")
def restart(_):
    with peers.scratch() as folder:
        state = pathlib.Path(folder) / "state"
        block = PROGRAM.replace(EVENTS, "{upload}")
        text = SIMPLE + f'state = "{state}"\n'
        with running(block, text) as all_:
            (all_.work / "fail").touch()
            assert store(session(all_), "f")[0] == 226
            all_.wait_for("hook.failed")
        with running(block, text) as all_:
            assert [event["path"] for event in until_told(all_, 1)] == ["/f"]


# ---- checks ----

CHECK = 'check "scanner" { exec = {"FOLDER/scanner"} max_wait = 2s }\n'


def scratch_names(all_):
    return sorted(path.name for path in all_.server.home.iterdir() if not path.name.startswith("."))


@test("a check refuses an upload with its own words, and nothing appears under the name")
def refused(_):
    with running(CHECK) as all_:
        raw = session(all_)
        code, text = store(raw, "virus", EICAR)
        assert code == 550 and "Eicar-Test-Signature" in text and "\033" not in text, text
        assert store(raw, "clean")[0] == 226
        assert store(raw, "appended", EICAR[:30])[0] == 226
        data = begin(raw, "APPE appended")
        data.sendall(EICAR[30:])
        data.unwrap()
        assert raw.reply()[0] == 550, "what is appended is checked with what there is"
        assert (all_.server.home / "appended").read_bytes() == EICAR[:30]
        assert scratch_names(all_) == ["appended", "clean"]
        assert all_.server.events("check.refused")[0]["check"] == "scanner"


@test("a check that fails or takes too long: refused, or let pass if it may be")
def failing(_):
    with running(CHECK + CHECK.replace("scanner\" {", "lenient\" { on_failure = allow")) as all_:
        raw = session(all_)
        code, text = store(raw, "broken")
        assert code == 451 and "checked" in text and "database" not in text, text
        assert "database is missing" in all_.server.events("check.failed")[0]["reason"]
        began = time.monotonic()
        assert store(raw, "slow")[0] == 451 and time.monotonic() - began < 15
        assert scratch_names(all_) == []
    with running(CHECK.replace("max_wait", "on_failure = allow max_wait")) as all_:
        raw = session(all_)
        assert store(raw, "broken")[0] == 226 and store(raw, "virus", EICAR)[0] == 550
        assert all_.server.events("check.skipped")


@test("other sessions go on while an upload is checked, and ABOR ends the waiting")
def abort(_):
    with running(CHECK.replace("2s", "1min")) as all_:
        raw = session(all_)
        data = begin(raw, "STOR slow")
        data.unwrap()
        assert store(session(all_), "other")[0] == 226
        raw.command("ABOR", 426)
        assert raw.reply()[0] == 226
        assert store(raw, "again")[0] == 226
        assert scratch_names(all_) == ["again", "other"]


@test("hooks dies during a check: the upload is refused, the session goes on, the next is checked")
def check_killed(_):
    with running(CHECK.replace("2s", "1min")) as all_:
        raw = session(all_)
        data = begin(raw, "STOR slow")
        data.unwrap()
        time.sleep(0.5)
        all_.kill("hooks", signal.SIGKILL)
        assert raw.reply()[0] == 451
        peers.wait_until(lambda: store(raw, "virus", EICAR)[0] == 550, "a check")


@test("a check by HTTP")
def check_http(_):
    def replies(body):
        return (403, b"there is something in it\n") if b"EICAR" in body else (200, b"clean\n")
    with receivers.receiving(replies=replies) as receiver:
        with running('check "http" { url = "%s" secret = "k" }\n' % receiver.url) as all_:
            raw = session(all_)
            code, text = store(raw, "virus", EICAR)
            assert code == 550 and "there is something in it" in text, text
            assert store(raw, "large", b"0123456789" * 300000)[0] == 226
            headers, body = receiver.requests[-1]
            assert body == b"0123456789" * 300000
            assert headers["Ferry-Signature"] == receivers.signature("k", headers["Ferry-Event"].encode())


@test("a program that checks reads the upload and cannot change it")
def read_only(_):
    writer = "#!/bin/sh\n{{ echo changed >&3; }} 2> FOLDER/refused && exit 1; exit 0\n"
    with running('check "w" { exec = {"FOLDER/writer"} }\n', programs={"writer": writer}) as all_:
        assert store(session(all_), "f")[0] == 226
        assert (all_.server.home / "f").read_bytes() == b"content"
        assert (all_.work / "refused").read_text()


# ---- ferryd check ----

@test("ferryd check finds what is wrong with hooks and checks")
def mistakes(_):
    blocks = """
hook "none" { events = {upload} }
hook "missing" { events = {upload} exec = {"/nowhere/program"} }
hook "relative" { events = {uplod} exec = {"program"} }
hook "weak" { events = {upload} exec = {"FOLDER/weak"} secret = "x" }
hook "plain" { events = {upload} exec = {"FOLDER/plain"} }
check "scheme" { url = "ftp://host/" }
check "both" { url = "https://host/" exec = {"FOLDER/program"} }
hook "header" { events = {login} url = "https://host/" header = {"no colon"} }
"""
    with peers.scratch() as name:
        folder = pathlib.Path(name)
        peers.make_certificate(folder / "tls")
        daemon.make_home(folder / "home")
        for program in ("program", "weak", "plain"):
            receivers.make_program(folder / "work", name=program)
        (folder / "work" / "weak").chmod(0o777)
        (folder / "work" / "plain").chmod(0o644)
        daemon.write_conf(folder, SIMPLE + blocks.replace("FOLDER", str(folder / "work")))
        ran = daemon.ferryd("check", "-c", folder / "ferryd.conf")
        said = ran.stdout + ran.stderr
        assert ran.returncode == 1, said
        for words in ("needs exec or url", "/nowhere/program: No such file", "did you mean upload", "must be absolute",
                      "anybody could change it", "it is for url, which is not set", "it is no program",
                      "must begin with https://", "not both", '"Name: value"'):
            assert words in said, (words, said)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
