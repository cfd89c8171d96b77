#!/usr/bin/env python3
"""Every behaviour of go-oversync v0.2.1 that its own tests show, and every defect of it that is known, is shown here by a test or accounted for in docs/parity.md.

tests/lists/oversync_behaviours.txt has one to a line, under a heading `[group] how many`, and behind it its places, each after ` | `:
`tests/wire/a.test.cpp: part of a test's name` (of exactly one TEST_CASE or SECTION, or clause of a
kit in include/syncline/testing/; of a Python test the name of its function), or `parity: words that stand in
docs/parity.md`, in its part about that wire. `missing` is a place that is still to be written, and fails. `--list GROUP` shows a group, `--count` how many
there are of each kind.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, read  # noqa: E402

LIST = "tests/lists/oversync_behaviours.txt"
PAGE = "docs/parity.md"
SECTION = "## The bundle wire"
KIT = "include/syncline/testing/"
HEADING = re.compile(r"^\[(.+)\] (\d+)$")
CASE = re.compile(r'(?:TEST_CASE(?:_METHOD)?\(|SECTION\(|kit\.clause\(\s*"[^"]*",)\s*(?:\w+,\s*)?"((?:[^"\\]|\\.)*)"')
FUNCTION = re.compile(r"^[ \t]*def (\w+)\(", re.M)


def groups_of(text):
    """The list as [(group, announced number, [(behaviour, places)])]."""
    out = []
    for line in text.splitlines():
        heading = HEADING.match(line)
        if heading:
            out.append((heading.group(1), int(heading.group(2)), []))
        elif line.strip() and not line.startswith("#"):
            behaviour, *places = [part.strip() for part in line.split(" | ")]
            if not out:
                out.append(("", 0, []))
            out[-1][2].append((behaviour, places))
    return out


def words(text):
    return " ".join(text.split())


def section_of(page):
    """The part of the page that is about the bundle wire, with its white space as single blanks."""
    start = re.search("^" + re.escape(SECTION), page, re.M)
    if not start:
        return ""
    after = page[start.start():]
    end = re.search(r"^## ", after[len(SECTION):], re.M)
    return words(after[:len(SECTION) + end.start()] if end else after)


class Checkout:
    """What places may name, read once."""

    def __init__(self, root):
        self.root = root
        self.section = section_of(read(root / PAGE))
        self._names = {}

    def names_in(self, path):
        if path not in self._names:
            text = read(self.root / path)
            self._names[path] = FUNCTION.findall(text) if path.endswith(".py") else CASE.findall(text)
        return self._names[path]

    def problem_of(self, place):
        """What is wrong with a place, or nothing."""
        if place == "missing":
            return "is shown nowhere yet: write the test, or say in docs/parity.md how it is here"
        where, colon, name = place.partition(": ")
        if not colon or not name.strip():
            return f"has `{place}` for a place, which is neither `file: name` nor `parity: words`"
        if where == "parity":
            return None if words(name) in self.section else f"names words that {PAGE} does not have in `{SECTION}`: {name}"
        if not where.startswith(("tests/", KIT)) or not (self.root / where).is_file():
            return f"names {where}, which does not exist"
        found = [case for case in self.names_in(where) if name in case]
        if name in found:
            found = [name]
        if not found:
            return f"names a test of {where} that does not exist: {name}"
        return f"names {len(found)} tests of {where}: {name}" if len(found) > 1 else None


def problems(root):
    checkout, out, count = Checkout(root), [], 0
    for group, announced, behaviours in groups_of(read(root / LIST)):
        seen = set()
        if len(behaviours) != announced:
            out.append(f"{LIST}: [{group}] has {len(behaviours)} behaviours and announces {announced}")
        for behaviour, places in behaviours:
            count += 1
            if behaviour in seen:
                out.append(f"{LIST}: [{group}] has `{behaviour}` twice")
            seen.add(behaviour)
            if not places:
                out.append(f"{LIST}: [{group}] {behaviour}: has no place")
            for place in places:
                wrong = checkout.problem_of(place)
                if wrong:
                    out.append(f"{LIST}: [{group}] {behaviour}: {wrong}")
    return out, count


def show(root, arguments):
    groups = groups_of(read(root / LIST))
    if "--count" in arguments:
        places = [place for _, _, behaviours in groups for _, all_of in behaviours for place in all_of[:1]]
        kinds = {"missing": lambda p: p == "missing", "in docs/parity.md": lambda p: p.startswith("parity: ")}
        counts = {kind: sum(map(is_one, places)) for kind, is_one in kinds.items()}
        print(f"{len(places)} behaviours: {len(places) - sum(counts.values())} shown by tests, " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    for group, _, behaviours in groups:
        if "--list" in arguments and group in arguments:
            print("\n".join(f"{behaviour}\n    " + "\n    ".join(places) for behaviour, places in behaviours))


def main():
    if len(sys.argv) > 1:
        show(ROOT, sys.argv[1:])
        return 0
    found, count = problems(ROOT)
    print("\n".join(found) if found else f"check_behaviours: {count} behaviours of go-oversync are shown by a test or accounted for")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
