#!/usr/bin/env bash
# Seasons behind docs/results/platform.md. Each part can be interrupted and goes on where it stopped.
#
#   bench/platform.sh world OUT                 the truth: a synthetic release OUT/W, and a simulator fitted to it
#   bench/platform.sh flows OUT [SEEDS]         bandits and flows, ticks of an hour and of a day
#   bench/platform.sh uplift OUT [SEEDS]        levers for creators, by effect and supply
#   bench/platform.sh mimic OUT [SEEDS]         levers for creators in worlds where viewers imitate what they watch
#   bench/platform.sh score OUT [SEEDS]         one score of a network: seconds of the user, and of the uploads that a show brings
#   bench/platform.sh fitted OUT [SEEDS]        the same ranking in the fitted world
#   bench/platform.sh interference OUT [SEEDS]  a change tested by a split of users, and by whole worlds
#   bench/platform.sh rabbit OUT [SEEDS]        diversity over weeks: entropy, seconds, drift of tastes; and where nothing drifts
#   bench/platform.sh categories OUT [SEEDS]    flows by category and by deviation of vectors, with wrong tags, drifting tastes
#   bench/platform.sh refit OUT [SEEDS]         networks that learn every night or never, with creators' ids and without
#   bench/platform.sh speed OUT                 5,000 users under two towers and a network, refitted every night and never
#   bench/platform.sh tables OUT                what is there, as Markdown
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
part=${1:?world, flows, uplift, mimic, score, fitted, interference, rabbit, categories, refit, speed or tables}
out=${2:?a folder for the seasons}
seeds=${3:-10}
program=${SWIPEGYM:-build/release/swipegym}
mkdir -p "$out/policies"

play() { "$program" platform --seeds "$seeds" "$@"; }
# KuaiRand-Pure keeps one visit of several, and so do the worlds made like it.
lively=(--users 1000 --visits 5)
usual=(--users 1000 --visits 2)

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

# scored NAME KAPPA UPLIFT: the 60 best uploads by the upper end of their posteriors and so much for what a watch brings in uploads,
# ranked by seconds + kappa * uplift * V.
scored() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb", "ties": "drawn", "count": 60, "uplift": $3}],
 "score": {"use": "multitask", "file": "multitask-W.h5"}, "value": {"watch_s": 1, "uplift": $2}}
JSON
  printf '%s' "$1=$out/policies/$1.json"
}

# networks: two towers and networks with several heads, with creators' ids and without, trained on the truth's last days.
networks() {
  local days=(--data "$out/W" --from 20220430 --until 20220507 --validate-until 20220508)
  local towers=$out/policies/two_tower heads
  [ -e "$towers.h5" ] && [ -e "$out/policies/no-id.h5" ] && return
  echo '{"epochs": 3}' > "$towers.json"
  "$program" supervised two-tower "${days[@]}" --config "$towers.json" --out "$towers.h5"
  for kind in id no-id; do
    heads='"heads": {"watch": 1, "click": 1, "like": 1}, "epochs": 2'
    echo "{$heads, \"network\": {\"creator_id\": $([ "$kind" = id ] && echo true || echo false)}}" > "$out/policies/$kind-config.json"
    "$program" supervised multitask "${days[@]}" --config "$out/policies/$kind-config.json" --out "$out/policies/$kind.h5"
  done
}

# served NAME SCORER: 80 uploads by two towers and 20 by the upper end of their posteriors, scored by a network.
served() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "vectors", "file": "two_tower.h5", "count": 80},
  {"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb", "ties": "drawn", "count": 20}],
 "score": {$2}, "value": {"watch_s": 1}}
JSON
  echo "$1=$out/policies/$1.json"
}

# order NAME NETWORK ORDER: the 60 best uploads by the upper end of their posteriors, scored by a network, then ordered.
order() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "bucket", "edges": [], "shares": [1], "within": "bayes-ucb", "ties": "drawn", "count": 60}],
 "score": {"use": "multitask", "file": "$2"}, "value": {"watch_s": 1}, "order": [{"use": "slate"$3}]}
