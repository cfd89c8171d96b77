#!/usr/bin/env bash
# Installs what is missing, builds and runs the tests. Ends with a table of the stages, a line for each thing that was
# not run, and the number of test cases that passed and failed.
#
#   tests/run.sh                what every change must pass
#   tests/run.sh --quick        the checks, and the Release build with all its tests
#   tests/run.sh --campaign     and everything else: the small model, fuzzing, the mutants, branch coverage, every compiler, Debug, 50,000 seeds
#   tests/run.sh --only a,b     those stages: checks gcc alone asan tsan meson consumers demo bench states fuzz mutants coverage debug
#                               clang-14 clang-16 clang-19
#
# Environment: BUILD_DIR (default build/), JOBS (default: processors), SYNCLINE_SEEDS (seeds of the simulation).
set -euo pipefail
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
export BUILD_DIR="${BUILD_DIR:-$top/build}"
export JOBS="${JOBS:-$(nproc)}"
export PYTHONDONTWRITEBYTECODE=1
export CCACHE_COMPILERCHECK=content
# A clone elsewhere finds what another one compiled.
export CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1
tools=tests/tools

mode=full
only=""
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) mode=quick ;;
    --campaign) mode=campaign ;;
    --only)
        [ $# -ge 2 ] || { echo "--only wants a list of stages" >&2; exit 2; }
        only="$2"
        shift
        ;;
    -h | --help)
        sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
        exit 0
        ;;
    *)
        echo "unknown: $1 (see --help)" >&2
        exit 2
        ;;
    esac
    shift
done

quick_stages=(checks gcc)
full_stages=(checks gcc meson tsan consumers demo bench)
campaign_stages=(checks gcc alone asan tsan meson consumers demo bench states fuzz mutants coverage debug clang-14 clang-16 clang-19)
case "$mode" in
quick) stages=("${quick_stages[@]}") ;;
full) stages=("${full_stages[@]}") ;;
campaign) stages=("${campaign_stages[@]}") ;;
esac
if [ -n "$only" ]; then
    IFS=, read -r -a stages <<<"$only"
    for stage in "${stages[@]}"; do
        [[ " ${campaign_stages[*]} " == *" $stage "* ]] || { echo "no stage is called $stage" >&2; exit 2; }
    done
fi

seeds=${SYNCLINE_SEEDS:-}
if [ -z "$seeds" ]; then
    seeds=2000
    [ "$mode" != campaign ] || seeds=50000
fi
# Under a sanitizer, and in a build without optimisation, a seed takes several times as long.
few_seeds=$((seeds < 200 ? seeds : seeds / 10))

mkdir -p "$BUILD_DIR"
counts="$BUILD_DIR/counts.txt"
not_run="$BUILD_DIR/not_run.txt"
: >"$counts"
: >"$not_run"
table=()
failed_stages=0

skipped() { echo "$1" >>"$not_run"; }
passed_and_failed() { echo "$1 $2" >>"$counts"; }

newest_clang() {
    local name
    for name in clang++-19 clang++-16 clang++-14 clang++; do
        if command -v "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    return 1
}

# Tests run far from UTC by a fraction of an hour, and where a number's decimals follow a comma.
test_environment=(TZ=Asia/Kathmandu)
prepare_locale() {
    local folder="$BUILD_DIR/locale"
    if [ ! -d "$folder/de_DE.UTF-8" ]; then
        mkdir -p "$folder"
        localedef -i de_DE -f UTF-8 "$folder/de_DE.UTF-8" >/dev/null 2>&1 || true
    fi
    if [ -d "$folder/de_DE.UTF-8" ]; then
        test_environment+=(LOCPATH="$folder" LC_ALL=de_DE.UTF-8)
    else
        skipped "tests in a locale with a decimal comma: localedef cannot make one here"
    fi
}

# The test files of a program are compiled together, up to so many at once: each alone spends most of its time on the same headers
# and templates. What each header needs is seen by compiling it alone (the stage of that name).
joined=24

