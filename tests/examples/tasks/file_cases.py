"""Files that are no list, or cannot be used as one: what is said, and the exit code."""

import json
import os
import shutil
import sqlite3
import subprocess

from case import Case
from scene import WAIT

__all__ = ["Files"]

NOBODY = 65534


class Files(Case):
    def test_a_damaged_file(self):
        a, _, _ = self.shared()
        a("import", "-", stdin=json.dumps([{"title": f"Task {i}"} for i in range(500)]))
        path = self.scene.folder / a.file
        db = sqlite3.connect(path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = db.execute("PRAGMA page_size").fetchone()[0]
        pages = {name: root for name, root in db.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")}
        db.close()
        with path.open("r+b") as file:
            for name in ("task", "syncline_replica_open"):
                file.seek((pages[name] - 1) * size)
                file.write(b"\xff" * size)
        for words in (["list"], ["add", "x"], ["done", "x"], ["import", "-"], ["sync"]):
            with self.subTest(words):
                error = a(*words, code=4, stdin='{"id":"x","title":"x"}')["error"]
                self.assertEqual(error["code"], "corrupt")
                self.assertIn("put it back from a backup", error["message"])
                self.assertEqual(a.run(*words, stdin='{"id":"x","title":"x"}').returncode, 4)

    def test_a_locked_file(self):
        a, _, _ = self.shared()
        db = sqlite3.connect(self.scene.folder / a.file, isolation_level=None)
        self.addCleanup(db.close)
        db.execute("BEGIN IMMEDIATE")
        # They wait side by side, as long as they are willing to.
        running = [(words, a.start(*words, "--json")) for words in (["add", "x"], ["rm", "x"], ["resolve", "x", "--retry"], ["sync"])]
        for words, process in running:
            with self.subTest(words):
                self.assertEqual(process.wait(WAIT), 3)
                error = json.loads(process.stdout.read())["error"]
                self.assertEqual(error["code"], "busy")
                self.assertIn("try again", error["message"])

    def test_a_file_that_may_not_be_written(self):
        a = self.device("a")
        a.add("x", "--id", "own")
        folder = self.scene.folder
        program = folder / "program"
        shutil.copy(self.program, program)
        for path, mode in ((folder, 0o555), (program, 0o555), (folder / a.file, 0o444)):
            os.chmod(path, mode)
        self.addCleanup(os.chmod, folder, 0o700)
        other = {"user": NOBODY} if os.geteuid() == 0 else {}  # to root nothing is read-only

        def run(*words):
            done = subprocess.run(
                [program, *words, "--json"], cwd=folder, env=self.scene.environment(a.environment()), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, timeout=WAIT, check=False, **other,
            )
            return self.scene.document(done_text(done), words[0])

        self.assertEqual([t["id"] for t in run("list")["tasks"]], ["own"])
        for words in (["add", "y"], ["edit", "own", "--title", "z"], ["rm", "own"]):
            answer = run(*words)
            self.assertEqual((answer["exit"], answer["error"]["code"]), (2, "read_only"))
            self.assertIn("the right to write", answer["error"]["message"])
        self.assertEqual(run("serve", "new.db", "--allow-anonymous")["error"]["code"], "cannot_open")

    def test_what_is_no_list(self):
        a = self.device("a")
        (self.scene.folder / "folder").mkdir()
        other = sqlite3.connect(self.scene.folder / "other.db")
        other.execute("CREATE TABLE task(id INTEGER PRIMARY KEY, what TEXT)")
        other.close()
        unrelated = sqlite3.connect(self.scene.folder / "unrelated.db")
        unrelated.execute("CREATE TABLE book(title TEXT)")
        unrelated.close()
        for file, commands, code in [
            ("other.db", ["list", "status", "sync", "add"], "not_a_list"), ("unrelated.db", ["list", "status", "conflicts"], "not_a_list"),
            ("folder", ["list", "add", "sync"], "cannot_open"), ("/dev/null", ["list", "add", "sync"], "cannot_open"),
            (":memory:", ["add", "sync"], "cannot_open"), ("", ["add", "list"], "cannot_open"),
        ]:
            for command in commands:
                with self.subTest(file=file, command=command):
                    more = {"add": ["x"], "sync": ["--server", "http://127.0.0.1:1"]}.get(command, [])
                    self.assertEqual(a(command, *more, "--db", file, code=2)["error"]["code"], code)
        unrelated = sqlite3.connect(self.scene.folder / "unrelated.db")
        self.assertEqual(unrelated.execute("SELECT name FROM sqlite_schema").fetchall(), [("book",)])  # nothing was made in it
        unrelated.close()

    def test_a_task_that_is_named_twice_is_one(self):
        a = self.device("a")
        a.add("x", "--id", "abc")
        self.assertEqual(len(a("done", "abc", "a")["tasks"]), 1)
        self.assertEqual(len(a("rm", "abc", "abc")["tasks"]), 1)
        self.assertEqual(a.tasks(), {})
        self.assertEqual(a("rm", "", code=2)["error"]["code"], "wrong_use")

    def test_a_token_file_from_another_system(self):
        server = self.scene.serve()
        a = self.device("a", server)
        a.token = "wrong"
        (self.scene.folder / "token").write_bytes(b"secret\r\n")
        a("sync", "--token-file", "token")
        for name, text in (("empty", b""), ("blank", b"\r\n")):
            (self.scene.folder / name).write_bytes(text)
            self.assertIn("--token-file", a("sync", "--token-file", name, code=2)["error"]["message"])

    def test_words_that_are_no_commands(self):
        for words, says in [([], "name a command"), (["frobnicate"], "there is no command `frobnicate`"), (["--json"], "name a command")]:
            done = self.scene.run(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stdout + done.stderr)
        for users in (["ann="], ["ann=x", "ben=x"]):
            done = self.scene.run("serve", "s.db", *(w for user in users for w in ("--user", user)))
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"the user {users[-1][:3]} cannot be let in", done.stderr)


def done_text(done):
    done.stdout, done.stderr = done.stdout.decode(), ""
    return done
