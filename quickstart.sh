#!/usr/bin/env bash
# From a bare Debian 12 to a table of policies:  ./quickstart.sh [--data DIR] [--out DIR] [other options of the program]
# Installs what is missing, builds the program (not the tests), runs 'swipegym quickstart' and makes a page of it.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/setup.sh

install_missing "${kProgramPackages[@]}"

echo "Building the program (some minutes the first time)"
SECONDS=0
configure release -DSWIPEGYM_TESTS=OFF
cmake --build --preset release --target swipegym
echo "Built in $SECONDS s"
echo

program=$PWD/build/release/swipegym
home=$PWD
cd "$here" # so that --data and --out mean what they meant to the person who typed them
"$program" quickstart "$@"

out=out/quickstart
for ((i = 1; i <= $#; ++i)); do
  case ${!i} in
    --out) next=$((i + 1)); out=${!next} ;;
    --out=*) out=${!i#--out=} ;;
    --help | -h) exit 0 ;;
  esac
done
"$home/scripts/report.sh" --if-possible "$out"
