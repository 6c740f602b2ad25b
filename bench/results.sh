#!/bin/sh
# The tables of docs/results/policies.md: every kind of policy side by side on simulators of 5, 30 and 100 videos a
# session, in the simulator it learned in and in one that was fitted to other users with another watch head.
#   bench/results.sh SWIPEGYM LABEL_STUDY DATA OUT [LENGTH ...]
# SWIPEGYM and LABEL_STUDY are the programs, DATA a KuaiRand release, OUT a folder. What is in OUT already is not made
# again, so an interrupted run goes on where it stopped. Settings are configs/results/policies_*.json; SEEDS, SLOW_SEEDS
# (of SQN and its kin, ten minutes a training), SESSIONS and EVALUATIONS override the numbers below.
set -eu
[ $# -ge 4 ] || { sed -n '2,8p' "$0"; exit 2; }
swipegym=$1 label_study=$2 data=$3 out=$4
shift 4
lengths=${*:-30 5 100}
seeds=${SEEDS:-5} slow_seeds=${SLOW_SEEDS:-3} sessions=${SESSIONS:-200} evaluations=${EVALUATIONS:-3}
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
rows="--data $data --until $first --validate-until $validated"
make "$out/sasrec-s$seeds.h5" "$swipegym" supervised sasrec $rows --config "${settings}_refit.json" --seeds "$seeds" \
  --out "$out/sasrec.h5"
make "$out/sasrec-ratio-s$seeds.h5" "$swipegym" supervised sasrec-ratio $rows --config "${settings}_refit.json" --seeds "$seeds" \
  --out "$out/sasrec-ratio.h5"
for method in sqn sac sasrec-clicks; do
  make "$out/$method-s$slow_seeds.h5" "$swipegym" supervised "$method" $rows --seeds "$slow_seeds" --out "$out/$method.h5"
done
make "$out/labels/labelcraft-s$seeds.h5" "$label_study" fit "$data" "$out/labels" "$seeds" 4

# Trained in a simulator. The wide spaces need a value that is a product (docs/guide/dqn.md, "All videos as actions").
for length in $lengths; do
  at=$out/$length
  mkdir -p "$at"
  make "$at/sim.h5" "$swipegym" fit --data "$data" --until $validated --users-fold 1/2 \
    --config "${settings}_fit$length.json" --out "$at/sim.h5"
  make "$at/judge.h5" "$swipegym" fit --data "$data" --until $validated --users-fold 0/2 --watch-head hazard --seed 7 \
    --config "${settings}_fit$length.json" --out "$at/judge.h5"
  for seed in $(seq "$seeds"); do
    learn="--simulator $at/sim.h5 --seed $seed --threads 1 --quiet"
    for agent in dqn ppo lagrangian tscac; do
      make "$at/$agent-s$seed.h5" "$swipegym" train $agent $learn --out "$at/$agent-s$seed.h5"
    done
    for variant in dqn100 dqn1000 myopic; do
      make "$at/$variant-s$seed.h5" "$swipegym" train dqn $learn --config "${settings}_$variant.json" \
        --out "$at/$variant-s$seed.h5"
    done
  done

  simple=random,popularity,shortest,longest,item-mean,oracle
  supervised=
  for label in wt ef pc pcr d2q dvr d2co labelcraft; do supervised="$supervised,$label=$out/labels/$label-s*.h5"; done
  for method in sasrec sasrec-ratio sasrec-clicks sqn sac; do supervised="$supervised,$method=$out/$method-s*.h5"; done
  learned=
  for agent in dqn dqn100 dqn1000 myopic ppo lagrangian tscac; do learned="$learned,$agent=$at/$agent-s*.h5"; done
  table="--simulator $at/sim.h5 --judge $at/judge.h5 --sessions $sessions --seeds $evaluations --quiet"
  make "$at/m10.json" "$swipegym" compare $table --policies "$simple$supervised$learned" --versus wt --json "$at/m10.json"
  # More to choose from, at the first length.
  [ "$length" = "${lengths%% *}" ] || continue
  for m in 100 1000; do
    make "$at/m$m.json" "$swipegym" compare $table --candidates $m --versus wt --json "$at/m$m.json" --policies \
      "random,popularity,oracle,wt=$out/labels/wt-s*.h5,labelcraft=$out/labels/labelcraft-s*.h5,dqn=$at/dqn-s*.h5,dqn100=$at/dqn100-s*.h5,dqn1000=$at/dqn1000-s*.h5,myopic=$at/myopic-s*.h5,ppo=$at/ppo-s*.h5"
  done
done
