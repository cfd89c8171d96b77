"""Cases of the bundle wire, and of both wires on one list."""

from case import Case
from scene import Device


class Wires(Case):
    def pair(self, *words, wires=("bundle", "bundle")):
        devices = self.two_devices(*words)
        for device, wire in zip(devices, wires):
            device.words = ("--wire", wire)
        return devices

    def sync(self, device, *words, code=0):
        return device("sync", *device.words, *words, code=code)

    def check_one_list(self, *wires):
        a, b = self.pair(wires=wires)
        key = a.add("Paint the door", "--priority", "2", "--due", "2025-12-31")
        gone = a.add("Nothing")
        self.assertEqual(self.sync(a)["pushed"], 2)
        self.sync(b)
        self.assert_same(a, b)
        b("edit", key, "--note", "blue")
        b("rm", gone)
        a("edit", key, "--title", "Paint the gate")
        self.sync(b)
        self.sync(a)
        self.sync(b)
        self.assert_same(a, b)
        self.assertEqual((a.tasks()[key]["title"], a.tasks()[key]["note"]), ("Paint the gate", "blue"))
        self.assertNotIn(gone, a.tasks())
        self.assert_settled(a, b)

    def test_devices_of_the_bundle_wire_share_one_list(self):
        self.check_one_list("bundle", "bundle")

    def test_devices_of_both_wires_share_one_list(self):
        self.check_one_list("mutation", "bundle")

    def test_devices_of_both_wires_share_one_list_the_other_way_round(self):
        self.check_one_list("bundle", "mutation")

    def test_on_the_bundle_wire_the_device_decides_and_asks_a_person_by_default(self):
        a, b = self.pair()
        key = a.add("Paint the door")
        self.sync(a)
        self.sync(b)
        a("edit", key, "--title", "of a")
        b("edit", key, "--title", "of b")
        self.sync(a)
        self.assertEqual(self.sync(b, code=1)["waiting"], 1)
        self.assertIn(key, b.waiting())
        self.assertEqual(b.tasks()[key]["title"], "of b")
        b("resolve", key, "--take", "client")
        self.sync(b)
        self.sync(a)
        self.assert_same(a, b)
        self.assertEqual(a.tasks()[key]["title"], "of b")
        self.assert_settled(a, b)

    def check_rule(self, rule, stands):
        a, b = self.pair()
        key = a.add("Paint the door")
        self.sync(a)
        self.sync(b)
        a("edit", key, "--title", "of a")
        b("edit", key, "--title", "of b")
        self.sync(a)
        self.sync(b, "--on-conflict", rule)
        self.sync(a)
        self.assert_same(a, b)
        self.assertEqual(b.tasks()[key]["title"], stands)

    def test_on_the_bundle_wire_the_server_may_win(self):
        self.check_rule("server", "of a")

    def test_on_the_bundle_wire_the_device_may_win(self):
        self.check_rule("client", "of b")

    def test_on_the_mutation_wire_a_device_decides_nothing(self):
        error = self.device("a", "http://127.0.0.1:1")("sync", "--on-conflict", "client", code=2)["error"]
        self.assertEqual(error["code"], "server_decides")

    def test_a_list_keeps_to_the_wire_it_has_synced_by(self):
        a, b = self.pair()
        a.add("x")
        self.sync(a)
        a.add("y")
        a("sync")  # it is remembered
        error = a("sync", "--wire", "mutation", code=2)["error"]
        self.assertEqual(error["code"], "other_wire")
        self.assertIn("bundle", error["message"])
        b("sync")
        self.assertEqual(b("sync", *b.words, code=2)["error"]["code"], "other_wire")
        self.assert_same(a, b)

    def test_a_server_speaks_the_wires_that_it_was_told(self):
        server = self.scene.serve("--wire", "mutation")
        a = self.device("a", server)
        a.add("x")
        self.assertNotEqual(a.run("sync", "--wire", "bundle", "--json").returncode, 0)
        c = self.device("c", server)
        c.add("x")
        self.assertEqual(c("sync", "--wire", "mutation")["pushed"], 1)
        other = self.scene.serve("--wire", "bundle", file="other.db")
        b = self.device("b", other)
        b.add("x")
        self.assertNotEqual(b.run("sync", "--json").returncode, 0)
        d = self.device("d", other)
        d.add("x")
        self.assertEqual(d("sync", "--wire", "bundle")["pushed"], 1)

    def test_wrong_wires_are_said(self):
        a = self.device("a", "http://127.0.0.1:1")
        for words in (["sync", "--wire", "pigeon"], ["pull", "--wire", "both"], ["serve", "s.db", "--allow-anonymous", "--wire", "none"],
                      ["sync", "--wire", "bundle", "--on-conflict", "guess"]):
            with self.subTest(words):
                self.assertIn(words[-2], a(*words, code=2)["error"]["message"])

    def test_a_bundle_device_syncs_until_stopped(self):
        a, b = self.pair()
        key = a.add("x")
        running = a.start("sync", *a.words, "--every", "2h", "--json")
        self.assertIn("sent 1", running.stderr.readline())
        self.scene.stop(running)
        self.sync(b)
        self.assertIn(key, b.tasks())
