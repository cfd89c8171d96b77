#!/usr/bin/env bash
# Prints how fast a device and a server are over real SQLite files and real HTTP, as ratios to plain SQLite in the same run.
#
#   tests/bench/run.sh              10,000 and 100,000 records, both wires
#   tests/bench/run.sh 1000 5000    as many records
#   tests/bench/run.sh --quick 1000 without optimisation, which compiles in a third of the time: only to see that it works
#
# Environment: BUILD_DIR (default build/). Run it on a machine that does nothing else; nothing here is asserted.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"
BUILD_DIR="${BUILD_DIR:-$top/build}"
program=bench.sync
if [ "${1:-}" = --quick ]; then
    program=bench.sync.quick
    shift
fi
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(10000 100000)

tests/tools/install.sh test
cmake --preset gcc-release -B "$BUILD_DIR/gcc-release" >/dev/null
cmake --build "$BUILD_DIR/gcc-release" --target "$program" -- --quiet
for wire in mutation bundle; do
    for n in "${sizes[@]}"; do
        folder=$(mktemp -d)
        "$BUILD_DIR/gcc-release/tests/$program" "$folder" "$wire" "$n" || { rm -rf "$folder"; exit 1; }
        rm -rf "$folder"
        echo
    done
done
