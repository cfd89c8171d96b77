#!/usr/bin/env bash
# Whoever uses Syncline, each from an empty folder: CMake and meson, installed and as a part, and a bare include path. The
# program is README.md's where the SQLite adapter is linked, and core.cpp where it is not; both are compiled with strict warnings
# as errors, linked and run.
#
# Environment: BUILD_DIR (default build/).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
work=${BUILD_DIR:-$top/build}/consumers
rm -rf "$work"
mkdir -p "$work"
launcher=()
if command -v ccache >/dev/null 2>&1; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi

# quietly NAME COMMAND...: shows what a command printed only when it fails.
quietly() {
    local log="$work/$1.log"
    shift
    if ! "$@" >"$log" 2>&1; then
        cat "$log"
        return 1
    fi
}

# expect NAME PROGRAM EXPECTED: what PROGRAM prints.
expect() {
    "$2" >"$work/$1.out"
    diff "$3" "$work/$1.out"
    echo "consumers: $1"
}

with_sqlite="$top/examples/quickstart"
alone="$here/core"

quietly cmake_configure cmake -S "$top" -B "$work/cmake_build" -G Ninja -DSYNCLINE_BUILD_TESTS=OFF \
    -DSYNCLINE_BUILD_EXAMPLES=OFF -DCMAKE_INSTALL_PREFIX="$work/cmake_prefix"
quietly cmake_install cmake --install "$work/cmake_build"
quietly meson_configure meson setup "$work/meson_build" "$top" --prefix="$work/meson_prefix"
quietly meson_install meson install -C "$work/meson_build" --no-rebuild
diff -r "$work/cmake_prefix/include" "$work/meson_prefix/include"
echo "consumers: both installs have the same headers"

# use_cmake NAME SOURCE TARGET ARGUMENTS...
use_cmake() {
    local name=$1 source=$2 target=$3
    shift 3
    quietly "$name.configure" cmake -S "$here" -B "$work/$name" -G Ninja -DPROGRAM="$source.cpp" -DTARGET="$target" "${launcher[@]}" "$@"
    quietly "$name.build" cmake --build "$work/$name"
    expect "$name" "$work/$name/consumer" "$source.expected"
}
use_cmake cmake_installed "$with_sqlite" syncline::sqlite -DCMAKE_PREFIX_PATH="$work/cmake_prefix"
use_cmake cmake_subdirectory "$alone" syncline::syncline -DSYNCLINE_FOLDER="$top"
if cmake -S "$here" -B "$work/cmake_unknown" -G Ninja -DPROGRAM="$alone.cpp" -DTARGET=syncline::mysql \
    -DCMAKE_PREFIX_PATH="$work/cmake_prefix" >"$work/cmake_unknown.log" 2>&1; then
    echo "consumers: a component that does not exist was found"
    exit 1
fi
grep -q "syncline has no component mysql" "$work/cmake_unknown.log"
echo "consumers: a component that does not exist is named"

# use_meson NAME SOURCE DEPENDENCIES
use_meson() {
    local name=$1 source=$2
    mkdir -p "$work/$name/source"
    cp "$here/meson.build" "$source.cpp" "$work/$name/source/"
    if [ "$name" = meson_subproject ]; then
        mkdir "$work/$name/source/subprojects"
        ln -s "$top" "$work/$name/source/subprojects/syncline"
    fi
    sed -i -e "s|@program@|$(basename "$source").cpp|" -e "s|@dependencies@|$3|" "$work/$name/source/meson.build"
    quietly "$name.configure" env PKG_CONFIG_PATH="$work/meson_prefix/share/pkgconfig" meson setup "$work/$name/build" "$work/$name/source"
    quietly "$name.build" ninja -C "$work/$name/build"
    expect "$name" "$work/$name/build/consumer" "$source.expected"
}
use_meson meson_installed "$with_sqlite" "dependency('syncline'), dependency('sqlite3')"
use_meson meson_subproject "$alone" "dependency('syncline')"

# No build system: the headers are the user's own as far as warnings go.
for compiler in g++ clang++-19 clang++-16 clang++-14 clang++; do
    command -v "$compiler" >/dev/null 2>&1 || continue
    quietly "include_path" "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I"$top/include" \
        "$with_sqlite.cpp" -lsqlite3 -o "$work/include_path_$compiler"
    expect "include_path_$compiler" "$work/include_path_$compiler" "$with_sqlite.expected"
    [ "$compiler" = g++ ] || break  # GCC, and one Clang
done
