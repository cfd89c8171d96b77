"""Configurations that are refused with a reason, since they would be unsafe or could not be kept."""

import os
import subprocess

from case import Case

__all__ = ["Safety"]


class Safety(Case):
    def test_a_database_that_is_not_there(self):
        self.assert_refused(self.check(database="none.db"), "`database` is", "none.db, where there is no file")
        self.assertFalse((self.scene.folder / "none.db").exists())
        self.assert_refused(self.check(database="."), "which is a folder")
        self.assert_refused(self.check(database=None), "`database` is missing")
        os.chmod(self.scene.folder / "app.db", 0o666)
        self.assert_refused(self.check(), "app.db, which every user of this machine can write")

    def test_a_database_that_is_none(self):
        self.scene.file("text.db", "this is no database, whatever its name says; it goes on for a while" * 20)
        self.assert_refused(self.check(database="text.db"), "text.db")

    def test_no_table_and_no_wire(self):
        self.assert_refused(self.check(tables=[]), "`tables` names no table")
        self.assert_refused(self.check(wires={}), "no wire is mounted")

    def test_listening_beyond_this_machine_without_tls(self):
        for address in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
            with self.subTest(address):
                self.assert_refused(self.check(listen={"address": address}), f"`listen.address` is {address}", "plain text", "listen.tls")
        self.assert_fine(self.check(listen={"address": "0.0.0.0", "allow_plaintext_beyond_loopback": True}))
        self.assert_fine(self.check("--address", "0.0.0.0", "--allow-plaintext-beyond-loopback"))
        for address in ("127.0.0.1", "::1", "localhost"):
            self.assert_fine(self.check(listen={"address": address}))

    def test_an_address_that_is_none(self):
        self.assert_refused(self.check(listen={"address": ""}), "`listen.address` is no address", count=2)

    def certificate(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".pem",
                        "-days", "2", "-subj", "/CN=localhost"], cwd=self.scene.folder, check=True, capture_output=True)
        os.chmod(self.scene.folder / (name + ".key"), 0o600)
        return {"certificate": name + ".pem", "key": name + ".key"}

    def test_tls_files(self):
        tls = self.certificate("a")
        self.assert_fine(self.check(listen={"address": "0.0.0.0", "tls": tls}))
        other = self.certificate("b")
        self.assert_refused(self.check(listen={"tls": {**tls, "key": other["key"]}}), "no certificate and key in PEM that belong together")
        self.assert_refused(self.check(listen={"tls": {**tls, "certificate": "none.pem"}}), "`listen.tls.certificate` is", "where there is no file")
        os.chmod(self.scene.folder / "a.key", 0o644)
        self.assert_refused(self.check(listen={"tls": tls}), "`listen.tls.key` is", "chmod 600")

    def test_a_table_without_owner_column(self):
        self.assert_refused(self.check(owner=None), "`notes` has no owner column, so every user would read and write the rows of all others", '"shared": true')
        self.assert_fine(self.check(owner=None, shared=True))
        self.assert_fine(self.check("--shared", owner=None))
        self.assert_fine(self.check(owner=None, jwt={"secret_file": "secret", "only_users": ["ann"]}))
        self.assert_refused(self.check(owner=None, jwt={"secret_file": "secret", "only_users": ["ann", "ben"]}), "has no owner column")

    def test_shared_and_owned_at_once(self):
        self.assert_refused(self.check(shared=True), "`shared` says that all users share all rows, and `notes` has an owner column")
        self.assert_refused(self.check(tables=[{"name": "notes", "shared": True}]), "is said of all tables or of none")
        self.scene.database("CREATE TABLE tags(id TEXT PRIMARY KEY NOT NULL, name TEXT)")
        tables = [{"name": "notes", "owner": "user_id"}, "tags"]
        self.assert_refused(self.check(tables=tables, owner=None), "`tags` has no owner column, and `notes` has one")

    def test_prefixes(self):
        for prefix in ("", "/", "sync", "/sync/", "/sync?x", "/a b", "//sync", "/sync%2f", "/a//b", "/s\u00fcnc"):
            with self.subTest(prefix):
                self.assert_refused(self.check(wires={"bundle": {"prefix": prefix}}), "`wires.bundle.prefix` is", "a prefix is like `/sync`")
        for a, b in (("/sync", "/sync"), ("/sync", "/sync/x"), ("/a/b", "/a")):
            self.assert_refused(self.check(wires={"bundle": {"prefix": a}, "mutation": {"prefix": b}}), "are one below the other")
        self.assert_fine(self.check(wires={"bundle": {"prefix": "/sync"}, "mutation": {"prefix": "/sync2"}}))

    def test_unsafe_is_refused_by_serving_too(self):
        path = self.scene.config_file(self.scene.configuration(listen={"address": "0.0.0.0"}))
        self.assert_refused(self.scene.run(path), "plain text")
        self.assertEqual(self.scene.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'syncline%'"), [])
