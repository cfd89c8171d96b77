#!/usr/bin/env python3
"""Each mutant of tests/mutants/ breaks code that is there, and names a test case that is there.

tests/mutants/run.sh shows that it dies, which takes too long for every run. A mutant that no longer fits would be noticed only then.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, read  # noqa: E402

# Neighbouring literals are one: the compiler joins them.
JOINT = re.compile(r'"\s*\n\s*"')
KILLER = re.compile(r"^killed-by: (\S+?)(?:: (.+))?$", re.M)


def hunks(text):
    """[(the path below the root, the lines that must stand there, the lines in their place)]"""
    out, path, inside = [], "", False
    for line in text.splitlines():
        if line.startswith("--- a/"):  # a line that was `-- a/` is not C++
            inside = False
        elif line.startswith("+++ b/"):
            path = line[len("+++ b/"):]
        elif line.startswith("@@"):
            out.append((path, [], []))
            inside = True
        elif inside and line:
            if line[0] in " -":
                out[-1][1].append(line[1:])
            if line[0] in " +":
                out[-1][2].append(line[1:])
    return out


def stands_in(part, lines):
    return any(lines[at:at + len(part)] == part for at in range(len(lines) - len(part) + 1))


def problems(root):
    """What is wrong, and how many mutants there are."""
    found, texts = [], {}

    def text_of(name):
        if name not in texts:
            texts[name] = read(root / name) if (root / name).is_file() else None
        return texts[name]

    mutants = sorted((root / "tests/mutants").glob("*.patch"))
    for path in mutants:
        text = read(path)
        head = text.partition("\n--- ")[0]
        killers = KILLER.findall(head)
        if not killers:
            found.append(f"{path.name}: names no test that it is killed by")
        for source, case in killers:
            tests = text_of(source)
            if tests is None:
                found.append(f"{path.name}: there is no {source}")
            elif case and case not in JOINT.sub("", tests):
                found.append(f"{path.name}: {source} has no test case with the name {case}")
        changes = hunks(text)
        if not changes:
            found.append(f"{path.name}: changes nothing")
        for name, old, new in changes:
            code = text_of(name)
            if code is None:
                found.append(f"{path.name}: there is no {name}")
            elif not stands_in(old, code.splitlines()):
                found.append(f"{path.name}: {name} has no place that reads `{next((line for line in old if line not in new), old[0]).strip()}`")
            elif old == new:
                found.append(f"{path.name}: changes nothing in {name}")
    return found, len(mutants)


if __name__ == "__main__":
    faults, count = problems(ROOT)
    print("\n".join(faults) if faults else f"check_mutants: {count} fit the code and its tests")
    sys.exit(1 if faults else 0)