# configure_and_build PRESET TARGETS CMAKE_ARGUMENTS...
configure_and_build() {
    local preset=$1 targets=$2
    shift 2
    cmake --preset "$preset" -B "$BUILD_DIR/$preset" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE="$joined" "$@" >"$BUILD_DIR/$preset.configure.log" 2>&1 || {
        cat "$BUILD_DIR/$preset.configure.log"
        return 1
    }
    grep -E 'Not built|[Ww]arning' "$BUILD_DIR/$preset.configure.log" || true
    # shellcheck disable=SC2086 -- a list of targets
    cmake --build "$BUILD_DIR/$preset" --parallel "$JOBS" --target $targets -- --quiet -k 0
}

# run_tests PRESET SEEDS CTEST_ARGUMENTS...
run_tests() {
    local preset=$1 count=$2 code=0
    shift 2
    local folder="$BUILD_DIR/$preset"
    rm -f "$folder/Testing/Temporary/LastTest.log"
    env "${test_environment[@]}" SYNCLINE_SEEDS="$count" \
        ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$JOBS" "$@" || code=$?
    if [ -f "$folder/Testing/Temporary/LastTest.log" ]; then
        python3 "$tools/summary.py" "$folder/Testing/Temporary/LastTest.log" >>"$counts"
    fi
    return "$code"
}

stage_checks() {
    local code=0 check
    for check in "lists.py --check" check_layers.py check_docs.py check_weak_points.py check_parity.py check_behaviours.py check_mutants.py test_tools.py must_fail.py "preprocessed.py --check"; do
        # shellcheck disable=SC2086 -- a script and its argument
        if python3 $tools/$check; then
            passed_and_failed 1 0
        else
            echo "failed: $tools/$check"
            passed_and_failed 0 1
            code=1
        fi
    done
    return "$code"
}

stage_gcc() {
    configure_and_build gcc-release all -DSYNCLINE_QUICK_TO_COMPILE=ON
    run_tests gcc-release "$seeds" -LE checks
}

stage_alone() {
    if configure_and_build gcc-release build.alone -DSYNCLINE_QUICK_TO_COMPILE=ON; then
        passed_and_failed 1 0
    else
        passed_and_failed 0 1
        return 1
    fi
}

sanitizer_options=(ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1)
stage_asan() {
    configure_and_build asan "tests.unit tests.wire tests.property tests.faults tests.simulation build.no_exceptions" \
        -DCMAKE_CXX_COMPILER="$(newest_clang)"
    test_environment+=("${sanitizer_options[@]}")
    run_tests asan "$few_seeds" -L '^(unit|wire|property|faults|simulation)$'
}

stage_tsan() {
    # In order: Debian's libcpp-httplib is not compiled for this sanitizer, so that its statics (regular expressions) were made before another
    # thread reads them is not seen; cases with one thread, which come first, make them.
    configure_and_build tsan tests.thread -DCMAKE_CXX_COMPILER="$(newest_clang)" -DSYNCLINE_TEST_ORDER=decl
    if ! grep -q '^[^ ]* [a-z]* [^ ]*thread' tests/lists/tests.txt; then
        skipped "ThreadSanitizer: no test in tests/lists/tests.txt starts a thread"
        return 0
    fi
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 run_tests tsan "$few_seeds" -L '^thread$'
}

