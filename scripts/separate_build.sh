#!/usr/bin/env bash
# Compiles each source alone, warnings as errors, where the gate joins sixteen into one: an include that a neighbour
# happened to bring, or a name that two sources of a folder share, shows up only here. Nothing is run. Meant for before a
# release: an hour of two cores.
#
#   scripts/separate_build.sh           # everything: program, tests, benchmarks
#   scripts/separate_build.sh TARGET... # as ninja names them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
install_missing "${kTestPackages[@]}"

build=build/separate
configure dev -B "$build" -DSWIPEGYM_TESTS=ON -DSWIPEGYM_BENCH=ON -DSWIPEGYM_WERROR=ON \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0 -DCMAKE_UNITY_BUILD=OFF
cmake --build "$build" -- -k 0 "$@"
