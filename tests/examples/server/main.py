#!/usr/bin/env python3
"""The server example from end to end: main.py PROGRAM

Real processes, real HTTP on free ports, real SQLite files in scratch folders.
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from case import Case  # noqa: E402
from configuration_cases import *  # noqa: E402,F401,F403
from foreign_write_cases import *  # noqa: E402,F401,F403
from guide_cases import *  # noqa: E402,F401,F403
from process_cases import *  # noqa: E402,F401,F403
from refusal_cases import *  # noqa: E402,F401,F403
from safety_cases import *  # noqa: E402,F401,F403
from secret_cases import *  # noqa: E402,F401,F403
from table_cases import *  # noqa: E402,F401,F403
from tenancy_cases import *  # noqa: E402,F401,F403
from token_cases import *  # noqa: E402,F401,F403

if __name__ == "__main__":
    Case.program = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
