#!/usr/bin/env python3
"""The tasks example from end to end: main.py PROGRAM

Real processes, real HTTP on free ports, scratch folders. Every answer is taken as JSON and its shape checked (scene.py).
"""

import json
import signal
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from aside_cases import *  # noqa: E402,F401,F403
from case import Case  # noqa: E402
from file_cases import *  # noqa: E402,F401,F403
from progress_cases import *  # noqa: E402,F401,F403
from scene import WAIT, Device, StalledServer  # noqa: E402
from stream_cases import *  # noqa: E402,F401,F403
from wire_cases import *  # noqa: E402,F401,F403


class Alone(Case):
    def test_a_list_is_kept_without_any_server(self):
        a = Device(self.scene, "a")
        door = a.add("Paint the door", "--due", "2025-12-31", "--priority", "2", "--note", "blue")
        own = a.add("Buy paint", "--id", "own")
        self.assertEqual(own, "own")
        self.assertEqual(a.tasks()[door], {"title": "Paint the door", "done": False, "priority": 2, "due": "2025-12-31", "note": "blue"})
        edited = a("edit", door[:6], "--title", "Paint the gate", "--note", "")["tasks"][0]
        self.assertEqual((edited["title"], edited["note"], edited["due"]), ("Paint the gate", None, "2025-12-31"))
        a("done", door, "own")
        self.assertEqual(a("list")["tasks"], [])
        self.assertEqual({t["done"] for t in a.tasks().values()}, {True})
        a("done", "--undo", "own")
        self.assertEqual([t["id"] for t in a("list")["tasks"]], ["own"])
        a("rm", "own", door)
        self.assertEqual(a.tasks(), {})

    def test_what_a_person_reads(self):
        a = Device(self.scene, "a")
        a("add", "Buy paint", "--id", "own", "--due", "2025-12-31")
        done = a.run("list")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "[ ] own  Buy paint  (due 2025-12-31)\n", ""))
        done = a.run("edit", "none", "--title", "x")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("tasks edit: there is no task none in this list; `tasks list --all`", done.stderr)

    def test_a_task_is_named_by_the_beginning_of_its_id(self):
        a = Device(self.scene, "a")
        for key in ("abc", "abd", "ab"):
            a.add("x", "--id", key)
        self.assertEqual(a("done", "ab")["tasks"][0]["id"], "ab")
        self.assertEqual(a("done", "abd")["tasks"][0]["id"], "abd")
        self.assertEqual(a("rm", "a", code=1)["error"]["code"], "ambiguous_id")
        self.assertEqual(a("rm", "b", code=1)["error"]["code"], "no_such_task")
        self.assertEqual(a("rm", "abc", "b", code=1)["error"]["code"], "no_such_task")  # all, or none
        self.assertEqual(sorted(a.tasks()), ["ab", "abc", "abd"])
        self.assertEqual(a("add", "y", "--id", "ab", code=1)["error"]["code"], "id_taken")

    def test_wrong_use_is_said_and_changes_nothing(self):
        a = Device(self.scene, "a")
        a.add("x", "--id", "own")
        before = a.tasks()
        for words, says in [
            (["add"], "title"), (["add", ""], "title"), (["add", " "], "title"), (["add", "x", "--priority", "4"], "priority"),
            (["add", "x", "--priority", "high"], "priority"), (["add", "x", "--due", "2025-02-30"], "due"), (["add", "x", "--due", "soon"], "due"),
            (["edit", "own"], "nothing to change"), (["edit", "own", "--title", ""], "title"), (["rm"], "id"), (["list", "--some"], "--some"),
            (["import"], "file"), (["import", "none.json"], "none.json"), (["sync"], "--server"), (["sync", "--server", "nonsense"], "nonsense"),
            (["sync", "--server", "http://127.0.0.1:1", "--every", "soon"], "--every"),
            (["sync", "--server", "http://127.0.0.1:1", "--every", "0s"], "--every"),
            (["sync", "--server", "http://127.0.0.1:1", "--token-file", "none"], "--token-file"),
            (["pull", "--server", "http://127.0.0.1:1", "--progress", "often"], "--progress"),
            (["resolve", "own"], "--take"), (["resolve", "own", "--take", "mine"], "--take"), (["resolve", "own", "--take", "merged"], "field=value"),
            (["resolve", "own", "--take", "merged", "title"], "field=value"), (["resolve", "own", "--retry", "--discard"], "--retry"),
            (["resolve", "own", "--take", "server", "title=x"], "field=value"),
            (["serve"], "file"), (["serve", "s.db"], "--allow-anonymous"), (["serve", "s.db", "--user", "ann"], "NAME=TOKEN"),
            (["serve", "s.db", "--allow-anonymous", "--user", "ann=x"], "--user"), (["serve", "s.db", "--allow-anonymous", "--port", "0"], "--port"),
            (["serve", "s.db", "--allow-anonymous", "--on-conflict", "guess"], "--on-conflict"),
        ]:
            with self.subTest(words):
                error = a(*words, code=2)["error"]
                self.assertIn(says, error["message"])
                plain = a.run(*words)
                self.assertEqual((plain.returncode, plain.stdout), (2, ""))
                self.assertEqual(plain.stderr, f"tasks {words[0]}: {error['message']}\n")
        self.assertEqual(a.tasks(), before)
        for words in (["frobnicate"], []):
            done = a.run(*words, "--json")
            self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["code"]), (2, "wrong_use"))

    def test_a_list_that_is_not_there_is_not_made_by_looking(self):
        a = Device(self.scene, "a")
        for words in (["list"], ["edit", "x", "--title", "y"], ["done", "x"], ["rm", "x"], ["status"], ["conflicts"], ["resolve", "x", "--retry"]):
            with self.subTest(words):
                self.assertEqual(a(*words, code=2)["error"]["code"], "no_list")
        self.assertFalse((self.scene.folder / a.file).exists())
        (self.scene.folder / a.file).write_text("this is no database, and long enough to be read as a header of one" * 20)
        self.assertEqual(a("list", code=2)["error"]["code"], "not_a_list")
        a.file = "no/folder/a.db"
        self.assertEqual(a("add", "x", code=2)["error"]["code"], "cannot_open")

    def test_help_says_what_the_exit_codes_mean(self):
        for words in ([], ["sync"], ["serve"]):
            done = self.scene.run(*words, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Usage: tasks" + "".join(f" {w}" for w in words), done.stdout)
            for line in ("  0  fine", "  1  something was refused", "  2  wrong use", "  3  the server cannot be reached", "  4  damaged"):
                self.assertIn(line, done.stdout)


class Import(Case):
    def test_an_array_lines_and_stdin(self):
        a = Device(self.scene, "a")
        items = [{"id": f"t{i}", "title": f"Task {i} \u00fc \"quoted\" [x]", "done": i % 2 == 0, "priority": i % 4} for i in range(500)]
        (self.scene.folder / "array.json").write_text(json.dumps(items, indent=1))
        (self.scene.folder / "lines.json").write_text("\n".join(json.dumps(item) for item in items))
        counts = {k: v for k, v in a("import", "array.json").items() if k in ("added", "changed", "unchanged")}
        self.assertEqual(counts, {"added": 500, "changed": 0, "unchanged": 0})
        tasks = a.tasks()
        self.assertEqual(tasks["t3"], {"title": items[3]["title"], "done": False, "priority": 3, "due": None, "note": None})
        self.assertEqual(a("import", "lines.json")["unchanged"], 500)
        self.assertEqual(a("import", "-", stdin='[{"id":"t3","note":"more"},{"title":"new"}]')["changed"], 1)
        self.assertEqual(a.tasks()["t3"], {**tasks["t3"], "note": "more"})
        self.assertEqual(len(a.tasks()), 501)
        self.assertEqual(a("import", "-", stdin='{"id":"t3","note":null}')["changed"], 1)
        self.assertEqual(a.tasks()["t3"], tasks["t3"])
        for empty in ("", "[]", " [ ] \n"):
            self.assertEqual(a("import", "-", stdin=empty)["added"], 0)

    def test_a_bad_item_is_named_and_nothing_is_imported(self):
        a = Device(self.scene, "a")
        good = '{"title":"good"}'
        for text, says in [
            (f"[{good},\n{{}}]", "item 2 of the standard input (line 2)"), (f"{good}\n{{\"title\":}}", "(line 2)"), (f"[{good},", "no end"),
            (f"[{good}", "no end"), (f"[{good} {good}]", "comma"), (f"[{good},]", "comma"), (f"[{good}] {good}", "follows the end"),
            ('{"title":"x","size":3}', "`size`"), ('{"title":3}', "`title` is an integer"), ('{"title":"x","done":1}', "`done`"),
            ('{"title":"x","priority":"1"}', "`priority`"), ('{"title":"x","priority":9}', "priority"), ('{"title":"x","due":"soon"}', "due"),
            ('"x"', "a string"), ("[[]]", "an array"), ("x", "item 1"), ('{"title":"x","title":"y"}', "title"), ('{"title":"x', "item 1"),
            ('{"title":"' + "x" * 1_100_000 + '"}', "longer than"),
        ]:
            with self.subTest(text[:60]):
                error = a("import", "-", stdin=text, code=2)["error"]
                self.assertEqual(error["code"], "bad_import")
                self.assertIn(says, error["message"])
                self.assertIn("nothing was imported", error["message"])
                self.assertEqual(a.tasks(), {})

    def test_a_stream_is_read_item_by_item(self):
        a = Device(self.scene, "a")
        process = a.start("import", "-", "--json", stdin=subprocess.PIPE)
        process.stdin.write('[{"title":"good"},{"bad":true},')
        process.stdin.flush()  # and the stream stays open: what waited for its end would wait for ever
        self.assertEqual(process.wait(WAIT), 2)
        self.assertIn("item 2", json.loads(process.stdout.read())["error"]["message"])


class Together(Case):
    def test_two_devices_and_a_server_come_to_the_same_list(self):
        a, b = self.two_devices()
        a("import", "-", stdin=json.dumps([{"id": f"t{i}", "title": f"Task {i}"} for i in range(300)]))
        self.assertEqual(a("status")["queue"]["open"], 300)
        self.assertIsNone(a("status")["last_sync"])
        self.assertEqual(a("sync")["pushed"], 300)
        self.assertEqual(b("sync")["pulled"], 300)
        self.assert_same(a, b)
        a("edit", "t1", "--title", "By a")
        b("edit", "t1", "--priority", "3")
        b("done", "t2")
        a("rm", "t3")
        own = b.add("New at b")
        self.assertEqual((a("push")["pushed"], a("pull")["pulled"]), (2, 0))
        met = b("sync")
        self.assertEqual((met["pushed"], met["conflicts"], met["decisions"][0]["id"]), (3, 1, "t1"))
        a("sync")
        self.assert_same(a, b)
        tasks = a.tasks()
        self.assertEqual((tasks["t1"]["title"], tasks["t1"]["priority"], tasks["t2"]["done"]), ("By a", 3, True))
        self.assertNotIn("t3", tasks)
        self.assertIn(own, tasks)
        self.assert_settled(a, b)
        status = a("status")
        self.assertGreater(status["cursor"], 0)
        self.assertTrue(status["last_sync"].endswith("Z"))
        self.assertIsNone(status["lease"])

    def test_what_other_programs_write_is_sent_and_checked(self):
        a, b, key = self.shared()
        self.sql(a, "UPDATE task SET note = 'by hand' WHERE id = ?", key)
        self.assertEqual(a("sync")["pushed"], 1)
        b("sync")
        self.assertEqual(b.tasks()[key]["note"], "by hand")
        self.sql(a, "UPDATE task SET title = '' WHERE id = ?", key)
        refused = a("sync", code=1)
        self.assertEqual(refused["refused"], 1)
        self.assertEqual((refused["rejections"][0]["code"], refused["rejections"][0]["fields"]), ("validation_failed", {"title": "a task needs a title"}))
        self.assertEqual(a("sync", code=1)["waiting"], 1)  # it waits until somebody decides
        self.assertEqual(a("status", code=1)["queue"]["waiting"], 1)
        self.assertEqual(a.waiting()[key]["code"], "validation_failed")
        a("resolve", key, "--retry")
        self.assertEqual(a("sync", code=1)["refused"], 1)
        a("resolve", key, "--take", "merged", "title=Paint it all")
        self.assertEqual(a("sync")["pushed"], 1)
        b("sync")
        self.assertEqual(b.tasks()[key]["title"], "Paint it all")

    def conflict(self):
        a, b, key = self.shared()
        a("edit", key, "--title", "By a")
        b("edit", key, "--title", "By b", "--priority", "1")
        a("sync")
        self.assertEqual(b("sync", code=1)["refused"], 1)
        return a, b, key

    def settled_as(self, a, b, key, title, priority, pushed=1):
        self.assertEqual(b("sync")["pushed"], pushed)
        a("sync")
        self.assert_same(a, b)
        self.assertEqual((a.tasks()[key]["title"], a.tasks()[key]["priority"]), (title, priority))
        self.assert_settled(a, b)
        self.assertEqual(b.waiting(code=0), {})

    def test_a_conflict_shows_what_stands_against_what(self):
        _, b, key = self.conflict()
        why = b.waiting()[key]
        self.assertEqual((why["operation"], why["code"], why["fields"]), ("update", "conflict", ["title", "priority"]))
        self.assertEqual([why[side]["title"] for side in ("server", "client", "base")], ["By a", "By b", "Paint the door"])
        self.assertEqual([why[side]["priority"] for side in ("server", "client", "base")], [0, 1, 0])
        self.assertIn("`title`: you wrote \"By b\"; the server has \"By a\"; before your change it was \"Paint the door\"", why["text"])
        self.assertEqual(b.tasks()[key]["title"], "By b")  # what the user did stays in view
        shown = b.run("conflicts")
        self.assertEqual(shown.returncode, 1)
        self.assertIn(why["text"], shown.stdout)
        self.assertIn("tasks resolve ID", shown.stdout)

    def test_resolve_takes_the_servers_row(self):
        a, b, key = self.conflict()
        self.assertEqual(b("resolve", key, "--take", "server")["unsent"], 0)
        self.settled_as(a, b, key, "By a", 0, pushed=0)

    def test_resolve_takes_ours(self):
        a, b, key = self.conflict()
        self.assertEqual(b("resolve", key[:5], "--take", "client")["unsent"], 1)
        self.settled_as(a, b, key, "By b", 1)

    def test_resolve_merges_what_is_named(self):
        a, b, key = self.conflict()
        b("resolve", key, "--take", "merged", "title=By a and b", "due=2026-01-01")
        self.settled_as(a, b, key, "By a and b", 1)
        self.assertEqual(a.tasks()[key]["due"], "2026-01-01")

    def test_resolve_discards(self):
        a, b, key = self.conflict()
        b("resolve", key, "--discard")
        self.settled_as(a, b, key, "By a", 0, pushed=0)

    def test_a_new_edit_is_an_answer_too(self):
        a, b, key = self.conflict()
        b("edit", key, "--title", "By b again")
        self.assertEqual(b("sync", code=1)["refused"], 1)  # still on what b saw first
        b("resolve", key, "--take", "client")
        self.settled_as(a, b, key, "By b again", 1)

    def test_resolve_refuses_what_was_not_looked_at_or_does_not_fit(self):
        a, b, key = self.conflict()
        seen = b.waiting()[key]["server_version"]
        a("edit", key, "--title", "By a again")
        a("sync")
        b("pull", code=1)
        error = b("resolve", key, "--take", "merged", "title=z", "--seen", str(seen), code=3)["error"]
        self.assertEqual(error["code"], "stale")
        for pair, name in [("size=1", "unknown_field"), ("priority=high", "bad_value"), ("done=maybe", "bad_value")]:
            self.assertEqual(b("resolve", key, "--take", "merged", pair, code=2)["error"]["code"], name)
        self.assertEqual(b("resolve", "none", "--retry", code=1)["error"]["code"], "nothing_waits")
        self.assertEqual(b.waiting()[key]["server"]["title"], "By a again")
        b("resolve", key, "--take", "merged", "title=z", "--seen", str(b.waiting()[key]["server_version"]))
        self.settled_as(a, b, key, "z", 1)

    def test_a_delete_against_an_edit_waits_too(self):
        a, b, key = self.shared()
        a("edit", key, "--title", "By a")
        b("rm", key)
        a("sync")
        b("sync", code=1)
        why = b.waiting()[key]
        self.assertEqual((why["operation"], why["client"], why["server"]["title"]), ("erase", None, "By a"))
        self.assertEqual(b("resolve", key, "--take", "merged", "title=x", code=2)["error"]["code"], "invalid_argument")
        b("resolve", key, "--take", "client")
        b("sync")
        a("sync")
        self.assertEqual((a.tasks(), b.tasks()), ({}, {}))

    def test_the_server_can_decide_by_itself(self):
        for rule, title in [("server", "By a"), ("client", "By b"), ("latest", "By b")]:
            with self.subTest(rule):
                self.scene.folder.joinpath(rule).mkdir()
                server = self.scene.serve("--on-conflict", rule, file=f"{rule}/server.db")
                a, b = Device(self.scene, f"{rule}/a", server), Device(self.scene, f"{rule}/b", server)
                key = a.add("x")
                a("sync")
                b("sync")
                a("edit", key, "--title", "By a")
                b("edit", key, "--title", "By b")
                a("sync")
                self.assertEqual(b("sync")["conflicts"], 1)
                a("sync")
                self.assert_same(a, b)
                self.assertEqual(a.tasks()[key]["title"], title)


class Away(Case):
    def test_without_the_server_nothing_is_lost(self):
        a, b, key = self.shared()
        self.scene.stop(self.server)
        a("edit", key, "--title", "Offline")
        own = a.add("Made offline")
        for command in ("sync", "push", "pull"):
            away = a(command, code=3)
            self.assertEqual(away["error"]["code"], "unavailable")
            self.assertIn("your changes are kept here", away["error"]["message"])
        self.assertEqual(a.run("sync").stdout, "")
        self.assertEqual(sum(a("status")["queue"][k] for k in ("open", "frozen")), 2)
        self.assertEqual(a.tasks()[key]["title"], "Offline")
        a.server = b.server = self.scene.serve()
        self.assertEqual(a("sync")["pushed"], 2)
        b("sync")
        self.assert_same(a, b)
        self.assertIn(own, b.tasks())

    def test_who_may_come_in(self):
        a, _, key = self.shared()
        a("edit", key, "--title", "Mine")
        for token in ("", "wrong"):
            a.token = token
            refused = a("sync", code=1)
            self.assertEqual(refused["error"]["code"], "unauthenticated")
            self.assertIn("TASKS_TOKEN", refused["error"]["message"])
        (self.scene.folder / "token").write_text("secret\n")
        self.assertEqual(a("sync", "--token-file", "token")["pushed"], 1)
        everybody = self.scene.serve(file="other.db", users=["--allow-anonymous"])
        c = Device(self.scene, "c", everybody, token="")
        c.add("x")
        self.assertEqual(c("sync")["pushed"], 1)

    def test_what_is_said_goes_before_a_variable(self):
        a, _, _ = self.shared()
        url = self.server.url
        a.server, a.token = "http://127.0.0.1:1", "wrong"
        for command in ("sync", "push", "pull"):
            a(command, "--server", url, "--token", "secret")
        a.server, a.token = url, "secret"
        self.assertEqual(a("sync", "--token", "wrong", code=1)["error"]["code"], "unauthenticated")
        self.assertEqual(a("sync", "--server", "http://127.0.0.1:1", code=3)["error"]["code"], "unavailable")

    def test_a_server_ends_cleanly_and_says_what_is_wrong(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            server = self.scene.serve()
            port = server.url.rsplit(":", 1)[1]
            taken = self.scene.run("serve", "second.db", "--allow-anonymous", "--port", port, "--json")
            self.assertEqual(self.scene.document(taken, "serve")["error"]["code"], "unavailable")
            self.assertEqual(taken.returncode, 3)
            out, err = self.scene.stop(server, how)
            self.assertEqual((server.returncode, out, err), (0, "", "tasks serve: stopped\n"))
        db = sqlite3.connect(self.scene.folder / "server.db")
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        db.close()

    def test_a_file_is_a_servers_or_a_devices(self):
        a, _, _ = self.shared()
        wrong = self.scene.run("serve", a.file, "--allow-anonymous", "--json")
        self.assertEqual((wrong.returncode, self.scene.document(wrong, "serve")["error"]["code"]), (2, "is_a_device"))
        a.file = "server.db"
        self.assertEqual(a("sync", code=2)["error"]["code"], "is_a_server")

    def test_something_else_at_the_url(self):
        a, _, _ = self.shared()
        a.server = self.server.url + "/elsewhere"
        self.assertEqual(a("sync", code=1)["error"]["code"], "absent")


class Running(Case):
    def setUp(self):
        super().setUp()
        self.stalled = StalledServer()
        self.addCleanup(self.stalled.close)

    def test_who_syncs_is_shown_and_holds_others_off_and_a_signal_ends_it(self):
        a = Device(self.scene, "a", self.stalled.url)
        a.add("x")
        for how in (signal.SIGTERM, signal.SIGINT):
            first = a.start("sync", "--json")
            self.assertTrue(self.stalled.asked.acquire(timeout=WAIT))
            holder = f"tasks sync, process {first.pid}"
            self.assertEqual(a("status")["lease"]["holder"], holder)
            busy = a("sync", code=3)
            self.assertEqual((busy["error"]["code"], busy["skipped"]), ("busy", True))
            self.assertIn(holder, busy["error"]["message"])
            a.add("while it syncs")
            first.send_signal(how)
            self.assertEqual(first.wait(WAIT), 3)
            self.assertEqual(json.loads(first.stdout.read())["error"]["code"], "cancelled")
            self.assertIsNone(a("status")["lease"])
        queue = a("status")["queue"]
        self.assertEqual(queue["open"] + queue["frozen"], 3)
        server = self.scene.serve()
        a.server = server
        self.assertEqual(a("sync")["pushed"], 3)

    def test_again_and_again_until_stopped(self):
        server = self.scene.serve()
        a = Device(self.scene, "a", server)
        b = Device(self.scene, "b", server)
        a.add("first")
        daemon = a.start("sync", "--every", "1h", "--json")
        self.assertEqual(daemon.stderr.readline(), "sent 1, received 0\n")
        a.add("second")  # by another process: noticed, and sent at once
        self.assertEqual(daemon.stderr.readline(), "sent 1, received 0\n")
        out, _ = self.scene.stop(daemon)
        self.assertEqual(daemon.returncode, 0)
        last = json.loads(out)
        self.assertEqual((last["command"], last["exit"], last["error"]), ("sync", 0, None))
        self.assertGreaterEqual(last["syncs"], 2)
        # On a machine that is busy with other things one more may have looked, and found nothing to send.
        self.assertEqual(last["last"]["pushed"], 1 if last["syncs"] == 2 else 0)
        self.assertEqual(b("sync")["pulled"], 2)
        self.assertIsNone(a("status")["lease"])

    def test_the_interval_itself(self):
        server = self.scene.serve()
        a = Device(self.scene, "a", server)
        daemon = a.start("sync", "--every", "1s")
        for _ in range(3):
            self.assertEqual(daemon.stderr.readline(), "sent 0, received 0\n")
        out, _ = self.scene.stop(daemon, signal.SIGINT)
        self.assertEqual(daemon.returncode, 0)
        self.assertIn("stopped after", out)

    def test_again_and_again_without_the_server_ends_as_a_failure(self):
        a = Device(self.scene, "a", "http://127.0.0.1:1")
        a.add("x")
        daemon = a.start("sync", "--every", "1h", "--json")
        self.assertIn("cannot be reached", daemon.stderr.readline())
        out, _ = self.scene.stop(daemon)
        self.assertEqual(daemon.returncode, 3)
        self.assertEqual(json.loads(out)["error"]["code"], "unavailable")


if __name__ == "__main__":
    Case.program = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
