#!/usr/bin/env python3
"""Accounts of a directory: ferryd with a real slapd, by ldaps and by StartTLS; down, back, and stuck."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support" / "python"))

import daemon  # noqa: E402
import peers  # noqa: E402
import stores  # noqa: E402
import tap  # noqa: E402
from authority import Authority, openssl  # noqa: E402
from raw import Raw  # noqa: E402
from stores import BASE, ldap_person  # noqa: E402
from tap import test  # noqa: E402

PASSWORD = "correct horse"
TIMEOUT_S = 1.5
ODD = "o'dd (one)* \\,#\"+=;<>ü"  # of all that means something in a filter or a DN
HANDSHAKE_S = 5.0  # what a login may take beside the directory, under sanitizers and load


def block(server, url=None, name="staff", more=""):
    return f"""\
ldap "{name}" {{
    url = {url or f'"ldaps://127.0.0.1:{server.tls}"'}
    ca_file = tls/ca.pem
    bind_dn = "{stores.READER}"
    bind_password_file = reader
    base = "ou=people,{BASE}"
    attributes = {{"name=uid", "home=homeDirectory", "uid=uidNumber", "gid=gidNumber", "quota=ftpQuota",
                   "networks=ftpNetwork", "disabled=ftpDisabled", "expires=shadowExpire",
                   "certificates=userCertificate;binary"}}
    uid_min = 1
    timeout = {int(TIMEOUT_S * 1000)}ms
    {more}
}}
"""


LISTEN = """\
listen "127.0.0.1:0" { certificate = tls/server.pem key = tls/server.key login_delay = 1ms
    client_certificates = optional client_ca = clients/ca.pem }
