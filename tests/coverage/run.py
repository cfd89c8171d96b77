#!/usr/bin/env python3
"""Which branches of the library the tests take: everything under include/syncline but adapters/.

    tests/coverage/run.py [--only PART]     builds all test programs for coverage (Clang), runs them, and reports

Prints a row for each folder: how many branches there are, how many were taken both ways, and how many of the others have a reason in
tests/coverage/reasons/. The others go to BUILD_DIR/coverage/untaken.txt, those without a reason to BUILD_DIR/coverage/unexplained.txt, as

    path:line: never true | never false | never reached: the condition as it is written

A reason is that line without the number, and why: `path: never true: condition :: why`. The path may be a pattern, and a condition between slashes is a
regular expression; `<hands a fault on>` stands for every `!r` of which the same line returns the fault. A reason that nothing needs is a fault, as is a
branch without one. Where seeds decide whether a branch is taken, `seldom` stands in the place of the outcome. A template counts once, however often it was made: a branch is taken where any of its instantiations took it. No branch of ours is
what a defaulted comparison does, what `if constexpr` decides, and a `switch` that meets none of its cases (compilers warn where it does not name all).

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

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from branch_report import LIBRARY, TOP, report  # noqa: E402

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
