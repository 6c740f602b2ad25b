#!/usr/bin/env bash
# Asks clang-tidy (.clang-tidy says what) of every source, headers along with them:
#
#   scripts/tidy.sh                    # the whole tree: two hours of two cores
#   scripts/tidy.sh env cli/load.cpp   # sources of these folders, and these files
#   scripts/tidy.sh --since main       # those that differ from a commit
#
# Prints what it finds. The last line is 'N passed, N failed', in sources; the exit code is 0 when none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

if [ "${1:-}" = --since ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d "${2:?--since needs a commit}" -- '*.cpp')
else
  mapfile -t files < <(git ls-files -- "${@:-.}" | grep '\.cpp$')
fi
# The module's sources need nanobind, and the race of the tests is there to be found by another tool.
mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -vE '^$|^python/|^tests/race/|^examples/')
if [ ${#files[@]} -eq 0 ]; then echo "no source is named by: $*" >&2; exit 2; fi
install_missing "${kTestPackages[@]}" "${kTidyPackages[@]}"

build=build/tidy # never built: what counts is how each source is compiled, alone
configure dev -B "$build" -DSWIPEGYM_TESTS=ON -DSWIPEGYM_BENCH=ON
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
ask() { # ask BUILD LOGS FILE: the log of a source stays only when it has something to say
  local log=$2/${3//\//_}
  if clang-tidy -p "$1" --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option "$3" \
    > "$log" 2> "$log.stderr"; then
    rm -f "$log"
  else
    sed "s|$PWD/||" "$log"
    grep -E '(^| )error:' "$log.stderr" || true
  fi
  rm -f "$log.stderr"
}
export -f ask
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'ask "$@"' ask "$build" "$logs" {}
failed=$(find "$logs" -type f | wc -l)
echo "$((${#files[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
