"""What the cases of main.py play on: real processes of the program in scratch folders, a real server on a free port."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path

WAIT = 120  # seconds until a process counts as hanging; no case waits for a time to pass

# What a document of each command holds beside command, exit and error, when the command was done.
COUNTS = {"pushed", "pulled", "conflicts", "refused", "set_aside", "lost", "rebuilt", "skipped", "decisions", "rejections", "unsent", "waiting"}
MEMBERS = {
    "add": {"tasks"}, "edit": {"tasks"}, "done": {"tasks"}, "rm": {"tasks"}, "list": {"tasks"},
    "import": {"added", "changed", "unchanged"},
    "sync": COUNTS, "push": COUNTS, "pull": COUNTS, "every": {"syncs", "last"},
    "status": {"queue", "cursor", "last_sync", "lease"},
    "conflicts": {"waiting", "aside"},
    "resolve": {"id", "unsent", "waiting"},
    "serve": {"url", "port"},
}


class Scene:
    def __init__(self, program):
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="tasks-"))
        self.processes = []

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        shutil.rmtree(self.folder)

    def environment(self, more=None):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKS_")}
        return {**clean, **(more or {})}

    def run(self, *words, env=None, stdin=""):
        done = subprocess.run(
            [self.program, *words], cwd=self.folder, env=self.environment(env), input=stdin.encode(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT, check=False,
        )
        # By hand, since text=True would make line ends of what returns the cursor.
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def start(self, *words, env=None, stdin=None):
        process = subprocess.Popen(
            [self.program, *words], cwd=self.folder, env=self.environment(env), stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.processes.append(process)
        return process

    def document(self, done, command, members=None):
        """The one document that a command printed; fails unless it is one, and of the shape that is promised."""
        lines = done.stdout.splitlines()
        assert len(lines) == 1, f"{command}: not one document: {done.stdout!r} {done.stderr!r}"
        out = json.loads(lines[0])
        assert out["command"] == command, out
        assert out["exit"] == done.returncode, (out, done.returncode)
        if out["error"] is not None:
            assert set(out["error"]) == {"code", "message"}, out
        else:
            wanted = {"command", "exit", "error"} | (MEMBERS[command] if members is None else members)
            assert set(out) == wanted, (set(out) ^ wanted, out)
        return out

    def serve(self, *words, file="server.db", users=("--user", "ann=secret", "--user", "ben=hidden")):
        process = self.start("serve", file, "--json", *users, *words)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        process.url = json.loads(line)["url"]
        return process

    def stop(self, process, how=signal.SIGTERM):
        """Ends a process as a person would. @return (what it still printed, its stderr)"""
        process.send_signal(how)
        return process.communicate(timeout=WAIT)


class Device:
    def __init__(self, scene, name, server=None, token="secret"):
        self.scene = scene
        self.file = f"{name}.db"
        self.server = server
        self.token = token

    def environment(self):
        env = {"TASKS_DB": self.file, "TASKS_TOKEN": self.token}
        if self.server:
            env["TASKS_SERVER"] = self.server.url if hasattr(self.server, "url") else self.server
        return env

    def run(self, *words, stdin=""):
        return self.scene.run(*words, env=self.environment(), stdin=stdin)

    def start(self, *words, stdin=None):
        return self.scene.start(*words, env=self.environment(), stdin=stdin)

    def __call__(self, command, *words, code=0, stdin=""):
        """Runs a command with --json and expects @p code. @return the document"""
        done = self.run(command, *words, "--json", stdin=stdin)
        out = self.scene.document(done, command)
        assert done.returncode == code, (command, words, out)
        assert done.stderr == "", done.stderr
        return out

    def add(self, title, *words):
        return self("add", title, *words)["tasks"][0]["id"]

    def tasks(self):
        return {task.pop("id"): task for task in self("list", "--all")["tasks"]}

    def titles(self):
        return sorted(task["title"] for task in self.tasks().values())

    def waiting(self, code=1):
        return {w["id"]: w for w in self("conflicts", code=code)["waiting"]}


class LoopbackServer:
    """Answers on a free port of this machine until it is closed."""

    def serve(self, handler):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class MeddlingServer(LoopbackServer):
    """Hands every request on to @p server, and its answers back as @p meddle(document) leaves them."""

    def __init__(self, server, meddle):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                left_out = ("host", "content-length", "connection", "accept-encoding")
                kept = {name: text for name, text in self.headers.items() if name.lower() not in left_out}
                try:
                    answer = urllib.request.urlopen(urllib.request.Request(server.url + self.path, body, kept), timeout=WAIT)
                except urllib.error.HTTPError as refused:
                    answer = refused
                with answer:
                    text, status, headers = answer.read(), answer.status, answer.headers.items()
                if text:
                    document = json.loads(text)
                    meddle(document)
                    text = json.dumps(document).encode()
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.serve(Handler)


class StalledServer(LoopbackServer):
    """Takes a request and answers it when it is told to, with 503."""

    def __init__(self):
        self.asked = threading.Semaphore(0)
        self.go_on = threading.Event()
        stalled = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                stalled.asked.release()
                stalled.go_on.wait(WAIT)
                try:
                    self.send_response(503)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # nobody waits any more

            def log_message(self, *_):
                pass

        self.serve(Handler)

    def close(self):
        self.go_on.set()
        super().close()
