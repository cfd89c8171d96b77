"""Rows of the server's that a list does not show: who learns of them, and what can be done about them."""

import json
import shutil

from case import Case
from scene import MeddlingServer

__all__ = ["Quarantined", "Unread", "Lost"]


class Quarantined(Case):
    def refused(self):
        """Device b, whose own table has a rule that a row of the server's breaks."""
        a, b = self.two_devices()
        b.add("same", "--id", "mine")
        self.sql(b, "CREATE UNIQUE INDEX one_of_each ON task(title)")
        a.add("same", "--id", "theirs")
        a("sync")
        pulled = b("pull", code=1)
        self.assertEqual((pulled["set_aside"], pulled["waiting"]), (1, 1))
        return a, b

    def test_it_is_shown_and_counted(self):
        _, b = self.refused()
        found = b("conflicts", code=1)
        self.assertEqual(found["waiting"], [])
        [row] = found["aside"]
        self.assertEqual(set(row), {"id", "kind", "code", "reason", "server_version", "server", "client", "received", "text"})
        self.assertEqual((row["id"], row["kind"], row["code"], row["client"], row["received"]), ("theirs", "quarantined", "constraint", None, None))
        self.assertEqual(row["server"], {"title": "same", "done": False, "priority": 0, "due": None, "note": None})
        self.assertGreater(row["server_version"], 0)
        self.assertIn("UNIQUE constraint failed: task.title", row["reason"])
        shown = b.run("conflicts")
        self.assertEqual((shown.returncode, shown.stdout), (1, row["text"]))
        for words in ("this list cannot take it in: ", row["reason"], 'the server has: title "same", done false', "tasks resolve theirs --retry"):
            self.assertIn(words, shown.stdout)
        self.assertEqual(b("status", code=1)["queue"]["quarantined"], 1)
        self.assertIn("set aside:        1 of the server's rows  (see `tasks conflicts`)\n", b.run("status").stdout)
        self.assertIn("waiting for you: 1; see `tasks conflicts`\n", b.run("pull").stdout)

    def test_it_comes_in_when_nothing_stands_in_its_way_any_more(self):
        a, b = self.refused()
        b.server = "http://127.0.0.1:1"  # none of it needs a network
        again = b("resolve", "theirs", "--retry", code=1)["error"]
        self.assertEqual(again["code"], "constraint")
        self.assertIn("UNIQUE constraint failed", again["message"])
        b("edit", "mine", "--title", "other")
        b("resolve", "the", "--retry")
        self.assertEqual(b.titles(), ["other", "same"])
        self.assertEqual(b.run("conflicts").stdout, "nothing waits for you\n")
        b.server = self.server
        b("sync")
        a("sync")
        self.assert_same(a, b)
        self.assert_settled(a, b)

    def test_what_would_not_help_is_refused(self):
        _, b = self.refused()
        for words in (["--discard"], ["--take", "server"], ["--take", "client"], ["--take", "merged", "title=x"]):
            error = b("resolve", "theirs", *words, code=2)["error"]
            self.assertEqual(error["code"], "cannot_decide")
            self.assertIn("UNIQUE constraint failed", error["message"])
        self.assertEqual(len(b("conflicts", code=1)["aside"]), 1)

    def test_none_is_left_out_however_many_there_are(self):
        a, b = self.two_devices()
        items = [{"id": f"t{i}", "title": f"Task {i}"} for i in range(1100)]
        a("import", "-", stdin=json.dumps(items))
        a("sync")
        b.add("Own", "--id", "own")
        self.sql(b, "CREATE TRIGGER never BEFORE INSERT ON task BEGIN SELECT RAISE(ABORT, 'not here'); END")
        b("sync", code=1)
        self.assertEqual(len(b("conflicts", code=1)["aside"]), 1100)
        self.assertEqual(b("status", code=1)["queue"]["quarantined"], 1100)
        self.sql(a, "UPDATE task SET title = ''")
        a("sync", code=1)
        waiting = list(a.waiting())
        self.assertEqual(len(waiting), 1100)
        self.assertEqual(a("resolve", waiting[-1], "--discard")["waiting"], 1099)  # the last one is found, too


