#!/usr/bin/env bash
# One page of a run, for those who have the program and not the Python package:  scripts/report.sh DIR [--out PAGE]
# Charts are drawn by altair and vl-convert, from PyPI into build/venv-report the first time. With --if-possible it is no
# failure that they cannot be had; one line says so.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

otherwise=1
if [ "${1:-}" = --if-possible ]; then otherwise=0; shift; fi
python=$(python_for_reports)
[ -n "$python" ] || exit "$otherwise"
home=$PWD
cd "$here" # so that paths mean what they meant to the person who typed them
PYTHONPATH=$home/python PYTHONDONTWRITEBYTECODE=1 exec "$python" -m swipegym_report "$@"
