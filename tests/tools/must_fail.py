#!/usr/bin/env python3
"""Every tests/build/fail/*.cpp must be refused by each compiler, with the message that its first line names.

    // build error: <regex>          what every compiler must say
    // build error g++: <regex>      what only that one must say (also clang++); lines at the top, any number
    // build ok                      a positive control: must compile

Lines that end in `// refused` are taken out and the rest compiled too: it must pass, so that a refusal can only come from
the lines that are meant. Compiles only (-fsyntax-only), with warnings as errors.
"""

import argparse
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, read  # noqa: E402

EXPECT = re.compile(r"^// build (ok|error)(?: (g\+\+|clang\+\+))?(?:: (.+))?$")
REFUSED = re.compile(r"^.*// refused[ \t]*$", re.M)
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def compilers():
    """One g++ and one clang++, the newest Clang that there is."""
    found = {}
    if shutil.which("g++"):
        found["g++"] = "g++"
    for name in ("clang++-19", "clang++-16", "clang++-14", "clang++"):
        if "clang++" not in found and shutil.which(name):
            found["clang++"] = name
    return found


def expectation(text, family):
    """(kind, [patterns]) of the leading lines that concern this compiler; kind is None where there are none."""
    kind, patterns = None, []
    for line in text.splitlines():
        match = EXPECT.match(line)
        if not match:
            break
        kind = match.group(1)
        if match.group(3) and match.group(2) in (None, family):
            patterns.append(match.group(3))
    return kind, patterns


def compile_text(command, text, include):
    done = subprocess.run(
        [command, *FLAGS, *(f"-I{i}" for i in include), "-x", "c++", "-"],
        input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"},
    )
    return done.returncode, done.stdout


def judge(path, family, command, include):
    """What is wrong with this file under this compiler, or None."""
    text = read(path)
    where = f"{path.name} ({command})"
    kind, patterns = expectation(text, family)
    if kind is None:
        return f"{where}: the first line is not `// build error: <regex>` or `// build ok`"
    code, said = compile_text(command, text, include)
    if kind == "ok":
        return f"{where}: the control does not compile:\n{said}" if code else None
    if not patterns:
        return f"{where}: names no message for this compiler"
    if code == 0:
        return f"{where}: compiles, and must not"
    for pattern in patterns:
        if not re.search(pattern, said):
            return f"{where}: refused, but without a message matching `{pattern}`:\n{said[:4000]}"
    if REFUSED.search(text):
        code, said = compile_text(command, REFUSED.sub("", text), include)
        if code:
            return f"{where}: still refused without its `// refused` lines:\n{said[:4000]}"
    return None


def check(folder, include):
    paths = sorted(folder.glob("*.cpp"))
    found = compilers()
    problems = []
    if not any(expectation(read(p), "g++")[0] == "ok" for p in paths):
        problems.append(f"{folder}: no positive control (`// build ok`)")
    if not found:
        problems.append("neither g++ nor clang++ is here")
    jobs = [(p, family, command, include) for p in paths for family, command in found.items()]
    with ThreadPoolExecutor(2) as pool:
        problems += [p for p in pool.map(lambda job: judge(*job), jobs) if p]
    return problems, len(jobs), sorted(found.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "tests/build/fail")
    parser.add_argument("--include", type=Path, action="append", default=[ROOT / "include"])
    arguments = parser.parse_args()
    problems, count, names = check(arguments.folder, arguments.include)
    print("\n".join(problems) if problems else f"must_fail: {count} compilations as expected, by {' and '.join(names)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
