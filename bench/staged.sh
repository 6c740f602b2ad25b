#!/bin/sh
# The tables of docs/results/staged.md: recommenders of four stages beside agents and single networks, each choosing
# among all videos, in two worlds.
#   bench/staged.sh table WORLD OUT [DATA]   policies side by side, slates of ten
#   bench/staged.sh front WORLD OUT [DATA]   what diversity costs: orderers of many strengths over the same stages
# WORLD is slice (simulators fitted to two halves of DATA's users, the second judges), truth (a synthetic release: a
# simulator fitted to it, its own law judges) or still (a truth without satiation). OUT is a folder; what is in it already
# is not made again, so an interrupted run goes on where it stopped. SWIPEGYM names another program than
# build/release/swipegym; SEEDS (of training), SESSIONS and EVALUATIONS override the numbers below.
set -eu
[ $# -ge 3 ] || { sed -n '2,10p' "$0"; exit 2; }
figure=$1 world=$2 out=$3/$2 data=${4:-}
root=$(dirname "$0")/..
swipegym=${SWIPEGYM:-$root/build/release/swipegym}
settings=$root/configs/results
seeds=${SEEDS:-5} sessions=${SESSIONS:-100} evaluations=${EVALUATIONS:-3}
mkdir -p "$out"
# make FILE COMMAND...: runs it unless the file is there.
make() {
  file=$1
  shift
  [ -e "$file" ] || { echo "== $*"; "$@"; }
}

simulator=$out/sim.h5
case $world in
  slice)
    [ -n "$data" ] || { sed -n '2,10p' "$0"; exit 2; }
    judge=$out/judge.h5
    make "$simulator" "$swipegym" fit --data "$data" --until 20220504 --users-fold 1/2 \
      --config "$settings/policies_fit30.json" --out "$simulator"
    make "$judge" "$swipegym" fit --data "$data" --until 20220504 --users-fold 0/2 --watch-head hazard --seed 7 \
      --config "$settings/policies_fit30.json" --out "$judge"
    ;;
  truth | still)
    data=$out/log judge=truth
    still=
    [ "$world" = truth ] || still=--no-satiation
    make "$data" "$swipegym" data synth --preset pure --rows 200000 --seed 1 $still --out "$data"
    make "$simulator" "$swipegym" fit --data "$data" --until 20220504 --config "$settings/worlds_fit.json" \
      --out "$simulator"
    ;;
  *) sed -n '2,10p' "$0"; exit 2 ;;
esac

# Each training seed has a folder with its networks and the compositions that name them.
for seed in $(seq "$seeds"); do
  at=$out/s$seed
  mkdir -p "$at"
  rows="--data $data --until 20220502 --validate-until 20220504 --seed $seed --threads 1 --quiet"
  learn="--simulator $simulator --seed $seed --threads 1 --quiet"
  make "$at/two_tower.h5" "$swipegym" supervised two-tower $rows --out "$at/two_tower.h5"
  make "$at/multitask.h5" "$swipegym" supervised multitask $rows --out "$at/multitask.h5"
  cp "$root"/configs/staged/*.json "$at"
  if [ "$figure" = front ]; then
    make "$at/variational.h5" "$swipegym" supervised variational-two-tower $rows --out "$at/variational.h5"
  else
    make "$at/din.h5" "$swipegym" supervised wt $rows --out "$at/din.h5"
    make "$at/dqn.h5" "$swipegym" train dqn $learn --config "$settings/staged_dqn.json" --out "$at/dqn.h5"
    make "$at/ppo.h5" "$swipegym" train ppo $learn --config "$settings/staged_ppo.json" --out "$at/ppo.h5"
  fi
done

play="--simulator $simulator --judge $judge --source full --slate 10 --sessions $sessions --seeds $evaluations --quiet"
if [ "$figure" = table ]; then
  policies=random,popularity,longest,item-mean  # the cheap rivals: rules that know durations and mean ratios
  for staged in popular diverse bucket_flow category_flow four_stages; do
    policies="$policies,$staged=$out/s*/$staged.json"
  done
  for single in two_tower dqn ppo; do policies="$policies,$single=$out/s*/$single.h5"; done
  policies="$policies,din=$out/s[12]/din.h5"  # takes .7 s of a core a session, a hundred times the others
  "$swipegym" compare $play --policies "$policies" --versus dqn --json "$out/table.json" --wide
else
  front=$root/bench/staged_front.py policies=
  for seed in $(seq "$seeds"); do python3 "$front" write "$out/s$seed/four_stages.json" "$out/s$seed"; done
  for name in $(python3 "$front" names); do policies="$policies,$name=$out/s*/front_$name.json"; done
  "$swipegym" compare $play --no-oracle --policies "${policies#,}" --versus value --json "$out/front.json"
  python3 "$front" table "$out/front.json"
fi
