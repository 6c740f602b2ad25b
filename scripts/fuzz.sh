#!/usr/bin/env bash
# Fuzzes what reads files, settings and command lines, under AddressSanitizer and UndefinedBehaviorSanitizer:
#
#   scripts/fuzz.sh                                  # every target for a minute
#   scripts/fuzz.sh --seconds 7200 simulator store   # these, for two hours each
#   scripts/fuzz.sh --runs 100000 'policy_*'         # a number of executions; names may have * and ?
#
# Prints a line a target: executions, crashes (of which distinct ones), hangs of more than a second, peak memory. Inputs
# that crash or hang stay in build/fuzz/TARGET/found, beside what was learned (corpus) and the last log. The exit code
# is 0 when nothing was found. --build DIR takes the executables of a build that is there; --seed N draws the same inputs
# each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

kMostMemory=1024 # MiB
seconds=60
runs=
seed=0 # another each time
build=
patterns=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
    --runs) runs=${2:?--runs needs a number}; shift 2 ;;
    --seed) seed=${2:?--seed needs a number}; shift 2 ;;
    --build) build=${2:?--build needs a folder}; shift 2 ;;
    -*) echo "usage: scripts/fuzz.sh [--seconds N | --runs N] [--seed N] [--build DIR] [TARGET...]" >&2; exit 2 ;;
    *) patterns+=("$1"); shift ;;
  esac
done
if [ ${#patterns[@]} -eq 0 ]; then patterns=('*'); fi

if [ -z "$build" ]; then
  install_missing "${kTestPackages[@]}" "${kClangPackages[@]}"
  build=$PWD/build/asan
  configure asan -DSWIPEGYM_TESTS=ON
  cmake --build --preset asan --target fuzzers
fi

# Little of what the sanitizer keeps for itself: the memory that is measured is ours.
export ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=6:allocator_release_to_os_interval_ms=1000
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0 # told of once, at the end
TMPDIR=$(mktemp -d -p /dev/shm swipegym-fuzz-XXXXXX) # the files that are read; crashes leave them behind
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# The number behind a word of libFuzzer's statistics; 0 where it did not get so far.
statistic() { awk -v name="stat::$1:" '$1 == name { value = $2 } END { print value + 0 }' "$log"; }

# Processor seconds of a run on one input; the clock on the wall knows the neighbours' too.
seconds_of() {
  local TIMEFORMAT=%U
  { time "$program" --target="$target" -timeout=60 "$1" > "$log.again" 2>&1 || true; } 2>&1
}
hangs() {
  : > "$log.empty"
  awk "BEGIN { exit !($(seconds_of "$1") - $(seconds_of "$log.empty") > 1) }"
}

# fuzz TARGET PROGRAM: until the time or the executions are up; a find ends libFuzzer, so it is begun again.
fuzz() {
  target=$1 program=$2
  local folder=$PWD/build/fuzz/$target executions=0 crashes=0 hung=0 peak=0 begun=$SECONDS status
  mkdir -p "$folder/corpus" "$folder/found"
  log=$folder/log
  : > "$folder/summaries"
  "$program" --target="$target" --seeds="$folder/seeds" 2> "$log" || { tail "$log"; return 1; }
  local inputs=("$folder/corpus" "$folder/seeds")
  if [ -d "tests/fuzz/corpus/$target" ]; then inputs+=("$PWD/tests/fuzz/corpus/$target"); fi
  while true; do
    local limit=(-max_total_time=$((seconds - (SECONDS - begun))))
    if [ -n "$runs" ]; then limit=(-runs=$((runs - executions))); fi
    if [ "${limit[0]##*=}" -le 0 ]; then break; fi
    status=0
    "$program" --target="$target" "${limit[@]}" -seed="$seed" -timeout=1 -rss_limit_mb=$kMostMemory -max_len=4096 -detect_leaks=0 \
      -print_funcs=0 -print_final_stats=1 -artifact_prefix="$folder/found/" "${inputs[@]}" > "$log" 2>&1 || status=$?
    executions=$((executions + $(statistic number_of_executed_units)))
    peak=$(($(statistic peak_rss_mb) > peak ? $(statistic peak_rss_mb) : peak))
    if [ "$status" -eq 0 ]; then break; fi
    local found
    found=$(sed -nE 's/.*Test unit written to (.*)$/\1/p' "$log" | tail -n 1)
    if [ -z "$found" ]; then
      echo "$target did not run:" && tail "$log"
      return 1
    fi
    case $found in
      */timeout-*) if hangs "$found"; then hung=$((hung + 1)); else rm "$found"; continue; fi ;;
      *) crashes=$((crashes + 1)) ;;
    esac
    cp "$log" "$found.log"
    { grep -m 1 -E '^SUMMARY|what\(\):' "$log" || echo "ended with status $status"; } >> "$folder/summaries"
  done
  printf '%-28s %12d %8d %9d %9d %6d %9d\n' "$target" "$executions" $((SECONDS - begun)) "$crashes" \
    "$(sort -u "$folder/summaries" | wc -l)" "$hung" "$peak"
  sort "$folder/summaries" | uniq -c | sed 's/^/    /'
  [ $((crashes + hung)) -eq 0 ]
}

printf '%-28s %12s %8s %9s %9s %6s %9s\n' target executions seconds crashes distinct hangs "peak MiB"
failed=0
tried=0
while read -r target program; do
  for pattern in "${patterns[@]}"; do
    # shellcheck disable=SC2053
    if [[ $target == $pattern ]]; then
      tried=$((tried + 1))
      fuzz "$target" "$program" || failed=1
      break
    fi
  done
done < "$build/fuzz/targets"
if [ "$tried" -eq 0 ]; then
  echo "no such target; there are: $(cut -d' ' -f1 "$build/fuzz/targets" | xargs)" >&2
  exit 2
fi
exit $failed
