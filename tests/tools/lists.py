#!/usr/bin/env python3
"""Writes and checks the lists that both build systems read (tests/lists/).

    lists.py --write    after adding, moving or removing a header, test or example
    lists.py --check    says what differs from the disk, and which header or test lacks its partner

headers.txt   path under include/, and what including it needs
tests.txt     program, kind, what it needs, path under tests/
examples.txt  program, kind, what it needs, path under examples/

`kind` is `catch` (test cases; all of one program are linked with support/catch_main.cpp), `main` (has a main of its own)
or `part` (linked into every program of its folder). Needs are found by following includes: json, date, sqlite, httplib,
ssl, zlib, cli11, lmdb, and thread for whatever starts threads; `throws` marks a header that needs exceptions (those of testing/ do without where there are none); `-` is nothing.
"""

import argparse
import difflib
import fnmatch
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, Includes, read, reasons, without_strings  # noqa: E402

PAIRED = ("support", "model", "change", "conflict", "storage", "engine", "transport", "wire", "testing")
# A folder with so few files of test cases goes into the program of the folder above it, if that has one: each program compiles the
# engines and stores once more. Not if only one of the two starts threads: what does is compiled and run for ThreadSanitizer too.
FEW = 4
# In a folder with so many, the files that start threads make a program of their own: under ThreadSanitizer each test takes several
# times as long, and tests without threads show it nothing.
MANY = 24
CATEGORIES = ("unit", "wire", "property", "faults", "simulation")
MAIN = re.compile(r"^\s*(?:auto|int)\s+main\s*\(", re.M)


class Lists:
    def __init__(self, root=ROOT):
        self.root = root
        self.includes = Includes(root)

    def _sources(self, folder, pattern):
        base = self.root / folder
        return sorted(p for p in base.rglob(pattern) if p.is_file()) if base.is_dir() else []

    def _row(self, *columns):
        return " ".join(columns)

    def _needs(self, path, extra=()):
        return ",".join([*self.includes.needs(path), *extra]) or "-"

    def headers(self):
        base = self.root / "include"
        rows = []
        for path in self._sources("include/syncline", "*.hpp"):
            throws = re.search(r"\bthrow\b", without_strings(read(path))) is not None and "testing" not in path.parts
            rows.append(self._row(path.relative_to(base).as_posix(), self._needs(path, ["throws"] if throws else [])))
        return rows

    def _kind(self, path):
        if MAIN.search(without_strings(read(path))):
            return "main"
        return "catch" if path.name.endswith(".test.cpp") else "part"

    def _program(self, relative, kind):
        """`unit.support` for a folder of test cases; `simulation.soak` for a file with a main."""
        folders = list(relative.parent.parts)
        if folders[0] == "unit" and len(folders) == 1:
            folders.append("top")
        while self._is_small(folders) and self._test_files(folders[:-1]) and self._threads(folders) == self._threads(folders[:-1]):
            folders.pop()
        if kind == "main":
            folders.append(relative.name.split(".")[0])
        elif len(self._test_files(folders)) > MANY and "thread" in self._needs(self.root / "tests" / relative).split(","):
            folders.append("threads")
        return ".".join(folders)

    def _test_files(self, folders):
        return [*self.root.joinpath("tests", *folders).glob("*.test.cpp")]

    def _threads(self, folders):
        return any("thread" in self._needs(path).split(",") for path in self._test_files(folders))

    def _is_small(self, folders):
        return len(folders) > 1 and 0 < len(self._test_files(folders)) <= FEW

    def tests(self):
        base = self.root / "tests"
        rows = []
        for category in CATEGORIES:
            for path in self._sources(f"tests/{category}", "*.cpp"):
                relative, kind = path.relative_to(base), self._kind(path)
                rows.append(self._row(self._program(relative, kind), kind, self._needs(path), relative.as_posix()))
        return sorted(rows)

    def examples(self):
        base = self.root / "examples"
        rows = []
        for path in self._sources("examples", "*.cpp"):
            relative, kind = path.relative_to(base), self._kind(path)
            parts = list(relative.parent.parts) + ([relative.stem] if kind == "main" else [])
            if kind == "catch":
                continue
            rows.append(self._row(".".join(["example", *parts]), kind, self._needs(path), relative.as_posix()))
        return sorted(rows)

    def umbrella(self):
        """syncline.hpp: everything but adapters/, observe/, testing/ and what needs exceptions."""
        lines = [
            "#ifndef SYNCLINE_SYNCLINE_HPP",
            "#define SYNCLINE_SYNCLINE_HPP",
            "",
            "/// Everything but adapters/, observe/, testing/ and the one header that throws.",
            "",
        ]
        for row in self.headers():
            path, needs = row.split()
            folder = path.split("/")[1]
            if folder in ("adapters", "observe", "testing", "syncline.hpp") or "throws" in needs.split(","):
                continue
            lines.append(f"#include <{path}>")
        return [*lines, "", "#endif"]

    def all(self):
        # The umbrella first: what it reaches decides its own row in headers.txt.
        return {
            "include/syncline/syncline.hpp": self.umbrella,
            "tests/lists/headers.txt": self.headers,
            "tests/lists/tests.txt": self.tests,
            "tests/lists/examples.txt": self.examples,
        }

    def write(self):
        for name, make in self.all().items():
            path = self.root / name
            text = "".join(f"{line}\n" for line in make())
            if path.is_file() and read(path) == text:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self.includes = Includes(self.root)
            print(f"wrote {name}")

    def problems(self):
        found = []
        for name, make in self.all().items():
            path = self.root / name
            have = read(path).splitlines() if path.is_file() else []
            want = make()
            if have != want:
                found.append(f"{name} differs from the disk (run tests/tools/lists.py --write):")
                found += [f"    {line}" for line in difflib.unified_diff(have, want, "list", "disk", "", "", 0, "")][:20]
        return found + self.unpaired()

    def unpaired(self):
        excused = reasons(self.root)
        used, found = set(), []

        def report(rule, path, text):
            why = next((key for key in excused if key[0] == rule and fnmatch.fnmatchcase(path, key[1])), None)
            if why:
                used.add(why)
            else:
                found.append(text)

        for row in self.headers():
            path = row.split()[0]
            stem = path.removeprefix("syncline/").removesuffix(".hpp")
            if stem.split("/")[0] in PAIRED and not (self.root / f"tests/unit/{stem}.test.cpp").is_file():
                report("no-test", path, f"include/{path}: no tests/unit/{stem}.test.cpp")
        for row in self.tests():
            _, kind, _, path = row.split()
            if not path.startswith("unit/") or kind == "part":
                continue
            stem = path.removeprefix("unit/").removesuffix(".test.cpp")
            header = f"syncline/{stem}.hpp"
            if not (self.root / "include" / header).is_file():
                report("no-header", path, f"tests/{path}: no include/{header}")
                continue
            first = self.includes.direct(self.root / "tests" / path)
            if not first or first[0][0] != header:
                report("first-include", path, f"tests/{path}: its first include is not <{header}>")
        for rule, path in excused:
            if rule in ("no-test", "no-header", "first-include") and (rule, path) not in used:
                found.append(f"tests/lists/reasons.txt: `{rule} {path}` excuses nothing any more")
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true")
    mode.add_argument("--check", action="store_true")
    lists = Lists()
    if parser.parse_args().write:
        lists.write()
        return 0
    found = lists.problems()
    print("\n".join(found) if found else "lists: in step with the disk")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
