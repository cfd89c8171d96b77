"""Each user has the rows that are theirs, by the owner column."""

from case import Case
from scene import token
from table_cases import NOTEBOOKS

__all__ = ["Tenancy"]


class Tenancy(Case):
    def mutation(self, server, user, key, operation="create", number=1, client="device-m", **payload):
        return server.ask("POST", "/tether/push", {"client_id": client, "mutations": [
            {"mutation_id": f"{client}-{number}", "model": "notes", "entity_id": key, "operation": operation, "payload": payload, "client_timestamp": "2026-01-01T00:00:00Z"}]}, token(user))

    def test_another_users_rows_are_neither_seen_nor_touched(self):
        server = self.serve()
        self.assertEqual(self.push_rows(server, "ann", [self.note("a", text="of ann", stars=1)]).status, 200)
        self.assertEqual(self.push_rows(server, "ben", [self.note("b", text="of ben", stars=1)], source="device-2").status, 200)
        self.assertEqual([row["key"]["id"] for row in self.pull(server, "ann")], ["a"])
        self.assertEqual([row["key"]["id"] for row in self.pull(server, "ben", source="device-2")], ["b"])
        before = self.scene.rows("SELECT * FROM notes ORDER BY id")
        number = 2
        for op, version in (("INSERT", 0), ("UPDATE", 0), ("UPDATE", 1), ("DELETE", 1), ("DELETE", 0)):
            with self.subTest(op=op, version=version):
                row = {**self.note("a", text="taken", stars=9), "op": op, "base_row_version": version}
                if op == "DELETE":
                    row["payload"] = None
                answer = self.push_rows(server, "ben", [row], number=number, source="device-2")
                if answer.status == 200:
                    number += 1
                self.assertNotIn(b"of ann", answer.body)
                self.assertEqual(self.scene.rows("SELECT * FROM notes ORDER BY id"), before)
        for operation in ("create", "update", "delete"):
            answer = self.mutation(server, "ben", "a", operation, number=operation, text="taken", stars=9)
            self.assertNotIn(b"of ann", answer.body)
            self.assertEqual(self.scene.rows("SELECT * FROM notes ORDER BY id"), before)

    def test_an_owner_in_the_payload_is_not_believed(self):
        server = self.serve()
        answer = self.push_rows(server, "ben", [self.note("x", user_id="ann", text="planted", stars=1)], source="device-2")
        self.assertGreaterEqual(answer.status, 400)
        self.mutation(server, "ben", "y", user_id="ann", text="planted", stars=1)
        self.assertEqual(self.scene.rows("SELECT * FROM notes WHERE user_id <> 'ben'"), [])

    def test_another_users_session_is_not_there(self):
        server = self.serve()
        for user in ("ann", "ben"):
            self.connect(server, user)
        made = server.ask("POST", "/sync/push-sessions", {"source_bundle_id": 1, "planned_row_count": 1}, token("ann"), self.source()).json
        path = "/sync/push-sessions/" + made["push_id"]
        body = {"start_row_ordinal": 0, "rows": [self.note("a", text="t", stars=1)]}
        self.assertEqual(server.ask("POST", path + "/chunks", body, token("ben"), self.source()).status, 404)
        self.assertEqual(server.ask("POST", path + "/commit", None, token("ben"), self.source()).status, 404)
        server.ask("DELETE", path, None, token("ben"), self.source())
        self.assertEqual(server.ask("POST", path + "/chunks", body, token("ann"), self.source()).status, 200)

    def test_another_users_row_cannot_be_referred_to_nor_be_told_from_none(self):
        self.scene.database(*NOTEBOOKS)
        server = self.serve(tables=["pages", "notebooks"])
        self.assertEqual(self.push_rows(server, "ben", [self.note("b", table="notebooks", title="of ben")], source="device-2").status, 200)
        said = []
        for key in ("b", "none"):
            answer = self.push_rows(server, "ann", [self.note("p", table="pages", notebook_id=key, text="x")])
            said.append((answer.status, answer.body))
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[0][0], 422)
        self.assertEqual(self.scene.rows("SELECT * FROM pages"), [])

    def test_both_wires_serve_one_users_rows(self):
        server = self.serve()
        self.assertEqual(self.mutation(server, "ann", "m", text="by mutation", stars=1).status, 200)
        self.assertEqual([row["payload"]["text"] for row in self.pull(server, "ann")], ["by mutation"])
        self.assertEqual(self.scene.rows("SELECT id, user_id FROM notes"), [("m", "ann")])

    def test_rows_of_other_programs_go_to_their_owner(self):
        server = self.serve()
        self.scene.database("INSERT INTO notes VALUES('o', 'ben', 'of another program', 1)")
        self.assertEqual(self.pull(server, "ann"), [])
        self.assertEqual([row["key"]["id"] for row in self.pull(server, "ben", source="device-2")], ["o"])

    def test_names_that_differ_little_are_two_users(self):
        self.scene.database("DROP TABLE notes", "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL COLLATE NOCASE, text TEXT, stars INTEGER)")
        server = self.serve()
        self.assertEqual(self.push_rows(server, "ann", [self.note("a", text="of ann", stars=1)]).status, 200)
        for n, user in enumerate(("Ann", "ann ", " ann", "ANN", "a\u0301nn", "an", "annn", "' OR 1=1 --", "%", "*")):
            with self.subTest(user):
                self.assertEqual(self.pull(server, user, source=f"other-{n}"), [])

    def test_users_that_are_numbers(self):
        self.scene.database("DROP TABLE notes", "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, user_id INTEGER NOT NULL, text TEXT, stars INTEGER)")
        server = self.serve()
        for n, user in enumerate((1, "2")):
            self.assertEqual(self.push_rows(server, user, [self.note(f"n{user}", text="t", stars=1)], source=f"device-{n}").status, 200)
        self.assertEqual(self.scene.rows("SELECT id, user_id FROM notes ORDER BY id"), [("n1", 1), ("n2", 2)])
        for user in ("ann", "01", "1.0", " 1", "1e0", "+1", "99999999999999999999"):
            answer = server.ask("GET", "/sync/capabilities", None, token(user), self.source())
            self.assertEqual((answer.status, answer.json["error"]), (403, "forbidden"), user)

    def test_shared_rows_are_everybodys(self):
        self.scene.database("DROP TABLE notes", "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, text TEXT, stars INTEGER)")
        server = self.serve(owner=None, shared=True)
        self.assertEqual(self.push_rows(server, "ann", [self.note("a", text="for all", stars=1)]).status, 200)
        self.assertEqual([row["payload"]["text"] for row in self.pull(server, "ben", source="device-2")], ["for all"])