account "local" { password_hash = "HASH" home = home }
"""


class Site:
    """A ferryd, and the slapd that it asks."""

    def __init__(self, server, slapd, folder):
        self.server, self.slapd, self.folder = server, slapd, folder

    def fetch(self, user, password=PASSWORD, certificate=None):
        """(content of f or None, seconds, last reply of the server) by curl."""
        argv = [peers.need("curl"), "-sv", "--ssl-reqd", "--cacert", self.server.ca,
                f"ftp://localhost:{self.server.port}/f", "--user", f"{user}:{password}"]
        if certificate:
            argv += ["--cert", certificate[0], "--key", certificate[1]]
        begun = time.monotonic()
        done = subprocess.run(list(map(str, argv)), capture_output=True, check=False, timeout=60)
        replies = [line[2:] for line in done.stderr.decode(errors="replace").splitlines() if line[:2] == "< "]
        self.replies = replies
        return done.stdout if done.returncode == 0 else None, time.monotonic() - begun, replies[-1:]

    def reply(self, user, password=PASSWORD):
        """(code of PASS, seconds until it came)."""
        raw = Raw(self.server.port).seal()
        raw.command(f"USER {user}", 331)
        begun = time.monotonic()
        code = raw.command(f"PASS {password}")[0]
        return code, time.monotonic() - begun

    def whys(self):
        """Why logins were refused, so far. Not by whole lines: what a sanitizer says may stand in between."""
        return re.findall(r'"event":"login.refused",[^}]*?"reason":"((?:[^"\\]|\\.)*)"', self.server.log_text())

    def why(self):
        return self.whys()[-1]


def person(folder, name, password=PASSWORD, **options):
    return ldap_person(name, password, folder / "home", **options)


@contextlib.contextmanager
def site(people, conf=lambda slapd: block(slapd), accounts='"ldap:staff"'):
    """A Site; `people`: from the folder, the LDIF; `conf`: from the slapd, the blocks."""
    with peers.scratch() as folder, contextlib.ExitStack() as stack:
        peers.make_certificate(folder / "tls")
        folder_of_clients = Authority(folder / "clients")
        (folder / "reader").write_text(stores.READER_PASSWORD + "\n")
        slapd = stack.enter_context(stores.slapd(folder / "ldap", folder / "tls", people(folder)))
        text = LISTEN + f"accounts = {{{accounts}}}\n" + conf(slapd)
        server = stack.enter_context(daemon.running_in(folder, text))
        (folder / "home" / "f").write_text("content\n")
        server.give_files()
        made = Site(server, slapd, folder)
        made.clients = folder_of_clients
        yield made


@test("a password decides, by ldaps and by StartTLS; files are reached as uidNumber and gidNumber")
def right_and_wrong(_):
    def starttls(slapd):
        return block(slapd, url=f'"ldap://127.0.0.1:{slapd.plain}"', more="starttls = yes")

    for conf in (block, starttls):
        with site(lambda folder: person(folder, "anna"), conf) as here:
            assert here.fetch("anna")[0] == b"content\n", here.server.log_text()
            for user, password in (("anna", "wrong"), ("nobody", PASSWORD), ("ANNA", PASSWORD)):
                content, _, last = here.fetch(user, password)
                assert content is None and last[0].startswith("530"), (user, last)
            assert here.fetch("local")[0] == b"content\n"
            assert "StartTLS" not in here.slapd.said() or conf is starttls
            assert "tls_ssf=" in here.slapd.said()
            raw = Raw(here.server.port).login("anna", PASSWORD)
            assert raw.command("MKD new", 257)
            made = (here.server.home / "new").stat()
            if os.getuid() == 0:
                assert (made.st_uid, made.st_gid) == (65534, 65534), made


@test("RFC 4513 5.1.2: an empty password is never right, though the directory would take it as nobody's")
def empty_password(_):
    with site(lambda folder: person(folder, "anna")) as here:
        done = subprocess.run([stores._unpacked("usr/sbin/slapd"), "-VV"], capture_output=True, check=False,
                              env=stores._libraries())
        assert done.returncode in (0, 1)
        raw = Raw(here.server.port).seal()
        raw.command("USER anna", 331)
        assert raw.command("PASS ")[0] == 530
        assert "BIND dn=\"cn=anna" not in here.slapd.said()


@test("disabled, expired and from a bad network are refused like an unknown name; the reason is in the log alone")
def bars(_):
    today = int(time.time()) // 86400

    def people(folder):
        return (person(folder, "gone", more="ftpDisabled: TRUE\n") + person(folder, "kept", more="ftpDisabled: FALSE\n")
                + person(folder, "late", more=f"shadowExpire: {today}\n")
                + person(folder, "soon", more=f"shadowExpire: {today + 1}\n")
                + person(folder, "never", more="shadowExpire: -1\n")
                + person(folder, "far", more="ftpNetwork: 192.0.2.0/24\nftpNetwork: 198.51.100.0/24\n")
                + person(folder, "near", more="ftpNetwork: 192.0.2.0/24\nftpNetwork: 127.0.0.0/8\n"))

    with site(people) as here:
        for user in ("kept", "soon", "never", "near"):
            assert here.reply(user)[0] == 230, (user, here.server.log_text())
        for user, why in (("gone", "disabled"), ("late", "expired"), ("far", "network"), ("who", "no such account")):
            assert here.reply(user)[0] == 530, user
            assert why in here.why(), here.why()


@test("the quota of the entry counts, and one that is none makes the login unavailable, not wrong")
def quota(_):
    def people(folder):
        return person(folder, "anna", more="ftpQuota: 100K\n") + person(folder, "bert", more="ftpQuota: lots\n")

    with site(people) as here:
        source = here.folder / "big"
        source.write_bytes(b"x" * 300_000)
        done = subprocess.run([peers.need("curl"), "-s", "--ssl-reqd", "--cacert", here.server.ca, "-T", source,
                               "--user", f"anna:{PASSWORD}", f"ftp://localhost:{here.server.port}/big"], check=False)
        assert done.returncode != 0
        assert not (here.server.home / "big").exists()
        assert here.reply("bert")[0] == 421
        assert "quota" in here.why(), here.why()


@test("a certificate of the entry logs in by itself; another one, and that of another entry, do not")
def certificates(_):
    with peers.scratch() as folder:
        clients = Authority(folder / "clients")
        anna, other = clients.issue("anna"), clients.issue("other")
        der = openssl("x509", "-in", anna[0], "-outform", "DER")
        import base64
        coded = base64.b64encode(der).decode()

        def people(there):
            shutil.copytree(folder / "clients", there / "clients", dirs_exist_ok=True)
            return (person(there, "anna", more=f"userCertificate;binary:: {coded}\n") + person(there, "bert"))

        conf = lambda slapd: block(slapd, more='defaults = {"login=cert-or-password"}')  # noqa: E731
        with site(people, conf) as here:
            Raw(here.server.port, certificate=anna).seal().command("USER anna", 232)
            Raw(here.server.port, certificate=other).seal().command("USER anna", 331)
            Raw(here.server.port, certificate=anna).seal().command("USER bert", 331)
            assert here.reply("anna")[0] == 230


@test("RFC 4515, RFC 4514: whatever a name holds, it is a name and nothing else")
def injection(_):
    attacks = ("*", "a*", "anna)(uid=*", "*)(objectClass=*", "anna)(|(uid=*", "\\2a", "an\\6ea", "anna\\", "anna ", " anna",
               "(anna)", "anna#", "cn=anna", "anna,ou=people", "anna+cn=x", "\u00e4nna", "%u", "anna%", "..", ".", "")
    conf = lambda slapd: (block(slapd) + block(slapd, name="direct", more="scope = base filter = \"(cn=%u)\"")  # noqa: E731
                          .replace('base = "ou=people', 'base = "cn=%u,ou=people'))
    for source in ("staff", "direct"):
        with site(lambda folder: person(folder, "anna") + person(folder, ODD),
                  lambda slapd: conf(slapd).replace('"name=uid", ', ""), '"ldap:staff", "ldap:direct"' if source == "staff"
                  else '"ldap:direct", "ldap:staff"') as here:
            assert here.reply(ODD)[0] == 230, (source, here.server.log_text())
            for attack in attacks:
                if attack.strip() in ("anna",):  # to the directory, this is anna: `name` keeps it out
                    continue
                if attack and attack.strip():
                    code = here.reply(attack)[0]
                    assert code == 530, (source, attack, code, here.why())
            assert here.reply("anna")[0] == 230


@test("name=uid: what the directory takes for the same name is another account's, blanks and case included")
def spelling(_):
    with site(lambda folder: person(folder, "anna") + person(folder, "über uns")) as here:
        for name, code in (("anna", 230), ("Anna", 530), ("ANNA", 530), ("über uns", 230), ("über  uns", 530), ("Über uns", 530)):
            assert here.reply(name)[0] == code, name


@test("a filter that finds several, a service password that is wrong: unavailable, with the reason in the log")
def misconfigured(_):
    people = lambda folder: person(folder, "anna") + person(folder, "bert", more="description: anna\n")  # noqa: E731
    with site(people, lambda slapd: block(slapd, more='filter = "(|(uid=%u)(description=%u))"')) as here:
        assert here.reply("anna")[0] == 421 and "more than one" in here.why()
        assert here.reply("bert")[0] == 230
    with site(people, lambda slapd: block(slapd).replace("cn=ferryd,", "cn=stranger,")) as here:
        assert here.reply("anna")[0] == 421 and "bind_dn" in here.why()


@test("group_filter: who is in no such group has no account")
def groups(_):
    def people(folder):
        return (person(folder, "anna") + person(folder, "bert")
                + f"dn: cn=ftp,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: ftp\ngidNumber: 5000\nmemberUid: anna\n\n"
                + f"dn: cn=of-names,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: of-names\n"
                f"member: cn=bert,ou=people,{BASE}\n\n")

    for asked, member, stranger in (("(&(objectClass=posixGroup)(cn=ftp)(memberUid=%u))", "anna", "bert"),
                                    ("(&(objectClass=groupOfNames)(member=%d))", "bert", "anna")):
        more = f'group_base = "ou=groups,{BASE}" group_filter = "{asked}"'
        with site(people, lambda slapd, more=more: block(slapd, more=more)) as here:
            assert here.reply(member)[0] == 230, here.server.log_text()
            assert here.reply(stranger)[0] == 530


@test("TLS is verified: another CA, another name; in clear only where that is said")
def trust(_):
    with peers.scratch() as folder:
        Authority(folder / "other")
        people = lambda there: (shutil.copytree(folder / "other", there / "other"), person(there, "anna"))[1]  # noqa: E731
        with site(people, lambda slapd: block(slapd).replace("tls/ca.pem", "other/ca.pem")) as here:
            assert here.reply("anna")[0] == 421
        with site(people, lambda slapd: block(slapd, url=f'"ldaps://127.0.0.2:{slapd.tls}"')) as here:
            assert here.reply("anna")[0] == 421 and "another name" in here.why(), here.why()
            assert PASSWORD not in here.server.log_text()
        with site(people, lambda slapd: block(slapd, url=f'"ldap://127.0.0.1:{slapd.plain}"', more="plaintext = allow")) as here:
            assert here.reply("anna")[0] == 230


@test("a server that is down: 421 and a reason; when it is back, logins go on")
def down_and_back(_):
    with site(lambda folder: person(folder, "anna")) as here:
        assert here.reply("anna")[0] == 230
        here.slapd.stop()
        code, took = here.reply("anna")
        assert code == 421 and took < TIMEOUT_S + HANDSHAKE_S, (code, took)
        assert "ldaps://127.0.0.1" in here.why(), here.why()
        assert here.reply("local")[0] == 230
        here.slapd.start()
        for _ in range(2):
            assert here.reply("anna")[0] == 230, here.server.log_text()


@test("several servers: a dead one and one that never answers are passed by, the next one is asked")
def failover(_):
    with stores.stuck() as stuck:
        def conf(slapd):
            return block(slapd, url=f'{{"ldaps://127.0.0.1:1", "ldaps://127.0.0.1:{stuck}", "ldaps://127.0.0.1:{slapd.tls}"}}')

        with site(lambda folder: person(folder, "anna"), conf) as here:
            code, first = here.reply("anna")
            assert code == 230 and first < 2 * TIMEOUT_S + HANDSHAKE_S, (code, first, here.server.log_text())
            for _ in range(4):  # each of the connections finds its server once
                assert here.reply("anna")[0] == 230


@test("a server that hangs: all are answered in time, nobody else waits, and its end is noticed", limit_s=240)
def hanging(_):
    def conf(slapd):
        return block(slapd, more="connections = 2")

    with site(lambda folder: person(folder, "anna"), conf) as here:
        assert here.reply("anna")[0] == 230
        alone = statistics.median(here.reply("local")[1] for _ in range(3))
        here.slapd.freeze()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            stuck = [pool.submit(here.reply, "anna") for _ in range(10)]
            time.sleep(0.3)
            others = [here.reply("local") for _ in range(3)]
            assert [code for code, _ in others] == [230] * 3
            assert max(took for _, took in others) < alone + 1.0, (alone, others)
            answers = [future.result() for future in stuck]
        assert {code for code, _ in answers} == {421}, answers
        assert max(took for _, took in answers) < 3 * TIMEOUT_S + HANDSHAKE_S, answers
        words = here.whys()
        assert any("in time" in word for word in words) and any("slow" in word for word in words), words
        here.slapd.freeze(False)
        peers.wait_until(lambda: here.reply("anna")[0] == 230, "it is back")


@test("a server that takes connections and says nothing, by ldaps and StartTLS: 421 in bounded time")
def mute(_):
    with stores.stuck() as port:
        for scheme, more in (("ldaps", ""), ("ldap", "starttls = yes")):
            with site(lambda folder: person(folder, "anna"),
                      lambda slapd, s=scheme, m=more: block(slapd, url=f'"{s}://127.0.0.1:{port}"', more=m)) as here:
                code, took = here.reply("anna")
                assert code == 421 and took < TIMEOUT_S + HANDSHAKE_S, (code, took)


@test("two accounts at once, and many: each gets its own answer")
def at_once(_):
    people = lambda folder: "".join(person(folder, f"user{i}", f"secret {i}") for i in range(6))  # noqa: E731
    with site(people) as here, concurrent.futures.ThreadPoolExecutor(12) as pool:
        right = [pool.submit(here.reply, f"user{i}", f"secret {i}") for i in range(6)]
        wrong = [pool.submit(here.reply, f"user{i}", f"secret {(i + 1) % 6}") for i in range(6)]
        assert [f.result()[0] for f in right] == [230] * 6
        assert [f.result()[0] for f in wrong] == [530] * 6


@test("SEC-84: an unknown name costs as many questions to the directory as a wrong password")
def unknown_names(_):
    with site(lambda folder: person(folder, "anna")) as here:
        def asked(name):
            before = len(here.slapd.said())
            assert here.reply(name, "wrong")[0] == 530
            time.sleep(0.2)
            said = here.slapd.said()[before:]
            return said.count(" SRCH base"), said.count(" BIND dn="), said.count(" ACCEPT ")

        asked("anna"), asked("anna")
        known, unknown = asked("anna"), asked("somebody")
        assert known == unknown == (1, 1, 0), (known, unknown)


@test("ferryd check tells what is wrong with the block, each mistake at its line")
def check(_):
    with peers.scratch() as folder:
        conf = folder / "ferryd.conf"
        conf.write_text('accounts = {"ldap:staff", "ldap:others"}\nlisten "127.0.0.1:0" { plaintext = allow }\nldap "staff" {\n'
                        'url = "ldap://here"\nbase = "people"\nfilter = "(uid=%u"\nattributes = {"hom=homeDirectory"}\n'
                        'defaults = "quota=lots"\nbind_dn = "cn=x"\n}\n')
        said = daemon.ferryd("check", "-c", conf)
        for line, words in ((1, "there is no block"), (4, "in clear"), (5, "base:"), (6, "filter:"), (7, "did you mean home?"),
                            (8, "quota"), (9, "bind_password_file")):
            assert any(f":{line}: " in told and words in told for told in said.stdout.splitlines()), (line, words, said.stdout)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
