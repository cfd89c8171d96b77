#!/usr/bin/env python3
"""The rules of the house that a script can check; docs/architecture.md and CONTRIBUTING.md give the reasons.

Headers: includes point down only; third parties are included only by the files named here; include guards come from the
path; nothing `static`, no unnamed namespace, no macro, no `throw` outside adapters/ and or_throw; none of the standard
headers that some supported compiler lacks. All files: no tab, no trailing blank, a newline at the end, no more than 600 lines of code
without a reason, nothing that speaks of one machine.
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import INCLUDE, ROOT, read, reasons, without_comments, without_strings  # noqa: E402

# Each may include itself and those before it.
LAYERS = ("support", "model", "change", "conflict", "storage", "transport", "engine", "wire")
# Over all of them and under nothing: a leaf includes layers and itself, no other leaf.
LEAVES = ("adapters", "observe", "testing")

# prefix of the third party's header -> prefixes of the paths under include/syncline/ that may include it
THIRD_PARTIES = {
    "nlohmann/": ("support/json_tape.hpp",),
    "date/": ("support/rfc3339.hpp",),
    "sqlite3.h": ("adapters/sqlite/",),
    "httplib.h": ("adapters/httplib/",),
    "openssl/": ("adapters/httplib/", "adapters/openssl/"),
    "zlib.h": ("adapters/httplib/",),
    "libpq-fe.h": ("adapters/postgres/",),
    "boost/": ("adapters/beast/",),
}
# What <...> may name besides: the standard library (no dot, no slash) and these.
POSIX = ("unistd.h", "sys/", "fcntl.h", "netinet/", "arpa/", "poll.h", "signal.h")
# Clang 14 cannot use <ranges> and <source_location>, GCC 12 and Clang have no <format> and <expected>, libc++ no
# <stop_token>; <iostream> brings static initialisation into every user's program.
BANNED_HEADERS = ("ranges", "source_location", "format", "expected", "stop_token", "syncstream", "iostream")
MACROS = re.compile(r"SYNCLINE_(VERSION_(MAJOR|MINOR|PATCH)|NAMESPACE_(BEGIN|END))$")
# In a header's text, comments and strings aside.
BANNED_TEXT = (
    (re.compile(r"\bnamespace[ \t\n]*\{"), "an unnamed namespace"),
    (re.compile(r"^[ \t]*#[ \t]*(?:el)?if\b[^\n]*__has_include", re.M), "`__has_include` decides code"),
    (re.compile(r"\bthrow\b"), "`throw`"),
    (re.compile(r"\b(?:thread_local|goto)\b"), "`thread_local` or `goto`"),
    (re.compile(r"\busing[ \t]+namespace\b"), "`using namespace`"),
    (re.compile(r"\b(?:std::(?:cout|cerr|clog)|std::rand|std::jthread|std::stop_token)\b"),
     "output, `rand` or a type that a supported compiler lacks"),
)
# The scratch buffer of these is marked deprecated in GCC 12's library, and Clang 19 says so in the user's build.
BANNED_TEXT += ((re.compile(r"\bstd::(?:ranges::)?(?:stable_sort|stable_partition|inplace_merge)\b"), "an algorithm that Clang 19 warns about"),)
# A kit is left by an exception where there are any, and a simulated store finds no memory as a real one does.
MAY_THROW = ("adapters/", "support/or_throw.hpp", "testing/clause.hpp", "testing/simulation/store_faults.hpp")

LONGEST = 600
CODE = (".hpp", ".cpp", ".py", ".sh")
TEXT = (*CODE, ".md", ".txt", ".json", ".in", ".build", ".yml", "")
# Written in pieces, so that this file does not find itself.
MACHINES = (
    (re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:" + "|".join(("work", "ro" + "ot", "fa" + "rm")) + ")/"), "a path of one machine"),
    (re.compile(r"https?://[^ /\"]*(?:reg" + "istry|mir" + "ror|pro" + "xy)"), "the address of a package registry"),
    (re.compile(r"\biss" + r"ue #?\d", re.I), "the number of an issue"),
    (re.compile(r"\b(?:FIX" + "ME|X" + "XX|HA" + r"CK)\b"), "a note that something is unfinished"),
)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def guard_of(relative):
    return re.sub(r"[^A-Z0-9]", "_", f"syncline/{relative}".upper())


def namespace_scope_statics(text):
    """Positions of `static` that is not inside a class or a function: those are the ones with a copy per program part."""
    depth, found = [], []
    opened = re.compile(r"[{};]|\bstatic\b")
    statement = 0
    for match in opened.finditer(text):
        token = match.group(0)
        if token == "{":
            head = text[statement : match.start()]
            transparent = re.search(r"\bnamespace\b|\bextern\s*\"", head) and "(" not in head
            depth.append("namespace" if transparent else "other")
            statement = match.end()
        elif token == "}":
            if depth:
                depth.pop()
            statement = match.end()
        elif token == ";":
            statement = match.end()
        elif all(d == "namespace" for d in depth):
            found.append(match.start())
    return found


def function_statics(text):
    """Positions of mutable local variables with static storage: `static` that starts a statement and is not const."""
    found = []
    for match in re.finditer(r"(?:^|[;{}])[ \t\n]*static[ \t]+(?!constexpr\b|const\b|inline\b|consteval\b)([^;{}()=]*)(=|;|\{)", text):
        # A static member function has its parenthesis before any of these.
        found.append(match.start(1))
    return found


def check_includes(relative, text):
    """What is wrong with the include directives of include/syncline/<relative>."""
    own = relative.split("/")
    for match in INCLUDE.finditer(without_comments(text)):
        at, name = line_of(text, match.start()), match.group(2)
        if match.group(1) == '"':
            yield at, f'"{name}": headers include <syncline/...> with angle brackets'
        elif name.startswith("syncline/"):
            other = name.split("/")[1:]
            if relative == "syncline.hpp":
                if other[0] in LEAVES:
                    yield at, f"<{name}>: the umbrella leaves out the leaves"
            elif len(other) == 1:
                yield at, f"<{name}>: the umbrella is for users"
            elif other[0] in LEAVES and other[0] != own[0]:
                yield at, f"<{name}>: nothing includes a leaf"
            elif other[0] == "adapters" and other[1] != own[1]:
                yield at, f"<{name}>: an adapter does not include another"
            elif other[0] not in LEAVES + LAYERS:
                yield at, f"<{name}>: {other[0]}/ is no folder of the house"
            elif own[0] in LAYERS and LAYERS.index(other[0]) > LAYERS.index(own[0]):
                yield at, f"<{name}>: points up, {own[0]}/ is under {other[0]}/"
        elif name in BANNED_HEADERS:
            yield at, f"<{name}>: not in headers"
        elif any(name.startswith(prefix) for prefix in THIRD_PARTIES):
            allowed = next(paths for prefix, paths in THIRD_PARTIES.items() if name.startswith(prefix))
            if not relative.startswith(allowed):
                yield at, f"<{name}>: only {', '.join(allowed)} may include it"
        elif ("." in name or "/" in name) and not (own[0] == "adapters" and name.startswith(POSIX)):
            yield at, f"<{name}>: neither ours, nor standard, nor a third party that is named in this script"


def check_header(relative, text):
    """What is wrong with include/syncline/<relative>."""
    folder = relative.split("/")[0]
    if "/" in relative and folder not in LAYERS + LEAVES:
        yield 1, f"{folder}/ is no folder of the house"
    if "/" not in relative and relative != "syncline.hpp":
        yield 1, "only syncline.hpp stands beside the folders"
    guard = guard_of(relative)
    bare = without_strings(text)
    lines = [line for line in bare.splitlines() if line.strip()]
    if lines[:2] != [f"#ifndef {guard}", f"#define {guard}"] or not lines[-1].startswith("#endif"):
        yield 1, f"include guard must be {guard}, around everything"
    yield from check_includes(relative, text)
    for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", bare, re.M):
        name = match.group(1)
        if name != guard and not (relative == "support/version.hpp" and MACROS.match(name)):
            yield line_of(bare, match.start()), f"macro {name}"
    for pattern, what in BANNED_TEXT:
        if what == "`throw`" and relative.startswith(MAY_THROW):
            continue
        for match in pattern.finditer(bare):
            yield line_of(bare, match.start()), what
    for position in namespace_scope_statics(bare):
        yield line_of(bare, position), "`static` at namespace scope: write `inline`"
    for position in function_statics(bare):
        yield line_of(bare, position), "mutable static state"


def check_text(relative, text):
    """What is wrong with any file of the tree, whatever its language."""
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line and not relative.endswith((".txt", ".json")):
            yield number, "a tab"
        if line.endswith((" ", "\r")) and not relative.endswith(".expected"):
            yield number, "a blank at the end of the line"
        for pattern, what in MACHINES:
            if pattern.search(line):
                yield number, what
    if text and not text.endswith("\n"):
        yield 1, "no newline at the end of the file"


def files(root):
    """The project's files: what git tracks or would track, else everything but build/ and dot folders."""
    done = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
    )
    names = [n for n in done.stdout.decode().split("\0") if n]
    if done.returncode != 0 or not names:
        names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
        names = [n for n in names if not re.match(r"build/|(.*/)?(\.git|__pycache__)/", n)]
    return sorted(n for n in names if (root / n).is_file())


