#!/usr/bin/env python3
"""Which branches of the library the tests take: everything under include/syncline but adapters/.

    tests/coverage/run.py [--only PART]     builds all test programs for coverage (Clang), runs them, and reports

Prints a row for each folder: how many branches there are, how many were taken both ways, and how many of the others have a reason in
tests/coverage/reasons/. The others go to BUILD_DIR/coverage/untaken.txt, those without a reason to BUILD_DIR/coverage/unexplained.txt, as

    path:line: never true | never false | never reached: the condition as it is written

A reason is that line without the number, and why: `path: never true: condition :: why`. The path may be a pattern, and a condition between slashes is a
regular expression; `<hands a fault on>` stands for every `!r` of which the same line returns the fault. A reason that nothing needs is a fault, as is a branch without one. A template counts once, however often it was made: a branch is
taken where any of its instantiations took it. No branch of ours is what a defaulted comparison does, what `if constexpr` decides, and a `switch` that meets
none of its cases (compilers warn where it does not name all).

Environment: BUILD_DIR (default build/), JOBS (default: processors), SYNCLINE_SEEDS (default 200).
"""

import argparse
import collections
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LIBRARY = TOP / "include" / "syncline"
GROUPS = ("unit", "wire", "property", "faults", "simulation")
OUTCOMES = ("never true", "never false", "never reached")


def tools():
    """A Clang, and the llvm-profdata and llvm-cov of its version."""
    for version in range(25, 13, -1):
        found = [shutil.which(f"{name}-{version}") for name in ("clang++", "llvm-profdata", "llvm-cov")]
        if all(found):
            return found
    sys.exit("no clang++-N with an llvm-profdata-N and an llvm-cov-N beside it: install clang-19 and llvm-19")


