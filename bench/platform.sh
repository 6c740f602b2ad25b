#!/usr/bin/env bash
# Seasons behind docs/results/platform.md. Each part can be interrupted and goes on where it stopped.
#
#   bench/platform.sh world OUT                 the truth: a synthetic release OUT/W, and a simulator fitted to it
#   bench/platform.sh flows OUT [SEEDS]         bandits and flows, ticks of an hour and of a day
#   bench/platform.sh uplift OUT [SEEDS]        levers for creators, by effect and supply
#   bench/platform.sh fitted OUT [SEEDS]        the same ranking in the fitted world
#   bench/platform.sh interference OUT [SEEDS]  a change tested by a split of users, and by whole worlds
#   bench/platform.sh tables OUT                what is there, as Markdown
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
part=${1:?world, flows, uplift, fitted or tables}
out=${2:?a folder for the seasons}
seeds=${3:-10}
program=${SWIPEGYM:-build/release/swipegym}
mkdir -p "$out/policies"

play() { "$program" platform --seeds "$seeds" "$@"; }
# KuaiRand-Pure keeps one visit of several, and so do the worlds made like it.
lively=(--users 1000 --visits 5)

# lever NAME SETTINGS: Bayes-UCB that cares for creators by these settings of the retriever.
lever() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb", "ties": "drawn", "places": "drawn",
  "count": 10, $2}]}
JSON
  printf '%s' "$1=$out/policies/$1.json"
}

# stacks NAME CATEGORIES WITHIN: flows in a stack for each of so many of a user's categories.
stacks() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "bucket", "edges": [10, 30, 100], "shares": [0.05, 0.1, 0.15, 0.7], "within": "$3",
  "categories": $2, "ties": "drawn", "places": "drawn", "count": 10}]}
JSON
  printf '%s' "$1=$out/policies/$1.json"
}

# inside NAME SHARES: flows with the upper end of the posterior inside each bucket.
inside() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "bucket", "edges": [10, 30, 100], "shares": [$2], "within": "bayes-ucb",
  "ties": "drawn", "places": "drawn", "count": 10}]}
JSON
  printf '%s' "$1=$out/policies/$1.json"
}

case $part in
  world)
    "$program" data synth --preset pure --session-videos 20 --seed 1 --out "$out/W"
    "$program" fit --data "$out/W" --out "$out/W.h5"
    ;;
  flows)
    rules=uniform,greedy,epsilon-greedy,ucb1,bayes-ucb,bayes-ucb-flat,thompson,thompson-flat,flow,wide-flow,flow-thompson
    play "${lively[@]}" --simulator "$out/W" --days 60 --out "$out/flows1h" \
      --policies "$rules,$(inside wide-flow-bayes 0.1,0.2,0.2,0.5)"
    play "${lively[@]}" --simulator "$out/W" --days 60 --tick-hours 24 --policies "$rules" --out "$out/flows24h"
    play "${lively[@]}" --simulator "$out/W" --days 60 --out "$out/stacks" \
      --policies "flow,bayes-ucb,$(stacks k1 1 mean),$(stacks k3 3 mean),$(stacks k3-thompson 3 thompson),$(
        stacks k10 10 mean),$(inside flow-bayes 0.05,0.1,0.15,0.7),$(inside wide-flow-bayes 0.1,0.2,0.2,0.5),$(
        inside even-flow-bayes 0.25,0.25,0.25,0.25)"
    ;;
  uplift)
    levers=$(lever none '"uplift": 0'),$(lever uplift5 '"uplift": 5'),$(lever uplift20 '"uplift": 20')
    levers=$levers,$(lever boost05 '"new_creator": 0.05'),$(lever targeted20 '"new_creator": 0.2, "new_rate": 0.25')
    for effect in strong mild none; do
      play "${lively[@]}" --simulator "$out/W" --days 90 --burn-in 0 --effect "$effect" --policies "$levers" --out "$out/uplift-$effect"
    done
    play "${lively[@]}" --simulator "$out/W" --days 90 --burn-in 0 --creators-a-user 0.25 --policies "$levers" --out "$out/uplift-scarce"
    ;;
  fitted)
    rules=uniform,greedy,epsilon-greedy,ucb1,bayes-ucb,thompson,flow,flow-thompson
    # As often as in the log: the fitted model's returns depend on how much a user watched in the last days.
    for world in W W.h5; do
      play --simulator "$out/$world" --visits 1 --users 2000 --days 30 --burn-in 5 --policies "$rules" --out "$out/rank-$world"
    done
    ;;
  interference)
    care=$(lever uplift20 '"uplift": 20')
    play "${lively[@]}" --simulator "$out/W" --days 60 --policies "bayes-ucb,thompson,uniform,$care" --out "$out/whole"
    for change in thompson uniform "${care#*=}"; do
      name=$(basename "$change" .json)
      play "${lively[@]}" --simulator "$out/W" --days 60 --policies bayes-ucb --split "$change" --out "$out/split-$name"
    done
    ;;
  tables)
    if [ -e "$out/whole/season.csv" ]; then
      echo && echo "interference" && echo "| policy | whole worlds | split of users | bias |" && echo "| --- | --- | --- | --- |"
      for change in thompson uniform uplift20; do
        python3 bench/platform_table.py "$out/whole" --days 20:60 --split "$out/split-$change" --change "$change"
      done
    fi
    for study in flows1h flows24h stacks; do
      if [ -e "$out/$study/season.csv" ]; then
        echo && echo "$study" && python3 bench/platform_table.py "$out/$study" --days 20:60 \
          --measures seconds,regret,discovery,uploads,creators,newcomers,gini
      fi
    done
    for study in uplift-strong uplift-mild uplift-none uplift-scarce; do
      if [ -e "$out/$study/season.csv" ]; then
        echo && echo "$study" && python3 bench/platform_table.py "$out/$study" --days 0:30,60:90 \
          --measures seconds,uploads,creators,newcomers
      fi
    done
    if [ -e "$out/rank-W.h5/season.csv" ]; then
      for world in W W.h5; do
        echo && echo "$world" && python3 bench/platform_table.py "$out/rank-$world" --days 5:30 \
          --measures seconds,regret,uploads --tau "$out/rank-W"
      done
    fi
    ;;
  *) echo "world, flows, uplift, fitted, interference or tables, not '$part'" >&2; exit 2 ;;
esac
