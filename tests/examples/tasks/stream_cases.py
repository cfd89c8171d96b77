"""What becomes of an answer that cannot be written, and of text that would steer a terminal."""

import json
import os
import subprocess

from case import Case
from scene import WAIT

__all__ = ["Unheard", "Foreign"]


class Unheard(Case):
    def deaf(self, how, *words, env=None):
        """Runs a command whose stdout takes nothing. @return (exit code, stderr)"""
        out = subprocess.DEVNULL
        command = [self.program, *words]
        if how == "full disk":
            out = os.open("/dev/full", os.O_WRONLY)
        elif how == "closed pipe":
            read, out = os.pipe()
            os.close(read)
        else:
            command = ["/bin/sh", "-c", 'exec "$0" "$@" >&-', *command]
        try:
            done = subprocess.run(
                command, cwd=self.scene.folder, env=self.scene.environment(env), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
                timeout=WAIT, check=False,
            )
        finally:
            if out != subprocess.DEVNULL:
                os.close(out)
        return done.returncode, done.stderr.decode()

    def test_every_command_says_so_and_ends_with_a_code_of_its_own(self):
        a, _, key = self.shared()
        (self.scene.folder / "one.json").write_text('[{"id":"imported","title":"x"}]')
        reasons = {"full disk": "No space left on device", "closed pipe": "Broken pipe", "closed": "Bad file descriptor"}
        for how, reason in reasons.items():
            for more in ([], ["--json"]):
                self.sql(a, "UPDATE task SET title = '' WHERE id = ?", key)  # refused: it waits, so that there is something to resolve
                a("push", code=1)
                for words in (
                    ["status"], ["conflicts"], ["resolve", key, "--discard"], ["add", "new", "--id", "own"], ["edit", "own", "--title", "y"],
                    ["done", "own"], ["list"], ["push"], ["pull"], ["sync"], ["rm", "own"], ["import", "one.json"],
                    ["serve", "deaf.db", "--allow-anonymous"],
                ):
                    with self.subTest(how=how, words=words, more=more):
                        code, err = self.deaf(how, *words, *more, env=a.environment())
                        self.assertEqual(code, 5)
                        self.assertIn(f"tasks {words[0]}: the answer cannot be written to the standard output: {reason}", err)
                        self.assertIn("the command itself is done", err)
        self.assertIn("imported", a.tasks())
        self.assertNotIn("own", a.tasks())

    def test_what_was_asked_for_is_done_all_the_same(self):
        a = self.device("a")
        self.deaf("closed pipe", "add", "x", "--id", "own", env=a.environment())
        self.assertEqual(a.tasks()["own"]["title"], "x")

    def test_a_failure_is_not_forgotten_with_its_document(self):
        for how in ("full disk", "closed pipe", "closed"):
            code, err = self.deaf(how, "list", "--json")
            self.assertEqual(code, 5)
            self.assertIn("failed (exit code 2): there is no list of tasks at tasks.db", err)
            # Without --json stdout is told nothing, so that nothing is lost.
            code, err = self.deaf(how, "list")
            self.assertEqual(code, 2)
            self.assertIn("there is no list of tasks", err)

    def test_help_too(self):
        for words in (["--help"], ["sync", "--help"]):
            self.assertEqual(self.deaf("full disk", *words)[0], 5)

    def test_a_closed_stream_gets_no_words_into_a_file(self):
        a, _, _ = self.shared()
        a.add("x" * 5000)
        for words in (["sync"], ["list"], ["status"]):
            self.assertEqual(self.deaf("closed", *words, env=a.environment())[0], 5)
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" add more >&- 2>&- <&-', self.program], cwd=self.scene.folder,
            env=self.scene.environment(a.environment()), timeout=WAIT, check=False,
        )
        self.assertEqual(done.returncode, 5)
        db = (self.scene.folder / a.file).read_bytes()
        self.assertNotIn(b"the answer cannot be written", db)
        self.assertEqual(len(a("list")["tasks"]), 3)
        self.assertEqual(a("sync")["waiting"], 0)

    def test_a_stdin_that_cannot_be_read_is_no_empty_file(self):
        a = self.device("a")
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" import - --json <&-', self.program], cwd=self.scene.folder,
            env=self.scene.environment(a.environment()), stdout=subprocess.PIPE, timeout=WAIT, check=False,
        )
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["code"]), (2, "cannot_read"))
        (self.scene.folder / "folder").mkdir()
        self.assertEqual(a("import", "folder", code=2)["error"]["code"], "cannot_read")


class Foreign(Case):
    def test_what_others_wrote_does_not_steer_the_terminal(self):
        a, b = self.two_devices()
        title = "red \x1b[31m, \nnew line, \u009b31m, \u202eright to left, Gr\u00fc\u00dfe \U0001f600"
        a("import", "-", stdin=json.dumps([{"id": "odd", "title": title}]))
        a("sync")
        b("sync")
        self.assertEqual(b.tasks()["odd"]["title"], title)
        self.assertEqual(
            b.run("list").stdout, "[ ] odd  red \\x1b[31m, \\nnew line, \\u009b31m, \\u202eright to left, Gr\u00fc\u00dfe \U0001f600\n")
        wrong = b.run("done", "\x1b[31m\n")
        self.assertEqual(len(wrong.stderr.splitlines()), 1)
        self.assertNotIn("\x1b", wrong.stderr)

    def test_ids_and_texts_that_could_not_be_shown_or_sent_are_refused(self):
        a = self.device("a")
        for words, says in [
            (["add", "x", "--id", ""], "id"), (["add", "x", "--id", "a\nb"], "id"), (["add", "x", "--id", "a\x7f"], "id"),
            (["add", b"\xff\xfe"], "title"), (["add", "x", "--note", b"\xc3"], "note"), (["add", "x", "--id", b"\xff"], "id"),
        ]:
            error = a(*words, code=2)["error"]
            self.assertIn(says, error["message"])
        self.assertEqual(a("import", "-", stdin='[{"title":"a\\u0000b"}]', code=2)["error"]["code"], "bad_import")
        self.assertEqual(a.tasks(), {})
