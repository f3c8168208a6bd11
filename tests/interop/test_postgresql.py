#!/usr/bin/env python3
"""Accounts of a database: ferryd with a real PostgreSQL over TLS; down, back, and stuck."""

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
from authority import Authority, fingerprint, openssl  # noqa: E402
from raw import Raw  # noqa: E402
from tap import test  # noqa: E402

PASSWORD = "correct horse"
READER_PASSWORD = "reads 'all' \\ of it"
TIMEOUT_S = 1.5
MARGIN_S = 5.0  # what a login may take beside the database, under sanitizers and load

TABLES = """\
CREATE TABLE ftp_account (
    name text PRIMARY KEY, password_hash text, home text NOT NULL, uid integer, gid integer, quota bigint,
    expires date, disabled boolean NOT NULL DEFAULT false, login text, networks text[] NOT NULL DEFAULT '{}'
);
CREATE TABLE ftp_certificate (name text REFERENCES ftp_account, certificate bytea, rule text);
CREATE ROLE ferryd LOGIN PASSWORD 'READER';
GRANT SELECT ON ftp_account, ftp_certificate TO ferryd;
"""
QUERY = ("SELECT name, password_hash, home, uid, gid, quota, expires, disabled, login,"
         " array_to_string(networks, E'\\\\n') AS networks FROM ftp_account WHERE name = $1")


