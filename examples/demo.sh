#!/usr/bin/env bash
# The whole way on real data: a server process with an SQLite file and two device processes with a file each, over HTTP on loopback.
#
# Device A loads the ISO 639-3 list of languages into its own table with plain SQL and syncs; device B hydrates; both go offline and edit: other
# fields of the same records, the same field of others, and one deletes what the other edits; both come back and sync. Shows what was pushed,
# pulled, merged and refused and why, and ends with a non-zero status unless both devices and the server hold equal tables.
#
# Installs and builds what is missing. Environment: BUILD_DIR (default build/).
set -euo pipefail
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
build="${BUILD_DIR:-$top/build}/demo"
"$top/tests/tools/install.sh" build
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DSYNCLINE_BUILD_TESTS=OFF >"/tmp/demo-cmake.$$" 2>&1 ||
    { cat "/tmp/demo-cmake.$$" >&2; exit 1; }
rm -f "/tmp/demo-cmake.$$"
cmake --build "$build" --target example.language_server example.language_device
server_program=$(find "$build" -type f -name example.language_server -perm -u+x)
device_program=$(find "$build" -type f -name example.language_device -perm -u+x)

work=$(mktemp -d)
server=""
finish() {
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap finish EXIT

list=/usr/share/iso-codes/json/iso_639-3.json
say() { printf '\n== %s\n' "$*"; }
sql() { sqlite3 -bail -cmd '.timeout 10000' "$work/$1.db" "$2"; }
start_server() {
    rm -f "$work/port"
    "$server_program" "$work/server.db" "$work/port" token-of-ann=ann token-of-ben=ben &
    server=$!
    for _ in $(seq 1 100); do
        [ -s "$work/port" ] && break
        kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
        sleep 0.1
    done
    url="http://127.0.0.1:$(cat "$work/port")"
}
stop_server() {
    kill -TERM "$server"
    wait "$server"
    server=""
}
token() { if [ "$1" = a ]; then echo token-of-ann; else echo token-of-ben; fi; }
# Syncs one device. Being refused a change is an outcome (3), not a failure of the demo.
sync() {
    local status=0
    echo "device $1 syncs:"
    "$device_program" "$work/$1.db" sync "$url" "$(token "$1")" || status=$?
    [ "$status" = 0 ] || [ "$status" = 3 ] || exit 1
}

say "Device A makes its table and loads the ISO 639-3 list with plain SQL"
"$device_program" "$work/a.db" attach
"$device_program" "$work/b.db" attach
sql a "INSERT INTO language(id, name, kind, scope, alpha_2, inverted_name, note)
       SELECT json_extract(value,'\$.alpha_3'), json_extract(value,'\$.name'), json_extract(value,'\$.type'), json_extract(value,'\$.scope'),
              json_extract(value,'\$.alpha_2'), json_extract(value,'\$.inverted_name'), NULL
       FROM json_each(readfile('$list'), '\$.639-3')"
count=$(sql a 'SELECT count(*) FROM language')
echo "device A holds $count languages"
[ "$count" -gt 7000 ] || { echo "the list is shorter than it should be" >&2; exit 1; }

say "The server starts with an empty table; device A syncs, device B hydrates"
start_server
sync a
sync b
echo "device B holds $(sql b 'SELECT count(*) FROM language') languages"

say "Both go offline (the server stops), and edit with plain SQL"
stop_server
echo "different fields of the same records: A writes notes, B changes kinds of 20 languages"
sql a "UPDATE language SET note = 'note of A' WHERE id IN (SELECT id FROM language ORDER BY id LIMIT 20)"
sql b "UPDATE language SET kind = 'H' WHERE id IN (SELECT id FROM language ORDER BY id LIMIT 20)"
echo "the same field of the same record: both rename eng"
sql a "UPDATE language SET name = 'English (A)' WHERE id = 'eng'"
sql b "UPDATE language SET name = 'English (B)' WHERE id = 'eng'"
echo "one deletes what the other edits: A deletes fra, B writes a note on it; B deletes deu, A writes a note on it"
sql a "DELETE FROM language WHERE id = 'fra'"
sql b "UPDATE language SET note = 'note of B' WHERE id = 'fra'"
sql b "DELETE FROM language WHERE id = 'deu'"
sql a "UPDATE language SET note = 'note of A' WHERE id = 'deu'"
echo "a change that the server's own rule forbids: A takes the name of ita away"
sql a "UPDATE language SET name = '' WHERE id = 'ita'"
"$device_program" "$work/a.db" status
"$device_program" "$work/b.db" status

say "Both come back and sync"
start_server
sync a
sync b
sync a

say "What was refused waits on device A for a person, who takes the server's row"
"$device_program" "$work/a.db" waiting
"$device_program" "$work/a.db" take-server ita
sync a
sync b

say "Are the three tables equal?"
stop_server
for side in server a b; do
    sql "$side" "SELECT id, name, kind, scope, alpha_2, inverted_name, note FROM language ORDER BY id" >"$work/$side.txt"
    echo "$side: $(wc -l <"$work/$side.txt") rows, $(sha256sum <"$work/$side.txt" | cut -c1-16)"
done
for side in a b; do
    if ! diff "$work/server.txt" "$work/$side.txt" >"$work/difference"; then
        echo "device $side differs from the server:" >&2
        head -20 "$work/difference" >&2
        exit 1
    fi
done
merged=$(sql server "SELECT count(*) FROM language WHERE note = 'note of A' AND kind = 'H'")
[ "$merged" = 20 ] || { echo "of the 20 records that both edited, $merged carry both edits" >&2; exit 1; }
for side in a b; do
    left=$(sql "$side" "SELECT count(*) FROM syncline_replica_open")
    [ "$left" = 0 ] || { echo "device $side still has $left changes in its queue" >&2; exit 1; }
done
echo "equal; all 20 records that both edited carry both edits, and nothing waits"
