"""Applies each mutant to a copy of include/ and expects the tests that it names to go red; see README.md and run.sh."""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SCRATCH = pathlib.Path(os.environ.get("BUILD_DIR") or TOP / "build").resolve() / "mutants"
JOBS = int(os.environ.get("JOBS") or os.cpu_count() or 2)
# Without optimisation and debug information: a mutant is compiled once and run once.
CANDIDATES = [os.environ.get("CXX"), "clang++-19", "clang++-16", "clang++-14", "clang++", "g++"]  # Clang needs half the time
COMPILER = ([shutil.which("ccache")] if shutil.which("ccache") else []) + [next((c for c in CANDIDATES if c and shutil.which(c)), "g++")]
FLAGS = ["-std=c++20", "-O0", "-w", f"-I{TOP / 'tests'}"]
SECONDS = 300  # for one program of tests; they need two, those of faults a minute
COMPILE_SECONDS = 600  # for one file; it needs ten to thirty, many times that on a machine that does something else


class Broken(Exception):
    """Why something is no proof either way."""


@dataclasses.dataclass(frozen=True)
class Killer:
    source: str  # below the repository's root
    case: str = ""  # part of the name of the test case that must go red; empty: any


@dataclasses.dataclass
class Mutant:
    path: pathlib.Path
    what: str = ""
    promise: str = ""
    killers: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return self.path.stem


@dataclasses.dataclass
class Verdict:
    good: bool
    told: str
    seconds: float = 0
    output: str = ""


# Tests find their files by it: a path that the compiler was shown may be relative to another folder.
ENVIRONMENT = {**os.environ, "SYNCLINE_TEST_DIR": str(TOP / "tests")}


def command(words, **more):
    more.setdefault("env", ENVIRONMENT)
    more.setdefault("timeout", COMPILE_SECONDS)
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)


def read_mutant(path):
    mutant = Mutant(path)
    for line in path.read_text().splitlines():
        if line.startswith("--- "):
            break
        name, _, text = line.partition(": ")
        text = text.strip()
        if name == "mutant":
            mutant.what = text
        elif name == "promise":
            mutant.promise = text
        elif name == "killed-by":
            source, _, case = text.partition(": ")
            mutant.killers.append(Killer(source, case))
        elif line:
            raise Broken(f"{path.name}: a header line of an unknown kind: {line}")
    if not (mutant.what and mutant.promise and mutant.killers):
        raise Broken(f"{path.name}: wants the header lines mutant, promise and killed-by")
    for killer in mutant.killers:
        if not (TOP / killer.source).is_file():
            raise Broken(f"{path.name}: there is no {killer.source}")
    return mutant


