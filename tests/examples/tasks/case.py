"""What every case of the tasks example begins with."""

import sqlite3
import unittest

from scene import WAIT, Device, Scene


class Case(unittest.TestCase):
    program = ""  # set by main.py

    def setUp(self):
        self.scene = Scene(self.program)
        self.addCleanup(self.scene.close)

    def two_devices(self, *words):
        self.server = self.scene.serve(*words)
        return Device(self.scene, "a", self.server), Device(self.scene, "b", self.server, token="hidden")

    def shared(self, *words, title="Paint the door"):
        """Two devices that both have one task. @return both, and its id"""
        a, b = self.two_devices(*words)
        key = a.add(title)
        a("sync")
        b("sync")
        return a, b, key

    def sql(self, device, statement, *values):
        db = sqlite3.connect(self.scene.folder / device.file, timeout=WAIT)
        with db:
            db.execute(statement, values)
        db.close()

    def assert_same(self, a, b):
        self.assertEqual(a.tasks(), b.tasks())

    def assert_settled(self, *devices):
        for device in devices:
            queue = device("status")["queue"]
            self.assertEqual(set(queue.values()), {0}, queue)

    def device(self, name, server=None):
        return Device(self.scene, name, server)
