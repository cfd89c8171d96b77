#!/usr/bin/env python3
"""The wire conformance example from end to end: main.py PROGRAM

It tests the server example, a process of its own, over real HTTP on a free port, with a real SQLite file in a scratch folder. That program is looked for beside it.
"""

import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server"))
from scene import NOTES, WAIT, Scene, token  # noqa: E402


class Case(unittest.TestCase):
    program = ""  # set below

    def test_the_server_example_keeps_every_clause_of_both_wires(self):
        server = self.serve()
        common = ("--url", server.url, "--token", token("ann"), "--stranger-token", token("ben"), "--field", "text", "--field", "stars=1,2,3", "--model", "notes",
                  "--largest-body", str(8 << 20), "--seed", "5")
        for wire, clauses, more in (("bundle", 32, ("--newcomer-token", token("cleo"))), ("mutation", 26, ("--most-mutations", "10000"))):
            done = self.run_kit("--wire", wire, *common, *more)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            lines = done.stdout.splitlines()
            self.assertEqual([line for line in lines if line.startswith(("BROKEN", "skipped"))], [], done.stdout)
            self.assertEqual(sum(line.startswith("ok ") for line in lines), clauses, done.stdout)
            self.assertRegex(lines[-2], rf"^{clauses} clauses, [0-9]{{3,}} checks, 0 broken$")
            self.assertEqual(lines[-1], "seed 5")

    def test_a_clause_that_is_broken_is_named_and_ends_it_with_1(self):
        server = self.serve()
        # Two users of one account are no strangers to each other.
        done = self.run_kit("--wire", "mutation", "--url", server.url, "--token", token("ann"), "--stranger-token", token("ann"), "--field", "text", "--model", "notes",
                            "--only", "mutation 6.2")
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        self.assertIn("BROKEN  mutation 6.2 scope: a stranger sees nothing of the account's rows", done.stdout)
        self.assertIn("2 clauses, ", done.stdout)
        # What was not said is not checked, and it says so.
        done = self.run_kit("--wire", "bundle", "--url", server.url, "--token", token("ann"), "--field", "text", "--model", "notes", "--only", "bundle 4.4")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("skipped bundle 4.4 isolation", done.stdout)
        self.assertIn("          the subject names no stranger\n", done.stdout)

    def test_nobody_at_the_url_is_a_finding(self):
        done = self.run_kit("--wire", "bundle", "--url", "http://127.0.0.1:1", "--field", "text", "--model", "notes", "--only", "bundle 1.2 cap")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("          GET /sync/capabilities: unavailable: ", done.stdout)

    def test_wrong_use_says_what_is_wrong(self):
        fine = ("--wire", "bundle", "--url", "http://127.0.0.1:1", "--model", "notes", "--field", "text")
        for words, said in (((), "--wire is required"), ((*fine, "--wire", "morse"), "morse"), ((*fine, "--field", "stars=1,2"), "stars=1,2 is not of the form"),
                            ((*fine, "--field", "=1,2,3"), "has no name"), ((*fine, "--header", "X"), "X is not of the form NAME:VALUE"),
                            ((*fine[:2], "--url", "gopher://x", *fine[4:]), "does not start with http"), ((*fine[:2], "--url", "http://example.com", *fine[4:]), "plain text")):
            done = self.run_kit(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertTrue(done.stderr.startswith("wire_conformance: "), done.stderr)
            self.assertIn(said, done.stderr)
        helped = self.run_kit("--help")
        self.assertEqual((helped.returncode, helped.stderr), (0, ""))
        self.assertIn("Exit codes:", helped.stdout)

    def serve(self):
        beside = Path(self.program).with_name("example.server.main")
        if not beside.is_file():
            self.skipTest(f"{beside} is not built")
        scene = Scene(str(beside))
        self.addCleanup(scene.close)
        scene.database(NOTES)
        return scene.serve(scene.config_file(scene.configuration()))

    def run_kit(self, *words):
        return subprocess.run([self.program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT, check=False)


if __name__ == "__main__":
    Case.program = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
