#!/bin/sh
# The headline figures of README, one command each; docs/results/index.md says what each came to.
#   bench/headline.sh fidelity OUT DATA   a fit to KuaiRand-Pure, and the table of its held-out days
#   bench/headline.sh choices OUT DATA    a fit to its standard log alone, judged by its random exposures
#   bench/headline.sh optimism OUT [DATA] what choices promise and give, by one fit, by members, with pessimism
#   bench/headline.sh ceiling OUT DATA    how far DQN and PPO come of the way to the one-step oracle, by drawn and expected rewards
#   bench/headline.sh boosted OUT DATA    LightGBM beside DQN at equal steps; PYTHON names an interpreter that has lightgbm
#   bench/headline.sh worlds OUT          eight policies in two fitted simulators and in their truths
#   bench/headline.sh four_million OUT    a DQN among ten to 4,369,953 videos; takes 3 GB of memory
#   bench/headline.sh hierarchy OUT DATA  a tag and then a video of it, beside DQN and PPO among all videos, 10 and 100
#   bench/headline.sh hierarchy_million OUT  the same among 4,369,953 videos; takes 3 GB of memory
#   bench/headline.sh policies OUT DATA   every kind of policy in a simulator and its judge, by bench/results.sh; takes long
#   bench/headline.sh retention OUT [DATA] RLUR beside PPO where returns listen to sessions as ever and four times as much
#   bench/headline.sh speed OUT DATA      steps a second; bench/peers has what it is compared with
# OUT is a folder. What is in it already is not made again, so an interrupted run goes on where it stopped. SWIPEGYM names
# another program than build/release/swipegym. SMALL=1 rehearses the same steps in minutes on a small synthetic log (all
# but policies).
set -eu
usage() { sed -n '2,17p' "$0"; exit 2; }
[ $# -ge 2 ] || usage
figure=$1 out=$2 data=${3:-}
root=$(dirname "$0")/..
swipegym=${SWIPEGYM:-$root/build/release/swipegym}
settings=$root/configs/results
small=${SMALL:-}
mkdir -p "$out"
# make FILE COMMAND...: runs it unless the file is there.
make() {
  file=$1
  shift
  [ -e "$file" ] || { echo "== $*"; "$@"; }
}
# smaller FILE WORD=NUMBER...: the settings as they are; for a rehearsal a copy with other numbers.
smaller() {
  file=$1
  shift
  [ -n "$small" ] || { echo "$file"; return; }
  copy=$out/small-$(basename "$file")
  cp "$file" "$copy"
  for change in "$@"; do
    sed -i "s/\"${change%%=*}\": [0-9]*/\"${change%%=*}\": ${change#*=}/" "$copy"
  done
  echo "$copy"
}

# The real log, or what stands for it in a rehearsal.
real_log() {
  if [ -n "$small" ]; then
    data=$out/tiny
    make "$data" "$swipegym" data synth --preset tiny --seed 1 --out "$data"
  fi
  [ -n "$data" ] || usage
}
# Its simulator, $out/sim.h5.
real_simulator() {
  real_log
  make "$out/sim.h5" "$swipegym" fit --data "$data" --until 20220504 \
    --config "$(smaller "$settings"/fidelity_fit.json max_updates=100)" --out "$out/sim.h5"
}

# One of 4,369,953 videos, or of the preset that stands for it, $out/k1.h5.
million_simulator() {
  make "$out/k1" "$swipegym" data synth --preset $preset --seed 1 --out "$out/k1"
  make "$out/k1.h5" "$swipegym" fit --data "$out/k1" --until 20220503 --out "$out/k1.h5"
}

# learners AT SIM M FIT: agents of each seed that were trained in a simulator, $AT-AGENT-FIT-M-sSEED.h5.
learners() {
  for agent in dqn ppo; do
    for seed in $seeds; do
      make "$1-$agent-$4-$3-s$seed.h5" "$swipegym" train $agent --simulator "$2" --seed "$seed" --threads 1 --quiet \
        --config "$(smaller "$settings/optimism_$agent$3.json" env_steps=30000)" \
        --out "$1-$agent-$4-$3-s$seed.h5"
    done
  done
}
# promises AT JUDGE: what policies promise in $AT-one.h5 and $AT-members.h5, and give in a judge.
promises() {
  at=$1 judge=$2
  simple=random,popularity,item-mean,longest,shortest,oracle
  for m in 10 100; do
    for fit in one members; do
      learners "$at" "$at-$fit.h5" $m $fit
      [ $fit = one ] && doubted= || doubted=,oracle:0.5,oracle:1,oracle:2
      make "$at-$fit-$m.json" "$swipegym" compare --simulator "$at-$fit.h5" --judge "$judge" --candidates $m --quiet \
        --sessions $((sessions / m)) --seeds 4 --resamples 200 --json "$at-$fit-$m.json" --threads 1 \
        --policies "$simple$doubted,dqn=$at-dqn-$fit-$m-s*.h5,ppo=$at-ppo-$fit-$m-s*.h5"
    done
  done
}

# ceiling [NAME...]: policies of these settings files of the ceiling, or of all; adds them to $policies.
ceiling() {
  if [ $# -eq 0 ]; then
    for given in "$settings"/ceiling_*.json; do
      name=$(basename "$given" .json)
      set -- "$@" "${name#ceiling_}"
    done
  fi
  for name in "$@"; do
    for seed in $seeds; do
      make "$out/$name-s$seed.h5" "$swipegym" train "${name%%_*}" --simulator "$out/sim.h5" --seed "$seed" \
        --config "$(smaller "$settings/ceiling_$name.json" env_steps=30000)" --out "$out/$name-s$seed.h5"
    done
    policies="$policies,$name=$out/$name-s*.h5"
  done
}

# retained NAME AGENT SETTINGS...: that agent of each seed in $world, $at-NAME-sSEED.h5; adds them to $policies.
retained() {
  name=$1 agent=$2
  shift 2
  for seed in $seeds; do
    # shellcheck disable=SC2086
    make "$at-$name-s$seed.h5" "$swipegym" train "$agent" --simulator "$world" --seed "$seed" --threads 1 --quiet "$@" $less \
      --out "$at-$name-s$seed.h5"
  done
  policies="$policies,$name=$at-$name-s*.h5"
}
# returns: what policies bring back of sessions in $world, and their best by watch ratios.
returns() {
  make "$at.json" "$swipegym" compare --simulator "$world" --no-oracle --reward return_day=100 --versus ppo --wide --quiet \
    --threads 1 --sessions $sessions --seeds 5 --resamples 200 --policies "$policies" --json "$at.json"
  make "$at-ceiling.json" "$swipegym" compare --simulator "$world" --reward watch_ratio=1 --policies oracle --quiet \
    --threads 1 --sessions $((sessions / 2)) --seeds 5 --json "$at-ceiling.json"
}
# lives: whole months of users under each policy, $at-month-NAME-sSEED.
lives() {
  for policy in random shortest item-mean ppo ppo_return rlur_1000 rlur_10000; do
    for seed in $seeds; do
      file=$policy
      [ ! -e "$at-$policy-s$seed.h5" ] || file=$at-$policy-s$seed.h5
      make "$at-month-$policy-s$seed" "$swipegym" generate --simulator "$world" --policy "$file" --seed "$seed" --threads 1 \
        --data "$world" --quiet --sessions $months --out "$at-month-$policy-s$seed"
    done
  done
}

case $figure in
  fidelity)
    real_simulator
    make "$out/fidelity.json" "$swipegym" fidelity --simulator "$out/sim.h5" --data "$data" --from 20220505 --until 20220506 \
      --json "$out/fidelity.json"
    ;;
  choices)
    real_log
    make "$out/standard.h5" "$swipegym" fit --data "$data" --log standard --until 20220506 \
      --config "$(smaller "$settings"/fidelity_fit.json max_updates=100)" --out "$out/standard.h5"
    for candidates in 10 100; do
      make "$out/choices-$candidates.json" "$swipegym" fidelity --simulator "$out/standard.h5" --data "$data" \
        --from 20220423 --until 20220506 --log random --candidates $candidates --json "$out/choices-$candidates.json"
    done
    ;;
  optimism)
    preset=pure seeds="1 2 3 4 5" sessions=50000 rows="--rows 300000"  # sessions times candidates
    [ -z "$small" ] || { preset=tiny seeds="1 2" sessions=2000 rows=; }
    for world in 1 2 3; do
      at=$out/world$world
      make "$at" "$swipegym" data synth --preset $preset --session-videos 20 $rows --seed $world --out "$at"
      fit="$swipegym fit --data $at"
      make "$at-one.h5" $fit --out "$at-one.h5"
      make "$at-members.h5" $fit --members 8 --out "$at-members.h5"
      promises "$at" truth
      for m in 10 100; do
        for agent in dqn ppo; do
          make "$at-$agent-truth-$m.json" "$swipegym" compare --simulator "$at" --candidates $m --quiet --no-oracle \
            --versus one --sessions 5000 --seeds 4 --resamples 200 --json "$at-$agent-truth-$m.json" --threads 1 \
            --policies "one=$at-$agent-one-$m-s*.h5,members=$at-$agent-members-$m-s*.h5"
        done
      done
    done
    if [ -n "$data" ]; then
      fit="$swipegym fit --data $data --until 20220504 --config $settings/policies_fit30.json"
      make "$out/slice-one.h5" $fit --users-fold 1/2 --out "$out/slice-one.h5"
      make "$out/slice-members.h5" $fit --users-fold 1/2 --members 8 --out "$out/slice-members.h5"
      make "$out/judge.h5" $fit --users-fold 0/2 --watch-head hazard --seed 7 --out "$out/judge.h5"
      promises "$out/slice" "$out/judge.h5"
    fi
    python3 "$root/bench/optimism_table.py" "$out"
    ;;
  ceiling)
    real_simulator
    seeds="1 2 3 4 5" sessions=2000 states=100  # sessions of the returns, sessions whose states are asked about
    [ -z "$small" ] || seeds="1 2" sessions=20 states=20
    policies=random
    ceiling
    for candidates in 10 100; do
      compare="$swipegym compare --simulator $out/sim.h5 --policies $policies,oracle --candidates $candidates --seeds 5"
      make "$out/ceiling-$candidates.json" $compare --sessions $sessions --versus dqn --json "$out/ceiling-$candidates.json"
      make "$out/expected-$candidates.json" $compare --sessions $states --versus dqn --expected \
        --json "$out/expected-$candidates.json"
    done
    ;;
  boosted)
    real_simulator
    seeds="1 2 3 4 5" policies= less=
    [ -z "$small" ] || seeds="1 2" less="--steps 4000 --trials 1 --seeds 2 --sessions 10=40,20=20 --states 10=20,20=20 --held-out 20"
    ceiling dqn dqn_myopic dqn_drawn
    # shellcheck disable=SC2086
    PYTHONPATH=${PYTHONPATH:-$root/build/release/python/package} "${PYTHON:-python3}" "$root/bench/boosted.py" "$out/boosted" \
      --simulator "$out/sim.h5" --policies "${policies#,}" $less
    ;;
  worlds)
    preset=pure seeds="1 2 3 4 5" sessions=2000
    [ -z "$small" ] || preset=tiny seeds="1 2" sessions=100
    for world in 1 2; do
      at=$out/world$world
      make "$at" "$swipegym" data synth --preset $preset --seed $world --out "$at"
      make "$at.h5" "$swipegym" fit --data "$at" --until 20220503 \
        --config "$(smaller "$settings"/worlds_fit.json max_updates=100)" --out "$at.h5"
      for seed in $seeds; do
        for agent in dqn former; do
          make "$at-$agent-s$seed.h5" "$swipegym" train dqn --simulator "$at.h5" --seed "$seed" \
            --config "$(smaller "$settings"/worlds_$agent.json env_steps=30000)" --out "$at-$agent-s$seed.h5"
        done
      done
      make "$at-ranker.h5" "$swipegym" train ranker --data "$at" --until 20220503 --out "$at-ranker.h5"
      policies="random,popularity,shortest,longest,item-mean,supervised=$at-ranker.h5"
      make "$at.json" "$swipegym" compare --simulator "$at.h5" --judge truth --sessions $sessions --seeds 5 --json "$at.json" \
        --policies "$policies,dqn=$at-dqn-s*.h5,former=$at-former-s*.h5,oracle" --versus former
      make "$at-truth.json" "$swipegym" compare --simulator "$at" --no-oracle --sessions $((4 * sessions)) --seeds 5 \
        --json "$at-truth.json" --policies "dqn=$at-dqn-s*.h5,former=$at-former-s*.h5" --versus former
    done
    ;;
  retention)
    seeds="1 2 3 4 5" sessions=8000 months=5000 less=
    [ -z "$small" ] || seeds="1 2" sessions=100 months=200 less="--set env_steps=24576"
    for listens in 4 1; do
      at=$out/listens$listens policies=random,shortest,longest,item-mean
      world=$at
      make "$at" "$swipegym" data synth --preset tiny --session-videos 20 --return-listens $listens --seed 1 --out "$at"
      retained ppo ppo
      retained rlur_1000 rlur --set retention.weight=1000
      retained rlur_10000 rlur --set retention.weight=10000
      if [ $listens = 4 ]; then
        retained ppo_return ppo --set world.reward.watch_s=1 --set world.reward.return_day=1000
        retained rlur_session rlur --set retention.weight=1000 --set retention.discount=0
        retained rlur_habit rlur --set retention.weight=1000 --set retention.normalise=false
        lives
      fi
      returns
    done
    if [ -n "$data" ]; then
      real_simulator
      at=$out/slice policies=random,shortest,longest,item-mean world=$out/sim.h5
      retained ppo ppo
      retained rlur_1000 rlur --set retention.weight=1000
      returns
    fi
    python3 "$root/bench/retention_table.py" "$out"
    ;;
  four_million)
    preset=1k sizes=10,100,1000,10000,all seeds=5
    [ -z "$small" ] || preset=tiny sizes=10,100,all seeds=2
    million_simulator
    "$swipegym" converge --simulator "$out/k1.h5" --sizes $sizes --seeds $seeds --agents dqn --out "$out/study" \
      --config "$(smaller "$settings"/four_million.json sessions=64 env_steps=8000 learning_starts=2000 fresh_candidates=100)" \
      --json "$out/four_million.json"
    ;;
  hierarchy)
    real_simulator
    seeds="1 2 3 4 5" sessions=60 offered="10=2000 100=500"  # of each evaluation seed: the oracle asks about every video
    [ -z "$small" ] || seeds="1 2" sessions=10 offered="10=20 100=20"
    for name in hierarchical hierarchical_best dqn_all full-output_all dqn_10 ppo_10 dqn_100 ppo_100; do
      for seed in $seeds; do
        make "$out/$name-s$seed.h5" "$swipegym" train "${name%%_*}" --simulator "$out/sim.h5" --seed "$seed" \
          --config "$(smaller "$settings/hierarchy_$name.json" env_steps=49152)" --threads 1 --out "$out/$name-s$seed.h5"
      done
    done
    policies=random,popularity,item-mean
    for name in hierarchical hierarchical_best dqn_all full-output_all; do
      policies="$policies,$name=$out/$name-s*.h5"
    done
    make "$out/all.json" "$swipegym" compare --simulator "$out/sim.h5" --source full --policies "$policies,oracle" \
      --sessions $sessions --seeds 5 --versus dqn_all --json "$out/all.json"
    for among in $offered; do
      m=${among%=*}
      make "$out/among-$m.json" "$swipegym" compare --simulator "$out/sim.h5" --candidates $m --sessions "${among#*=}" --seeds 5 \
        --policies "random,popularity,item-mean,dqn=$out/dqn_$m-s*.h5,ppo=$out/ppo_$m-s*.h5,oracle" --json "$out/among-$m.json"
    done
    ;;
  hierarchy_million)
    preset=1k sessions=26
    [ -z "$small" ] || preset=tiny sessions=10
    million_simulator
    for seed in 1 2 3; do
      make "$out/hierarchical-s$seed.h5" "$swipegym" train hierarchical --simulator "$out/k1.h5" --seed $seed \
        --config "$settings/hierarchy_million.json" --threads 1 --out "$out/hierarchical-s$seed.h5"
    done
    make "$out/million.json" "$swipegym" compare --simulator "$out/k1.h5" --source full --history-length 200 --no-oracle \
      --policies "random,popularity,hierarchical=$out/hierarchical-s*.h5" --sessions $sessions --seeds 5 \
      --json "$out/million.json"
    ;;
  policies)
    [ -n "$data" ] || usage
    exec "$root/bench/results.sh" "$swipegym" "${LABEL_STUDY:-$root/build/release/bench/label_study}" "$data" "$out"
    ;;
  speed)
    real_simulator
    for options in "--candidates 10" "--candidates 100" "--candidates 10 --history 200"; do
      "$swipegym" bench --simulator "$out/sim.h5" --threads 2 $options --json "$out/speed$(echo "$options" | tr -d ' -').json"
    done
    ;;
  *) usage ;;
esac