# In every run with the sanitizers, on unit tests and simulation, so that both need one compilation; in the campaign plain, on everything.
# Without optimisation and with a Clang, which compiles this in two thirds of the time that GCC takes: the campaign has GCC's Debug build.
stage_meson() {
    local folder="$BUILD_DIR/meson" flags=-O0 link="" targets=() suites=() code=0
    if [ "$mode" != campaign ]; then
        folder="$BUILD_DIR/meson-sanitizers"
        flags="-O0 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
        link="-fsanitize=address,undefined"
        suites=(--suite unit --suite simulation)
        skipped "meson, ASan and UBSan on wire, property, faults and examples (the list of all is compared with CMake's)"
    fi
    if [ -f "$folder/build.ninja" ]; then
        meson setup --reconfigure "$folder" >"$BUILD_DIR/meson.configure.log" 2>&1 || code=$?
    else
        CXX="$(command -v ccache >/dev/null 2>&1 && echo "ccache ")$(newest_clang)" meson setup "$folder" "$top" \
            --buildtype=plain --unity=on --unity-size="$joined" -Dcpp_args="$flags" -Dcpp_link_args="$link" >"$BUILD_DIR/meson.configure.log" 2>&1 || code=$?
    fi
    if [ "$code" != 0 ]; then
        cat "$BUILD_DIR/meson.configure.log"
        return "$code"
    fi
    grep -E '^Message: Not built' "$BUILD_DIR/meson.configure.log" || true
    if [ "$mode" != campaign ]; then
        mapfile -t targets < <(ninja -C "$folder" -t targets all | sed -n 's/^\(tests\/\(unit\.[^:]*\|simulation[^:]*\)\): cpp_LINKER$/\1/p')
        [ "${#targets[@]}" -gt 0 ] || { echo "meson's list of targets could not be read"; return 1; }
    fi
    ninja -C "$folder" -j "$JOBS" --quiet "${targets[@]}"
    same_tests_in_both "$folder"
    rm -f "$folder/meson-logs/testlog.json"
    env "${test_environment[@]}" SYNCLINE_SEEDS="$few_seeds" "${sanitizer_options[@]}" \
        meson test -C "$folder" --no-rebuild --num-processes "$JOBS" --print-errorlogs "${suites[@]}" || code=$?
    if [ -f "$folder/meson-logs/testlog.json" ]; then
        python3 "$tools/summary.py" "$folder/meson-logs/testlog.json" >>"$counts"
    fi
    return "$code"
}

# Both builds run the same tests; the scripts are CTest's alone.
same_tests_in_both() {
    [ -f "$BUILD_DIR/gcc-release/build.ninja" ] || return 0
    local ours theirs
    ours=$(ctest --test-dir "$BUILD_DIR/gcc-release" -N -LE checks | sed -n 's/^ *Test *#[0-9]*: //p' | sort)
    theirs=$(meson test -C "$1" --list --no-rebuild 2>/dev/null | sed -n 's/^.* \/ //p' | sort)
    if [ "$ours" != "$theirs" ]; then
        echo "CMake (left) and meson (right) do not run the same tests:"
        diff <(echo "$ours") <(echo "$theirs") || true
        passed_and_failed 0 1
        return 1
    fi
    passed_and_failed 1 0
}

# run_script PATH ARGUMENTS...: one of the scripts that other folders bring.
run_script() {
    if [ ! -x "$1" ]; then
        skipped "$1: not there"
        return 0
    fi
    if env "${test_environment[@]}" "$@"; then
        passed_and_failed 1 0
    else
        local code=$?
        passed_and_failed 0 1
        return "$code"
    fi
}

stage_consumers() { run_script tests/consumers/run.sh; }
# The name of the compiler under which the stage gcc compiled the same examples: ccache goes by the name.
stage_demo() { CXX=g++ run_script examples/demo.sh; }
# So few, and not optimised, that it only shows that it works and that the devices end alike: figures are for a machine that does nothing else.
stage_bench() {
    run_script tests/bench/run.sh --quick 1000
    skipped "tests/bench/run.sh with 10,000 and 100,000 records, whose figures count"
}
# Every interleaving of the small model, in two halves so that two processors share them.
stage_states() {
    local program="$BUILD_DIR/small_model" half halves=() code=0
    g++ -std=c++20 -O2 -I include tests/simulation/small_model.cpp -o "$program" || return 1
    for half in 1/2 2/2; do
        "$program" --campaign "$half" >"$program.${half%/*}.txt" &
        halves+=($!)
    done
    for half in "${halves[@]}"; do wait "$half" || code=1; done
    cat "$program.1.txt" "$program.2.txt"
    passed_and_failed $((1 - code)) "$code"
    return "$code"
}
# A minute for each decoder; what it keeps is to be committed.
stage_fuzz() { run_script tests/fuzz/run.py --seconds "${SYNCLINE_FUZZ_SECONDS:-60}"; }
stage_mutants() { run_script tests/mutants/run.sh; }
stage_coverage() { run_script tests/coverage/run.py; }