def copy_of_headers(folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(TOP / "include", folder / "include")


def apply(mutant, folder):
    copy_of_headers(folder)
    touched = re.findall(r"^\+\+\+ b/(\S+)", mutant.path.read_text(), re.MULTILINE)
    if not touched or any(not name.startswith("include/") for name in touched):
        raise Broken("changes something beside include/")
    done = command(["patch", "-p1", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch", "-i", str(mutant.path)], cwd=folder)
    if done.returncode != 0:
        raise Broken("no longer applies: " + " ".join(done.stdout.split()))
    if all((folder / name).read_bytes() == (TOP / name).read_bytes() for name in touched):
        raise Broken("changes nothing")


def compile_source(source, include, into):
    words = COMPILER + FLAGS + of_http(source, "--cflags") + [f"-I{include}", "-c", str(TOP / source), "-o", str(into)]
    try:
        done = command(words)
    except subprocess.TimeoutExpired:
        raise Broken(f"{source} was not compiled in {COMPILE_SECONDS} seconds") from None
    if done.returncode != 0:
        raise Broken(f"{source} does not compile: " + done.stdout[:2000])


def of_package(name, what):
    found = command(["pkg-config", what, name]) if shutil.which("pkg-config") else None
    return found.stdout.split() if found and found.returncode == 0 else []


def of_http(source, what):
    """What tests of the HTTP adapter need beside what all do; the library's header goes by how the library was built."""
    return [word for name in ("cpp-httplib", "libssl", "zlib") for word in of_package(name, what)] if "/httplib/" in source else []


def libraries(source):
    return of_http(source, "--libs") + [word for name in ("catch2", "sqlite3", "libcrypto") for word in of_package(name, "--libs")]


def build(source, include, folder):
    name = re.sub(r"[^a-z0-9_]", "_", source)
    compile_source(source, include, folder / f"{name}.o")
    program = folder / name
    done = command([COMPILER[-1], str(folder / f"{name}.o"), str(SCRATCH / "catch_main.o"), "-o", str(program)] + libraries(source))
    if done.returncode != 0:
        raise Broken(f"{source} does not link: " + done.stdout[:2000])
    (folder / f"{name}.o").unlink()
    return program


def run_tests(program):
    """@return what it printed, every test case's name and those that failed; a crash or an endless loop is no verdict"""
    report = program.with_name(program.name + ".xml")
    report.unlink(missing_ok=True)
    words = [str(program), "--reporter", "junit", "--out", str(report)]
    if shown:
        printed = command([str(program)], cwd=program.parent, timeout=SECONDS).stdout
    try:
        done = command(words, cwd=program.parent, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Broken(f"the tests did not end in {SECONDS} seconds") from None
    crash = f"the tests crashed with signal {-done.returncode} before any assertion failed" if done.returncode < 0 else ""
    try:
        cases = xml.etree.ElementTree.parse(report).getroot().iter("testcase")
    except (OSError, xml.etree.ElementTree.ParseError):
        raise Broken(crash or "the tests left no report: " + done.stdout[-500:]) from None
    every, failed = set(), set()
    for case in cases:
        name = case.get("name", "").split("/")[0]
        every.add(name)
        told = case.findall("failure") + case.findall("error")
        # A signal is told like a failed assertion, but shows only that something went wrong.
        if any(not re.search(r"\bSIG[A-Z]+ - ", (one.get("message") or "") + "".join(one.itertext())) for one in told):
            failed.add(name)
    if not every:
        raise Broken("no test case ran")
    if crash and not failed:
        raise Broken(crash)
    if bool(failed) != (done.returncode != 0):
        raise Broken(f"the exit code {done.returncode} and the report disagree")
    return printed if shown else done.stdout, every, failed


def unmutated(source):
    start = time.monotonic()
    folder = SCRATCH / "unmutated"
    try:
        program = build(source, TOP / "include", folder)
        output, every, failed = run_tests(program)
        if failed:
            return source, every, Verdict(False, "red without a mutant: " + "; ".join(sorted(failed)), time.monotonic() - start, output)
        return source, every, Verdict(True, "green", time.monotonic() - start, "")
    except Broken as why:
        return source, set(), Verdict(False, str(why), time.monotonic() - start)


def try_mutant(mutant):
    start = time.monotonic()
    folder = SCRATCH / mutant.name
    killed, output = [], ""
    try:
        apply(mutant, folder)
        for killer in mutant.killers:
            program = build(killer.source, folder / "include", folder)
            printed, every, failed = run_tests(program)
            program.unlink()
            output += printed
            hit = sorted(name for name in failed if killer.case in name)
            if not hit:
                others = f"; red were only: {'; '.join(sorted(failed))}" if failed else ""
                raise Broken(f"SURVIVED {killer.source} {killer.case}{others}")
            killed.append(f"{pathlib.Path(killer.source).name}: {hit[0]}" + (f" (+{len(hit) - 1})" if len(hit) > 1 else ""))
        return Verdict(True, ", ".join(killed), time.monotonic() - start, output)
    except Broken as why:
        return Verdict(False, str(why), time.monotonic() - start, output)


def main(parts):
    verdicts, mutants = {}, []
    for path in sorted(HERE.glob("*.patch")):
        if parts and not any(part in path.stem for part in parts):
            continue
        try:
            mutants.append(read_mutant(path))
        except Broken as why:
            verdicts[path.stem] = Verdict(False, str(why))
    if not mutants and not verdicts:
        print("no such mutant")
        return 2
    (SCRATCH / "unmutated").mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    try:
        compile_source("tests/support/catch_main.cpp", TOP / "include", SCRATCH / "catch_main.o")
    except Broken as why:
        print(why)
        return 2

    sources = sorted({killer.source for mutant in mutants for killer in mutant.killers})
    greens, cases = {}, {}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        looks = [pool.submit(unmutated, source) for source in sources]
        tries = {mutant.name: pool.submit(try_mutant, mutant) for mutant in mutants}
        for look in looks:
            source, every, verdict = look.result()
            greens[source], cases[source] = verdict, every
            print(f"{'green' if verdict.good else 'FAILED':9} {source} {'' if verdict.good else verdict.told + verdict.output}", flush=True)
        print(f"\n{'mutant':42} {'seconds':>7}  killed by")
        for mutant in mutants:
            verdict = tries[mutant.name].result()
            for killer in mutant.killers:
                if verdict.good and not greens[killer.source].good:
                    verdict = Verdict(False, f"{killer.source} is red without it too", verdict.seconds)
                elif greens[killer.source].good and not any(killer.case in name for name in cases[killer.source]):
                    verdict = Verdict(False, f"{killer.source} has no test case with the name {killer.case}", verdict.seconds)
            verdicts[mutant.name] = verdict
            print(f"{mutant.name:42} {verdict.seconds:7.1f}  {'' if verdict.good else 'FAILED: '}{verdict.told}", flush=True)
            if not verdict.good:
                print(f"{'':51} the mutant: {mutant.what}")
            if shown:
                print(verdict.output)
            shutil.rmtree(SCRATCH / mutant.name, ignore_errors=True)
    for name, verdict in verdicts.items():
        if name not in {mutant.name for mutant in mutants}:
            print(f"{name:42} {0:7.1f}  FAILED: {verdict.told}")
    everything = list(greens.values()) + list(verdicts.values())
    failed = sum(not verdict.good for verdict in everything)
    print(f"\n{len(verdicts)} mutants, {time.monotonic() - begun:.0f} seconds")
    print(f"{len(everything) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    asked = sys.argv[1:]
    shown = "--show" in asked
    sys.exit(main([word for word in asked if word != "--show"]))
