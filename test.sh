#!/usr/bin/env bash
# Builds and runs every test:  ./test.sh [--preset release|avx2|dev|asan|tsan] [--only core,env,...]
# Tests on real rows run when SWIPEGYM_DATA names a folder with KuaiRand's files, and say that they are skipped otherwise.
# The last line is 'N passed, N failed'; the exit code is 0 when none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/setup.sh

preset=release
only=
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift 2 ;;
    --only) only=${2:?--only needs names of folders}; shift 2 ;;
    *) echo "usage: ./test.sh [--preset release|avx2|dev|asan|tsan] [--only core,env,...]" >&2; exit 2 ;;
  esac
done

packages=("${kTestPackages[@]}")
if [ "$preset" = asan ]; then packages+=("${kClangPackages[@]}"); fi
install_missing "${packages[@]}"

targets=()
select=()
if [ -n "$only" ]; then
  targets=(--target)
  for folder in ${only//,/ }; do
    case $folder in
      python) targets+=(python_package) ;;
      fuzz) targets+=(fuzzers) ;;
      *) targets+=("test_$folder") ;;
    esac
  done
  select=(-R "^(${only//,/|}):")
fi

# Programs under ThreadSanitizer need addresses laid out as it expects; newer kernels shuffle them too far.
run=()
if [ "$preset" = tsan ] && setarch "$(uname -m)" -R true 2> /dev/null; then run=(setarch "$(uname -m)" -R); fi

python=()
if [ "$preset" != tsan ] && [[ -z "$only" || ",$only," == *,python,* ]]; then
  interpreter=$(python_for_tests)
  if [ -n "$interpreter" ]; then python=(-DSWIPEGYM_PYTHON=ON "-DPython_EXECUTABLE=$interpreter"); fi
fi

SECONDS=0
if ! configure "$preset" -DSWIPEGYM_TESTS=ON -DSWIPEGYM_WERROR=ON "${python[@]}" || ! "${run[@]}" cmake --build --preset "$preset" "${targets[@]}"; then
  echo "The build failed."
  echo "0 passed, 1 failed"
  exit 1
fi
echo "Built in $SECONDS s"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${run[@]}" ctest --preset "$preset" -j2 --no-tests=error "${select[@]}" 2>&1 | tee "$log" || true

summary=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$log" || true)
if [ -z "$summary" ]; then
  echo "0 passed, 1 failed"
  exit 1
fi
read -r failed total < <(sed -E 's/.*passed, ([0-9]+) tests failed out of ([0-9]+).*/\1 \2/' <<< "$summary")
echo "$((total - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
