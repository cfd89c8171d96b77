#!/usr/bin/env python3
"""What each public header costs and leaves behind after preprocessing.

    preprocessed.py --check    no header is more than a tenth over tests/build/compile_budget.txt, and no macro leaks
    preprocessed.py --write    after adding a header, or when a header's growth is worth it

Lines are counted, not seconds: they are the same on every run. They depend on the standard library, so they are judged
only with the GCC that the budget names; macros are judged with any.
"""

import argparse
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from check_layers import MACROS, guard_of  # noqa: E402
from tree import ROOT, read  # noqa: E402

BUDGET = ROOT / "tests/build/compile_budget.txt"
HEADING = "# lines after preprocessing, g++ {}; written by tests/tools/preprocessed.py --write"
# The library's header says `# 12 "path"`; with the macros kept, `#define` and `#undef` lines stand between.
MARKER = re.compile(r'^# \d+ "([^"]*)"')
MACRO = re.compile(r"^#(define|undef) (\w+)")


def compiler_major():
    said = subprocess.run(["g++", "-dumpversion"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return said.split(".")[0].strip()


def pkg_config(name):
    if not shutil.which("pkg-config"):
        return None
    done = subprocess.run(["pkg-config", "--cflags", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.split() if done.returncode == 0 else None


def flags_for(needs):
    """The flags to compile a header with these needs, or None where its library is not here."""
    flags = []
    for need, package in (("sqlite", "sqlite3"), ("httplib", "cpp-httplib"), ("ssl", "openssl"), ("zlib", "zlib")):
        if need in needs:
            more = pkg_config(package)
            if more is None:
                return None
            flags += more
    return flags


def examine(text, include_folder):
    """(number of lines, macros that our own headers leave defined: {name: path under include/})."""
    lines, ours, current = 0, {}, ""
    prefix = str(include_folder).rstrip("/") + "/"
    for line in text.splitlines():
        if line.startswith("#"):
            marker = MARKER.match(line)
            if marker:
                name = marker.group(1)
                current = name[len(prefix):] if name.startswith(prefix) else ""
                continue
            macro = MACRO.match(line)
            if macro and macro.group(1) == "undef":
                ours.pop(macro.group(2), None)
            elif macro and current:
                ours[macro.group(2)] = current
        elif line.strip():
            lines += 1
    return lines, ours


def leaks(ours):
    found = []
    for name, path in sorted(ours.items()):
        if name == guard_of(path.removeprefix("syncline/")) or MACROS.match(name):
            continue
        found.append(f"{path} leaves the macro {name} defined")
    return found


def preprocess(header, needs, include_folder=ROOT / "include"):
    flags = flags_for(needs)
    if flags is None:
        return None
    done = subprocess.run(
        ["g++", "-std=c++20", "-E", "-dD", f"-I{include_folder}", *flags, "-x", "c++", "-"],
        input=f"#include <{header}>\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
    )
    if done.returncode != 0:
        raise SystemExit(f"{header} cannot be preprocessed:\n{done.stderr}")
    return examine(done.stdout, include_folder)


def rows():
    for row in read(ROOT / "tests/lists/headers.txt").splitlines():
        header, needs = row.split()
        yield header, needs.split(",")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true")
    mode.add_argument("--check", action="store_true")
    writing = parser.parse_args().write

    with ThreadPoolExecutor(2) as pool:
        listed = list(rows())
        seen = dict(zip([h for h, _ in listed], pool.map(lambda row: preprocess(*row), listed)))
    problems = [leak for outcome in seen.values() if outcome for leak in leaks(outcome[1])]
    counts = {header: outcome[0] for header, outcome in seen.items() if outcome}
    heading = HEADING.format(compiler_major())

    old = read(BUDGET).splitlines() if BUDGET.is_file() else []
    budget = {header: int(lines) for header, lines in (line.split() for line in old if not line.startswith("#"))}
    if writing:
        text = "".join(f"{line}\n" for line in [heading, *(f"{h} {counts[h]}" for h in counts)])
        BUDGET.write_text(text, encoding="utf-8")
        print(f"wrote {BUDGET.relative_to(ROOT)}")
    elif old[:1] != [heading]:
        print(f"preprocessed: lines not judged, the budget is for another compiler ({old[:1]})")
    else:
        for header, lines in counts.items():
            if header not in budget:
                problems.append(f"{header}: {lines} lines, and no budget")
            elif lines > budget[header] * 1.1:
                problems.append(f"{header}: {lines} lines, {budget[header]} allowed with a tenth more")
        problems += [f"{header}: has a budget and is not there" for header in budget if header not in seen]
        if problems:
            problems.append("(tests/tools/preprocessed.py --write takes the present counts as the budget)")
    for header, outcome in seen.items():
        if outcome is None:
            print(f"preprocessed: {header} not examined, its library is not here")
    problems = list(dict.fromkeys(problems))
    print("\n".join(problems) if problems else f"preprocessed: {len(counts)} headers, no macro leaks")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
