"""Who comes in: tokens as an enemy would make them, over HTTP."""

import json
import time

from case import Case
from scene import token, token_of, url_text

__all__ = ["Tokens"]


class Tokens(Case):
    def ask(self, server, bearer, **more):
        return server.ask("GET", "/sync/capabilities", None, bearer, {**self.source(), **more.get("headers", {})})

    def reason(self, server):
        with server.changed:
            return len(server.lines)

    def test_what_comes_in_and_what_does_not(self):
        server = self.serve()
        good = token("ann")
        now = int(time.time())
        claims = {"sub": "ann", "exp": now + 3600}
        self.assertEqual(self.ask(server, good).status, 200)
        head, body, signature = good.split(".")
        none = url_text(b'{"alg":"none","typ":"JWT"}')
        refused = {
            "no token": None,
            "empty": "",
            "two dots missing": head,
            "one dot missing": head + "." + body,
            "no signature": head + "." + body + ".",
            "a dot more": good + ".",
            "cut": good[:-1],
            "another signature": head + "." + body + "." + signature[::-1],
            "other claims under the signature": head + "." + url_text(json.dumps({**claims, "sub": "ben"}).encode()) + "." + signature,
            "none": none + "." + body + ".",
            "none with a signature": token_of(claims, {"alg": "none"}),
            "None": token_of(claims, {"alg": "None"}),
            "RS256 signed with the secret": token_of(claims, {"alg": "RS256"}),
            "HS512": token_of(claims, {"alg": "HS512"}),
            "hs256": token_of(claims, {"alg": "hs256"}),
            "no alg": token_of(claims, {"typ": "JWT"}),
            "two algs": token_of(claims, b'{"alg":"none","alg":"HS256"}'),
            "crit": token_of(claims, {"alg": "HS256", "crit": ["exp"]}),
            "another secret": token_of(claims, secret="another-secret-of-more-than-32-bytes!"),
            "an empty secret": token_of(claims, secret=b""),
            "no expiry": token_of({"sub": "ann"}),
            "expired": token_of({"sub": "ann", "exp": now - 31}),
            "expiry as a text": token_of({"sub": "ann", "exp": str(now + 60)}),
            "not yet": token_of({**claims, "nbf": now + 3600}),
            "no user": token_of({"exp": now + 60}),
            "empty user": token_of({**claims, "sub": ""}),
            "user with a NUL": token_of({**claims, "sub": "ann\0"}),
            "user as a list": token_of({**claims, "sub": ["ann"]}),
            "long user": token_of({**claims, "sub": "a" * 256}),
            "claims that are no object": token_of([1]),
            "claims that are no JSON": token_of(b"{"),
            "deep claims": token_of(b"[" * 3000),
            "standard base64": token_of({**claims, "x": "\u00ff?\u00ff?"}).replace("-", "+").replace("_", "/") + "=",
        }
        for name, bearer in refused.items():
            with self.subTest(name):
                answer = self.ask(server, bearer)
                self.assertEqual((answer.status, answer.json["error"]), (401, "authentication_failed"))
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        self.assertEqual(self.ask(server, good).status, 200)
        for name, line in (("basic", "Basic " + good), ("none", good), ("two words", "Bearer " + good + " x"), ("token", "Token " + good)):
            self.assertEqual(server.ask("GET", "/sync/capabilities", None, None, {"Authorization": line, **self.source()}).status, 401, name)
        code, lines = server.stop()
        self.assertEqual(code, 0)
        said = [line for line in lines if line.get("status") == 401]
        self.assertEqual(len(said), len(refused) + 4)
        for line in said:
            self.assertTrue(line["reason"])
            self.assertEqual((line["level"], "tenant" in line), ("warn", False))

    def test_the_leeway(self):
        server = self.serve(jwt={"secret_file": "secret", "leeway_seconds": 300})
        now = int(time.time())
        self.assertEqual(self.ask(server, token_of({"sub": "ann", "exp": now - 60})).status, 200)
        self.assertEqual(self.ask(server, token_of({"sub": "ann", "exp": now + 900, "nbf": now + 60})).status, 200)
        self.assertEqual(self.ask(server, token_of({"sub": "ann", "exp": now - 301})).status, 401)

    def test_tokens_that_never_expire_where_that_is_said(self):
        server = self.serve(jwt={"secret_file": "secret", "expiry_required": False})
        self.assertEqual(self.ask(server, token_of({"sub": "ann"})).status, 200)

    def test_issuer_audience_and_claim(self):
        server = self.serve(jwt={"secret_file": "secret", "issuer": "me", "audience": "sync", "user_claim": "uid"})
        exp = int(time.time()) + 60
        self.assertEqual(self.ask(server, token_of({"uid": "ann", "exp": exp, "iss": "me", "aud": ["x", "sync"]})).status, 200)
        for claims in ({"iss": "you"}, {"aud": "x"}, {"iss": None}, {"aud": None}, {"uid": None, "sub": "ann"}):
            whole = {"uid": "ann", "exp": exp, "iss": "me", "aud": "sync", **claims}
            self.assertEqual(self.ask(server, token_of({k: v for k, v in whole.items() if v is not None})).status, 401, claims)

    def test_users_that_are_not_among_those_who_may(self):
        server = self.serve(jwt={"secret_file": "secret", "only_users": ["ann"]})
        self.assertEqual(self.ask(server, token("ann")).status, 200)
        for user in ("ben", "Ann", "ann "):
            answer = self.ask(server, token(user))
            self.assertEqual((answer.status, answer.json["error"]), (403, "forbidden"))

    def test_nothing_is_told_without_a_token(self):
        server = self.serve()
        for path in ("/", "/sync/capabilities", "/nothing", "/tether/pull", "/sync"):
            self.assertEqual(server.ask("GET", path).status, 401, path)

    def test_huge_and_broken_requests(self):
        server = self.serve(limits={"body_bytes": 2048, "head_bytes": 8192})
        bearer = token("ann")
        self.assertIn(self.ask(server, "x" * 7000).status, (400, 401, 431))
        self.assertIn(self.ask(server, bearer, headers={"X-Many": "y" * 8000}).status, (400, 431))
        self.assertIn(self.ask(server, bearer, headers={f"X-{i}": "y" * 100 for i in range(200)}).status, (400, 431))
        answer = server.ask("POST", "/sync/push-sessions", b"{" + b" " * 3000 + b"}", bearer, self.source())
        self.assertEqual((answer.status, answer.json["error"]), (413, "request_too_large"))
        self.assertEqual(server.ask("GET", "/" + "a" * 2000, None, bearer).status, 414)
        for body in (b"", b"{", b"[" * 2000, b"\xff", b"null"):
            self.assertIn(server.ask("POST", "/sync/push-sessions", body, bearer, self.source()).status, (400, 413, 422), body[:10])
        self.assertEqual(self.ask(server, bearer).status, 200)
