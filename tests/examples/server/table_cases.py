"""What is served of a database's own schema."""

from case import Case
from scene import token

__all__ = ["Tables", "Qualified"]

NOTEBOOKS = (
    "CREATE TABLE notebooks(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, title TEXT)",
    "CREATE TABLE pages(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, text TEXT, notebook_id TEXT REFERENCES notebooks(id) ON DELETE CASCADE)",
)


class Tables(Case):
    def table(self, ddl, *words, config=None, **members):
        self.scene.database(ddl)
        self.assert_refused(self.check(tables=[config or "t"], **members), *words)

    def test_a_table_or_column_that_is_not_there(self):
        self.assert_refused(self.check(tables=["note"]), "no table `note`", "did you mean `notes`?")
        self.assert_refused(self.check(owner="userid"), "table `notes` has no column `userid`, which is named as its owner; did you mean `user_id`?")
        for name, column in (("key", "idd"), ("only", ["txet"]), ("except", ["star"]), ("read_only", ["texts"]), ("created_at", "created"), ("deleted_at", "deleted")):
            with self.subTest(name):
                self.assert_refused(self.check(tables=[{"name": "notes", name: column}]), "table `notes` has no column `" + (column if isinstance(column, str) else column[0]))

    def test_an_owner_column_that_does_not_keep_users_apart(self):
        self.table("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, user_id TEXT)", "the owner column `user_id` may be NULL; declare it NOT NULL")
        self.scene.database("DROP TABLE t")
        self.table("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, a TEXT, user_id TEXT NOT NULL AS (coalesce(a, '')) STORED)", "the owner column `user_id` is generated")
        self.scene.database("DROP TABLE t")
        self.table("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, user_id REAL NOT NULL)", "the owner column `user_id` is declared `REAL`")
        self.scene.database("DROP TABLE t")
        self.table("CREATE TABLE t(user_id TEXT PRIMARY KEY NOT NULL, a TEXT)", "cannot be its key or a field")

    def test_owner_columns_of_two_kinds(self):
        self.scene.database("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, user_id INTEGER NOT NULL)")
        self.assert_refused(self.check(tables=["notes", "t"]), "some owner columns hold numbers and others text")

    def test_keys_that_can_name_no_record(self):
        for ddl, words in (("CREATE TABLE t(a TEXT, user_id TEXT NOT NULL)", "no PRIMARY KEY"),
                           ("CREATE TABLE t(a TEXT, b TEXT, user_id TEXT NOT NULL, PRIMARY KEY(a, b))", "composite primary key"),
                           ("CREATE TABLE t(id TEXT COLLATE NOCASE PRIMARY KEY, user_id TEXT NOT NULL)", "collation NOCASE"),
                           ("CREATE VIEW t AS SELECT * FROM notes", "is a view")):
            self.scene.database(ddl)
            self.assert_refused(self.check(tables=["t"]), words)
            self.scene.database(f"DROP {'VIEW' if 'VIEW' in ddl else 'TABLE'} t")

    def test_tables_that_are_not_the_apps(self):
        self.serve().stop()
        self.assert_refused(self.check(tables=["syncline_authority_meta"]), "belongs to the database or to the bookkeeping")
        self.assert_refused(self.check(tables=["sqlite_schema"]), "belongs to the database or to the bookkeeping")

    def test_all_fields_but_key_and_owner(self):
        server = self.serve()
        self.push_rows(server, "ann", [self.note("n", text="t", stars=2)])
        self.assertEqual(self.pull(server, "ann")[0]["payload"], {"id": "n", "text": "t", "stars": 2})

    def test_only_except_and_read_only(self):
        for table, seen in (({"only": ["text"]}, {"id": "n", "text": "t"}), ({"except": ["text"]}, {"id": "n", "stars": 2}), ({"only": []}, {"id": "n"})):
            with self.subTest(table):
                server = self.serve(tables=[{"name": "notes", **table}], database=self.scene.database("DROP TABLE IF EXISTS notes", "DROP TABLE IF EXISTS x", self.notes, name="f.db"))
                self.scene.database("INSERT INTO notes VALUES('n', 'ann', 't', 2)", name="f.db")
                self.assertEqual(self.pull(server, "ann")[0]["payload"], seen)
                refused = self.push_rows(server, "ann", [{**self.note("m", text="t", stars=2)}])
                self.assertGreaterEqual(refused.status, 400)
                server.stop()
                for file in self.scene.folder.glob("f.db*"):
                    file.unlink()
        self.assert_refused(self.check(tables=[{"name": "notes", "only": ["text", "user_id"]}]), "`only` has `user_id`, which is no field but the owner column")
        self.assert_refused(self.check(tables=[{"name": "notes", "except": ["id"]}]), "`except` has `id`, which is no field but the key")

    notes = "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, text TEXT, stars INTEGER NOT NULL DEFAULT 0)"

    def test_what_devices_could_not_write_is_remarked(self):
        self.scene.database("CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, a TEXT NOT NULL, b TEXT)")
        for table in ({"only": ["b"]}, {"except": ["a"]}, {"read_only": ["a"]}):
            done = self.check(tables=[{"name": "t", **table}])
            self.assertEqual(done.returncode, 0)
            self.assertIn("the column `a` is NOT NULL without a default and devices do not send it", done.stderr)
        server = self.serve(tables=[{"name": "t", "only": ["b"]}])
        self.assertIn("the column `a`", server.logged("remark")[0]["text"])

    def test_a_reference_to_what_is_not_served_is_remarked(self):
        self.scene.database(*NOTEBOOKS)
        done = self.check(tables=["pages"], wires={"mutation": {}})
        self.assertEqual(done.returncode, 0)
        self.assertIn("the field `notebook_id` refers to `notebooks`, which is not served", done.stderr)
        self.assert_fine(self.check(tables=["pages", "notebooks"]))
        self.assert_fine(self.check(tables=[{"name": "pages", "except": ["notebook_id"]}]))

    def test_references_hold_when_fields_before_them_are_left_out(self):
        self.scene.database(*NOTEBOOKS)
        server = self.serve(tables=[{"name": "pages", "except": ["text"]}, "notebooks"], wires={"bundle": {}})
        rows = [{"schema": "public", "table": "pages", "key": {"id": "p"}, "op": "INSERT", "base_row_version": 0, "payload": {"id": "p", "notebook_id": "b"}},
                self.note("b", table="notebooks", title="B")]
        self.assertEqual(self.push_rows(server, "ann", rows).status, 200)  # the child was sent first
        self.assertEqual(self.scene.rows("SELECT notebook_id, user_id FROM pages"), [("b", "ann")])

    def test_a_key_beside_the_primary_key(self):
        self.scene.database("CREATE TABLE t(id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, a TEXT)", "INSERT INTO t VALUES(1, 'ann', 'x')")
        self.assert_refused(self.check(tables=[{"name": "t", "key": "tether_id"}]), "has no column `tether_id`", "assign_key")
        self.assert_refused(self.check(tables=[{"name": "t", "assign_key": True}]), "`assign_key` and no `key`")
        table = {"name": "t", "key": "tether_id", "assign_key": True}
        self.assert_fine(self.check(tables=[table]))
        server = self.serve(tables=[table])
        [row] = self.pull(server, "ann")
        self.assertEqual(row["payload"]["a"], "x")
        self.assertNotIn("id", row["payload"])
        self.assertEqual(self.scene.rows("SELECT tether_id FROM t"), [(row["key"]["tether_id"],)])


