"""What becomes of the rows that other programs write: `foreign_writes`."""

import sqlite3

from case import Case
from scene import WAIT, token

__all__ = ["ForeignWrites"]

OURS = "INSERT INTO notes VALUES('n', 'ann', 'there before', 1)"
WRITES = ("INSERT INTO notes VALUES('theirs', 'ann', 'by hand', 3)",
          "UPDATE notes SET text = 'by hand' WHERE id = 'n'",
          "DELETE FROM notes",
          "REPLACE INTO notes VALUES('n', 'ben', 'by hand', 3)")


class ForeignWrites(Case):
    def other_program(self):
        db = sqlite3.connect(self.scene.folder / "app.db", timeout=WAIT, isolation_level=None)
        self.addCleanup(db.close)
        return db

    def assert_all_refused(self):
        """What another program writes. There is a row `n`, so each statement would change something."""
        before = self.scene.rows("SELECT * FROM notes ORDER BY id")
        db = self.other_program()
        for statement in WRITES:
            with self.assertRaises(sqlite3.IntegrityError) as refused:
                db.execute(statement)
            self.assertIn("table notes is synced, and its server refuses writes of other programs", str(refused.exception))
        self.assertEqual(self.scene.rows("SELECT * FROM notes ORDER BY id"), before)

    def test_they_are_sealed_unless_said_otherwise_and_a_device_pulls_them_as_bundles(self):
        for words in ((), ("--foreign-writes", "seal")):
            server = self.serve(*words)
            name = f"theirs {len(words)}"
            before = len(self.pull(server, "ann"))
            db = self.other_program()
            db.execute("INSERT INTO notes VALUES(?, 'ann', 'by hand', 3)", (name,))
            rows = self.pull(server, "ann")
            self.assertEqual(len(rows), before + 1)
            self.assertEqual((rows[-1]["op"], rows[-1]["key"], rows[-1]["payload"]["text"]), ("INSERT", {"id": name}, "by hand"))
            db.execute("UPDATE notes SET stars = 9 WHERE id = ?", (name,))
            db.execute("DELETE FROM notes WHERE id = ?", (name,))
            self.assertEqual([row["op"] for row in self.pull(server, "ann")][-1], "DELETE")
            self.assertEqual(self.pull(server, "ben", source="device-2"), [])
            server.stop()

    def test_they_are_refused_where_that_is_said_and_devices_write_on(self):
        server = self.serve(foreign_writes="refuse")
        self.assertEqual(self.push_rows(server, "ann", [self.note("n", text="t", stars=1)]).status, 200)
        self.assert_all_refused()
        self.assertEqual(self.push_rows(server, "ann", [self.note("m", text="t", stars=1)], number=2).status, 200)
        self.assertEqual([row["key"]["id"] for row in self.pull(server, "ann")], ["n", "m"])
        pushed = server.ask("POST", "/tether/push", {"client_id": "c", "mutations": [
            {"mutation_id": "c-1", "model": "notes", "entity_id": "k", "operation": "create", "payload": {"text": "x", "stars": 2}, "client_timestamp": "2026-01-01T00:00:00Z"}]}, token("ann"))
        self.assertEqual(pushed.status, 200, pushed.body)
        self.assertEqual(len(self.scene.rows("SELECT * FROM notes")), 3, pushed.body)

    def test_it_holds_while_the_server_is_down_and_until_it_is_told_otherwise(self):
        self.scene.database(OURS)
        self.serve("--foreign-writes", "refuse").stop()
        self.assert_all_refused()
        server = self.serve()  # seals again
        self.other_program().execute(WRITES[0])
        self.assertEqual([row["key"]["id"] for row in self.pull(server, "ann")], ["n", "theirs"])

    def test_the_flag_goes_before_the_file(self):
        self.scene.database(OURS)
        server = self.serve("--foreign-writes", "refuse", foreign_writes="seal")
        self.assert_all_refused()
        server.stop()
        done = self.check(foreign_writes="drop")
        self.assert_refused(done, "foreign_writes", "drop", "refuse")
        self.assert_refused(self.check("--foreign-writes", "drop"), "foreign_writes")
        self.assert_fine(self.check(foreign_writes="refuse"))

    def test_the_count_of_the_status_page_stays_0_since_a_refused_write_leaves_no_trace(self):
        self.scene.database(OURS)
        server = self.serve(foreign_writes="refuse", listen={"status_pages": True})
        self.assert_all_refused()
        page = server.ask("GET", "/syncx/status").json
        self.assertEqual((page["status"], page["rejected_registered_write_count"]), ("healthy", 0))
