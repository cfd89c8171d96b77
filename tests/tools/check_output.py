#!/usr/bin/env python3
"""Runs a program and compares what it prints: check_output.py EXPECTED PROGRAM [ARGUMENT...]"""

import difflib
import subprocess
import sys
from pathlib import Path


def main():
    expected = Path(sys.argv[1]).read_text(encoding="utf-8")
    done = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=100)
    sys.stdout.writelines(
        difflib.unified_diff(expected.splitlines(True), done.stdout.splitlines(True), "expected", "printed")
    )
    if done.returncode != 0:
        print(f"{sys.argv[2]} ended with {done.returncode}")
    return 0 if done.returncode == 0 and done.stdout == expected else 1


if __name__ == "__main__":
    sys.exit(main())
