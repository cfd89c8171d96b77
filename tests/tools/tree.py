"""What the other tools share: where things are, and which headers a file reaches."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# A file that reaches one of these headers needs the thing on the left, and is built only where it was found.
NEEDS = {
    "json": ("nlohmann/",),
    "date": ("date/",),
    "sqlite": ("sqlite3.h",),
    "httplib": ("httplib.h",),
    "ssl": ("openssl/",),
    "zlib": ("zlib.h",),
    "cli11": ("CLI/",),
    "lmdb": ("lmdb.h",),
}
# Reaching one of these means that the program has threads and belongs under ThreadSanitizer, unless the line says that it is for a sleep only.
THREADS = ("thread", "future", "httplib.h")
SLEEP = re.compile(r"^#include <thread>  // sleeps, starts none$", re.M)


def read(path):
    return path.read_text(encoding="utf-8")


def without_comments(text):
    """The text with comments and the insides of string literals blanked, line numbers kept."""

    def blank(match):
        piece = match.group(0)
        if piece.startswith("/"):
            return re.sub(r"[^\n]", " ", piece)
        return piece

    # Raw strings first: they may hold anything.
    pattern = r'R"([^()\\ ]{0,16})\([\s\S]*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*[\s\S]*?\*/'
    return re.sub(pattern, blank, text)


def without_strings(text):
    """As `without_comments`, and with the insides of string literals blanked too."""
    text = without_comments(text)
    text = re.sub(
        r'R"([^()\\ ]{0,16})\([\s\S]*?\)\1"', lambda m: re.sub(r"[^\n]", " ", m.group(0)), text
    )
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


class Includes:
    """The include graph of one checkout; only the project's own files are followed."""

    def __init__(self, root=ROOT):
        self.root = root
        self._direct = {}
        self._reached = {}

    def direct(self, path):
        if path not in self._direct:
            found = []
            for match in INCLUDE.finditer(without_comments(SLEEP.sub("", read(path)))):
                found.append((match.group(2), self._resolve(path, match.group(2))))
            self._direct[path] = found
        return self._direct[path]

    def _resolve(self, path, name):
        for base in (path.parent, self.root / "include", self.root / "tests"):
            candidate = (base / name).resolve()
            if candidate.is_file() and self.root in candidate.parents:
                return candidate
        return None

    def reached(self, path):
        """Every name that `path` includes, itself or through the project's own files."""
        if path not in self._reached:
            names, todo, seen = set(), [path], {path}
            while todo:
                for name, target in self.direct(todo.pop()):
                    names.add(name)
                    if target and target not in seen:
                        seen.add(target)
                        todo.append(target)
            self._reached[path] = names
        return self._reached[path]

    def needs(self, path):
        names = self.reached(path)
        found = [need for need, heads in NEEDS.items() if any(n.startswith(heads) for n in names)]
        if any(n in THREADS for n in names):
            found.append("thread")
        return found


def reasons(root=ROOT):
    """The exceptions that somebody justified: {(rule, path): reason}."""
    found = {}
    path = root / "tests/lists/reasons.txt"
    if not path.is_file():
        return found
    for number, line in enumerate(read(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(None, 2)
        if len(parts) < 3:
            raise SystemExit(f"{path}:{number}: want `rule path reason`")
        found[(parts[0], parts[1])] = parts[2]
    return found
