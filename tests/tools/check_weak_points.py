#!/usr/bin/env python3
"""Each weak point of the mutation wire, W01 to W51, is a test that a mutant turns red, or a row in docs/parity.md.

A test is named after it when the name of its TEST_CASE holds the number, and a mutant notices it when it names such a case under `killed-by`.
The rows of docs/parity.md begin with `| W13 |` and say why it cannot occur here, or what a foreign peer can still lose. `--list` shows all.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, read  # noqa: E402

ALL = [f"W{n:02}" for n in range(1, 52)]
NUMBER = re.compile(r"\bW\d\d(?!\d)")
CASE = re.compile(r'TEST_CASE(?:_METHOD)?\(\s*(?:\w+,\s*)?"((?:[^"\\]|\\.)*)"')


def cases_of(root):
    """Every test case with a number in its name, as (path below the root, name)."""
    found = []
    for path in sorted((root / "tests").rglob("*.test.cpp")):
        for name in CASE.findall(read(path)):
            if NUMBER.search(name):
                found.append((str(path.relative_to(root)), name))
    return found


def killers_of(root):
    """What the mutants name, as (path below the root, part of a name)."""
    found = []
    for path in sorted((root / "tests" / "mutants").glob("*.patch")):
        for line in read(path).splitlines():
            if line.startswith("--- "):
                break
            if line.startswith("killed-by: "):
                source, _, case = line[len("killed-by: "):].partition(": ")
                found.append((source, case))
    return found


def noticed(cases, killers):
    """For each number the cases that some mutant turns red."""
    out = {}
    for source, name in cases:
        if any(source == where and part and part in name for where, part in killers):
            for number in NUMBER.findall(name):
                out.setdefault(number, []).append(name)
    return out


def missing(root):
    tests = noticed(cases_of(root), killers_of(root))
    rows = set(re.findall(r"^\| (W\d\d) \|", read(root / "docs" / "parity.md"), re.M))
    return tests, rows, [number for number in ALL if number not in tests and number not in rows]


def main():
    tests, rows, gaps = missing(ROOT)
    if "--list" in sys.argv:
        for number in ALL:
            print(number, "; ".join(tests.get(number, [])) or ("docs/parity.md" if number in rows else "-"))
    for number in gaps:
        print(f"{number}: no mutant turns a test of that name red, and docs/parity.md has no row that begins with `| {number} |`")
    if not gaps:
        print(f"check_weak_points: {len(tests)} of {len(ALL)} have a test that a mutant turns red, the others a row in docs/parity.md")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
