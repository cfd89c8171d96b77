#!/usr/bin/env bash
# Installs, on Debian, what is missing to build and test: install.sh build | test | campaign
#   build     compiler, build tools and the libraries of the examples
#   test      and what the tests need
#   campaign  and the other compilers
# Does nothing, without root or network, where nothing is missing.
set -euo pipefail

want=(cmake ninja-build g++ nlohmann-json3-dev libhowardhinnant-date-dev libsqlite3-dev sqlite3 libcpp-httplib-dev
    libssl-dev zlib1g-dev pkg-config python3 iso-codes libcli11-dev liblmdb-dev ccache openssl curl)
clang=(clang-19 libclang-rt-19-dev)
case "${1:-test}" in
build) clang=() ;;
test) want+=(catch2 meson git locales) ;;
campaign) want+=(catch2 meson git locales clang-14 clang-16 llvm-19) ;;
*)
    echo "usage: $0 build | test | campaign" >&2
    exit 2
    ;;
esac

# The command that shows a tool to be there, however it was installed.
command_of() {
    case "$1" in
    ninja-build) echo ninja ;;
    clang-*) echo "clang++-${1#clang-}" ;;
    llvm-*) echo "llvm-cov-${1#llvm-}" ;;
    cmake | g++ | sqlite3 | pkg-config | python3 | ccache | meson | git | openssl | curl) echo "$1" ;;
    esac
}

is_here() {
    local tool
    tool=$(command_of "$1")
    if [ -n "$tool" ]; then
        command -v "$tool" >/dev/null 2>&1
    else
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
    fi
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "install: not a Debian system; expecting these to be here: ${want[*]} ${clang[*]}"
    exit 0
fi

missing=()
for package in "${want[@]}" "${clang[@]}"; do
    is_here "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "install: missing, and neither root nor sudo to install them: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null; }

echo "install: ${missing[*]}"
apt update
if [[ " ${missing[*]} " == *" clang-19 "* ]] && ! apt-cache show clang-19 >/dev/null 2>&1; then
    # An older mirror: any Clang that we support will do.
    replaced=()
    for package in "${missing[@]}"; do
        case "$package" in
        clang-19) replaced+=(clang-14) ;;
        libclang-rt-19-dev) replaced+=(libclang-rt-14-dev) ;;
        llvm-19) replaced+=(llvm-14) ;;
        *) replaced+=("$package") ;;
        esac
    done
    missing=("${replaced[@]}")
fi
apt install -y --no-install-recommends "${missing[@]}"
