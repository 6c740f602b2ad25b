#!/usr/bin/env bash
# Holds every C++ file against .clang-format:
#
#   scripts/format.sh          # names the files that differ and how
#   scripts/format.sh --fix    # rewrites them
#
# Layouts differ between versions of clang-format: what counts is Debian 12's, 14. The last line is 'N passed, N failed',
# in files; the exit code is 0 when none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

fix=
case ${1:---check} in
  --check) ;;
  --fix) fix=yes ;;
  *) echo "usage: scripts/format.sh [--check | --fix]" >&2; exit 2 ;;
esac
install_missing "${kFormatPackages[@]}"
program=$(command -v clang-format-14 || command -v clang-format)
if ! "$program" --version | grep -q 'version 14\.'; then
  echo "this is $("$program" --version), expected version 14; what it says may differ from what the tests say" >&2
fi

mapfile -t files < <(git ls-files -- '*.cpp' '*.h')
different=()
if [ -n "$fix" ]; then
  "$program" -i "${files[@]}"
else
  mapfile -t different < <("$program" --dry-run "${files[@]}" 2>&1 | sed -nE 's/^([^:]+):[0-9]+:[0-9]+: .*/\1/p' | sort -u)
fi
for file in "${different[@]}"; do
  "$program" "$file" | diff -u --label "$file" --label "$file, formatted" "$file" - | head -n 40 || true
done
if [ ${#different[@]} -gt 0 ]; then echo "scripts/format.sh --fix rewrites them."; fi
echo "$((${#files[@]} - ${#different[@]})) passed, ${#different[@]} failed"
[ ${#different[@]} -eq 0 ]