stage_debug() {
    configure_and_build gcc-debug "all all_verify_interface_header_sets"
    run_tests gcc-debug "$few_seeds" -LE checks
}

strict_clang() {
    if ! command -v "clang++-$1" >/dev/null 2>&1; then
        skipped "Clang $1: not installed"
        return 0
    fi
    configure_and_build "clang-$1" "all all_verify_interface_header_sets" -DSYNCLINE_QUICK_TO_COMPILE=ON
    run_tests "clang-$1" "$few_seeds" -LE checks
}
stage_clang-14() { strict_clang 14; }
stage_clang-16() { strict_clang 16; }
stage_clang-19() { strict_clang 19; }

describe() {
    case "$1" in
    checks) echo "lists, layers, documents, must not compile, macros" ;;
    gcc) echo "GCC Release, all tests, $seeds seeds" ;;
    alone) echo "each header compiled for itself, GCC" ;;
    asan) echo "Clang ASan and UBSan, unit to simulation, $few_seeds seeds" ;;
    tsan) echo "Clang TSan, drivers and servers" ;;
    meson)
        if [ "$mode" = campaign ]; then
            echo "meson, Clang -O0, all tests, $few_seeds seeds"
        else
            echo "meson, Clang ASan and UBSan, unit tests, simulation"
        fi
        ;;
    consumers) echo "projects of others: installed, as a part, by include path" ;;
    demo) echo "examples/demo.sh" ;;
    bench) echo "tests/bench/run.sh --quick, 1,000 records, both wires" ;;
    states) echo "every interleaving of the small model, counted twice" ;;
    fuzz) echo "libFuzzer on every decoder" ;;
    mutants) echo "mutants of the core die" ;;
    coverage) echo "branches of everything but the adapters, Clang" ;;
    debug) echo "GCC Debug, all tests, header sets" ;;
    clang-*) echo "Clang ${1#clang-} Release, all tests, header sets" ;;
    esac
}

report() {
    local row passed=0 failed=0 good bad stage line
    echo
    printf '%-9s %-58s %8s  %s\n' stage what minutes result
    for row in "${table[@]}"; do
        IFS='|' read -r stage seconds result <<<"$row"
        printf '%-9s %-58s %5d:%02d  %s\n' "$stage" "$(describe "$stage")" $((seconds / 60)) $((seconds % 60)) "$result"
    done
    echo
    for stage in "${campaign_stages[@]}"; do
        [[ " ${stages[*]} " == *" $stage "* ]] || echo "not run: $stage, $(describe "$stage")"
    done
    [ "$seeds" -ge 50000 ] || echo "not run: the seeds from $((seeds + 1)) to 50000 (--campaign runs them)"
    echo "not run: clang-format, clang-tidy (advice, for the editor)"
    while read -r line; do echo "not run: $line"; done < <(sort -u "$not_run")
    while read -r good bad; do
        passed=$((passed + good))
        failed=$((failed + bad))
    done <"$counts"
    echo
    echo "$passed passed, $failed failed"
}

interrupted() {
    echo "interrupted"
    passed_and_failed 0 1
    report
    exit 1
}
trap interrupted INT TERM

"$tools/install.sh" "$([ "$mode" = campaign ] && echo campaign || echo test)"
prepare_locale

for stage in "${stages[@]}"; do
    printf '\n=== %s: %s\n' "$stage" "$(describe "$stage")"
    before=$(awk '{ n += $2 } END { print n + 0 }' "$counts")
    start=$SECONDS
    # In a subshell that is no condition, so that the first command that fails ends the stage and only the stage.
    set +e
    (
        set -e
        "stage_$stage"
    )
    code=$?
    set -e
    result=passed
    if [ "$code" != 0 ]; then
        result=FAILED
        failed_stages=$((failed_stages + 1))
        # A stage that fell over before any test did counts as one.
        after=$(awk '{ n += $2 } END { print n + 0 }' "$counts")
        [ "$after" -gt "$before" ] || passed_and_failed 0 1
    fi
    table+=("$stage|$((SECONDS - start))|$result")
done

report
[ "$failed_stages" = 0 ]
