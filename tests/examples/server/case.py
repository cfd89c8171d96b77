"""What every case of the server example begins with."""

import unittest

from scene import NOTES, Scene, token


class Case(unittest.TestCase):
    program = ""  # set by main.py

    def setUp(self):
        self.scene = Scene(self.program)
        self.addCleanup(self.scene.close)
        self.scene.database(NOTES)

    def serve(self, *words, env=None, **members):
        return self.scene.serve(self.scene.config_file(self.scene.configuration(**members)), *words, env=env)

    def check(self, *words, env=None, document=None, **members):
        """@return the process that was to look whether the configuration is fine"""
        written = self.scene.configuration(**members) if document is None else document
        return self.scene.run(self.scene.config_file(written), "--check", *words, env=env)

    def assert_fine(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "nothing is wrong with the configuration\n")

    def assert_refused(self, done, *words, code=2, count=1):
        """It ended with @p code, @p count complaints and nothing else, and each of @p words stands in them."""
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), count, done.stderr)
        for line in lines:
            self.assertTrue(line.startswith("syncline-server: "), line)
        for word in words:
            self.assertIn(word, done.stderr)

    # --- the bundle wire, as a device speaks it ---------------------------------------------------------------------

    def source(self, name="device-1"):
        return {"Oversync-Source-ID": name}

    def connect(self, server, user, source="device-1", prefix="/sync"):
        """A device with no rows of its own; whoever is the first of an account begins it empty."""
        answer = server.ask("POST", f"{prefix}/connect", {"has_local_pending_rows": False}, token(user), self.source(source))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["resolution"]

    def push_rows(self, server, user, rows, number=1, source="device-1", prefix="/sync"):
        """One bundle of rows {schema, table, key, op, base_row_version, payload}. @return the answer to its commit, or to what failed before it"""
        self.connect(server, user, source, prefix)
        bearer, headers = token(user), self.source(source)
        made = server.ask("POST", f"{prefix}/push-sessions", {"source_bundle_id": number, "planned_row_count": len(rows)}, bearer, headers)
        if made.status != 200:
            return made
        path = f"{prefix}/push-sessions/{made.json['push_id']}"
        sent = server.ask("POST", f"{path}/chunks", {"start_row_ordinal": 0, "rows": rows}, bearer, headers)
        return sent if sent.status != 200 else server.ask("POST", f"{path}/commit", None, bearer, headers)

    def note(self, key, schema="public", table="notes", **fields):
        return {"schema": schema, "table": table, "key": {"id": key}, "op": "INSERT", "base_row_version": 0, "payload": {"id": key, **fields}}

    def pull(self, server, user, source="device-1", prefix="/sync"):
        self.connect(server, user, source, prefix)
        answer = server.ask("GET", f"{prefix}/pull?after_bundle_seq=0", None, token(user), self.source(source))
        self.assertEqual(answer.status, 200, answer.body)
        return [row for bundle in answer.json["bundles"] for row in bundle["rows"]]

    # --- the mutation wire ------------------------------------------------------------------------------------------

    def pull_mutations(self, server, user, prefix="/tether"):
        answer = server.ask("POST", f"{prefix}/pull", {"cursor": 0, "models": []}, token(user))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json
