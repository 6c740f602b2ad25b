#!/usr/bin/env bash
# Trains the agents of every library in swipegym.examples at full length, each library in a fresh environment of its own, and holds
# each against random choice. Too long and too large for the gate: meant for once a week, or before a release.
#
#   scripts/clients_weekly.sh                      # builds the package of this tree first; 15 minutes of two cores, 6 GB of disk
#   scripts/clients_weekly.sh --wheel FILE.whl     # that one instead
#   scripts/clients_weekly.sh --only d3rlpy_dqn,skrl_ddqn --seeds 1
#
# Leaves build/clients/table.md and clients.png. The last line is 'N passed, N failed'; the exit code is 0 when none failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
source scripts/setup.sh
install_missing python3 python3-venv

wheel='' seeds=3
only=sb3_ppo,sb3_dqn,sb3_plain,sb3_maskable_ppo,torch_dqn,torchrl_dqn,tianshou_dqn,skrl_ddqn,d3rlpy_dqn,pfrl_dqn,rllib_ppo
while [ $# -gt 0 ]; do
  case $1 in
    --wheel) wheel=$(realpath "${2:?--wheel needs a file}"); shift 2 ;;
    --only) only=${2:?--only needs names}; shift 2 ;;
    --seeds) seeds=${2:?--seeds needs a number}; shift 2 ;;
    *) echo "usage: $0 [--wheel FILE.whl] [--only NAME,NAME] [--seeds N]" >&2; exit 2 ;;
  esac
done
work=$PWD/build/clients
mkdir -p "$work"

if [ -z "$wheel" ]; then
  install_missing "${kProgramPackages[@]}" python3-dev
  rm -rf "$work/wheel"
  python3 -m venv "$work/tools" && "$work/tools/bin/pip" wheel -q --no-deps -w "$work/wheel" . || { echo "0 passed, 1 failed"; exit 1; }
  wheel=$(echo "$work"/wheel/*.whl)
fi

# needs NAME: what PyPI has to bring beside the package, as the headers of the examples say.
needs() {
  case $1 in
    sb3_maskable_ppo) echo "stable-baselines3>=2.6 sb3-contrib" ;;
    sb3_*) echo "stable-baselines3>=2.6" ;;
    torchrl_dqn) echo "torch torchrl==0.14.1" ;;
    tianshou_dqn) echo "torch tianshou==2.0.1" ;;
    skrl_ddqn) echo "torch skrl==2.1.1" ;;
    pfrl_dqn) echo "torch pfrl==0.4.0" ;;
    d3rlpy_dqn) echo "torch gym structlog dataclasses-json h5py scikit-learn click colorama tqdm" ;;
    rllib_ppo) echo "torch ray[rllib]==2.60.0" ;;
    *) echo "torch" ;;
  esac
}

passed=0 failed=0
for name in ${only//,/ }; do
  venv=$work/venv-$name
  rm -rf "$venv"
  read -ra packages <<< "$(needs "$name")"
  if python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check "$wheel" matplotlib "${packages[@]}" &&
    { [ "$name" != d3rlpy_dqn ] || "$venv/bin/pip" install -q --no-deps d3rlpy==2.8.1; } &&
    "$venv/bin/python" bench/clients/run.py --out "$work" --only "$name" --seeds "$seeds" --curve 0; then
    "$venv/bin/python" bench/clients/run.py --out "$work" --only "$only" --table > /dev/null # of all there are so far
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
  rm -rf "$venv"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
