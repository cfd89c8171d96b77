#!/usr/bin/env python3
"""Which branches of the library the tests take: everything under include/syncline but adapters/.

    tests/coverage/run.py [--only PART]     builds all test programs for coverage (Clang), runs them, and reports

Prints a row for each folder: how many branches there are, and how many were taken both ways. The others go to BUILD_DIR/coverage/untaken.txt with
the line as it is written. A template counts once, however often it was made: a branch is taken where any of its instantiations took it.

Environment: BUILD_DIR (default build/), JOBS (default: processors), SYNCLINE_SEEDS (default 200).
"""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LIBRARY = TOP / "include" / "syncline"
GROUPS = ("unit", "wire", "property", "faults", "simulation")


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


def report(found, untaken, only):
    folders = collections.defaultdict(lambda: [0, 0, 0])
    lines = []
    for path in sorted(found):
        relative = path.relative_to(LIBRARY)
        if only not in str(relative):
            continue
        source = path.read_text(encoding="utf-8").splitlines()
        row = folders[relative.parts[0] if len(relative.parts) > 1 else "."]
        for (line, column, to_line, to_column), (taken, passed) in sorted(found[path].items()):
            row[0] += 1
            row[1] += taken > 0 and passed > 0
            row[2] += taken == 0 and passed == 0
            if taken and passed:
                continue
            what = "never reached" if not taken and not passed else "never true" if not taken else "never false"
            condition = source[line - 1][column - 1:to_column - 1] if line == to_line else source[line - 1][column - 1:]
            lines.append(f"{relative}:{line}: {what}: {condition}")
    untaken.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{'folder':<14}{'branches':>9}{'both ways':>11}{'not reached':>13}{'taken':>9}")
    total = [sum(row[i] for row in folders.values()) for i in range(3)]
    for name, (all_of_them, both, unreached) in [*sorted(folders.items()), ("together", total)]:
        print(f"{name:<14}{all_of_them:>9}{both:>11}{unreached:>13}{100 * both / max(all_of_them, 1):>8.1f}%")
    print(f"{len(lines)} branches were not taken both ways; they are listed in {untaken}")


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
    report(branches(profdata, cov, folder / "profiles", programs(folder)), folder / "untaken.txt", arguments.only)


if __name__ == "__main__":
    main()