def quoted(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def row(name, password=PASSWORD, home="HOME", **columns):
    """An INSERT; HOME becomes the home that the test serves."""
    columns = {"name": name, "password_hash": password and stores.crypt_hash(password), "home": home, **columns}
    return (f"INSERT INTO ftp_account ({', '.join(columns)})"
            f" VALUES ({', '.join(map(quoted, columns.values()))});\n")


def block(database, connection=None, query=QUERY, more="", name="db", ca="tls/ca.pem"):
    return f"""\
postgresql "{name}" {{
    connection = "{connection or f'host=127.0.0.1 port={database.port} dbname=ftp user=ferryd'}"
    password_file = reader
    ca_file = {ca}
    account_query = "{query}"
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
    """A ferryd, and the database that it asks."""

    def __init__(self, server, database, folder):
        self.server, self.database, self.folder = server, database, folder

    def curl(self, user, password, *words):
        done = subprocess.run([peers.need("curl"), "-s", "--ssl-reqd", "--cacert", self.server.ca, "--user",
                               f"{user}:{password}", *map(str, words)], capture_output=True, check=False, timeout=60)
        return done.stdout if done.returncode == 0 else None

    def fetch(self, user, password=PASSWORD):
        return self.curl(user, password, f"ftp://localhost:{self.server.port}/f")

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


@contextlib.contextmanager
def site(sql="", conf=block, accounts='"postgresql:db"', before=None):
    """A Site; `sql`: what is in the database besides its tables; `conf`: from the database, the blocks; `before` is
    called with the folder when the certificates are there."""
    with peers.scratch() as folder, contextlib.ExitStack() as stack:
        peers.make_certificate(folder / "tls")
        Authority(folder / "clients")
        if before:
            before(folder)
        (folder / "reader").write_text(READER_PASSWORD + "\n")
        tables = TABLES.replace("READER", READER_PASSWORD.replace("'", "''"))
        database = stack.enter_context(stores.postgres(folder / "pg", folder / "tls",
                                                       tables + sql.replace("HOME", str(folder / "home"))))
        text = LISTEN + f"accounts = {{{accounts}}}\n" + conf(database)
        server = stack.enter_context(daemon.running_in(folder, text))
        (folder / "home" / "f").write_text("content\n")
        server.give_files()
        yield Site(server, database, folder)


@test("a password decides; the server is asked over TLS that was verified; files are reached as uid and gid")
def right_and_wrong(_):
    with site(row("anna", uid=65534, gid=65534) + row("none", None)) as here:
        assert here.fetch("anna") == b"content\n", here.server.log_text()
        for user, password in (("anna", "wrong"), ("nobody", PASSWORD), ("ANNA", PASSWORD), ("none", ""), ("anna", "")):
            assert here.fetch(user, password) is None, user
            assert here.reply(user, password)[0] == 530, user
        assert here.fetch("local") == b"content\n"
        ssl = here.database.sql("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'ferryd';")
        assert " t" in ssl and " f" not in ssl, ssl
        Raw(here.server.port).login("anna", PASSWORD).command("MKD new", 257)
        made = (here.server.home / "new").stat()
        if os.getuid() == 0:
            assert (made.st_uid, made.st_gid) == (65534, 65534), made


@test("disabled, expired and from a bad network are refused like an unknown name; the reason is in the log alone")
def bars(_):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    sql = (row("gone", disabled=True) + row("late", expires="2020-01-31") + row("soon", expires=today)
           + row("far", networks="{192.0.2.0/24,198.51.100.0/24}") + row("near", networks="{192.0.2.0/24,127.0.0.0/8}"))
    with site(sql) as here:
        for user in ("soon", "near"):
            assert here.reply(user)[0] == 230, (user, here.server.log_text())
        for user, why in (("gone", "disabled"), ("late", "expired"), ("far", "network"), ("who", "no such account")):
            assert here.reply(user)[0] == 530, user
            assert why in here.why(), here.why()


@test("quota and home are the row's; what a row lacks comes from defaults")
def defaults(_):
    sql = row("anna", quota=100_000) + "ALTER TABLE ftp_account ALTER home DROP NOT NULL;\n" + row("bert", home=None)
    conf = lambda database: block(database, more='defaults = {"home=FOLDER/homes/%u", "quota=1K"}')  # noqa: E731

    def homes(folder):
        daemon.make_home(folder / "homes")
        daemon.make_home(folder / "homes" / "bert")

    with site(sql, lambda database: conf(database).replace("FOLDER", str(database.folder.parent)), before=homes) as here:
        for user, size, stored in (("anna", 300_000, False), ("anna", 50_000, True), ("bert", 3000, False), ("bert", 500, True)):
            source = here.folder / "source"
            source.write_bytes(b"x" * size)
            here.curl(user, PASSWORD, "-T", source, f"ftp://localhost:{here.server.port}/new")
            there = here.server.home if user == "anna" else here.folder / "homes" / "bert"
            assert (there / "new").exists() == stored, (user, size)


@test("certificate_query: a rule, or the certificate itself, logs in; others do not")
def certificates(_):
    with peers.scratch() as folder:
        clients = Authority(folder / "clients")
        anna, bert, other = (clients.issue(name) for name in ("anna", "bert", "other"))
        der = openssl("x509", "-in", anna[0], "-outform", "DER").hex()
        names = row("anna", login="cert-or-password") + row("bert", None, login="cert")
        both = names + (f"INSERT INTO ftp_certificate VALUES ('anna', '\\x{der}', NULL),"
                        f" ('bert', NULL, 'fingerprint:{fingerprint(bert[0])}'), ('bert', NULL, 'cn:berta');")
        queries = {"certificate": ("anna", anna), "rule": ("bert", bert)}
        for column, (name, own) in queries.items():
            query = f"SELECT {column} FROM ftp_certificate WHERE name = $1"
            with site(both, lambda database, q=query: block(database, more=f'certificate_query = "{q}"'),
                      before=lambda there: shutil.copytree(folder / "clients", there / "clients", dirs_exist_ok=True)) as here:
                Raw(here.server.port, certificate=own).seal().command(f"USER {name}", 232)
                for certificate in (anna, bert, other):
                    if certificate != own:
                        Raw(here.server.port, certificate=certificate).seal().command(f"USER {name}", 331)


@test("whatever a name holds, it is a parameter and no part of the query")
def injection(_):
    attacks = ("anna'--", "anna' OR '1'='1", "' OR 1=1 --", "x'; DROP TABLE ftp_account; --", "$1", "%", "ann_", "anna\\",
               "anna\"", "\\'", "anna/*", "E'\\x61'", "..", ".", "x" * 64, "\udcfe\udcc3(")
    odd = "o'dd \"one\" \\ $1 ü; --"
    with site(row("anna") + row(odd)) as here:
        assert here.reply(odd)[0] == 230, here.server.log_text()
        for attack in attacks:
            raw = Raw(here.server.port).seal()
            raw.send(f"USER {attack}\r\n".encode("utf-8", "surrogateescape"))
            if raw.reply()[0] == 331:
                assert raw.command(f"PASS {PASSWORD}")[0] == 530, (attack, here.why())
        assert here.reply("anna")[0] == 230
        assert here.database.sql("SELECT count(*) FROM ftp_account;", "ftp").split()[2] == "2"


@test("a query that is wrong, a column that is no field, a row twice, a value that is none: unavailable, with the reason")
def misconfigured(_):
    rows = (("SELECT nothing FROM ftp_account WHERE name = $1", "nothing"),
            ("SELECT password_hash, home AS hom FROM ftp_account WHERE name = $1", "did you mean home?"),
            ("SELECT password_hash, home FROM ftp_account WHERE name = $1 OR true", "2 rows"),
            ("SELECT password_hash, 'much' AS quota, home FROM ftp_account WHERE name = $1", "quota"),
            ("SELECT password_hash, 'srv' AS home FROM ftp_account WHERE name = $1", "absolute"),
            ("SELECT password_hash FROM ftp_account WHERE name = $1", "lacks home"))
    for query, why in rows:
        with site(row("anna") + row("bert"), lambda database, q=query: block(database, query=q)) as here:
            assert here.reply("anna")[0] == 421, query
            assert why in here.why(), here.why()
            assert here.reply("local")[0] == 230


@test("TLS is verified unless sslmode says otherwise: another CA is not believed, and the password not sent")
def trust(_):
    def other(folder):
        Authority(folder / "other")

    with site(row("anna"), lambda database: block(database, ca="other/ca.pem"), before=other) as here:
        assert here.reply("anna")[0] == 421 and "certificate" in here.why(), here.why()
    with site(row("anna"), lambda database: block(database, ca="other/ca.pem").replace("user=ferryd", "user=ferryd sslmode=require"),
              before=other) as here:  # libpq: a CA makes verify-ca of it
        assert here.reply("anna")[0] == 421
    with site(row("anna"), lambda database: block(database, f"host={database.folder} port={database.port} dbname=ftp user=ferryd")) as here:
        assert here.reply("anna")[0] == 230, here.server.log_text()  # a socket of this machine


@test("a server that is down: 421 and a reason; when it is back, logins go on")
def down_and_back(_):
    with site(row("anna")) as here:
        assert here.reply("anna")[0] == 230
        here.database.stop()
        code, took = here.reply("anna")
        assert code == 421 and took < TIMEOUT_S + MARGIN_S, (code, took)
        assert "127.0.0.1" in here.why() and READER_PASSWORD not in here.server.log_text()
        assert here.reply("local")[0] == 230
        here.database.start()
        for _ in range(2):
            assert here.reply("anna")[0] == 230, here.server.log_text()


@test("several servers: a dead one and one that never answers are passed by, the next one is asked")
def failover(_):
    with stores.stuck() as stuck:
        def conf(database):
            return block(database, f"host=127.0.0.1,127.0.0.1,127.0.0.1 port=1,{stuck},{database.port} dbname=ftp user=ferryd")

        with site(row("anna"), conf) as here:
            code, took = here.reply("anna")
            assert code == 230 and took < TIMEOUT_S + MARGIN_S, (code, took, here.server.log_text())


@test("a server that hangs, a query that takes for ever: all are answered in time, nobody else waits", limit_s=240)
def hanging(_):
    def conf(database):
        return block(database, more="connections = 2")

    with site(row("anna"), conf) as here:
        assert here.reply("anna")[0] == 230
        alone = statistics.median(here.reply("local")[1] for _ in range(3))
        here.database.freeze()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            stuck = [pool.submit(here.reply, "anna") for _ in range(10)]
            time.sleep(0.3)
            others = [here.reply("local") for _ in range(3)]
            assert [code for code, _ in others] == [230] * 3
            assert max(took for _, took in others) < alone + 1.0, (alone, others)
            answers = [future.result() for future in stuck]
        assert {code for code, _ in answers} == {421}, answers
        assert max(took for _, took in answers) < 3 * TIMEOUT_S + MARGIN_S, answers
        words = here.whys()
        assert any("in time" in word for word in words) and any("slow" in word for word in words), words
        here.database.freeze(False)
        peers.wait_until(lambda: here.reply("anna")[0] == 230, "it is back")
        here.database.sql("BEGIN; LOCK TABLE ftp_account IN ACCESS EXCLUSIVE MODE; SELECT 1;", "ftp")
    slow = QUERY.replace("FROM ftp_account", ", pg_sleep(60)::text AS charset FROM ftp_account")
    with site(row("anna"), lambda database: block(database, query=slow)) as here:
        code, took = here.reply("anna")
        assert code == 421 and took < TIMEOUT_S + MARGIN_S, (code, took)
        time.sleep(TIMEOUT_S)  # the server ends it as well
        assert "pg_sleep" not in here.database.sql(
            "SELECT query FROM pg_stat_activity WHERE usename = 'ferryd' AND state = 'active';")


@test("a server that takes connections and says nothing: 421 in bounded time")
def mute(_):
    with stores.stuck() as port:
        with site("", lambda database: block(database, f"host=127.0.0.1 port={port} dbname=ftp user=ferryd")) as here:
            code, took = here.reply("anna")
            assert code == 421 and took < TIMEOUT_S + MARGIN_S, (code, took)


@test("two accounts at once, and many: each gets its own answer")
def at_once(_):
    with site("".join(row(f"user{i}", f"secret {i}") for i in range(6))) as here, \
            concurrent.futures.ThreadPoolExecutor(12) as pool:
        right = [pool.submit(here.reply, f"user{i}", f"secret {i}") for i in range(6)]
        wrong = [pool.submit(here.reply, f"user{i}", f"secret {(i + 1) % 6}") for i in range(6)]
        assert [f.result()[0] for f in right] == [230] * 6
        assert [f.result()[0] for f in wrong] == [530] * 6


@test("SEC-84: for an unknown name the database is asked as often, and a hash is computed as well")
def unknown_names(_):
    with site(row("anna", None) + f"UPDATE ftp_account SET password_hash = '{daemon.password_hash()}';") as here:
        def asked(name):
            before = len(here.database.said())
            code, took = here.reply(name, "wrong")
            assert code == 530
            time.sleep(0.1)
            return here.database.said()[before:].count("execute ferry_account"), took

        known, unknown = ([asked(name) for _ in range(9)] for name in ("anna", "somebody"))
        assert {count for count, _ in known + unknown} == {1}
        medians = [statistics.median(took for _, took in rows) for rows in (known, unknown)]
        print(f"# medians: known {medians[0] * 1000:.1f} ms, unknown {medians[1] * 1000:.1f} ms")
        assert 0.5 < medians[0] / medians[1] < 2.0, medians


@test("sources are asked in their order: block, file, database; one that fails is not passed over")
def order(_):
    with site(row("anna", "of the database") + row("bert"), accounts='accounts.db, "postgresql:db"') as here:
        def ferryctl(*words, password=None):
            subprocess.run([os.environ["FERRYCTL"], "account", "--file", here.folder / "accounts.db", *words],
                           check=True, capture_output=True, input=password, text=True)

        assert here.reply("anna", "of the database")[0] == 230
        ferryctl("add", "anna", f"home={here.server.home}", password="of the file\n")
        assert here.reply("anna", "of the file")[0] == 230
        assert here.reply("anna", "of the database")[0] == 530
        assert here.reply("bert")[0] == 230
        here.database.stop()
        assert here.reply("anna", "of the file")[0] == 230
        assert here.reply("nobody")[0] == 421


@test("ferryd check tells what is wrong with the block, each mistake at its line")
def check(_):
    with peers.scratch() as folder:
        conf = folder / "ferryd.conf"
        conf.write_text('accounts = "postgresql:db"\nlisten "127.0.0.1:0" { plaintext = allow }\npostgresql "db" {\n'
                        'connection = "host=a pasword=x"\naccount_query = "SELECT 1"\ncertificate_query = "SELECT \'$1\'"\n'
                        'defaults = "hom=/srv"\n}\npostgresql "other" { connection = "dbname=x" account_query = "SELECT $1" }\n')
        said = daemon.ferryd("check", "-c", conf)
        for line, words in ((4, "pasword"), (5, "$1"), (6, "quotes"), (7, "did you mean home?"), (9, "accounts does not name"),
                            (9, "no host")):
            assert any(f":{line}: " in told and words in told for told in said.stdout.splitlines()), (line, words, said.stdout)


if __name__ == "__main__":
    tap.main(sys.modules[__name__], contextlib.nullcontext)
