"""The progress bar of tasks sync, push and pull."""

import json
import os
import pty
import select
import signal
import subprocess
import time

from case import Case
from scene import WAIT, StalledServer

__all__ = ["Progress", "ProgressOfASilentServer"]

WIPE = "\r\x1b[K"


class Terminal:
    """A terminal for the stderr of one process."""

    def __init__(self, case, device, *words):
        self.master, slave = pty.openpty()
        case.addCleanup(os.close, self.master)
        self.process = subprocess.Popen(
            [case.program, *words], cwd=case.scene.folder, env={**case.scene.environment(device.environment()), "TERM": "xterm"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave,
        )
        os.close(slave)
        case.scene.processes.append(self.process)
        self.shown = ""

    def read(self, until=None):
        """Reads until @p until was shown, or all that is. @return everything that was shown"""
        end = time.monotonic() + WAIT
        while until is None or until not in self.shown:
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{until!r} was not shown, but {self.shown!r}")
            try:
                got = os.read(self.master, 4096)
            except OSError:  # the process has ended
                got = b""
            if not got:
                assert until is None or until in self.shown, (until, self.shown)
                break
            self.shown += got.decode()
        return self.shown

    def end(self):
        """@return (all that was shown, stdout, exit code)"""
        shown = self.read()
        out = self.process.communicate(timeout=WAIT)[0].decode()
        return shown, out, self.process.returncode


class Progress(Case):
    bar = WIPE + "sending [########............] 100 of 250"

    def setUp(self):
        super().setUp()
        self.a, self.b = self.two_devices()
        self.a("import", "-", stdin=json.dumps([{"title": f"Task {i}"} for i in range(250)]))

    def on_terminal(self, *words):
        """What a sync shows on a terminal."""
        shown, _, code = Terminal(self, self.a, "sync", *words).end()
        self.assertEqual(code, 0)
        return shown

    def test_a_terminal_shows_a_long_sync(self):
        shown = self.on_terminal("--progress-after", "0")
        self.assertIn(self.bar, shown)
        self.assertTrue(shown.endswith(WIPE), shown)

    def test_a_terminal_shows_no_short_sync(self):
        self.assertEqual(self.on_terminal("--progress-after", "86400"), "")

    def test_a_terminal_shows_none_where_none_is_wanted(self):
        self.assertEqual(self.on_terminal("--progress-after", "0", "--progress", "never"), "")

    def test_a_terminal_shows_none_with_json(self):
        shown, out, code = Terminal(self, self.a, "sync", "--json", "--progress-after", "0").end()
        self.assertEqual((shown, json.loads(out)["pushed"], code), ("", 250, 0))

    def test_a_script_sees_none_but_where_it_asks(self):
        self.assertEqual(self.a.run("pull", "--progress-after", "0").stderr, "")
        shown = self.a.run("sync", "--progress-after", "0", "--progress", "always")
        self.assertEqual(shown.stdout, "sent 250, received 0\n")
        self.assertIn(self.bar, shown.stderr)

    def test_what_a_bar_does_not_go_with_is_refused(self):
        both = self.a("sync", "--progress", "always", code=2)["error"]
        self.assertIn("--progress", both["message"])
        for words in (["--progress", "always"], ["--progress", "never"], ["--progress-after", "5"]):
            refused = self.a.run("sync", "--every", "1h", *words)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""))
            self.assertIn("--every: says a line for each sync and has no bar; leave --progress and --progress-after out", refused.stderr)
        self.assertEqual(self.a("status")["queue"]["open"], 250)  # none of them synced


class ProgressOfASilentServer(Case):
    def setUp(self):
        super().setUp()
        self.stalled = StalledServer()
        self.addCleanup(self.stalled.close)
        self.a = self.device("a", self.stalled.url)
        self.a.add("x")

    def test_the_bar_comes_while_the_first_request_hangs_and_moves_on_and_goes(self):
        terminal = Terminal(self, self.a, "sync")
        self.assertTrue(self.stalled.asked.acquire(timeout=WAIT))
        terminal.read(until=WIPE + "sending [....................] 0 of 1, 1 second")
        terminal.read(until=WIPE + "sending [....................] 0 of 1, 2 seconds")
        self.stalled.go_on.set()
        shown, _, code = terminal.end()
        self.assertEqual(code, 3)
        before, _, after = shown.rpartition(WIPE)
        self.assertIn("sending", before)
        self.assertTrue(after.startswith("tasks sync: syncing with"), shown)  # on a line that is empty again

    def test_a_signal_takes_the_bar_away_too(self):
        terminal = Terminal(self, self.a, "pull", "--progress-after", "0")
        terminal.read(until=WIPE + "receiving, 0 tasks so far")
        self.assertTrue(self.stalled.asked.acquire(timeout=WAIT))
        terminal.process.send_signal(signal.SIGINT)
        shown, _, code = terminal.end()
        self.assertEqual(code, 3)
        self.assertTrue(shown.rpartition(WIPE)[2].startswith("tasks pull: syncing with"), shown)

    def test_none_comes_where_no_terminal_is(self):
        process = self.a.start("sync", "--progress-after", "0")
        self.assertTrue(self.stalled.asked.acquire(timeout=WAIT))
        _, err = self.scene.stop(process)
        self.assertEqual(process.returncode, 3)
        self.assertTrue(err.startswith("tasks sync: syncing with"), err)
