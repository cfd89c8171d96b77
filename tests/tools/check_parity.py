#!/usr/bin/env python3
"""docs/parity.md says of every public name of Laravel Tether v1.0.0 and of go-oversync v0.2.1 how it is here, or why it is not.

The names are those of tests/lists/tether_names.txt and oversync_names.txt, under the heading of the table that has each in the first cell of a row, in
the part of docs/parity.md about that wire. A row's last cell is not empty, and one that begins with a dash goes on to say why. What a row names exists: files (from the top, or below include/syncline or
docs), test cases (`tests/wire/a.test.cpp: part of a name`), and the words of ours that stand as code in its last cell, which are found in include/,
examples/ or among the original's own.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, read  # noqa: E402

PAGE = "docs/parity.md"
PARTS = [("tests/lists/tether_names.txt", "## The mutation wire"), ("tests/lists/oversync_names.txt", "## The bundle wire")]
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
PATH = re.compile(r"^[\w./-]+/[\w.-]+\.(?:hpp|cpp|py|sh|md|txt|patch)$")
CASE = re.compile(r'TEST_CASE(?:_METHOD)?\(\s*(?:\w+,\s*)?"((?:[^"\\]|\\.)*)"')


def names_of(text):
    """The names by table."""
    out, table = {}, None
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            table = line[1:-1]
            out.setdefault(table, [])
        elif line.strip() and not line.startswith("#"):
            out.setdefault(table, []).append(line.strip())
    return out


def section_of(page, heading):
    """The part of the page under that heading."""
    after = page[page.index(heading):] if heading in page else ""
    end = re.search(r"^## ", after[len(heading):], re.M)
    return after[:len(heading) + end.start()] if end else after


def rows_of(text):
    """Its tables' rows, as (first heading, cells)."""
    heading, found = None, []
    lines = text.splitlines()
    for n, line in enumerate(lines):
        if not line.startswith("|"):
            heading = None
            continue
        cells = [cell.strip().replace("\0", "|") for cell in line.replace("\\|", "\0").strip().strip("|").split("|")]
        if heading is None:
            heading = cells[0]
        elif not set(line) <= set("|-: "):
            found.append((heading, cells))
    return found


def mentions(cell, name):
    whole = re.compile(r"(?<![\w$:/.-])" + re.escape(name) + r"(?![\w:/-])")
    return any(whole.search(code) for code in CODE.findall(cell))


def words_of(root):
    """Every word of the project's own programs and headers."""
    words = set()
    for folder in ("include", "examples"):
        for path in sorted((root / folder).rglob("*.*pp")):
            words.update(re.findall(r"[A-Za-z_]\w*", read(path)))
    return words


def cases_in(path):
    return CASE.findall(read(path))


def problems(root):
    """What is wrong in either part, and how many names there are."""
    out, count, words = [], 0, words_of(root)
    for path, heading in PARTS:
        found, named = problems_of(root, path, heading, words)
        out += found
        count += named
    return out, count


def problems_of(root, path, heading, words):
    names = names_of(read(root / path))
    rows = rows_of(section_of(read(root / PAGE), heading))
    known = words | {word for table in names.values() for name in table for word in re.findall(r"[A-Za-z_]\w*", name)}
    out = []
    for table, wanted in names.items():
        of = [cells for heading, cells in rows if heading == table]
        if not of:
            out.append(f"{PAGE}: there is no table whose first heading is `{table}`")
            continue
        for name in wanted:
            if not any(mentions(cells[0], name) for cells in of):
                out.append(f"{PAGE}: no row of the table `{table}` names `{name}`; say how it is here, or why it is not")
    for _, cells in rows:
        where = f"{PAGE}: the row of {cells[0] or '(nothing)'}"
        last = cells[-1]
        if len(cells) < 2 or not last.strip("—- ."):
            out.append(f"{where} does not say how it is here, nor why it is not")
            continue
        for target in LINK.findall(" ".join(cells)):
            if "://" not in target and not (root / "docs" / target).exists():
                out.append(f"{where} links to {target}, which does not exist")
        for cell in cells:
            for code in CODE.findall(cell):
                path, _, case = code.partition(": ")
                if PATH.match(path):
                    there = [root / folder / path for folder in (".", "include/syncline", "docs") if (root / folder / path).is_file()]
                    if not there:
                        out.append(f"{where} names {path}, which does not exist")
                    elif case and not any(case in name for name in cases_in(there[0])):
                        out.append(f"{where} names a test case of {path} that does not exist: {case}")
                elif cell is last:
                    out.extend(f"{where} names `{word}`, which is neither in include/ nor in examples/"
                               for word in re.findall(r"[A-Za-z_]\w*", code) if word not in known)
    return out, sum(len(table) for table in names.values())


def main():
    found, count = problems(ROOT)
    print("\n".join(found) if found else f"check_parity: {count} names of Tether and go-oversync have a row that says how each is here")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
