#!/usr/bin/env bash
# A wheel on a machine that has no compiler: a bare Debian 12 of Python alone, made by debootstrap, in which the wheel is
# installed from nothing, README's Python lines are run, and every cell of the tour and block of the tutorial.
#
#   scripts/bare_machine.sh build/wheel/dist/*.whl          # as root; makes build/bare, 300 MB and some for packages
#   scripts/bare_machine.sh FILE.whl --root DIR             # in a system that is there already
#   scripts/bare_machine.sh FILE.whl --lend SITE_PACKAGES   # a folder with Stable-Baselines3, instead of 6 GB from PyPI
#
# MIRROR names another mirror of Debian. The last line is 'N passed, N failed'; the exit code is 0 when none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh

wheel='' root=$PWD/build/bare lend=''
while [ $# -gt 0 ]; do
  case $1 in
    --root) root=$(realpath -m "${2:?--root needs a folder}"); shift 2 ;;
    --lend) lend=$(realpath "${2:?--lend needs a folder}"); shift 2 ;;
    *) [ -f "$1" ] || { echo "usage: $0 FILE.whl [--root DIR] [--lend SITE_PACKAGES]" >&2; exit 2; }; wheel=$(realpath "$1"); shift ;;
  esac
done
[ -n "$wheel" ] || { echo "usage: $0 FILE.whl [--root DIR] [--lend SITE_PACKAGES]" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "chroot needs root" >&2; exit 2; }

if [ ! -x "$root/usr/bin/python3" ]; then
  install_missing debootstrap
  debootstrap --variant=minbase --include=python3-venv,ca-certificates bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" > /dev/null
fi
away() {
  mountpoint -q "$root/lent" && umount "$root/lent"
  mountpoint -q "$root/proc" && umount "$root/proc"
  return 0
}
trap away EXIT
mount -t proc proc "$root/proc"
if [ -n "$lend" ]; then mkdir -p "$root/lent" && mount --bind -o ro "$lend" "$root/lent"; fi
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do  # how this machine reaches PyPI
  if [ -e "$file" ]; then cp -L "$file" "$root$file"; fi
done
rm -rf "$root/stranger"
mkdir "$root/stranger"
cp "$wheel" README.md docs/guide/tutorial.md docs/guide/tour.ipynb "$root/stranger"
cat > "$root/stranger/blocks.py" << 'PYTHON'
"""blocks.py FILE [N]: runs the Python of a page or a notebook, of a page the first N blocks."""
import json, sys

path, most = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
text = open(path, encoding="utf-8").read()
if path.endswith(".ipynb"):
    blocks = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
else:
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]][:most]
names = {}
for block in blocks:
    exec(compile(block, path, "exec"), names)
print(len(blocks), "blocks")
PYTHON

there() { env -i PATH=/stranger/venv/bin:/usr/bin:/bin HOME=/stranger MPLBACKEND=Agg PYTHONPATH="${lent:-}" "$(command -v chroot)" "$root" bash -c "cd /stranger && $1"; }
passed=0 failed=0
# step TITLE COMMAND: of one that fails the output is shown.
step() {
  local output
  if output=$(there "$2" 2>&1); then
    passed=$((passed + 1)) && echo "ok: $1"
  else
    failed=$((failed + 1)) && echo "$output" | tail -n 30 && echo "FAILED: $1"
  fi
}
step "it has no compiler" '! command -v cc gcc g++ c++ clang cmake make ninja'
step "the wheel installs" "python3 -m venv venv && pip install -q './$(basename "$wheel")[tour]'"
step "the program runs" 'swipegym --version'
step "README's first block runs" 'python blocks.py README.md 1'
step "every cell of the tour runs" 'python blocks.py tour.ipynb'
if [ -n "$lend" ]; then
  lent=/lent
else
  step "Stable-Baselines3 installs" "pip install -q './$(basename "$wheel")[sb3]'"
fi
step "all of README's Python runs" 'python blocks.py README.md'
step "the tutorial runs" 'python blocks.py tutorial.md'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
