"""The process: it begins, serves, is asked to stop, and finishes what it was doing."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess

from case import Case
from scene import WAIT, token

__all__ = ["Process", "Log", "Forgetting", "Restored", "Watching"]


def events_of(lines):
    """In their order, but for those that come whenever another thread is done."""
    return [line["event"] for line in lines if line["event"] != "retained"]


SLOW = json.dumps({"source_bundle_id": 1, "planned_row_count": 1}).encode()


def slow_request(case, server):
    """A request of ann's of which the server has all but the last byte of the body SLOW. @return its socket"""
    out = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)
    head = (f"POST /sync/push-sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token('ann')}\r\nOversync-Source-ID: slow\r\n"
            f"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {len(SLOW)}\r\n\r\n")
    out.sendall(head.encode())
    said = b""
    while b"\r\n\r\n" not in said:  # `100 Continue`: it is being read
        said += out.recv(4096)
    case.assertIn(b"100", said.splitlines()[0])
    out.sendall(SLOW[:-1])
    return out


def ends_after(case, server, slow):
    """The rest of a request that was on its way comes, and is answered; then the server ends."""
    case.assertIsNone(server.process.poll())
    slow.sendall(SLOW[-1:])
    said = answered(slow)
    case.assertTrue(said.startswith(b"HTTP/1.1 200 "), said)
    case.assertIn(b'"push_id"', said)
    case.assertEqual(server.process.wait(WAIT), 0)
    server.reader.join(WAIT)


def answered(out):
    said = b""
    while piece := out.recv(4096):
        said += piece
    out.close()
    return said


