"""What the cases of main.py play on: real processes of the server in scratch folders, on free ports, and tokens signed as their issuer would."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

WAIT = 120  # seconds until a process counts as hanging; no case waits for a time to pass
SECRET = "kB7q+vX2mZ0rT5yN8wL4pJ1sD6gF3hC9"

NOTES = "CREATE TABLE notes(id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, text TEXT, stars INTEGER NOT NULL DEFAULT 0)"


def url_text(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def token_of(claims, header=None, secret=SECRET):
    """A token with these parts, each JSON or bytes, signed with HMAC-SHA256 whatever the header says."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header or {"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(url_text(part) for part in parts)
    return signed + "." + url_text(hmac.new(secret if isinstance(secret, bytes) else secret.encode(), signed.encode(), hashlib.sha256).digest())


def token(user, seconds=3600, **claims):
    return token_of({"sub": user, "exp": int(time.time()) + seconds, **claims})


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A process that serves. Its log is read as it comes, so that it never waits for its reader."""

    def __init__(self, process, ready):
        self.process = process
        self.url = ready.removeprefix("ready ")
        self.port = urlsplit(self.url).port
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def logged(self, event, count=1):
        """Waits until the log has @p count lines of @p event. @return them"""
        def found():
            return [line for line in self.lines if line["event"] == event]
        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count or self.ended, WAIT) and len(found()) >= count, (event, self.lines)
            return found()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)

    def ask(self, method, path, body=None, bearer=None, headers=()):
        connection = self.connect()
        try:
            sent = dict(headers)
            if bearer is not None:
                sent["Authorization"] = "Bearer " + bearer
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def stop(self, how=signal.SIGTERM):
        """Ends it as a person would. @return (exit code, all lines of its log)"""
        self.process.send_signal(how)
        code = self.process.wait(WAIT)
        self.reader.join(WAIT)
        return code, self.lines


class Scene:
    def __init__(self, program):
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="server-"))
        self.servers = []
        self.secret = self.file("secret", SECRET + "\n", 0o600)

    def close(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.process.kill()
            server.process.wait()
            server.reader.join(WAIT)
            for pipe in (server.process.stdout, server.process.stderr):
                pipe.close()
        shutil.rmtree(self.folder)

    def file(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return str(path)

    def database(self, *statements, name="app.db"):
        db = sqlite3.connect(self.folder / name, timeout=WAIT)
        with db:
            for statement in statements:
                db.execute(statement)
        db.close()
        return name

    def rows(self, query, *values, name="app.db"):
        db = sqlite3.connect(self.folder / name, timeout=WAIT)
        try:
            return db.execute(query, values).fetchall()
        finally:
            db.close()

    def configuration(self, **members):
        """A configuration that is fine, with @p members in place of its own; None takes one away."""
        whole = {"database": "app.db", "tables": ["notes"], "owner": "user_id", "wires": {"mutation": {}, "bundle": {}}, "jwt": {"secret_file": "secret"}, **members}
        return {name: value for name, value in whole.items() if value is not None}

    def config_file(self, document, name="server.json"):
        return self.file(name, document if isinstance(document, (str, bytes)) else json.dumps(document))

    def run(self, *words, env=None, stdout=subprocess.PIPE):
        return subprocess.run([self.program, *words], cwd=self.folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, timeout=WAIT, check=False)

    def serve(self, *words, env=None):
        process = subprocess.Popen([self.program, *words], cwd=self.folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = process.stdout.readline().rstrip("\n")
        if not ready.startswith("ready "):
            process.wait(WAIT)
            said = process.stderr.read()
            process.stdout.close()
            process.stderr.close()
            raise AssertionError(f"does not serve: {ready!r} {said}")
        self.servers.append(Server(process, ready))
        return self.servers[-1]
