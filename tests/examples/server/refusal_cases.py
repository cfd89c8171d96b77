"""Requests that are refused before anybody is asked who it is: they have a line in the log like all others."""

import socket

from case import Case
from scene import WAIT, token

__all__ = ["Refusals"]


class Refusals(Case):
    def say(self, server, *pieces):
        """Sends @p pieces and listens until the server closes. @return what it said"""
        with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT) as out:
            for piece in pieces:
                out.sendall(piece.encode())
            out.shutdown(socket.SHUT_WR)
            said = b""
            while got := out.recv(4096):
                said += got
            return said.decode()

    def requests(self, lines):
        return [line for line in lines if line["event"] == "request"]

    def test_what_is_too_large_or_no_http_has_a_line(self):
        server = self.serve(limits={"body_bytes": 2048, "head_bytes": 2048})
        head = "POST /sync/push-sessions?x=1 HTTP/1.1\r\nContent-Length: {}\r\n\r\n"
        path = "/" + "a/" * 600
        sent = [
            (head.format(10_000_000), 413, "POST", "/sync/push-sessions"),
            (head.format(3000) + "x" * 3000, 413, "POST", "/sync/push-sessions"),
            (f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n", 414, "GET", path[:256]),
            ("GET /long?" + "a" * 3000, 431, "GET", "/long"),
            ("GET /sync/pull HTTP/1.1\r\nX: " + "a" * 3000 + "\r\n\r\n", 400, "GET", "/sync/pull"),
            ("nonsense\r\n\r\n", 400, None, None),
            ("TRACE /sync HTTP/1.1\r\nConnection: close\r\n\r\n", 405, "TRACE", "/sync"),
        ]
        for number, (text, status, method, shown) in enumerate(sent, 1):
            said = self.say(server, text)
            self.assertTrue(said.startswith(f"HTTP/1.1 {status} "), said)
            line = server.logged("request", number)[-1]
            self.assertEqual((line["level"], line["status"], line.get("method"), line.get("path")), ("warn", status, method, shown))
            self.assertIn(f'"message":"{line["reason"]}"', said)
            self.assertEqual(line["bytes_out"], len(said.split("\r\n\r\n", 1)[1]))
            self.assertNotIn("tenant", line)
        code, lines = server.stop()
        self.assertEqual(code, 0)
        self.assertEqual(len(self.requests(lines)), len(sent))

    def test_no_token_stands_in_such_a_line(self):
        server = self.serve(limits={"head_bytes": 1024})
        bearer = token("ann.the.user")
        for text in (f"Authorization: Bearer {bearer}\r\n\r\n", f"{bearer}\r\n\r\n", f"GET {bearer} HTTP/1.1\r\n\r\n", f"GET /{bearer}\r\n\r\n",
                     f"GET http://{bearer}@host/ HTTP/1.1\r\n\r\n", f"GET /sync/pull?token={bearer} HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                     f"GET /x?token={bearer}{'a' * 2000}", "\x16\x03\x01\r\n\r\n"):
            self.say(server, text)
        _, lines = server.stop()
        self.assertEqual(len(self.requests(lines)), 8)
        text = repr(lines)
        for piece in (bearer, *bearer.split("."), "the.user", "Bearer", "token="):
            self.assertNotIn(piece, text)

    def test_the_level_holds_for_them_too(self):
        server = self.serve(log={"level": "error"})
        self.say(server, "nonsense\r\n\r\n")
        self.assertEqual(self.requests(server.stop()[1]), [])
