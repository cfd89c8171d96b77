"""docs/guides/server.md is true: its commands do what it says, and it names every member of the configuration."""

import json
import os
import re
import subprocess
from pathlib import Path

from case import Case
from scene import WAIT

__all__ = ["Guide"]

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "server.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


class Guide(Case):
    def test_its_commands_print_what_it_shows(self):
        blocks = FENCE.findall(GUIDE.read_text(encoding="utf-8"))
        tools = self.scene.folder / "tools"
        tools.mkdir()
        (tools / "syncline-server").symlink_to(self.program)
        folder = self.scene.folder / "guide"
        folder.mkdir()
        script = ["set -eu -o pipefail", "trap 'kill ${SERVER:-} 2> /dev/null || true' EXIT"]
        shown = []
        for (kind, text), (after, expected) in zip(blocks, [*blocks[1:], ("", "")]):
            if kind != "sh":
                continue
            file = f"{len(shown)}.out"
            script.append("{\n" + text + "} > ../" + file)
            shown.append((file, expected.strip() if after == "text" else ""))
        self.assertGreater(len(shown), 8)
        done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=WAIT, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for file, expected in shown:
            # `...` stands for whatever comes there.
            pattern = ".*".join(re.escape(part) for part in expected.split("..."))
            self.assertRegex((self.scene.folder / file).read_text(encoding="utf-8").strip(), re.compile(rf"\A{pattern}\Z", re.S))

    def test_it_names_every_member(self):
        whole = {"name": "notes", "key": "id", "assign_key": True, "owner": "user_id", "only": ["text"], "read_only": ["text"], "created_at": "x", "updated_at": "y", "deleted_at": "z"}
        document = self.scene.configuration(
            tables=[whole], listen={"tls": {"certificate": "c", "key": "k"}}, jwt={"secret_file": "secret", "issuer": "i", "audience": "a", "only_users": ["u"]})
        printed = self.scene.run(self.scene.config_file(document), "--print-config")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        members = {"tables.except", "jwt.secret_env"}

        def collect(value, path):
            if isinstance(value, dict) and value:
                for name, inner in value.items():
                    collect(inner, [*path, name])
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                collect(value[0], path)
            else:
                members.add(".".join(path))

        collect(json.loads(printed.stdout), [])
        guide = GUIDE.read_text(encoding="utf-8")
        self.assertEqual([name for name in sorted(members) if f"`{name}`" not in guide], [])