def build(folder, clang, jobs):
    flags = "-O0 -g0 -fprofile-instr-generate -fcoverage-mapping"
    subprocess.run(["cmake", "-S", TOP, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=", f"-DCMAKE_CXX_COMPILER={clang}", f"-DCMAKE_CXX_FLAGS={flags}",
                    "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=24", "-DSYNCLINE_BUILD_EXAMPLES=OFF"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--parallel", jobs, "--target", *(f"tests.{g}" for g in GROUPS), "--", "--quiet"], check=True)


def run(folder, profiles, jobs):
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir(parents=True)
    environment = {"SYNCLINE_SEEDS": "200", **os.environ, "LLVM_PROFILE_FILE": str(profiles / "%m-%p.profraw")}
    subprocess.run(["ctest", "--test-dir", folder, "-j", jobs, "-L", f"^({'|'.join(GROUPS)})$", "--output-on-failure", "--no-tests=error"], check=True, env=environment)


def programs(folder):
    names = json.loads(subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1", "-L", f"^({'|'.join(GROUPS)})$"], check=True, capture_output=True, text=True).stdout)
    return sorted({test["command"][0] for test in names["tests"]})


def branches(profdata, cov, profiles, binaries):
    """{file: {place: [times true, times false]}}, over all instantiations."""
    whole = profiles / "all.profdata"
    subprocess.run([profdata, "merge", "-sparse", "-o", whole, *profiles.glob("*.profraw")], check=True)
    out = collections.defaultdict(lambda: collections.defaultdict(lambda: [0, 0]))
    # A program at a time: of inline functions that several programs have, each has counts of its own.
    for binary in binaries:
        told = subprocess.run([cov, "export", f"-instr-profile={whole}", "-skip-expansions", binary, LIBRARY], check=True, capture_output=True, text=True).stdout
        for function in json.loads(told)["data"][0]["functions"]:
            for line, column, to_line, to_column, taken, passed, file, *_ in function.get("branches", []):
                path = Path(function["filenames"][file])
                if LIBRARY not in path.parents or (LIBRARY / "adapters") in path.parents:
                    continue
                counts = out[path][(line, column, to_line, to_column)]
                counts[0] += taken
                counts[1] += passed
    return out


class Reason:
    """Why branches are not taken both ways: a line of tests/coverage/reasons/."""

    def __init__(self, where, line):
        left, _, self.why = line.partition(" :: ")
        self.path, self.outcome, self.condition = (left.split(": ", 2) + ["", ""])[:3]
        if self.outcome not in OUTCOMES or not self.condition or not self.why.strip():
            sys.exit(f"{where}: not `path: {' | '.join(OUTCOMES)}: condition :: why`")
        self.where = where
        self.pattern = re.compile(self.condition[1:-1]) if re.fullmatch("/.+/", self.condition) else None
        self.used = 0

    def explains(self, path, outcome, condition, line):
        if self.condition == "<hands a fault on>":
            alike = hands_a_fault_on(condition, line)
        else:
            alike = self.pattern.fullmatch(condition) if self.pattern else self.condition == condition
        return bool(alike) and self.outcome == outcome and fnmatch.fnmatchcase(path, self.path)


def reasons():
    out = []
    for path in sorted((TOP / "tests" / "coverage" / "reasons").glob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line and not line.startswith("#"):
                out.append(Reason(f"{path.relative_to(TOP)}:{number}", line))
    return out


def hands_a_fault_on(condition, line):
    """`if (auto r = f(); !r) return r;` and the like."""
    what = re.fullmatch(r"!\*?\(?\*?(\w+(?:(?:\.|->)\w+)*?)\)?(?:\.has_value\(\))?", condition)
    returned = re.search(r"return ([^;]*);", line)
    if not what or not returned:
        return False
    name = re.escape(what[1])
    return bool(re.search(rf"\b{name}\)?(\.|->)error\(\)", returned[1]) or re.fullmatch(rf"(std::move\()?{name}\)?", returned[1]))


def is_ours(line, column, condition):
    """Whether the program decides there, and not the language."""
    before = line[:column - 1]
    return not (line.rstrip().endswith("= default;") or re.search(r"\bif constexpr \(", before) or re.search(r"\bswitch \($", before)
                or condition in ("true", "false"))


def untaken_branches(found, only):
    """How many branches each folder has, and (path, number, outcome, condition, line) of those that were not taken both ways."""
    folders = collections.Counter()
    out = []
    for path in sorted(found):
        relative = str(path.relative_to(LIBRARY))
        if only not in relative:
            continue
        source = path.read_text(encoding="utf-8").splitlines()
        for (line, column, to_line, to_column), (taken, passed) in sorted(found[path].items()):
            text = source[line - 1]
            condition = (text[column - 1:to_column - 1] if line == to_line else text[column - 1:]).strip()
            if not is_ours(text, column, condition):
                continue
            folders[folder_of(relative)] += 1
            if not taken or not passed:
                out.append((relative, line, OUTCOMES[2 if not taken and not passed else 0 if not taken else 1], condition, text))
    return folders, out


def folder_of(relative):
    return relative.partition("/")[0] if "/" in relative else "."


def report(found, folder, only):
    """Prints the table. @return whether there is a reason for everything, and something for every reason."""
    branches_in, untaken = untaken_branches(found, only)
    known = reasons()
    rows = collections.defaultdict(lambda: [0, 0])
    unexplained = []
    for branch in untaken:
        path, _, outcome, condition, line = branch
        why = next((r for r in known if r.explains(path, outcome, condition, line)), None)
        rows[folder_of(path)][0] += 1
        if why:
            why.used += 1
            rows[folder_of(path)][1] += 1
        else:
            unexplained.append(branch)
    for name, which in (("untaken.txt", untaken), ("unexplained.txt", unexplained)):
        (folder / name).write_text("".join(f"{path}:{line}: {outcome}: {condition}\n" for path, line, outcome, condition, _ in which), encoding="utf-8")
    print(f"{'folder':<14}{'branches':>9}{'both ways':>11}{'':>8}{'with a reason':>15}{'without':>9}")
    total = sum(branches_in.values()), len(untaken), len(untaken) - len(unexplained)
    for name, (count, not_both, explained) in [*((n, (branches_in[n], *rows[n])) for n in sorted(branches_in)), ("together", total)]:
        print(f"{name:<14}{count:>9}{count - not_both:>11}{100 * (count - not_both) / max(count, 1):>7.1f}%{explained:>15}{not_both - explained:>9}")
    stale = [] if only else [r for r in known if not r.used]
    for r in stale:
        print(f"{r.where}: nothing needs this reason")
    if unexplained:
        print(f"{len(unexplained)} branches were not taken both ways and have no reason; they are listed in {folder / 'unexplained.txt'}")
    return not unexplained and not stale


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="PART", help="of the headers whose path holds this")
    parser.add_argument("--again", action="store_true", help="report what the last run counted, without building and running")
    arguments = parser.parse_args()
    clang, profdata, cov = tools()
    folder = Path(os.environ.get("BUILD_DIR", TOP / "build")) / "coverage"
    folder.mkdir(parents=True, exist_ok=True)
    jobs = os.environ.get("JOBS", str(os.cpu_count()))
    if not arguments.again:
        build(folder, clang, jobs)
        run(folder, folder / "profiles", jobs)
    sys.exit(0 if report(branches(profdata, cov, folder / "profiles", programs(folder)), folder, arguments.only) else 1)


if __name__ == "__main__":
    main()