class Qualified(Case):
    def test_the_schema_is_what_devices_call_it_by(self):
        server = self.serve(tables=["business.notes"])
        told = server.ask("GET", "/sync/capabilities", None, token("ann"), self.source()).json
        self.assertEqual(told["registered_tables"], ["business.notes"])
        self.assertEqual(self.push_rows(server, "ann", [self.note("n", schema="business", text="t", stars=0)]).status, 200)
        self.assertEqual(self.pull(server, "ann")[0]["schema"], "business")
        refused = self.push_rows(server, "ann", [self.note("m", text="t", stars=0)], number=2)
        self.assertGreaterEqual(refused.status, 400)  # in `public` there is no such table
        self.assertEqual(self.scene.rows("SELECT id FROM notes"), [("n",)])

    def test_two_schemas_are_more_than_a_wire_can_say(self):
        self.scene.database("CREATE TABLE tags(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL)")
        self.assert_refused(self.check(tables=["business.notes", "tags"]), "the tables are in the schemas business and public, and a bundle wire serves one")
        self.assert_refused(self.check(tables=["business.notes", "other.tags"]), "business and other")
        self.assert_fine(self.check(tables=["business.notes", "Business.tags"]))
        self.assert_fine(self.check(tables=["business.notes", "tags"], wires={"mutation": {}}))  # which names no schema

    def test_names_that_are_none(self):
        for name in ("", ".", ".notes", "business.", "a.b.notes", "..notes"):
            with self.subTest(name):
                self.assertEqual(self.check(tables=[name]).returncode, 2)
                self.assertIn("which is no name of a table", self.check(tables=[{"name": name}]).stderr)
        self.assert_refused(self.check(tables=["notes", "business.Notes"], wires={"mutation": {}}), "are one table")
        self.assert_refused(self.check(tables=["not\nes"]), "is no name of a table, column or schema")
