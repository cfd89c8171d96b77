#!/usr/bin/env bash
# The whole way on real data: a server process with an SQLite file and two device processes with a file each, over HTTP on loopback.
#
# Device A loads the ISO 639-3 list of languages into its own table with plain SQL and syncs; device B hydrates; both go offline and edit: other
# fields of the same records, the same field of others, and one deletes what the other edits; both come back and sync. Shows what was pushed,
# pulled, merged and refused and why, and ends with a non-zero status unless both devices and the server hold equal tables.
#
# A second part does it from the shell, with the tasks example: some thousand tasks are imported, two devices edit while the server is down, a
# conflict is shown and resolved, and exit codes say what happened.
#
# Installs and builds what is missing. Environment: BUILD_DIR (default build/).
set -euo pipefail
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
build="${BUILD_DIR:-$top/build}/demo"
"$top/tests/tools/install.sh" build
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DSYNCLINE_BUILD_TESTS=OFF -DSYNCLINE_QUICK_TO_COMPILE=ON >"/tmp/demo-cmake.$$" 2>&1 ||
    { cat "/tmp/demo-cmake.$$" >&2; exit 1; }
rm -f "/tmp/demo-cmake.$$"
cmake --build "$build" --target example.language_server example.language_device example.tasks.main
server_program=$(find "$build" -type f -name example.language_server -perm -u+x)
device_program=$(find "$build" -type f -name example.language_device -perm -u+x)
tasks_program=$(find "$build" -type f -name example.tasks.main -perm -u+x)

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

# --- the second part

# tasks DEVICE EXIT_CODE COMMAND...: runs the tasks example as one of the devices, and expects that exit code.
tasks() {
    local side=$1 wanted=$2 status=0
    shift 2
    echo "\$ tasks $*    (device $side)"
    TASKS_DB="$work/tasks-$side.db" TASKS_SERVER="$url" TASKS_TOKEN="$(token "$side")" "$tasks_program" "$@" || status=$?
    [ "$status" = "$wanted" ] || { echo "tasks $*: ended with $status instead of $wanted" >&2; exit 1; }
}
start_tasks_server() {
    : >"$work/url"
    "$tasks_program" serve "$work/tasks-server.db" --user ann=token-of-ann --user ben=token-of-ben >"$work/url" 2>"$work/tasks-server.log" &
    server=$!
    for _ in $(seq 1 100); do
        grep -q http "$work/url" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/tasks-server.log" >&2; exit 1; }
        sleep 0.1
    done
    url=$(grep -o 'http://.*' "$work/url")
}

say "Second part, tasks from the shell: device A imports a task for each place of ISO 3166-2"
start_tasks_server
python3 - "$work/places.json" <<'END'
import json, sys
places = json.load(open("/usr/share/iso-codes/json/iso_3166-2.json", encoding="utf-8"))["3166-2"]
json.dump([{"id": p["code"], "title": "Visit " + p["name"], "note": p["type"]} for p in places], open(sys.argv[1], "w", encoding="utf-8"))
END
tasks a 0 import "$work/places.json"
tasks a 0 sync
tasks b 0 sync

say "The server stops; both devices edit, and a sync says that it has to wait"
stop_server
tasks a 0 edit FR-971 --title "Visit the butterfly island"
tasks b 0 edit FR-971 --title "Visit Basse-Terre" --priority 2
tasks a 0 done FR-974
tasks b 0 edit FR-974 --due 2030-07-14
tasks b 0 rm DE-SL
tasks a 3 sync
tasks a 0 status

say "The server is back; what both did to the same field waits on device B, which decides"
start_tasks_server
tasks a 0 sync
tasks b 1 sync
tasks b 1 conflicts
tasks b 0 resolve FR-971 --take merged title="Visit Basse-Terre, the butterfly island"
tasks b 0 sync
tasks a 0 sync
tasks b 0 conflicts

say "Are the lists equal?"
stop_server
for side in a b; do
    tasks "$side" 0 list --all --json | sed 1d >"$work/tasks-$side.json"
    sql "tasks-$side" "SELECT * FROM task ORDER BY id" >"$work/tasks-$side.txt"
    cmp "$work/tasks-a.txt" "$work/tasks-$side.txt" || { echo "the lists differ" >&2; exit 1; }
done
sql tasks-server "SELECT * FROM task ORDER BY id" | cmp - "$work/tasks-a.txt" || { echo "the server's list differs" >&2; exit 1; }
cmp "$work/tasks-a.json" "$work/tasks-b.json"
python3 - "$work/tasks-a.json" <<'END'
import json, sys
tasks = {t["id"]: t for t in json.load(open(sys.argv[1], encoding="utf-8"))["tasks"]}
kept = [tasks["FR-971"]["title"], tasks["FR-971"]["priority"], tasks["FR-974"]["done"], tasks["FR-974"]["due"], "DE-SL" in tasks]
if kept != ["Visit Basse-Terre, the butterfly island", 2, True, "2030-07-14", False]:
    sys.exit(f"an edit is missing: {kept}")
print(f"equal: {len(tasks)} tasks on both devices and the server, with everybody's edits")
END
