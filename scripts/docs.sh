#!/usr/bin/env bash
# Builds the site of docs/ into build/site, strictly: a link or a heading that is not there fails. So does a page of the
# Python package that is not what its docstrings say, and a command line with an option that there is not.
#
#   scripts/docs.sh           # the first time it installs MkDocs from PyPI into build/venv-docs
#   scripts/docs.sh --serve   # shows the site at http://127.0.0.1:8000 and follows changes
#
# The last line is 'N passed, N failed'; the exit code is 0 when none failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
source scripts/setup.sh
install_missing python3 python3-venv

venv=build/venv-docs
if [ ! -e "$venv/complete" ]; then
  if ! { python3 -m venv "$venv" &&
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "${kDocsPackages[@]}"; }; then
    echo "FAILED: ${kDocsPackages[*]} could not be installed from PyPI"
    echo "0 passed, 1 failed"
    exit 1
  fi
  touch "$venv/complete"
fi
export NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true
if [ "${1:-}" = --serve ]; then exec "$venv/bin/mkdocs" serve; fi

passed=0
failed=0
# step TITLE COMMAND...: runs it; of one that fails the output is shown.
step() {
  local title=$1 begun=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "ok: $title ($((SECONDS - begun)) s)"
  else
    failed=$((failed + 1))
    echo "$output"
    echo "FAILED: $title"
  fi
}

step "docs/reference/python.md says what the docstrings say" python3 scripts/python_reference.py --check
step "command lines of the pages are ones that the program takes" python3 scripts/docs_commands.py
step "the site builds without a warning" "$venv/bin/mkdocs" build --strict
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
