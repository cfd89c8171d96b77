"""What a configuration may say, in the file and by flags."""

import json
import os

from case import Case
from scene import token

__all__ = ["Configuration", "Flags"]


class Configuration(Case):
    def printed(self, *words):
        done = self.scene.run(*words, "--print-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_one_that_is_fine(self):
        self.assert_fine(self.check())

    def test_looking_changes_nothing_in_the_database(self):
        before = (self.scene.folder / "app.db").read_bytes()
        self.assert_fine(self.check())
        self.assertEqual((self.scene.folder / "app.db").read_bytes(), before)
        self.assertEqual(self.scene.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'syncline%'"), [])

    def test_what_is_printed_reads_back_as_the_same(self):
        table = {"name": "business.notes", "key": "id", "owner": "user_id", "only": ["text"], "read_only": ["text"], "on_conflict": "latest"}
        written = self.scene.configuration(
            tables=[table], owner=None, listen={"port": 8080, "tls": {"certificate": "a.pem", "key": "sub/../b.pem"}},
            jwt={"secret_env": "SECRET", "issuer": "me", "audience": "you", "only_users": ["ann"], "expiry_required": False},
            limits={"threads": 12}, retention={"keep_bundles": 7}, log={"level": "debug"})
        first = self.printed(self.scene.config_file(written))
        self.assertEqual(first["tables"], [table])
        self.assertEqual(first["listen"]["tls"], {name: str(self.scene.folder / file) for name, file in (("certificate", "a.pem"), ("key", "b.pem"))})
        self.assertEqual((first["limits"]["threads"], first["limits"]["body_bytes"]), (12, 8 << 20))
        self.assertEqual((first["retention"]["keep_bundles"], first["retention"]["device_days"]), (7, 180))
        self.assertEqual(self.printed(self.scene.config_file(first, "again.json")), first)

    def test_relative_paths_are_those_of_the_files_folder(self):
        os.mkdir(self.scene.folder / "etc")
        path = self.scene.config_file(self.scene.configuration(database="../app.db", jwt={"secret_file": "../secret"}), "etc/server.json")
        self.assert_fine(self.scene.run(path, "--check"))

    def test_what_is_no_json(self):
        for text, words in {
            "": "is not JSON", "{": "is not JSON", "{'database': 1}": "is not JSON", '{"database": "app.db",}': "is not JSON", "[" * 100_000: "is not JSON",
            '{"database": "a"} x': "is not JSON", '{"database": "a", "database": "b"}': "is not JSON", b'{"database": "\xff"}': "is not JSON", "\ufeff{}": "is not JSON",
            '{"database": NaN}': "is not JSON", " " * (1 << 20) + "{}": "more than a mebibyte", "[]": "is not an object", '"x"': "is not an object", "null": "is not an object",
        }.items():
            with self.subTest(text[:30]):
                self.assert_refused(self.scene.run(self.scene.config_file(text), "--check"), words)

    def test_a_file_that_cannot_be_read(self):
        self.assert_refused(self.scene.run("none.json", "--check"), "none.json, where there is no file")
        self.assert_refused(self.scene.run(str(self.scene.folder), "--check"), "which is a folder")
        self.assert_refused(self.scene.run(self.scene.file("open.json", "{}", 0o666), "--check"), "which every user of this machine can write")

    def test_unknown_members_are_refused_with_the_name_that_was_meant(self):
        for members, words in (
            ({"datbase": "x"}, "there is no member `datbase`; did you mean `database`?"),
            ({"Shared": True}, "there is no member `Shared`; did you mean `shared`?"),
            ({"jwt": {"secret_file": "secret", "leeway": 1}}, "there is no member `jwt.leeway`"),
            ({"jwt": {"secret_file": "secret", "isuer": "x"}}, "there is no member `jwt.isuer`; did you mean `issuer`?"),
            ({"listen": {"prot": 1}}, "there is no member `listen.prot`; did you mean `port`?"),
            ({"listen": {"tls": {"certificate": "secret", "key": "secret", "ca": "x"}}}, "there is no member `listen.tls.ca`"),
            ({"wires": {"bundle": {}, "mutations": {}}}, "there is no member `wires.mutations`; did you mean `mutation`?"),
            ({"wires": {"bundle": {"prefx": "/x"}}}, "there is no member `wires.bundle.prefx`; did you mean `prefix`?"),
            ({"tables": [{"name": "notes", "fields": []}]}, "there is no member `tables.0.fields`"),
            ({"limits": {"body_byte": 1}}, "did you mean `body_bytes`?"),
            ({"retention": {"days": 1}}, "there is no member `retention.days`"),
            ({"log": {"lvl": "info"}}, "there is no member `log.lvl`; did you mean `level`?"),
            ({"completely_other": 1}, "there is no member `completely_other`\n"),
        ):
            with self.subTest(words):
                self.assert_refused(self.check(**members), words)

    def test_members_of_another_kind_or_out_of_range(self):
        for members, words in (
            ({"database": 1}, "`database` is not a text"),
            ({"database": "a\0b"}, "`database` has a NUL"),
            ({"tables": "notes"}, "`tables` is not a list"),
            ({"tables": [1]}, "`tables.0` is not an object"),
            ({"tables": [{"key": "id"}]}, "`tables.0` has no `name`"),
            ({"tables": [{"name": 5}]}, "`tables.0.name` is not a text"),
            ({"tables": [{"name": "notes", "only": "text"}]}, "`tables.0.only` is not a list of texts"),
            ({"tables": [{"name": "notes", "only": ["text", "text"]}]}, "`tables.0.only` has `text` twice"),
            ({"tables": [{"name": "notes", "only": ["text"], "except": ["stars"]}]}, "`tables.0` has `only` and `except`"),
            ({"tables": [{"name": "notes", "on_conflict": "server_wins"}]}, "`tables.0.on_conflict` is `server_wins`, which is none of ask, server, client and latest"),
            ({"shared": "yes"}, "`shared` is not true or false"),
            ({"wires": ["bundle"]}, "`wires` is not an object"),
            ({"listen": {"port": 70000}}, "`listen.port` is not a whole number from 0 to 65535"),
            ({"listen": {"port": -1}}, "`listen.port` is not a whole number"),
            ({"listen": {"port": 1.0}}, "`listen.port` is not a whole number"),
            ({"listen": {"port": "80"}}, "`listen.port` is not a whole number"),
            ({"limits": {"threads": 0}}, "`limits.threads` is not a whole number from 1"),
            ({"limits": {"body_bytes": 18446744073709551615}}, "`limits.body_bytes` is not a whole number"),
            ({"jwt": {"secret_file": "secret", "leeway_seconds": 601}}, "`jwt.leeway_seconds` is not a whole number from 0 to 600"),
            ({"jwt": []}, "`jwt` is not an object"),
            ({"log": {"level": "inf"}}, "`log.level` is `inf`, which is none of error, warn, info and debug; did you mean `info`?"),
            ({"listen": {"tls": {"certificate": "secret"}}}, "`listen.tls` needs both"),
        ):
            with self.subTest(words):
                self.assert_refused(self.check(**members), words)

    def test_all_that_is_wrong_is_told_at_once(self):
        self.assert_refused(self.check(database=1, shared=2, listen={"port": "x"}, other=1), "database", "shared", "listen.port", "other", count=4)

    def test_a_secret_in_the_configuration_is_refused(self):
        done = self.check(jwt={"secret": "kB7q+vX2mZ0rT5yN8wL4pJ1sD6gF3hC9"})
        self.assert_refused(done, "`jwt.secret` would be read by whoever reads the configuration", "secret_file")
        self.assertNotIn("kB7q", done.stderr)

    def test_the_algorithm_is_not_to_be_chosen(self):
        self.assert_refused(self.check(jwt={"secret_file": "secret", "alg": "none"}), "`jwt.alg` is not to be chosen")


class Flags(Case):
    words = ("--database", "app.db", "--table", "notes", "--owner", "user_id", "--wire", "bundle", "--secret-file", "secret")

    def printed(self, *words):
        done = self.scene.run(*words, "--print-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_flags_alone_say_it_all(self):
        server = self.scene.serve(*self.words)
        self.assertEqual(self.push_rows(server, "ann", [self.note("n", text="t", stars=0)]).status, 200)
        self.assertEqual(server.ask("POST", "/tether/pull", {}, token("ann")).status, 404)  # not mounted
        self.assertEqual(self.scene.rows("SELECT id, user_id FROM notes"), [("n", "ann")])

    def test_flags_go_before_the_file(self):
        path = self.scene.config_file(self.scene.configuration(
            tables=["other", {"name": "notes", "except": ["stars"]}], listen={"port": 1, "address": "127.0.0.2"}, wires={"mutation": {}, "bundle": {"prefix": "/other"}},
            jwt={"secret_env": "SECRET"}))
        out = self.printed(path, "--table", "notes,key=id,owner=user_id", "--wire", "bundle", "--port", "0", "--secret-file", "secret", "--set", "limits.threads=2",
                           "--set", "wires.bundle.app_name=Notes", "--set", "tables.0.on_conflict=server", "--log-level", "warn", "--leeway", "5", "--user-claim", "uid")
        self.assertEqual(out["tables"], [{"name": "notes", "key": "id", "owner": "user_id", "except": ["stars"], "on_conflict": "server"}])
        self.assertEqual(out["wires"], {"bundle": {"prefix": "/other", "app_name": "Notes", "schema_version": 1, "watch": False, "heartbeat_seconds": 25}})
        self.assertEqual((out["listen"]["port"], out["listen"]["address"]), (0, "127.0.0.2"))
        self.assertEqual(out["jwt"]["secret_file"], str(self.scene.folder / "secret"))
        self.assertNotIn("secret_env", out["jwt"])
        self.assertEqual((out["jwt"]["leeway_seconds"], out["jwt"]["user_claim"], out["limits"]["threads"], out["log"]["level"]), (5, "uid", 2, "warn"))

    def test_wrong_use(self):
        for words, said in (
            ((), "needs a configuration"),
            (("--nonsense",), "--nonsense"),
            (("--port", "x"), "--port"),
            (("--port", "65536"), "--port"),
            (("--wire", "tether"), "--wire"),
            (("--set", "x"), "MEMBER=VALUE"),
            (("--set", "=x"), "MEMBER=VALUE"),
            (("--set", "a..b=1"), "there is no such place"),
            (("--set", "database.x=1", "--database", "app.db"), "there is no such place"),
            (("--table", "notes", "--set", "tables.1.key=id"), "the list has 1 entries"),
            (("--table", "notes,colour=red"), "NAME[,key=COLUMN]"),
            (("--table", "notes,key="), "NAME[,key=COLUMN]"),
            (("--secret-file", "a", "--secret-env", "b"), "--secret"),
            (("--check", "--print-config", "--database", "app.db"), "excludes"),
            (("a.json", "b.json"), "b.json"),
            (("--set", "lisen.port=1"), "there is no member `lisen`; did you mean `listen`?"),
            (("--set", "jwt.secret=hidden"), "`jwt.secret` would be read"),
        ):
            with self.subTest(words):
                self.assert_refused(self.scene.run(*words), said)

    def test_help_and_version(self):
        done = self.scene.run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("--check", "--print-config", "--secret-file", "Exit codes", "SIGTERM"):
            self.assertIn(word, done.stdout)
        self.assertNotIn("--secret ", done.stdout)
        self.assertRegex(self.scene.run("--version").stdout, r"^\d+\.\d+\.\d+\n$")
