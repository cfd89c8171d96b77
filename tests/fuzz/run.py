#!/usr/bin/env python3
"""Fuzzes the decoders with libFuzzer, and keeps what reaches code that nothing kept before reaches.

    tests/fuzz/run.py [--seconds 60] [DECODER ...]      default: each decoder

tests/fuzz/corpora/DECODER.txt holds an input a line, in hexadecimal; tests/property/decoders.test.cpp runs them all each time. An input that
brings a decoder down is printed and left in the build folder, and the script ends with 1.

Environment: BUILD_DIR (default build/), CXX (default: the newest clang++).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
CORPORA = HERE / "corpora"
LARGEST = 1200  # octets: what is kept stays readable
MOST = 7000     # octets that are kept of one decoder: of more, every so-manieth input


def compiler():
    if "CXX" in os.environ:
        return os.environ["CXX"]
    found = [c for n in range(25, 13, -1) if (c := shutil.which(f"clang++-{n}"))] + [c for c in [shutil.which("clang++")] if c]
    if not found:
        sys.exit("libFuzzer comes with Clang, and no clang++ was found")
    return found[0]


def decoders():
    text = (HERE / "decoders.hpp").read_text(encoding="utf-8")
    return re.findall(r'^        \{"(\w+)"', text, re.M)


def build(folder):
    program = folder / "target"
    command = [compiler(), "-std=c++20", "-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", f"-I{TOP / 'include'}",
               str(HERE / "target.cpp"), "-lsqlite3", "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def unpack(name, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packed = CORPORA / f"{name}.txt"
    for number, line in enumerate(packed.read_text(encoding="ascii").splitlines() if packed.is_file() else []):
        (folder / str(number)).write_bytes(bytes.fromhex(line))


def pack(name, folder):
    inputs = sorted((p.read_bytes() for p in folder.iterdir()), key=lambda b: (len(b), b))
    largest_step = sum(map(len, inputs)) // MOST + 1
    inputs = inputs[::largest_step]
    (CORPORA / f"{name}.txt").write_text("".join(f"{octets.hex()}\n" for octets in inputs), encoding="ascii")
    return len(inputs)


def fuzz(name, program, folder, seconds):
    kept, found = folder / name / "kept", folder / name / "found"
    unpack(name, kept)
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir()
    environment = {**os.environ, "SYNCLINE_DECODER": name}
    limits = [f"-max_len={LARGEST}", "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={folder / name}/"]
    ran = subprocess.run([str(program), f"-max_total_time={seconds}", *limits, str(found), str(kept)], env=environment, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if ran.returncode != 0:
        print(ran.stdout[-4000:])
        return False
    done = re.findall(r"^Done (\d+) runs", ran.stdout, re.M)
    merged = folder / name / "merged"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    subprocess.run([str(program), "-set_cover_merge=1", *limits, str(merged), str(kept), str(found)], env=environment, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(f"{name:24} {done[0] if done else '?':>10} runs, {pack(name, merged):4} inputs kept", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each decoder")
    parser.add_argument("decoder", nargs="*")
    options = parser.parse_args()
    unknown = set(options.decoder) - set(decoders())
    if unknown:
        sys.exit(f"no decoder is called {', '.join(sorted(unknown))}; there are {', '.join(decoders())}")
    folder = Path(os.environ.get("BUILD_DIR", TOP / "build")) / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    program = build(folder)
    failed = [name for name in options.decoder or decoders() if not fuzz(name, program, folder, options.seconds)]
    if failed:
        sys.exit(f"brought down: {', '.join(failed)}; the inputs are in {folder}")


if __name__ == "__main__":
    main()
