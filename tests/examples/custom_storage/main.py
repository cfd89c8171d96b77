#!/usr/bin/env python3
"""The custom storage example from end to end: main.py PROGRAM"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WAIT = 120


class Case(unittest.TestCase):
    program = ""  # set below

    def test_the_store_on_lmdb_keeps_every_clause_and_syncs(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_it(folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            self.assertEqual(os.listdir(folder), [], "it leaves nothing behind")
        lines = done.stdout.splitlines()
        end = lines.index("pushed 1")
        kit, rest = lines[: end - 1], lines[end:]
        self.assertEqual([line for line in kit if not line.startswith("ok ")], [], done.stdout)
        # None is left out: the kit has these groups, the lease's among them.
        for group in ("S1.", "S2.", "S3.", "S4.", "S5.", "S6.", "S7.", "L1.", "L2.", "L3.", "L4.", "table.", "random"):
            self.assertTrue(any(line.startswith(f"ok      {group}") for line in kit), group)
        self.assertRegex(lines[end - 1], rf"^{len(kit)} clauses, [0-9]{{4,}} checks, 0 broken$")
        synced = ["pushed 1", "pushed 1", "pushed 0", "Buy oat milk, stars: 3", "Buy oat milk, stars: 3"]
        newer = "a newer program reads 3 fields, an older one is told schema_mismatch, and so is one with others: schema_mismatch"
        self.assertEqual(rest, [*synced, newer, "full: storage_full, and the notes before are there"])

    def test_where_no_folder_can_be_made_it_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_it(str(Path(folder) / "not_there"))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("TMPDIR", done.stderr)

    def run_it(self, folder):
        return subprocess.run([self.program], env={**os.environ, "TMPDIR": folder}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT, check=False)


if __name__ == "__main__":
    Case.program = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