class Process(Case):
    def test_the_line_that_tells_where_it_listens(self):
        server = self.serve()
        self.assertRegex(server.url, r"^http://127\.0\.0\.1:\d+$")
        self.assertGreater(server.port, 0)
        self.assertEqual(server.logged("ready")[0]["url"], server.url)
        self.assertEqual(self.pull(server, "ann"), [])

    def test_a_port_that_is_taken(self):
        server = self.serve()
        done = self.scene.run(self.scene.config_file(self.scene.configuration(listen={"port": server.port}), "second.json"))
        self.assert_refused(done, f"cannot listen on 127.0.0.1:{server.port}", code=3)

    def test_it_stops_as_asked(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            server = self.serve()
            self.push_rows(server, "ann", [self.note(how.name, text="t", stars=1)], source=how.name)
            code, lines = server.stop(how)
            self.assertEqual(code, 0)
            self.assertEqual(events_of(lines)[-2:], ["stopping", "stopped"])
            self.assertEqual(server.process.stdout.read(), "")
        self.assertEqual(len(self.scene.rows("SELECT * FROM notes")), 2)

    def test_a_request_in_flight_is_answered_before_it_ends(self):
        server = self.serve()
        self.connect(server, "ann")
        slow = slow_request(self, server)
        server.process.send_signal(signal.SIGTERM)
        server.logged("stopping")
        ends_after(self, server, slow)
        self.assertEqual(events_of(server.lines)[-3:], ["stopping", "request", "stopped"])
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)

    def test_a_second_signal_ends_it_at_once(self):
        server = self.serve()
        self.connect(server, "ann")
        slow = slow_request(self, server)
        server.process.send_signal(signal.SIGTERM)
        server.logged("stopping")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(WAIT), -signal.SIGTERM)
        slow.close()

    def test_what_was_committed_is_there_after_it_was_killed(self):
        server = self.serve()
        self.assertEqual(self.push_rows(server, "ann", [self.note("n", text="t", stars=1)]).status, 200)
        server.process.kill()
        server.process.wait(WAIT)
        again = self.serve()
        self.assertEqual([row["key"]["id"] for row in self.pull(again, "ann")], ["n"])

    def test_nobody_would_learn_of_the_port(self):
        path = self.scene.config_file(self.scene.configuration())
        with open("/dev/full", "w", encoding="ascii") as full:
            done = self.scene.run(path, stdout=full)
        self.assertEqual(done.returncode, 5)
        self.assertIn("cannot be written to the standard output", done.stderr)
        closed = subprocess.run(["sh", "-c", 'exec "$0" "$1" >&-', self.program, path], cwd=self.scene.folder, stderr=subprocess.PIPE, timeout=WAIT, check=False)
        self.assertEqual(closed.returncode, 5)

    def test_it_serves_https(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k.pem", "-out", "c.pem",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], cwd=self.scene.folder, check=True, capture_output=True)
        os.chmod(self.scene.folder / "k.pem", 0o600)
        server = self.serve(listen={"tls": {"certificate": "c.pem", "key": "k.pem"}})
        self.assertTrue(server.url.startswith("https://127.0.0.1:"))
        server.connect = lambda: http.client.HTTPSConnection("127.0.0.1", server.port, timeout=WAIT, context=ssl.create_default_context(cafile=self.scene.folder / "c.pem"))
        self.assertEqual(self.push_rows(server, "ann", [self.note("n", text="t", stars=1)]).status, 200)
        self.assertEqual(server.stop()[0], 0)

    def test_a_database_that_another_program_holds(self):
        other = sqlite3.connect(self.scene.folder / "app.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        done = self.scene.run(self.scene.config_file(self.scene.configuration()))
        self.assertEqual((done.returncode, done.stdout), (3, ""), done.stderr)
        other.execute("ROLLBACK")
        other.close()

    def test_a_database_that_is_a_devices(self):
        self.scene.database("CREATE TRIGGER syncline_replica_notes_insert AFTER INSERT ON notes BEGIN SELECT 1; END")
        done = self.check()
        self.assertEqual(done.returncode, 2, done.stderr)


class Log(Case):
    def test_a_request_is_a_line_and_holds_no_secret(self):
        server = self.serve(log={"level": "debug"})
        bearer = token("ann.the.user")
        self.push_rows(server, "ann.the.user", [self.note("n", text="a private note", stars=1)])
        server.ask("GET", f"/sync/{bearer}?token={bearer}", None, bearer)
        server.ask("GET", f"/sync/pull?token={bearer}", None, bearer + "x", self.source())
        server.ask("GET", '/"\\%00%0a{"a":1}', None, bearer)
        server.ask("GET", "/" + "a/" * 500, None, bearer)
        self.pull(server, "ben.the.user", source="device-2")
        code, lines = server.stop()
        self.assertEqual(code, 0)
        text = json.dumps(lines)
        for secret in (bearer, bearer.split(".")[1], bearer.split(".")[2], "private note", "the.user", "Bearer", "kB7q", "token="):
            self.assertNotIn(secret, text)
        requests = [line for line in lines if line["event"] == "request"]
        for line in requests:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertLessEqual({"level", "method", "path", "status", "duration_us", "bytes_in", "bytes_out"}, set(line))
            self.assertLessEqual(len(line["path"]), 256)
        first = requests[0]
        self.assertEqual((first["method"], first["path"], first["status"], first["level"]), ("POST", "/sync/connect", 200, "info"))
        self.assertEqual(requests[4]["path"], "/sync/...")
        tenants = {line["tenant"] for line in requests if "tenant" in line}
        self.assertEqual(len(tenants), 2)
        for tag in tenants:
            self.assertRegex(tag, r"^[0-9a-f]{12}$")
        [push] = [line for line in lines if line["event"] == "push"]
        self.assertEqual((push["applied"], push["tenant"]), (1, first["tenant"]))
        self.assertTrue(any(line["event"] == "pull" for line in lines))
        again = self.serve()
        self.pull(again, "ann.the.user")
        self.assertEqual(again.logged("request")[0]["tenant"], first["tenant"])

    def test_levels(self):
        for level, events in (("error", set()), ("warn", {401}), ("info", {200, 401})):
            server = self.serve(log={"level": level})
            self.pull(server, "ann")
            server.ask("GET", "/sync/pull")
            _, lines = server.stop()
            self.assertEqual({line["status"] for line in lines if line["event"] == "request"}, events)


class Forgetting(Case):
    def test_history_that_nobody_needs_goes_where_that_is_said(self):
        server = self.serve(retention={"every_minutes": 0})
        for n in range(1, 6):
            self.assertEqual(self.push_rows(server, "ann", [self.note(f"n{n}", text="t", stars=1)], number=n).status, 200)
        self.assertEqual(len(self.pull(server, "ann")), 5)
        _, lines = server.stop()
        self.assertFalse([line for line in lines if line["event"].startswith("retention") or line["event"] == "retained"])
        server = self.serve(retention={"keep_bundles": 2, "device_days": 0})
        self.assertEqual(server.logged("retained")[0]["tenants"], 1)
        answer = server.ask("GET", "/sync/pull?after_bundle_seq=0", None, token("ann"), self.source())
        self.assertEqual((answer.status, answer.json["error"]), (409, "history_pruned"))
        self.assertEqual(server.ask("GET", "/sync/pull?after_bundle_seq=3", None, token("ann"), self.source()).status, 200)
        self.assertEqual(len(self.scene.rows("SELECT * FROM notes")), 5)


class Restored(Case):
    def test_a_new_incarnation_is_begun_once(self):
        server = self.serve()
        self.push_rows(server, "ann", [self.note("n", text="t", stars=1)])
        server.stop()
        epoch = "SELECT value FROM syncline_authority_meta WHERE name = 'epoch'"
        before = self.scene.rows(epoch)
        self.serve().stop()
        self.assertEqual(self.scene.rows(epoch), before)
        server = self.serve("--restored")
        self.assertNotEqual(self.scene.rows(epoch), before)
        answer = server.ask("GET", "/sync/pull?after_bundle_seq=1", None, token("ann"), {**self.source()})
        self.assertNotEqual(answer.body, b"")
        self.assertEqual([row["key"]["id"] for row in self.scene_rows(server)], ["n"])

    def scene_rows(self, server):
        made = server.ask("POST", "/sync/snapshot-sessions", None, token("ann"), self.source("device-9"))
        self.assertEqual(made.status, 200, made.body)
        page = server.ask("GET", f"/sync/snapshot-sessions/{made.json['snapshot_id']}?after_row_ordinal=0", None, token("ann"), self.source("device-9"))
        self.assertEqual(page.status, 200, page.body)
        return page.json["rows"]


class Watching(Case):
    wires = {"bundle": {"watch": True}, "mutation": {}}

    def watch(self, server, user, source="device-1"):
        """@return its connection and what comes"""
        connection = server.connect()
        connection.request("GET", "/sync/watch?after_bundle_seq=0", None, {"Authorization": "Bearer " + token(user), "Accept": "text/event-stream", **self.source(source)})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Content-Type"].split(";")[0]), (200, "text/event-stream"))
        return connection, answer

    def next_seq(self, answer):
        while line := answer.readline():
            if line.startswith(b"data:") and b"bundle_seq" in line:
                return json.loads(line[5:])["bundle_seq"]
        return None

    def test_a_device_is_told_of_its_users_rows_and_the_stream_ends_when_the_server_does(self):
        server = self.serve(wires=self.wires)
        for user in ("ann", "ben"):
            self.connect(server, user)
        connection, answer = self.watch(server, "ann")
        self.assertEqual(self.push_rows(server, "ben", [self.note("b", text="t", stars=1)], source="device-2").status, 200)
        self.assertEqual(self.push_rows(server, "ann", [self.note("a1", text="t", stars=1)], source="device-3").status, 200)
        self.assertEqual(self.next_seq(answer), 1)
        self.assertEqual(self.push_rows(server, "ann", [self.note("a2", text="t", stars=1)], number=2, source="device-3").status, 200)
        self.assertEqual(self.next_seq(answer), 2)
        server.process.send_signal(signal.SIGTERM)
        self.assertIsNone(self.next_seq(answer))
        self.assertEqual(server.process.wait(WAIT), 0)
        connection.close()

    def test_a_shutdown_ends_streams_answers_what_has_begun_to_come_and_refuses_the_rest(self):
        server = self.serve(wires=self.wires)
        self.connect(server, "ann")
        connection, stream = self.watch(server, "ann")
        # Taken in before the one behind it, which is being read: whatever it asks is asked later.
        late = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT)
        slow = slow_request(self, server)
        server.process.send_signal(signal.SIGTERM)
        self.assertIsNone(self.next_seq(stream))  # it ends while the other request is still coming
        connection.close()
        late.sendall(f"GET /sync/pull?after_bundle_seq=0 HTTP/1.1\r\nAuthorization: Bearer {token('ann')}\r\nOversync-Source-ID: late\r\n\r\n".encode())
        refused = answered(late)
        self.assertTrue(refused.startswith(b"HTTP/1.1 503 "), refused)
        self.assertIn(b'"service_unavailable"', refused)
        self.assertIn(b"Retry-After: 5\r\n", refused)
        ends_after(self, server, slow)
        self.assertEqual(events_of(server.lines)[-4:], ["stopping", "request", "request", "stopped"])
        self.assertEqual([line["status"] for line in server.lines if line["event"] == "request"][-2:], [503, 200])

    def test_how_many_may_watch(self):
        self.assert_refused(self.check(wires=self.wires, limits={"threads": 8}), "`limits.watchers` is 8 with 8 `limits.threads`")
        server = self.serve(wires=self.wires, limits={"watchers_of_user": 1})
        self.connect(server, "ann")
        connection, _ = self.watch(server, "ann")
        refused = server.ask("GET", "/sync/watch?after_bundle_seq=0", None, token("ann"), self.source("device-2"))
        self.assertEqual(refused.status, 429)
        connection.close()

    def test_it_is_off_unless_asked_for(self):
        server = self.serve()
        self.connect(server, "ann")
        self.assertGreaterEqual(server.ask("GET", "/sync/watch?after_bundle_seq=0", None, token("ann"), self.source()).status, 400)
        self.assertFalse(server.ask("GET", "/sync/capabilities", None, token("ann"), self.source()).json["features"]["bundle_change_watch"])

    def test_the_pages_about_the_server(self):
        server = self.serve(listen={"status_pages": True})
        for page in ("/syncx/health", "/syncx/status"):
            answer = server.ask("GET", page)
            self.assertEqual((answer.status, answer.json["status"]), (200, "healthy"))
        server = self.serve()
        self.assertEqual(server.ask("GET", "/syncx/health").status, 401)
        self.assert_refused(self.check(listen={"status_pages": True}, wires={"bundle": {"prefix": "/syncx/sync"}}), "`/syncx/sync` is where `listen.status_pages` has its pages")
