#!/usr/bin/env python3
"""Counts the test cases in the logs of CTest (LastTest.log) and meson (testlog.json): summary.py LOG...

Prints `PASSED FAILED`. A program of Catch2 counts its test cases, any other program counts as one; a program that failed
without saying how many of its cases did, counts as one failure.
"""

import json
import re
import sys
from pathlib import Path

ALL = re.compile(r"All tests passed \([\d.,' ]+ assertions? in ([\d.,' ]+) test cases?\)")
SOME = re.compile(r"^test cases:\s*([\d.,' ]+)\|(.*)$", re.M)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
CTEST = re.compile(
    r"^\d+/\d+ Testing: (?P<name>.+?)\n.*?^Output:\n-+\n(?P<output>.*?)<end of output>.*?^(?P<verdict>Test \w+[.\w ]*)$",
    re.S | re.M,
)


def number(text):
    return int(re.sub(r"\D", "", text) or "0")


def cases(output, passed):
    """(passed, failed) of one program that printed `output` and ended well or not."""
    output = ESCAPES.sub("", output)
    good = bad = 0
    for match in ALL.finditer(output):
        good += number(match.group(1))
    for match in SOME.finditer(output):
        for part in match.group(2).split("|"):
            if "passed" in part:
                good += number(part)
            elif "failed" in part:
                bad += number(part)
    if passed:
        return (good or 1), bad
    return good, (bad or 1)


def of_ctest(text):
    for match in CTEST.finditer(text):
        yield match.group("name"), match.group("output"), match.group("verdict").startswith("Test Passed")


def of_meson(text):
    for line in text.splitlines():
        if line.strip():
            run = json.loads(line)
            yield run["name"], run.get("stdout", ""), run["result"] in ("OK", "EXPECTEDFAIL")


def main():
    good = bad = 0
    for name in sys.argv[1:]:
        text = Path(name).read_text(encoding="utf-8", errors="replace")
        for _, output, passed in of_meson(text) if name.endswith(".json") else of_ctest(text):
            one_good, one_bad = cases(output, passed)
            good, bad = good + one_good, bad + one_bad
    print(good, bad)
    return 0


if __name__ == "__main__":
    sys.exit(main())