TOP = {
    "include", "tests", "examples", "docs", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
    "CMakeLists.txt", "CMakePresets.json", "meson.build", ".ci", ".gitignore", ".clang-format",
}


def problems(root=ROOT):
    found, excused, used = [], reasons(root), set()
    for name in files(root):
        path = root / name
        if name.split("/")[0] not in TOP:
            found.append(f"{name}: {name.split('/')[0]} is not among the names at the top")
        if path.suffix not in TEXT:
            continue
        try:
            text = read(path)
        except UnicodeDecodeError:
            found.append(f"{name}: not UTF-8")
            continue
        here = list(check_text(name, text))
        if name.startswith("include/syncline/") and path.suffix == ".hpp":
            here += check_header(name.removeprefix("include/syncline/"), text)
        elif name.startswith("include/"):
            here.append((1, "under include/ there are headers of include/syncline/ only"))
        length = text.count("\n")
        if path.suffix in CODE and length > LONGEST:
            if ("long", name) in excused:
                used.add(("long", name))
            else:
                here.append((length, f"{length} lines, more than {LONGEST}: split it, or give the reason in tests/lists/reasons.txt"))
        found += [f"{name}:{line}: {what}" for line, what in sorted(here)]
    for rule, name in excused:
        if rule == "long" and (rule, name) not in used:
            found.append(f"tests/lists/reasons.txt: `long {name}` excuses nothing any more")
        elif rule not in ("long", "no-test", "no-header", "first-include"):
            found.append(f"tests/lists/reasons.txt: no rule is called `{rule}`")
    return found


def main():
    found = problems()
    print("\n".join(found) if found else "check_layers: the house is in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
