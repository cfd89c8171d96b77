#!/usr/bin/env bash
# Breaks the core in small ways, one at a time, and shows that a test goes red each time.
#
#   tests/mutants/run.sh             every mutant of this folder
#   tests/mutants/run.sh PART...     those whose name contains one of the parts
#   tests/mutants/run.sh --show ...  and what the tests printed
#
# Environment: BUILD_DIR (default build/), JOBS (default: processors), CXX (default: a Clang, else g++). README.md tells how to write one.
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/run.py" "$@"
