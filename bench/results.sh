#!/bin/sh
# The tables of docs/results/policies.md: every kind of policy side by side on simulators of 30, 5 and 100 videos a
# session, in the simulator it learned in and in one that was fitted to other users with another watch head.
#   bench/results.sh SWIPEGYM LABEL_STUDY DATA OUT [LENGTH ...]
# SWIPEGYM and LABEL_STUDY are the programs, DATA a KuaiRand release, OUT a folder. What is in OUT already is not made
# again, so an interrupted run goes on where it stopped. Settings that are not here are configs/results/policies_*.json.
# SEEDS, SESSIONS and EVALUATIONS override the numbers below. At the first length every agent plays, and among 10, 100
# and 1,000 candidates; at the others the chief ones do, among 10.
set -eu
[ $# -ge 4 ] || { sed -n '2,8p' "$0"; exit 2; }
swipegym=$1 label_study=$2 data=$3 out=$4
shift 4
lengths=${*:-30 5 100}
seeds=${SEEDS:-5} sessions=${SESSIONS:-400} evaluations=${EVALUATIONS:-3}
first=20220502 validated=20220504

mkdir -p "$out"
# make FILE COMMAND...: runs it unless the file is there.
make() {
  file=$1
  shift
  [ -e "$file" ] || { echo "== $*"; "$@"; }
}
settings=$(dirname "$0")/../configs/results/policies  # the beginning of their files' names

# Trained on the log, whatever the simulator.
rows="--data $data --until $first --validate-until $validated --seeds $seeds"
for method in sasrec sasrec-ratio; do
  make "$out/$method-s$seeds.h5" "$swipegym" supervised $method $rows --set refit=true --out "$out/$method.h5"
done
valued="sasrec-clicks sqn snqn sac sa2c"
for method in $valued; do
  make "$out/$method-s$seeds.h5" "$swipegym" supervised "$method" $rows --out "$out/$method.h5"
done
labels="wt ef pc pcr d2q dvr d2co labelcraft"
make "$out/labels/labelcraft-s$seeds.h5" "$label_study" fit "$data" "$out/labels" "$seeds" 4

# of FOLDER NAME...: their files as compare's --policies wants them, one pattern a name for all training seeds.
of() {
  folder=$1 list=
  shift
  for name in "$@"; do list="$list,$name=$folder/$name-s*.h5"; done
  echo "$list"
}
# agent NAME TRAIN-NAME [OPTION ...]: trains it in $at/sim.h5 with every seed, and adds it to $agents.
agent() {
  name=$1 trained=$2
  shift 2
  for seed in $(seq "$seeds"); do
    make "$at/$name-s$seed.h5" "$swipegym" train "$trained" --simulator "$at/sim.h5" --seed "$seed" --threads 1 --quiet \
      "$@" --out "$at/$name-s$seed.h5"
  done
  agents="$agents $name"
}
# table M SESSIONS POLICIES: what they earn among M candidates.
table() {
  make "$at/m$1.json" "$swipegym" compare --simulator "$at/sim.h5" --judge "$at/judge.h5" --candidates "$1" \
    --sessions "$2" --seeds "$evaluations" --quiet --versus wt --policies "$3" --json "$at/m$1.json"
}

rules=random,popularity,shortest,longest,item-mean,oracle
for length in $lengths; do
  at=$out/$length agents=
  mkdir -p "$at"
  make "$at/sim.h5" "$swipegym" fit --data "$data" --until $validated --users-fold 1/2 \
    --config "${settings}_fit$length.json" --out "$at/sim.h5"
  make "$at/judge.h5" "$swipegym" fit --data "$data" --until $validated --users-fold 0/2 --watch-head hazard --seed 7 \
    --config "${settings}_fit$length.json" --out "$at/judge.h5"
  agent dqn dqn
  agent myopic dqn --set discount=0
  agent ppo ppo
  if [ "$length" != "${lengths%% *}" ]; then
    table 10 "$sessions" "$rules$(of "$out/labels" wt d2q labelcraft)$(of "$out" sasrec sqn)$(of "$at" $agents)"
    continue
  fi
  agent dqn-ids dqn --set network.id_dim=8
  agent dqn100 dqn --set world.candidates=100
  agent dqn1000 dqn --config "${settings}_dqn1000.json"
  agent full-output full-output --config "${settings}_full_output.json"
  many="$rules$(of "$out/labels" wt labelcraft)$(of "$at" $agents)"
  agent lagrangian lagrangian
  agent tscac tscac
  table 10 "$sessions" "$rules$(of "$out/labels" $labels)$(of "$out" sasrec sasrec-ratio $valued)$(of "$at" $agents)"
  table 100 "$((sessions / 2))" "$many"
  table 1000 "$((sessions / 4))" "$many"
done