JSON
  printf '%s' "$1=$out/policies/$1.json"
}

# orders NETWORK: without anything, and each remedy by itself.
orders() {
  order value "$1" ""
  printf ','; order mmr "$1" ', "method": "mmr", "mmr_lambda": 0.3'
  printf ','; order dpp "$1" ', "method": "dpp", "dpp_theta": 1'
  printf ','; order ssd "$1" ', "method": "ssd", "ssd_gamma": 1'
  printf ','; order damping "$1" ', "inventory": {"kappa": 1}'
  printf ','; order bring-back "$1" ', "bring_back": {"probability": 1, "place": "drawn"}'
  printf ','; order tag-cap "$1" ', "rules": {"tag_cap": 2}'
}

# small NAME OPTIONS: a smaller release of the same world.
small() {
  [ -e "$out/$1/truth.json" ] ||
    "$program" data synth --preset pure --session-videos 20 --rows 300000 --seed 1 --out "$out/$1" "${@:2}"
}

# network MODEL NAME RELEASE
network() {
  [ -e "$out/policies/$2" ] || "$program" supervised "$1" --data "$out/$3" --until 20220504 --validate-until 20220508 \
    --seed 1 --quiet --out "$out/policies/$2"
}

# embedding NAME EDGES: flows by how sure towers are of a video's vector, the surest in the first bucket.
embedding() {
  cat > "$out/policies/$1.json" << JSON
{"retrieve": [{"use": "bucket", "measure": "embedding", "vectors": "variational.h5", "edges": [$2],
  "shares": [0.7, 0.15, 0.1, 0.05], "within": "bayes-ucb", "ties": "drawn", "places": "drawn", "count": 10}]}
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
  mimic)
    # Three creators in ten imitate: one more video watched brings them some .03 uploads in a week.
    echo '{"world": {"creators": {"mimic_rate": 0.01, "mimicking": 0.3}}}' > "$out/mimic.json"
    levers=$(lever none '"uplift": 0'),$(lever mimic1 '"mimic": 1'),$(lever mimic5 '"mimic": 5')
    levers=$levers,$(lever mimic5v '"mimic": 5, "uploads": "valued"'),$(lever mimic20v '"mimic": 20, "uploads": "valued"')
    levers=$levers,$(lever uplift5 '"uplift": 5'),$(lever uplift5v '"uplift": 5, "uploads": "valued"')
    levers=$levers,$(lever both5v '"uplift": 5, "mimic": 5, "uploads": "valued"')
    play "${lively[@]}" --config "$out/mimic.json" --simulator "$out/W" --days 60 --burn-in 0 --policies "$levers" --out "$out/mimic"
    ;;
  score)
    network multitask multitask-W.h5 W
    play "${lively[@]}" --simulator "$out/W" --days 40 --burn-in 20 --out "$out/score" --policies "$(scored kappa0 0 0),$(
      scored kappa1 1 0),$(scored kappa5 5 0),$(scored kappa20 20 0),$(scored both20 20 20),$(scored found20 0 20)"
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
  rabbit)
    small small && small still --no-satiation && small calm --taste-drift 0 && small moved --taste-drift 4
    for world in small still calm moved; do
      network multitask "multitask-$world.h5" "$world"
      play "${usual[@]}" --simulator "$out/$world" --days 60 --out "$out/rabbit-$world" \
        --policies "$(orders "multitask-$world.h5"),uniform,bayes-ucb,$(stacks k1 1 bayes-ucb)"
    done
    ;;
  categories)
    small small && small moved --taste-drift 4
    network variational-two-tower variational.h5 small
    flows=$(stacks k1 1 bayes-ucb),$(stacks k3 3 bayes-ucb),$(stacks k10 10 bayes-ucb)
    flows=$(inside one-flow 0.05,0.1,0.15,0.7),$flows,$(embedding embedding 0.40,0.47,0.53),bayes-ucb,uniform
    for wrong in 0 0.2 0.4; do
      play "${usual[@]}" --simulator "$out/small" --days 60 --wrong-tags "$wrong" --policies "$flows" --out "$out/categories-$wrong"
    done
    play "${usual[@]}" --simulator "$out/moved" --days 60 --policies "$flows" --out "$out/categories-moved"
    ;;
  refit)
    networks
    for kind in id no-id; do served "$kind" '"use": "multitask", "file": "'"$kind"'.h5"'; done > "$out/policies/refit.txt"
    list=bayes-ucb,$(paste -sd, "$out/policies/refit.txt")
    play "${lively[@]}" --simulator "$out/W" --days 60 --policies "$list" --out "$out/refit-never"
    list=$list,$(served neural-linear '"use": "neural_linear", "file": "id.h5", "head": "watch", "choice": "thompson"')
    play "${lively[@]}" --simulator "$out/W" --days 60 --policies "$list" --refit-every 1 --out "$out/refit-nightly"
    # Bayes-UCB has no network: it stands in one of the two.
    mkdir -p "$out/refit"
    { sed 's/^\(id\|no-id\),/\1 never,/' "$out/refit-never/season.csv"
      sed -n 's/^\(id\|no-id\|neural-linear\),/\1 nightly,/p' "$out/refit-nightly/season.csv"; } > "$out/refit/season.csv"
    ;;
  speed)
    networks
    policy=$(served id '"use": "multitask", "file": "id.h5"')
    for every in 0 1; do
      rm -rf "$out/speed"
      command time -f "refitted every $every nights: %U s of processor time, %e s, %M kB" "$program" platform \
        --simulator "$out/W" --users 5000 --visits 15 --days "${3:-6}" --burn-in 0 --seeds 1 --threads 2 --quiet \
        --policies "$policy" --refit-every "$every" --out "$out/speed" | grep shown
    done
    ;;
  tables)
    if [ -e "$out/refit/season.csv" ]; then
      echo && echo "refit" && python3 bench/platform_table.py "$out/refit" --days 20:60 \
        --measures seconds,regret,discovery,uploads,newcomers,gini
    fi
    for world in small still calm moved; do
      if [ -e "$out/rabbit-$world/season.csv" ]; then
        echo && echo "rabbit-$world" && python3 bench/platform_table.py "$out/rabbit-$world" --days 20:60 --versus value \
          --measures seconds,returns,entropy,top_category,drift,echo --until second_interest,third_interest
      fi
    done
    for world in 0 0.2 0.4 moved; do
      if [ -e "$out/categories-$world/season.csv" ]; then
        echo && echo "categories-$world" && python3 bench/platform_table.py "$out/categories-$world" --days 20:60 \
          --versus one-flow --measures seconds,discovery,entropy,drift,echo --until second_interest,third_interest
      fi
    done
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
    if [ -e "$out/mimic/season.csv" ]; then
      echo && echo mimic && python3 bench/platform_table.py "$out/mimic" --days 0:20,20:60 --measures seconds,uploads,creators,newcomers
    fi
    if [ -e "$out/score/season.csv" ]; then
      echo && echo score && python3 bench/platform_table.py "$out/score" --days 20:40 --measures seconds,uploads,creators,newcomers
    fi
    if [ -e "$out/rank-W.h5/season.csv" ]; then
      for world in W W.h5; do
        echo && echo "$world" && python3 bench/platform_table.py "$out/rank-$world" --days 5:30 \
          --measures seconds,regret,uploads --tau "$out/rank-W"
      done
    fi
    ;;
  *) echo "world, flows, uplift, mimic, score, fitted, interference, rabbit, categories, refit, speed or tables, not '$part'" >&2; exit 2 ;;
esac
