"""What of the branches to report: which are ours, which were taken both ways, and why the others were not. Read by run.py, which says more."""

import collections
import fnmatch
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LIBRARY = TOP / "include" / "syncline"
REASONS = TOP / "tests" / "coverage" / "reasons"
OUTCOMES = ("never true", "never false", "never reached")
SELDOM = "seldom"  # of a reason: the seeds of a simulation decide, so it may be needed or not


class Reason:
    """Why branches are not taken both ways: a line of tests/coverage/reasons/."""

    def __init__(self, where, line):
        left, _, self.why = line.partition(" :: ")
        self.path, self.outcome, self.condition = (left.split(": ", 2) + ["", ""])[:3]
        if self.outcome not in (*OUTCOMES, SELDOM) or not self.condition or not self.why.strip():
            sys.exit(f"{where}: not `path: {' | '.join(OUTCOMES)} | {SELDOM}: condition :: why`")
        self.where = where
        self.pattern = re.compile(self.condition[1:-1]) if re.fullmatch("/.+/", self.condition) else None
        self.used = 0

    def explains(self, path, outcome, condition, line):
        if self.condition == "<hands a fault on>":
            alike = hands_a_fault_on(condition, line)
        else:
            alike = self.pattern.fullmatch(condition) if self.pattern else self.condition == condition
        return bool(alike) and self.outcome in (outcome, SELDOM) and fnmatch.fnmatchcase(path, self.path)


def reasons(folder=REASONS):
    out = []
    for path in sorted(folder.glob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line and not line.startswith("#"):
                out.append(Reason(f"{path.name}:{number}", line))
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


def report(found, folder, only, known=None):
    """Prints the table. @return whether there is a reason for everything, and something for every reason."""
    branches_in, untaken = untaken_branches(found, only)
    known = reasons() if known is None else known
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
    stale = [] if only else [r for r in known if not r.used and r.outcome != SELDOM]
    for r in stale:
        print(f"{r.where}: nothing needs this reason")
    if unexplained:
        print(f"{len(unexplained)} branches were not taken both ways and have no reason; they are listed in {folder / 'unexplained.txt'}")
    return not unexplained and not stale
