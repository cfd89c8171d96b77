#!/usr/bin/env python3
"""Code in README.md and docs/ that comes from an example is the example's code.

A fence after `<!-- examples/quickstart.cpp -->` equals that file; after `<!-- examples/quickstart.cpp#main -->` it equals
the lines between `// [main]` and `// [/main]`. `--write` copies the example into the text.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tree import ROOT, read  # noqa: E402

FENCE = re.compile(r"(<!-- ((?:examples|tests)/[^#\s]+)(?:#([\w-]+))? -->\n+```\w*\n)(.*?)(^```$)", re.S | re.M)


def region(text, name):
    if name is None:
        return text
    match = re.search(rf"^[ ]*// \[{name}\]\n(.*?)^[ ]*// \[/{name}\]$", text, re.S | re.M)
    return match.group(1) if match else None


def update(text, root, problems, where):
    def replace(match):
        source = root / match.group(2)
        wanted = region(read(source), match.group(3)) if source.is_file() else None
        if wanted is None:
            problems.append(f"{where}: there is no {match.group(2)}#{match.group(3) or ''}")
            return match.group(0)
        if wanted != match.group(4):
            problems.append(f"{where}: differs from {match.group(2)} (run tests/tools/check_docs.py --write)")
        return match.group(1) + wanted + match.group(5)

    return FENCE.sub(replace, text)


def main():
    problems, fences = [], 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if not path.is_file():
            continue
        text = read(path)
        fences += len(FENCE.findall(text))
        updated = update(text, ROOT, problems, path.relative_to(ROOT))
        if "--write" in sys.argv and updated != text:
            path.write_text(updated, encoding="utf-8")
    if "--write" in sys.argv:
        problems = [p for p in problems if "differs" not in p]
    print("\n".join(problems) if problems else f"check_docs: {fences} pieces of code are those of the examples")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
