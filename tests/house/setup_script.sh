#!/usr/bin/env bash
# scripts/setup.sh on machines it does not have: commands of the system are replaced by ones that pretend.
#   setup_script.sh SOURCE_DIR
set -uo pipefail
source_dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

pretend() { # pretend COMMAND BODY
  printf '#!/bin/bash\n%s\n' "$2" > "$work/$1"
  chmod +x "$work/$1"
}
install_with_pretence() { # prints the exit code after what install_missing printed
  (
    PATH=$work:$PATH
    # shellcheck source=/dev/null
    source "$source_dir/scripts/setup.sh"
    install_missing g++ libfmt-dev
  ) < /dev/null 2>&1
  echo "exit $?"
}
expect() { # expect WHAT PATTERN TEXT
  if ! grep -qE "$2" <<< "$3"; then
    echo "FAILED: $1: no '$2' in:"
    echo "$3"
    failures=$((failures + 1))
  fi
}

# shellcheck disable=SC2016
{
  pretend apt-get 'echo "apt-get $*" >> "$(dirname "$0")/calls"'
  pretend dpkg-query '[ "${@: -1}" = g++ ] && echo -n installed'
}

pretend id 'echo 1000'
pretend sudo 'exit 1'
expect "a plain user is told the one line" \
  '^  apt-get update && apt-get install -y --no-install-recommends libfmt-dev$' "$(install_with_pretence)"
expect "a plain user gets exit code 2" '^exit 2$' "$(install_with_pretence)"
[ -e "$work/calls" ] && { echo "FAILED: apt-get was called without the right to"; failures=$((failures + 1)); }

# shellcheck disable=SC2016
pretend sudo '[ "$1" = -n ] && shift; "$@"'
expect "sudo installs what is missing" '^exit 0$' "$(install_with_pretence)"
expect "and only that" '^apt-get install .*--no-install-recommends libfmt-dev$' "$(cat "$work/calls")"

rm "$work/calls"
pretend id 'echo 0'
pretend sudo 'exit 1'
expect "root needs no sudo" '^exit 0$' "$(install_with_pretence)"
expect "root installs what is missing" '^apt-get install .*libfmt-dev$' "$(cat "$work/calls")"

rm "$work/calls"
pretend dpkg-query 'echo -n installed'
expect "nothing missing, nothing done" '^exit 0$' "$(install_with_pretence)"
[ -e "$work/calls" ] && { echo "FAILED: apt-get was called for nothing"; failures=$((failures + 1)); }

[ "$failures" -eq 0 ]