class Unread(Case):
    def received(self):
        """Device b, which is told a row that it cannot read. @return both, and what ends that"""
        server = self.scene.serve()
        odd = [True]

        def meddle(document):
            for row in document.get("snapshots", []) if isinstance(document, dict) else []:
                if odd[0] and row.get("entity_id") == "odd":
                    row["payload"]["priority"] = "high"

        between = MeddlingServer(server, meddle)
        self.addCleanup(between.close)
        a, b = self.device("a", server), self.device("b", between)
        a.add("Odd", "--id", "odd")
        a.add("Plain", "--id", "plain")
        a("sync")
        self.assertEqual(b("sync", code=1)["set_aside"], 1)
        self.assertEqual(list(b.tasks()), ["plain"])
        return a, b, odd.clear

    def test_it_is_shown_and_counted(self):
        _, b, _ = self.received()
        [row] = b("conflicts", code=1)["aside"]
        self.assertEqual((row["id"], row["kind"], row["server"], row["client"]), ("odd", "unread", None, None))
        self.assertIn("priority", row["reason"])
        self.assertIn('"high"', row["received"])
        shown = b.run("conflicts")
        self.assertEqual((shown.returncode, shown.stdout), (1, row["text"]))
        for words in ("in a form that this program cannot read: ", "it came as: ", '"high"', "tasks resolve odd --discard"):
            self.assertIn(words, shown.stdout)
        self.assertEqual(b("status", code=1)["queue"]["unread"], 1)
        self.assertIn("set aside:        1 of the server's rows  (see `tasks conflicts`)\n", b.run("status").stdout)

    def test_it_can_be_given_up(self):
        _, b, _ = self.received()
        for words in (["--retry"], ["--take", "server"], ["--take", "client"], ["--take", "merged", "title=x"]):
            error = b("resolve", "odd", *words, code=2)["error"]
            self.assertEqual(error["code"], "cannot_decide")
            self.assertIn("--discard", error["message"])
        self.assertEqual(b("resolve", "o", "--discard")["waiting"], 0)
        self.assertEqual(b("conflicts")["aside"], [])
        self.assert_settled(b)
        self.assertEqual(b("sync")["set_aside"], 0)


class Lost(Case):
    def restored(self):
        """A device whose server was put back from a backup after it had heard of a new row, an edit and a deletion."""
        self.server = self.scene.serve()
        a = self.device("a", self.server)
        for key in ("edited", "deleted"):
            a.add("Before", "--id", key)
        a("sync")
        self.scene.stop(self.server)
        shutil.copy(self.scene.folder / "server.db", self.scene.folder / "backup.db")
        a.server = self.server = self.scene.serve()
        a("edit", "edited", "--title", "After")
        a("rm", "deleted")
        a.add("After", "--id", "added")
        a("sync")
        self.scene.stop(self.server)
        for left in self.scene.folder.glob("server.db-*"):
            left.unlink()
        shutil.copy(self.scene.folder / "backup.db", self.scene.folder / "server.db")
        a.server = self.server = self.scene.serve("--restored")
        self.assertEqual(a("sync", code=1)["lost"], 3)
        return a

    def test_it_is_shown_and_counted(self):
        a = self.restored()
        rows = {row["id"]: row for row in a("conflicts", code=1)["aside"]}
        self.assertEqual({(row["kind"], row["code"]) for row in rows.values()}, {("lost", "lost_by_restore")})
        self.assertEqual([rows[k]["client"] and rows[k]["client"]["title"] for k in ("edited", "deleted", "added")], ["After", None, "After"])
        self.assertIn('it was: title "After"', rows["added"]["text"])
        self.assertEqual(a("status", code=1)["queue"]["lost"], 3)
        self.assertIn("lost by restore:  3  (see `tasks conflicts`)\n", a.run("status").stdout)

    def test_it_can_be_made_again_what_it_was(self):
        a = self.restored()
        self.assertEqual(a("resolve", "edited", "--retry", code=2)["error"]["code"], "cannot_decide")
        for n, key in enumerate(("edited", "deleted", "added")):
            self.assertEqual(a("resolve", key, "--take", "client")["waiting"], 2 - n)
        self.assertEqual(a("sync")["pushed"], 3)
        b = self.device("b", self.server)
        b("sync")
        self.assert_same(a, b)
        self.assertEqual({k: t["title"] for k, t in b.tasks().items()}, {"edited": "After", "added": "After"})
        self.assert_settled(a, b)

    def test_it_can_be_let_go(self):
        a = self.restored()
        for key, words in {"edited": ["--take", "server"], "deleted": ["--discard"], "added": ["--discard"]}.items():
            a("resolve", key, *words)
        self.assertEqual(a("sync")["pushed"], 0)
        self.assertEqual({k: t["title"] for k, t in a.tasks().items()}, {"edited": "Before", "deleted": "Before"})
        self.assert_settled(a)

    def test_a_change_that_waits_is_decided_about_before_a_row_of_the_same_task(self):
        a = self.restored()
        self.sql(a, "UPDATE task SET title = '' WHERE id = 'edited'")
        a("sync", code=1)
        found = a("conflicts", code=1)
        self.assertEqual(([w["id"] for w in found["waiting"]], len(found["aside"])), (["edited"], 3))
        a("resolve", "edited", "--discard")
        found = a("conflicts", code=1)
        self.assertEqual((found["waiting"], len(found["aside"])), ([], 3))
        a("resolve", "edited", "--discard")
        self.assertEqual(len(a("conflicts", code=1)["aside"]), 2)
